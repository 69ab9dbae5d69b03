"""Means and shares of rows with 95 % confidence intervals, for `answers/intervals.py` alone.

Shapes: N rows, G groups, C cells of a table of counts.
"""

from __future__ import annotations

import numpy as np

from tenfold.core.lazy import lazy

special = lazy("scipy.special")

__all__ = [
    "LEAST_GROUPS",
    "NORMAL",
    "Interval",
    "counted",
    "expanded",
    "group_mean",
    "normal",
    "numbered",
    "score_ends",
    "student",
    "wilson",
]

Interval = tuple[float, float | None, float | None]
"""A value with the lower and upper end of its 95 % interval; None = there is no interval."""

LEAST_GROUPS = 5
"""With fewer groups, no interval is computed, because their variance is not known well enough."""

NORMAL = 1.959964
"""97.5 % quantile of the normal distribution."""


def wilson(right: np.ndarray) -> Interval:
    """Returns the share of True in `right` (N,) with its Wilson interval."""
    rows = max(1, len(right))
    share = float(right.sum()) / rows
    return share, *score_ends(share, rows, NORMAL)


def score_ends(share: float, rows: float, quantile: float) -> tuple[float, float]:
    """Returns the ends of the Wilson interval of a share of `rows` observations."""
    middle = (share + quantile * quantile / (2 * rows)) / (1 + quantile * quantile / rows)
    half = np.sqrt(share * (1 - share) / rows + quantile * quantile / (4 * rows**2))
    half *= quantile / (1 + quantile * quantile / rows)
    low, high = max(0.0, float(middle - half)), min(1.0, float(middle + half))
    return min(low, share), max(high, share)


def normal(values: np.ndarray) -> Interval:
    """Returns the mean of values (N,) with the interval of the normal approximation."""
    if not len(values):
        return 0.0, 0.0, 0.0
    middle = float(values.mean())
    half = NORMAL * float(values.std()) / np.sqrt(len(values))
    return middle, max(0.0, middle - half), middle + half


def group_mean(
    groups: np.ndarray, values: np.ndarray, weights: np.ndarray | None, share: bool
) -> Interval:
    """Returns the mean of values (N,) of rows in groups, see `Sampling.mean`.

    `weights` (N,) are the weights of the rows; None = all the same. For a share that is the same
    in all rows, the effective number of groups of unequal weight is that of L. Kish, 1965.
    """
    weighted = weights is not None
    if weights is None:
        weights, value = np.ones(len(values)), float(values.mean()) if len(values) else 0.0
    else:
        kept = weights > 0
        groups, values, weights = groups[kept], values[kept], weights[kept]
        value = float(weights @ values / weights.sum()) if len(values) else 0.0
    (count, group), rows = numbered(groups), float(weights.sum())
    sizes = np.bincount(group, weights)
    if count < LEAST_GROUPS or (sizes >= rows).any():  # all the weight may be in one group
        return value, None, None
    off = np.bincount(group, weights * values) - value * sizes
    variance = (count - 1) / count * float(((off / (rows - sizes)) ** 2).sum())
    if not share:
        half = student(count) * variance**0.5
        return value, max(0.0, value - half), value + half
    known = 0 < value < 1 and variance > 0
    most = rows**2 / float((sizes**2).sum()) if weighted else float(count)
    effective = min(float(len(values)), value * (1 - value) / variance) if known else most
    return value, *score_ends(value, effective, student(count))


def numbered(groups: np.ndarray) -> tuple[int, np.ndarray]:
    """Returns the number of groups that occur, and the number of each row's group from 0 (N,)."""
    names, place = np.unique(groups, return_inverse=True)
    return len(names), place


def student(groups: int) -> float:
    """Returns the 97.5 % quantile of Student's t with `groups` - 1 degrees of freedom."""
    return float(special.stdtrit(groups - 1, 0.975))


def expanded(groups: int) -> list[float]:
    """Returns the percentiles of bootstrap values that are the ends of a 95 % interval."""
    tail = float(special.ndtr(-student(groups) * (groups / (groups - 1)) ** 0.5))
    return [100 * tail, 100 * (1 - tail)]


def counted(weights: np.ndarray, size: int, cells: np.ndarray | None) -> np.ndarray:
    """Returns how many drawn rows are in each cell (C,).

    `weights` (N,) is how often each row is drawn, times its weight, `cells` (N,) the cell of each
    row; with None, every row is a cell.
    """
    if cells is None:
        return weights
    return np.bincount(cells, weights, size).astype(weights.dtype)
