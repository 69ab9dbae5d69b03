"""Rows of a table as arrays, and the columns that boosted trees make of categories."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["FIRST_LEVEL", "MISSING", "UNSEEN", "LevelColumn", "TableArrays", "level_columns"]

MISSING, UNSEEN, FIRST_LEVEL = 0, 1, 2
"""Codes of categories: the cell is empty; the level is not known; the first learnt level."""
MAX_GROUPS = 254
"""Levels of a category that trees of scikit-learn can tell apart, less one for all others."""


@dataclass(frozen=True)
class TableArrays:
    """Numbers (N, D) float32 with NaN = missing, levels (N, C) int32, truths (N,), weights (N,).

    Truths are class numbers (int64) or values (float). Without weights every row counts as 1.
    """

    numbers: np.ndarray
    levels: np.ndarray
    truth: np.ndarray
    weight: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.truth)

    def rows(self, places: np.ndarray) -> TableArrays:
        """Returns some of the rows."""
        weight = None if self.weight is None else self.weight[places]
        return TableArrays(self.numbers[places], self.levels[places], self.truth[places], weight)

    def weighed(self, class_weights: np.ndarray | None) -> np.ndarray | None:
        """Returns the weights (N,) in the loss, times those of the classes (K,); None = all 1."""
        if class_weights is None:
            return self.weight
        each = class_weights[self.truth]
        return np.asarray(each if self.weight is None else each * self.weight)


@dataclass(frozen=True)
class LevelColumn:
    """A column made of a category: `values[level]` float64, NaN = missing.

    With `grouped` the values are the numbers 0, 1, 2 ... of groups of levels without an order.
    """

    category: int
    values: np.ndarray
    grouped: bool

    def of(self, levels: np.ndarray) -> np.ndarray:
        """Returns the values (N,) of the column for `levels` (N, C)."""
        known = levels[:, self.category]
        return self.values[np.where((known < 0) | (known >= len(self.values)), UNSEEN, known)]


def level_columns(
    levels: np.ndarray, counts: tuple[int, ...], frequencies: bool = False
) -> list[LevelColumn]:
    """Returns a column of groups for each category, and with `frequencies` one of frequencies.

    `counts` are the numbers of codes of the categories. A level that the rows have is a group of
    its own; of more than 254 levels the rarest are joined in one, with the levels never met.
    Otherwise unknown levels are missing. Categories of a single group make no column. Frequencies
    (rows of the level) need no truth.
    """
    groups, rates = [], []
    for category, size in enumerate(counts):
        met = np.bincount(levels[:, category], minlength=size).astype(np.float64)
        met[[MISSING, UNSEEN]] = 0
        ordered = np.argsort(-met, kind="stable")[: int((met > 0).sum())]
        values = np.full(size, np.nan)
        if len(ordered) > MAX_GROUPS:
            values[UNSEEN:] = MAX_GROUPS
            ordered = ordered[:MAX_GROUPS]
        values[np.sort(ordered)] = np.arange(len(ordered))
        if len(ordered) > 1:
            groups.append(LevelColumn(category, values, True))
            rate = np.where(met > 0, met, np.nan)
            rate[UNSEEN] = 1.0
            rates.append(LevelColumn(category, rate, False))
    return groups + (rates if frequencies else [])
