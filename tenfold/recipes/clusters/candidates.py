"""Fits and compares the candidates of clustering.

Shapes: N rows, F features, K groups.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.core.columns import Parts
from tenfold.core.fitted import Fitted
from tenfold.core.lazy import lazy
from tenfold.core.plan import Plan
from tenfold.recipes.subjects import Subject, features_of

if TYPE_CHECKING:
    from torch import nn

torch, networks = lazy("torch"), lazy("tenfold.networks.groups")
cluster, quality = lazy("sklearn.cluster"), lazy("sklearn.metrics")

__all__ = ["MODELS", "build", "fit"]

MODELS = ("auto", "kmeans")
SAMPLE = 2000
"""Maximum number of training rows that silhouettes are computed from."""
MOST = 10
"""Largest number of groups that is tried where none is given."""


def build(subject: Subject, facts: dict[str, Any]) -> nn.Module:
    """Returns the network of a run; before the fit, one of two groups."""
    fitted = facts.get("fitted") or {"groups": 2, "sample": 2}
    features: Any = subject.features(facts)
    head = networks.Centroids(fitted["groups"], features.width)
    silhouette = networks.Silhouette(fitted["sample"], features.width, fitted["groups"])
    return subject.network(features, networks.Grouped(head, silhouette))


def fit(subject: Subject, parts: Parts, plan: Plan, requested: str, groups: int) -> Fitted:
    """Returns the network with the groups of the training rows; 0 `groups` = chosen."""
    features: Any = subject.features(plan.facts)
    subject.learn_features(features, parts.train)
    x = features_of(subject, features, parts.train)
    order = np.random.default_rng(plan.seed).permutation(len(x))[:SAMPLE]
    tried = [groups] if groups else range(2, min(MOST, len(np.unique(x, axis=0)) - 1) + 1)
    curve: list[dict[str, Any]] = []
    best: Any = None
    for count in tried:
        found = cluster.KMeans(count, n_init=10, random_state=plan.seed).fit(x)
        score = (
            float(quality.silhouette_score(x[order], found.labels_[order])) if count > 1 else 0.0
        )
        curve.append({"groups": count, "silhouette": round(score, 4)})
        if best is None or score > best[0]:
            best = (score, found)
    centers = best[1].cluster_centers_
    sizes = {"groups": len(centers), "sample": len(order)}
    facts = plan.facts | {"fitted": sizes}
    net: Any = build(subject, facts).eval()
    net.features.load_state_dict(features.state_dict())
    with torch.no_grad():
        net.model.head.center.copy_(torch.from_numpy(centers))
        gaps = ((x - centers[best[1].labels_]) ** 2).mean()
        net.model.head.variance.copy_(torch.tensor(max(float(gaps), 1e-6)))
        own = net.model.head(torch.from_numpy(x)).argmax(1)
        net.model.silhouette.learn(torch.from_numpy(x[order]), own[order])
    names = subject.described(facts, x, own.numpy(), parts.train)
    return Fitted(net, {**sizes, "names": names, "curve": curve, "selected": "kmeans"})
