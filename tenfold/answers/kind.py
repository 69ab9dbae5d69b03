"""What has to be known of a kind of Prediction, and the order of names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tenfold.answers.intervals import Weighed
from tenfold.core.columns import Problem
from tenfold.core.results import Prediction

__all__ = ["Answer", "AnswerKind", "Change", "Metrics", "natural"]

Answer = Prediction | Problem
Metrics = dict[str, tuple[float, float, float]]
Change = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class AnswerKind:
    """The functions of one kind of Prediction; `measure` resamples as often as it is told.

    `weighed` is the headline as a function of how often each row counts; `certainty` says how
    probabilities, changed by a function (N, K) -> (N, K), agree with what was right. `alike` tells
    whether two answers to one input decide the same, but for choices nearer than a tolerance.
    """

    headline: str
    measure: Callable[[Sequence[Answer], pd.DataFrame, int], Metrics]
    guess: Callable[[pd.DataFrame], Prediction]
    survives: Callable[[Any, Any], float]
    details: Callable[[Sequence[Answer], pd.DataFrame], dict[str, Any]]
    worst: Callable[[Sequence[Answer], pd.DataFrame], list[int]]
    weighed: Callable[[Sequence[Answer], pd.DataFrame], Weighed]
    certainty: Callable[[Sequence[Answer], pd.DataFrame, Change], dict[str, Any]]
    alike: Callable[[Any, Any, float], bool]
    lower: bool = False
    """A lower headline is better."""
    exclusive: bool = False
    """Probabilities of a row sum to one."""
    over: Callable[[Any, pd.DataFrame], Sequence[Answer]] | None = None
    """The guess laid over rows, where what it says of a row depends on its length."""

    beside: Callable[[Sequence[Answer], pd.DataFrame, pd.DataFrame], dict[str, Any]] | None = None
    """Further details, of answers, rows and the training rows."""

    def blind(self, train: pd.DataFrame, table: pd.DataFrame) -> Sequence[Answer]:
        """The best constant answer to each row of a table."""
        guess = self.guess(train)
        return self.over(guess, table) if self.over else [guess] * len(table)


def natural(name: str) -> tuple[int, float, str]:
    """Sorts numbers by value, before words."""
    try:
        return (0, float(name), name)
    except ValueError:
        return (1, 0.0, name)
