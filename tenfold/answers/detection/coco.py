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
    real = [
        _annotation(row, ids[box[0]], box, scales[row]) | {"iscrowd": 0}
        for row, boxes in enumerate(truths)
        for box in boxes
    ]
    crowds = [
        _annotation(row, number, box, scales[row]) | {"iscrowd": 1}
        for row, boxes in enumerate(ignored)
        for box in boxes
        for number in ([*ids.values()] if not box[0] else [ids[box[0]]] if box[0] in ids else [])
    ]
    found = [
        _annotation(row, ids[box[0]], box, scales[row]) | {"score": float(score)}
        for row, (boxes, scores) in enumerate(predicted)
        for box, score in zip(boxes, scores, strict=True)
        if box[0] in ids
    ]
    return AveragePrecision(names, _evaluated(len(truths), ids, [*real, *crowds], found), sized)


def _annotation(
    row: int, number: int, box: tuple[str, float, float, float, float], size: tuple[int, int]
) -> dict[str, Any]:
    """Returns a box in pixels; rounded, so that whole pixels given as fractions are whole again."""
    x0, y0, x1, y1 = (
        round(value * side, 6) for value, side in zip(box[1:], (*size, *size), strict=True)
    )
    place = [x0, y0, x1 - x0, y1 - y0]
    return {
        "image_id": row + 1,
        "category_id": number,
        "bbox": place,
        "area": place[2] * place[3],
    }


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
