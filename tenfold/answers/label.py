"""The answer kind of single-label classification: one class of several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from tenfold.answers import calibration
from tenfold.answers.classification import report, two_classes
from tenfold.answers.classification.centroids import centroids
from tenfold.answers.classification.class_names import (
    alike_names,
    class_of_one,
    one_class,
    unseen_classes,
)
from tenfold.answers.classification.costs import EQUAL, Costs, cost_matrix, written_costs
from tenfold.answers.classification.matrix import (
    Matrix,
    confusion,
    expected_calibration_error,
    ordering_metrics,
    per_class,
    plain_metrics,
    row_log_loss,
    sure_and_right,
)
from tenfold.answers.classification.positive import TwoClasses, positive_class
from tenfold.answers.classification.prediction import Label
from tenfold.answers.intervals import Sampling, Weighted, weights_of
from tenfold.answers.kind import Answer, AnswerKind, Change, Recalled
from tenfold.answers.metric import (
    ACCURACY,
    AVERAGE_PRECISION,
    BRIER,
    CALIBRATION_ERROR,
    LOG_LOSS,
    MACRO_F1,
    ROC_AUC,
    Metric,
    share,
)
from tenfold.core.columns import Columns
from tenfold.core.errors import DataRefused, UsageError, nearest
from tenfold.core.message import Message
from tenfold.core.progress import tell
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
    bins = calibration.reliability(*sure_and_right(matrix), sampling.weights)
    return {
        "classes": per_class(matrix, sampling.weights),
        "confusion": confusion(matrix).tolist(),
        "reliability": bins,
    }


def _extras(answers: Sequence[Answer], table: pd.DataFrame, train: pd.DataFrame) -> dict[str, Any]:
    found = two_classes.details(answers, table, train)
    return {"two_classes": found} if found else {}


def _valued(
    answers: Sequence[Answer], table: pd.DataFrame, train: pd.DataFrame, costs: str, positive: str
) -> dict[str, Any]:
    found = TwoClasses.of(answers, table, train)
    if found is None or not len(found.rows):
        raise UsageError(
            Message("Costs and a positive class need a run of two classes"),
            code="bad-setting",
            where="costs" if costs else "positive",
            fix=Message("Leave the option out, or merge classes with --classes in training."),
        )
    pair = (found.positive, found.negative)
    if positive and positive not in pair:
        raise UsageError(
            Message("This run has no class {name!r}", name=positive),
            code="unknown-class",
            where="positive",
            fix=nearest(positive, pair),
        )
    pair = pair if positive in ("", pair[0]) else pair[::-1]
    spent = Costs.of(costs, *pair) if costs else None
    if spent:
        _state(pair[0], spent)
    return {"two_classes": two_classes.details(answers, table, train, pair[0], spent)}


def _state(positive: str, costs: Costs) -> None:
    """Prints the threshold of the costs."""
    tell(
        Message(
            "With these costs, {name!r} is predicted from a probability of {threshold}.",
            name=positive,
            threshold=share(costs.threshold),
        )
    )


def _recalled(answers: Sequence[Answer], table: pd.DataFrame) -> Recalled:
    matrix = Matrix.of(answers, table)
    rows = np.flatnonzero(matrix.truth >= 0)
    return Recalled(rows, [matrix.classes[one] for one in matrix.truth[rows]], matrix.right[rows])


def _worst(answers: Sequence[Answer], table: pd.DataFrame) -> list[int]:
    matrix = Matrix.of(answers, table)
    wrong = np.flatnonzero(~matrix.right)
    order = np.argsort(-row_log_loss(matrix)[wrong], kind="stable")
    return [int(row) for row in wrong[order]]


def _bootstrap(answers: Sequence[Answer], table: pd.DataFrame) -> Weighted:
    return Matrix.of(answers, table).right[:, None].astype(np.int64), _share


def _share(rows: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.asarray(counts @ rows[:, 0] / np.maximum(1, counts.sum(1)))


def _calibration(answers: Sequence[Answer], table: pd.DataFrame, change: Change) -> dict[str, Any]:
    matrix, weights = Matrix.of(answers, table), weights_of(table)
    changed = replace(matrix, probabilities=change(matrix.probabilities))
    losses = row_log_loss(changed)
    loss = 0.0
    if len(losses):
        loss = float(losses.mean() if weights is None else np.average(losses, weights=weights))
    return calibration.certainty(*sure_and_right(changed), loss, weights)


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
    costs: str = setting(
        EQUAL,
        "cost of errors, such as yes=no:5,no=yes:1 (true class = predicted class : cost); the "
        "class with the lowest expected cost is predicted",
        accepts=written_costs,
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
        "brier": BRIER,
        "roc_auc": ROC_AUC,
        "average_precision": AVERAGE_PRECISION,
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

    measure = staticmethod(plain_metrics)
    measure_trained = staticmethod(ordering_metrics)
    constant = staticmethod(_constant)

    def baselines(
        self, train: tuple[pd.DataFrame, Columns], judged: tuple[pd.DataFrame, Columns]
    ) -> dict[str, dict[str, float]]:
        answers = _nearest_centroids(*train, judged[1])
        if not answers:
            return {}
        values = self.values(answers, judged[0])
        kept = {name: values[name] for name in ("accuracy", "macro_f1")}
        return {"nearest centroid": kept}

    def retained(self, before: Label, after: Label) -> float:
        return after.probabilities.get(before.label, 0.0)

    worst = staticmethod(_worst)
    bootstrap = staticmethod(_bootstrap)
    same_decision = staticmethod(_same_decision)
    details = staticmethod(_details)
    extras = staticmethod(_extras)
    valued = staticmethod(_valued)
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

    def resolved(self, options: Any, truths: Mapping[str, Any]) -> Any:
        classes = self.classes(truths)
        if options.costs == EQUAL:
            return options
        if len(classes) == 2:
            rows = dict(zip(classes, truths["counts"], strict=True))
            positive = positive_class(rows)
            (negative,) = (name for name in classes if name != positive)
            _state(positive, Costs.of(options.costs, positive, negative))
        else:
            cost_matrix(options.costs, classes)
        return options

    def about(self, answer: Label, name: str) -> Label:
        return replace(answer, label=name)

    def weighed_by(self, answer: Label, other: Label) -> Label:
        return replace(answer, probabilities=other.probabilities)

    pieces = staticmethod(report.pieces)


LABEL = LabelKind()
