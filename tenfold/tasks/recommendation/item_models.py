"""Item-to-item weights in closed form (EASE and item-kNN), vectors of items, and NDCG.

Sources: H. Steck 2019, arXiv 1905.03375 (EASE: B = I - P / diag(P), P = inverse(X'X + lambda I));
B. Sarwar et al. 2001 (item-kNN by cosine). With `power`, items with many interactions are damped as
in H. Steck 2020. All functions are deterministic.

Shapes: R rows (users), N items, W weights kept of an item.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from tenfold.answers.metrics.ranking import measures
from tenfold.core import system
from tenfold.core.columns import Columns
from tenfold.core.lazy import lazy

__all__ = [
    "Kept",
    "apart",
    "cosine",
    "ease",
    "gram",
    "hits",
    "in_order",
    "largest",
    "matrix",
    "ndcg",
    "spread",
    "summed",
    "vectors",
    "weighted",
]

sparse, torch = lazy("scipy.sparse"), lazy("torch")


PAIRS = 32_000_000
"""Number of pair counts that the sparse method holds in memory at a time."""
DENSE_PAIRS = 500
"""Cost of one pair with sparse matrices, in 8-bit products of the dense method.

The measured cost is 1,500.
"""
COLUMNS = 512
"""Number of columns in a block of weights."""
ROWS = 8192
"""Number of rows in a dense block."""


@dataclass(frozen=True)
class Kept:
    """The largest `weights` (N, W) of each item, and the items `targets` (N, W) they point to."""

    targets: np.ndarray
    weights: np.ndarray


def matrix(columns: Columns, names: tuple[str, ...], items: int, fading: float = 1.0) -> Any:
    """A sparse matrix (R, N) of ones where a user has an item.

    `names` are ragged columns of numbers from 1, each at most once in a row. With `fading` below 1,
    the values of a row are 1, fading, fading squared and so on, in its order.
    """
    row, item = in_order(columns, names)
    starts = np.searchsorted(row, np.arange(columns.rows + 1))
    age = np.arange(len(row)) - starts[row]
    counts = (np.float32(fading) ** age).astype(np.float32)
    return sparse.csr_matrix((counts, item - 1, starts), (columns.rows, items))


def weighted(rows: Any, columns: Columns) -> Any:
    """Returns `rows`, ones (R, N), times log(1 + count), scaled to a mean square of 1.

    The counts are those of the columns `had` and `often`; an item without a count counts once.
    """
    row, item = in_order(columns, ("had",))
    said = np.log1p(np.asarray(columns.ragged("often").values, np.float32))
    once = np.float32(np.log(2.0))
    more = sparse.csr_matrix((said - once, (row, item - 1)), rows.shape, np.float32)
    found = (once * rows + rows.multiply(more)).tocsr()
    level = float(np.sqrt((found.data**2).sum() / max(1, rows.nnz)))
    return found / level if level else rows


def gram(rows: Any) -> np.ndarray:
    """Returns how many users have both items of each pair, (N, N) float32.

    `rows` is a sparse matrix (R, N) of ones, or of weights, whose products are then summed. Counts
    pairs sparsely, or by products of dense byte blocks where that is less work; both are exact.
    """
    many, items = rows.shape
    pairs = float((np.diff(rows.indptr).astype(float) ** 2).sum())
    if many * float(items) ** 2 < DENSE_PAIRS * pairs:
        return _dense_gram(rows)
    turned, size = rows.T.tocsr(), max(1, PAIRS // max(1, items))
    found = np.empty((items, items), np.float32)
    for at in range(0, items, size):
        found[at : at + size] = (turned[at : at + size] @ rows).toarray()
    return found


def _dense_gram(rows: Any) -> np.ndarray:
    """Counts pairs by dense products, in 8-bit integers where the CPU is fast with them."""
    many, items = rows.shape
    if (rows.data != 1).any():
        return _weighted_gram(rows)
    fast = system.multiplies_bytes() and torch.backends.mkldnn.is_available()
    total = torch.zeros(items, items, dtype=torch.int32)
    for at in range(0, many, ROWS):
        block = torch.zeros(min(ROWS, many - at), items, dtype=torch.int8)
        part = rows[at : at + ROWS].tocoo()
        block[torch.from_numpy(part.row).long(), torch.from_numpy(part.col).long()] = 1
        if fast:
            total += torch._int_mm(block.t().contiguous(), block)
        else:
            total += (block.float().t() @ block.float()).int()
    return np.asarray(total.float().numpy())


def _weighted_gram(rows: Any) -> np.ndarray:
    """Sums the products of weights (R, N) by dense products of blocks of rows."""
    total = torch.zeros(rows.shape[1], rows.shape[1])
    for at in range(0, rows.shape[0], ROWS):
        block = torch.from_numpy(rows[at : at + ROWS].toarray())
        total += block.t() @ block
    return np.asarray(total.numpy())


def ease(counts: np.ndarray, l2: float, power: float = 0.0) -> np.ndarray:
    """Fits EASE and returns its weights (N, N) from row item to column item, diagonal zero.

    `counts` (N, N) is the result of `gram`. With `power`, the count of a pair is multiplied by
    `count ** -power` of both items before solving, and a weight by that factor of its row item.
    """
    lain = torch.from_numpy(counts).clone()
    scale = lain.diagonal().clamp(min=1) ** -power
    if power:
        lain *= scale[:, None] * scale
    lain.diagonal().add_(l2)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(lain)).mT.contiguous()  # symmetric
    found = inverse.div_(-inverse.diagonal().clone())
    found.fill_diagonal_(0)
    if power:
        found *= scale[:, None]
    return np.asarray(found.numpy())


def cosine(counts: np.ndarray, power: float = 0.5) -> np.ndarray:
    """Similarities (N, N) with zeros on the diagonal; `power` 0.5 gives the cosine."""
    many = np.maximum(1.0, np.diag(counts)).astype(np.float32)
    found = counts / (many[:, None] ** power)
    found /= many[None] ** (1 - power)
    np.fill_diagonal(found, 0)
    return np.asarray(found, np.float32)


def largest(weights: np.ndarray, most: int) -> Kept:
    """The `most` weights of each item with the largest absolute values, in that order."""
    most = min(most, weights.shape[1])
    values = torch.from_numpy(weights)
    targets = values.abs().topk(most, dim=1).indices
    return Kept(targets.numpy().astype(np.int32), values.gather(1, targets).numpy())


def spread(kept: Kept) -> np.ndarray:
    """The weights as a dense matrix (N, N) with zeros where none is kept."""
    items = len(kept.targets)
    found = torch.zeros(items, items)
    targets, weights = (torch.from_numpy(one) for one in (kept.targets, kept.weights))
    return np.asarray(found.scatter_(1, targets.long(), weights).numpy())


def apart(weights: np.ndarray, sums: int) -> list[Any]:
    """Splits weights (N, N) into column blocks (N, C) that fit a CPU cache.

    The copy is made only where `sums`, the number of rows to add up, is large enough; else the
    weights stay one block.
    """
    table = torch.from_numpy(np.ascontiguousarray(weights))
    if sums < 8 * len(weights):
        return [table]
    return [block.contiguous() for block in table.split(COLUMNS, 1)]


def summed(blocks: list[Any], index: np.ndarray, starts: np.ndarray, says: np.ndarray) -> Any:
    """Weighted sums (R, N) of the rows `index` (E,) of the weights.

    `says` (E,) is the factor of each row. Sum r takes the entries from `starts[r]` to the next
    start: a product of a sparse and a dense matrix that skips the zeros.
    """
    parts = (torch.from_numpy(np.ascontiguousarray(one)) for one in (index, starts, says))
    numbers, offsets, counts = parts
    bag = functools.partial(torch.nn.functional.embedding_bag, mode="sum")
    found = [bag(numbers, one, offsets, per_sample_weights=counts) for one in blocks]
    return found[0] if len(found) == 1 else torch.cat(found, 1)


# --- vectors of items -----------------------------------------------------------------------------

WINDOW = 5
"""Maximum distance in a row at which two items count as neighbours."""
FEW = 4096
"""Maximum number of items for which neighbours are counted in a dense matrix."""


def vectors(columns: Columns, names: tuple[str, ...], items: int, width: int) -> np.ndarray:
    """Vectors (N, D) float32 of the items; items near one another in rows have similar vectors.

    Truncated decomposition of positive pointwise mutual information (O. Levy and Y. Goldberg 2014).
    """
    row, item = in_order(columns, names)
    pairs, counts = [], []
    for gap in range(1, WINDOW + 1):
        same = row[gap:] == row[:-gap]
        pairs.append((item[gap:][same] - 1, item[:-gap][same] - 1))
        counts.append(np.full(len(pairs[-1][0]), 1 / gap, np.float32))
    one, other = (np.concatenate([pair[side] for pair in pairs]) for side in (0, 1))
    often, lift = _lifted(one, other, np.concatenate(counts), items)
    return _decomposed(lift, width) if often.any() else np.zeros((items, width), np.float32)


def _lifted(
    one: np.ndarray, other: np.ndarray, counts: np.ndarray, items: int
) -> tuple[np.ndarray, Any]:
    """Returns the weighted number of neighbours of each item (N,), and the lift of pairs (N, N).

    The lift is log(1 + observed / expected count). The pairs `one`, `other` (E,) have the weights
    `counts` (E,) and hold in both directions. The matrix is dense for few items, else sparse.
    """
    if items <= FEW:
        near = np.bincount(one * items + other, counts, items * items).astype(np.float32)
        near = near.reshape(items, items)
        near = near + near.T
        often = near.sum(1)
        near *= (often.sum() / np.maximum(often, 1e-9))[:, None]
        near /= np.maximum(often, 1e-9)
        return often, np.log1p(near, out=near)
    lift = sparse.csr_matrix((counts, (one, other)), (items, items))
    lift = (lift + lift.T).tocsr()
    often = np.asarray(lift.sum(1)).ravel()
    level = np.repeat(often, np.diff(lift.indptr)) * often[lift.indices]
    lift.data = np.log1p(lift.data * often.sum() / level).astype(np.float32)
    return often, lift


def in_order(columns: Columns, names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Returns row and number of every known item, sorted by row, then by the order of `names`."""
    rows, found, order = [], [], []
    for place, name in enumerate(names):
        shown = columns.ragged(name)
        rows.append(np.repeat(np.arange(len(shown)), shown.lengths))
        found.append(np.asarray(shown.values))
        order.append(np.full(len(shown.values), place))
    row, item = np.concatenate(rows), np.concatenate(found)
    kept = np.lexsort((np.concatenate(order), row))
    kept = kept[item[kept] > 0]
    return row[kept], item[kept]


def _decomposed(square: Any, width: int, times: int = 6) -> np.ndarray:
    """Returns the leading eigenvectors (N, D) of a symmetric matrix, scaled by root eigenvalues.

    Uses subspace iteration (N. Halko et al. 2011).
    """
    size: int = square.shape[0]
    rank = min(width, size)
    start = np.random.default_rng(0).normal(size=(size, min(size, rank + 8))).astype(np.float32)
    for _ in range(times):
        start = np.linalg.qr(square @ start)[0]
    values, turns = np.linalg.eigh(start.T @ (square @ start))
    order = np.argsort(-np.abs(values))[:rank]
    found = start @ turns[:, order] * np.sqrt(np.abs(values[order]))
    return np.pad(found, ((0, 0), (0, width - rank))).astype(np.float32)


# --- metrics of a ranking -------------------------------------------------------------------------


def hits(
    scores: np.ndarray, seen: Any, wanted: Any, places: int = 10
) -> tuple[np.ndarray, np.ndarray]:
    """Returns which of the top K items are targets (R, K), and the number of targets (R,).

    K is `places`, or N if that is less. `scores` (R, N) are changed in place: the items in `seen`
    get minus infinity. `seen` and the targets `wanted` are sparse (R, N).
    """
    scores[seen.nonzero()] = -np.inf
    top = torch.from_numpy(scores).topk(min(places, scores.shape[1]), dim=1).indices.numpy()
    rows = np.repeat(np.arange(len(top)), top.shape[1])
    found = np.asarray(wanted[rows, top.ravel()]).reshape(top.shape) > 0
    return found, np.diff(wanted.indptr)


def ndcg(scores: np.ndarray, seen: Any, wanted: Any, places: int = 10) -> np.ndarray:
    """The NDCG (R,) of scores (R, N); the arguments are those of `hits`."""
    found = hits(scores, seen, wanted, places)
    return measures(*found)[f"ndcg@{found[0].shape[1]}"]
