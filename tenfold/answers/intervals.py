"""95 % confidence intervals of a share, a mean, a metric, and the difference of two runs.

Shapes: N rows, T statistics of each row that a metric is computed from, U distinct rows, R
resamples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["Paired", "Weighted", "mean", "paired", "resampled", "wilson"]

Weighted = tuple[np.ndarray, Callable[[np.ndarray, np.ndarray], np.ndarray]]
"""A metric that can be bootstrapped: the statistics of each row (N, T), and a function that
computes its values (R,) from rows (U, T) and how often each row counts in each resample (R, U)."""

_Z = 1.959964


def wilson(right: np.ndarray) -> tuple[float, float, float]:
    """Returns the share of True values and its 95 % Wilson interval (E. B. Wilson, 1927)."""
    rows = max(1, len(right))
    share = float(right.sum()) / rows
    middle = (share + _Z * _Z / (2 * rows)) / (1 + _Z * _Z / rows)
    half = np.sqrt(share * (1 - share) / rows + _Z * _Z / (4 * rows**2))
    half *= _Z / (1 + _Z * _Z / rows)
    low, high = max(0.0, float(middle - half)), min(1.0, float(middle + half))
    return share, min(low, share), max(high, share)


def mean(values: np.ndarray) -> tuple[float, float, float]:
    """Returns the mean of non-negative values and its 95 % interval (normal approximation)."""
    if not len(values):
        return 0.0, 0.0, 0.0
    middle = float(values.mean())
    half = _Z * float(values.std()) / np.sqrt(len(values))
    return middle, max(0.0, middle - half), middle + half


def resampled(
    metric: Callable[[np.ndarray], float], counts: np.ndarray, times: int
) -> tuple[float, float, float]:
    """Returns a metric of counts and its 95 % bootstrap interval (B. Efron, 1979).

    `metric` maps the count of each unit to a value; `times` is the number of resamples.
    """
    total = int(counts.sum())
    if not total:
        return 0.0, 0.0, 0.0
    value, random = metric(counts), np.random.default_rng(0)
    many = [value, *(metric(random.multinomial(total, counts / total)) for _ in range(times))]
    low, high = np.percentile(many, [2.5, 97.5])
    return value, min(float(low), value), max(float(high), value)


@dataclass(frozen=True)
class Paired:
    """A metric of two runs on the same rows, and the bootstrap interval of the difference.

    `low` and `high` are the ends of the 95 % interval of first minus second. `above` and `below`
    are the shares of resamples in which the first value is higher or lower than the second.
    """

    first: float
    second: float
    low: float
    high: float
    above: float
    below: float

    @property
    def difference(self) -> float:
        """The first value minus the second."""
        return self.first - self.second


def paired(first: Weighted, second: Weighted, times: int = 10_000, block: int = 1 << 22) -> Paired:
    """Compares two runs on one metric by paired bootstrap (B. Efron and R. Tibshirani, 1993).

    Each resample draws rows with the statistics of both runs. Rows with identical statistics are
    drawn together as one multinomial count, which gives the same distribution. `block` limits the
    size of the arrays of counts.
    """
    (one, metric), (other, _) = first, second
    both, counts = np.unique(np.hstack([one, other]), axis=0, return_counts=True)
    kinds = np.hsplit(both, [one.shape[1]])
    values = [float(metric(kind, counts[None])[0]) for kind in kinds]
    random, total, found = np.random.default_rng(0), int(counts.sum()), []
    size = max(1, block // len(counts))
    for start in range(0, times, size):
        draws = random.multinomial(total, counts / total, min(size, times - start))
        found.append(metric(kinds[0], draws) - metric(kinds[1], draws))
    gaps = np.concatenate(found)
    low, high = np.percentile(gaps, [2.5, 97.5])
    shares = float((gaps > 0).mean()), float((gaps < 0).mean())
    return Paired(values[0], values[1], float(low), float(high), *shares)
