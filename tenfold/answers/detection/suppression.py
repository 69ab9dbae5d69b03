"""Non-maximum suppression of boxes with box voting, in numpy alone.

Of boxes of one class that overlap, the one with the highest score stays (greedy suppression), and
its corners become the mean of the boxes that nearly coincide with it, weighted by their scores (box
voting: S. Gidaris and N. Komodakis 2015, arXiv 1505.01749).

Shapes: M candidates, n boxes that are kept; boxes are x0, y0, x1, y1 in any unit.
"""

from __future__ import annotations

import numpy as np

__all__ = ["CANDIDATES", "VOTES", "overlaps", "suppressed"]

CANDIDATES = 2_000
"""Candidates of one class that are considered, those with the highest scores. With a few hundred,
crowded pictures lose boxes."""
VOTES = 0.75
"""Least overlap (IoU) with a kept box at which a candidate counts for its corners."""
BLOCK = 256
"""Candidates that are compared with each other at once."""


def suppressed(
    boxes: np.ndarray,
    scores: np.ndarray,
    classes: np.ndarray,
    overlap: float = 0.65,
    top: int = 100,
    votes: float = VOTES,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns boxes (n, 4), scores (n,) and classes (n,) after suppression, the best first.

    `boxes` (M, 4), `scores` (M,), `classes` (M,) numbers from 0. A box is removed if its IoU with a
    better box of its class is above `overlap`. At most `top` boxes are kept. Equal scores stay in
    the order of the candidates. Candidates are compared in blocks, the best first, and no block is
    read once `top` boxes are kept.
    """
    order = np.argsort(-scores, kind="stable")
    order = order[_rank_in_class(classes[order]) < CANDIDATES]
    corners, kinds = np.asarray(boxes[order], np.float32), classes[order]
    sure = np.asarray(scores[order], np.float32)
    kept = np.zeros(0, np.int64)
    for start in range(0, len(order), BLOCK):
        block = np.arange(start, min(start + BLOCK, len(order)))
        block = block[~_clash(corners, kinds, kept, block, overlap).any(0)]
        kept = np.concatenate([kept, block[_greedy(_clash(corners, kinds, block, block, overlap))]])
        if len(kept) >= top:
            break
    kept = kept[:top]
    return _voted(corners, sure, kinds, kept, votes), sure[kept], np.asarray(kinds[kept], np.int64)


def overlaps(ones: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Returns the IoU (A, B) of boxes (A, 4) with boxes (B, 4)."""
    a, b = ones.T[:, :, None], others.T[:, None]
    across = np.minimum(a[2], b[2]) - np.maximum(a[0], b[0])
    down = np.minimum(a[3], b[3]) - np.maximum(a[1], b[1])
    shared = across.clip(0) * down.clip(0)
    areas = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return np.asarray(shared / np.maximum(areas - shared, 1e-12))


def _clash(
    boxes: np.ndarray, classes: np.ndarray, ones: np.ndarray, others: np.ndarray, overlap: float
) -> np.ndarray:
    """Returns (A, B) True where two boxes of one class overlap too much; both are places (A,)."""
    alike = classes[ones][:, None] == classes[others]
    return np.asarray((overlaps(boxes[ones], boxes[others]) > overlap) & alike)


def _greedy(clash: np.ndarray) -> np.ndarray:
    """Returns (B,) True for boxes that no better remaining box clashes with; the best is first."""
    left = np.ones(len(clash), bool)
    for place in range(len(clash)):
        if left[place]:
            left[place + 1 :] &= ~clash[place, place + 1 :]
    return left


def _voted(
    boxes: np.ndarray, scores: np.ndarray, classes: np.ndarray, kept: np.ndarray, votes: float
) -> np.ndarray:
    """Returns the corners (n, 4) of the kept boxes as means of the candidates that coincide."""
    found = np.empty((len(kept), 4), np.float32)
    for one in np.unique(classes[kept]):
        own, voters = np.flatnonzero(classes[kept] == one), np.flatnonzero(classes == one)
        weights = (overlaps(boxes[kept[own]], boxes[voters]) >= votes) * scores[voters]
        weights[np.arange(len(own)), np.searchsorted(voters, kept[own])] = scores[kept[own]]
        found[own] = weights @ boxes[voters] / np.maximum(weights.sum(1, keepdims=True), 1e-12)
    return found


def _rank_in_class(classes: np.ndarray) -> np.ndarray:
    """Returns how many candidates of the same class stand before each (M,)."""
    order = np.argsort(classes, kind="stable")
    ranked = classes[order]
    rank = np.empty(len(classes), np.int64)
    rank[order] = np.arange(len(classes)) - np.searchsorted(ranked, ranked)
    return rank
