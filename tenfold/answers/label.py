"""The answer kind of single-label classification: one class of several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from tenfold.answers import calibration
from tenfold.answers.classification.centroids import centroids
from tenfold.answers.classification.class_names import (
    alike_names,
    class_of_one,
    one_class,
    unseen_classes,
)
from tenfold.answers.intervals import Sampling, Weighted, weights_of
from tenfold.answers.kind import Answer, AnswerKind, Change, MetricValues, Recalled
from tenfold.answers.metric import ACCURACY, CALIBRATION_ERROR, LOG_LOSS, MACRO_F1, Metric
from tenfold.answers.sections import matrix_pieces
from tenfold.core.columns import Columns
from tenfold.core.errors import DataRefused
from tenfold.core.message import Message
from tenfold.core.results import Prediction, Scores
from tenfold.core.settings import setting
from tenfold.core.text import natural

__all__ = [
    "LABEL",
    "Label",
    "LabelKind",
    "Matrix",
    "expected_calibration_error",
    "one_class",
]

MOST_COMPARED = 20
"""Most classes, the most frequent ones, that fields of inputs are compared with."""


@dataclass(frozen=True)
class Label(Prediction):
    """A predicted class; `probabilities` holds calibrated probabilities, the highest first."""

    columns: ClassVar[tuple[str, ...]] = ("label",)
    label: str
    probabilities: dict[str, float]

    @property
    def probability(self) -> float:
        """Calibrated probability of `label`."""
        return self.probabilities.get(self.label, 0.0)

    @property
    def line(self) -> str:
        """One line for the terminal, with cells separated by tabs."""
        return f"{self.label}\t{self.probability:.4f}"

    @property
    def chances(self) -> dict[str, float]:
        """Probability of each class, by name."""
        return self.probabilities

    @property
    def cells(self) -> tuple[str, ...]:
        """Values of `columns` in a table of predictions, before the probabilities of classes."""
        return (self.label,)


@dataclass(frozen=True)
class Matrix:
    """Predictions as arrays: `probabilities` (N, K); `truth` (N,), -1 = class not in training.

    `unknown` (N,) numbers the classes that are not in training from 0; -1 for the others.
    """

    classes: list[str]
    truth: np.ndarray
    probabilities: np.ndarray
    unknown: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    @staticmethod
    def of(answers: Sequence[Answer], table: pd.DataFrame) -> Matrix:
        """Builds the arrays from predictions; a row that could not be read has only zeros."""
        named = [one.probabilities for one in answers if isinstance(one, Label)]
        classes = sorted({name for one in named[:1] for name in one}, key=natural)
        place = {name: number for number, name in enumerate(classes)}
        values = np.zeros((len(answers), len(classes)), np.float32)
        for row, one in enumerate(answers):
            if isinstance(one, Label):
                values[row, [place[name] for name in one.probabilities]] = [
                    *one.probabilities.values()
                ]
        truth = np.array([place.get(str(name), -1) for name in table["label"]], np.int64)
        unknown = np.full(len(truth), -1)
        unknown[truth < 0] = pd.factorize(table["label"].astype(str).to_numpy()[truth < 0])[0]
        return Matrix(classes, truth, values, unknown)

    @property
    def said(self) -> np.ndarray:
        """Number of the predicted class (N,); -2 for rows without a prediction."""
        if not self.classes:
            return np.full(len(self.truth), -2)
        return np.where(self.probabilities.any(1), self.probabilities.argmax(1), -2)

    @property
    def right(self) -> np.ndarray:
        """True for rows with a correct prediction (N,)."""
        return self.said == self.truth


def _metrics(answers: Sequence[Answer], table: pd.DataFrame, sampling: Sampling) -> MetricValues:
    matrix = Matrix.of(answers, table)
    found = {"accuracy": sampling.share(matrix.right)}
    if len(matrix.classes) > 5:
        best = np.argsort(-matrix.probabilities, axis=1, kind="stable")[:, :5]
        answered = matrix.probabilities.any(1)
        found["top5_accuracy"] = sampling.share((best == matrix.truth[:, None]).any(1) & answered)
    known, size = len(matrix.classes), len(matrix.classes) + matrix.unknown.max(initial=-1) + 2
    truth = np.where(matrix.truth < 0, known + matrix.unknown, matrix.truth)
    said = np.where(matrix.said < 0, size - 1, matrix.said)
    flat, cell = np.unique(truth * size + said, return_inverse=True)
    macro_f1 = partial(_macro_f1, np.divmod(flat, size), size)
    error = calibration.error(*_sure_and_right(matrix))
    found["macro_f1"] = sampling.resampled(macro_f1, len(flat), cell)
    found["ece"] = sampling.resampled(error, len(matrix.truth))
    found["log_loss"] = sampling.mean(_row_log_loss(matrix))
    return found


def confusion(matrix: Matrix) -> np.ndarray:
    """Returns the confusion matrix (K + 1, K + 1): true class by row, predicted by column.

    The last row counts classes not in training, the last column rows without a prediction.
    """
    size = len(matrix.classes) + 1
    return np.bincount(_cells(matrix), minlength=size**2).reshape(size, size)


def _cells(matrix: Matrix) -> np.ndarray:
    """Returns the cell of each row (N,) in the flat confusion matrix."""
    other = len(matrix.classes)
    truth, said = (np.where(one < 0, other, one) for one in (matrix.truth, matrix.said))
    return np.asarray(truth * (other + 1) + said)


def per_class(matrix: Matrix) -> list[dict[str, Any]]:
    """Returns precision, recall, F1 and support of each class."""
    counts = confusion(matrix)
    rows = []
    for number, name in enumerate(matrix.classes):
        hit, truth, said = counts[number, number], counts[number].sum(), counts[:, number].sum()
        rows.append(
            {
                "class": name,
                "precision": float(hit / said) if said else 0.0,
                "recall": float(hit / truth) if truth else 0.0,
                "f1": float(2 * hit / (truth + said)) if truth + said else 0.0,
                "support": int(truth),
            }
        )
    return rows


def _macro_f1(cells: tuple[np.ndarray, ...], size: int, counts: np.ndarray) -> float:
    """Returns the mean F1 of classes with rows, from the non-zero cells of a confusion matrix.

    A class that is not in training has rows of its own and an F1 of 0.
    """
    down, across = cells
    truth = np.bincount(down, counts, size)[:-1]
    said = np.bincount(across, counts, size)[:-1]
    hit = np.bincount(down, counts * (down == across), size)[:-1]
    there = truth > 0
    scores = 2 * hit[there] / np.maximum(1, truth[there] + said[there])
    return float(scores.mean()) if there.any() else 0.0


def expected_calibration_error(matrix: Matrix) -> float:
    """Returns the expected calibration error with bins of equal width (C. Guo et al. 2017)."""
    return calibration.error(*_sure_and_right(matrix))(np.ones(len(matrix.truth)))


def _sure_and_right(matrix: Matrix) -> tuple[np.ndarray, np.ndarray]:
    """Returns the confidence (N,) of each prediction, and True (N,) where it is correct."""
    return matrix.probabilities.max(1, initial=0.0), matrix.right


def _row_log_loss(matrix: Matrix) -> np.ndarray:
    known, chance = np.flatnonzero(matrix.truth >= 0), np.full(len(matrix.truth), 1e-7)
    chance[known] = matrix.probabilities[known, matrix.truth[known]]
    return -np.log(chance.clip(1e-7, 1.0))


# --- trivial baselines ----------------------------------------------------------------------------


def _nearest_centroids(table: pd.DataFrame, columns: Columns, judged: Columns) -> list[Label]:
    """Predicts the class with the nearest centroid for each row of `judged`.

    Returns [] if there is more than one input column, if it is ragged, or if there are no rows.
    """
    if len(columns) != 1 or columns.lengths is not None or not judged.rows:
        return []
    classes = sorted(table["label"].unique(), key=natural)
    truth = table["label"].map({label: number for number, label in enumerate(classes)})
    rows = centroids(columns, truth.to_numpy(np.int64), judged, len(classes))
    return [
        Label(classes[row.argmax()], dict(zip(classes, map(float, row), strict=True)))
        for row in rows
    ]


def _constant(train: pd.DataFrame) -> Label:
    if "label" not in train or train.empty:
        return Label("", {})
    weights = weights_of(train)
    shares = train["label"].value_counts(normalize=True)
    if weights is not None:
        shares = pd.Series(weights / weights.sum()).groupby(train["label"].to_numpy()).sum()
    ordered = sorted(shares.items(), key=lambda item: (-item[1], natural(str(item[0]))))
    return Label(str(ordered[0][0]), {str(name): float(share) for name, share in ordered})


def _details(answers: Sequence[Answer], table: pd.DataFrame, sampling: Sampling) -> dict[str, Any]:
    matrix = Matrix.of(answers, table)
    return {
        "classes": per_class(matrix),
        "confusion": confusion(matrix).tolist(),
        "reliability": calibration.reliability(*_sure_and_right(matrix)),
    }


def _recalled(answers: Sequence[Answer], table: pd.DataFrame) -> Recalled:
    matrix = Matrix.of(answers, table)
    rows = np.flatnonzero(matrix.truth >= 0)
    return Recalled(rows, [matrix.classes[one] for one in matrix.truth[rows]], matrix.right[rows])


def _worst(answers: Sequence[Answer], table: pd.DataFrame) -> list[int]:
    matrix = Matrix.of(answers, table)
    wrong = np.flatnonzero(~matrix.right)
    order = np.argsort(-_row_log_loss(matrix)[wrong], kind="stable")
    return [int(row) for row in wrong[order]]


def _bootstrap(answers: Sequence[Answer], table: pd.DataFrame) -> Weighted:
    return Matrix.of(answers, table).right[:, None].astype(np.int64), _share


def _share(rows: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.asarray(counts @ rows[:, 0] / np.maximum(1, counts.sum(1)))


def _calibration(answers: Sequence[Answer], table: pd.DataFrame, change: Change) -> dict[str, Any]:
    matrix = Matrix.of(answers, table)
    changed = replace(matrix, probabilities=change(matrix.probabilities))
    losses = _row_log_loss(changed)
    loss = float(losses.mean()) if len(losses) else 0.0
    return calibration.certainty(*_sure_and_right(changed), loss)


def _same_decision(before: Label, after: Label, tolerance: float) -> bool:
    best = sorted(before.probabilities.values(), reverse=True)[:2]
    return before.label == after.label or (len(best) == 2 and best[0] - best[1] < tolerance)


def _mapped(name: str, names: Mapping[str, str | None]) -> str:
    return names.get(name, name) or ""


@dataclass(frozen=True)
class LabelOptions:
    """Prediction options of single-label classification."""

    top: int = setting(0, "number of classes to list, 0 = all", low=0, high=100_000)
    threshold: float = setting(
        0.0, "threshold: smallest probability of a listed class", low=0.0, high=1.0
    )


class LabelKind(AnswerKind):
    """One class of several; the true label is a class name in the column `label`."""

    name = "label"
    prediction = Label
    truths = ("label",)
    options = LabelOptions
    headline = "accuracy"
    metrics: ClassVar[dict[str, Metric]] = {
        "accuracy": ACCURACY,
        "top5_accuracy": Metric(
            "Top-5 accuracy", "share of rows with the true class among the five most probable"
        ),
        "macro_f1": MACRO_F1,
        "ece": CALIBRATION_ERROR,
        "log_loss": LOG_LOSS,
    }
    has_examples = True
    exclusive = True

    def refuse(self, table: pd.DataFrame) -> DataRefused | None:
        return one_class(table["label"], 2)

    refuse_checked = staticmethod(class_of_one)

    def notices(self, table: pd.DataFrame) -> list[Message]:
        return [*alike_names(table), *unseen_classes(table)]

    def strata(self, table: pd.DataFrame) -> list[tuple[str, ...]]:
        return [(name,) for name in table["label"].astype(str)]

    def counts(self, table: pd.DataFrame) -> Counter[str]:
        return Counter(table["label"].astype(str)) if "label" in table else Counter()

    def classes_in(self, table: pd.DataFrame) -> set[str]:
        return set(table["label"])

    def truth_values(self, table: pd.DataFrame) -> dict[str, np.ndarray]:
        often = table["label"].value_counts().index[:MOST_COMPARED]
        return {str(name): (table["label"] == name).to_numpy(float) for name in often}

    def renamed(
        self, table: pd.DataFrame, names: Mapping[str, str | None]
    ) -> tuple[pd.DataFrame, np.ndarray]:
        gone = table["label"].isin([old for old, new in names.items() if not new])
        label = table["label"].map(lambda name: _mapped(name, names))
        return table.assign(label=label), gone.to_numpy()

    measure = staticmethod(_metrics)
    constant = staticmethod(_constant)

    def baselines(
        self, train: tuple[pd.DataFrame, Columns], judged: tuple[pd.DataFrame, Columns]
    ) -> dict[str, Scores]:
        answers = _nearest_centroids(*train, judged[1])
        if not answers:
            return {}
        scores = self.score(answers, judged[0], train[0])
        kept = {name: scores.metrics[name] for name in ("accuracy", "macro_f1")}
        return {"nearest centroid": replace(scores, metrics=kept)}

    def retained(self, before: Label, after: Label) -> float:
        return after.probabilities.get(before.label, 0.0)

    worst = staticmethod(_worst)
    bootstrap = staticmethod(_bootstrap)
    same_decision = staticmethod(_same_decision)
    details = staticmethod(_details)
    recalled = staticmethod(_recalled)

    def averages(self, answers: Sequence[Answer]) -> dict[str, float]:
        known = [one.probabilities for one in answers if isinstance(one, Label)]
        return (
            {
                name: float(np.mean([one.get(name, 0.0) for one in known]))
                for name in sorted(known[0], key=natural)
            }
            if known
            else {}
        )

    calibration = staticmethod(_calibration)

    def words(self, answer: Label, truth: str = "") -> dict[str, Any]:
        right = answer.probabilities.get(truth)
        return {"said": answer.label, "sure": answer.probability, "right": right}

    def classes(self, truths: Mapping[str, Any]) -> list[str]:
        return list(truths.get("classes", []))

    def about(self, answer: Label, name: str) -> Label:
        return replace(answer, label=name)

    def weighed_by(self, answer: Label, other: Label) -> Label:
        return replace(answer, probabilities=other.probabilities)

    pieces = staticmethod(matrix_pieces)


LABEL = LabelKind()
