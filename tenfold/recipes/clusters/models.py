"""The models of clustering: k-means, Gaussian mixture, graph of neighbours; each chooses K.

Shapes: N rows, F features, K groups.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenfold.core.lazy import lazy
from tenfold.core.plan import Plan
from tenfold.recipes.clusters.training import TrainingRows, in_time, ranked

if TYPE_CHECKING:
    from torch import nn

torch, heads = lazy("torch"), lazy("tenfold.networks.groups")
grouping, mixtures = (
    lazy("tenfold.networks.grouping.kmeans"),
    lazy("tenfold.networks.grouping.mixture_fit"),
)
mixture = lazy("tenfold.networks.mixture")
graph, spectral = lazy("tenfold.recipes.clusters.graph"), lazy("tenfold.recipes.clusters.spectral")
neighbours = lazy("tenfold.recipes.clusters.neighbours")

__all__ = ["MODELS", "ClusterModel", "Modelled"]

STARTS = 10
"""Number of starts of k-means; the one with the nearest centres is kept."""
SMOOTHED = 0.01
"""Added to the variances of a mixture, whose features have the variance 1 or less."""
KINDS = ("full", "diagonal", "tied", "spherical")
"""Covariances of mixtures that are compared."""
FULL_FEATURES = 30
"""Largest number of features for which full and tied covariances are compared."""
NEAR = 10
"""Number of neighbours in the graph whose eigengaps choose the number of groups."""


@dataclass(frozen=True)
class Modelled:
    """A head, its sizes for `ClusterModel.head`, its number of groups, and how it was chosen.

    `curve` has the value of a criterion for each number of groups that was tried.
    """

    head: nn.Module
    sizes: dict[str, Any]
    groups: int
    curve: dict[str, Any]


@dataclass(frozen=True)
class ClusterModel:
    """One model: `fit(rows, counts, plan)` and `head(sizes, groups, features)`, untrained."""

    fit: Callable[[TrainingRows, list[int], Plan], Modelled]
    head: Callable[[dict[str, Any], int, int], nn.Module]


def _kmeans(rows: TrainingRows, counts: list[int], plan: Plan) -> Modelled:
    """Returns k-means; the number of groups is the one with the highest silhouette."""
    values: dict[int, float] = {}
    best: Any = None
    for count in in_time("kmeans", counts, plan):
        found = grouping.kmeans(rows.x, count, rows.generator(), starts=STARTS)
        head = heads.Centroids(count, rows.x.shape[1]).to(rows.x.device)
        with torch.no_grad():
            head.center.copy_(found.centres[ranked(found.groups, count)])
            head.variance.fill_(max(found.inertia / rows.x.numel(), 1e-6))
        values[count] = rows.silhouette(rows.network(head, count))
        if best is None or values[count] > values[best[0]]:
            best = (count, head)
    return Modelled(best[1], {}, best[0], _curve("silhouette", values))


def _mixture(rows: TrainingRows, counts: list[int], plan: Plan) -> Modelled:
    """Returns the Gaussian mixture whose number of groups and covariances have the lowest BIC."""
    x = rows.complete
    few = x.shape[1] <= FULL_FEATURES
    kinds = [kind for kind in KINDS if few or kind not in ("full", "tied")]
    if plan.fixed is not None:
        kinds = [plan.fixed["mixture"]["sizes"]["kind"]]
    values: dict[int, float] = {}
    best: Any = None
    for count in in_time("mixture", counts, plan):
        found = [
            mixtures.fit_mixture(x, count, kind, rows.generator(), reg_covar=SMOOTHED)
            for kind in kinds
        ]
        one = min(found, key=lambda each: each.bic)
        values[count] = one.bic
        if best is None or one.bic < best[1].bic:
            best = (count, one)
    count, chosen = best[0], best[1].mixture
    order = ranked(chosen(x)[1].argmax(1), count)
    shared = chosen.kind == "tied"
    kept: Any = mixture.Mixture(count, x.shape[1], chosen.kind, missing=False)
    kept = kept.to(x.device)
    for name, value in chosen.named_buffers():
        alone = shared and name in ("factors", "covariances")
        kept.get_buffer(name).copy_(value if alone else value[order])
    head = heads.Responsibilities(kept)
    return Modelled(head, {"kind": chosen.kind}, count, _curve("bic", values))


def _mixture_head(sizes: dict[str, Any], groups: int, features: int) -> nn.Module:
    made = mixture.Mixture(groups, features, sizes["kind"], missing=False)
    found: nn.Module = heads.Responsibilities(made)
    return found


def _graph(rows: TrainingRows, counts: list[int], plan: Plan) -> Modelled:
    """Returns the partition of the graph of neighbours; the largest eigengap chooses the number."""
    x = rows.complete
    first, _ = neighbours.distinct(x)
    code = x[first]
    values: dict[int, float] = {}
    count = counts[0]
    if len(counts) > 1:
        near = neighbours.nearest(code, code, NEAR + 1)
        made = graph.Graph.of(code, near, min(NEAR, len(code) - 1), 1)
        gaps = graph.eigengaps(made.spectrum(counts[-1] + 1)[0])
        values = {one: float(gaps[one - 1]) for one in counts if one <= len(gaps)}
        count = max(values, key=lambda one: values[one])
    found = spectral.partition(x, count, plan.seed)
    head = heads.Neighbourhood(len(first), x.shape[1], count).to(x.device)
    head.learn(code, found.groups[first])
    return Modelled(head, {"rows": len(first)}, count, _curve("eigengap", values))


def _curve(criterion: str, values: dict[int, float]) -> dict[str, Any]:
    return {
        "criterion": criterion,
        "groups": [*values],
        "values": [round(value, 4) for value in values.values()],
    }


MODELS = {
    "kmeans": ClusterModel(
        _kmeans, lambda sizes, groups, features: heads.Centroids(groups, features)
    ),
    "mixture": ClusterModel(_mixture, _mixture_head),
    "graph": ClusterModel(
        _graph, lambda sizes, groups, features: heads.Neighbourhood(sizes["rows"], features, groups)
    ),
}
"""The models by name."""
