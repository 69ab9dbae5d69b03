"""Fills outlines: a pixel belongs to an outline where its centre lies inside.

By the even-odd rule, so that an inner ring is a hole. An edge at x covers the pixels left of it:
two rectangles that touch share no pixel and leave none out, and a rectangle of whole numbers has
exactly its area.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["filled"]


def filled(rings: Sequence[np.ndarray], height: int, width: int) -> np.ndarray:
    """Returns (height, width) True inside the rings, each (n, 2) float x, y in pixels.

    Parts outside the picture are cut off.
    """
    flips = np.zeros((height, width + 1), np.int32)
    for ring in rings:
        rows, columns = _crossings(np.asarray(ring, np.float64), height, width)
        np.add.at(flips, (rows, columns), 1)
    return (np.cumsum(flips[:, :width], axis=1) & 1).astype(bool)


def _crossings(ring: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the rows whose centre line an edge crosses, and the first column right of it."""
    ends = np.roll(ring, -1, axis=0)
    swapped = ring[:, 1] > ends[:, 1]
    upper = np.where(swapped[:, None], ends, ring)
    lower = np.where(swapped[:, None], ring, ends)
    first = np.clip(np.ceil(upper[:, 1] - 0.5), 0, height).astype(np.int64)
    last = np.clip(np.ceil(lower[:, 1] - 0.5), 0, height).astype(np.int64)
    counts = np.maximum(last - first, 0)
    edge = np.repeat(np.arange(len(ring)), counts)
    rows = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + first[edge]
    top, bottom = upper[edge], lower[edge]
    share = (rows + 0.5 - top[:, 1]) / (bottom[:, 1] - top[:, 1])
    crossed = top[:, 0] + share * (bottom[:, 0] - top[:, 0])
    return rows, np.clip(np.ceil(crossed - 0.5), 0, width).astype(np.int64)
