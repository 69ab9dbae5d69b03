"""What can be said of a kind of Prediction, whichever task made it.

For each kind: its `score` against truths, the best `constant` answer from training rows, how much
of an answer is `retained` under a change. A new task with a known kind of answer has all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from tenfold.answers.intervals import Weighted
from tenfold.answers.kind import Answer, AnswerKind, Change, natural
from tenfold.answers.label import LABEL, Label, Matrix, expected_calibration_error
from tenfold.answers.multilabel import LABELS, Labels
from tenfold.answers.ranking import RANKING, Ranking
from tenfold.answers.ratings import RATINGS, Ratings
from tenfold.answers.spans import SPANS, TAGS, Spans, Tags
from tenfold.core.columns import Problem
from tenfold.core.results import Prediction, Score, Scores

__all__ = [
    "KINDS",
    "AnswerKind",
    "Change",
    "Matrix",
    "bootstrap",
    "calibration",
    "constant",
    "expected_calibration_error",
    "natural",
    "retained",
    "same_decision",
    "score",
    "worst",
]

KINDS: dict[type, AnswerKind] = {
    Label: LABEL,
    Labels: LABELS,
    Spans: SPANS,
    Tags: TAGS,
    Ranking: RANKING,
    Ratings: RATINGS,
}

RESAMPLED = 200
"""How often rows are resampled for an interval."""


def score(answers: Sequence[Answer], table: pd.DataFrame, train: pd.DataFrame) -> Scores:
    """Metrics with 95 % intervals, each beside what the best constant answer reaches."""
    kind = KINDS[_kind_of(answers)]
    found = kind.measure(answers, table, RESAMPLED)
    baseline = kind.measure(kind.baseline(train, table), table, 0)
    metrics = {name: Score(*values, baseline[name][0]) for name, values in found.items()}
    details = kind.details(answers, table)
    if kind.extras:
        details |= kind.extras(answers, table, train)
    return Scores(kind.headline, metrics, len(table), details)


def worst(answers: Sequence[Answer], table: pd.DataFrame) -> list[int]:
    """Positions of wrong answers, the most wrong first."""
    return KINDS[_kind_of(answers)].worst(answers, table)


def bootstrap(answers: Sequence[Answer], table: pd.DataFrame) -> tuple[str, Weighted]:
    """The headline's name, and the headline as a function of how often each row counts."""
    kind = KINDS[_kind_of(answers)]
    return kind.headline, kind.bootstrap(answers, table)


def calibration(answers: Sequence[Answer], table: pd.DataFrame, change: Change) -> dict[str, Any]:
    """`ece`, `log_loss` and `reliability` (confidence, share right, rows) of changed answers."""
    return KINDS[_kind_of(answers)].calibration(answers, table, change)


def _kind_of(answers: Sequence[Answer]) -> type:
    return next((type(one) for one in answers if not isinstance(one, Problem)), Label)


def constant(kind: type, train: pd.DataFrame) -> Prediction:
    """The best constant answer."""
    return KINDS[kind].constant(train)


def retained(before: Prediction, after: Prediction) -> float:
    """1 = the second answer says all that the first said, 0 = nothing of it."""
    return KINDS[type(before)].retained(before, after)


def same_decision(before: Answer, after: Answer, tolerance: float) -> bool:
    """True where two answers to one input decide the same.

    A choice between two that are nearer than `tolerance` may fall either way.
    """
    if isinstance(before, Problem) or isinstance(after, Problem):
        return isinstance(before, Problem) and isinstance(after, Problem)
    return KINDS[type(before)].same_decision(before, after, tolerance)
