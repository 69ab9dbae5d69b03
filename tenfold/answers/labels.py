"""The answer kind of multi-label classification: any number of classes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from tenfold.answers import calibration
from tenfold.answers.intervals import Sampling, Weighted, weights_of
from tenfold.answers.kind import Answer, AnswerKind, Change, MetricValues, Recalled
from tenfold.answers.label import one_class
from tenfold.answers.metric import ACCURACY, AVERAGE_PRECISION, MACRO_F1, Metric
from tenfold.answers.sections import class_pieces
from tenfold.core.errors import DataRefused
from tenfold.core.language import say
from tenfold.core.results import Prediction
from tenfold.core.settings import setting
from tenfold.core.text import natural

__all__ = ["LABELS", "Labels", "LabelsKind"]


@dataclass(frozen=True)
class Labels(Prediction):
    """Predicted classes; `labels` are those with a probability at or above the threshold."""

    columns: ClassVar[tuple[str, ...]] = ("label",)
    labels: tuple[str, ...]
    probabilities: dict[str, float]

    @property
    def line(self) -> str:
        """One line for the terminal, with cells separated by tabs."""
        return f"{'|'.join(self.labels)}\t{json.dumps(self.probabilities, ensure_ascii=False)}"

    @property
    def chances(self) -> dict[str, float]:
        """Probability of each class, by name."""
        return self.probabilities

    @property
    def cells(self) -> tuple[str, ...]:
        """Values of `columns` in a table of predictions, before the probabilities of classes."""
        return ("|".join(self.labels),)


def _arrays(
    answers: Sequence[Answer], table: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns three arrays (N, K): true labels (bool), predicted labels (bool), probabilities."""
    classes = _classes(answers, table)
    rows = [[name in row for name in classes] for row in table["labels"]]
    truth = np.array(rows, bool).reshape(len(answers), len(classes))
    said, chance = np.zeros_like(truth), np.zeros(truth.shape)
    for row, one in enumerate(answers):
        if isinstance(one, Labels):
            said[row] = [name in one.labels for name in classes]
            chance[row] = [one.probabilities[name] for name in classes]
    return truth, said, chance


def _classes(answers: Sequence[Answer], table: pd.DataFrame) -> list[str]:
    """Returns the classes of the predictions (or else the true classes), sorted by `natural`."""
    first = next((one for one in answers if isinstance(one, Labels)), None)
    names = first.probabilities if first else {name for row in table["labels"] for name in row}
    return sorted(names, key=natural)


def _metrics(answers: Sequence[Answer], table: pd.DataFrame, sampling: Sampling) -> MetricValues:
    truth, said, chance = _arrays(answers, table)
    rows, resampled = len(truth), sampling.resampled
    both, either = 2.0 * (truth & said), 1.0 * truth + said
    return {
        "micro_f1": resampled(partial(_micro_f1, both.sum(1), either.sum(1)), rows),
        "macro_f1": resampled(partial(_mean_f1, both, either, truth), rows),
        "accuracy": sampling.share((truth == said).all(1)),
        "average_precision": resampled(_average_precision(truth, chance), rows),
    }


def _micro_f1(both: np.ndarray, either: np.ndarray, counts: np.ndarray) -> float:
    return float(counts @ both / max(1, counts @ either))


def _mean_f1(both: np.ndarray, either: np.ndarray, truth: np.ndarray, counts: np.ndarray) -> float:
    there = counts @ truth > 0
    scores = (counts @ both)[there] / np.maximum(1, (counts @ either)[there])
    return float(scores.mean()) if there.any() else 0.0


def _average_precision(truth: np.ndarray, chance: np.ndarray) -> Callable[[np.ndarray], float]:
    """Returns a function that computes the mean average precision over classes of a resample.

    The function takes how often each row occurs in the resample (N,).
    """
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


def _constant(train: pd.DataFrame) -> Labels:
    if "labels" not in train:
        return Labels((), {})
    weights = weights_of(train)
    each = np.ones(len(train)) if weights is None else weights
    names = train["labels"].reset_index(drop=True).explode().dropna()
    counts = (
        pd.Series(each[names.index.to_numpy(int)], names.index).groupby(names, sort=False).sum()
    )
    shares = counts.sort_values(ascending=False, kind="stable") / max(1.0, each.sum())
    chances = {str(name): float(share) for name, share in shares.items()}
    said = tuple(name for name, share in chances.items() if share >= 0.5)
    return Labels(said or tuple([*chances][:1]), chances)


def _retained(before: Labels, after: Labels) -> float:
    kept = [after.probabilities.get(name, 0.0) for name in before.labels]
    return float(np.mean(kept)) if kept else 1 - max(after.probabilities.values(), default=0.0)


def _details(answers: Sequence[Answer], table: pd.DataFrame, sampling: Sampling) -> dict[str, Any]:
    truth, said, _ = _arrays(answers, table)
    rows = []
    for number, name in enumerate(_classes(answers, table)):
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


def _recalled(answers: Sequence[Answer], table: pd.DataFrame) -> Recalled:
    truth, said, _ = _arrays(answers, table)
    names, (rows, places) = _classes(answers, table), np.nonzero(truth)
    return Recalled(rows, [names[place] for place in places], said[rows, places])


def _worst(answers: Sequence[Answer], table: pd.DataFrame) -> list[int]:
    truth, said, _ = _arrays(answers, table)
    wrong = (truth != said).sum(1)
    return [int(row) for row in np.argsort(-wrong, kind="stable") if wrong[row]]


def _bootstrap(answers: Sequence[Answer], table: pd.DataFrame) -> Weighted:
    truth, said, _ = _arrays(answers, table)
    return np.stack([2 * (truth & said).sum(1), truth.sum(1) + said.sum(1)], 1), _ratio


def _ratio(rows: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.asarray(counts @ rows[:, 0] / np.maximum(1, counts @ rows[:, 1]))


def _calibration(answers: Sequence[Answer], table: pd.DataFrame, change: Change) -> dict[str, Any]:
    """Computes the calibration over all decisions; one decision = one row and one class."""
    truth, _, chance = _arrays(answers, table)
    sure, right = change(chance).ravel(), truth.ravel()
    told = np.where(right, sure, 1 - sure).clip(1e-7, 1.0)
    loss = float(-np.log(told).mean()) if len(told) else 0.0
    return calibration.certainty(sure, right, loss)


def _same_decision(before: Labels, after: Labels, tolerance: float) -> bool:
    """Returns True if each added or removed class changed its probability by < `tolerance`."""
    moved = set(before.labels) ^ set(after.labels)
    first, second = before.probabilities, after.probabilities
    return all(abs(first.get(name, 0.0) - second.get(name, 0.0)) < tolerance for name in moved)


@dataclass(frozen=True)
class LabelsOptions:
    """Prediction options of multi-label classification."""

    top: int = setting(0, "number of classes to list, 0 = all", low=0, high=100_000)
    threshold: float = setting(
        0.5, "threshold: smallest probability of a predicted class", low=0.0, high=1.0
    )


class LabelsKind(AnswerKind):
    """Any number of classes; the true label is a tuple of class names in the column `labels`."""

    name = "labels"
    prediction = Labels
    truths = ("labels",)
    options = LabelsOptions
    headline = "micro_f1"
    has_examples = True
    metrics: ClassVar[dict[str, Metric]] = {
        "micro_f1": Metric("Micro F1", "F1 over all decisions of all classes together"),
        "macro_f1": MACRO_F1,
        "accuracy": ACCURACY,
        "average_precision": AVERAGE_PRECISION,
    }

    def blank(self, table: pd.DataFrame) -> np.ndarray:
        return np.zeros(len(table), bool)  # a row without any class is a valid label

    def refuse(self, table: pd.DataFrame) -> DataRefused | None:
        return one_class(table["labels"].explode().dropna(), 1)

    def strata(self, table: pd.DataFrame) -> list[tuple[str, ...]]:
        return [tuple(map(str, row)) for row in table["labels"]]

    def counts(self, table: pd.DataFrame) -> Counter[str]:
        return Counter(str(name) for row in table.get("labels", ()) for name in row)

    def same(self, one: Mapping[Any, Any], other: Mapping[Any, Any]) -> bool:
        return sorted(one.get("labels", ())) == sorted(other.get("labels", ()))

    def classes_in(self, table: pd.DataFrame) -> set[str]:
        return {name for row in table["labels"] for name in row}

    def renamed(
        self, table: pd.DataFrame, names: Mapping[str, str | None]
    ) -> tuple[pd.DataFrame, np.ndarray]:
        rows = [
            tuple(sorted({new for name in row if (new := names.get(name, name))}))
            for row in table["labels"]
        ]
        renamed = pd.Series(rows, table.index, dtype=object)
        return table.assign(labels=renamed), np.zeros(len(table), bool)

    def truth_text(self, table: pd.DataFrame, row: int) -> str:
        return " + ".join(table["labels"].iloc[row]) or say("none") if "labels" in table else ""

    measure = staticmethod(_metrics)
    constant = staticmethod(_constant)
    retained = staticmethod(_retained)
    worst = staticmethod(_worst)
    bootstrap = staticmethod(_bootstrap)
    same_decision = staticmethod(_same_decision)
    details = staticmethod(_details)
    recalled = staticmethod(_recalled)
    calibration = staticmethod(_calibration)

    def words(self, answer: Labels, truth: str = "") -> dict[str, Any]:
        chances = [answer.probabilities.get(name, 0.0) for name in answer.labels]
        sure = min(chances) if chances else 1 - max(answer.probabilities.values(), default=0.0)
        return {"said": " + ".join(answer.labels) or say("none"), "sure": sure, "right": None}

    def classes(self, truths: Mapping[str, Any]) -> list[str]:
        return list(truths.get("classes", []))

    def about(self, answer: Labels, name: str) -> Labels:
        return replace(answer, labels=(name,))

    def weighed_by(self, answer: Labels, other: Labels) -> Labels:
        return replace(answer, probabilities=other.probabilities)

    pieces = staticmethod(class_pieces)


LABELS = LabelsKind()
