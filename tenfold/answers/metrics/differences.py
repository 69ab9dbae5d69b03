"""Differences of a metric between subsets of labelled rows, with intervals for all of them at once.

Each subset is compared with all other rows of its family (the values of one column). The intervals
of a family, and those of all families together, hold at the same time with a probability of 95 %.

The critical value is that of a permutation test with the maximum statistic (P. Westfall and S.
Young, 1993, Resampling-based multiple testing, single-step maxT): the labels of subsets are
permuted among the rows, and with groups among the parts that each group has in each subset, which
move as a whole. The test is exact for few rows and for shares near 0 and 1, where the bootstrap
finds too little variance. The width of an interval uses the larger of two standard errors: that of
the permutations, where all subsets are alike, and that of the bootstrap, where they are not.

Shapes: N rows, F families, V subsets of a family, S segments (the rows that one group has in one
subset; without groups, single rows), U distinct rows, T statistics of a row, R resamples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tenfold.answers.intervals import LEAST_GROUPS, Sampling, Weighted
from tenfold.core.lazy import lazy

sparse = lazy("scipy.sparse")

__all__ = ["Difference", "differences"]

ERROR_RATE = 0.03
"""Probability that an interval of any family excludes the true difference, as computed. It is below
5 %, so that the intervals hold with 95 % also where the permutations are an approximation."""
PERMUTED = (1999, 999, 499, 199)
"""Numbers of permutations; the largest that stays within WORK is used."""
WORK = 100_000_000
RESAMPLED = 400
"""Number of bootstrap resamples for a standard error."""
BLOCK = 1 << 22


@dataclass(frozen=True)
class Difference:
    """The metric of a subset minus that of the other rows, and the ends of its interval.

    `low` and `high` are None if there are too few groups for an interval.
    """

    value: float
    low: float | None
    high: float | None

    @property
    def shown(self) -> bool:
        """True if the interval excludes 0."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


def differences(
    weighted: Weighted, families: Sequence[np.ndarray], sampling: Sampling
) -> list[list[Difference]]:
    """Returns for each family the difference of each of its subsets.

    `weighted` is the metric (`AnswerKind.bootstrap`). A family is the number of the subset of each
    row (N,), -1 for a row in none of them; it has two or more subsets.
    """
    rows, metric = weighted
    found = []
    for family in families:
        kept = family >= 0
        groups = np.flatnonzero(kept) if sampling.groups is None else sampling.groups[kept]
        weights = np.ones(kept.sum()) if sampling.weights is None else sampling.weights[kept]
        segments = _Segments.of(rows[kept], metric, family[kept], groups, weights)
        enough = sampling.groups is None or len(np.unique(groups)) >= LEAST_GROUPS
        found.append(segments.differences(ERROR_RATE / len(families), enough))
    return found


@dataclass(frozen=True)
class _Segments:
    """S segments: their subset (S,), their group (S,) and the weight of their rows (S, U)."""

    metric: Callable[[np.ndarray], np.ndarray]
    subset: np.ndarray
    group: np.ndarray
    rows: Any

    @staticmethod
    def of(
        rows: np.ndarray, metric: Any, subset: np.ndarray, groups: np.ndarray, weights: np.ndarray
    ) -> _Segments:
        distinct, place = np.unique(rows, axis=0, return_inverse=True)
        pairs, segment = np.unique(np.stack([groups, subset]), axis=1, return_inverse=True)
        shape = pairs.shape[1], len(distinct)
        counts = sparse.csr_array((weights, (segment.ravel(), place.ravel())), shape)
        return _Segments(lambda drawn: metric(distinct, drawn), pairs[1], pairs[0], counts)

    def differences(self, level: float, enough: bool) -> list[Difference]:
        """Returns the difference of each subset; `level` is the error rate of all of them."""
        one = np.ones((1, len(self.subset)))
        values = self._of(one, self.subset[None])[0]
        if not enough:
            return [Difference(float(value), None, None) for value in values]
        random = np.random.default_rng(0)
        chance = np.concatenate([*self._permuted(random)])
        error = np.sqrt((chance**2).mean(0))
        largest = np.sort(np.abs(chance / np.maximum(error, 1e-12)).max(1))
        critical = largest[-max(1, int(level * (len(largest) + 1) + 1e-9))]
        error = np.fmax(error, np.nanstd(np.concatenate([*self._resampled(random)]), axis=0))
        half = critical * error
        ends = zip(values, values - half, values + half, strict=True)
        return [Difference(*map(float, three)) for three in ends]

    def _permuted(self, random: np.random.Generator) -> Iterator[np.ndarray]:
        """Yields the differences (R, V) with the subsets permuted among the segments."""
        count, subsets = len(self.subset), int(self.subset.max()) + 1
        times = next((one for one in PERMUTED if one * count * subsets <= WORK), PERMUTED[-1])
        for size in _blocks(times, count):
            order = random.permuted(np.tile(self.subset, (size, 1)), axis=1)
            yield self._of(np.ones((1, count)), order)

    def _resampled(self, random: np.random.Generator) -> Iterator[np.ndarray]:
        """Yields the differences (R, V) of bootstrap resamples of whole groups."""
        names, place = np.unique(self.group, return_inverse=True)
        for size in _blocks(RESAMPLED, len(self.subset)):
            draw = random.multinomial(len(names), np.full(len(names), 1 / len(names)), size)
            yield self._of(draw[:, place].astype(float), self.subset[None])

    def _of(self, drawn: np.ndarray, subset: np.ndarray) -> np.ndarray:
        """Returns the differences (R, V); NaN where no row of a subset, or no other, is drawn.

        `drawn` (R or 1, S) is how often each segment is drawn, `subset` (R or 1, S) its subset.
        """
        whole = np.asarray(drawn @ self.rows)
        found = []
        for number in range(int(self.subset.max()) + 1):
            inside = np.asarray((drawn * (subset == number)) @ self.rows)
            other = whole - inside
            gap = self.metric(inside) - self.metric(other)
            found.append(np.where((inside.sum(1) > 0) & (other.sum(1) > 0), gap, np.nan))
        return np.stack(found, 1)


def _blocks(times: int, width: int) -> Iterator[int]:
    """Yields sizes of blocks that sum to `times`, so that a block of rows stays within BLOCK."""
    size = max(1, BLOCK // max(1, width))
    for start in range(0, times, size):
        yield min(size, times - start)
