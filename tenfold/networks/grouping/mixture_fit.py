"""Fit of a Gaussian mixture by expectation-maximisation, from several starts.

Every start draws its means by k-means++ on a sample of the rows, makes a few steps of k-means and
then of expectation-maximisation there; the likeliest start is continued on all rows. The result is
a function of the rows, their order and the generator.

Shapes: N rows, D columns, K components.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from tenfold.networks.grouping.expectation import (
    Parameters,
    Scaled,
    expect,
    maximise,
    scaled,
)
from tenfold.networks.grouping.kmeans import KMeans, check_rows, first_centres, lloyd
from tenfold.networks.mixture import KINDS, Mixture

__all__ = ["MixtureFit", "fit_mixture"]

CENTRE_STEPS, SHORT_STEPS = 5, 5
"""Steps of k-means, and of expectation-maximisation, that each start makes on the sample."""
SORTED_COMPONENTS, SORTING_STEPS = 16, (1, 5, 15)
"""From so many components on, rows are sorted by component after these steps."""


@dataclass(frozen=True)
class MixtureFit:
    """A fitted mixture, and its log-likelihood a row (the mean over the weights of the rows).

    `total` is the sum of the weights, the number of rows where they have none. `starts` holds the
    log-likelihoods a row of the starts on the sample, minus infinity where a covariance became
    singular; it is empty where a mixture was continued.
    """

    mixture: Mixture
    log_likelihood: float
    total: float
    iterations: int
    converged: bool
    starts: tuple[float, ...]

    @property
    def bic(self) -> float:
        """Bayesian information criterion: the lower, the better (G. Schwarz 1978)."""
        free = self.mixture.parameter_count()
        return free * math.log(self.total) - 2 * self.log_likelihood * self.total

    @property
    def aic(self) -> float:
        """Akaike information criterion: the lower, the better (H. Akaike 1974)."""
        return 2 * self.mixture.parameter_count() - 2 * self.log_likelihood * self.total


@dataclass(frozen=True)
class _Climb:
    """The last parameters and their log-likelihood a row."""

    parameters: Parameters
    log_likelihood: float
    iterations: int
    converged: bool


@torch.no_grad()
def fit_mixture(
    rows: Tensor,
    components: int,
    kind: str,
    generator: torch.Generator,
    *,
    weights: Tensor | None = None,
    start: Mixture | None = None,
    starts: int = 4,
    iterations: int = 100,
    tolerance: float = 1e-3,
    reg_covar: float = 1e-6,
    missing: bool | None = None,
) -> MixtureFit:
    """Returns a mixture fitted to rows (N, D) with NaN, on the device of the rows.

    `weights` (N,) are those of the rows. A `start` is continued instead of drawing `starts` ones.
    Ends when the log-likelihood a row changes by less than `tolerance`, or after `iterations`.
    `reg_covar` is added to the variances, so the columns should be of similar size. `missing` is
    passed to the mixture; by default, whether there are missing cells. Raises a ValueError for rows
    that cannot be used, for fewer distinct rows than components and for a singular covariance.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    if starts < 1 or iterations < 1 or tolerance < 0 or reg_covar < 0:
        raise ValueError("starts and iterations must be at least 1, the other settings at least 0")
    if start is not None and (start.components, start.columns) != (components, rows.shape[1]):
        raise ValueError(f"the start has {start.components} components of {start.columns} columns")
    check_rows(rows, components, weights)
    data = scaled(rows, kind, weights, reg_covar)
    regular = reg_covar / data.scale.square()
    if start is None:
        first, tried = _best_start(data, components, kind, starts, generator, regular)
    else:
        first, tried = _scaled_parameters(start, data, kind), []
    climb = _climb(first, data, regular, iterations, tolerance)
    likelihood = climb.log_likelihood - data.log_scale
    mixture = _mixture(climb.parameters, data, data.gaps if missing is None else missing)
    return MixtureFit(
        mixture, likelihood, data.total, climb.iterations, climb.converged, tuple(tried)
    )


def _climb(
    parameters: Parameters, data: Scaled, regular: Tensor, iterations: int, tolerance: float
) -> _Climb:
    """Makes steps until the log-likelihood a row changes by less than the tolerance.

    A covariance that is not positive definite is computed again in double precision.
    """
    before, last, converged, step = -math.inf, parameters, False, 0
    sortable = len(parameters.weights) >= SORTED_COMPONENTS and len(data.runs) == 1
    while True:
        sort = sortable and step + 1 in SORTING_STEPS and step + 1 < iterations
        places = data.numbers.new_empty(len(data.numbers)) if sort else None
        try:
            moments = expect(parameters, data, places)
        except ValueError:
            parameters = maximise(expect(last, data, exact=True), last, regular)
            moments = expect(parameters, data, places)
        if converged or step == iterations:
            return _Climb(parameters, moments.log_likelihood, step, converged)
        if places is not None:
            data = _sorted_rows(data, places)
        last, parameters = parameters, maximise(moments, parameters, regular)
        converged = abs(moments.log_likelihood - before) < tolerance
        before, step = moments.log_likelihood, step + 1


def _sorted_rows(data: Scaled, places: Tensor) -> Scaled:
    """The rows in the order of `places` (N,)."""
    order = torch.argsort(places, stable=True)
    weights = None if data.weights is None else data.weights[order]
    return replace(data, numbers=data.numbers[order], weights=weights)


def _best_start(
    data: Scaled,
    components: int,
    kind: str,
    starts: int,
    generator: torch.Generator,
    regular: Tensor,
) -> tuple[Parameters, list[float]]:
    """The likeliest of several starts on a sample, and the log-likelihoods of all of them.

    Raises the ValueError of the last start where the covariances of all became singular.
    """
    places, drawn = first_centres(data.numbers, components, starts, generator, data.weights)
    sample = _sample(data, places)
    best, tried, failure = None, [], None
    for centres in drawn:
        groups = lloyd(sample.numbers, centres, sample.weights, CENTRE_STEPS, 1e-3)
        try:
            first = _around(groups, sample, kind, regular)
            reached = _climb(first, sample, regular, SHORT_STEPS, 0.0)
            tried.append(reached.log_likelihood - data.log_scale)
        except ValueError as error:
            failure = error
            tried.append(-math.inf)
            continue
        if tried[-1] >= max(tried):
            best = reached.parameters
    if best is None:
        raise failure or ValueError("no start has a finite log-likelihood")
    return best, tried


def _sample(data: Scaled, places: Tensor) -> Scaled:
    """The rows at the places, in order."""
    if len(places) == len(data.numbers):
        return data
    weights = None if data.weights is None else data.weights[places]
    total = float(len(places)) if weights is None else weights.double().sum().item()
    edges = torch.tensor([stop for _, stop, _ in data.runs], device=places.device)
    stops = torch.searchsorted(places, edges).tolist()
    firsts = [0, *stops[:-1]]
    shared = [same for _, _, same in data.runs]
    runs = tuple(run for run in zip(firsts, stops, shared, strict=True) if run[0] < run[1])
    return replace(data, numbers=data.numbers[places], weights=weights, runs=runs, total=total)


def _around(groups: KMeans, data: Scaled, kind: str, regular: Tensor) -> Parameters:
    """Parameters of groups: their shares, centres, and their common covariance."""
    weights, centres = data.weights, groups.centres.double()
    ones = torch.ones(len(groups.groups), device=centres.device, dtype=torch.float64)
    ones = ones if weights is None else weights.double()
    counts = torch.zeros_like(centres[:, 0]).index_add_(0, groups.groups, ones)
    apart = (data.numbers - groups.centres[groups.groups]).nan_to_num()
    weighted = apart if weights is None else apart * weights.unsqueeze(1)
    within = (weighted.T @ apart).double() / data.total
    if kind in ("full", "tied"):
        covariances = within + regular.diag()
        covariances = covariances.repeat(len(centres), 1, 1) if kind == "full" else covariances
    else:
        variances = within.diagonal() + regular
        covariances = variances.repeat(len(centres), 1)
        covariances = covariances.mean(1) if kind == "spherical" else covariances
    shares = (counts + 1) / (counts + 1).sum()
    return Parameters(kind, shares, centres, covariances)


def _scales(data: Scaled, kind: str) -> Tensor:
    """What covariances are multiplied by: (D, D), (D,) or ()."""
    if kind in ("full", "tied"):
        return data.scale.unsqueeze(1) * data.scale
    return data.scale.square()[0] if kind == "spherical" else data.scale.square()


def _scaled_parameters(start: Mixture, data: Scaled, kind: str) -> Parameters:
    """The parameters of a mixture of this kind in the units of the scaled rows."""
    if start.kind != kind:
        raise ValueError(f"the start is {start.kind}, not {kind}")
    means = (start.means.double() - data.centre) / data.scale
    covariances = start.covariances if start.dense else start.factors.double().pow(-2)
    return Parameters(
        kind, start.log_weights.double().exp(), means, covariances / _scales(data, kind)
    )


def _mixture(parameters: Parameters, data: Scaled, missing: bool) -> Mixture:
    """The mixture in the units of the rows that were given."""
    means = parameters.means * data.scale + data.centre
    covariances = parameters.covariances * _scales(data, parameters.kind)
    return Mixture.of(parameters.kind, parameters.weights, means, covariances, missing)
