"""The candidates of anomaly detection that are no network: how each is fitted to good rows.

A function `fit` returns the sizes of a head as JSON, which `build` takes, and its buffers.

Shapes: N rows, F features, T trees.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tenfold.core.lazy import lazy

networks, mixtures = lazy("tenfold.networks.strange.heads"), lazy("tenfold.networks.mixture")
fitting = lazy("tenfold.networks.grouping.mixture_fit")
torch, covariance, ensemble = lazy("torch"), lazy("sklearn.covariance"), lazy("sklearn.ensemble")

__all__ = ["AUTOENCODER", "CLOSED", "NEIGHBOURS", "build", "first_sizes", "sizes_of_autoencoder"]

NEIGHBOURS, MIXTURE, COVARIANCE = "neighbours", "mixture", "robust covariance"
FOREST, AUTOENCODER = "isolation forest", "autoencoder"
FitHead = Callable[[np.ndarray, int], tuple[dict[str, Any], dict[str, Any]]]
"""(features (N, F) of good rows, seed) -> sizes and state of a head."""

COUNT = 5
"""Number of neighbours."""
REFERENCE = 20_000
"""Maximum number of training rows that are kept as neighbours."""
COMPONENTS = (1, 2, 4, 8)
"""Numbers of components of the mixture that are tried; the one with the lowest BIC is kept."""
RIDGE = 1e-2
"""Added to the variances of features, whose variance is 1."""
ROWS_A_FEATURE = 5
"""Least number of rows for each feature from which a robust covariance is computed."""
TREES, SAMPLE = 200, 256
"""Number of isolation trees, and of rows that each is grown on."""


def first_sizes() -> dict[str, Any]:
    """Returns the sizes of a head of neighbours before anything is fitted."""
    return {"rows": 1, "count": COUNT}


def build(name: str, width: int, sizes: dict[str, Any]) -> Any:
    """Returns the unfitted head of a candidate for F = `width` features."""
    kinds = {
        NEIGHBOURS: networks.Neighbours,
        MIXTURE: networks.Energy,
        COVARIANCE: networks.Energy,
        FOREST: networks.Isolation,
        AUTOENCODER: networks.Restored,
    }
    return kinds[name](width=width, **sizes)


def _neighbours(x: np.ndarray, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    kept = np.random.default_rng(seed).permutation(len(x))[:REFERENCE]
    return {"rows": len(kept), "count": COUNT}, {"rows": torch.from_numpy(x[kept])}


def _mixture(x: np.ndarray, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The mixture with the lowest BIC among the kinds `full` and `diagonal`."""
    rows = torch.from_numpy(x).float()
    distinct = len(np.unique(x[: 10 * max(COMPONENTS)], axis=0))
    best: Any = None
    for kind in ("full", "diagonal"):
        for components in COMPONENTS:
            if components > distinct:
                continue
            generator = torch.Generator().manual_seed(seed)
            try:
                found = fitting.fit_mixture(
                    rows, components, kind, generator, reg_covar=RIDGE, missing=False
                )
            except ValueError:
                continue  # singular even with the ridge, or too few rows: another one is kept
            if best is None or found.bic < best.bic:
                best = found
    return _of_mixture(best.mixture)


def _of_mixture(mixture: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    state = {f"mixture.{name}": value for name, value in mixture.state_dict().items()}
    return {"components": mixture.components, "kind": mixture.kind}, state


def _covariance(x: np.ndarray, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """One Gaussian: minimum covariance determinant, shrunk where rows are few (O. Ledoit, 2004).

    Noise of the variance RIDGE keeps features that depend on each other from a determinant of 0.
    """
    noise = np.random.default_rng(seed).normal(0, RIDGE**0.5, x.shape)
    if len(x) >= ROWS_A_FEATURE * x.shape[1]:
        found = covariance.MinCovDet(random_state=seed).fit(x + noise)
    else:
        found = covariance.LedoitWolf().fit(x + noise)
    matrix = found.covariance_ + RIDGE * np.eye(x.shape[1])
    mixture = mixtures.Mixture.of(
        "full",
        torch.ones(1),
        torch.from_numpy(found.location_)[None],
        torch.from_numpy(matrix)[None],
        missing=False,
    )
    return _of_mixture(mixture)


def _forest(x: np.ndarray, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    sample = min(SAMPLE, len(x))
    found = ensemble.IsolationForest(n_estimators=TREES, max_samples=sample, random_state=seed).fit(
        x
    )
    scale = 1 / (TREES * max(1e-9, networks.mean_path(sample)))
    parts, roots, steps = [], [], 0
    first = 0
    for one in found.estimators_:
        part, depth = _flat(one.tree_, first, scale)
        parts.append(part)
        roots.append(first)
        first += len(part["left"])
        steps = max(steps, depth)
    state = {
        f"trees.{name}": torch.from_numpy(np.concatenate([part[name] for part in parts]))
        for name in parts[0]
    }
    width = x.shape[1]
    state["trees.root"] = torch.tensor(roots, dtype=torch.int32)
    head = networks.Isolation(TREES, first, steps, width)
    whole = head.state_dict() | state
    return {"trees": TREES, "nodes": first, "steps": steps}, whole


def _flat(tree: Any, first: int, scale: float) -> tuple[dict[str, np.ndarray], int]:
    """Returns the nodes of an isolation tree as buffers of `Trees`, children as neighbours.

    The value of a leaf is its depth and the mean depth below it, times `scale`; that of an inner
    node is the mean over its rows. `first` is the place of the root. Also returns the depth.
    """
    order, depth, left = [0], {0: 0}, {}
    for node in order:  # the list grows during the loop
        if tree.children_left[node] >= 0:
            left[node] = len(order)
            for child in (tree.children_left[node], tree.children_right[node]):
                order.append(int(child))
                depth[int(child)] = depth[node] + 1
    nodes = np.array(order)
    split = tree.children_left[nodes] >= 0
    samples = tree.n_node_samples[nodes]
    value = np.array(
        [depth[node] + networks.mean_path(float(tree.n_node_samples[node])) for node in order]
    )
    places = np.array([left.get(node, at) for at, node in enumerate(order)])
    for at in range(len(order) - 1, -1, -1):
        if split[at]:
            both = [places[at], places[at] + 1]
            value[at] = np.average(value[both], weights=samples[both])
    bound = tree.threshold[nodes].astype(np.float32)
    bound = np.where(bound > tree.threshold[nodes], np.nextafter(bound, np.float32(-np.inf)), bound)
    buffers = {
        "feature": np.where(split, tree.feature[nodes], 0).astype(np.int32),
        "threshold": np.where(split, bound, np.finfo(np.float32).max).astype(np.float32),
        "left": (first + places).astype(np.int32),
        "value": (scale * value).astype(np.float32),
    }
    return buffers, max(depth.values())


CLOSED: dict[str, FitHead] = {
    NEIGHBOURS: _neighbours,
    MIXTURE: _mixture,
    COVARIANCE: _covariance,
    FOREST: _forest,
}
"""The candidates that are fitted in closed form, by name."""


def sizes_of_autoencoder(width: int) -> dict[str, Any]:
    """Returns the sizes of an autoencoder of F = `width` features."""
    return {"hidden": int(min(256, max(16, 4 * width))), "code": max(1, round(width**0.6))}
