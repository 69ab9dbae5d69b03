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

__all__ = [
    "Kept",
    "cosine",
    "ease",
    "gram",
    "largest",
    "matrix",
    "measures",
    "ndcg",
    "spread",
    "vectors",
]

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
    row, item = _in_order(columns, names)
    age = np.arange(len(row)) - np.searchsorted(row, row)
    counts = (np.float32(fading) ** age).astype(np.float32)
    made = sparse.csr_matrix((counts, (row, item - 1)), (columns.rows, items))
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


def spread(kept: Kept, items: int) -> Any:
    """The largest weights (N, N), sparse."""
    rows = np.repeat(np.arange(len(kept.targets)), kept.targets.shape[1])
    return sparse.csr_matrix((kept.weights.ravel(), (rows, kept.targets.ravel())), (items, items))


# --- vectors of items -----------------------------------------------------------------------------

WINDOW = 5
"""Items apart up to which two count as neighbours."""


def vectors(columns: Columns, names: tuple[str, ...], items: int, width: int) -> np.ndarray:
    """(N, D) float32: items that stand near one another in rows point the same way.

    Truncated decomposition of positive pointwise mutual information (O. Levy and Y. Goldberg 2014).
    """
    near = sparse.csr_matrix((items, items), dtype=np.float32)
    row, item = _in_order(columns, names)
    for gap in range(1, WINDOW + 1):
        same = row[gap:] == row[:-gap]
        pair = item[gap:][same] - 1, item[:-gap][same] - 1
        counts = np.full(len(pair[0]), 1 / gap, np.float32)
        near = near + sparse.csr_matrix((counts, pair), (items, items))
    near = (near + near.T).tocoo()
    often = np.asarray(near.sum(1)).ravel() + 1e-9
    lift = near.data * often.sum() / (often[near.row] * often[near.col])
    kept = np.log1p(lift).astype(np.float32)
    return _decomposed(sparse.csr_matrix((kept, (near.row, near.col)), near.shape), width)


def _in_order(columns: Columns, names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Row and number of every value, columns of a row one behind the other."""
    rows, found, order = [], [], []
    for place, name in enumerate(names):
        column = columns.arrays[name]
        if not isinstance(column, Ragged):
            raise TypeError(f"{name} is not ragged")
        shown = column if columns.index is None else column.rows(columns.index)
        rows.append(np.repeat(np.arange(len(shown)), shown.lengths))
        found.append(np.asarray(shown.values))
        order.append(np.full(len(shown.values), place))
    row, item = np.concatenate(rows), np.concatenate(found)
    kept = np.lexsort((np.concatenate(order), row))
    kept = kept[item[kept] > 0]
    return row[kept], item[kept]


def _decomposed(square: Any, width: int, times: int = 6) -> np.ndarray:
    """(N, D) of a symmetric sparse matrix, by subspace iteration (N. Halko et al. 2011)."""
    size = square.shape[0]
    rank = min(width, size)
    start = np.random.default_rng(0).normal(size=(size, min(size, rank + 8))).astype(np.float32)
    for _ in range(times):
        start = np.linalg.qr(square @ start)[0]
    values, turns = np.linalg.eigh(start.T @ (square @ start))
    order = np.argsort(-np.abs(values))[:rank]
    found = start @ turns[:, order] * np.sqrt(np.abs(values[order]))
    return np.pad(found, ((0, 0), (0, width - rank))).astype(np.float32)


# --- how good is a ranking? -----------------------------------------------------------------------


def measures(hits: np.ndarray, wanted: np.ndarray) -> dict[str, np.ndarray]:
    """Measures (R,) of rankings: which of the K places are right (R, K), how many were wanted (R,).

    NDCG: K. Jaervelin and J. Kekaelaeinen 2002, with gains of one.
    """
    places = hits.shape[1]
    discount = 1 / np.log2(np.arange(2, places + 2))
    most = np.minimum(wanted, places)
    ideal = np.concatenate([[0.0], np.cumsum(discount)])[most]
    first = np.where(hits.any(1), hits.argmax(1) + 1, np.inf)
    precision = np.cumsum(hits, 1) / np.arange(1, places + 1)
    return {
        f"ndcg@{places}": (hits @ discount) / np.maximum(ideal, 1e-12),
        f"recall@{places}": hits.sum(1) / np.maximum(1, wanted),
        f"mrr@{places}": 1 / first,
        f"map@{places}": (precision * hits).sum(1) / np.maximum(1, most),
        f"hit@{places}": hits.any(1).astype(float),
    }


def ndcg(scores: np.ndarray, seen: Any, wanted: Any, places: int = 10) -> np.ndarray:
    """(R,) of scores (R, N), which are changed: what was `seen` is left out. Sparse rows (R, N)."""
    scores[seen.nonzero()] = -np.inf
    top = torch.from_numpy(scores).topk(min(places, scores.shape[1]), dim=1).indices.numpy()
    hits = np.take_along_axis(wanted.toarray(), top, 1) > 0
    return measures(hits, np.diff(wanted.indptr))[f"ndcg@{hits.shape[1]}"]
