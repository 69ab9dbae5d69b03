"""What a run can say: predictions, explanations, scores. Frozen, and JSON by `to_json`.

Places are fractions of width and height, times are seconds.
"""

from __future__ import annotations

import copy
import json
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, ClassVar

__all__ = [
    "Explanation",
    "Label",
    "Labels",
    "Marked",
    "Prediction",
    "Ranking",
    "Ratings",
    "Score",
    "Scores",
    "Spans",
    "Tags",
    "to_json",
]

SCHEMA = 1
"""Version of the JSON documents and of the run folder."""


@dataclass(frozen=True)
class Label:
    """One class of several; `probabilities` is the whole calibrated distribution, best first."""

    columns: ClassVar[tuple[str, ...]] = ("label",)
    label: str
    probabilities: dict[str, float]

    @property
    def probability(self) -> float:
        """Calibrated probability of `label`."""
        return self.probabilities.get(self.label, 0.0)

    @property
    def line(self) -> str:
        """On a terminal, cells with tabs between."""
        return f"{self.label}\t{self.probability:.4f}"

    @property
    def chances(self) -> dict[str, float]:
        """What is said of each class, by name."""
        return self.probabilities

    @property
    def cells(self) -> tuple[str, ...]:
        """What stands in `columns` of a table of answers, before the probabilities of classes."""
        return (self.label,)

    def about(self, name: str) -> Label:
        """The same probabilities, as if that class had been said."""
        return replace(self, label=name)

    def weighed_by(self, other: Any) -> Label:
        """The same decision with the probabilities of another answer."""
        return replace(self, probabilities=other.probabilities)


@dataclass(frozen=True)
class Labels:
    """Any number of classes; `labels` are those at or above the threshold."""

    columns: ClassVar[tuple[str, ...]] = ("label",)
    labels: tuple[str, ...]
    probabilities: dict[str, float]

    @property
    def line(self) -> str:
        """On a terminal, cells with tabs between."""
        return f"{'|'.join(self.labels)}\t{json.dumps(self.probabilities, ensure_ascii=False)}"

    @property
    def chances(self) -> dict[str, float]:
        """What is said of each class, by name."""
        return self.probabilities

    @property
    def cells(self) -> tuple[str, ...]:
        """What stands in `columns` of a table of answers, before the probabilities of classes."""
        return ("|".join(self.labels),)

    def about(self, name: str) -> Labels:
        """The same probabilities, as if that class alone had been said."""
        return replace(self, labels=(name,))

    def weighed_by(self, other: Any) -> Labels:
        """The same decision with the probabilities of another answer."""
        return replace(self, probabilities=other.probabilities)


Marked = tuple[str, int, int]
"""A name, the first character and the one behind the last, in the text as it was given."""


@dataclass(frozen=True)
class Spans:
    """Parts of a text with their types, in order; `probabilities` one a span."""

    columns: ClassVar[tuple[str, ...]] = ("spans",)
    spans: tuple[Marked, ...]
    probabilities: tuple[float, ...]

    @property
    def line(self) -> str:
        """On a terminal, cells with tabs between."""
        return "\t".join(f"{kind} {start}-{end}" for kind, start, end in self.spans) or "-"

    @property
    def cells(self) -> tuple[str, ...]:
        """What stands in `columns` of a table of answers."""
        return (json.dumps(self.spans, ensure_ascii=False),)

    @property
    def chances(self) -> dict[str, float]:
        """The surest of each name, by name."""
        pairs = zip(self.spans, self.probabilities, strict=True)
        return {name: chance for chance, name in sorted((one, name) for (name, *_), one in pairs)}

    def about(self, name: str) -> Spans:
        """The spans of one type."""
        pairs = zip(self.spans, self.probabilities, strict=True)
        kept = [(span, chance) for span, chance in pairs if span[0] == name]
        return Spans(tuple(span for span, _ in kept), tuple(chance for _, chance in kept))

    def weighed_by(self, other: Any) -> Spans:
        """The same: each span has a probability of its own."""
        return self


@dataclass(frozen=True)
class Tags:
    """A tag for each token of a text, in order; `probabilities` one a token."""

    columns: ClassVar[tuple[str, ...]] = ("tags",)
    tags: tuple[Marked, ...]
    probabilities: tuple[float, ...]

    @property
    def line(self) -> str:
        """On a terminal."""
        return " ".join(tag for tag, *_ in self.tags) or "-"

    @property
    def cells(self) -> tuple[str, ...]:
        """What stands in `columns` of a table of answers."""
        return (json.dumps(self.tags, ensure_ascii=False),)

    @property
    def chances(self) -> dict[str, float]:
        """The surest of each name, by name."""
        pairs = zip(self.tags, self.probabilities, strict=True)
        return {name: chance for chance, name in sorted((one, name) for (name, *_), one in pairs)}

    def about(self, name: str) -> Tags:
        """The tokens of one tag."""
        pairs = zip(self.tags, self.probabilities, strict=True)
        kept = [(tag, chance) for tag, chance in pairs if tag[0] == name]
        return Tags(tuple(tag for tag, _ in kept), tuple(chance for _, chance in kept))

    def weighed_by(self, other: Any) -> Tags:
        """The same: each tag has a probability of its own."""
        return self


@dataclass(frozen=True)
class Ranking:
    """What suits best first: `items` are (item, score); scores of a catalogue add up to one.

    `known` of the `given` items it was asked with are in the catalogue; where none is, the answer
    is what is most popular. `titles` are those of the items that have one.
    """

    columns: ClassVar[tuple[str, ...]] = ("items",)
    items: tuple[tuple[str, float], ...]
    known: int = 0
    given: int = 0
    titles: dict[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The items, best first."""
        return tuple(name for name, _ in self.items)

    @property
    def line(self) -> str:
        """On a terminal, cells with tabs between."""
        said = [f"{self.titles.get(name, name)} {score:.4f}" for name, score in self.items]
        few = f"{self.known} of {self.given} items known" if self.known < self.given else ""
        basis = few if self.known else "most popular" + (f", {few}" if few else "")
        return "\t".join([*said, f"({basis})"] if basis else said) or "-"

    @property
    def cells(self) -> tuple[str, ...]:
        """What stands in `columns` of a table of answers."""
        return ("|".join(self.names),)

    @property
    def chances(self) -> dict[str, float]:
        """The score of each item, by name."""
        return dict(self.items)

    def about(self, name: str) -> Ranking:
        """The same, as if that item alone had been recommended."""
        return replace(self, items=tuple(one for one in self.items if one[0] == name))

    def weighed_by(self, other: Any) -> Ranking:
        """The same: each item has a score of its own."""
        return self


@dataclass(frozen=True)
class Ratings:
    """What ratings a person would give: `items` are (item, rating), in the order asked.

    `otherwise` is what an item gets of which nothing is known. `known` of the `given` entries
    are in the catalogue.
    """

    columns: ClassVar[tuple[str, ...]] = ("ratings",)
    items: tuple[tuple[str, float], ...]
    otherwise: float
    known: int = 0
    given: int = 0
    titles: dict[str, str] = field(default_factory=dict)

    @property
    def line(self) -> str:
        """On a terminal, cells with tabs between."""
        said = [f"{self.titles.get(name, name)} {rating:.2f}" for name, rating in self.items]
        return "\t".join([*said, f"(any other {self.otherwise:.2f})"])

    @property
    def cells(self) -> tuple[str, ...]:
        """What stands in `columns` of a table of answers."""
        return ("|".join(f"{name}={rating:.4f}" for name, rating in self.items),)

    @property
    def chances(self) -> dict[str, float]:
        """No probabilities."""
        return {}

    def about(self, name: str) -> Ratings:
        """The same, as if that item alone had been asked for."""
        return replace(self, items=tuple(one for one in self.items if one[0] == name))

    def weighed_by(self, other: Any) -> Ratings:
        """The same: each item has a rating of its own."""
        return self


Prediction = Label | Labels | Spans | Tags | Ranking | Ratings


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
    """A metric with its 95 % interval and what the best constant guess reaches."""

    value: float
    low: float
    high: float
    guess: float

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


def to_json(result: Prediction | Explanation) -> dict[str, Any]:
    """A prediction or an explanation as a JSON object that names its kind."""
    # Not asdict, which copies each of a thousand classes as if it could be anything.
    values = {entry.name: copy.copy(getattr(result, entry.name)) for entry in fields(result)}
    if not values.get("places", True):
        del values["places"]  # an explanation of a picture, which is a grid
    return {"kind": type(result).__name__.lower(), **values}
