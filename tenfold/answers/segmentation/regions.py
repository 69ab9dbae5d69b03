"""Measures of the objects in a mask: class, area, box, centre, elongation, intensity.

Shapes: H x W pixels of the upright picture, or Z x H x W of a stack; M objects, P pixels of
objects, C channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tenfold.core.results import rounded

__all__ = ["class_of_each", "described", "intensities"]


def described(
    pixels: np.ndarray,
    numbers: np.ndarray,
    classes: Sequence[str],
    sure: np.ndarray | None = None,
    picture: np.ndarray | None = None,
) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Returns the objects numbered from 1 without gaps, and the description of each.

    `pixels` and `numbers` have the class and the object (0 = none) of each pixel, `sure` its
    probability, `picture` one more axis of channels. Pixels of objects whose class is not in
    `classes` belong to no object. The keys are those of `Mask.objects`.
    """
    numbers = np.where(pixels < len(classes), numbers, 0)
    inside = np.flatnonzero(numbers)
    names, place = np.unique(numbers.ravel()[inside], return_inverse=True)
    anew = np.zeros(numbers.size, np.uint32)
    anew[inside] = place + 1
    if not len(names):
        return anew.reshape(numbers.shape), []
    known = class_of_each(place, pixels.ravel()[inside], len(names))
    columns = _shapes(place, np.unravel_index(inside, numbers.shape), numbers.shape)
    columns["class"] = [classes[number] for number in known]
    if sure is not None:
        columns["confidence"] = _means(place, sure.ravel()[inside][:, None])[:, 0]
    if picture is not None:
        columns["intensity"] = intensities(anew, picture)
    order = ("class", "area", "box", "centre", "elongation", "confidence", "intensity", "planes")
    kept = [name for name in order if name in columns]
    rows = zip(*(columns[name] for name in kept), strict=True)
    return anew.reshape(numbers.shape), [
        {name: _plain(cell) for name, cell in zip(kept, row, strict=True)} for row in rows
    ]


def intensities(numbers: np.ndarray, picture: np.ndarray) -> list[list[float]]:
    """Returns the mean of each channel for the objects 1, 2, ... without gaps.

    `picture` has the pixels of `numbers` and an axis of channels.
    """
    flat = numbers.ravel()
    inside = np.flatnonzero(flat)
    channels = picture.reshape(flat.size, -1)[inside]
    found: list[list[float]] = _plain(_means(flat[inside].astype(np.int64) - 1, channels))
    return found


def class_of_each(place: np.ndarray, classes: np.ndarray, count: int) -> np.ndarray:
    """Returns the most frequent class of each object (M,), of equally frequent ones the lowest.

    `place` (P,) is the object of each pixel from 0, `classes` (P,) its class.
    """
    pairs, sizes = np.unique(place.astype(np.int64) * 256 + classes, return_counts=True)
    order = np.lexsort((-pairs, sizes))
    found = np.zeros(count, np.int64)
    found[pairs[order] // 256] = pairs[order] % 256
    return found


def _shapes(
    place: np.ndarray, where: tuple[np.ndarray, ...], shape: tuple[int, ...]
) -> dict[str, Any]:
    """Returns area, box, centre and elongation of each object, for a stack also the planes."""
    area = np.bincount(place)
    (y, x), (height, width) = where[-2:], shape[-2:]
    order = np.argsort(place, kind="stable")
    starts = np.concatenate([[0], np.cumsum(area)[:-1]])
    low = [np.minimum.reduceat(one[order], starts) for one in (*where[:-2], y, x)]
    high = [np.maximum.reduceat(one[order], starts) for one in (*where[:-2], y, x)]
    middle = [np.bincount(place, one) / area for one in (x, y)]
    box = [low[-1] / width, low[-2] / height, (high[-1] + 1) / width, (high[-2] + 1) / height]
    found = {
        "area": area,
        "box": np.stack(box, 1),
        "centre": np.stack([(middle[0] + 0.5) / width, (middle[1] + 0.5) / height], 1),
        "elongation": _elongation(place, x - middle[0][place], y - middle[1][place], area),
    }
    return found | ({"planes": np.stack([low[0], high[0]], 1)} if len(shape) > 2 else {})


def _elongation(place: np.ndarray, x: np.ndarray, y: np.ndarray, area: np.ndarray) -> np.ndarray:
    """Returns the ratio of the axes of the ellipse with the second moments of each object.

    `x` and `y` (P,) are the distances from the centre. Each pixel is a square, which adds 1/12 to
    its second moments.
    """
    xx, yy, xy = (np.bincount(place, one) / area for one in (x * x, y * y, x * y))
    half, gap = (xx + yy) / 2 + 1 / 12, np.hypot((xx - yy) / 2, xy)
    return np.sqrt((half + gap) / np.maximum(half - gap, 1e-9))


def _means(place: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Returns the mean of the values (P, C) of each object, (M, C)."""
    area = np.bincount(place)
    return np.stack([np.bincount(place, one) / area for one in values.T], 1)


def _plain(cell: Any) -> Any:
    """Returns a cell as JSON, real numbers with six decimals."""
    if isinstance(cell, (np.ndarray, list)):
        return [_plain(one) for one in cell]
    if isinstance(cell, (int, np.integer)):
        return int(cell)
    return cell if isinstance(cell, str) else rounded(float(cell))
