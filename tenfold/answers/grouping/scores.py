"""Scores of groups: silhouette, and agreement with labels that were never used.

Shapes: N rows, L labels, K groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from tenfold.answers.grouping.prediction import Group
from tenfold.answers.intervals import Interval, Sampling
from tenfold.core.lazy import lazy

optimize = lazy("scipy.optimize")

__all__ = ["Groups", "accuracy", "adjusted_rand", "measure", "mutual_information"]


@dataclass(frozen=True)
class Groups:
    """N rows with their group, silhouette and label as arrays.

    `group` is -1 for a row without an answer, `label` -1 for a row without a label.
    """

    group: np.ndarray
    silhouette: np.ndarray
    label: np.ndarray
    groups: list[str]
    labels: list[str]

    @staticmethod
    def of(answers: Sequence[Any], table: pd.DataFrame) -> Groups:
        """Returns the arrays of predictions and of the column `label` of a table."""
        known = [one if isinstance(one, Group) else None for one in answers]
        groups = sorted({name for one in known if one for name in one.probabilities}, key=_number)
        place = {name: at for at, name in enumerate(groups)}
        blank = pd.Series([""] * len(table), dtype=object)
        texts = table.get("label", blank).fillna("").astype(str)
        labels = sorted({*texts} - {""})
        codes = {name: at for at, name in enumerate(labels)}
        return Groups(
            np.array([place[one.group] if one else -1 for one in known], np.int64),
            np.array([one.silhouette if one else 0.0 for one in known], float),
            np.array([codes.get(text, -1) for text in texts], np.int64),
            groups,
            labels,
        )

    @property
    def scored(self) -> np.ndarray:
        """(N,) True for the rows that have a label and an answer."""
        return np.asarray((self.label >= 0) & (self.group >= 0))

    @property
    def table(self) -> np.ndarray:
        """(L, K) number of rows of each label in each group."""
        rows = self.scored
        cells = self.label[rows] * len(self.groups) + self.group[rows]
        counts = np.bincount(cells, minlength=len(self.labels) * len(self.groups))
        return counts.reshape(len(self.labels), len(self.groups))


def _number(name: str) -> tuple[int, str]:
    return (int(name) if name.isdigit() else 0, name)


def measure(found: Groups, sampling: Sampling) -> dict[str, Interval]:
    """Computes the silhouette and, where rows have labels, accuracy, NMI and ARI of the groups."""
    value, low, high = sampling.mean(found.silhouette + 1.0)
    ends = (None if end is None else end - 1.0 for end in (low, high))
    values: dict[str, Interval] = {"silhouette": (value - 1.0, *ends)}  # type: ignore[dict-item]
    rows = found.scored
    if len(found.labels) < 2 or not rows.any():
        return values
    shape = (len(found.labels), len(found.groups))
    cells = found.label[rows] * shape[1] + found.group[rows]
    for name, metric in METRICS.items():
        of_counts = partial(_of_counts, metric=metric, shape=shape)
        values[name] = sampling.at(rows).resampled(of_counts, shape[0] * shape[1], cells)
    return values


def _of_counts(counts: np.ndarray, metric: Any, shape: tuple[int, int]) -> float:
    return float(metric(np.asarray(counts, float).reshape(shape)))


def accuracy(table: np.ndarray) -> float:
    """Returns the share of rows whose group is matched to their label.

    `table` (L, K) are counts. Each group is matched to at most one label, so that the share is as
    high as possible (the Hungarian method, H. W. Kuhn, 1955).
    """
    total = table.sum()
    if not total:
        return 0.0
    matched = optimize.linear_sum_assignment(table, maximize=True)
    return float(table[matched].sum() / total)


def adjusted_rand(table: np.ndarray) -> float:
    """Returns the adjusted Rand index of counts (L, K); 0 = chance, 1 = equal.

    Source: L. Hubert and P. Arabie, 1985, Journal of Classification 2.
    """
    total = table.sum()
    pairs = [float((each * (each - 1) / 2).sum()) for each in (table, table.sum(1), table.sum(0))]
    every = total * (total - 1) / 2
    if every <= 0:
        return 0.0
    expected, most = pairs[1] * pairs[2] / every, (pairs[1] + pairs[2]) / 2
    if most == expected:
        return 1.0 if np.count_nonzero(table) == max(1, np.count_nonzero(table.sum(1))) else 0.0
    return float((pairs[0] - expected) / (most - expected))


def mutual_information(table: np.ndarray) -> float:
    """Returns the mutual information of counts (L, K), divided by the mean of both entropies.

    0 = independent, 1 = equal (A. Strehl and J. Ghosh, 2002, with the arithmetic mean).
    """
    total = table.sum()
    if not total:
        return 0.0
    joint = table / total
    one, other = joint.sum(1), joint.sum(0)
    entropies = [-float((p[p > 0] * np.log(p[p > 0])).sum()) for p in (one, other)]
    if not sum(entropies):
        return 1.0
    kept = joint > 0
    each = joint[kept] * np.log(joint[kept] / np.outer(one, other)[kept])
    return float(2 * each.sum() / sum(entropies))


METRICS = {"cluster_accuracy": accuracy, "nmi": mutual_information, "ari": adjusted_rand}
