"""The prediction of clustering: the group of a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tenfold.core.results import Prediction

__all__ = ["Group"]


@dataclass(frozen=True)
class Group(Prediction):
    """The group of a row: its number from "1", and the probability of each group.

    `name` describes the rows of the group, "" if nothing does. `silhouette` is from -1 to 1: how
    much nearer the row is to the rows of its own group than to those of the next one.
    """

    columns: ClassVar[tuple[str, ...]] = ("group", "name")
    group: str
    probabilities: dict[str, float]
    name: str = ""
    silhouette: float = 0.0

    @property
    def probability(self) -> float:
        """Probability of `group`."""
        return self.probabilities.get(self.group, 0.0)

    @property
    def line(self) -> str:
        """One line for the terminal, with cells separated by tabs."""
        return "\t".join(filter(None, [self.group, f"{self.probability:.4f}", self.name]))

    @property
    def chances(self) -> dict[str, float]:
        """Probability of each group, by its number."""
        return self.probabilities

    @property
    def cells(self) -> tuple[str, ...]:
        """Values of `columns` in a table of predictions, before the probabilities of groups."""
        return (self.group, self.name)
