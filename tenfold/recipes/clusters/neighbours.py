"""Exact nearest neighbours by matrix products in blocks, and votes of neighbours.

The squared distance is |q|^2 + |r|^2 - 2 q.r. For each query the largest q.r - |r|^2 / 2 of every
GROUP rows is found first: the k nearest rows lie in the k groups whose largest value is highest, so
that only these are searched. Distances of the result are computed again from differences, without
cancellation: that of equal rows is 0.

Shapes: Q queries, N rows, D dimensions.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

__all__ = ["distinct", "mean_square", "nearest", "votes"]

BLOCK_VALUES = 1 << 25
"""Maximum number of products, or of differences, that are in memory at a time."""
GROUP = 32
"""Rows whose largest product is found together."""
SPARE = 2
"""Neighbours more than asked for, since rounding may exchange those at nearly equal distances."""
CANCELLED = 1e-5
"""Squared distance of the last neighbour, as a share of the squared length of the query, below
which products are too inexact to find it: such a query is compared with all rows by differences."""
EQUAL = 1e-12
"""Squared distance, as a share of the mean squared distance to the centre, below which rows are
equal but for rounding."""


def nearest(queries: Tensor, rows: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Returns distances (Q, k) and row numbers (Q, k) of the `k` nearest rows, nearest first.

    `queries` (Q, D) and `rows` (N, D) are finite float32 on one device. Neighbours at the same
    distance are in the order of the rows. With fewer than `k` rows there are N neighbours.
    """
    k = min(k, len(rows))
    centre = rows.mean(0)
    padding = -len(rows) % GROUP
    centred = torch.nn.functional.pad(rows - centre, (0, 0, 0, padding))
    bias = centred.square().sum(1) / -2
    bias[len(rows) :] = -torch.inf
    columns = centred.T.contiguous()
    block = max(1, BLOCK_VALUES // max(len(centred), (k + SPARE) * rows.shape[1]))
    found = [_nearest(part, part - centre, rows, columns, bias, k) for part in queries.split(block)]
    return torch.cat([one for one, _ in found]), torch.cat([one for _, one in found])


def _nearest(
    queries: Tensor, centred: Tensor, rows: Tensor, columns: Tensor, bias: Tensor, k: int
) -> tuple[Tensor, Tensor]:
    products = torch.addmm(bias, centred, columns)
    wide = min(k + SPARE, len(rows))
    grouped = products.view(len(queries), -1, GROUP).amax(2)
    groups = grouped.topk(min(wide, grouped.shape[1]), sorted=False).indices
    members = torch.arange(GROUP, device=rows.device)
    candidates = (groups[:, :, None] * GROUP + members).flatten(1)
    picked = products.gather(1, candidates).topk(wide, sorted=False).indices
    places = candidates.gather(1, picked).sort(1).values
    squares = (rows[places] - queries[:, None]).square().sum(2)
    squares, order = squares.sort(dim=1, stable=True)
    squares, places = squares[:, :k], places.gather(1, order)[:, :k]
    level = centred.square().sum(1)
    for row in (squares[:, -1] < CANCELLED * level).nonzero().flatten().tolist():
        every = (rows - queries[row]).square().sum(1)
        bound = every.kthvalue(k).values
        near = (every <= bound).nonzero().flatten()
        order = every[near].sort(stable=True).indices[:k]
        places[row], squares[row] = near[order], every[near[order]]
    return squares.sqrt(), places


def votes(
    queries: Tensor, rows: Tensor, groups: Tensor, count: int, k: int, scale: float | None = None
) -> Tensor:
    """Returns the share (Q, count) of each group among the `k` nearest rows of each query.

    `groups` (N,) are those of the rows. A neighbour weighs the inverse of its squared distance (D.
    Shepard 1968), so that a query that is one of the rows belongs to the group of this row. `scale`
    is the mean squared distance of the rows to their centre; computed if not given.
    """
    distances, places = nearest(queries, rows, k)
    level = mean_square(rows) if scale is None else scale
    floor = max(EQUAL * level, torch.finfo(rows.dtype).tiny)
    weights = 1 / (distances.square() + floor)
    shares = torch.zeros(len(queries), count, dtype=rows.dtype, device=rows.device)
    shares.scatter_add_(1, groups[places], weights / weights.sum(1, keepdim=True))
    return shares


def mean_square(rows: Tensor) -> float:
    """Returns the mean squared distance of the rows to their centre."""
    return float((rows - rows.mean(0)).square().sum(1).mean())


def distinct(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the numbers (M,) of the distinct rows, and for each row (N,) its place among them.

    The order of the distinct rows depends on their values alone, not on the order of `rows`.
    """
    values = (rows + 0.0).cpu().contiguous().numpy()  # + 0.0 makes -0.0 equal to 0.0
    keys = values.view(np.dtype((np.void, values.itemsize * values.shape[1]))).ravel()
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    place = [torch.from_numpy(one.reshape(-1)).to(rows.device) for one in (first, inverse)]
    return place[0], place[1]
