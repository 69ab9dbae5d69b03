"""95 % intervals: of a share, of a mean, of a metric of counted rows, of the gap between two runs.

Shapes: N rows, T numbers that a metric rests on in each row, U rows that differ, R resamples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["Paired", "Weighted", "mean", "paired", "resampled", "wilson"]

Weighted = tuple[np.ndarray, Callable[[np.ndarray, np.ndarray], np.ndarray]]
"""A metric as a function of how often each row counts: what it rests on in each row (N, T), and
the function of such rows (U, T) and their counts (R, U) that gives its values (R,)."""

_Z = 1.959964


def wilson(right: np.ndarray) -> tuple[float, float, float]:
    """A share and its 95 % interval (E. B. Wilson, 1927)."""
    rows = max(1, len(right))
    share = float(right.sum()) / rows
    middle = (share + _Z * _Z / (2 * rows)) / (1 + _Z * _Z / rows)
    half = np.sqrt(share * (1 - share) / rows + _Z * _Z / (4 * rows**2))
    half *= _Z / (1 + _Z * _Z / rows)
    low, high = max(0.0, float(middle - half)), min(1.0, float(middle + half))
    return share, min(low, share), max(high, share)


def mean(values: np.ndarray) -> tuple[float, float, float]:
    """A mean of values that are not negative, and its 95 % interval."""
    if not len(values):
        return 0.0, 0.0, 0.0
    middle = float(values.mean())
    half = _Z * float(values.std()) / np.sqrt(len(values))
    return middle, max(0.0, middle - half), middle + half


def resampled(
    metric: Callable[[np.ndarray], float], counts: np.ndarray, times: int
) -> tuple[float, float, float]:
    """A metric of counted things and its middle 95 % over resampled counts (B. Efron, 1979)."""
    total = int(counts.sum())
    if not total:
        return 0.0, 0.0, 0.0
    value, random = metric(counts), np.random.default_rng(0)
    many = [value, *(metric(random.multinomial(total, counts / total)) for _ in range(times))]
    low, high = np.percentile(many, [2.5, 97.5])
    return value, min(float(low), value), max(float(high), value)


@dataclass(frozen=True)
class Paired:
    """Two values on the same rows, and how their difference spreads over resamples.

    `above` and `below` are the shares of resamples where the first is the higher or the lower.
    """

    first: float
    second: float
    low: float
    high: float
    above: float
    below: float

    @property
    def difference(self) -> float:
        """The first less the second."""
        return self.first - self.second


def paired(first: Weighted, second: Weighted, times: int = 10_000, block: int = 1 << 22) -> Paired:
    """The paired bootstrap of one metric (B. Efron and R. Tibshirani, 1993): rows are drawn
    together with both answers to them. Rows that are alike for both are drawn as one with its
    count, which is the same draw.
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
