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
    "weighted_mean",
    "weighted_share",
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


def weighted_mean(values: np.ndarray, weights: np.ndarray) -> Interval:
    """Returns a weighted mean with the interval of its linearised variance."""
    total = float(weights.sum())
    if not total:
        return 0.0, 0.0, 0.0
    middle = float(values @ weights) / total
    half = NORMAL * float(((weights * (values - middle)) ** 2).sum()) ** 0.5 / total
    return middle, max(0.0, middle - half), middle + half


def weighted_share(right: np.ndarray, weights: np.ndarray) -> Interval:
    """Returns a weighted share with the Wilson interval of its effective number of rows.

    This number is the squared sum of the weights over the sum of their squares (L. Kish, 1965).
    """
    total = float(weights.sum())
    if not total:
        return wilson(right[:0])
    share = min(1.0, float(right @ weights) / total)
    return share, *score_ends(share, total**2 / float((weights**2).sum()), NORMAL)


def group_mean(
    groups: np.ndarray, values: np.ndarray, weights: np.ndarray | None, share: bool
) -> Interval:
    """Returns the mean of values (N,) of rows in groups, see `Sampling.mean`."""
    count, group = numbered(groups)
    rows: float = len(values)
    if weights is None:
        value, sizes = float(values.mean()) if len(values) else 0.0, np.bincount(group)
    else:
        rows, sizes = float(weights.sum()), np.bincount(group, weights)
        value, values = float(values @ weights) / rows if rows else 0.0, values * weights
    if count < LEAST_GROUPS or (sizes >= rows).any():  # all the weight may be in one group
        return value, None, None
    off = np.bincount(group, values) - value * sizes
    variance = (count - 1) / count * float(((off / (rows - sizes)) ** 2).sum())
    if not share:
        half = student(count) * variance**0.5
        return value, max(0.0, value - half), value + half
    known = 0 < value < 1 and variance > 0
    effective = min(float(rows), value * (1 - value) / variance) if known else float(count)
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


def counted(
    drawn: np.ndarray, size: int, cells: np.ndarray | None, weights: np.ndarray | None = None
) -> np.ndarray:
    """Returns how many drawn rows are in each cell (C,), or the sum of their weights.

    `drawn` (N,) is how often each row is drawn, `cells` (N,) the cell of each row; with None, every
    row is a cell.
    """
    if weights is not None:
        drawn = drawn * weights
    if cells is None:
        return drawn
    counts = np.bincount(cells, drawn, size)
    return counts.astype(np.int64) if weights is None else counts
