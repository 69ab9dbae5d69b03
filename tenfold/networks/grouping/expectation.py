"""One pass over the rows of expectation-maximisation for a Gaussian mixture, in blocks of rows.

`expect` sums, over all rows and each component's share of them, the rows and their squares;
`maximise` makes the next parameters of these moments. Products of a block are computed in single
precision where that is precise enough, and summed over the blocks in double precision.

The logarithm of a density is linear in Q features of a row: its cells and their squares, for full
covariances the products of all pairs of cells, for diagonal ones with missing cells whether each is
present. So densities are one product (K, Q) x (Q, B), and moments one product back, of the
components alone that have a share in the block. Where rows are sorted by component, these are few.

For full and tied covariances, a missing cell takes its expected value given the row's other cells,
and its covariance given these is added to the squares (Z. Ghahramani and M. I. Jordan 1994). Rows
with the same missing cells share these matrices; differences of rows and means are (K, B, D).

Shapes: N rows, B rows of a block, D columns, K components, Q features, P patterns of missing cells.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from tenfold.networks.grouping.kmeans import blocks_of
from tenfold.networks.mixture import LOG_2_PI, precision_factors

__all__ = ["Moments", "Parameters", "Scaled", "expect", "maximise", "scaled"]

BLOCK_VALUES = 1 << 19
STATISTICS_ROWS = 1024
"""First rows whose mean is subtracted before squares are summed."""
SHARED_ROWS = 16
"""Rows with the same missing cells that make a block of their own."""
NEGLIGIBLE_LOG = -30.0
"""Logarithm of shares that are not counted where all of a block's are smaller."""
SINGLE_PRECISION_LIMIT = 2500.0
"""Largest precision, summed over the columns, for which products are in single precision."""


@dataclass(frozen=True)
class Parameters:
    """Weights (K,), means (K, D) and covariances of a mixture of this kind, double precision."""

    kind: str
    weights: Tensor
    means: Tensor
    covariances: Tensor


@dataclass(frozen=True)
class Moments:
    """Sums over rows: shares (K,), rows (K, D) and squares less `origin` (K, D), log-likelihood.

    The squares are (K, D), or (K, D, D), or (D, D) where tied. The log-likelihood is the mean.
    """

    counts: Tensor
    sums: Tensor
    squares: Tensor
    origin: Tensor
    log_likelihood: float


@dataclass(frozen=True)
class Scaled:
    """Rows of mean 0 and standard deviation 1, for spherical mixtures on average over the columns.

    `numbers` (N, D) float32 with NaN; for full and tied mixtures, rows with the same missing cells
    are neighbours. `runs` holds their first and last places, and whether their missing cells are
    the same. `total` is the sum of the weights; `log_scale` is the mean of the sum of log(scale)
    over the present cells, the difference of log-likelihoods before and after scaling.
    """

    numbers: Tensor
    weights: Tensor | None
    gaps: bool
    runs: tuple[tuple[int, int, bool], ...]
    centre: Tensor
    scale: Tensor
    total: float
    log_scale: float


def scaled(rows: Tensor, kind: str, weights: Tensor | None, reg_covar: float) -> Scaled:
    """Returns the rows (N, D) scaled; raises a ValueError where a column has no value."""
    counts, present, centre, variance = _statistics(rows, weights)
    variance = variance + reg_covar
    scale = (variance.mean().expand_as(variance) if kind == "spherical" else variance).sqrt()
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    inverse = scale.reciprocal()
    moved = torch.empty(rows.shape, dtype=torch.float32, device=rows.device)
    for start, block in blocks_of(rows, rows.shape[1]):
        torch.mul(block.double().sub_(centre), inverse, out=moved[start : start + len(block)])
    gaps = bool((counts < len(rows)).any())
    runs: tuple[tuple[int, int, bool], ...] = ((0, len(rows), True),)
    share = None if weights is None else weights.float()
    if gaps and kind in ("full", "tied"):
        order, runs = _by_pattern(moved)
        moved, share = moved[order], None if share is None else share[order]
    total = float(len(rows)) if weights is None else weights.double().sum().item()
    log_scale = (present @ scale.log()).item() / total
    return Scaled(moved, share, gaps, runs, centre, scale, total, log_scale)


def _statistics(rows: Tensor, weights: Tensor | None) -> tuple[Tensor, ...]:
    """Of each column: number of present cells, their weight, mean and variance (D,), unweighted."""
    pivot = torch.nanmean(rows[:STATISTICS_ROWS].double(), 0).nan_to_num()
    counts, present = torch.zeros_like(pivot), torch.zeros_like(pivot)
    sums, squares = torch.zeros_like(pivot), torch.zeros_like(pivot)
    for start, block in blocks_of(rows, rows.shape[1], BLOCK_VALUES):
        apart = block.double().sub_(pivot)
        weight = None if weights is None else weights[start : start + len(block)].double()
        part = apart.sum(0)
        if part.isfinite().all():
            counts += len(block)
            present += len(block) if weight is None else weight.sum()
        else:
            seen = ~apart.isnan()
            part = apart.nan_to_num_().sum(0)
            counts += seen.sum(0)
            present += seen.sum(0) if weight is None else weight @ seen.double()
        sums += part
        squares += apart.square_().sum(0)
    if not counts.all():
        raise ValueError(f"column {int((counts == 0).nonzero()[0])} has no value")
    shift = sums / counts
    return counts, present, pivot + shift, (squares / counts - shift.square()).clamp_min(0)


def _by_pattern(rows: Tensor) -> tuple[Tensor, tuple[tuple[int, int, bool], ...]]:
    """The order that puts rows with the same missing cells together, rare patterns last."""
    _, pattern, counts = torch.unique(rows.isnan(), dim=0, return_inverse=True, return_counts=True)
    rare = counts < SHARED_ROWS
    order = torch.argsort(pattern + rare[pattern] * len(counts), stable=True)
    runs, start = [], 0
    for count in counts[~rare].tolist():
        runs.append((start, start + count, True))
        start += count
    if start < len(rows):
        runs.append((start, len(rows), False))
    return order, tuple(runs)


def maximise(moments: Moments, before: Parameters, regular: Tensor) -> Parameters:
    """Returns the parameters of greatest expected likelihood; `regular` (D,) is added to variances.

    A component that no row belongs to keeps its mean.
    """
    kind = before.kind
    counts = moments.counts + 10 * torch.finfo(torch.float64).eps
    shift = moments.sums / counts.unsqueeze(1)
    if kind == "tied":
        between = (shift.T * counts) @ shift
        covariances = (moments.squares - between) / counts.sum() + regular.diag()
    elif kind == "full":
        pairs = shift.unsqueeze(2) * shift.unsqueeze(1)
        covariances = moments.squares / counts.view(-1, 1, 1) - pairs + regular.diag()
    else:
        variances = moments.squares / counts.unsqueeze(1) - shift.square()
        covariances = variances.clamp_min(0) + regular
        covariances = covariances.mean(1) if kind == "spherical" else covariances
    weights = counts / counts.sum()
    return Parameters(kind, weights, moments.origin + shift, covariances)


def expect(
    parameters: Parameters, data: Scaled, places: Tensor | None = None, exact: bool = False
) -> Moments:
    """Returns the moments of all rows under the parameters, and their mean log-likelihood.

    The mean component of each row by its shares is written to `places` (N,) where it is given.
    `exact` asks for products in double precision. A covariance that is not positive definite raises
    a ValueError.
    """
    factors = precision_factors(parameters.kind, parameters.covariances)
    if data.gaps and parameters.kind in ("full", "tied"):
        return _conditional_pass(parameters, data)
    if parameters.kind == "tied":
        return _tied(parameters, factors, data, places, exact)
    return _quadratic(parameters, factors, data, places, exact)


@dataclass
class _Sums:
    """Sums over the blocks: shares (K,), features (K, Q), log-likelihoods ()."""

    counts: Tensor
    features: Tensor
    total: Tensor
    places: Tensor | None = None

    @classmethod
    def zero(cls, like: Tensor, width: int, places: Tensor | None = None) -> _Sums:
        size = like.shape[0]
        return cls(like.new_zeros(size), like.new_zeros(size, width), like.new_zeros(()), places)

    def add(self, start: int, logs: Tensor, weights: Tensor | None, features: Tensor) -> None:
        """Adds a block of joint logs (K, B), which are changed, and features (Q, B)."""
        active, shares, likelihoods = _shares(logs, weights)
        if self.places is not None:
            names = torch.arange(len(logs), device=logs.device) if active is None else active
            self.places[start : start + logs.shape[1]] = names.to(shares.dtype) @ shares
        counts, sums = shares.sum(1), shares @ features.T
        self.total += likelihoods.sum(dtype=torch.float64)
        if active is None:
            self.counts += counts
            self.features += sums
        else:
            self.counts[active] += counts
            self.features[active] += sums


def _shares(logs: Tensor, weights: Tensor | None) -> tuple[Tensor | None, Tensor, Tensor]:
    """Which components count (A,) if not all, their shares (A, B), log-likelihoods (1, B).

    Shares and log-likelihoods are multiplied by the weights (B,).
    """
    top = logs.amax(0, keepdim=True)
    logs.sub_(top)
    active = (logs.amax(1) > NEGLIGIBLE_LOG).nonzero()[:, 0]
    few = 2 * len(active) <= len(logs)
    shares = (logs[active] if few else logs).exp_()
    sums = shares.sum(0, keepdim=True)
    likelihoods = top.add_(sums.log())
    factor = sums.reciprocal_()
    if weights is not None:
        factor.mul_(weights)
        likelihoods.mul_(weights)
    return active if few else None, shares.mul_(factor), likelihoods


def _blocks(data: Scaled, width: int) -> Iterator[tuple[int, Tensor, Tensor | None]]:
    """Places of the first rows of blocks, their rows (B, D) and weights (B,)."""
    for start, block in blocks_of(data.numbers, width, BLOCK_VALUES):
        weights = data.weights
        yield start, block, None if weights is None else weights[start : start + len(block)]


def _precision(factors: Tensor, exact: bool) -> torch.dtype:
    """That of products with factors (K or nothing, -) of the precisions."""
    small = bool(factors.square().sum(-1).amax() <= SINGLE_PRECISION_LIMIT)
    return torch.float32 if small and not exact else torch.float64


def _quadratic(
    parameters: Parameters, factors: Tensor, data: Scaled, places: Tensor | None, exact: bool
) -> Moments:
    """Full ones of complete rows, diagonal and spherical ones."""
    means, (components, columns) = parameters.means, parameters.means.shape
    full = parameters.kind == "full"
    if parameters.kind == "spherical":
        factors = factors.unsqueeze(1).expand(means.shape)
    kind = _precision(factors.flatten(1), exact)
    constants, linear, square = _coefficients(means, factors, full)
    base, parts = parameters.weights.log(), [linear, square]
    if data.gaps:
        parts.append(constants)
    else:
        base = base + constants.sum(1)
    coefficients, base = torch.cat(parts, 1).to(kind), base.to(kind).unsqueeze(1)
    width = coefficients.shape[1]
    found = _Sums.zero(means, width, places)
    for start, block, weights in _blocks(data, max(components, width)):
        features = _features(block.to(kind), full, data.gaps)
        found.add(start, torch.addmm(base, coefficients, features), weights, features)
    edges = [columns, columns + square.shape[1]]
    sums, squares, seen = found.features.tensor_split(edges, 1)
    if full:
        squares = _unpaired(squares, columns)
    elif data.gaps:
        absent = found.counts.unsqueeze(1) - seen
        sums = sums + absent * means
        squares = squares + absent * (means.square() + factors.pow(-2))
    likelihood = found.total.item() / data.total
    return Moments(found.counts, sums, squares, torch.zeros_like(means), likelihood)


def _coefficients(means: Tensor, factors: Tensor, full: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Of the log density: constants (K, D) by column, linear (K, D), of squares or pairs (K, -)."""
    if full:
        precision = factors @ factors.mT
        linear = (precision @ means.unsqueeze(2)).squeeze(2)
        first, second = _pairs(means.shape[1], means.device)
        square = -precision[:, first, second]
        square = torch.where(first == second, square / 2, square)
        logs = torch.diagonal(factors, dim1=1, dim2=2).log()
    else:
        linear, square, logs = means * factors.square(), factors.square() / -2, factors.log()
    return logs - (means * linear + LOG_2_PI) / 2, linear, square


def _pairs(columns: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """First and second column of each pair, equal ones included."""
    first, second = torch.triu_indices(columns, columns, device=device)
    return first, second


def _unpaired(pairs: Tensor, columns: int) -> Tensor:
    """Symmetric matrices (K, D, D) of sums of pairs."""
    first, second = _pairs(columns, pairs.device)
    squares = pairs.new_zeros(len(pairs), columns, columns)
    squares[:, first, second] = pairs
    squares[:, second, first] = pairs
    return squares


def _features(numbers: Tensor, full: bool, gaps: bool) -> Tensor:
    """Features (Q, B) of rows (B, D): cells, their squares or pairs, whether they are present."""
    if full:
        cells = numbers.T.contiguous()
        return torch.cat([cells, *(cells[at] * cells[at:] for at in range(len(cells)))])
    if not gaps:
        return torch.cat([numbers, numbers.square()], 1).T
    seen = (~numbers.isnan()).to(numbers.dtype)
    numbers = numbers.nan_to_num()
    return torch.cat([numbers, numbers.square(), seen], 1).T


def _tied(
    parameters: Parameters, factors: Tensor, data: Scaled, places: Tensor | None, exact: bool
) -> Moments:
    """Complete rows times the common factor are compared with the means times it."""
    means, columns = parameters.means, parameters.means.shape[1]
    kind = _precision(factors.flatten(), exact)
    moved = means @ factors
    base = (parameters.weights.log() - moved.square().sum(1) / 2).to(kind).unsqueeze(1)
    constant = torch.diagonal(factors).log().sum().item() - columns * LOG_2_PI / 2
    factors, moved = factors.to(kind), moved.to(kind)
    found, squares = _Sums.zero(means, columns, places), means.new_zeros(columns, columns)
    for start, block, weights in _blocks(data, max(means.shape)):
        numbers = block.to(kind)
        white = numbers @ factors
        found.add(start, torch.addmm(base, moved, white.T), weights, numbers.T)
        lengths = constant - white.square().sum(1) / 2
        found.total += (lengths if weights is None else lengths * weights).sum(dtype=torch.float64)
        squares += numbers.T @ (numbers if weights is None else numbers * weights.unsqueeze(1))
    likelihood = found.total.item() / data.total
    return Moments(found.counts, found.features, squares, torch.zeros_like(means), likelihood)


def _conditional_pass(parameters: Parameters, data: Scaled) -> Moments:
    """Full and tied ones of rows with missing cells."""
    means, (components, columns) = parameters.means, parameters.means.shape
    base = parameters.weights.log().unsqueeze(1)
    counts, sums = means.new_zeros(components), means.new_zeros(means.shape)
    squares, total = means.new_zeros(components, columns, columns), means.new_zeros(())
    for numbers, weights, shared in _runs(data, components * columns):
        logs, apart, left = _conditional(numbers.double(), parameters, shared)
        top = torch.logsumexp(logs + base, 0)
        shares = (logs + base - top).exp()
        if weights is not None:
            shares, top = shares * weights, top * weights
        counts += shares.sum(1)
        sums += (shares.unsqueeze(1) @ apart).squeeze(1)
        squares += (apart * shares.unsqueeze(2)).mT @ apart
        total += top.sum()
        patterns = shares.sum(1, keepdim=True) if shared else shares
        left = left.expand(-1, components, -1, -1)
        squares += torch.einsum("kp,pkij->kij", patterns, left)
    squares = squares.sum(0) if parameters.kind == "tied" else squares
    return Moments(counts, sums, squares, means, total.item() / data.total)


def _runs(data: Scaled, cells: int) -> Iterator[tuple[Tensor, Tensor | None, bool]]:
    """Blocks of rows, their weights (B,), and whether their missing cells are the same."""
    for start, stop, shared in data.runs:
        step = max(BLOCK_VALUES // (cells if shared else cells * data.numbers.shape[1]), 1)
        for place in range(start, stop, step):
            part = slice(place, min(place + step, stop))
            yield data.numbers[part], None if data.weights is None else data.weights[part], shared


def _conditional(
    numbers: Tensor, parameters: Parameters, shared: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Log densities (K, B), expected differences (K, B, D), covariances (P, 1 or K, D, D) left.

    The rows and columns of missing cells are replaced by those of the identity matrix.
    """
    components, columns = parameters.means.shape
    covariances = parameters.covariances.view(-1, columns, columns)
    seen = (~(numbers[:1] if shared else numbers).isnan()).to(numbers.dtype)
    pairs = (seen.unsqueeze(2) * seen.unsqueeze(1)).unsqueeze(1)
    lower = torch.linalg.cholesky(covariances * pairs + torch.diag_embed(1 - seen).unsqueeze(1))
    unit = torch.eye(columns, dtype=lower.dtype, device=lower.device)
    whiten = torch.linalg.solve_triangular(lower, unit.expand_as(lower), upper=False)
    present = covariances * seen[:, None, :, None]
    solved = whiten.mT @ (whiten @ present)
    left = covariances - present.mT @ solved
    rows = numbers.nan_to_num().unsqueeze(0 if shared else 1).unsqueeze(1)
    apart = (rows - parameters.means.unsqueeze(1)) * seen[:, None, None, :]
    lengths = (apart @ whiten.mT).square().sum(3)
    logs = torch.diagonal(lower, dim1=-2, dim2=-1).log().sum(-1)
    logs = -lengths / 2 - (logs + seen.sum(1, keepdim=True) * LOG_2_PI / 2).unsqueeze(2)
    apart = (apart @ solved).transpose(0, 1).reshape(components, -1, columns)
    return logs.transpose(0, 1).reshape(components, -1), apart, left
