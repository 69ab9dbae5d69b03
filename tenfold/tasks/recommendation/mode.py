"""What a recommender that ranks and one that predicts ratings do differently.

A mode is one object without state; the task asks `ranking.MODE` or `rating.MODE`. Items are
numbered from 1, in the order of the catalogue; 0 is an item that is not known.
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
    """The settings and the properties of the training rows that decide what is fitted.

    `l2` 0 = best on validation; `ordered` where items of a row have an order in time; the loss of a
    sequence compares `positions` of a training row.
    """

    model: str
    l2: float
    learning_rate: float
    items: int
    ordered: bool
    positions: int


class Mode(ABC):
    """One kind of answer of a recommender: how rows are encoded, learnt from and answered."""

    answer: ClassVar[AnswerKind]
    rated: ClassVar[bool]
    """Whether rows hold ratings; stands in `facts["data"]` and so decides the mode of a run."""
    widths: ClassVar[dict[str, int]]
    """Width of the network by the setting `size`."""

    @abstractmethod
    def names(self, items: Any, after: Any) -> list[str]:
        """Ids of the items that a training row holds, in order."""

    @abstractmethod
    def encode(self, rows: list[list[str]], table: Table, data: Facts) -> Encoded:
        """The arguments of the network, of the entries of each row of `table`."""

    @abstractmethod
    def targets(self, after: Iterable[Any], numbers: dict[str, int]) -> dict[str, Column]:
        """What the loss compares with, of what came after each row."""

    @abstractmethod
    def build(self, net: Facts, fitted: Facts) -> nn.Module:
        """The untrained network."""

    @abstractmethod
    def fit(self, net: Any, parts: Parts, plan: Plan, request: FitRequest) -> Fitted:
        """The trained network, what was decided, and the other candidates."""

    @abstractmethod
    def decode(self, outputs: Outputs, data: Facts, top: int) -> list[Prediction]:
        """One answer a row, of at most `top` items where no particular items were asked about."""

    @abstractmethod
    def memory(
        self, persons: Iterable[str], rows: Iterable[tuple[Any, Any]], numbers: dict[str, int]
    ) -> Facts:
        """What each person had, of rows of (items, what came after)."""

    @abstractmethod
    def resolve(self, entry: str, memory: Facts, names: tuple[str, ...]) -> list[str]:
        """The entries that one entry stands for: itself, or all that a person had."""

    @abstractmethod
    def show(self, cell: Any, titles: dict[str, str]) -> Any:
        """A cell of `items` or `next` with titles for ids."""
