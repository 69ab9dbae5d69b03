"""Fits and compares the candidates of clustering.

Shapes: N rows, F features, K groups, S sampled rows.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.core import device
from tenfold.core.columns import Columns, Parts
from tenfold.core.errors import DataRefused
from tenfold.core.fitted import Fitted
from tenfold.core.lazy import lazy
from tenfold.core.message import Message
from tenfold.core.plan import Plan
from tenfold.core.progress import advance, tell
from tenfold.recipes.subjects import Subject, features_of
from tenfold.training import candidates
from tenfold.training.candidates import FREE, Candidate, Comparison, Fits

if TYPE_CHECKING:
    from torch import nn

torch, networks = lazy("torch"), lazy("tenfold.networks.groups")
cluster = lazy("sklearn.cluster")

__all__ = ["MODELS", "build", "chosen", "fit", "refuse_too_many"]

MODELS = ("auto", "kmeans")
SAMPLE = 2000
"""Maximum number of training rows that silhouettes are computed from."""
MOST = 10
"""Largest number of groups that is tried where none is given."""
STARTS = 10
"""Number of starts of k-means; the one with the nearest centres is kept."""


def build(subject: Subject, facts: dict[str, Any]) -> nn.Module:
    """Returns the network of a run; before the fit, one of two groups."""
    fitted = facts.get("fitted") or {}
    groups = len(chosen(fitted)["names"]) if fitted else 2
    return _network(subject, subject.features(facts), groups, fitted.get("sample", 2))


def chosen(fitted: dict[str, Any]) -> dict[str, Any]:
    """Returns `names` of the K groups and the `curve` of the selected candidate."""
    found: dict[str, Any] = fitted[fitted["selected"]]
    return found


def fit(
    subject: Subject, net: Any, parts: Parts, plan: Plan, requested: str, groups: int
) -> Fitted:
    """Returns the network with the groups of the training rows; 0 `groups` = chosen.

    Raises DataRefused where there are fewer different rows than groups.
    """
    rows = _Training(subject, net.features, parts.train, plan)
    tried = [Candidate("kmeans", partial(_kmeans, rows, groups), FREE)]
    comparison = Comparison(
        Message("silhouette"), lambda name, one: rows.silhouette(one), parts.train.rows, False
    )
    return candidates.fit(tried, requested, comparison, plan)


def refuse_too_many(groups: int, rows: int) -> None:
    """Raises DataRefused if there are fewer different rows than groups."""
    if groups > rows:
        raise DataRefused(
            Message(
                "{rows} different rows cannot be divided into {groups} groups",
                rows=rows,
                groups=groups,
            ),
            code="too-many-groups",
            where="--clusters",
            fix=Message("Give at most --clusters {rows}, or leave it out.", rows=rows),
        )


@dataclass
class _Training:
    """The training rows as features; their order is a function of their content and the seed."""

    subject: Subject
    features: Any
    train: Columns
    plan: Plan

    @cached_property
    def x(self) -> np.ndarray:
        """Features (N, F)."""
        self.subject.learn_features(self.features, self.train)
        self.features.to(device.choose_device(self.plan.device))
        return features_of(self.subject, self.features, self.train)

    @cached_property
    def order(self) -> np.ndarray:
        """(N,) positions of all rows, shuffled in the same way in whatever order they are given.

        Rows are sorted by a hash of their features; those that round to the same are neighbours.
        """
        weights = np.random.default_rng(self.plan.seed).integers(
            1, 2**63, self.x.shape[1], dtype=np.uint64
        )
        keys = [
            (values.view(np.uint32).astype(np.uint64) * (weights | np.uint64(1))).sum(1)
            for values in (self.x + 0.0, self.x.round(3) + 0.0)
        ]
        return np.lexsort(keys)

    @cached_property
    def sample(self) -> Any:
        """Features (S, F) of the rows that silhouettes are computed from, on the device."""
        place = device.choose_device(self.plan.device)
        return torch.from_numpy(self.x[self.order[:SAMPLE]]).to(place)

    @cached_property
    def different(self) -> int:
        """Number of different rows."""
        return len(np.unique(self.x, axis=0))

    def network(self, centers: np.ndarray, labels: np.ndarray) -> Any:
        """Returns the network of these centres (K, F); `labels` (N,) are those of `order`.

        Group 1 is the one with the most rows.
        """
        counts = np.bincount(labels, minlength=len(centers))
        ranks = np.lexsort([*centers.T[::-1], -counts])
        net: Any = _network(self.subject, self.features, len(centers), len(self.sample))
        spread = ((self.x[self.order] - centers[labels]) ** 2).mean()
        with torch.no_grad():
            net.model.head.center.copy_(torch.from_numpy(centers[ranks]))
            net.model.head.variance.fill_(max(float(spread), 1e-6))
        net = net.to(self.sample.device).eval()
        with torch.no_grad():
            net.model.silhouette.learn(self.sample, net.model.head(self.sample).argmax(1))
        return net

    def silhouette(self, net: Any) -> float:
        """Returns the mean silhouette of the sampled rows."""
        with torch.no_grad():
            return float(net.model(self.sample)["silhouette"].mean())

    def names(self, net: Any) -> list[str]:
        """Returns the descriptions of the groups."""
        with torch.no_grad():
            own = net.model.head(torch.from_numpy(self.x).to(self.sample.device))
        groups, count = own.argmax(1).cpu().numpy(), own.shape[1]
        return self.subject.described(self.plan.facts, self.x, groups, count)


def _network(subject: Subject, features: Any, groups: int, sample: int) -> nn.Module:
    head = networks.Centroids(groups, features.width)
    silhouette = networks.Silhouette(sample, features.width, groups)
    return subject.network(features, networks.Grouped(head, silhouette))


def _kmeans(rows: _Training, groups: int, plan: Plan, fits: Fits) -> Fitted:
    """Returns the network of k-means; without `groups`, the number with the best silhouette."""
    x, curve, best = rows.x[rows.order], [], None
    for count in _in_time(_counts(rows, groups, plan), plan):
        found = cluster.KMeans(count, n_init=STARTS, random_state=plan.seed).fit(x)
        net = rows.network(found.cluster_centers_, found.labels_)
        score = rows.silhouette(net)
        curve.append({"groups": count, "silhouette": round(score, 4)})
        if best is None or score > best[0]:
            best = (score, net)
    net = best[1] if best else None
    facts = {"names": rows.names(net), "curve": curve}
    if plan.fixed is not None:
        facts["curve"] = plan.fixed["kmeans"]["curve"]
    return Fitted(net, {"sample": len(rows.sample), "kmeans": facts})


def _counts(rows: _Training, groups: int, plan: Plan) -> list[int]:
    """Returns the numbers of groups to try: that of an earlier fit, the given one, or several."""
    if plan.fixed is not None:
        groups = len(chosen(plan.fixed)["names"])
    if groups:
        refuse_too_many(groups, rows.different)
        return [groups]
    return [*range(2, min(MOST, rows.different - 1) + 1)] or [rows.different]


def _in_time(counts: list[int], plan: Plan) -> Iterator[int]:
    """Yields the numbers of groups while the minutes of the plan last, at least one of them."""
    began, took = time.perf_counter(), 0.0
    for at, count in enumerate(counts):
        start = time.perf_counter()
        if at and plan.minutes is not None and start - began + took > 60 * plan.minutes:
            tell(
                Message(
                    "{count} and more groups were not tried for lack of time, give more --minutes.",
                    count=count,
                )
            )
            return
        advance(Message("fitting {name}", name="kmeans"), at, len(counts))
        yield count
        took = time.perf_counter() - start
