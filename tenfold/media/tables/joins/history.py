"""Lines of a second table by key, and what the lines before a time give: counts, sums, last values.

Shapes: L lines, G keys, T distinct times, N rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["COUNT", "DAYS", "LAST", "LINES", "MEAN", "SUM", "History", "LineSpan", "Running"]

LINES, DAYS = "lines", "days since"
COUNT, SUM, MEAN, LAST = "count", "sum", "mean", "last"
"""Aggregates of lines: their number, the days since the last one; the others are of one column."""
DAY = 86_400.0


@dataclass(frozen=True)
class LineSpan:
    """The lines of N rows: those from `starts` (N,) up to `ends` (N,), without the end.

    `times` (N,) are the times of the rows in seconds since 1970, NaN or infinite where unknown.
    """

    starts: np.ndarray
    ends: np.ndarray
    times: np.ndarray

    @property
    def counts(self) -> np.ndarray:
        """Returns the number of lines of each row (N,)."""
        found: np.ndarray = self.ends - self.starts
        return found


@dataclass(frozen=True)
class Running:
    """A column of lines in the order of a `History`, prepared for spans of lines.

    `values` (L,) are NaN where missing. `counts` (L + 1,) are the filled cells before each line,
    `sums` (L,) the sum of the filled cells of the same key up to each line, and `last` (L,) the
    position of the last filled cell up to each line, -1 where there is none.
    """

    values: np.ndarray
    counts: np.ndarray
    sums: np.ndarray
    last: np.ndarray

    @staticmethod
    def of(values: np.ndarray, keys: np.ndarray) -> Running:
        """Returns the column of `values` (L,), whose lines have the numbers `keys` (L,) of keys."""
        filled = np.isfinite(values)
        counts = np.concatenate([[0], np.cumsum(filled)])
        # A sum of the same key only: lines of other keys never change the last digit.
        sums = pd.Series(np.where(filled, values, 0.0)).groupby(keys, sort=False).cumsum()
        places = np.where(filled, np.arange(len(values)), -1)
        last = np.maximum.accumulate(places) if len(values) else places
        return Running(values, counts, sums.to_numpy(float), last)

    def over(self, span: LineSpan, how: str) -> np.ndarray:
        """Returns the count, sum, mean or last filled value of each row (N,) float64.

        Mean and last value are NaN without a filled cell, the sum is 0.
        """
        counts = self.counts[span.ends] - self.counts[span.starts]
        some = np.flatnonzero(counts)
        if how == COUNT:
            return counts.astype(float)
        found = np.full(len(counts), 0.0 if how == SUM else np.nan)
        before = span.ends[some] - 1
        if how == LAST:
            found[some] = self.values[self.last[before]]
        else:
            found[some] = self.sums[before] / (counts[some] if how == MEAN else 1)
        return found


@dataclass(frozen=True)
class History:
    """L lines, ordered by key, then time, then their place in the file.

    `codes` are the numbers of the keys, `moments` (T,) the distinct times, `places` (L,) rising
    numbers of key and time together, `starts` (G,) the first line of each key, `order` (L,) the
    place of each line among the given ones, `keys` and `times` (L,) those of the lines.
    """

    codes: Mapping[str, int]
    moments: np.ndarray
    places: np.ndarray
    starts: np.ndarray
    order: np.ndarray
    keys: np.ndarray
    times: np.ndarray

    @staticmethod
    def of(keys: Sequence[str], times: np.ndarray) -> History:
        """Returns the lines with these keys and times (L,); lines without a time come first."""
        times = np.where(np.isnan(times), -np.inf, times)
        numbers, names = pd.factorize(np.asarray(keys, object))
        order = np.lexsort((times, numbers))
        numbers, times = numbers[order].astype(np.int64), times[order]
        moments, ranks = np.unique(times, return_inverse=True)
        places = numbers * (len(moments) + 1) + ranks.reshape(-1)
        starts = np.searchsorted(numbers, np.arange(len(names)))
        codes = {str(name): at for at, name in enumerate(names)}
        return History(codes, moments, places, starts, order, numbers, times)

    def __len__(self) -> int:
        return len(self.places)

    def before(self, keys: Sequence[str], times: np.ndarray) -> LineSpan:
        """Returns the lines of each row's key strictly before its time, all where that is NaN."""
        codes = np.array([self.codes.get(key, -1) for key in keys], np.int64)
        ranks = np.searchsorted(self.moments, times, "left")  # NaN is behind all times
        ends = np.searchsorted(self.places, codes * (len(self.moments) + 1) + ranks, "left")
        known = codes >= 0
        starts = np.zeros(len(codes), np.int64)
        starts[known] = self.starts[codes[known]]
        return LineSpan(starts, np.where(known, ends, 0), times)

    def days(self, span: LineSpan) -> np.ndarray:
        """Returns the days since the last line (N,); NaN without a line, and without a time."""
        found = np.full(len(span.ends), np.nan)
        some = np.flatnonzero((span.counts > 0) & np.isfinite(span.times))
        last = self.times[span.ends[some] - 1]
        found[some] = np.where(np.isfinite(last), (span.times[some] - last) / DAY, np.nan)
        return found
