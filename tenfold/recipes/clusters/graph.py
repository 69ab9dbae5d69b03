"""The graph of nearest neighbours: weights, normalised cut, eigenvectors, eigengaps.

The weight of neighbours i and j is exp(-d^2 / (s_i s_j)) with the scale s of a row equal to its
distance to a near neighbour (L. Zelnik-Manor and P. Perona 2004, "Self-tuning spectral
clustering"). The normalised cut is that of J. Shi and J. Malik 2000.

Shapes: N rows, M eigenvectors, K groups.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import eigsh
from torch import Tensor

from tenfold.recipes.clusters.neighbours import EQUAL, mean_square, nearest

__all__ = ["Graph", "eigengaps"]

SCALE_NEIGHBOUR = 7
"""The neighbour whose distance is the scale of a row."""
LEAST_EXPONENT = -7.0
"""Weights are at least exp of this, so that neighbours stay connected."""
LINK = float(np.exp(-1))
"""Weight of an edge that joins a component: that of a neighbour at the distance of the scale."""
DENSE_ROWS = 400
"""Maximum number of rows of a component whose eigenvectors are found by a dense method."""
TOLERANCE = 1e-4
"""Relative accuracy of eigenvalues."""


@dataclass(frozen=True)
class Graph:
    """Symmetric `weights` (N, N) of a graph, sparse, with at most as many components as groups."""

    weights: sparse.csr_matrix

    @classmethod
    def of(
        cls, code: Tensor, near: tuple[Tensor, Tensor], neighbours: int, groups: int = 1
    ) -> Graph:
        """Returns the graph of the `neighbours` nearest neighbours of each row of `code` (N, D).

        `near` are the distances and rows that `nearest(code, code, k)` returns, for a k above
        `neighbours`. Components beyond the `groups` largest are joined to the row nearest to them.
        """
        distances, places = (one[:, : neighbours + 1].cpu() for one in near)
        column = min(SCALE_NEIGHBOUR, neighbours, distances.shape[1] - 1)
        least = max((EQUAL * mean_square(code)) ** 0.5, 1e-18)
        scales = distances[:, column].double().clamp_min(least)
        exponent = -distances.double().square() / (scales[:, None] * scales[places])
        row = torch.arange(len(code))[:, None].expand_as(places)
        kept = row != places
        weights = exponent.clamp_min(LEAST_EXPONENT).exp()[kept].numpy()
        shape = (len(code), len(code))
        edges = sparse.csr_matrix((weights, (row[kept].numpy(), places[kept].numpy())), shape)
        return cls(_joined(edges.maximum(edges.T).tocsr(), code, groups))

    @property
    def degrees(self) -> np.ndarray:
        """Returns the sum (N,) of the weights of each row; 1 for a row without neighbours."""
        total = np.asarray(self.weights.sum(1)).ravel()
        return np.where(total > 0, total, 1.0)

    def cut(self, groups: np.ndarray, count: int) -> float:
        """Returns the normalised cut of the `groups` (N,): 0 if no edge joins two groups.

        It is the sum over groups of the weight of edges that leave a group as a share of all its
        edges, less than `count`; an empty group adds `count`, so that no other partition is worse.
        """
        links = self.links(groups, count)
        inside = np.bincount(groups, links[np.arange(len(groups)), groups], count)
        volume = np.bincount(groups, self.degrees, count)
        leaving = np.where(volume > 0, 1 - inside / np.where(volume > 0, volume, 1.0), count)
        return float(leaving.sum())

    def links(self, groups: np.ndarray, count: int) -> np.ndarray:
        """Returns the weights (N, K) between each row and each group."""
        rows = np.arange(len(groups))
        member = sparse.csr_matrix((np.ones(len(groups)), (rows, groups)), (len(groups), count))
        return np.asarray((self.weights @ member).todense())

    def refined(self, groups: np.ndarray, count: int, sweeps: int = 20) -> np.ndarray:
        """Returns groups with a normalised cut that is not higher, by moving rows between them.

        A sweep is one step of weighted kernel k-means, which minimises the normalised cut (I.
        Dhillon, Y. Guan and B. Kulis 2007); a sweep that does not lower it is undone and ends.
        """
        degrees, best = self.degrees, self.cut(groups, count)
        for _ in range(sweeps):
            links = self.links(groups, count)
            volume = np.bincount(groups, degrees, count)
            volume = np.where(volume > 0, volume, np.inf)
            inside = np.bincount(groups, links[np.arange(len(groups)), groups], count)
            gain = 2 * links / (degrees[:, None] * volume) - inside / volume**2
            moved = gain.argmax(1)
            cut = self.cut(moved, count)
            if cut >= best:
                break
            groups, best = moved, cut
        return groups

    def spectrum(self, vectors: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns the largest eigenvalues (M,) and eigenvectors (N, M) of the normalised weights.

        These are D^-1/2 W D^-1/2: one minus an eigenvalue is an eigenvalue of the normalised
        Laplacian. The components of the graph are solved one by one, so that equal eigenvalues of
        different components are all found.
        """
        scale = sparse.diags(1 / np.sqrt(self.degrees))
        normal = (scale @ self.weights @ scale).tocsr()
        _, component = connected_components(normal, directed=False)
        values: list[np.ndarray] = []
        columns: list[np.ndarray] = []
        for one in range(component.max() + 1):
            rows = np.flatnonzero(component == one)
            found, inside = _largest(normal[rows][:, rows], min(vectors, len(rows)))
            spread = np.zeros((len(component), len(found)))
            spread[rows] = inside
            values.append(found)
            columns.append(spread)
        together = np.concatenate(values)
        order = np.argsort(-together, kind="stable")[:vectors]
        return together[order], np.concatenate(columns, 1)[:, order]


def eigengaps(values: np.ndarray) -> np.ndarray:
    """Returns the gaps (M - 1,) below the eigenvalues; k groups make that of entry k - 1 large."""
    return values[:-1] - values[1:]


def _largest(matrix: sparse.csr_matrix, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the `count` largest eigenvalues of a symmetric matrix, and their eigenvectors."""
    size = matrix.shape[0]
    if size <= max(DENSE_ROWS, 2 * count + 1):
        values, vectors = np.linalg.eigh(matrix.toarray())
        return values[::-1][:count], vectors[:, ::-1][:, :count]
    start = np.random.default_rng(0).standard_normal(size)
    kept = min(size - 1, max(2 * count + 1, 60))
    values, vectors = eigsh(matrix, count, which="LA", v0=start, ncv=kept, tol=TOLERANCE)
    order = np.argsort(-values, kind="stable")
    return values[order], vectors[:, order]


def _joined(weights: sparse.csr_matrix, code: Tensor, groups: int) -> sparse.csr_matrix:
    """Returns the weights with an edge from each component beyond the `groups` largest."""
    while True:
        count, component = connected_components(weights, directed=False)
        if count <= groups:
            return weights
        sizes = np.bincount(component)
        small = np.argsort(sizes, kind="stable")[: count - groups]
        pairs = np.array([_link(code, component == one) for one in small])
        shape = weights.shape
        edges = sparse.csr_matrix((np.full(len(pairs), LINK), pairs.T), shape)
        weights = weights.maximum(edges.maximum(edges.T)).tocsr()


def _link(code: Tensor, inside: np.ndarray) -> tuple[int, int]:
    """Returns a row inside and a row outside that are nearest to each other."""
    within, beyond = np.flatnonzero(inside), np.flatnonzero(~inside)
    distances, places = nearest(code[within], code[beyond], 1)
    row = int(distances[:, 0].argmin())
    return int(within[row]), int(beyond[int(places[row, 0])])
