"""Spectral clustering whose choices are made without labels, by the normalised cut.

Distinct rows -> principal components -> nearest neighbours -> graph -> eigenvectors, each times its
eigenvalue to the 8th power, rows of length 1 -> k-means -> the partition with the least cut.
Partitions are compared on one graph, whatever graph they were made with.

Shapes: N rows, D dimensions, K groups.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor

from tenfold.recipes.clusters.code import Code
from tenfold.recipes.clusters.graph import Graph
from tenfold.recipes.clusters.neighbours import distinct, nearest, votes

__all__ = ["GraphTrial", "Partition", "RowView", "best_view", "partition"]

NEIGHBOURS = (5, 7, 10, 15)
"""Numbers of neighbours that are tried; the graph of the largest one compares the partitions."""
MANY_ROWS, MANY_NEIGHBOURS = 20_000, (7, 10)
"""Above so many distinct rows, these numbers of neighbours are tried."""
SHARES = (1.0, 1.3, 1.6)
"""Numbers of eigenvectors that are tried, as multiples of the number of groups."""
POWER = 8
"""Power of the eigenvalue by which an eigenvector is multiplied."""
STARTS = 3
"""Starts of k-means whose partitions are compared by their cut."""
SAMPLE_ROWS = 4_000
"""Maximum number of rows on which views are compared."""
VOTERS = 7
"""Number of nearest rows that vote on the group of a new row."""

RowView = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class GraphTrial:
    """A partition that was tried: its number of neighbours and eigenvectors, and its cut.

    Both numbers are 0 if k-means grouped the codes themselves.
    """

    neighbours: int
    vectors: int
    cut: float


@dataclass(frozen=True)
class Partition:
    """Groups of the rows, and what is needed to find those of new rows.

    `groups` (N,) are numbered from 0 by size, the largest first; of equal ones, by the values of
    their rows. `code` is that of the view, `rows` (M, C) are the codes of the distinct rows and
    `row_groups` (M,) their groups. `trials` has the best first.
    """

    groups: Tensor
    count: int
    code: Code
    rows: Tensor
    row_groups: Tensor
    trials: tuple[GraphTrial, ...]

    def shares(self, viewed: Tensor) -> Tensor:
        """Returns the share (N, K) of each group, for rows (N, D) as the view gives them."""
        return votes(self.code.of(viewed), self.rows, self.row_groups, self.count, VOTERS)


def _same(rows: Tensor) -> Tensor:
    return rows


def partition(rows: Tensor, count: int, seed: int = 0, view: RowView = _same) -> Partition:
    """Returns `count` groups of `rows` (N, ...), the same for any order of them.

    `view` makes float32 rows (N, D) of them, which must be finite. Equal rows count as one and
    belong to one group. Raises ValueError with fewer distinct rows than groups.
    """
    first, place = distinct(rows.flatten(1))
    if count > len(first):
        raise ValueError(f"{count} groups of {len(first)} distinct rows")
    viewed = view(rows[first])
    code = Code.fit(viewed)
    coded = code.of(viewed)
    found, trials = _best(coded, count, seed)
    sizes = np.bincount(found[place.cpu().numpy()], minlength=count)
    rank = np.empty(count, dtype=np.int64)
    rank[np.lexsort((_firsts(found, count), -sizes))] = np.arange(count)
    groups = torch.from_numpy(rank[found]).to(rows.device)
    return Partition(groups[place], count, code, coded, groups, tuple(trials))


def best_view(
    rows: Tensor, count: int, views: Mapping[str, RowView], seed: int = 0
) -> tuple[str, dict[str, float]]:
    """Returns the name of the view with the least normalised cut, and the cut of each view.

    The views are compared on a sample of at most SAMPLE_ROWS rows, the same for any order of them.
    A view in which fewer rows are distinct than there are groups is left out.
    """
    first, _ = distinct(rows.flatten(1))
    draw = np.random.default_rng(seed).permutation(len(first))[:SAMPLE_ROWS]
    sample = rows[first[torch.from_numpy(np.sort(draw)).to(first.device)]]
    cuts = {}
    for name, view in views.items():
        viewed = view(sample)
        if len(distinct(viewed)[0]) >= count:
            cuts[name] = _best(Code.fit(viewed).of(viewed), count, seed)[1][0].cut
    if not cuts:
        raise ValueError(f"no view has {count} distinct rows")
    return min(cuts, key=lambda name: cuts[name]), cuts


def _best(code: Tensor, count: int, seed: int) -> tuple[np.ndarray, list[GraphTrial]]:
    """Returns the groups (N,) with the least cut, and all trials, the best first."""
    if count in (1, len(code)):
        return np.arange(len(code)) % count, [GraphTrial(0, 0, 0.0)]
    tried = NEIGHBOURS if len(code) <= MANY_ROWS else MANY_NEIGHBOURS
    near = nearest(code, code, max(tried) + 1)
    judge = Graph.of(code, near, max(tried), count)
    plain = judge.refined(_k_means(code.cpu().numpy(), count, seed * STARTS), count)
    found = [(GraphTrial(0, 0, judge.cut(plain, count)), plain)]
    for neighbours in sorted({min(one, len(code) - 1) for one in tried}):
        graph = Graph.of(code, near, neighbours, count)
        sizes = sorted({min(round(share * count), len(code)) for share in SHARES})
        values, vectors = graph.spectrum(sizes[-1])
        for size in sizes:
            rows = embedding(values[:size], vectors[:, :size])
            for start in range(STARTS):
                groups = judge.refined(_k_means(rows, count, seed * STARTS + start), count)
                found.append((GraphTrial(neighbours, size, judge.cut(groups, count)), groups))
    found.sort(key=lambda one: one[0].cut)
    return found[0][1], [trial for trial, _ in found]


def embedding(values: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Returns eigenvectors (N, M) times their eigenvalues to a power, rows of length 1, float32."""
    scaled = vectors * values.clip(0) ** POWER
    length = np.linalg.norm(scaled, axis=1, keepdims=True)
    return (scaled / np.where(length > 0, length, 1.0)).astype(np.float32)


def _k_means(rows: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Returns the groups (N,) that k-means finds from one start."""
    with warnings.catch_warnings():
        # Fewer distinct rows than groups leave groups empty, which no cut prefers.
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = KMeans(count, n_init=1, random_state=seed).fit(rows)
    return found.labels_.astype(np.int64)


def _firsts(groups: np.ndarray, count: int) -> np.ndarray:
    """Returns the first row (K,) of each group; the number of rows for an empty group."""
    firsts = np.full(count, len(groups))
    np.minimum.at(firsts, groups, np.arange(len(groups)))
    return firsts
