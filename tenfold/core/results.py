"""What a run can say: predictions, explanations, scores. Frozen, and JSON by `to_json`.

Places are fractions of width and height, times are seconds.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar

__all__ = ["SCHEMA", "Explanation", "Prediction", "Score", "Scores", "to_json"]

SCHEMA = 1
"""Version of the JSON documents and of the run folder."""


class Prediction(ABC):
    """What a run answers for one row; a frozen dataclass for each kind of answer (see answers/)."""

    columns: ClassVar[tuple[str, ...]]
    """Columns of a table of answers that `cells` fills."""

    @property
    @abstractmethod
    def line(self) -> str:
        """On a terminal, cells with tabs between."""

    @property
    @abstractmethod
    def cells(self) -> tuple[str, ...]:
        """Values of `columns`, before the probabilities of classes."""

    @property
    @abstractmethod
    def chances(self) -> dict[str, float]:
        """Probability or score of each class or item, by name."""


@dataclass(frozen=True)
class Explanation:
    """How much each part of one input mattered to one answer.

    `weights` is a grid (rows, columns) over the picture or a list along the input; positive
    parts speak for the answer. Of a text `places` are [first, behind the last] character of each.
    """

    over: str
    method: str
    weights: list[Any] = field(default_factory=list)
    places: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class Score:
    """A metric with its 95 % interval and what the constant baseline reaches."""

    value: float
    low: float
    high: float
    baseline: float

    def to_json(self) -> dict[str, float]:
        """The four numbers by name."""
        return {name: _round(value) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Scores:
    """All metrics of one set of rows; `headline` names the one to quote."""

    headline: str
    metrics: dict[str, Score]
    rows: int
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def best(self) -> Score:
        """The headline's score."""
        return self.metrics[self.headline]


def _round(value: float) -> float:
    return round(float(value), 6)


def to_json(result: Any) -> dict[str, Any]:
    """A prediction or an explanation as a JSON object; a prediction names its kind of answer."""
    # Not asdict, which copies each of a thousand classes as if it could be anything.
    values = {entry.name: copy.copy(getattr(result, entry.name)) for entry in fields(result)}
    if not values.get("places", True):
        del values["places"]  # an explanation of a picture, which is a grid
    if isinstance(result, Prediction):
        values = {"answer": type(result).__name__.lower(), **values}
    return values
