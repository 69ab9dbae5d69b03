"""k-means with k-means++ and restarts: distances as products of matrices, in blocks of rows.

All starts draw their next centre at once, the best of several candidates each (D. Arthur and
S. Vassilvitskii 2007), so that a step is one product. A missing cell is NaN: distances are summed
over the cells that are present, a centre is the mean of the cells that are present.

Shapes: N rows, D columns, K centres, S starts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["KMeans", "blocks_of", "check_rows", "first_centres", "kmeans", "lloyd", "plus_plus"]

BLOCK_VALUES = 1 << 20
SAMPLE_ROWS = 1 << 12
"""Rows among which the first centres are drawn; more where there are many centres or columns."""
SAMPLE_ROWS_A_CENTRE, SAMPLE_ROWS_A_COLUMN = 50, 2
SHORT_STEPS = 8
"""Steps of each start, before the best one is continued."""
SAME = 1e-13
"""Squared distances below this share of the squared lengths are 0 (double precision)."""


@dataclass(frozen=True)
class KMeans:
    """Centres (K, D), the centre of each row (N,), the (weighted) sum of squared distances."""

    centres: Tensor
    groups: Tensor
    inertia: float
    iterations: int
    converged: bool


def kmeans(
    rows: Tensor,
    clusters: int,
    generator: torch.Generator,
    *,
    weights: Tensor | None = None,
    starts: int = 4,
    iterations: int = 100,
    tolerance: float = 1e-4,
) -> KMeans:
    """Returns the best of several starts for rows (N, D) of one unit; weights (N,) of the rows.

    Every start makes a few steps on a sample, the best one is continued on all rows until the
    centres move less than `tolerance` standard deviations. Raises a ValueError where there are
    fewer distinct rows than clusters.
    """
    check_rows(rows, clusters, weights)
    centre = torch.nanmean(rows.double(), 0)
    if centre.isnan().any():
        raise ValueError(f"column {int(centre.isnan().nonzero()[0])} has no value")
    moved = (rows - centre).float()
    places, drawn = first_centres(moved, clusters, starts, generator, weights)
    sample, shares = moved[places], None if weights is None else weights[places]
    tried = [lloyd(sample, one, shares, SHORT_STEPS, tolerance) for one in drawn]
    best = min(tried, key=lambda one: one.inertia)
    if len(sample) < len(rows) or not best.converged:
        best = lloyd(moved, best.centres, weights, iterations, tolerance)
    centres = (best.centres.double() + centre).to(rows.dtype)
    return KMeans(centres, best.groups, best.inertia, best.iterations, best.converged)


def check_rows(rows: Tensor, clusters: int, weights: Tensor | None) -> None:
    """Raises a ValueError where rows, their number or their weights cannot be used."""
    if rows.ndim != 2 or not rows.is_floating_point() or not rows.shape[1]:
        raise ValueError("rows must be a matrix of floating-point numbers with a column or more")
    if not 1 <= clusters <= len(rows):
        raise ValueError(f"{clusters} clusters of {len(rows)} rows: use 1 to {len(rows)}")
    for start, block in blocks_of(rows, rows.shape[1]):
        infinite = block[:0, 0] if block.sum().isfinite() else block.isinf().any(1)
        if infinite.any():
            raise ValueError(f"row {start + int(infinite.nonzero()[0])} has an infinite value")
    if weights is None:
        return
    if weights.shape != rows.shape[:1] or not weights.isfinite().all() or (weights < 0).any():
        raise ValueError("weights must be one finite number of at least 0 for each row")
    if not weights.sum() > 0:
        raise ValueError("all weights are 0")


def first_centres(
    rows: Tensor,
    clusters: int,
    starts: int,
    generator: torch.Generator,
    weights: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Places of a random sample of the rows, in order, and centres (S, K, D) drawn from it.

    Where the sample has fewer distinct rows than clusters, all rows are the sample.
    """
    a_centre = SAMPLE_ROWS_A_CENTRE + SAMPLE_ROWS_A_COLUMN * rows.shape[1]
    size = max(SAMPLE_ROWS, a_centre * clusters)
    every = torch.arange(len(rows), device=rows.device)
    places = every
    if size < len(rows):
        places = torch.randperm(len(rows), generator=generator)[:size].sort().values
        places = places.to(rows.device)
    try:
        shares = None if weights is None else weights[places]
        return places, plus_plus(rows[places], clusters, starts, generator, shares)
    except ValueError:
        if len(places) == len(rows):
            raise
        return every, plus_plus(rows, clusters, starts, generator, weights)


def plus_plus(
    rows: Tensor,
    clusters: int,
    starts: int,
    generator: torch.Generator,
    weights: Tensor | None = None,
) -> Tensor:
    """Returns first centres (S, K, D), all of them rows; NaN counts as 0, the mean.

    Raises a ValueError where there are fewer distinct rows (of weight above 0) than clusters.
    """
    whole = rows.nan_to_num().double()
    lengths = whole.square().sum(1)
    weight = torch.ones_like(lengths) if weights is None else weights.double()
    candidates = 2 + int(math.log(clusters))
    chosen = [_draw(weight.expand(starts, -1), 1, generator)[:, 0]]
    nearest = _distances(whole, lengths, chosen[0]).T
    for count in range(1, clusters):
        chances = nearest * weight
        if not (chances.sum(1) > 0).all():
            raise ValueError(f"{clusters} clusters of {count} distinct rows: use at most {count}")
        tried = _draw(chances, candidates, generator)
        apart = _distances(whole, lengths, tried.reshape(-1)).T.view(starts, candidates, -1)
        apart = torch.minimum(apart, nearest.unsqueeze(1))
        best = (apart @ weight).argmin(1)
        start = torch.arange(starts, device=rows.device)
        nearest = apart[start, best]
        chosen.append(tried[start, best])
    return whole[torch.stack(chosen, 1)].to(rows.dtype)


def _draw(chances: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Places (S, count) drawn by chances (S, N), alike on every device."""
    sums = chances.cumsum(1)
    draws = torch.rand(len(chances), count, generator=generator, dtype=torch.float64)
    draws = draws.to(sums.device) * sums[:, -1:]
    places = torch.searchsorted(sums, draws, right=True)
    last = (chances > 0).to(torch.int8).flip(1).argmax(1, keepdim=True)
    return torch.minimum(places, chances.shape[1] - 1 - last)


def _distances(rows: Tensor, lengths: Tensor, places: Tensor) -> Tensor:
    """Squared distances (N, M) of all rows to those at the places; exactly 0 for equal rows."""
    sums = lengths.unsqueeze(1) + lengths[places]
    apart = torch.addmm(sums, rows, rows[places].T, alpha=-2)
    return torch.where(apart > SAME * sums, apart, torch.zeros_like(apart))


def lloyd(
    rows: Tensor, centres: Tensor, weights: Tensor | None, iterations: int, tolerance: float
) -> KMeans:
    """Moves centres (K, D) to the means of their rows until they stay or the iterations end.

    A centre without rows moves to the row that is farthest from its own centre. Rows and centres
    should be centred, as distances are computed from products in the precision of the rows.
    """
    gaps = bool(rows.isnan().any())
    spread = torch.nan_to_num(rows).square().mean().double().item() ** 0.5
    moved, done = torch.inf, 0
    groups, nearest, sums, counts = _step(rows, centres, weights, gaps)
    while done < iterations and moved > tolerance * spread:
        means = torch.where(counts > 0, sums / counts.clamp_min(1e-300), centres.double())
        empty = (counts.amax(1) <= 0).nonzero()[:, 0]
        if len(empty):
            distances = nearest if weights is None else nearest * (weights > 0)
            means[empty] = rows[distances.topk(len(empty)).indices].nan_to_num().double()
        before, centres, done = centres, means.to(rows.dtype), done + 1
        moved = (centres - before).double().square().sum(1).amax().sqrt().item()
        groups, nearest, sums, counts = _step(rows, centres, weights, gaps)
    inertia = nearest.double() if weights is None else nearest.double() * weights
    return KMeans(centres, groups, inertia.sum().item(), done, moved <= tolerance * spread)


def _step(
    rows: Tensor, centres: Tensor, weights: Tensor | None, gaps: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Groups and squared distances (N,), sums (K, D) of the groups' cells, counts (K, D or 1)."""
    clusters, columns = centres.shape
    groups = torch.empty(len(rows), dtype=torch.int64, device=rows.device)
    nearest = rows.new_empty(len(rows))
    sums = torch.zeros_like(centres, dtype=torch.float64)
    counts = sums.new_zeros(clusters, columns if gaps else 1)
    squares = centres.square()
    for start, block in blocks_of(rows, max(clusters, columns)):
        part = slice(start, start + len(block))
        if gaps:
            seen = (~block.isnan()).to(rows.dtype)
            block = block.nan_to_num()
            apart = (seen @ squares.T).addmm_(block, centres.T, alpha=-2)
        else:
            apart = torch.addmm(squares.sum(1), block, centres.T, alpha=-2)
        least, groups[part] = apart.min(1)
        nearest[part] = (least + block.square().sum(1)).clamp_min(0)
        member = torch.zeros_like(apart).scatter_(1, groups[part].unsqueeze(1), 1)
        if weights is not None:
            member *= weights[part].unsqueeze(1)
        sums += member.T @ block
        counts += member.T @ seen if gaps else member.sum(0).unsqueeze(1)
    return groups, nearest, sums, counts


def blocks_of(rows: Tensor, width: int, values: int = BLOCK_VALUES) -> list[tuple[int, Tensor]]:
    """Blocks of rows, of `values` / `width` rows each, with the place of their first row."""
    size = max(values // width, 1)
    return [(start, rows[start : start + size]) for start in range(0, len(rows), size)]
