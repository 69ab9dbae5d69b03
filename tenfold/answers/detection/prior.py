"""The usual boxes of a training set: what a detector that never looks at a picture predicts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tenfold.answers.detection.matches import Truth
from tenfold.answers.detection.suppression import overlaps

__all__ = ["usual_boxes"]

MAX_PLACES = 20
"""Largest number of boxes of one class."""
ROUNDS = 10
USED = 20_000
"""Boxes of a class that are grouped, evenly taken from all."""

Box = tuple[str, float, float, float, float]


def usual_boxes(many: Sequence[Truth]) -> tuple[tuple[Box, ...], tuple[float, ...]]:
    """Returns the boxes that occur most often, and their scores, the best first.

    `many` are the true boxes of each training picture. The boxes of a class are grouped by k-means,
    with as many groups as a picture with this class has boxes of it on average; the mean of a group
    is predicted. Its score is the share of the pictures with a box of this class that overlaps it
    by an IoU of at least 0.5.
    """
    found: list[tuple[float, Box]] = []
    for name in sorted({box[0] for boxes in many for box in boxes}):
        own = [[box[1:5] for box in boxes if box[0] == name] for boxes in many]
        row = np.repeat(np.arange(len(own)), [len(boxes) for boxes in own])
        every = np.array([box for boxes in own for box in boxes], float)
        places = _groups(every[:: -(-len(every) // USED)], round(len(every) / len(set(row))))
        hit = overlaps(every, places) >= 0.5
        for place, hits in zip(places, hit.T, strict=True):
            share = len(set(row[hits])) / len(many)
            found.append((share, (name, *map(float, place))))  # type: ignore[arg-type]
    found.sort(key=lambda one: -one[0])
    return tuple(box for _, box in found), tuple(float(share) for share, _ in found)


def _groups(boxes: np.ndarray, count: int) -> np.ndarray:
    """Returns the means (count, 4) of groups of alike boxes (n, 4), by k-means."""
    count = min(max(1, count), MAX_PLACES, len(boxes))
    order = np.argsort(boxes[:, 0] + boxes[:, 1], kind="stable")
    means = boxes[order[np.linspace(0, len(boxes) - 1, count).round().astype(int)]]
    for _ in range(ROUNDS):
        nearest = ((boxes[:, None] - means) ** 2).sum(2).argmin(1)
        own = [boxes[nearest == one] for one in range(count)]
        means = np.array([one.mean(0) if len(one) else means[k] for k, one in enumerate(own)])
    return means
