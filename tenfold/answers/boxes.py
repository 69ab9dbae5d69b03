"""The answer kind of object detection: boxes around the objects of a picture, with their classes.

A predicted box is right if it overlaps a true box of its class by an IoU of at least the threshold
in question, and no better box has taken that true box (COCO: T.-Y. Lin et al. 2014,
arXiv 1405.0312). Boxes are (class, x0, y0, x1, y1) in fractions of the upright picture.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from tenfold.answers.classification.chosen import chosen
from tenfold.answers.detection import explained, prior, true_boxes
from tenfold.answers.detection.coco import AveragePrecision, average_precision
from tenfold.answers.detection.confusion import confusion
from tenfold.answers.detection.drawing import drawn
from tenfold.answers.detection.files import FILES
from tenfold.answers.detection.matches import Matches, Scored
from tenfold.answers.detection.report import pieces
from tenfold.answers.detection.suppression import overlaps
from tenfold.answers.intervals import Interval, Sampling, Weighted
from tenfold.answers.kind import Answer, AnswerKind, MetricValues, Recalled
from tenfold.answers.metric import Metric
from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused
from tenfold.core.language import say
from tenfold.core.message import Message
from tenfold.core.results import Prediction
from tenfold.core.settings import setting

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["BOXES", "Boxes", "BoxesKind", "BoxesOptions"]

SAME_PLACE = 0.99
"""Least overlap (IoU) of two boxes that count as the same box."""
AT_50, AT_ALL = slice(0, 1), slice(None)
"""The places of the overlap 0.5, and of all ten, in `matches.OVERLAPS`."""


@dataclass(frozen=True)
class Boxes(Prediction):
    """The objects found in a picture, the most certain first.

    `boxes` are (class, x0, y0, x1, y1) in fractions of the upright picture, `scores` the confidence
    of each box. `threshold` is the confidence from which a box counts as found; where pictures are
    scored, boxes below it are listed too. `size` is (width, height) of the picture in pixels.
    """

    columns: ClassVar[tuple[str, ...]] = ("boxes",)
    boxes: tuple[tuple[str, float, float, float, float], ...]
    scores: tuple[float, ...]
    threshold: float = 0.0
    size: tuple[int, int] | None = None

    @property
    def line(self) -> str:
        """One line for the terminal: the number of boxes of each class, separated by tabs."""
        return "\t".join(true_boxes.numbers(self.boxes)) or "-"

    @property
    def cells(self) -> tuple[str, ...]:
        """Values of `columns` in a table of predictions."""
        return (json.dumps(self.boxes, ensure_ascii=False),)

    @property
    def chances(self) -> dict[str, float]:
        """The highest score of the boxes of each class, by class."""
        pairs = zip(self.boxes, self.scores, strict=True)
        return {box[0]: score for score, box in sorted((score, box) for box, score in pairs)}

    @property
    def found(self) -> Boxes:
        """The answer with the boxes that reach the threshold alone."""
        return self.at([row for row, one in enumerate(self.scores) if one >= self.threshold])

    def at(self, places: Sequence[int]) -> Boxes:
        """Returns the answer with the boxes at these places alone."""
        boxes = tuple(self.boxes[place] for place in places)
        return replace(self, boxes=boxes, scores=tuple(self.scores[place] for place in places))


# --- predicted and true boxes ---------------------------------------------------------------------


def _scored(answers: Sequence[Answer]) -> list[Scored]:
    """Returns boxes and scores of each answer; none for a picture that could not be read."""
    return [(one.boxes, one.scores) if isinstance(one, Boxes) else ((), ()) for one in answers]


def _matches(answers: Sequence[Answer], table: pd.DataFrame) -> Matches:
    return Matches.of(_scored(answers), true_boxes.boxes_of(table), true_boxes.ignored_of(table))


def _thresholds(answers: Sequence[Answer]) -> np.ndarray:
    """Returns the confidence (N,) from which a box of each answer counts as found."""
    return np.array([one.threshold if isinstance(one, Boxes) else 0.0 for one in answers], float)


def _precision(answers: Sequence[Answer], table: pd.DataFrame) -> AveragePrecision:
    """Returns the average precision by class and size; the table or the answers have the sizes."""
    sizes = true_boxes.sizes_of(table)
    sizes = [
        one.size if size is None and isinstance(one, Boxes) else size
        for one, size in zip(answers, sizes, strict=True)
    ]
    truths = true_boxes.boxes_of(table), true_boxes.ignored_of(table)
    return average_precision(_scored(answers), *truths, sizes)


def _metrics(answers: Sequence[Answer], table: pd.DataFrame, sampling: Sampling) -> MetricValues:
    matches, rows = _matches(answers, table), len(answers)
    counts, precision = matches.counts(_thresholds(answers)), _precision(answers, table)

    def mean(levels: slice, weights: np.ndarray) -> float:
        return matches.mean_average_precision(weights, levels)

    def found(name: str, weights: np.ndarray) -> float:
        return true_boxes.precision_recall(*(weights @ counts))[name]

    values = {
        "map50": _around(precision.mean(levels=AT_50), partial(mean, AT_50), sampling, rows),
        "map50_95": _around(precision.mean(), partial(mean, AT_ALL), sampling, rows),
    }
    names = {"box_precision": "precision", "box_recall": "recall", "box_f1": "f1"}
    return values | {
        key: sampling.resampled(partial(found, name), rows) for key, name in names.items()
    }


def _around(
    value: float | None, metric: Callable[[np.ndarray], float], sampling: Sampling, rows: int
) -> Interval:
    """Returns a value of faster-coco-eval with the interval of the same metric of the matches."""
    own, low, high = sampling.resampled(metric, rows)
    found = own if value is None else value
    if low is None or high is None:
        return found, None, None
    return found, min(low, found), max(high, found)


def _details(answers: Sequence[Answer], table: pd.DataFrame, sampling: Sampling) -> dict[str, Any]:
    matches, levels = _matches(answers, table), _thresholds(answers)
    rows, precision = matches.by_class(levels), _precision(answers, table)
    for row in rows:
        row |= precision.figures(row["class"])
    names = [row["class"] for row in rows]
    truths = true_boxes.boxes_of(table), true_boxes.ignored_of(table)
    return {
        "classes": rows,
        "average_precision": precision.figures(),
        "confusion": confusion(names, _scored(answers), *truths, levels).tolist(),
        "confidence": matches.curve(),
        "threshold": float(np.median(levels)) if len(levels) else 0.0,
    }


def _constant(train: pd.DataFrame) -> Boxes:
    boxes, scores = prior.usual_boxes(true_boxes.boxes_of(train))
    return Boxes(boxes, scores)


def _worst(answers: Sequence[Answer], table: pd.DataFrame) -> list[int]:
    """Orders the pictures by missed true boxes plus the scores of the false boxes."""
    errors = _matches(answers, table).errors(_thresholds(answers))
    return [int(row) for row in np.argsort(-errors, kind="stable") if errors[row] > 0]


def _bootstrap(answers: Sequence[Answer], table: pd.DataFrame) -> Weighted:
    """Returns the number of each picture as its statistic: the metric looks its matches up."""
    matches = _matches(answers, table)

    def metric(rows: np.ndarray, counts: np.ndarray) -> np.ndarray:
        weights = np.zeros((len(counts), matches.pictures))
        weights[:, rows[:, 0]] = counts
        return np.array([matches.mean_average_precision(one, AT_50) for one in weights])

    return np.arange(len(answers))[:, None], metric


def _recalled(answers: Sequence[Answer], table: pd.DataFrame) -> Recalled:
    return Recalled(*_matches(answers, table).recalled(_thresholds(answers)))


def _retained(before: Boxes, after: Boxes) -> float:
    """Returns the highest score times overlap with the first box of `before`; same class only."""
    if not before.boxes:
        return 1.0
    name, *place = before.boxes[0]
    rows = [row for row, box in enumerate(after.boxes) if box[0] == name]
    if not rows:
        return 0.0
    shared = overlaps(
        np.array([place], float), true_boxes.corners([after.boxes[row] for row in rows])
    )
    return float((shared[0] * np.array([after.scores[row] for row in rows])).max())


def _same_decision(before: Boxes, after: Boxes, tolerance: float) -> bool:
    """Returns True if both find the same boxes: same class, IoU of at least SAME_PLACE.

    A box that only one of them finds does not count if its score is within `tolerance` of the
    threshold.
    """
    return _has_all(before, after, tolerance) and _has_all(after, before, tolerance)


def _has_all(these: Boxes, others: Boxes, tolerance: float) -> bool:
    one, other = true_boxes.corners(these.boxes), true_boxes.corners(others.boxes)
    names = [np.array([box[0] for box in answer.boxes], dtype=object) for answer in (these, others)]
    alike = (overlaps(one, other) >= SAME_PLACE) & (names[0][:, None] == names[1][None])
    gap = np.array(these.scores, float) - these.threshold
    return bool((alike.any(1) | (gap < tolerance)).all())


# --- answer kind ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class BoxesOptions:
    """Prediction options of object detection."""

    threshold: float | None = setting(
        None,
        "threshold: smallest confidence of a box; by default the best for F1 on validation",
        low=0.0,
        high=1.0,
    )
    overlap: float = setting(
        0.65,
        "overlap (IoU) above which the less certain of two boxes is removed",
        low=0.0,
        high=1.0,
    )
    top: int = setting(100, "maximum number of boxes in a picture", low=1, high=10_000)
    only: tuple[str, ...] = setting(
        (), "class to predict; several with commas between them, or repeated"
    )


class BoxesKind(AnswerKind):
    """Boxes with classes; the true boxes are in the column `boxes`.

    `boxes` holds a tuple of (class, x0, y0, x1, y1) in fractions, () for a picture without objects.
    `boxes_ignored` holds boxes that are neither right nor wrong to predict: crowds, difficult
    objects, objects of a dropped class. The class "" there stands for every class.
    """

    name = "boxes"
    prediction = Boxes
    truths = ("boxes", "boxes_ignored")
    options = BoxesOptions
    files = FILES
    scoring: ClassVar[Mapping[str, Any]] = {"threshold": 0.0, "top": 300}
    headline = "map50"
    metrics: ClassVar[dict[str, Metric]] = {
        "map50": Metric("mAP50", "mean over classes of the average precision at an IoU of 0.5"),
        "map50_95": Metric(
            "mAP50-95", "mean average precision at IoU thresholds from 0.5 to 0.95 (COCO)"
        ),
        "box_precision": Metric(
            "Box precision", "share of the boxes above the confidence threshold that are correct"
        ),
        "box_recall": Metric(
            "Box recall", "share of the true boxes that are found above the confidence threshold"
        ),
        "box_f1": Metric("Box F1", "harmonic mean of precision and recall of boxes"),
    }
    blank_truth = Problem(
        "no-label",
        Message("has no boxes and is not marked as empty"),
        Message("Annotate the picture, or mark it as a picture without objects."),
    )

    def blank(self, table: pd.DataFrame) -> np.ndarray:
        if "boxes" not in table:
            return np.ones(len(table), bool)
        return np.array([not isinstance(cell, (tuple, list)) for cell in table["boxes"]], bool)

    def refuse(self, table: pd.DataFrame) -> DataRefused | None:
        if any(true_boxes.boxes_of(table)):
            return None
        return DataRefused(
            Message("The training data have no boxes"),
            code="no-boxes",
            fix=Message("Give the boxes of the objects in at least some pictures."),
        )

    def notices(self, table: pd.DataFrame) -> list[Message]:
        return true_boxes.unseen_classes(table)

    def strata(self, table: pd.DataFrame) -> list[tuple[str, ...]]:
        return [tuple(true_boxes.counts(boxes)) for boxes in true_boxes.boxes_of(table)]

    def counts(self, table: pd.DataFrame) -> Counter[str]:
        return Counter(
            name for boxes in true_boxes.boxes_of(table) for name in true_boxes.counts(boxes)
        )

    def same(self, one: Mapping[Any, Any], other: Mapping[Any, Any]) -> bool:
        return all(
            true_boxes.plain(one.get(key)) == true_boxes.plain(other.get(key))
            for key in self.truths
        )

    def classes_in(self, table: pd.DataFrame) -> set[str]:
        return {name for boxes in true_boxes.boxes_of(table) for name, *_ in boxes}

    renamed = staticmethod(true_boxes.renamed)

    def truth_text(self, table: pd.DataFrame, row: int) -> str:
        return (
            true_boxes.text(true_boxes.boxes_of(table.iloc[[row]])[0]) if "boxes" in table else ""
        )

    measure = staticmethod(_metrics)
    constant = staticmethod(_constant)
    retained = staticmethod(_retained)
    worst = staticmethod(_worst)

    def error_text(self, answer: Boxes, table: pd.DataFrame, row: int) -> str:
        known = _matches([answer], table.iloc[[row]])
        right, found, there = map(int, known.counts(_thresholds([answer]))[0])
        return say(
            "Missed boxes: {missed}, false boxes: {false}, correct: {right}",
            missed=there - right,
            false=found - right,
            right=right,
        )

    bootstrap = staticmethod(_bootstrap)
    same_decision = staticmethod(_same_decision)
    details = staticmethod(_details)
    recalled = staticmethod(_recalled)

    def words(self, answer: Boxes, truth: str = "") -> dict[str, Any]:
        found = answer.found
        sure = max(found.scores, default=None)
        return {"said": true_boxes.text(found.boxes), "sure": sure, "right": None}

    def classes(self, truths: Mapping[str, Any]) -> list[str]:
        return list(truths.get("classes", []))

    def resolved(self, options: Any, truths: Mapping[str, Any]) -> Any:
        """Splits `only` at commas, except in the name of a class."""
        return replace(options, only=chosen(options.only, self.classes(truths)))

    def explains(self, name: str, truths: Mapping[str, Any]) -> bool:
        return name in self.classes(truths) or (name.isdecimal() and int(name) > 0)

    about = staticmethod(explained.about)
    explained = staticmethod(explained.explained)

    def draw(self, answer: Boxes, picture: Image) -> Image:
        """Draws the boxes that reach the threshold, each with its class and score."""
        return drawn(picture, answer.found.boxes, answer.found.scores)

    def true_answer(self, table: pd.DataFrame, row: int) -> Boxes | None:
        """Returns the true boxes, all with the same score and therefore drawn without it."""
        if "boxes" not in table:
            return None
        boxes = true_boxes.boxes_of(table.iloc[[row]])[0]
        return Boxes(tuple(tuple(box) for box in boxes), (1.0,) * len(boxes))  # type: ignore[misc]

    pieces = staticmethod(pieces)


BOXES = BoxesKind()
