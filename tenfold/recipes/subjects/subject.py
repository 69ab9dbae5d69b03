"""The interface of a subject, and how the subject of a source is found."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from tenfold.core.columns import Columns, Encoded
from tenfold.core.lazy import lazy
from tenfold.core.rows import Rows
from tenfold.media.files.listing import is_archive, open_tree
from tenfold.media.input import Input
from tenfold.media.reading import ColumnRole, Reading
from tenfold.training.inference import by_torch

if TYPE_CHECKING:
    from torch import nn

networks = lazy("tenfold.networks.groups")

__all__ = ["Subject", "features_of", "find", "holds", "recognised"]

EXAMINED = 1000
"""Maximum number of files whose names decide what a folder holds."""
NAMES: tuple[str, ...] = ("image", "text", "row")
"""Modules with a subject, in the order in which they are tried."""


class Subject(ABC):
    """One kind of input that is compared without labels. `facts` are those of a task."""

    name: ClassVar[str]
    """Name of the module, and value of `facts["data"]["subject"]`."""
    roles: ClassVar[tuple[ColumnRole, ...]]
    columns: ClassVar[tuple[str, ...]]
    """Names of the encoded columns."""

    @abstractmethod
    def fits(self, source: Any, reading: Reading) -> bool:
        """Returns True if a source holds such inputs, from names and a few files."""

    @abstractmethod
    def read(self, source: Any, reading: Reading) -> Rows:
        """Reads the rows; `reading` needs no labels. The column `label` is "" without one."""

    @abstractmethod
    def learn(self, train: pd.DataFrame) -> dict[str, Any]:
        """Returns `facts["data"]` from the training rows; nothing is decoded."""

    @abstractmethod
    def inputs(self, facts: Mapping[str, Any]) -> dict[str, Input]:
        """Returns the inputs of a run; before anything is learnt, `facts` may be empty."""

    @abstractmethod
    def encode(self, table: pd.DataFrame, data: Mapping[str, Any]) -> Encoded:
        """Returns the arguments of the network, row by row."""

    @abstractmethod
    def features(self, facts: Mapping[str, Any]) -> nn.Module:
        """Returns the untrained module that makes features (N, F) of the encoded columns.

        Its attribute `width` is F.
        """

    @abstractmethod
    def learn_features(self, features: nn.Module, train: Columns) -> None:
        """Sets the statistics of the features from the encoded training rows."""

    def owners(self, facts: Mapping[str, Any]) -> tuple[list[str], list[int]]:
        """Returns the C columns that can be blamed, and the column of each of the F features.

        By default none: ([], []).
        """
        return [], []

    @abstractmethod
    def network(self, features: nn.Module, model: nn.Module) -> nn.Module:
        """Returns the network that answers with `model` from these features."""

    def described(
        self, facts: Mapping[str, Any], features: np.ndarray, groups: np.ndarray, count: int
    ) -> list[str]:
        """Returns a short description of each of the `count` groups, "" where nothing describes it.

        `features` (N, F) are those of the training rows, `groups` (N,) their groups from 0. By
        default, nothing describes them.
        """
        return [""] * count


def features_of(
    subject: Subject, features: nn.Module, rows: Columns, missing: float = 0.0
) -> np.ndarray:
    """Returns the features (N, F) of encoded rows; `missing` stands for a missing value."""
    net = subject.network(features, networks.Unchanged()).to(next(features.buffers()).device)
    found = by_torch(net)(rows.only([*subject.columns]))["embedding"]
    return np.nan_to_num(np.asarray(found), nan=missing)


def holds(path: Path, belongs: Callable[[str], bool]) -> bool:
    """Returns True for a file whose name belongs to a subject, or a folder of mostly such files."""
    if path.is_file() and not is_archive(path):
        return belongs(path.name.lower())
    if not path.exists():
        return False
    names = [entry.name.rsplit("/", 1)[-1].lower() for entry in open_tree(path).entries[:EXAMINED]]
    return sum(map(belongs, names)) > len(names) / 2


def find(name: str) -> Subject:
    """Returns the subject of this name."""
    found: Subject = import_module(f"tenfold.recipes.subjects.{name}").SUBJECT
    return found


def recognised(source: Any, reading: Reading) -> Subject:
    """Returns the first subject that fits the source; the last one, where none does."""
    for name in NAMES[:-1]:
        if (one := find(name)).fits(source, reading):
            return one
    return find(NAMES[-1])
