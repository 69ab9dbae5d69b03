"""Joins the masks of the planes of a stack: an object in neighbouring planes is one object.

Shapes: Z planes of H x W pixels, M objects of a plane.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tenfold.answers.segmentation.prediction import Mask, mask_of
from tenfold.core.results import rounded

__all__ = ["stacked"]

LEAST_OVERLAP = 0.5
"""Share of the smaller of two objects above which they are one object."""


def stacked(planes: Sequence[Mask], starts: Sequence[bool] = ()) -> Mask:
    """Returns the masks of the planes of a stack as one, (Z, H, W).

    Objects of the same class in neighbouring planes are one object if more than half of the
    smaller one lies in the other. Each object has at most one partner in a plane; pairs with the
    largest IoU come first. `starts[z]` is True where a plane has no neighbour before it, such as
    the first one of a time. Confidence and intensity of an object are means over its pixels.
    """
    pixels = np.stack([one.pixels for one in planes])
    first, sure = planes[0], float(np.mean([one.confidence for one in planes]))
    if not first.told_apart:
        return mask_of(pixels, first.classes, None, sure, micrometres=first.micrometres)
    numbers = np.zeros(pixels.shape, np.uint32)
    parts: list[list[dict[str, Any]]] = []
    before = np.zeros(0, np.int64)
    for place, one in enumerate(planes):
        shown = one.object_numbers
        own = np.zeros(len(one.objects), np.int64)
        if place and not (starts and starts[place]):
            last = planes[place - 1]
            for row, column in _pairs(last, one, shown):
                own[column] = before[row]
        new = own == 0
        own[new] = len(parts) + 1 + np.arange(new.sum())
        parts.extend([] for _ in range(int(new.sum())))
        for number, about in zip(own, one.objects, strict=True):
            parts[number - 1].append(about)
        numbers[place] = np.append(0, own)[shown]
        before = own
    found = mask_of(pixels, first.classes, numbers, sure, micrometres=first.micrometres)
    for about, own_parts in zip(found.objects, parts, strict=True):
        about.update(_means(own_parts))
    return found


def _pairs(before: Mask, after: Mask, shown: np.ndarray) -> list[tuple[int, int]]:
    """Returns the objects, from 0, of two neighbouring planes that are one object.

    `shown` has the object numbers of the plane `after`.
    """
    numbers = before.object_numbers
    both = np.flatnonzero((numbers > 0) & (shown > 0))
    count = len(after.objects)
    codes = (numbers.ravel()[both].astype(np.int64) - 1) * count + shown.ravel()[both] - 1
    codes, shared = np.unique(codes, return_counts=True)
    rows, columns = np.divmod(codes, max(1, count))
    areas = [np.array([one["area"] for one in mask.objects], np.int64) for mask in (before, after)]
    names = [np.array([one["class"] for one in mask.objects]) for mask in (before, after)]
    low, high = areas[0][rows], areas[1][columns]
    fits = shared > LEAST_OVERLAP * np.minimum(low, high)
    if len(codes):
        fits &= names[0][rows] == names[1][columns]
    ious = shared / (low + high - shared)
    free = np.ones(len(areas[0]), bool), np.ones(count, bool)
    found = []
    for at in np.argsort(-ious, kind="stable"):
        row, column = int(rows[at]), int(columns[at])
        if fits[at] and free[0][row] and free[1][column]:
            free[0][row] = free[1][column] = False
            found.append((row, column))
    return found


def _means(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Returns the confidence and the intensities of an object from those of its planes."""
    areas = np.array([one["area"] for one in parts], float)
    found: dict[str, Any] = {}
    if all("confidence" in one for one in parts):
        found["confidence"] = rounded(
            float(areas @ [one["confidence"] for one in parts] / areas.sum())
        )
    if all("intensity" in one for one in parts):
        means = areas @ np.array([one["intensity"] for one in parts]) / areas.sum()
        found["intensity"] = [rounded(float(one)) for one in means]
    return found
