"""What has to be known of a kind of Prediction, and the order of names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tenfold.answers.intervals import Weighted
from tenfold.core.columns import Problem
from tenfold.core.results import Prediction

__all__ = ["Answer", "AnswerKind", "Change", "MetricValues", "natural"]

Answer = Prediction | Problem
MetricValues = dict[str, tuple[float, float, float]]
Change = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class AnswerKind:
    """The functions of one kind of Prediction; `measure` resamples as often as it is told.

    `bootstrap` is the headline as a function of how often each row counts; `calibration` says how
    probabilities, changed by a function (N, K) -> (N, K), agree with the truth. `same_decision`
    tells whether two answers to one input decide the same, but for choices nearer than a tolerance.
    """

    headline: str
    measure: Callable[[Sequence[Answer], pd.DataFrame, int], MetricValues]
    constant: Callable[[pd.DataFrame], Prediction]
    retained: Callable[[Any, Any], float]
    details: Callable[[Sequence[Answer], pd.DataFrame], dict[str, Any]]
    worst: Callable[[Sequence[Answer], pd.DataFrame], list[int]]
    bootstrap: Callable[[Sequence[Answer], pd.DataFrame], Weighted]
    calibration: Callable[[Sequence[Answer], pd.DataFrame, Change], dict[str, Any]]
    same_decision: Callable[[Any, Any, float], bool]
    lower: bool = False
    """A lower headline is better."""
    exclusive: bool = False
    """Probabilities of a row sum to one."""
    broadcast: Callable[[Any, pd.DataFrame], Sequence[Answer]] | None = None
    """The guess laid over rows, where what it says of a row depends on its length."""

    extras: Callable[[Sequence[Answer], pd.DataFrame, pd.DataFrame], dict[str, Any]] | None = None
    """Further details, of answers, rows and the training rows."""

    def baseline(self, train: pd.DataFrame, table: pd.DataFrame) -> Sequence[Answer]:
        """The best constant answer to each row of a table."""
        constant = self.constant(train)
        return self.broadcast(constant, table) if self.broadcast else [constant] * len(table)


def natural(name: str) -> tuple[int, float, str]:
    """Sorts numbers by value, before words."""
    try:
        return (0, float(name), name)
    except ValueError:
        return (1, 0.0, name)
