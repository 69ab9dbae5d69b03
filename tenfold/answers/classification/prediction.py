"""The prediction of single-label classification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tenfold.core.results import Prediction

__all__ = ["Label"]


@dataclass(frozen=True)
class Label(Prediction):
    """A predicted class; `probabilities` holds calibrated probabilities, the highest first."""

    columns: ClassVar[tuple[str, ...]] = ("label",)
    label: str
    probabilities: dict[str, float]

    @property
    def probability(self) -> float:
        """Calibrated probability of `label`."""
        return self.probabilities.get(self.label, 0.0)

    @property
    def line(self) -> str:
        """One line for the terminal, with cells separated by tabs."""
        return f"{self.label}\t{self.probability:.4f}"

    @property
    def chances(self) -> dict[str, float]:
        """Probability of each class, by name."""
        return self.probabilities

    @property
    def cells(self) -> tuple[str, ...]:
        """Values of `columns` in a table of predictions, before the probabilities of classes."""
        return (self.label,)
