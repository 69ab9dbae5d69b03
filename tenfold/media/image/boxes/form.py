"""The common form of all formats of boxes: what a file states about a picture, as it is written.

The readers of formats make `Judgement`s. `made` matches them with pictures, checks them, and makes
rows; nothing of that depends on the format.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tenfold.core.columns import Problem
from tenfold.core.message import EMPTY, Message
from tenfold.media.files.listing import Entry

__all__ = ["Found", "Judgement", "Shape", "bad_box", "bad_class"]

Point = tuple[float, float]


@dataclass(frozen=True)
class Shape:
    """One object: its label and the points that its box encloses.

    `place` says where it stands in its file, such as "line 3". An `ignored` object (crowd,
    difficult) is never scored and never background. The points are turned by `turn` degrees
    clockwise about the point `about`. With a `problem`, an object of unknown place or class lies in
    the picture, which cannot be used then.
    """

    label: str
    points: tuple[Point, ...]
    place: Message
    ignored: bool = False
    turn: float = 0.0
    about: Point = (0.0, 0.0)
    problem: Problem | None = None

    @staticmethod
    def box(label: str, edges: Sequence[float], place: Message, ignored: bool = False) -> Shape:
        """Returns the object in a box of left, upper, right and lower edge."""
        left, upper, right, lower = edges
        return Shape(label, ((left, upper), (right, lower)), place, ignored)


@dataclass
class Judgement:
    """The objects that one file states for one picture; no objects: it was looked at and is empty.

    `picture` is the name or path as written, `others` are names to try after it. The numbers of the
    shapes are pixels, or fractions of width and height with `fractions`. `size` is the width and
    height that the file states, None where the format has none; a missing number is 0. `entry` is
    the picture where the format itself determines it.
    """

    picture: str
    file: str
    shapes: list[Shape] = field(default_factory=list)
    size: tuple[float, float] | None = None
    fractions: bool = False
    others: tuple[str, ...] = ()
    entry: Entry | None = None
    part: str = ""
    group: str = ""
    problem: Problem | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Found:
    """All that the files of one format state: judgements, and the classes that they declare.

    `used` are the names of the files that were read. `left` are things that are not used: their
    kind, names and the reason. `absent` is the reason why a picture without judgement is not used.
    """

    format: Message
    judgements: list[Judgement] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    left: list[tuple[str, list[str], Message]] = field(default_factory=list)
    notes: list[Message] = field(default_factory=list)
    parts: Message = EMPTY
    lists_pictures: bool = True
    """True where a judgement without a picture means that the picture was lost."""

    def leave(self, kind: str, names: Sequence[str], why: Message) -> None:
        """Adds things that are not used, if there are any."""
        if names:
            self.left.append((kind, list(names), why))


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
