"""Average precision of boxes as faster-coco-eval computes it, by class and by size of the objects.

All ids are numbered anew from 1, so that data with other ids, or repeated ones, score alike.

Shapes: N pictures, K classes with true boxes, S sizes of objects, T overlaps (IoU).
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tenfold.answers.detection.matches import OVERLAPS, TOP, Scored, Truth
from tenfold.core.lazy import lazy
from tenfold.core.text import natural

engine = lazy("faster_coco_eval")

__all__ = ["SIZES", "AveragePrecision", "average_precision"]

SIZES = ("all", "small", "medium", "large")
"""All objects, those of less than 32 x 32 pixels, of less than 96 x 96, and larger ones (COCO)."""


@dataclass(frozen=True)
class AveragePrecision:
    """The average precision of each class, size and overlap: `values` (K, S, T), NaN = no object.

    `sized` is False if the sizes of the pictures in pixels are not known; only the first size,
    "all", then has a meaning.
    """

    classes: list[str]
    values: np.ndarray
    sized: bool

    def mean(self, size: int = 0, levels: slice = slice(None)) -> float | None:
        """Returns the mean over classes and overlaps; None if there is no object of this size."""
        values = self.values[:, size, levels].mean(1)
        return _rounded(np.nanmean(values)) if not np.isnan(values).all() else None

    def figures(self, name: str | None = None) -> dict[str, float | None]:
        """Returns the means as JSON, over all classes or of one; None if there is no object."""
        own = self if name is None else self._only(name)
        found = {"ap50": own.mean(levels=slice(0, 1)), "ap50_95": own.mean()}
        sizes = SIZES[1:] if self.sized else ()
        return found | {f"ap50_95_{size}": own.mean(SIZES.index(size)) for size in sizes}

    def _only(self, name: str) -> AveragePrecision:
        kept = [number for number, own in enumerate(self.classes) if own == name]
        return AveragePrecision([name] * len(kept), self.values[kept], self.sized)


def average_precision(
    predicted: Sequence[Scored],
    truths: Sequence[Truth],
    ignored: Sequence[Truth],
    sizes: Sequence[tuple[int, int] | None],
) -> AveragePrecision:
    """Returns the average precision over N pictures; boxes are fractions, `sizes` (width, height).

    Ignored boxes are crowds in the sense of COCO: boxes inside them are neither right nor wrong.
    Those of the class "" are so for every class.
    """
    names = sorted({box[0] for boxes in truths for box in boxes}, key=natural)
    if not names:
        return AveragePrecision([], np.zeros((0, len(SIZES), len(OVERLAPS))), False)
    sized = all(sizes)
    scales = [size if sized and size else (1, 1) for size in sizes]
    ids = {name: number for number, name in enumerate(names, 1)}
    every = [
        [(row, box) for row, boxes in enumerate(truths) for box in boxes],
        [(row, copy) for row, boxes in enumerate(ignored) for copy in _crowds(boxes, names)],
    ]
    real, crowds = (_annotations(pairs, ids, scales) for pairs in every)
    scored = [
        (row, box, score)
        for row, (boxes, scores) in enumerate(predicted)
        for box, score in zip(boxes, scores, strict=True)
        if box[0] in ids
    ]
    found = _annotations([(row, box) for row, box, _ in scored], ids, scales)
    for one, (_, _, score) in zip(found, scored, strict=True):
        one["score"] = float(score)
    for one in crowds:
        one["iscrowd"] = 1
    return AveragePrecision(names, _evaluated(len(truths), ids, [*real, *crowds], found), sized)


def _crowds(boxes: Truth, names: list[str]) -> list[tuple[str, float, float, float, float]]:
    """Returns the ignored boxes of the scored classes; those of the class "" once for each."""
    return [
        (name, *box[1:])
        for box in boxes
        for name in (names if not box[0] else [box[0]] if box[0] in names else [])
    ]


def _annotations(
    pairs: Sequence[tuple[int, tuple[str, float, float, float, float]]],
    ids: dict[str, int],
    scales: Sequence[tuple[int, int]],
) -> list[dict[str, Any]]:
    """Returns boxes in pixels; rounded, so that whole pixels given as fractions are whole again."""
    rows = np.array([row for row, _ in pairs], np.int64)
    fractions = np.array([box[1:5] for _, box in pairs], float).reshape(-1, 4)
    corners = np.round(fractions * np.tile(np.array(scales, float)[rows], 2), 6)
    places = np.hstack([corners[:, :2], corners[:, 2:] - corners[:, :2]])
    areas = places[:, 2] * places[:, 3]
    return [
        {"image_id": row + 1, "category_id": ids[box[0]], "bbox": place, "area": area, "iscrowd": 0}
        for (row, box), place, area in zip(pairs, places.tolist(), areas.tolist(), strict=True)
    ]


def _evaluated(
    pictures: int, ids: dict[str, int], truths: list[dict[str, Any]], found: list[dict[str, Any]]
) -> np.ndarray:
    """Returns the average precision (K, S, T), NaN where a class has no object of a size."""
    data = {
        "images": [{"id": row + 1} for row in range(pictures)],
        "categories": [{"id": number, "name": name} for name, number in ids.items()],
        "annotations": [{"id": number, **one} for number, one in enumerate(truths, 1)],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        gold = engine.COCO(data)
        judged = engine.COCOeval_faster(gold, gold.loadRes(found), "bbox")
        judged.params.maxDets = [TOP]
        judged.params.iouThrs = OVERLAPS
        judged.evaluate()
        judged.accumulate()
    precision = np.asarray(judged.eval["precision"])[..., -1]  # (T, recalls, K, S)
    values = np.where(precision < 0, np.nan, precision).mean(1)
    return np.asarray(values.transpose(1, 2, 0))


def _rounded(value: float) -> float:
    """Returns the value without the rounding errors that keep a perfect score from being 1."""
    return round(float(value), 12)
