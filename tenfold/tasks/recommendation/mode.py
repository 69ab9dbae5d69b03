"""The two modes of a recommender: ranking items and predicting ratings.

A mode is one object without state; the task uses `ranking.MODE` or `rating.MODE`. Items are
numbered from 1, in the order of the catalogue; 0 is an unknown item.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tenfold.answers.kind import AnswerKind
from tenfold.core.columns import Column, Encoded, Parts
from tenfold.core.fitted import Fitted
from tenfold.core.plan import Plan
from tenfold.core.results import Prediction
from tenfold.task import Facts, Outputs, Table

if TYPE_CHECKING:
    from torch import nn

__all__ = ["FitRequest", "Mode"]


@dataclass(frozen=True)
class FitRequest:
    """Settings and properties of the training rows that determine the fit.

    With `l2` 0, several values are compared on validation. `ordered` is True where the items of a
    row are in order of time. `positions` is the number of positions of a training row in the loss
    of the sequence network.
    """

    model: str
    l2: float
    learning_rate: float
    items: int
    ordered: bool
    positions: int


class Mode(ABC):
    """One answer kind of a recommender: how rows are encoded, fitted and decoded."""

    answer: ClassVar[AnswerKind]
    rated: ClassVar[bool]
    """Whether rows hold ratings; stored in `facts["data"]`, which determines the mode of a run."""
    widths: ClassVar[dict[str, int]]
    """Width of the network for each value of the setting `size`."""

    @abstractmethod
    def names(self, items: Any, after: Any) -> list[str]:
        """The ids of the items of a training row, in order."""

    @abstractmethod
    def encode(self, rows: list[list[str]], table: Table, data: Facts) -> Encoded:
        """Encodes the entries of each row of `table` as the arguments of the network."""

    @abstractmethod
    def targets(self, after: Iterable[Any], numbers: dict[str, int]) -> dict[str, Column]:
        """The targets of the loss from the next items of each row."""

    @abstractmethod
    def build(self, net: Facts, fitted: Facts) -> nn.Module:
        """The untrained network."""

    @abstractmethod
    def fit(self, net: Any, parts: Parts, plan: Plan, request: FitRequest) -> Fitted:
        """The trained network, the choices made, and the other candidates."""

    @abstractmethod
    def decode(self, outputs: Outputs, data: Facts, top: int) -> list[Prediction]:
        """Returns a prediction per row: the `top` best items, or the ratings "item=?" asks for."""

    @abstractmethod
    def memory(
        self,
        persons: Iterable[str],
        rows: Iterable[tuple[Any, Any]],
        numbers: dict[str, int],
        disliked: Iterable[Any] | None = None,
    ) -> Facts:
        """The history of each user from rows of (items, next items), and the items not liked."""

    @abstractmethod
    def resolve(self, entry: str, memory: Facts, names: tuple[str, ...]) -> list[str]:
        """The entries that one entry stands for: itself, or the whole history of a user."""

    @abstractmethod
    def show(self, cell: Any, titles: dict[str, str]) -> Any:
        """A cell of `items` or `next` with titles in place of ids."""
