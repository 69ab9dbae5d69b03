"""Predicted boxes matched with true boxes as COCO does, and metrics of the matches with weights.

The pictures are matched once. Every metric is then computed from the matches and from how often
each picture counts, so that pictures or groups of pictures can be resampled. With all weights 1,
the average precision equals that of pycocotools and faster-coco-eval.

COCO: T.-Y. Lin et al. 2014, arXiv 1405.0312.

Shapes: N pictures, K classes with true boxes, T thresholds of the overlap (IoU), M predicted boxes
of these classes, R resamples.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tenfold.answers.detection.suppression import overlaps
from tenfold.core.text import natural

__all__ = ["LEVELS", "OVERLAPS", "ROUNDING", "TOP", "Matches", "Scored", "Truth", "inside"]

Truth = Sequence[tuple[str, float, float, float, float]]
"""Boxes as (class, x0, y0, x1, y1) in fractions of the picture."""
Scored = tuple[Truth, Sequence[float]]
"""Predicted boxes and their scores."""

OVERLAPS = np.linspace(0.5, 0.95, 10)
"""The ten thresholds of the overlap that `map50_95` is the mean over."""
ALL_LEVELS = (1 << len(OVERLAPS)) - 1
LEVELS = np.linspace(0.01, 0.99, 99).round(2)
"""Confidences at which precision and recall are computed."""
RECALLS = np.linspace(0, 1, 101)
TOP = 100
"""Boxes of a picture and class that are scored, those with the highest scores."""
ROUNDING = 1e-6
"""An overlap may be this much below its threshold, because fractions of pixels are rounded."""


@dataclass(frozen=True)
class ClassMatches:
    """The predicted boxes of one class in all pictures, the highest score first.

    `rows` (M,) is the picture of each box, `scores` (M,) its score. `hits` (M, T) is True if the
    box is matched with a true box at that overlap; `ignored` (M, T) if it lies on an ignored
    box. `truths` (N,) is the number of true boxes of each picture. `rank` (M,) is the place of
    the box among those of its picture.
    """

    name: str
    rows: np.ndarray
    scores: np.ndarray
    hits: np.ndarray
    ignored: np.ndarray
    truths: np.ndarray
    rank: np.ndarray

    def average_precision(self, weights: np.ndarray, levels: slice) -> np.ndarray:
        """Returns the average precision at the overlaps of `levels`; NaN without a true box.

        `weights` (N,) is how often each picture counts.
        """
        total = float(weights @ self.truths)
        counts = weights[self.rows]
        said = np.cumsum(counts) if self._all_count else np.zeros(0)
        found = []
        for level in range(*levels.indices(len(OVERLAPS))):
            hits = self._hits[level]
            if not self._all_count:
                said = np.cumsum(counts * ~self.ignored[:, level])
            found.append(_interpolated(np.cumsum(counts[hits]), said[hits], total))
        return np.array(found)

    @functools.cached_property
    def _hits(self) -> list[np.ndarray]:
        """The places of the matched boxes at each overlap."""
        return [np.flatnonzero(column) for column in self.hits.T]

    @functools.cached_property
    def _all_count(self) -> bool:
        return not self.ignored.any()

    def counts(self, thresholds: np.ndarray) -> np.ndarray:
        """Returns (N, 3) counts of correct, predicted and true boxes at an overlap of 0.5."""
        sure, pictures = self.scores >= thresholds[self.rows], len(self.truths)
        right = np.bincount(self.rows[sure & self.hits[:, 0]], minlength=pictures)
        said = np.bincount(self.rows[sure & ~self.ignored[:, 0]], minlength=pictures)
        return np.stack([right, said, self.truths], 1)


def _interpolated(right: np.ndarray, said: np.ndarray, total: float) -> float:
    """Returns the mean of the highest precision at 101 recalls or more (as pycocotools).

    `right` and `said` are the numbers of correct and of all boxes down to each correct box; `total`
    is the number of true boxes. NaN if it is 0.
    """
    if not total:
        return float("nan")
    if not len(right) or not right[-1]:
        return 0.0
    precision = np.maximum.accumulate((right / np.maximum(said, 1))[::-1])[::-1]
    places = np.searchsorted(right / total, RECALLS, side="left")
    return float(precision[places[places < len(precision)]].sum() / len(RECALLS))


@dataclass(frozen=True)
class Matches:
    """The matches of every class that has true boxes."""

    classes: tuple[ClassMatches, ...]
    pictures: int

    @staticmethod
    def of(
        predicted: Sequence[Scored], truths: Sequence[Truth], ignored: Sequence[Truth]
    ) -> Matches:
        """Matches the predicted boxes of N pictures with the true boxes of their class.

        An ignored box is neither right nor wrong to predict; one with the class "" is so for all
        classes.
        """
        every = [*truths, *(boxes for boxes, _ in predicted)]
        names = sorted({box[0] for boxes in every for box in boxes}, key=natural)
        return Matches(
            tuple(_matched(name, predicted, truths, ignored) for name in names), len(truths)
        )

    def mean_average_precision(self, weights: np.ndarray, levels: slice) -> float:
        """Returns the mean over classes with true boxes and the overlaps; 0 without a true box."""
        found = [one.average_precision(weights, levels).mean() for one in self.classes]
        known = [value for value in found if not np.isnan(value)]
        return float(np.mean(known)) if known else 0.0

    def counts(self, thresholds: np.ndarray) -> np.ndarray:
        """Returns (N, 3) counts of correct, predicted and true boxes at an overlap of 0.5.

        `thresholds` (N,) is the least score of a box that counts, for each picture.
        """
        found = np.zeros((self.pictures, 3), np.int64)
        for one in self.classes:
            found += one.counts(thresholds)
        return found

    def errors(self, thresholds: np.ndarray) -> np.ndarray:
        """Returns (N,) the missed boxes of each picture, plus the scores of its false boxes."""
        right, _, there = self.counts(thresholds).T
        false = np.zeros(self.pictures)
        for one in self.classes:
            wrong = (one.scores >= thresholds[one.rows]) & ~one.hits[:, 0] & ~one.ignored[:, 0]
            false += np.bincount(one.rows[wrong], one.scores[wrong], self.pictures)
        return there - right + false

    def recalled(self, thresholds: np.ndarray) -> tuple[np.ndarray, list[str], np.ndarray]:
        """Returns picture, class and whether it was found, of each true box."""
        rows, names, hits = [np.zeros(0, np.int64)], list[str](), [np.zeros(0, bool)]
        for one in self.classes:
            right, _, there = one.counts(thresholds).T
            row = np.repeat(np.arange(self.pictures), there)
            place = np.arange(len(row)) - np.repeat(np.cumsum(there) - there, there)
            rows, hits = [*rows, row], [*hits, place < right[row]]
            names += [one.name] * len(row)
        return np.concatenate(rows), names, np.concatenate(hits)

    def by_class(self, thresholds: np.ndarray) -> list[dict[str, Any]]:
        """Returns counts of boxes, precision, recall and F1 at the thresholds, of each class.

        `count_error` is the mean difference between the numbers of predicted and true boxes of a
        picture.
        """
        rows = []
        for one in self.classes:
            counts = one.counts(thresholds)
            right, said, there = map(int, counts.sum(0))
            rows.append(
                {
                    "class": one.name,
                    "precision": right / said if said else 0.0,
                    "recall": right / there if there else 0.0,
                    "f1": 2 * right / (said + there) if said + there else 0.0,
                    "support": there,
                    "predicted": said,
                    "count_error": float(np.abs(counts[:, 1] - counts[:, 2]).mean()),
                }
            )
        return rows

    def curve(self) -> list[list[float]]:
        """Returns (threshold, precision, recall, F1) at the confidences LEVELS."""
        counts = np.zeros((len(LEVELS), 2), np.int64)
        for one in self.classes:
            kinds = (one.hits[:, 0], ~one.ignored[:, 0])
            for column, kind in enumerate(kinds):
                scores = np.sort(one.scores[kind])
                counts[:, column] += len(scores) - np.searchsorted(scores, LEVELS)
        right, said = counts.T
        there = sum(int(one.truths.sum()) for one in self.classes)
        values = (
            LEVELS,
            right / np.maximum(1, said),
            right / max(1, there),
            2 * right / np.maximum(1, said + there),
        )
        return [[round(float(value), 4) for value in row] for row in zip(*values, strict=True)]

    def best_threshold(self, usual: float) -> float:
        """Returns the confidence of LEVELS with the highest F1, in the middle of equal ones.

        Returns `usual` if no box is found.
        """
        scores = np.array([row[3] for row in self.curve()])
        if not scores.max(initial=0.0):
            return usual
        best = np.flatnonzero(scores == scores.max())
        return float(LEVELS[best[len(best) // 2]])


def inside(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Returns the share (A, B) of each box (A, 4) that lies in each of `boxes` (B, 4)."""
    a, b = box.T[:, :, None], boxes.T[:, None]
    across = np.minimum(a[2], b[2]) - np.maximum(a[0], b[0])
    down = np.minimum(a[3], b[3]) - np.maximum(a[1], b[1])
    area = (a[2] - a[0]) * (a[3] - a[1])
    return np.asarray(across.clip(0) * down.clip(0) / np.maximum(area, 1e-12))


def _matched(
    name: str, predicted: Sequence[Scored], truths: Sequence[Truth], ignored: Sequence[Truth]
) -> ClassMatches:
    parts = []
    for row, (boxes, scores) in enumerate(predicted):
        own = [place for place, box in enumerate(boxes) if box[0] == name]
        if not own:
            continue
        sure = np.array([scores[place] for place in own], float)
        order = np.argsort(-sure, kind="stable")[:TOP]
        corners = np.array([boxes[own[place]][1:] for place in order], float)
        hits = _greedy(overlaps(corners, _corners(truths[row], {name})))
        covered = inside(corners, _corners(ignored[row], {name, ""})).max(1, initial=0.0)
        skipped = ~hits & (covered[:, None] >= OVERLAPS - ROUNDING)
        rank = np.arange(len(order))
        parts.append((np.full(len(order), row), sure[order], hits, skipped, rank))
    counts = np.array([sum(box[0] == name for box in boxes) for boxes in truths], np.int64)
    if not parts:
        none = np.zeros((0, len(OVERLAPS)), bool)
        empty = np.zeros(0, np.int64)
        return ClassMatches(name, empty, np.zeros(0), none, none, counts, empty)
    rows, sure, hits, skipped, rank = (np.concatenate(one) for one in zip(*parts, strict=True))
    order = np.argsort(-sure, kind="stable")
    rows, sure, hits, skipped = rows[order], sure[order], hits[order], skipped[order]
    return ClassMatches(name, rows, sure, hits, skipped, counts, rank[order])


def _corners(boxes: Truth, names: set[str]) -> np.ndarray:
    return np.array([box[1:5] for box in boxes if box[0] in names], float).reshape(-1, 4)


def _greedy(shared: np.ndarray) -> np.ndarray:
    """Returns (M, T) True for boxes that get a true box; `shared` (M, G) is their overlap.

    In the order of the boxes, each gets the free true box that it overlaps most, if the overlap
    reaches the threshold; of equal ones the last. Bit t of a number stands for threshold t.
    """
    boxes, trues = np.nonzero(shared >= OVERLAPS[0] - ROUNDING)
    reached = np.searchsorted(OVERLAPS - ROUNDING, shared[boxes, trues], side="right")
    order = np.lexsort((-trues, -shared[boxes, trues], boxes))
    free, taken = [ALL_LEVELS] * shared.shape[1], [0] * len(shared)
    pairs = zip(boxes[order].tolist(), trues[order].tolist(), reached[order].tolist(), strict=True)
    for box, true, levels in pairs:
        gets = ((1 << levels) - 1) & free[true] & ~taken[box]
        taken[box] |= gets
        free[true] &= ~gets
    return (np.array(taken, np.int64)[:, None] >> np.arange(len(OVERLAPS)) & 1).astype(bool)
