"""Rows of tables, compared by their numbers and categories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tenfold.core.columns import Columns, Encoded
from tenfold.core.lazy import lazy
from tenfold.core.rows import Rows
from tenfold.media.input import Input
from tenfold.media.reading import Reading
from tenfold.media.tables import encode, read
from tenfold.media.tables.declared import declared
from tenfold.media.tables.medium import ROW
from tenfold.recipes.subjects.subject import Subject

if TYPE_CHECKING:
    from torch import nn

torch = lazy("torch")
networks, wrappers = (
    lazy("tenfold.networks.subjects.row_features"),
    lazy("tenfold.networks.subjects"),
)

__all__ = ["SUBJECT"]

NAMED = 3
"""Maximum number of columns in the description of a group."""
CLEAR = 0.5
"""Least distance of the mean of a group from that of all rows, in standard deviations."""


class RowSubject(Subject):
    """Rows of a table; missing numbers are NaN among the features."""

    name = "row"
    roles = ROW.roles
    columns = ("numbers", "levels")

    def fits(self, source: Any, reading: Reading) -> bool:
        return True

    def read(self, source: Any, reading: Reading) -> Rows:
        return read.read(source, replace(reading, needs_labels=False))

    def learn(self, train: pd.DataFrame) -> dict[str, Any]:
        return {"subject": self.name, **encode.facts_of(list(train["row"]))}

    def inputs(self, facts: Mapping[str, Any]) -> dict[str, Input]:
        return declared(facts)

    def encode(self, table: pd.DataFrame, data: Mapping[str, Any]) -> Encoded:
        return encode.encoded(list(table["row"]), dict(data))

    def features(self, facts: Mapping[str, Any]) -> nn.Module:
        data = facts["data"]
        sizes = [len(levels) + encode.FIRST for levels in data["levels"]]
        found: nn.Module = networks.RowFeatures(len(data["numbers"]), sizes)
        return found

    def learn_features(self, features: Any, train: Columns) -> None:
        features.learn(
            *(torch.from_numpy(np.asarray(train[name])) for name in ("numbers", "levels"))
        )

    def owners(self, facts: Mapping[str, Any]) -> tuple[list[str], list[int]]:
        data = facts["data"]
        columns = [one["name"] for one in data["numbers"]] + data["names"]
        owner = [*range(len(data["numbers"]))]
        for at, levels in enumerate(data["levels"], len(owner)):
            owner += [at] * len(levels)
        return columns, owner

    def network(self, features: nn.Module, model: nn.Module) -> nn.Module:
        found: nn.Module = wrappers.OfRows(features, model)
        return found

    def described(
        self, facts: Mapping[str, Any], features: np.ndarray, groups: np.ndarray, count: int
    ) -> list[str]:
        data = facts["data"]
        names = [one["name"] for one in data["numbers"]]
        pairs = zip(data["names"], data["levels"], strict=True)
        levels = [(column, level) for column, known in pairs for level in known]
        means = np.zeros((count, features.shape[1]))
        np.add.at(means, groups, features)
        means /= np.bincount(groups, minlength=count).clip(1)[:, None]
        return [_described(mean, names, levels) for mean in means]


def _described(mean: np.ndarray, names: list[str], levels: list[tuple[str, str]]) -> str:
    """Returns the columns whose mean lies furthest from that of all rows."""
    found = []
    for at in np.argsort(-np.abs(mean), kind="stable")[:NAMED]:
        if at < len(names) and abs(mean[at]) >= CLEAR:
            found.append(f"{names[at]} {'↑' if mean[at] > 0 else '↓'}")
        elif at >= len(names) and mean[at] >= CLEAR:
            found.append("{} = {}".format(*levels[at - len(names)]))
    return ", ".join(found)


SUBJECT = RowSubject()
