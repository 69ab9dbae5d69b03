"""Metrics of predicted masks over many pictures, from counts made once for each picture.

A picture that could not be read has no predicted class anywhere: each of its pixels is an error.
A class that occurs neither among the true nor among the predicted pixels has no part in a mean.

Shapes: N pictures, K classes of the truths and of the predictions together.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from tenfold.answers.intervals import Interval, Sampling, Weighted
from tenfold.answers.kind import Answer
from tenfold.answers.metric import share
from tenfold.answers.metrics import segmentation
from tenfold.answers.segmentation.prediction import NO_CLASS, Mask
from tenfold.core.language import say
from tenfold.media.image.masks.pixels import TrueMask

__all__ = ["TableCounts", "bootstrap", "details", "measure", "weighted_iou"]


@dataclass(frozen=True)
class PictureCounts:
    """The counts of one picture, for its own K `classes` (see `metrics.segmentation`).

    `pixels` (K, K + 1), `edges` (K, 4), `objects` (K, 3), None where the truth has no objects.
    """

    classes: tuple[str, ...]
    pixels: np.ndarray
    edges: np.ndarray
    objects: np.ndarray | None


_COUNTED: WeakKeyDictionary[Mask, dict[str, PictureCounts]] = WeakKeyDictionary()
"""PictureCounts by answer and true cell: every metric, table and comparison uses the same."""


def counts_of(answer: Answer, cell: str) -> PictureCounts:
    """Returns the counts of a picture. Raises ValueError where the sizes differ."""
    if not isinstance(answer, Mask):
        return _unread(cell)
    known = _COUNTED.setdefault(answer, {})
    if cell not in known:
        known[cell] = _counted(TrueMask.of(cell), answer)
    return known[cell]


@functools.lru_cache(maxsize=1024)
def _unread(cell: str) -> PictureCounts:
    truth = TrueMask.of(cell)
    none = np.full(1, truth.pixels.size)
    numbers = (0, truth.pixels.size) if truth.objects is not None else ()
    said = Mask((), truth.pixels.shape, (NO_CLASS, *none.tolist()), 0.0, (), numbers)
    return _counted(truth, said)


def _counted(truth: TrueMask, answer: Mask) -> PictureCounts:
    said = answer.pixels
    if said.shape != truth.pixels.shape:
        raise ValueError(f"the mask has the size {said.shape}, its truth {truth.pixels.shape}")
    classes = tuple(dict.fromkeys([*truth.classes, *answer.classes]))
    said = _numbered(answer.classes, classes)[said]
    count = len(classes)
    objects = None
    if truth.objects is not None:
        sides = (truth.pixels, truth.objects), (said, answer.object_numbers)
        objects = segmentation.objects(*sides, count)
    return PictureCounts(
        classes,
        segmentation.confusion(truth.pixels, said, count),
        segmentation.boundaries(truth.pixels, said, count),
        objects,
    )


def _numbered(names: Sequence[str], classes: Sequence[str]) -> np.ndarray:
    """Returns a table (256,) from positions in `names` to positions in `classes`.

    Other positions are NO_CLASS.
    """
    table = np.full(256, NO_CLASS, np.uint8)
    table[: len(names)] = [classes.index(name) for name in names]
    return table


@dataclass(frozen=True)
class TableCounts:
    """The counts of N pictures for the K classes of all of them.

    `areas` (N, 3 K) has for each class the pixels that are right, true and predicted, `edges`
    (N, 4 K) and `objects` (N, 3 K) the columns of `metrics.segmentation`. `confused` (K, K + 1) is
    the sum over the pictures. `told_apart` (N,) is True where the truth has objects.
    """

    classes: list[str]
    areas: np.ndarray
    edges: np.ndarray
    objects: np.ndarray
    confused: np.ndarray
    told_apart: np.ndarray

    @staticmethod
    def of(answers: Sequence[Answer], table: pd.DataFrame) -> TableCounts:
        """PictureCounts the pixels, boundaries and objects of all pictures of a table."""
        each = [counts_of(one, cell) for one, cell in zip(answers, table["mask"], strict=True)]
        classes = list(dict.fromkeys(name for one in each for name in one.classes))
        rows, count = len(each), len(classes)
        areas, edges, objects = (np.zeros((rows, count, n), np.int64) for n in (3, 4, 3))
        confused = np.zeros((count, count + 1), np.int64)
        for row, one in enumerate(each):
            at = np.array([classes.index(name) for name in one.classes], np.int64)
            inner = one.pixels[:, :-1]
            areas[row, at] = np.stack([inner.diagonal(), one.pixels.sum(1), inner.sum(0)], 1)
            edges[row, at] = one.edges
            if one.objects is not None:
                objects[row, at] = one.objects
            confused[at[:, None], np.append(at, count)] += one.pixels
        apart = np.array([one.objects is not None for one in each], bool)
        return TableCounts(
            classes,
            areas.reshape(rows, 3 * count),
            edges.reshape(rows, 4 * count),
            objects.reshape(rows, 3 * count),
            confused,
            apart,
        )


# --- metrics of sums ------------------------------------------------------------------------------


def ratios(over: np.ndarray, under: np.ndarray) -> np.ndarray:
    """Returns the quotients; NaN where `under` is 0."""
    return np.where(under > 0, over / np.maximum(under, 1), np.nan)


def ious(areas: np.ndarray) -> np.ndarray:
    """Returns the IoU of each class from sums (..., 3 K), NaN for a class that does not occur."""
    right, true, told = (areas[..., place::3] for place in range(3))
    return ratios(right, true + told - right)


def dices(areas: np.ndarray) -> np.ndarray:
    """Returns the Dice coefficient (F1) of each class, from sums (..., 3 K)."""
    right, true, told = (areas[..., place::3] for place in range(3))
    return ratios(2 * right, true + told)


def edge_f1s(edges: np.ndarray) -> np.ndarray:
    """Returns the boundary F1 of each class, from sums (..., 4 K)."""
    close, told, found, true = (edges[..., place::4] for place in range(4))
    precision, recall = close / np.maximum(told, 1), found / np.maximum(true, 1)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return np.where(told + true > 0, f1, np.nan)


def mean_known(values: np.ndarray) -> np.ndarray:
    """Returns the mean of the last axis without NaN; 0 where all are NaN."""
    known = ~np.isnan(values)
    return np.where(known, values, 0.0).sum(-1) / np.maximum(1, known.sum(-1))


def _accuracy(areas: np.ndarray) -> float:
    right, true, _ = areas.reshape(-1, 3).sum(0)
    return float(right / max(1, true))


def _object_f1(objects: np.ndarray) -> float:
    found, told, true = objects.reshape(-1, 3).sum(0)
    return float(2 * found / max(1, told + true))


def _mean_of(each: Callable[[np.ndarray], np.ndarray], sums: np.ndarray) -> float:
    return float(mean_known(each(sums)))


def measure(
    answers: Sequence[Answer], table: pd.DataFrame, sampling: Sampling
) -> dict[str, Interval]:
    """Returns the metrics of the answer kind with their intervals."""
    known = TableCounts.of(answers, table)
    metrics: dict[str, tuple[Callable[[np.ndarray], float], np.ndarray]] = {
        "mean_iou": (partial(_mean_of, ious), known.areas),
        "dice": (partial(_mean_of, dices), known.areas),
        "pixel_accuracy": (_accuracy, known.areas),
    }
    if known.edges[:, 3::4].any():
        metrics["boundary_f1"] = partial(_mean_of, edge_f1s), known.edges
    found = {
        name: sampling.resampled(partial(_of_sums, metric, counts), len(counts))
        for name, (metric, counts) in metrics.items()
    }
    apart = known.told_apart
    if not apart.any():
        return found
    objects, some = known.objects[apart], sampling.at(apart)
    found["object_f1"] = some.resampled(partial(_of_sums, _object_f1, objects), len(objects))
    _, told, true = objects.reshape(len(objects), -1, 3).sum(1).T
    return found | {"count_error": some.mean(np.abs(told - true).astype(float))}


def _of_sums(
    metric: Callable[[np.ndarray], float], counts: np.ndarray, weights: np.ndarray
) -> float:
    return metric(weights @ counts)


def weighted_iou(rows: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Returns the mean IoU (R,) of rows (U, 3 K) that are drawn `counts` (R, U) times."""
    return np.asarray(mean_known(ious(counts @ rows)))


def bootstrap(answers: Sequence[Answer], table: pd.DataFrame) -> Weighted:
    """Returns the mean IoU in the form used for bootstrapping."""
    return TableCounts.of(answers, table).areas, weighted_iou


def details(answers: Sequence[Answer], table: pd.DataFrame) -> dict[str, Any]:
    """Returns the table of classes, the confusion by pixels and the counts of objects as JSON."""
    known = TableCounts.of(answers, table)
    return {"classes": _by_class(known), "confusion": known.confused.tolist()}


def _by_class(known: TableCounts) -> list[dict[str, Any]]:
    sums = known.areas.sum(0)
    right, true, told = sums.reshape(-1, 3).T
    hits, there = hits_of(known)
    columns = {
        "class": known.classes,
        "iou": ious(sums),
        "dice": dices(sums),
        "boundary_f1": edge_f1s(known.edges.sum(0)),
        "pixel_precision": ratios(right, told),
        "pixel_recall": ratios(right, true),
        "pixels": true,
        "predicted_pixels": told,
        "recall": hits.sum(0) / np.maximum(1, there.sum(0)),
        "support": there.sum(0),
    }
    if known.told_apart.any():
        found, said, true = known.objects.sum(0).reshape(-1, 3).T
        columns |= {"found_objects": found, "predicted_objects": said, "objects": true}
    rows = zip(*columns.values(), strict=True)
    return [{name: _plain(one) for name, one in zip(columns, row, strict=True)} for row in rows]


def _plain(value: Any) -> Any:
    if isinstance(value, (str, np.integer)):
        return value if isinstance(value, str) else int(value)
    return None if np.isnan(value) else float(value)


def hits_of(known: TableCounts) -> tuple[np.ndarray, np.ndarray]:
    """Returns (N, K) whether a class has an IoU of at least one half, and whether it occurs."""
    there = known.areas[:, 1::3] > 0
    return (np.nan_to_num(ious(known.areas)) >= 0.5) & there, there


def picture_scores(answers: Sequence[Answer], table: pd.DataFrame) -> np.ndarray:
    """Returns the mean IoU of each picture over its own classes (N,); 1 where no pixel is labelled.

    Where the truth has objects, it is their F1 if that is lower.
    """
    known = TableCounts.of(answers, table)
    values = ious(known.areas)
    found = np.where(np.isnan(values).all(1), 1.0, mean_known(values))
    hits, told, true = (known.objects[:, place::3].sum(1) for place in range(3))
    f1 = np.where(told + true > 0, 2 * hits / np.maximum(1, told + true), 1.0)
    return np.minimum(found, f1)


def error_text(answer: Answer, table: pd.DataFrame) -> str:
    """Returns the mean IoU of a picture (a table of one row), and the class with the lowest."""
    known = TableCounts.of([answer], table)
    values = ious(known.areas)
    if np.isnan(values).all():
        return ""
    lowest = int(np.nanargmin(values[0]))
    return say(
        "Mean IoU of the picture {mean}, lowest of {name}: {value}",
        mean=share(float(mean_known(values)[0])),
        name=known.classes[lowest],
        value=share(float(values[0, lowest])),
    )
