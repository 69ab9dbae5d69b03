"""95 % confidence intervals of a share, a mean, a metric, and the difference of two runs.

An answer kind gets a `Sampling` from shared code and computes every interval with it: the Sampling
knows whether the labelled rows are independent or come in groups (persons, speakers, batches). With
groups, a whole group is one observation: rows of one group are alike, and intervals that count them
as independent are too narrow. With a column `weight`, every metric is weighted: a row of weight 2
counts like two rows in the value, and the interval treats it as one observation. No other code
computes an interval of scores.

Shapes: N rows, M observations of these rows, G groups, T statistics of each row that a metric is
computed from, U distinct rows, R resamples, C cells of a table of counts, such as a confusion
matrix.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from tenfold.answers.metrics import means
from tenfold.answers.metrics.means import LEAST_GROUPS, Interval
from tenfold.core.lazy import lazy
from tenfold.core.message import Message

sparse = lazy("scipy.sparse")

__all__ = ["LEAST_GROUPS", "Interval", "Paired", "Sampling", "Weighted", "protocol", "weights_of"]

Weighted = tuple[np.ndarray, Callable[[np.ndarray, np.ndarray], np.ndarray]]
"""A metric that can be bootstrapped: the statistics of each row (N, T), and a function that
computes its values (R,) from rows (U, T) and how often each row counts in each resample (R, U)."""

RESAMPLED = 200
"""Number of bootstrap resamples for an interval."""
PAIRED, LEAST_PAIRED, WORK = 10_000, 1000, 100_000_000
"""Number of paired resamples; of so many distinct rows that resamples times rows are beyond WORK,
fewer are drawn, but at least LEAST_PAIRED, so that the time for large tables is bounded."""
FEW_GROUPS, MORE_RESAMPLES = 100, 5
"""With fewer than FEW_GROUPS groups, MORE_RESAMPLES times as many resamples are drawn, because the
ends of the interval are more extreme percentiles."""


@dataclass(frozen=True)
class Paired:
    """A metric of two runs on the same rows, and the bootstrap interval of the difference.

    `low` and `high` are the ends of the 95 % interval of first minus second. `above` and `below`
    are the shares of the `resamples` in which the first value is higher or lower than the second.
    All four are None, and `resamples` is 0, if there are too few groups for an interval.
    """

    first: float
    second: float
    low: float | None
    high: float | None
    above: float | None
    below: float | None
    resamples: int = 0

    @property
    def difference(self) -> float:
        """The first value minus the second."""
        return self.first - self.second

    @property
    def swapped(self) -> Paired:
        """The same comparison with the second run as the first."""
        low, high = (None if end is None else -end for end in (self.high, self.low))
        return Paired(self.second, self.first, low, high, self.below, self.above, self.resamples)


@dataclass(frozen=True)
class Sampling:
    """Computes intervals for N labelled rows, with single rows or whole groups as observations.

    `groups` (N,) is the number of the group of each row; None = every row is an observation of its
    own. `times` is the number of bootstrap resamples; 0 if no intervals are needed. `weights` (N,)
    is the weight of each row (see `weights_of`); None = all rows weigh the same.
    """

    groups: np.ndarray | None = None
    times: int = RESAMPLED
    weights: np.ndarray | None = None

    @staticmethod
    def of(table: pd.DataFrame) -> Sampling:
        """Returns the sampling of a table of labelled rows, from its columns `group` and `weight`.

        A row without a group is a group of its own. If every group is a single row, the rows are
        independent.
        """
        return Sampling(_groups_of(table), weights=weights_of(table))

    def at(self, rows: np.ndarray) -> Sampling:
        """Returns the sampling of M observations that are made on these rows.

        `rows` is the row of each observation (M,), or a mask (N,) of the M observed rows.
        """
        groups = None if self.groups is None else self.groups[rows]
        weights = None if self.weights is None else self.weights[rows]
        return replace(self, groups=groups, weights=weights)

    @property
    def count(self) -> int | None:
        """Number of groups; None if single rows are the observations."""
        return None if self.groups is None else len(np.unique(self.groups))

    @property
    def _observations(self) -> np.ndarray | None:
        """The unit of resampling that each row belongs to (N,): its group, else the row itself.

        None for ungrouped rows without weights.
        """
        if self.groups is not None or self.weights is None:
            return self.groups
        return np.arange(len(self.weights))

    def share(self, right: np.ndarray) -> Interval:
        """Returns the share of True in `right` (N,) and its 95 % interval.

        For single rows, it is the Wilson interval (E. B. Wilson, 1927); for groups, the interval
        described in `mean`.
        """
        if self._observations is None:
            return means.wilson(right)
        return self.mean(right.astype(float), share=True)

    def mean(self, values: np.ndarray, share: bool = False) -> Interval:
        """Returns the mean of non-negative values (N,) and its 95 % interval.

        For single rows, the interval is the normal approximation. For groups, it is Student's t
        with G - 1 degrees of freedom and the jackknife variance that leaves out one group at a
        time, which weights groups of unequal size as the mean does (K. M. Wolter, 2007,
        Introduction to variance estimation, chapter 4).

        For groups and values from 0 to 1 (`share`), the interval is Wilson's, so that it stays
        within 0 and 1, with t in place of the normal quantile and the effective number of rows that
        has this variance (E. L. Korn and B. I. Graubard, 1998, Survey Methodology 24; C. Franco et
        al. 2019, Journal of Survey Statistics and Methodology 7). If all values are 0, or all are
        1, nothing is known of how alike the rows of a group are: the interval is that of G
        observations, the widest possible. Rows with weights are treated as groups of one row.
        """
        groups = self._observations
        if groups is None:
            return means.normal(values)
        return means.group_mean(groups, values, self.weights, share)

    def linear(self, value: float, influence: np.ndarray) -> Interval:
        """Returns an estimate and its 95 % interval, from its influence values (N,).

        The influence of a row is, to first order, how much the estimate changes by adding the row
        (its weight included). The variance is the sum of their squares, the sandwich variance; for
        groups that of the sums in each group times G / (G - 1), with Student's t (K.-Y. Liang and
        S. Zeger, 1986, Biometrika 73).
        """
        if self.groups is None:
            half = means.NORMAL * float((influence**2).sum()) ** 0.5
            return value, value - half, value + half
        count, group = means.numbered(self.groups)
        if count < LEAST_GROUPS:
            return value, None, None
        sums = np.bincount(group, influence)
        half = means.student(count) * (count / (count - 1) * float((sums**2).sum())) ** 0.5
        return value, value - half, value + half

    def resampled(
        self,
        metric: Callable[[np.ndarray], float],
        size: int,
        cells: np.ndarray | None = None,
        share: bool = True,
    ) -> Interval:
        """Returns a metric of counts and its 95 % bootstrap interval (B. Efron, 1979).

        `metric` computes its value from the number of rows in each cell (C,). `size` is the number
        C, `cells` (N,) the cell of each row; by default every row is a cell. `share` is True if the
        metric lies between 0 and 1. A resample for which it is not a finite number is left out.

        For groups, each resample draws G whole groups. The ends are moved outwards to the
        percentiles that make the interval of a mean as wide as that of Student's t (T. Hesterberg,
        2015, The American Statistician 69, expanded percentile interval). With weights, `metric`
        gets sums of weights in place of numbers of rows.
        """
        groups, weights = self._observations, 1 if self.weights is None else self.weights
        if groups is None or not len(groups):
            return self._rows_resampled(metric, size, cells)
        count, place = means.numbered(groups)
        value = metric(means.counted(np.ones_like(place) * weights, size, cells))
        if not self.times or count < LEAST_GROUPS:
            return value, None, None
        times = self.times * (MORE_RESAMPLES if count < FEW_GROUPS else 1)
        random, many = np.random.default_rng(0), [value]
        for _ in range(times):
            draw = random.multinomial(count, np.full(count, 1 / count))
            many.append(metric(means.counted(draw[place] * weights, size, cells)))
        many = [one for one in many if np.isfinite(one)]
        if share and min(many) == max(many) and value in (0.0, 1.0):
            return value, *means.score_ends(value, count, means.student(count))
        low, high = np.percentile(many, means.expanded(count))
        return value, min(float(low), value), max(float(high), value)

    def _rows_resampled(
        self, metric: Callable[[np.ndarray], float], size: int, cells: np.ndarray | None
    ) -> Interval:
        counts = np.ones(size, np.int64) if cells is None else np.bincount(cells, minlength=size)
        total = int(counts.sum())
        if not total:
            return 0.0, 0.0, 0.0
        value, random, shares = metric(counts), np.random.default_rng(0), counts / total
        many = [value, *(metric(random.multinomial(total, shares)) for _ in range(self.times))]
        low, high = np.percentile([one for one in many if np.isfinite(one)], [2.5, 97.5])
        return value, min(float(low), value), max(float(high), value)

    def over_classes(
        self, scores: list[float], metric: Callable[[np.ndarray], float], size: int
    ) -> Interval:
        """Returns the mean of `scores`, one for each class, and its 95 % interval.

        For single rows, the interval is a normal approximation over the classes. For groups, it is
        that of `resampled`: `metric` computes the same mean from how often each row is drawn (N,),
        and `size` is N.
        """
        if self._observations is not None:
            return self.resampled(metric, size)
        mean = float(np.mean(scores)) if len(scores) else 0.0
        half = 1.96 * float(np.std(scores)) / len(scores) ** 0.5 if len(scores) else 0.0
        return mean, max(0.0, mean - half), min(1.0, mean + half)

    def paired(
        self,
        first: Weighted,
        second: Weighted,
        times: int = PAIRED,
        work: int = WORK,
        block: int = 1 << 22,
    ) -> Paired:
        """Compares two runs on one metric by paired bootstrap (B. Efron and R. Tibshirani, 1993).

        Each resample draws rows, or whole groups, with the statistics of both runs, to which each
        run's own function is applied. Rows with identical statistics are counted together, which
        gives the same distribution. `times` is the number of resamples, fewer for many rows (see
        WORK); `block` limits the size of the arrays of counts. For groups, the ends are the
        percentiles that `resampled` uses.
        """
        (one, metric), (other, others) = first, second
        weights = np.ones(len(one), np.int64) if self.weights is None else self.weights
        both, place, counts = np.unique(
            np.hstack([one, other, weights[:, None]]),
            axis=0, return_inverse=True, return_counts=True,
        )  # fmt: skip
        ends = one.shape[1], one.shape[1] + other.shape[1]
        own, theirs, weight = np.hsplit(both, ends)
        own, theirs, weight = (
            own.astype(one.dtype), theirs.astype(other.dtype), weight.ravel().astype(weights.dtype)
        )  # fmt: skip
        values = [
            float(of(rows, counts[None] * weight)[0])
            for of, rows in ((metric, own), (others, theirs))
        ]
        if self.count is not None and self.count < LEAST_GROUPS:
            return Paired(values[0], values[1], None, None, None, None)
        draw, random = self._draws(place.ravel(), counts), np.random.default_rng(0)
        times = min(times, max(LEAST_PAIRED, work // len(counts)))
        size, found = max(1, block // len(counts)), []
        for start in range(0, times, size):
            draws = draw(random, min(size, times - start)) * weight
            found.append(metric(own, draws) - others(theirs, draws))
        gaps = np.concatenate(found)
        low, high = np.percentile(
            gaps, [2.5, 97.5] if self.count is None else means.expanded(self.count)
        )
        shares = float((gaps > 0).mean()), float((gaps < 0).mean())
        return Paired(values[0], values[1], float(low), float(high), *shares, times)

    def _draws(
        self, place: np.ndarray, counts: np.ndarray
    ) -> Callable[[np.random.Generator, int], np.ndarray]:
        """Returns a function that draws R resamples: how often each distinct row counts (R, U).

        `place` (N,) is the distinct row of each row, `counts` (U,) how many rows are equal.
        """
        if self.groups is None:
            total = int(counts.sum())
            return lambda random, times: random.multinomial(total, counts / total, times)
        groups, group = means.numbered(self.groups)
        shape, ones = (groups, len(counts)), np.ones(len(place), np.int64)
        rows, shares = sparse.csr_array((ones, (group, place)), shape), np.full(groups, 1 / groups)
        return lambda random, times: np.asarray(random.multinomial(groups, shares, times) @ rows)


def protocol(sentence: Message, groups: int | None) -> Message:
    """Returns `sentence`, which describes scores, with the number of groups of their intervals."""
    if groups is None:
        return sentence
    if groups < LEAST_GROUPS:
        return Message(
            "{protocol}; no 95 % interval, because the number of groups is {count} and at least "
            "{least} are needed",
            protocol=sentence,
            count=groups,
            least=LEAST_GROUPS,
        )
    return Message(
        "{protocol}; 95 % intervals over {count} groups", protocol=sentence, count=groups
    )


def weights_of(table: pd.DataFrame) -> np.ndarray | None:
    """Returns the weights of rows (N,) from the column `weight`; None if all weigh the same.

    A row without a weight has weight 1. Metrics do not depend on the unit of weights: here the
    smallest positive weight is 1, so that sums of weights are at least 1, as numbers of rows are.
    """
    if "weight" not in table:
        return None
    weights = pd.to_numeric(table["weight"], errors="coerce").fillna(1.0).to_numpy(float)
    positive = weights[weights > 0]
    if not len(positive) or (weights == weights[0]).all():
        return None
    return np.asarray(weights / positive.min())


def _groups_of(table: pd.DataFrame) -> np.ndarray | None:
    """Returns the number of the group of each row (N,); None if no two rows share a group."""
    if "group" not in table or table["group"].isna().all():
        return None
    numbers = pd.factorize(table["group"])[0].astype(np.int64)
    alone = numbers < 0
    numbers[alone] = numbers.max() + 1 + np.arange(alone.sum())
    return numbers if len(np.unique(numbers)) < len(numbers) else None
