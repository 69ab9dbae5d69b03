"""Metrics of scores that order rows: ROC and precision-recall curves, and the areas under them.

They need two classes, one of them positive. Rows with equal scores have one place in the order, so
that no metric depends on the order in which rows are given.

Shapes: N rows, K classes, D distinct scores.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

__all__ = ["Ordered", "mean_average_precision", "mean_roc_auc"]


@dataclass(frozen=True)
class Ordered:
    """Rows in the order of their scores, the highest first.

    `order` (N,) are the positions of the rows, `ends` (D,) the place in that order at which the
    rows of each distinct score end, and `positive` (N,) is True for positive rows, in that order.
    """

    order: np.ndarray
    ends: np.ndarray
    positive: np.ndarray

    @staticmethod
    def of(scores: np.ndarray, positive: np.ndarray) -> Ordered:
        """Returns the order of rows by `scores` (N,); `positive` (N,) is True for positive rows."""
        order = np.argsort(-scores, kind="stable")
        last = np.flatnonzero(np.diff(scores[order]) != 0)
        ends = np.append(last, len(order) - 1) if len(order) else np.zeros(0, np.int64)
        return Ordered(order, ends, positive[order].astype(bool))

    def counted(self, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the positive and the negative rows (D,) with each score or a higher one.

        `counts` (N,) is how often each row counts.
        """
        counts = counts[self.order]
        hits = np.cumsum(counts * self.positive)[self.ends]
        return hits, np.cumsum(counts)[self.ends] - hits

    def roc_auc(self, counts: np.ndarray) -> float:
        """Returns the area under the ROC curve; NaN if a class has no row.

        It is the probability that a positive row has a higher score than a negative one, where
        equal scores count half (J. Hanley and B. McNeil, 1982).
        """
        hits, alarms = self.counted(counts)
        if not len(hits) or not hits[-1] > 0 or not alarms[-1] > 0:
            return math.nan
        before = np.concatenate([[0], hits[:-1]])
        area = ((hits + before) / 2 * np.diff(alarms, prepend=0)).sum()
        return float(area / (hits[-1] * alarms[-1]))

    def average_precision(self, counts: np.ndarray) -> float:
        """Returns the precision at each score, weighted by the recall it adds; NaN as in `roc_auc`.

        This is the area under the precision-recall curve as steps, without interpolation.
        """
        hits, alarms = self.counted(counts)
        if not len(hits) or not hits[-1] > 0 or not alarms[-1] > 0:
            return math.nan
        some = hits + alarms > 0
        precision = hits[some] / (hits + alarms)[some]
        return float((precision * np.diff(hits[some], prepend=0)).sum() / hits[-1])


def mean_roc_auc(classes: list[Ordered], counts: np.ndarray) -> float:
    """Returns the mean area under the ROC curves of classes, each against all others.

    Classes without rows, or without other rows, are left out; NaN if these are all classes.
    """
    return _mean([one.roc_auc(counts) for one in classes])


def mean_average_precision(classes: list[Ordered], counts: np.ndarray) -> float:
    """Returns the mean average precision of classes, each against all others.

    Classes without rows, or without other rows, are left out; NaN if these are all classes.
    """
    return _mean([one.average_precision(counts) for one in classes])


def _mean(values: list[float]) -> float:
    known = [one for one in values if math.isfinite(one)]
    return sum(known) / len(known) if known else math.nan
