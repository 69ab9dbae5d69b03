"""The answer kind of regression: a number, and an interval that contains it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from tenfold.answers.intervals import Sampling, Weighted, weights_of
from tenfold.answers.kind import Answer, AnswerKind, MetricValues
from tenfold.answers.metric import MAE, RMSE, Metric
from tenfold.answers.regression import distribution, report, scores
from tenfold.answers.regression.intervals import LEVEL, quantile
from tenfold.answers.regression.prediction import Number, decimals_of, figure, interval_text
from tenfold.answers.regression.scores import Errors
from tenfold.core.columns import Column
from tenfold.core.errors import DataRefused
from tenfold.core.language import say
from tenfold.core.message import Message
from tenfold.core.rows import Rows

__all__ = ["NUMBER", "Number", "NumberKind", "answers", "answers_of", "targets"]

LEAST_DIFFERENCE = 1e-6
"""Relative difference up to which two predictions are the same: float32 has seven digits."""


# --- what tasks call ------------------------------------------------------------------------------


def answers(train: Rows, unit: str = "") -> dict[str, Any]:
    """Returns `facts["truths"]`: mean, scale, extremes and unit of the training values.

    `scale` is their standard deviation, 1 if all are equal; `decimals` is the number to show.
    Rows are weighted by the column `weight`.
    """
    values, weights = train.table["value"].to_numpy(float), weights_of(train.table)
    if not len(values):
        return {"mean": 0.0, "scale": 1.0, "smallest": 0.0, "largest": 0.0, "decimals": 0,
                "unit": unit}  # fmt: skip
    mean = float(np.average(values, weights=weights))
    scale = float(np.sqrt(np.average(np.square(values - mean), weights=weights)))
    return {
        "mean": mean,
        "scale": scale or 1.0,
        "smallest": float(values.min()),
        "largest": float(values.max()),
        "decimals": decimals_of(values),
        "unit": unit,
    }


def targets(table: pd.DataFrame, truths: Mapping[str, Any]) -> dict[str, Column]:
    """Returns the target `value` (N,) float32 in the unit of the data; NaN = unknown."""
    return {"value": table["value"].to_numpy(float).astype(np.float32)}


def answers_of(
    outputs: Mapping[str, Any], truths: Mapping[str, Any], options: Any = None
) -> list[Number]:
    """Returns a Number for each row of the outputs `value` (N,) and, if given, `low` and `high`.

    An end that is not finite means no interval. An interval always contains its value.
    """
    value = np.asarray(outputs["value"], float)
    ends = [np.asarray(outputs.get(name, np.full(len(value), np.nan)), float)
            for name in ("low", "high")]  # fmt: skip
    bounded = np.isfinite(ends[0]) & np.isfinite(ends[1])
    low, high = np.minimum(ends[0], value), np.maximum(ends[1], value)
    unit, decimals = str(truths.get("unit", "")), truths.get("decimals")
    return [
        Number(float(value[row]), float(low[row]), float(high[row]), unit, decimals)
        if bounded[row]
        else Number(float(value[row]), unit=unit, decimals=decimals)
        for row in range(len(value))
    ]


# --- the kind -------------------------------------------------------------------------------------


def _constant(train: pd.DataFrame) -> Number:
    """Predicts the mean of the training values; the interval is between their quantiles."""
    if "value" not in train or train.empty:
        return Number(0.0)
    values, weights = train["value"].to_numpy(float), weights_of(train)
    side = (1 - LEVEL) / 2
    low, high = (quantile(values, share, weights) for share in (side, 1 - side))
    mean = float(np.average(values, weights=weights))
    return Number(mean, min(low, mean), max(high, mean), decimals=decimals_of(values))


def _same_decision(before: Number, after: Number, tolerance: float) -> bool:
    near = max(tolerance, LEAST_DIFFERENCE)
    pairs = [(before.value, after.value), (before.low, after.low), (before.high, after.high)]
    for one, other in pairs:
        if one is None or other is None:
            if one is not other:
                return False
        elif not abs(one - other) <= near * max(1.0, abs(one)):
            return False
    return True


class NumberKind(AnswerKind):
    """A number; the true label is a float in the column `value`."""

    name = "number"
    prediction = Number
    truths = ("value",)
    headline = "rmse"
    graded = True
    metrics: ClassVar[dict[str, Metric]] = {
        "rmse": RMSE,
        "mae": MAE,
        "r2": Metric(
            "R²",
            "share of the variance of the true values that the predictions explain; below 0, they "
            "are worse than the mean",
            share=False,
        ),
        "interval_coverage": Metric(
            "Interval coverage",
            "share of rows whose interval contains the true value; best if equal to the intended "
            "coverage",
        ),
    }

    def refuse(self, table: pd.DataFrame) -> DataRefused | None:
        return distribution.too_few_values(table)

    def refuse_checked(self, table: pd.DataFrame) -> DataRefused | None:
        return distribution.constant_values(table)

    def notices(self, table: pd.DataFrame) -> list[Message]:
        return distribution.drift_notices(table)

    def truth_values(self, table: pd.DataFrame) -> dict[str, np.ndarray]:
        return {"": table["value"].to_numpy(float)} if "value" in table else {}

    def strata(self, table: pd.DataFrame) -> list[tuple[str, ...]]:
        return distribution.strata(table["value"].to_numpy(float))

    def distribution(self, table: pd.DataFrame) -> dict[str, Any]:
        return distribution.distribution(table) if "value" in table else {}

    distribution_section = staticmethod(report.distribution_section)

    def same(self, one: Mapping[Any, Any], other: Mapping[Any, Any]) -> bool:
        first, second = (each.get("value") for each in (one, other))
        if pd.isna(first) or pd.isna(second):
            return bool(pd.isna(first) and pd.isna(second))
        return float(first) == float(second)

    def truth_text(self, table: pd.DataFrame, row: int) -> str:
        return figure(float(table["value"].iloc[row]), None) if "value" in table else ""

    def measure(
        self, answers: Sequence[Answer], table: pd.DataFrame, sampling: Sampling
    ) -> MetricValues:
        return scores.measure(Errors.of(answers, table), sampling)

    constant = staticmethod(_constant)

    def retained(self, before: Number, after: Number) -> float:
        """Returns the value, so that the drop is the contribution of the hidden part, in units."""
        return after.value

    def retained_text(self, value: float, answer: Number) -> str:
        return f"{figure(value, answer.decimals)} {answer.unit}".strip()

    def retained_title(self, answer: Number) -> str:
        return say("Predicted value")

    def worst(self, answers: Sequence[Answer], table: pd.DataFrame) -> list[int]:
        return scores.worst(Errors.of(answers, table))

    def distances(self, answers: Sequence[Answer], table: pd.DataFrame) -> np.ndarray:
        return np.abs(Errors.of(answers, table).off)

    def bootstrap(self, answers: Sequence[Answer], table: pd.DataFrame) -> Weighted:
        return scores.bootstrap(Errors.of(answers, table))

    same_decision = staticmethod(_same_decision)

    def details(
        self, answers: Sequence[Answer], table: pd.DataFrame, sampling: Sampling
    ) -> dict[str, Any]:
        return report.details(Errors.of(answers, table), sampling)

    def averages(self, answers: Sequence[Answer]) -> dict[str, float]:
        known = [one.value for one in answers if isinstance(one, Number)]
        return {"": float(np.mean(known))} if known else {}

    def extras(
        self, answers: Sequence[Answer], table: pd.DataFrame, train: pd.DataFrame
    ) -> dict[str, Any]:
        if "value" not in train:
            return {}
        both = (one["value"].to_numpy(float) for one in (train, table))
        found = distribution.drift(*both)
        return {"drift": found} if found else {}

    def words(self, answer: Number, truth: str = "") -> dict[str, Any]:
        value = f"{figure(answer.value, answer.decimals)} {answer.unit}".strip()
        ends = interval_text(answer)
        said = say("{value} ({interval})", value=value, interval=ends) if ends else value
        return {"said": said, "sure": None, "right": None}

    def error_text(self, answer: Number, table: pd.DataFrame, row: int) -> str:
        off = answer.value - float(table["value"].iloc[row])
        values = {
            "value": self.words(answer)["said"],
            "truth": self.truth_text(table, row),
            "off": figure(abs(off), answer.decimals),
        }
        if off > 0:
            return say("Predicted {value}, true {truth}: too high by {off}", **values)
        return say("Predicted {value}, true {truth}: too low by {off}", **values)

    pieces = staticmethod(report.pieces)


NUMBER = NumberKind()
