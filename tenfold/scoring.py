"""What can be said of a kind of Prediction, whichever application made it.

For each kind: `score` it against answers, `guess` it blindly from training rows, tell how much of
it `survives` a change of the input. A new application of a known kind gets all of it for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from tenfold import calibration
from tenfold.data import Problem
from tenfold.intervals import Weighed, mean, resampled, wilson
from tenfold.results import Label, Labels, Prediction, Score, Scores

__all__ = ["KINDS", "Kind", "Matrix", "certainty", "guess", "score", "survives", "weighed", "worst"]

Answer = Prediction | Problem
Metrics = dict[str, tuple[float, float, float]]
Change = Callable[[np.ndarray], np.ndarray]

RESAMPLED = 200
"""How often rows are resampled for an interval."""


@dataclass(frozen=True)
class Kind:
    """The functions of one kind of Prediction; `measure` resamples as often as it is told.

    `weighed` is the headline as a function of how often each row counts; `certainty` says how
    probabilities, changed by a function (N, K) -> (N, K), agree with what was right.
    """

    headline: str
    measure: Callable[[Sequence[Answer], pd.DataFrame, int], Metrics]
    guess: Callable[[pd.DataFrame], Prediction]
    survives: Callable[[Any, Any], float]
    details: Callable[[Sequence[Answer], pd.DataFrame], dict[str, Any]]
    worst: Callable[[Sequence[Answer], pd.DataFrame], list[int]]
    weighed: Callable[[Sequence[Answer], pd.DataFrame], Weighed]
    certainty: Callable[[Sequence[Answer], pd.DataFrame, Change], dict[str, Any]]


def score(answers: Sequence[Answer], table: pd.DataFrame, train: pd.DataFrame) -> Scores:
    """Metrics with 95 % intervals, each beside what the best constant answer reaches."""
    kind = KINDS[_kind_of(answers)]
    found = kind.measure(answers, table, RESAMPLED)
    blind = kind.measure([kind.guess(train)] * len(table), table, 0)
    metrics = {name: Score(*values, blind[name][0]) for name, values in found.items()}
    return Scores(kind.headline, metrics, len(table), kind.details(answers, table))


def worst(answers: Sequence[Answer], table: pd.DataFrame) -> list[int]:
    """Positions of wrong answers, the most wrong first."""
    return KINDS[_kind_of(answers)].worst(answers, table)


def weighed(answers: Sequence[Answer], table: pd.DataFrame) -> tuple[str, Weighed]:
    """The headline's name, and the headline as a function of how often each row counts."""
    kind = KINDS[_kind_of(answers)]
    return kind.headline, kind.weighed(answers, table)


def certainty(answers: Sequence[Answer], table: pd.DataFrame, change: Change) -> dict[str, Any]:
    """`ece`, `log_loss` and `reliability` (confidence, share right, rows) of changed answers."""
    return KINDS[_kind_of(answers)].certainty(answers, table, change)


def _kind_of(answers: Sequence[Answer]) -> type:
    return next((type(one) for one in answers if not isinstance(one, Problem)), Label)


def guess(kind: type, train: pd.DataFrame) -> Prediction:
    """The best constant answer."""
    return KINDS[kind].guess(train)


def survives(before: Prediction, after: Prediction) -> float:
    """1 = the second answer says all that the first said, 0 = nothing of it."""
    return KINDS[type(before)].survives(before, after)


# --- one class of several -------------------------------------------------------------------------


@dataclass(frozen=True)
class Matrix:
    """Probabilities of labelled rows as arrays: `truth` (N,) is -1 for a class never learnt."""

    classes: list[str]
    truth: np.ndarray
    probabilities: np.ndarray

    @staticmethod
    def of(answers: Sequence[Answer], table: pd.DataFrame) -> Matrix:
        """From predictions; a row that could not be read has no probability anywhere."""
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
        return Matrix(classes, truth, values)

    @property
    def said(self) -> np.ndarray:
        """(N,) the class said; -2 where nothing could be said."""
        return np.where(self.probabilities.any(1), self.probabilities.argmax(1), -2)

    @property
    def right(self) -> np.ndarray:
        """(N,) bool."""
        return self.said == self.truth


def natural(name: str) -> tuple[int, float, str]:
    """Sorts numbers by value, before words."""
    try:
        return (0, float(name), name)
    except ValueError:
        return (1, 0.0, name)


def _label_metrics(answers: Sequence[Answer], table: pd.DataFrame, times: int) -> Metrics:
    matrix = Matrix.of(answers, table)
    found = {"accuracy": wilson(matrix.right)}
    if len(matrix.classes) > 5:
        best = np.argsort(-matrix.probabilities, axis=1, kind="stable")[:, :5]
        known = matrix.probabilities.any(1)
        found["top5_accuracy"] = wilson((best == matrix.truth[:, None]).any(1) & known)
    counts = confusion(matrix)
    cells = np.nonzero(counts)
    found["macro_f1"] = resampled(partial(_macro_f1, cells, len(counts)), counts[cells], times)
    rows = np.ones(len(matrix.truth), np.int64)
    found["ece"] = resampled(calibration.error(*_sure_and_right(matrix)), rows, times)
    found["log_loss"] = mean(_row_log_loss(matrix))
    return found


def confusion(matrix: Matrix) -> np.ndarray:
    """(K + 1, K + 1) counts, truth down, said across; the last row and column = neither."""
    count = len(matrix.classes)
    truth = np.where(matrix.truth < 0, count, matrix.truth)
    said = np.where(matrix.said < 0, count, matrix.said)
    flat = np.bincount(truth * (count + 1) + said, minlength=(count + 1) ** 2)
    return flat.reshape(count + 1, count + 1)


def per_class(matrix: Matrix) -> list[dict[str, Any]]:
    """Precision, recall, F1 and support of every class."""
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
    """Mean F1 of the classes that are there, from the filled cells of a confusion matrix."""
    down, across = cells
    truth = np.bincount(down, counts, size)[:-1]
    said = np.bincount(across, counts, size)[:-1]
    hit = np.bincount(down, counts * (down == across), size)[:-1]
    there = truth > 0
    scores = 2 * hit[there] / np.maximum(1, truth[there] + said[there])
    return float(scores.mean()) if there.any() else 0.0


def expected_calibration_error(matrix: Matrix) -> float:
    """Mean gap of confidence and accuracy over equal bins (C. Guo et al. 2017)."""
    return calibration.error(*_sure_and_right(matrix))(np.ones(len(matrix.truth)))


def _sure_and_right(matrix: Matrix) -> tuple[np.ndarray, np.ndarray]:
    """(N,) how sure each row's answer was, and whether it was right."""
    return matrix.probabilities.max(1, initial=0.0), matrix.right


def _row_log_loss(matrix: Matrix) -> np.ndarray:
    known = matrix.truth >= 0
    chance = np.full(len(matrix.truth), 1e-7)
    chance[known] = matrix.probabilities[np.flatnonzero(known), matrix.truth[known]]
    return -np.log(chance.clip(1e-7, 1.0))


def _label_guess(train: pd.DataFrame) -> Label:
    shares = train["label"].value_counts(normalize=True)
    ordered = sorted(shares.items(), key=lambda item: (-item[1], natural(str(item[0]))))
    return Label(str(ordered[0][0]), {str(name): float(share) for name, share in ordered})


def _label_survives(before: Label, after: Label) -> float:
    return after.probabilities.get(before.label, 0.0)


def _label_details(answers: Sequence[Answer], table: pd.DataFrame) -> dict[str, Any]:
    matrix = Matrix.of(answers, table)
    return {
        "classes": per_class(matrix),
        "confusion": confusion(matrix).tolist(),
        "reliability": calibration.reliability(*_sure_and_right(matrix)),
    }


def _label_worst(answers: Sequence[Answer], table: pd.DataFrame) -> list[int]:
    matrix = Matrix.of(answers, table)
    wrong = np.flatnonzero(~matrix.right)
    order = np.argsort(-_row_log_loss(matrix)[wrong], kind="stable")
    return [int(row) for row in wrong[order]]


def _label_weighed(answers: Sequence[Answer], table: pd.DataFrame) -> Weighed:
    return Matrix.of(answers, table).right[:, None].astype(np.int64), _share


def _share(rows: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.asarray(counts @ rows[:, 0] / np.maximum(1, counts.sum(1)))


def _label_certainty(
    answers: Sequence[Answer], table: pd.DataFrame, change: Change
) -> dict[str, Any]:
    matrix = Matrix.of(answers, table)
    changed = Matrix(matrix.classes, matrix.truth, change(matrix.probabilities))
    return calibration.certainty(*_sure_and_right(changed), float(_row_log_loss(changed).mean()))


# --- any number of classes ------------------------------------------------------------------------


def _labels_arrays(
    answers: Sequence[Answer], table: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N, K) bool truth, bool said, float probability."""
    first = next(one for one in answers if isinstance(one, Labels))
    classes = sorted(first.probabilities, key=natural)
    truth = np.array([[name in row for name in classes] for row in table["labels"]], bool)
    said, chance = np.zeros_like(truth), np.zeros(truth.shape)
    for row, one in enumerate(answers):
        if isinstance(one, Labels):
            said[row] = [name in one.labels for name in classes]
            chance[row] = [one.probabilities[name] for name in classes]
    return truth, said, chance


def _labels_metrics(answers: Sequence[Answer], table: pd.DataFrame, times: int) -> Metrics:
    truth, said, chance = _labels_arrays(answers, table)
    rows = np.ones(len(truth), np.int64)
    both, either = 2.0 * (truth & said), 1.0 * truth + said
    return {
        "micro_f1": resampled(partial(_micro_f1, both.sum(1), either.sum(1)), rows, times),
        "macro_f1": resampled(partial(_mean_f1, both, either, truth), rows, times),
        "accuracy": wilson((truth == said).all(1)),
        "average_precision": resampled(_average_precision(truth, chance), rows, times),
    }


def _micro_f1(both: np.ndarray, either: np.ndarray, counts: np.ndarray) -> float:
    return float(counts @ both / max(1, counts @ either))


def _mean_f1(both: np.ndarray, either: np.ndarray, truth: np.ndarray, counts: np.ndarray) -> float:
    there = counts @ truth > 0
    scores = (counts @ both)[there] / np.maximum(1, (counts @ either)[there])
    return float(scores.mean()) if there.any() else 0.0


def _average_precision(truth: np.ndarray, chance: np.ndarray) -> Callable[[np.ndarray], float]:
    """Mean over classes of the precision at every true row, surest rows first."""
    order = np.argsort(-chance, axis=0, kind="stable")
    ranked = np.take_along_axis(truth, order, 0)

    def mean(counts: np.ndarray) -> float:
        weight = counts[order]
        hits = weight * ranked
        precision = hits.cumsum(0) / np.maximum(1, weight.cumsum(0))
        there = hits.sum(0) > 0
        scores = (precision * hits).sum(0)[there] / hits.sum(0)[there]
        return float(scores.mean()) if there.any() else 0.0

    return mean


def _labels_guess(train: pd.DataFrame) -> Labels:
    rows = max(1, len(train))
    shares = train["labels"].explode().dropna().value_counts() / rows
    chances = {str(name): float(share) for name, share in shares.items()}
    said = tuple(name for name, share in chances.items() if share >= 0.5)
    return Labels(said or tuple([*chances][:1]), chances)


def _labels_survives(before: Labels, after: Labels) -> float:
    kept = [after.probabilities.get(name, 0.0) for name in before.labels]
    return float(np.mean(kept)) if kept else 1 - max(after.probabilities.values(), default=0.0)


def _labels_details(answers: Sequence[Answer], table: pd.DataFrame) -> dict[str, Any]:
    truth, said, _ = _labels_arrays(answers, table)
    first = next(one for one in answers if isinstance(one, Labels))
    rows = []
    for number, name in enumerate(sorted(first.probabilities, key=natural)):
        hit = int((truth & said)[:, number].sum())
        there, told = int(truth[:, number].sum()), int(said[:, number].sum())
        rows.append(
            {
                "class": name,
                "precision": hit / told if told else 0.0,
                "recall": hit / there if there else 0.0,
                "f1": 2 * hit / (there + told) if there + told else 0.0,
                "support": there,
            }
        )
    return {"classes": rows}


def _labels_worst(answers: Sequence[Answer], table: pd.DataFrame) -> list[int]:
    truth, said, _ = _labels_arrays(answers, table)
    wrong = (truth != said).sum(1)
    return [int(row) for row in np.argsort(-wrong, kind="stable") if wrong[row]]


def _labels_weighed(answers: Sequence[Answer], table: pd.DataFrame) -> Weighed:
    truth, said, _ = _labels_arrays(answers, table)
    return np.stack([2 * (truth & said).sum(1), truth.sum(1) + said.sum(1)], 1), _ratio


def _ratio(rows: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.asarray(counts @ rows[:, 0] / np.maximum(1, counts @ rows[:, 1]))


def _labels_certainty(
    answers: Sequence[Answer], table: pd.DataFrame, change: Change
) -> dict[str, Any]:
    """Of every decision, a row and a class each."""
    truth, _, chance = _labels_arrays(answers, table)
    sure, right = change(chance).ravel(), truth.ravel()
    told = np.where(right, sure, 1 - sure).clip(1e-7, 1.0)
    return calibration.certainty(sure, right, float(-np.log(told).mean()))


KINDS: dict[type, Kind] = {
    Label: Kind(
        "accuracy",
        _label_metrics,
        _label_guess,
        _label_survives,
        _label_details,
        _label_worst,
        _label_weighed,
        _label_certainty,
    ),
    Labels: Kind(
        "micro_f1",
        _labels_metrics,
        _labels_guess,
        _labels_survives,
        _labels_details,
        _labels_worst,
        _labels_weighed,
        _labels_certainty,
    ),
}
