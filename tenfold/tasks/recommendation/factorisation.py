"""Biased matrix factorisation by alternating least squares, deterministic but for the seeded start.

Y. Koren et al. 2009; Y. Zhou et al. 2008 (L2 regularization times the number of ratings).

Shapes: E ratings, U users, N items, D values of an item.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tenfold.core.columns import Columns
from tenfold.core.lazy import lazy

torch = lazy("torch")

__all__ = ["Factors", "RatingColumns", "factorised", "told"]

BLOCK = 100_000
"""Number of ratings whose outer products are held in memory at a time."""


@dataclass(frozen=True)
class RatingColumns:
    """The ratings `mark` (E,); `row` (E,) and `item` (E,) are their users and items, from 0.

    `rows` is the number of users.
    """

    row: np.ndarray
    item: np.ndarray
    mark: np.ndarray
    rows: int


@dataclass(frozen=True)
class Factors:
    """The fitted model of the items: `mean`, `biases` (N,) and `vectors` (N, D)."""

    mean: float
    biases: np.ndarray
    vectors: np.ndarray


def told(columns: Columns, pairs: tuple[tuple[str, str], ...]) -> RatingColumns:
    """The ratings of ragged columns; unknown items (0) are left out.

    Each of `pairs` names a column of item numbers, from 1, and the column of their ratings.
    """
    rows, items, marks = [], [], []
    for names in pairs:
        numbers, given = map(columns.ragged, names)
        rows.append(np.repeat(np.arange(len(numbers)), numbers.lengths))
        items.append(np.asarray(numbers.values) - 1)
        marks.append(np.asarray(given.values))
    row, item, mark = (np.concatenate(one) for one in (rows, items, marks))
    kept = item >= 0
    return RatingColumns(row[kept], item[kept], mark[kept].astype(np.float32), columns.rows)


def factorised(
    ratings: RatingColumns,
    items: int,
    width: int,
    l2_vectors: float,
    l2_biases: float,
    seed: int = 0,
    sweeps: int = 12,
) -> Factors:
    """Fits biases and vectors of the items by alternating least squares.

    `l2_vectors` and `l2_biases` are the L2 regularization of vectors and of biases, per rating.
    """
    row, item = (torch.from_numpy(one.astype(np.int64)) for one in (ratings.row, ratings.item))
    mark = torch.from_numpy(ratings.mark)
    mean = mark.mean()
    random = torch.Generator().manual_seed(seed)
    found = torch.zeros(items, 1 + width)
    found[:, 1:] = 0.1 * torch.randn(items, width, generator=random)
    person = torch.zeros(ratings.rows, 1 + width)
    held = torch.cat([torch.tensor([l2_biases]), torch.full((width,), l2_vectors)])
    for _ in range(sweeps):
        person = _half(row, item, mark - mean, found, ratings.rows, held)
        found = _half(item, row, mark - mean, person, items, held)
    return Factors(float(mean), found[:, 0].numpy(), found[:, 1:].numpy())


def _half(own: Any, other: Any, mark: Any, known: Any, size: int, held: Any) -> Any:
    """Returns bias and vector (size, 1 + D) of each user, given those of the items, or vice versa.

    Solves one ridge regression per user or item; the L2 grows with its number of ratings.
    """
    width = known.shape[1]
    square, wanted = torch.zeros(size, width * width), torch.zeros(size, width)
    for start in range(0, len(own), BLOCK):
        part = slice(start, start + BLOCK)
        there = known[other[part]]
        design = torch.cat([torch.ones(len(there), 1), there[:, 1:]], 1)
        left = mark[part] - there[:, 0]
        outer = (design.unsqueeze(2) * design.unsqueeze(1)).flatten(1)
        square.index_add_(0, own[part], outer)
        wanted.index_add_(0, own[part], design * left.unsqueeze(1))
    count = torch.bincount(own, minlength=size).clamp(min=1).unsqueeze(1)
    full = square.view(size, width, width) + torch.diag_embed(held * count)
    return torch.linalg.solve(full, wanted)
