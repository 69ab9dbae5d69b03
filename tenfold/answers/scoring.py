"""What can be said of a kind of Prediction, whichever task made it.

For each kind: `score` it against answers, `guess` it blindly from training rows, tell how much of
it `survives` a change of the input. A new task with a known kind of answer needs nothing more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from tenfold.answers.intervals import Weighed
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
    "alike",
    "certainty",
    "expected_calibration_error",
    "guess",
    "natural",
    "score",
    "survives",
    "weighed",
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
    blind = kind.measure(kind.blind(train, table), table, 0)
    metrics = {name: Score(*values, blind[name][0]) for name, values in found.items()}
    details = kind.details(answers, table)
    if kind.beside:
        details |= kind.beside(answers, table, train)
    return Scores(kind.headline, metrics, len(table), details)


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


def alike(before: Answer, after: Answer, tolerance: float) -> bool:
    """True where two answers to one input decide the same.

    A choice between two that are nearer than `tolerance` may fall either way.
    """
    if isinstance(before, Problem) or isinstance(after, Problem):
        return isinstance(before, Problem) and isinstance(after, Problem)
    return KINDS[type(before)].alike(before, after, tolerance)
