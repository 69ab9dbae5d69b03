"""Linear models of n-grams: naive Bayes in closed form, and linear support vector machines.

Sources: S. Wang and C. Manning 2012 (naive Bayes ratios as scales of a linear model), R.-E. Fan et
al. 2008 (LIBLINEAR, the solver). The models are deterministic: the same rows give the same weights.

Shapes: N rows, V n-grams, K classes. Weights are (V, K); row 0 is the n-gram with number 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tenfold.core.columns import Columns, Ragged
from tenfold.core.lazy import lazy

__all__ = ["Weights", "frequencies", "linear", "matrix", "naive_bayes", "ratios"]

sparse, svm = lazy("scipy.sparse"), lazy("sklearn.svm")
preprocessing = lazy("sklearn.preprocessing")

MOST = 60_000_000
"""Maximum number of n-grams in all rows together that a linear model is trained on: about 1 GB."""


@dataclass(frozen=True)
class Weights:
    """A linear model: `weights` (V, K), squared feature scales `squares` (V, K), `bias` (K,).

    A row is divided by its length, the root of the sum of `squares` over its n-grams. Where
    `squares` is empty, rows are not normalized.
    """

    weights: np.ndarray
    squares: np.ndarray
    bias: np.ndarray

    def widened(self, grams: int) -> Weights:
        """The model extended to `grams` n-grams; the added ones have weight 0."""
        more = [
            np.concatenate([one, np.zeros((grams - len(one), one.shape[1]), one.dtype)])
            if len(one)
            else one
            for one in (self.weights, self.squares)
        ]
        return Weights(more[0], more[1], self.bias)

    def scores(self, rows: Any) -> np.ndarray:
        """The logits (N, K) of rows (N, V)."""
        length = np.sqrt(np.maximum(rows @ self.squares, 1e-9)) if len(self.squares) else 1.0
        return np.asarray((rows @ self.weights) / length + self.bias)


def matrix(columns: Columns, name: str, size: int) -> tuple[Any, np.ndarray]:
    """The first rows of a ragged column of numbers 1 to `size` as a sparse matrix of ones.

    The matrix is (N, size) and holds as many rows as MOST allows. Also returns the positions of
    these rows. Raises TypeError where the column is not ragged.
    """
    column = columns.arrays[name]
    if not isinstance(column, Ragged):
        raise TypeError(f"{name} is not ragged")
    index = np.arange(len(column)) if columns.index is None else columns.index
    lengths = column.lengths[index]
    rows = int(np.searchsorted(np.cumsum(lengths), MOST, "right"))
    index, lengths = index[:rows], lengths[:rows]
    ends = np.concatenate([[0], np.cumsum(lengths)])
    where = np.arange(ends[-1]) + np.repeat(column.offsets[index] - ends[:-1], lengths)
    numbers = np.asarray(column.values[where]) - 1
    ones = np.ones(len(numbers), np.float32)
    return sparse.csr_matrix((ones, numbers, ends), shape=(rows, size)), np.arange(rows)


def naive_bayes(rows: Any, truth: np.ndarray, several: bool, prior: float = 1.0) -> Weights:
    """Fits multinomial naive Bayes; the weights are log probabilities of n-grams in each class.

    For multi-label data (`several`), they are log ratios of these probabilities to those in the
    rows without the class. `prior` is added to all counts. `truth` (N, K) holds zeros and ones.
    """
    inside = np.asarray(rows.T @ truth) + prior
    counts = truth.sum(0) + prior
    shares = np.log(inside / inside.sum(0))
    bias = np.log(counts / counts.sum())
    if several:
        outside = np.asarray(rows.T @ (1 - truth)) + prior
        shares = shares - np.log(outside / outside.sum(0))
        bias = np.log(counts) - np.log(len(truth) + 2 * prior - counts)
    none = np.zeros((0, truth.shape[1]), np.float32)
    return Weights(shares.astype(np.float32), none, bias.astype(np.float32))


def frequencies(rows: Any) -> np.ndarray:
    """The smoothed inverse document frequency (V,) of each n-gram, at least 1."""
    held = np.asarray(rows.sum(0)).ravel()
    return np.asarray(np.log((1 + rows.shape[0]) / (1 + held)) + 1, np.float32)


def ratios(rows: Any, truth: np.ndarray) -> np.ndarray:
    """Returns log ratios (V, K) of an n-gram's frequency in a class to that in other classes.

    The frequencies are relative and smoothed.
    """
    inside = np.asarray(rows.T @ truth) + 1.0
    outside = np.asarray(rows.T @ (1 - truth)) + 1.0
    return np.asarray(np.log(inside / inside.sum(0)) - np.log(outside / outside.sum(0)), np.float32)


def linear(rows: Any, truth: np.ndarray, scales: np.ndarray, cost: float) -> Weights:
    """Fits one linear support vector machine per class on rows scaled by `scales` and normalized.

    The loss is the squared hinge with L2 regularization; `cost` is C, the weight of the loss.
    `scales` is (V,), or (V, K) for scales that differ by class.
    """
    classes = truth.shape[1]
    scales = scales if scales.ndim == 2 else scales[:, None]
    weights = np.zeros((rows.shape[1], classes), np.float32)
    bias = np.zeros(classes, np.float32)
    scaled = None
    for number in range(classes):
        if classes == 2 and number == 1 and (truth.sum(1) == 1).all():
            weights[:, 1], bias[1] = -weights[:, 0], -bias[0]
            continue
        scale = scales[:, number if scales.shape[1] > 1 else 0]
        if scaled is None or scales.shape[1] > 1:
            scaled = preprocessing.normalize(rows.multiply(scale).tocsr())
        wanted = truth[:, number] > 0
        if wanted.all() or not wanted.any():
            bias[number] = 1.0 if wanted.all() else -1.0
            continue
        found = svm.LinearSVC(C=cost, tol=1e-2, random_state=0, dual=True).fit(scaled, wanted)
        weights[:, number] = found.coef_[0] * scale
        bias[number] = found.intercept_[0]
    squares = np.broadcast_to(scales**2, weights.shape).astype(np.float32)
    return Weights(weights, np.ascontiguousarray(squares), bias)
