"""The answer kind of anomaly detection: how strange a row is, and whether that is an alarm.

The columns `strange` (True, False, or None where it is unknown) and `label` (the kind of a strange
row) hold the truth. Strange rows are never used for fitting: they choose and test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from tenfold.answers.intervals import Sampling, Weighted
from tenfold.answers.kind import Answer, AnswerKind, MetricValues
from tenfold.answers.metric import AVERAGE_PRECISION, ROC_AUC, Metric
from tenfold.answers.strange import report, scores
from tenfold.answers.strange.prediction import Oddity
from tenfold.answers.strange.scores import Strangeness
from tenfold.core.errors import DataRefused
from tenfold.core.language import say
from tenfold.core.message import Message

__all__ = ["ODDITY", "Oddity", "OddityKind", "answers_of"]

PARTS = 3
"""Maximum number of columns that are named as the reason."""
LEAST_PART = 0.1
"""Least share of the score for a column to be named."""


def answers_of(outputs: Mapping[str, Any], names: Sequence[str]) -> list[Oddity]:
    """Returns an Oddity for each row of the outputs.

    These are `score` (N,), `threshold` (N,), `p` (N,) and, if given, `blame` (N, C): the parts of
    the score that the columns `names` cause.
    """
    score, threshold, p = (np.asarray(outputs[one], float) for one in ("score", "threshold", "p"))
    blame = np.asarray(outputs.get("blame", np.zeros((len(score), 0))), float)
    return [
        Oddity(float(score[row]), float(threshold[row]), float(p[row]), _parts(blame[row], names))
        for row in range(len(score))
    ]


def _parts(blame: np.ndarray, names: Sequence[str]) -> tuple[tuple[str, float], ...]:
    total = float(blame.sum())
    if not total > 0:
        return ()
    order = np.argsort(-blame, kind="stable")[:PARTS]
    shares = [(names[at], float(blame[at] / total)) for at in order]
    return tuple(one for one in shares if one[1] >= LEAST_PART)


def _is_strange(table: pd.DataFrame) -> np.ndarray:
    blank = pd.Series([None] * len(table), dtype=object)
    return np.array([one is True or one == 1 for one in table.get("strange", blank)], bool)


def _refuse(table: pd.DataFrame) -> DataRefused | None:
    if not _is_strange(table).all():
        return None
    return DataRefused(
        Message("All rows are strange: a model of good rows needs good ones"),
        code="no-good-rows",
        where=str(table["source"].iloc[0]) if len(table) else "",
        fix=Message("Add good rows, or name the value that means good with --good."),
    )


def _constant(train: pd.DataFrame) -> Oddity:
    return Oddity(0.0, 1.0)


def _worst(answers: Sequence[Answer], table: pd.DataFrame) -> list[int]:
    """Returns rows without an answer, then missed strange rows, then false alarms.

    Of missed rows the lowest score comes first, of false alarms the highest.
    """
    found = Strangeness.of(answers, table)
    none = np.isnan(found.score)
    missed = np.flatnonzero((found.truth == 1) & ~found.alarm & ~none)
    false = np.flatnonzero((found.truth == 0) & found.alarm)
    missed = missed[np.argsort(found.score[missed], kind="stable")]
    false = false[np.argsort(-found.score[false], kind="stable")]
    return [int(row) for row in (*np.flatnonzero(none), *missed, *false)]


def _bootstrap(answers: Sequence[Answer], table: pd.DataFrame) -> Weighted:
    """The headline of these rows: ROC AUC, or the only share that their truths allow."""
    found = Strangeness.of(answers, table)
    counted = found.rows_of_shares
    if "sensitivity" not in counted:
        alarms = np.stack([counted["false_alarm_rate"], found.alarms], 1).astype(float)
        return alarms, _shares
    if "false_alarm_rate" not in counted:
        return np.stack([counted["sensitivity"], found.alarm], 1).astype(float), _shares
    statistics = np.stack([found.filled, found.truth], 1)
    return statistics, _areas


def _areas(rows: np.ndarray, counts: np.ndarray) -> np.ndarray:
    known = rows[:, 1] >= 0
    ordered = scores.Ordered.of(rows[known, 0], rows[known, 1] == 1)
    return np.array([ordered.roc_auc(one[known]) for one in counts])


def _shares(rows: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Share (S,) of the rows of column 0 that column 1 marks, for each of S lists of counts."""
    total = counts @ rows[:, 0]
    return np.asarray((counts @ (rows[:, 0] * rows[:, 1])) / np.maximum(total, 1e-12))


def _same_decision(before: Oddity, after: Oddity, tolerance: float) -> bool:
    near = abs(before.score - before.threshold) <= tolerance * max(1.0, abs(before.threshold))
    return before.strange == after.strange or near


class OddityKind(AnswerKind):
    """How strange a row is; the truth is in the columns `strange` and `label`."""

    name = "oddity"
    prediction = Oddity
    truths = ("strange", "label")
    headline = "roc_auc"
    unlabelled = True
    metrics: ClassVar[dict[str, Metric]] = {
        "roc_auc": ROC_AUC,
        "average_precision": AVERAGE_PRECISION,
        "sensitivity": Metric("Found", "share of the strange rows that are called strange"),
        "false_alarm_rate": Metric(
            "False alarms", "share of the good rows that are called strange", better="lower"
        ),
    }

    def blank(self, table: pd.DataFrame) -> np.ndarray:
        return np.zeros(len(table), bool)

    def only_scored(self, table: pd.DataFrame) -> np.ndarray:
        return _is_strange(table)

    refuse = staticmethod(_refuse)

    def strata(self, table: pd.DataFrame) -> list[tuple[str, ...]]:
        names = table["label"].fillna("").astype(str) if "label" in table else [""] * len(table)
        return [
            (f"strange {name}" if one else "good",)
            for one, name in zip(_is_strange(table), names, strict=True)
        ]

    def truth_text(self, table: pd.DataFrame, row: int) -> str:
        if "strange" not in table or pd.isna(table["strange"].iloc[row]):
            return ""
        return str(table["label"].iloc[row]) if "label" in table else ""

    def distribution(self, table: pd.DataFrame) -> dict[str, Any]:
        return report.distribution(table, _is_strange(table))

    distribution_section = staticmethod(report.distribution_section)

    def measure(
        self, answers: Sequence[Answer], table: pd.DataFrame, sampling: Sampling
    ) -> MetricValues:
        return scores.measure(Strangeness.of(answers, table), sampling)

    constant = staticmethod(_constant)

    def retained(self, before: Oddity, after: Oddity) -> float:
        """Returns the score, so that the drop is what the hidden part adds to it."""
        return after.score

    def retained_text(self, value: float, answer: Oddity) -> str:
        return f"{value:.4g}"

    def retained_title(self, answer: Oddity) -> str:
        return say("Score")

    worst = staticmethod(_worst)
    bootstrap = staticmethod(_bootstrap)
    same_decision = staticmethod(_same_decision)

    def details(
        self, answers: Sequence[Answer], table: pd.DataFrame, sampling: Sampling
    ) -> dict[str, Any]:
        threshold = next((one.threshold for one in answers if isinstance(one, Oddity)), 0.0)
        return report.details(Strangeness.of(answers, table), threshold, sampling)

    def words(self, answer: Oddity, truth: str = "") -> dict[str, Any]:
        said = say("strange") if answer.strange else say("usual")
        if answer.strange and answer.because:
            said = say("strange, because of {columns}", columns=answer.because)
        return {"said": said, "sure": None, "right": None}

    def error_text(self, answer: Oddity, table: pd.DataFrame, row: int) -> str:
        values = {"score": f"{answer.score:.4g}", "threshold": f"{answer.threshold:.4g}"}
        kind = self.truth_text(table, row)
        if answer.strange:
            return say("False alarm: score {score}, threshold {threshold}", **values)
        return say("Missed ({kind}): score {score}, threshold {threshold}", kind=kind, **values)

    pieces = staticmethod(report.pieces)


ODDITY = OddityKind()
