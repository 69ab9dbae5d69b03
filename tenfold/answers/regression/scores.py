"""Scores of predicted numbers: RMSE, MAE, R2 and the coverage of the intervals.

A row without a prediction counts as an error as large as the range of the true values.

Shapes: N rows, U distinct rows, R resamples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tenfold.answers.intervals import Interval, Sampling, Weighted
from tenfold.answers.regression.intervals import LEVEL
from tenfold.answers.regression.prediction import Number

__all__ = ["Errors", "bootstrap", "measure", "signed_mean", "worst"]

EXACT = 1e-9
"""Errors up to this share of the largest true value are rounding."""


@dataclass(frozen=True)
class Errors:
    """Predictions and true values as arrays (N,); NaN where there is no prediction or interval."""

    truth: np.ndarray
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    level: float = LEVEL

    @staticmethod
    def of(answers: Sequence[Any], table: pd.DataFrame) -> Errors:
        """Builds the arrays from predictions (Number or Problem) and the column `value`."""
        nothing = (np.nan, None, None)
        three = [
            (one.value, one.low, one.high) if isinstance(one, Number) else nothing
            for one in answers
        ]
        value, low, high = np.array(three, float).reshape(len(three), 3).T
        level = next((one.level for one in answers if isinstance(one, Number)), LEVEL)
        return Errors(table["value"].to_numpy(float), value, low, high, level)

    @property
    def answered(self) -> np.ndarray:
        """True for rows with a prediction (N,)."""
        return ~np.isnan(self.value)

    @property
    def off(self) -> np.ndarray:
        """Predicted minus true value (N,)."""
        size = np.abs(self.truth).max(initial=0.0)
        spread = np.ptp(self.truth) if len(self.truth) else 0.0
        return np.where(self.answered, self.value - self.truth, max(size, spread) or 1.0)

    @property
    def bounded(self) -> np.ndarray:
        """True for rows with an interval (N,)."""
        return ~np.isnan(self.low) & ~np.isnan(self.high)

    @property
    def covered(self) -> np.ndarray:
        """True for rows whose interval contains the true value (N,)."""
        return (self.low <= self.truth) & (self.truth <= self.high)


def measure(found: Errors, sampling: Sampling) -> dict[str, Interval]:
    """Computes the metrics with their intervals; the coverage only where there are intervals."""
    off, rows = found.off, len(found.truth)
    squares = np.square(off)[:, None]
    centred = found.truth - (found.truth.mean() if rows else 0.0)

    def rmse(counts: np.ndarray) -> float:
        return float(_rmse(squares, counts[None])[0])

    def r2(counts: np.ndarray) -> float:
        return _r2(squares[:, 0], centred, counts)

    values = {
        "rmse": sampling.resampled(rmse, rows, share=False),
        "mae": sampling.mean(np.abs(off)),
        "r2": sampling.resampled(r2, rows, share=False),
    }
    if found.bounded.any():
        judged = found.bounded | ~found.answered
        values["interval_coverage"] = sampling.at(judged).share(found.covered[judged])
    return values


def bootstrap(found: Errors) -> Weighted:
    """Returns the RMSE in the form used for bootstrapping."""
    return np.square(found.off)[:, None], _rmse


def _rmse(rows: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt(counts @ rows[:, 0] / np.maximum(1, counts.sum(1))))


def _r2(squares: np.ndarray, truth: np.ndarray, counts: np.ndarray) -> float:
    """Returns 1 - (sum of squared errors) / (sum of squares around the mean).

    Where all true values are equal, it is 1 for exact predictions and 0 otherwise.
    """
    total = max(1.0, float(counts.sum()))
    mean = float(counts @ truth) / total
    around = float(counts @ np.square(truth - mean))
    error = float(counts @ squares)
    if around <= 0:
        return float(error == 0)
    return 1 - error / around


def worst(found: Errors) -> list[int]:
    """Returns the positions of inexact predictions, the largest error first."""
    size = np.where(found.answered, np.abs(found.off), np.inf)
    rounding = EXACT * np.abs(found.truth).max(initial=0.0)
    return [int(row) for row in np.argsort(-size, kind="stable") if size[row] > rounding]


def signed_mean(values: np.ndarray, sampling: Sampling) -> Interval:
    """Returns the mean of values (N,) of either sign, and its 95 % interval."""
    least = float(values.min(initial=0.0))
    mean, low, high = sampling.mean(values - least)
    low, high = (None if one is None else one + least for one in (low, high))
    return mean + least, low, high
