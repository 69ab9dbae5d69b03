"""The common form of all formats of boxes: what a file states about a picture, as it is written.

The reader of a format returns `Judgement`s: the annotations of one file for one picture. `made`
matches them with pictures, checks them and makes rows, in the same way for every format.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tenfold.core.columns import Problem
from tenfold.core.message import EMPTY, Message
from tenfold.media.files.listing import Entry

__all__ = [
    "DrawnShape",
    "Judgement",
    "LabelledBox",
    "PictureRow",
    "StatedBoxes",
    "bad_box",
    "bad_class",
    "ellipse",
    "held_out",
    "in_several_parts",
    "listed",
    "number_of",
]

Corner = tuple[float, float]
LabelledBox = tuple[str, float, float, float, float]


@dataclass(frozen=True)
class DrawnShape:
    """One object: its label and the points that its box encloses.

    `place` is its position in the file, such as "line 3". An `ignored` object (crowd,
    difficult) is never scored and never background. The points are turned by `turn` degrees
    clockwise about the point `about`. `problem` is set for an object whose position or class is
    not known; its picture cannot be used.
    """

    label: str
    points: tuple[Corner, ...]
    place: Message
    ignored: bool = False
    turn: float = 0.0
    about: Corner = (0.0, 0.0)
    problem: Problem | None = None

    @staticmethod
    def box(
        label: str, edges: Sequence[float], place: Message, ignored: bool = False
    ) -> DrawnShape:
        """Returns the object in a box of left, upper, right and lower edge."""
        left, upper, right, lower = edges
        return DrawnShape(label, ((left, upper), (right, lower)), place, ignored)

    def corners(self) -> tuple[Corner, ...]:
        """Returns the upper left and the lower right corner of the points, not turned."""
        xs, ys = zip(*self.points, strict=True)
        return (min(xs), min(ys)), (max(xs), max(ys))


@dataclass
class Judgement:
    """The annotation of one picture in one file; without shapes, the picture has no objects.

    `picture` is the name or path as written, `others` are names to try after it. The numbers of the
    shapes are pixels, or fractions of width and height with `fractions`. `size` is the width and
    height that the file states, None where the format has none; a missing number is 0. `entry` is
    the picture where the format itself determines it.
    """

    picture: str
    file: str
    shapes: list[DrawnShape] = field(default_factory=list)
    size: tuple[float, float] | None = None
    fractions: bool = False
    others: tuple[str, ...] = ()
    entry: Entry | None = None
    part: str = ""
    group: str = ""
    problem: Problem | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class StatedBoxes:
    """The content of all files of one format: annotations, and the classes that they declare.

    `used` are the names of the files that were read. `left` are things that are not used: their
    kind, names and the reason; `left_out` are pictures that are not used, and the reason. `parts`
    states how parts were found. `roles` are columns of `Judgement.fields` by role, such as group,
    where the format has them.
    """

    format: Message
    judgements: list[Judgement] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    left: list[tuple[str, list[str], Message]] = field(default_factory=list)
    notes: list[Message] = field(default_factory=list)
    left_out: list[tuple[Judgement, Message]] = field(default_factory=list)
    parts: Message = EMPTY
    roles: dict[str, str] = field(default_factory=dict)
    lists_pictures: bool = True
    """True where an annotation without a picture means that the picture is missing."""

    def joined(self, other: StatedBoxes, known: set[str]) -> StatedBoxes:
        """Returns both; pictures that `known` contains are not empty for lack of a file."""
        every = [*self.judgements, *other.judgements]
        return replace(
            self,
            format=Message("{left}, {right}", left=self.format, right=other.format),
            judgements=[
                one for one in every if one.file or one.entry is None or one.entry.name not in known
            ],
            classes=[*self.classes, *other.classes],
            used=self.used | other.used,
            left=[*self.left, *other.left],
            left_out=[*self.left_out, *other.left_out],
            notes=[*self.notes, *other.notes],
            parts=self.parts or other.parts,
            roles={**other.roles, **self.roles},
            lists_pictures=self.lists_pictures and other.lists_pictures,
        )

    def leave(self, kind: str, names: Sequence[str], why: Message) -> None:
        """Adds things that are not used, if there are any."""
        if names:
            self.left.append((kind, list(names), why))


@dataclass
class PictureRow:
    """One picture with all that was stated about it, and its boxes in fractions.

    `entry` is None for a picture that is not there.
    """

    entry: Entry | None
    source: str
    judgements: list[Judgement] = field(default_factory=list)
    problem: Problem | None = None
    boxes: list[LabelledBox] = field(default_factory=list)
    ignored: list[LabelledBox] = field(default_factory=list)
    known: set[tuple[bool, LabelledBox]] = field(default_factory=set)
    repeated: list[str] = field(default_factory=list)
    """The places of boxes that the picture has already, to the last digit."""
    part: str = ""

    def add(self, box: LabelledBox, shape: DrawnShape) -> None:
        """Adds the box of a shape, unless the picture has it."""
        if (shape.ignored, box) in self.known:
            self.repeated.append(str(shape.place))
            return
        self.known.add((shape.ignored, box))
        (self.ignored if shape.ignored else self.boxes).append(box)

    @property
    def fields(self) -> Mapping[str, Any]:
        """Returns the further fields of the first annotation that has some."""
        return next((one.fields for one in self.judgements if one.fields), {})

    @property
    def empty(self) -> bool:
        """Returns True for a picture that was annotated as having no objects."""
        return not self.boxes and not self.ignored and self.problem is None


def held_out(parts: Collection[str]) -> str:
    """Returns the part of a picture that is in several: the most held out; "" for none."""
    return next((part for part in ("test", "valid", "train") if part in parts), "")


def in_several_parts(count: int) -> Message:
    """Returns the sentence on pictures that are in several parts."""
    return Message(
        "Pictures in several parts, which are held out from training: {count}.", count=count
    )


def listed(names: Sequence[str], most: int = 8) -> str:
    """Returns the first names for a sentence; "-" for none."""
    return (", ".join(names[:most]) + (", ..." if len(names) > most else "")) or "-"


def ellipse(x: float, y: float, radius_x: float, radius_y: float) -> tuple[Corner, ...]:
    """Returns points on an ellipse with its middle at x, y, one for each degree."""
    angles = [math.radians(degree) for degree in range(360)]
    return tuple((x + radius_x * math.cos(a), y + radius_y * math.sin(a)) for a in angles)


def number_of(value: Any) -> float:
    """Returns a number that a file states, as a number or as text; 0 for other values."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return 0.0
    return found if math.isfinite(found) else 0.0


def bad_box(file: str, place: Message, why: Message) -> Problem:
    """Returns the problem of a picture with a box that cannot be used."""
    return Problem(
        "bad-box",
        Message(
            "has a box that cannot be used: {why} ({file}, {place})", why=why, **_at(file, place)
        ),
        Message("Correct or remove the box there."),
    )


def bad_class(file: str, place: Message, number: object) -> Problem:
    """Returns the problem of a picture with a box whose class number has no name."""
    return Problem(
        "unnamed-class",
        Message(
            "has a box of class {number}, which has no name ({file}, {place})",
            number=number,
            **_at(file, place),
        ),
        Message("Add the name of this class, or correct the number."),
    )


def _at(file: str, place: Message) -> dict[str, Any]:
    return {"file": file, "place": place}
