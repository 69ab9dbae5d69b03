"""Results of a run: predictions, explanations and scores, as frozen dataclasses.

`to_json` converts them to JSON. Positions are fractions of width and height; times are in seconds.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from tenfold.core.message import EMPTY, Message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from PIL.Image import Image

__all__ = [
    "SCHEMA",
    "ExplainedPart",
    "Explanation",
    "Prediction",
    "Recalled",
    "Score",
    "Scores",
    "rounded",
    "to_json",
]

SCHEMA = 1
"""Version of the JSON documents and of the run folder."""
_OF_FIELDS = ("names", "values", "typical", "base", "total")
"""Entries of an explanation that only inputs of fields have."""


class Prediction(ABC):
    """The prediction for one row; each answer kind has its frozen dataclass (see answers/)."""

    columns: ClassVar[tuple[str, ...]]
    """Names of the columns that hold `cells` in a table of predictions."""

    @property
    @abstractmethod
    def line(self) -> str:
        """One line for the terminal, with cells separated by tabs."""

    @property
    @abstractmethod
    def cells(self) -> tuple[str, ...]:
        """Values of `columns` in a table of predictions, before the probabilities of classes."""

    @property
    @abstractmethod
    def chances(self) -> dict[str, float]:
        """Probability or score of each class or item, by name."""


class Recalled(NamedTuple):
    """M true classes of labelled rows, and whether each was predicted for its row (`hits`)."""

    rows: np.ndarray
    """Position of the row of each true class (M,)."""
    classes: Sequence[str]
    hits: np.ndarray


@dataclass(frozen=True)
class Explanation:
    """How much each part of one input contributed to one prediction.

    `over` is the name of the input. `weights` is a grid (rows, columns) over the image, or a list
    along the input; positive weights support the prediction. For a text, `places` are the [start,
    end] characters of each part, end excluded.

    For an input of fields, `weights` are the contributions of the fields `names`, whose `values`
    differ from those of the typical input, `typical` (all as text). Their sum is `total`, the
    prediction as a number, minus `base`, that of the typical input.
    """

    over: str
    method: str
    weights: list[Any] = field(default_factory=list)
    places: list[Any] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    typical: list[str] = field(default_factory=list)
    base: float | None = None
    total: float | None = None


def _unmarked(picture: Image) -> Image:
    return picture


@dataclass(frozen=True)
class ExplainedPart:
    """The part of an answer that is explained: all of it, or one part such as a box.

    `name` and `document` (JSON) state the part; they are empty where the answer is explained as a
    whole. `marked` returns the encoded picture of the input with the part drawn on it.
    """

    answer: Prediction
    name: Message = EMPTY
    document: dict[str, Any] = field(default_factory=dict)
    marked: Callable[[Image], Image] = _unmarked


@dataclass(frozen=True)
class Score:
    """The value of a metric with its 95 % interval and the value of the constant baseline.

    `low` and `high` are None where there are too few groups of rows for an interval.
    """

    value: float
    low: float | None
    high: float | None
    baseline: float

    def to_json(self) -> dict[str, float | None]:
        """Returns the four numbers by name, as `rounded` does."""
        return {name: rounded(value) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Scores:
    """All metrics on one set of rows; `headline` names the main metric.

    `groups` is the number of groups of rows (such as persons) if the intervals treat each group as
    one observation; None if they treat each row as one.
    """

    headline: str
    metrics: dict[str, Score]
    rows: int
    details: dict[str, Any] = field(default_factory=dict)
    groups: int | None = None

    @property
    def best(self) -> Score:
        """Score of the main metric."""
        return self.metrics[self.headline]


def rounded(value: float | None) -> float | None:
    """Returns a number rounded to six decimals, as JSON documents hold it; None stays None.

    A number below 0.001 keeps four significant digits: the unit of a score may be small.
    """
    if value is None:
        return None
    small = 0 < abs(value) < 1e-3
    return float(f"{float(value):.4g}") if small else round(float(value), 6)


def to_json(result: Any) -> dict[str, Any]:
    """Converts a prediction or an explanation to a JSON object.

    A prediction gets the name of its answer kind under `answer`.
    """
    # Not asdict: it makes a deep copy, which is slow for a thousand classes.
    values = {entry.name: copy.copy(getattr(result, entry.name)) for entry in fields(result)}
    if isinstance(result, Explanation):
        # An explanation of an image is a grid: it has neither places nor fields.
        other = _OF_FIELDS if result.base is None else ()
        left = (*other, *(() if result.places else ("places",)))
        values = {name: value for name, value in values.items() if name not in left}
    if isinstance(result, Prediction):
        values = {"answer": type(result).__name__.lower(), **values}
    return values
