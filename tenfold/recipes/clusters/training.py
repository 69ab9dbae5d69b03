"""The training rows of clustering as features, in an order that depends on their content alone.

Shapes: N rows, F features, K groups, S sampled rows.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.core import device
from tenfold.core.columns import Columns
from tenfold.core.lazy import lazy
from tenfold.core.message import Message
from tenfold.core.plan import Plan
from tenfold.core.progress import advance, tell
from tenfold.recipes.subjects import Subject, features_of

if TYPE_CHECKING:
    from torch import nn

torch, networks = lazy("torch"), lazy("tenfold.networks.groups")

__all__ = ["TrainingRows", "in_time", "network", "ranked"]

SAMPLE = 2000
"""Maximum number of training rows that silhouettes are computed from."""


@dataclass
class TrainingRows:
    """The training rows; their order is a function of their content and the seed."""

    subject: Subject
    features: Any
    train: Columns
    plan: Plan

    @cached_property
    def values(self) -> np.ndarray:
        """Features (N, F) in the order of the data; a missing value is NaN."""
        self.subject.learn_features(self.features, self.train)
        self.features.to(device.choose_device(self.plan.device))
        found = features_of(self.subject, self.features, self.train, np.nan)
        found[:, np.isnan(found).all(0)] = 0.0
        return found

    @cached_property
    def x(self) -> Any:
        """Features (N, F) on the device, shuffled alike in whatever order the rows are given.

        Rows are sorted by a hash of their features; those that round to the same are neighbours.
        """
        weights = np.random.default_rng(self.plan.seed).integers(
            1, 2**63, self.values.shape[1], dtype=np.uint64
        )
        keys = [
            (numbers.view(np.uint32).astype(np.uint64) * (weights | np.uint64(1))).sum(1)
            for numbers in (self.values + 0.0, self.values.round(3) + 0.0)
        ]
        order = self.values[np.lexsort(keys)]
        return torch.from_numpy(order).to(device.choose_device(self.plan.device))

    @property
    def complete(self) -> Any:
        """Features `x` with 0, the mean, for a missing value."""
        return self.x.nan_to_num()

    @cached_property
    def sample(self) -> Any:
        """Features (S, F) of the rows that silhouettes are computed from."""
        return self.x[:SAMPLE]

    @cached_property
    def different(self) -> int:
        """Number of rows that differ from each other."""
        return len(np.unique(np.nan_to_num(self.values, nan=1e9).round(6), axis=0))

    def generator(self) -> Any:
        """Returns a random generator in the state of the seed."""
        return torch.Generator().manual_seed(self.plan.seed)

    def network(self, head: nn.Module, groups: int) -> Any:
        """Returns the network with this head, in eval mode on the device."""
        net: Any = network(self.subject, self.features, head, groups, len(self.sample))
        net = net.to(self.x.device).eval()
        with torch.no_grad():
            net.model.silhouette.learn(self.sample, net.model.head(self.sample).argmax(1))
        return net

    def silhouette(self, net: Any) -> float:
        """Returns the mean silhouette of the sampled rows."""
        with torch.no_grad():
            return float(net.model(self.sample)["silhouette"].mean())

    def names(self, net: Any) -> list[str]:
        """Returns the descriptions of the groups."""
        values = self.complete.cpu().numpy()
        with torch.no_grad():
            own = torch.cat([net.model.head(part) for part in self.x.split(SAMPLE)])
        groups, count = own.argmax(1).cpu().numpy(), own.shape[1]
        return self.subject.described(self.plan.facts, values, groups, count)


def network(
    subject: Subject, features: Any, head: nn.Module, groups: int, sample: int
) -> nn.Module:
    """Returns a network that groups the rows of a subject by a head of `groups` groups."""
    silhouette = networks.Silhouette(sample, features.width, groups)
    return subject.network(features, networks.Grouped(head, silhouette))


def ranked(labels: Any, count: int) -> Any:
    """Returns the numbers (K,) of the groups of `labels` (N,), the one with the most rows first.

    Of groups with as many rows, the one with the earlier row comes first.
    """
    found = labels.cpu().numpy()
    firsts = np.full(count, len(found))
    np.minimum.at(firsts, found, np.arange(len(found)))
    order = np.lexsort((firsts, -np.bincount(found, minlength=count)))
    return torch.from_numpy(order).to(labels.device)


def in_time(name: str, counts: list[int], plan: Plan) -> Iterator[int]:
    """Yields the numbers of groups while the minutes of the plan last, at least one of them."""
    began, took = time.perf_counter(), 0.0
    for at, count in enumerate(counts):
        start = time.perf_counter()
        if at and plan.minutes is not None and start - began + took > 60 * plan.minutes:
            tell(
                Message(
                    "{name}: {count} and more groups are not tried for lack of time, give more "
                    "--minutes.",
                    name=name,
                    count=count,
                )
            )
            return
        advance(Message("fitting {name}", name=name), at, len(counts))
        yield count
        took = time.perf_counter() - start
