"""The answer kind of segmentation: the class of each pixel, and objects where they are told apart.

The true mask of a row is the cell of a `TrueMask` in the column `mask`. Pixels that nobody judged
take no part in any score. A prediction has the size of its picture: nothing is resized to be
scored. IoU, Dice, accuracy and boundary F1 are computed from the pixels of all pictures together,
intervals by drawing pictures, or groups of them.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from tenfold.answers.classification.chosen import chosen
from tenfold.answers.intervals import Sampling
from tenfold.answers.kind import Answer, AnswerKind, Recalled
from tenfold.answers.metric import Metric
from tenfold.answers.sections import class_pieces
from tenfold.answers.segmentation import painting, report, scores
from tenfold.answers.segmentation.files import FORMATS
from tenfold.answers.segmentation.prediction import (
    NO_CLASS,
    Mask,
    mask_of,
    only,
    shares_text,
    with_intensities,
)
from tenfold.core.columns import Columns
from tenfold.core.errors import DataRefused
from tenfold.core.message import Message
from tenfold.core.settings import setting
from tenfold.core.text import natural
from tenfold.media.image.masks.pixels import TrueMask

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    "MASK",
    "NO_CLASS",
    "Mask",
    "MaskKind",
    "MaskOptions",
    "mask_of",
    "only",
    "with_intensities",
]

PRIOR_SIDE = 32
"""Rows and columns of the grid on which the most frequent class at each place is counted."""


@dataclass(frozen=True)
class MaskOptions:
    """Prediction options of segmentation."""

    only: tuple[str, ...] = setting(
        (), "class to predict; several with commas between them, or repeated"
    )


# --- true masks -----------------------------------------------------------------------------------


def _counts(cell: Any) -> Mapping[str, int]:
    """Returns the pixels of each class of a true mask; {} for a cell that holds none."""
    return _counted(cell) if isinstance(cell, str) and cell else {}


@functools.lru_cache(maxsize=4096)
def _counted(cell: str) -> Mapping[str, int]:
    return MappingProxyType(TrueMask.of(cell).counts())


def _same(one: Any, other: Any) -> bool:
    """Returns True if two cells hold the same class and the same object at each pixel."""
    if one == other or not (isinstance(one, str) and isinstance(other, str)):
        return bool(one == other)
    first, second = TrueMask.of(one), TrueMask.of(other)
    names = sorted({*first.counts(), *second.counts()})
    if not np.array_equal(first.numbered(names), second.numbered(names)):
        return False
    if first.objects is None or second.objects is None:
        return first.objects is second.objects
    return np.array_equal(first.objects, second.objects)


def _refuse(table: pd.DataFrame) -> DataRefused | None:
    names = {name for cell in table["mask"] for name in _counts(cell)}
    if len(names) > 1:
        return None
    if not names:
        return DataRefused(
            Message("No pixel of the masks has a class"),
            code="one-class",
            fix=Message("Give masks in which at least two classes occur."),
        )
    return DataRefused(
        Message("Every pixel of the masks has the class {name!r}", name=min(names)),
        code="one-class",
        fix=Message("Give masks in which at least two classes occur, such as background."),
    )


def _notices(table: pd.DataFrame) -> list[Message]:
    """Returns a notice for each class that is in one part only, and for masks of one class."""
    parts: dict[str, set[str]] = {}
    single = 0
    for cell, part in zip(table["mask"], table["split"], strict=True):
        names = _counts(cell)
        single += len(names) == 1
        for name in names:
            parts.setdefault(name, set()).add(str(part))
    found = [
        Message("Class {name!r} has no training mask: all its pixels count as errors.", name=name)
        if "train" not in where
        else Message("Class {name!r} is in training masks only: it is not scored.", name=name)
        for name, where in sorted(parts.items(), key=lambda one: natural(one[0]))
        if "train" not in where or (where == {"train"} and table["split"].nunique() > 1)
    ]
    if single:
        found.append(
            Message(
                "{count} of {rows} masks have a single class each.", count=single, rows=len(table)
            )
        )
    return found


def _renamed(
    table: pd.DataFrame, names: Mapping[str, str | None]
) -> tuple[pd.DataFrame, np.ndarray]:
    """Returns the masks with renamed classes, and True for those without labelled pixels left."""
    masks = [TrueMask.of(cell).renamed(names) for cell in table["mask"]]
    cells = pd.Series([one.cell() for one in masks], table.index, dtype=object)
    gone = [not one.counts() for one in masks]
    return table.assign(mask=cells), np.array(gone, bool)


# --- baselines ------------------------------------------------------------------------------------


def _constant(train: pd.DataFrame) -> Mask:
    """Returns the most frequent class as a mask of one pixel; no class without training rows."""
    counts = Counter[str]()
    for cell in train.get("mask", ()):
        counts.update(_counts(cell))
    if not counts:
        return Mask((), (1, 1), (NO_CLASS, 1), 0.0)
    best = min(counts, key=lambda name: (-counts[name], natural(name)))
    return Mask((best,), (1, 1), (0, 1), counts[best] / counts.total())


def _baseline(train: pd.DataFrame, table: pd.DataFrame) -> list[Answer]:
    """Returns the most frequent class everywhere, in the size of each picture."""
    one = _constant(train)
    shapes = [TrueMask.of(cell).pixels.shape for cell in table["mask"]]
    return [
        replace(one, size=shape, runs=(one.runs[0], int(np.prod(shape, dtype=np.int64))))
        for shape in shapes
    ]


def _prior(train: pd.DataFrame, table: pd.DataFrame) -> list[Answer]:
    """Returns the most frequent class at each place of a grid of PRIOR_SIDE x PRIOR_SIDE."""
    masks = [TrueMask.of(cell) for cell in train["mask"]]
    classes = sorted({name for one in masks for name in one.counts()}, key=natural)
    counts = np.zeros((len(classes) + 1, PRIOR_SIDE, PRIOR_SIDE), np.int64)
    down, across = np.ogrid[:PRIOR_SIDE, :PRIOR_SIDE]
    for one in masks:
        for plane in np.atleast_3d(one.numbered(classes).T).T:
            near = np.minimum(painting.resized(plane, PRIOR_SIDE, PRIOR_SIDE), len(classes))
            counts[near, down, across] += 1
    best = counts[:-1].argmax(0).astype(np.uint8)
    shapes = [TrueMask.of(cell).pixels.shape for cell in table["mask"]]
    return [
        mask_of(np.broadcast_to(painting.resized(best, *shape[-2:]), shape), classes)
        for shape in shapes
    ]


# --- predictions ----------------------------------------------------------------------------------


def _worst(answers: Sequence[Answer], table: pd.DataFrame) -> list[int]:
    values = scores.picture_scores(answers, table)
    return [int(row) for row in np.argsort(values, kind="stable") if values[row] < 1]


def _recalled(answers: Sequence[Answer], table: pd.DataFrame) -> Recalled:
    known = scores.TableCounts.of(answers, table)
    hits, there = scores.hits_of(known)
    rows, classes = np.nonzero(there)
    return Recalled(rows, [known.classes[one] for one in classes], hits[rows, classes])


def _retained(before: Mask, after: Mask) -> float:
    """Returns the share of the pixels with a class that still have it."""
    pixels = before.pixels
    known = pixels != NO_CLASS
    names = np.full(256, NO_CLASS + 1, np.int64)
    names[: len(after.classes)] = [
        before.classes.index(name) if name in before.classes else NO_CLASS + 1
        for name in after.classes
    ]
    same = names[after.pixels] == pixels
    return float(same[known].mean()) if known.any() else 1.0


def _same_decision(before: Mask, after: Mask, tolerance: float) -> bool:
    """Returns True if the share of pixels with another class is at most `tolerance`.

    The numbers of objects may differ by this share too, at most.
    """
    if before.size != after.size or before.told_apart != after.told_apart:
        return False
    if before.classes != after.classes:
        return False
    apart = float((before.pixels != after.pixels).mean())
    counts = len(before.objects), len(after.objects)
    return apart <= tolerance and abs(counts[0] - counts[1]) <= tolerance * max(counts)


# --- answer kind ----------------------------------------------------------------------------------


class MaskKind(AnswerKind):
    """The class of each pixel; the true label is the cell of a TrueMask in the column `mask`."""

    name = "mask"
    prediction = Mask
    truths = ("mask",)
    options = MaskOptions
    files = FORMATS
    headline = "mean_iou"
    metrics: ClassVar[dict[str, Metric]] = {
        "mean_iou": Metric(
            "Mean IoU",
            "unweighted mean over the classes of intersection over union; ignored pixels are "
            "left out",
        ),
        "dice": Metric(
            "Dice", "unweighted mean of the Dice coefficient (F1 of the pixels) of all classes"
        ),
        "pixel_accuracy": Metric(
            "Pixel accuracy",
            "share of the pixels with the correct class; ignored pixels are left out",
        ),
        "boundary_f1": Metric(
            "Boundary F1",
            "unweighted mean over the classes of the F1 of boundary pixels, correct within 0.75 % "
            "of the diagonal, at least 2 pixels",
        ),
        "object_f1": Metric(
            "Object F1", "F1 of objects with the correct class and an IoU of at least 0.5"
        ),
        "count_error": Metric(
            "Count error",
            "mean absolute error of the number of objects in a picture",
            False,
            "lower",
        ),
    }

    def refuse(self, table: pd.DataFrame) -> DataRefused | None:
        return _refuse(table)

    def notices(self, table: pd.DataFrame) -> list[Message]:
        return _notices(table)

    def strata(self, table: pd.DataFrame) -> list[tuple[str, ...]]:
        return [tuple(_counts(cell)) for cell in table["mask"]]

    def counts(self, table: pd.DataFrame) -> Counter[str]:
        """Returns the number of pictures in which each class occurs."""
        return Counter(name for cell in table.get("mask", ()) for name in _counts(cell))

    def same(self, one: Mapping[Any, Any], other: Mapping[Any, Any]) -> bool:
        return _same(one.get("mask"), other.get("mask"))

    def classes_in(self, table: pd.DataFrame) -> set[str]:
        return {name for cell in table["mask"] for name in _counts(cell)}

    renamed = staticmethod(_renamed)

    def truth_text(self, table: pd.DataFrame, row: int) -> str:
        counts = _counts(table["mask"].iloc[row]) if "mask" in table else {}
        total = max(1, sum(counts.values()))
        return shares_text({name: count / total for name, count in counts.items()})

    def error_text(self, answer: Mask, table: pd.DataFrame, row: int) -> str:
        return scores.error_text(answer, table.iloc[[row]])

    measure = staticmethod(scores.measure)
    constant = staticmethod(_constant)
    baseline = staticmethod(_baseline)

    def baselines(
        self, train: tuple[pd.DataFrame, Columns], judged: tuple[pd.DataFrame, Columns]
    ) -> dict[str, dict[str, float]]:
        if train[0].empty or judged[0].empty:
            return {}
        answers = _prior(train[0], judged[0])
        return {"most frequent class at each place": self.values(answers, judged[0], train[0])}

    retained = staticmethod(_retained)
    worst = staticmethod(_worst)
    bootstrap = staticmethod(scores.bootstrap)
    same_decision = staticmethod(_same_decision)

    def details(
        self, answers: Sequence[Answer], table: pd.DataFrame, sampling: Sampling
    ) -> dict[str, Any]:
        return scores.details(answers, table)

    recalled = staticmethod(_recalled)

    def words(self, answer: Mask, truth: str = "") -> dict[str, Any]:
        return {"said": answer.text, "sure": answer.confidence, "right": None}

    def classes(self, truths: Mapping[str, Any]) -> list[str]:
        return list(truths.get("classes", []))

    def resolved(self, options: Any, truths: Mapping[str, Any]) -> Any:
        """Splits `only` at commas, except in the name of a class."""
        return replace(options, only=chosen(options.only, self.classes(truths)))

    def about(self, answer: Mask, name: str) -> Mask:
        return only(answer, name)

    def pieces(self, details: dict[str, Any]) -> dict[str, Any]:
        return class_pieces({}) | {"sections": report.sections(details)}

    def true_answer(self, table: pd.DataFrame, row: int) -> Mask | None:
        """Returns the true mask as an answer to draw; unlabelled pixels have no class."""
        if "mask" not in table:
            return None
        truth = TrueMask.of(table["mask"].iloc[row])
        return mask_of(truth.pixels, truth.classes, truth.objects)

    def draw(self, answer: Mask, picture: Image) -> Image:
        return painting.drawn(answer, picture)


MASK = MaskKind()
