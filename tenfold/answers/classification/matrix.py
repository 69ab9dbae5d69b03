"""Predictions of classes as arrays, and the metrics computed from them.

Shapes: N rows, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from tenfold.answers import calibration
from tenfold.answers.classification.positive import positive_class, trained_rows
from tenfold.answers.classification.prediction import Label
from tenfold.answers.intervals import Sampling
from tenfold.answers.kind import Answer, MetricValues
from tenfold.answers.metrics.discrimination import Ordered, mean_average_precision, mean_roc_auc
from tenfold.core.text import natural

__all__ = [
    "Matrix",
    "confusion",
    "expected_calibration_error",
    "ordering_metrics",
    "per_class",
    "plain_metrics",
    "row_log_loss",
    "sure_and_right",
]

MAX_ORDERED_CLASSES = 30
"""Largest number of classes for metrics that order the rows by the probability of each class."""


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


def plain_metrics(
    answers: Sequence[Answer], table: pd.DataFrame, sampling: Sampling
) -> MetricValues:
    """Returns the metrics for which only predictions and true labels are needed."""
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
    error = calibration.error(*sure_and_right(matrix))
    found["macro_f1"] = sampling.resampled(macro_f1, len(flat), cell)
    found["ece"] = sampling.resampled(error, len(matrix.truth))
    found["log_loss"] = sampling.mean(row_log_loss(matrix))
    found["brier"] = sampling.mean(_row_brier(matrix))
    return found


def ordering_metrics(
    answers: Sequence[Answer], table: pd.DataFrame, sampling: Sampling, train: pd.DataFrame
) -> MetricValues:
    """Returns the area under the ROC curve and the average precision.

    With two classes, they are those of the positive class (see `positive_class`); with more, the
    means over classes, each against all others. A row without a prediction is ordered as wrong as
    possible. Returns {} with more than MAX_ORDERED_CLASSES classes, or where the rows have only one
    class.
    """
    matrix = Matrix.of(answers, table)
    classes = range(len(matrix.classes))
    if len(classes) == 2:
        counts = trained_rows(train, matrix.classes)
        classes = range(at := matrix.classes.index(positive_class(counts)), at + 1)
    if not classes or len(matrix.classes) > MAX_ORDERED_CLASSES:
        return {}
    missing = ~matrix.probabilities.any(1)
    ordered = []
    for number in classes:
        positive = matrix.truth == number
        wrong = np.where(positive, -1.0, 2.0)
        scores = np.where(missing, wrong, matrix.probabilities[:, number])
        ordered.append(Ordered.of(scores, positive))
    found = {"roc_auc": partial(mean_roc_auc, ordered)}
    found |= {"average_precision": partial(mean_average_precision, ordered)}
    each = np.ones(len(matrix.truth)) if sampling.weights is None else sampling.weights
    if not np.isfinite(mean_roc_auc(ordered, each)):
        return {}
    return {name: sampling.resampled(metric, len(matrix.truth)) for name, metric in found.items()}


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


def per_class(matrix: Matrix, weights: np.ndarray | None = None) -> list[dict[str, Any]]:
    """Returns precision, recall, F1 and support of each class; the support counts rows.

    `weights` (N,) are the weights of the rows in the other three; None = all the same.
    """
    size = len(matrix.classes) + 1
    support = confusion(matrix).sum(1)
    counts = np.bincount(_cells(matrix), weights, minlength=size**2).reshape(size, size)
    rows = []
    for number, name in enumerate(matrix.classes):
        hit, truth, said = counts[number, number], counts[number].sum(), counts[:, number].sum()
        rows.append(
            {
                "class": name,
                "precision": float(hit / said) if said else 0.0,
                "recall": float(hit / truth) if truth else 0.0,
                "f1": float(2 * hit / (truth + said)) if truth + said else 0.0,
                "support": int(support[number]),
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
    scores = 2 * hit[there] / (truth[there] + said[there])
    return float(scores.mean()) if there.any() else 0.0


def expected_calibration_error(matrix: Matrix) -> float:
    """Returns the expected calibration error with bins of equal width (C. Guo et al. 2017)."""
    return calibration.error(*sure_and_right(matrix))(np.ones(len(matrix.truth)))


def sure_and_right(matrix: Matrix) -> tuple[np.ndarray, np.ndarray]:
    """Returns the confidence (N,) of each prediction, and True (N,) where it is correct."""
    return matrix.probabilities.max(1, initial=0.0), matrix.right


def row_log_loss(matrix: Matrix) -> np.ndarray:
    """Returns the log loss of each row (N,); a probability counts as 1e-7 or more."""
    known, chance = np.flatnonzero(matrix.truth >= 0), np.full(len(matrix.truth), 1e-7)
    chance[known] = matrix.probabilities[known, matrix.truth[known]]
    return -np.log(chance.clip(1e-7, 1.0))


def _row_brier(matrix: Matrix) -> np.ndarray:
    """Returns the Brier score of each row (N,): G. Brier 1950.

    It is the sum of squared differences between probabilities and the true class over all classes,
    halved for two classes, where it is the squared difference of the positive class. A row without
    a prediction has the largest value, 2 or for two classes 1.
    """
    truth = np.zeros(matrix.probabilities.shape)
    known = np.flatnonzero(matrix.truth >= 0)
    truth[known, matrix.truth[known]] = 1.0
    squares = ((matrix.probabilities - truth) ** 2).sum(1) + (matrix.truth < 0)
    squares[~matrix.probabilities.any(1)] = 2.0
    return np.asarray(squares / 2 if len(matrix.classes) == 2 else squares)
