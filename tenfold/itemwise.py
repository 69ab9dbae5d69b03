"""Weights from item to item in closed form: EASE and item-kNN, and the largest of them.

Sources: H. Steck 2019, arXiv 1905.03375 (EASE: B = I - P / diag(P), P = inverse(X'X + lambda I));
B. Sarwar et al. 2001 (item-kNN by cosine). Items with many interactions are damped as H. Steck
2020 does it where that is asked for. Nothing here draws.

Shapes: R rows (persons), N items, W weights kept of an item.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tenfold.data import Columns, Ragged
from tenfold.lazy import lazy

__all__ = ["Kept", "cosine", "ease", "gram", "largest", "matrix"]

sparse, torch = lazy("scipy.sparse"), lazy("torch")


PAIRS = 32_000_000
"""Pairs of items that are counted at a time, sparsely, on the way to all of them."""


@dataclass(frozen=True)
class Kept:
    """Of every item the numbers (N, W) of the items it speaks for, and how much (N, W)."""

    targets: np.ndarray
    weights: np.ndarray


def matrix(columns: Columns, names: tuple[str, ...], items: int, fading: float = 1.0) -> Any:
    """(R, N) ones where a person had an item: of ragged columns of numbers from 1.

    With `fading` below 1, the second value of a row counts so much of the first, and so on.
    """
    rows, found, ages = [], [], []
    for name in names:
        column = columns.arrays[name]
        if not isinstance(column, Ragged):
            raise TypeError(f"{name} is not ragged")
        shown = column if columns.index is None else column.rows(columns.index)
        rows.append(np.repeat(np.arange(len(shown)), shown.lengths))
        found.append(np.asarray(shown.values))
        ages.append(np.arange(len(shown.values)) - np.repeat(shown.offsets[:-1], shown.lengths))
    row, item, age = (np.concatenate(one) for one in (rows, found, ages))
    there = item > 0
    counts = (np.float32(fading) ** age[there]).astype(np.float32)
    made = sparse.csr_matrix((counts, (row[there], item[there] - 1)), (columns.rows, items))
    made.data.clip(max=1, out=made.data)
    return made


def gram(rows: Any) -> np.ndarray:
    """(N, N) float32: how many persons had both."""
    turned, size = rows.T.tocsr(), max(1, PAIRS // max(1, rows.shape[1]))
    blocks = (turned[at : at + size] @ rows for at in range(0, turned.shape[0], size))
    return np.concatenate([block.toarray().astype(np.float32) for block in blocks])


def ease(counts: np.ndarray, damping: float, power: float = 0.0) -> np.ndarray:
    """(N, N) weights [from, to] with zeros on the diagonal.

    With `power`, columns are divided by so much of their count before, and sources after it.
    """
    scale = np.maximum(1.0, np.diag(counts)) ** -power if power else np.ones(len(counts))
    scale = scale.astype(np.float32)
    lain = torch.from_numpy(counts * scale[:, None] * scale[None])
    lain.diagonal().add_(damping)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(lain))
    found = inverse.div_(-inverse.diagonal().clone())
    found.fill_diagonal_(0)
    return np.asarray(found.numpy()) * scale[:, None]


def cosine(counts: np.ndarray, power: float = 0.5) -> np.ndarray:
    """(N, N) similarities with zeros on the diagonal."""
    many = np.maximum(1.0, np.diag(counts)).astype(np.float32)
    found = counts / (many[:, None] ** power * many[None] ** (1 - power))
    np.fill_diagonal(found, 0)
    return np.asarray(found, np.float32)


def largest(weights: np.ndarray, most: int) -> Kept:
    """The `most` weights of each item that are furthest from zero."""
    most = min(most, weights.shape[1])
    values = torch.from_numpy(np.ascontiguousarray(weights))
    targets = values.abs().topk(most, dim=1).indices
    return Kept(targets.numpy().astype(np.int32), values.gather(1, targets).numpy())
