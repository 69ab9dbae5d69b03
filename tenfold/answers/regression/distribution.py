"""The distribution of the true values: strata of a split, a histogram by part, drift.

Shapes: N rows, B bins.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tenfold.core.errors import DataRefused
from tenfold.core.message import Message
from tenfold.core.results import rounded

__all__ = [
    "constant_values",
    "distribution",
    "drift",
    "drift_notices",
    "strata",
    "summary",
    "too_few_values",
]

MIN_ROWS = 5
"""Smallest number of rows that a model of numbers is trained on."""
MAX_STRATA, MIN_STRATUM_ROWS = 10, 20
"""The split is stratified by tenths of the values; by fewer quantiles where tenths are small."""
BINS = 30
PARTS = ("train", "valid", "test")
CRITICAL = 1.95
"""Critical value of the two-sample Kolmogorov-Smirnov test at 0.1 % for large samples, to be
multiplied by the root of (n + m) / (n m) (N. Smirnov, 1948)."""


def strata(values: np.ndarray) -> list[tuple[str, ...]]:
    """Returns for each row (N,) the quantile bin of its value, as a name."""
    count = int(np.clip(len(values) // MIN_STRATUM_ROWS, 1, MAX_STRATA))
    if count == 1:
        return [("",)] * len(values)
    ends = np.unique(np.quantile(values, np.linspace(0, 1, count + 1)[1:-1]))
    return [(str(number),) for number in np.searchsorted(ends, values, side="right")]


def too_few_values(table: pd.DataFrame) -> DataRefused | None:
    """Returns an error if there are fewer than MIN_ROWS rows, else None."""
    if len(table) >= MIN_ROWS:
        return None
    return DataRefused(
        Message(
            "The data have {rows} rows with a value, at least {least} are needed",
            rows=len(table),
            least=MIN_ROWS,
        ),
        code="few-values",
        fix=Message("Add rows with the value to predict."),
    )


def constant_values(table: pd.DataFrame) -> DataRefused | None:
    """Returns an error if all training values are equal, else None."""
    values = _of_part(table, "train")
    if not len(values) or values.min() < values.max():
        return None
    return DataRefused(
        Message("All values to predict are equal: {value:.7g}", value=float(values[0])),
        code="one-value",
        fix=Message("Give rows with different values, or name another column with --target."),
    )


def _of_part(table: pd.DataFrame, part: str) -> np.ndarray:
    inside = table["split"] == part if "split" in table else pd.Series(True, table.index)
    return table["value"][inside].to_numpy(float)


def distribution(table: pd.DataFrame) -> dict[str, Any]:
    """Returns a summary of the values of each part, and their histogram, as JSON.

    `edges` are the B + 1 ends of the bins, `counts` the rows in each bin by part.
    """
    values = {part: _of_part(table, part) for part in PARTS}
    values = {part: one for part, one in values.items() if len(one)}
    if not values:
        return {}
    edges = np.histogram_bin_edges(np.concatenate([*values.values()]), BINS)
    return {
        "parts": {part: summary(one) for part, one in values.items()},
        "edges": [rounded(edge) for edge in edges],
        "counts": {part: np.histogram(one, edges)[0].tolist() for part, one in values.items()},
    }


def summary(values: np.ndarray) -> dict[str, Any]:
    """Returns rows, mean, standard deviation, extremes and quartiles of values (N,) as JSON."""
    if not len(values):
        return {"rows": 0}
    names = ("smallest", "quarter", "median", "three_quarters", "largest")
    found = dict(zip(names, np.quantile(values, [0, 0.25, 0.5, 0.75, 1]), strict=True))
    found |= {"mean": values.mean(), "deviation": values.std()}
    return {"rows": len(values)} | {name: rounded(one) for name, one in found.items()}


def drift(train: np.ndarray, scored: np.ndarray) -> dict[str, Any]:
    """Returns how the values of two sets of rows differ, as JSON; {} if one has no rows.

    `distance` is the largest difference of their cumulative distributions (Kolmogorov-Smirnov);
    `significant` is True if it is larger than chance explains in 999 of 1000 cases.
    """
    if not len(train) or not len(scored):
        return {}
    every = np.concatenate([train, scored])
    below = (np.searchsorted(np.sort(one), every, side="right") for one in (train, scored))
    first, second = (one / size for one, size in zip(below, (len(train), len(scored)), strict=True))
    distance = float(np.abs(first - second).max())
    by_chance = CRITICAL * float(np.sqrt(1 / len(train) + 1 / len(scored)))
    return {
        "train": summary(train),
        "scored": summary(scored),
        "distance": rounded(distance),
        "significant": distance > by_chance,
    }


def drift_notices(table: pd.DataFrame) -> list[Message]:
    """Returns a notice if the values of the test part differ from those of the training part."""
    found = drift(_of_part(table, "train"), _of_part(table, "test"))
    if not found.get("significant"):
        return []
    return [
        Message(
            "The values to predict differ between the parts: median {train:.4g} in training and "
            "{test:.4g} in test. Scores on test rows may be far from those on validation rows.",
            train=found["train"]["median"],
            test=found["scored"]["median"],
        )
    ]
