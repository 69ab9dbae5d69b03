"""A predicted number with its interval and unit, and how many decimals of it are shown."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tenfold.answers.regression.intervals import LEVEL
from tenfold.core.language import say
from tenfold.core.results import Prediction

__all__ = ["Number", "decimals_of", "figure", "interval_text"]

MAX_DECIMALS = 12
SHOWN_SCALES = 1000
"""The last shown decimal is at most the standard deviation of the values divided by this."""


@dataclass(frozen=True)
class Number(Prediction):
    """A predicted number; `low` and `high` are the ends of its interval, None = no interval.

    `decimals` is the number of decimals to show. The interval contains the true value with the
    probability `level`.
    """

    columns: ClassVar[tuple[str, ...]] = ("value", "low", "high")
    value: float
    low: float | None = None
    high: float | None = None
    unit: str = ""
    decimals: int | None = None
    level: float = LEVEL

    @property
    def line(self) -> str:
        """One line for the terminal, with cells separated by tabs."""
        own = f"{figure(self.value, self.decimals)} {self.unit}".strip()
        return "\t".join(filter(None, [own, interval_text(self)]))

    @property
    def cells(self) -> tuple[str, ...]:
        """Values of `columns` in a table of predictions; an end that does not exist is blank."""
        three = (self.value, self.low, self.high)
        return tuple("" if one is None else figure(one, self.decimals) for one in three)

    @property
    def chances(self) -> dict[str, float]:
        """Empty: a number has no probabilities of classes."""
        return {}


def interval_text(answer: Number) -> str:
    """Returns the interval of an answer as text, "" for an answer without one."""
    if answer.low is None or answer.high is None:
        return ""
    low, high = (figure(one, answer.decimals) for one in (answer.low, answer.high))
    return say("{low} to {high}", low=low, high=high)


def figure(value: float, decimals: int | None) -> str:
    """Formats a number with this many decimals; None = with seven significant digits."""
    text = f"{value:.7g}" if decimals is None else f"{value:.{decimals}f}"
    return text.removeprefix("-") if not text.strip("-0.") else text


def decimals_of(values: np.ndarray) -> int:
    """Returns the number of decimals to show of numbers like these (N,).

    It depends on their standard deviation, so that rounding changes no score that is shown.
    """
    scale = float(np.std(values)) if len(values) else 0.0
    scale = scale or abs(float(values[0]) if len(values) else 0.0) or 1.0
    return int(min(MAX_DECIMALS, max(0, math.ceil(math.log10(SHOWN_SCALES / scale)))))
