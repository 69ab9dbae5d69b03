"""The table of pictures and true masks, and sentences about the masks as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.message import Message
from tenfold.core.rows import Rows
from tenfold.core.taken import Taken
from tenfold.media.files import references
from tenfold.media.image.masks.pixels import TrueMask

__all__ = ["MaskRow", "counted", "rows_of"]

MOST_SHOWN = 24


@dataclass
class MaskRow:
    """One row: the picture's cell, its name, its mask as a cell, and why it cannot be used."""

    image: Any
    source: str
    mask: str | None = None
    problem: Problem | None = None
    part: str = ""
    extra: dict[str, Any] = field(default_factory=dict)
    """Further columns: group, time, weight, by."""
    counts: dict[str, int] = field(default_factory=dict)
    """Pixels of each class."""
    objects: dict[str, int] = field(default_factory=dict)
    """Number of objects of each class."""
    void: int = 0

    def judged(self, mask: TrueMask) -> None:
        """Adds the mask."""
        self.mask = mask.cell()
        self.counts = mask.counts()
        self.void = int(mask.pixels.size - sum(self.counts.values()))
        self.objects = _objects(mask)


def _objects(mask: TrueMask) -> dict[str, int]:
    """Returns the number of objects of each class; an object has the class of its first pixel."""
    if mask.objects is None:
        return {}
    numbers, first = np.unique(mask.objects, return_index=True)
    places = mask.pixels.ravel()[first[numbers > 0]]
    return dict(Counter(mask.classes[at] for at in places if at < len(mask.classes)))


def _left_open(rows: Sequence[MaskRow]) -> None:
    """Leaves the mask of test rows open, and those of a whole validation part, where none is given.

    Such rows are not scored, but are not unusable either.
    """
    valid = [one for one in rows if one.part == "valid"]
    bare = all(one.problem is not None and one.problem.code == "no-mask" for one in valid)
    for one in rows:
        if one.problem is not None and one.problem.code == "no-mask":
            opened = one.part == "test" or (one.part == "valid" and bare)
            one.problem = None if opened else one.problem


def rows_of(rows: Sequence[MaskRow], taken: Taken, ignored: Sequence[str] = ()) -> Rows:
    """Returns the rows as a table, with the columns that any row has."""
    _left_open(rows)
    table = pd.DataFrame(
        {
            "image": pd.Series([one.image for one in rows], dtype=object),
            "mask": pd.Series([one.mask for one in rows], dtype=object),
            "source": [references.printable(one.source) for one in rows],
            "problem": pd.Series([one.problem for one in rows], dtype=object),
        }
    )
    if any(one.part for one in rows):
        # a picture outside all lists belongs to no part: it is for training
        table["split"] = [one.part or "train" for one in rows]
    for name in dict.fromkeys(key for one in rows for key in one.extra):
        table[name] = pd.Series([one.extra.get(name) for one in rows], dtype=object)
    return Rows(table, ignored=list(ignored), taken=taken)


def counted(rows: Sequence[MaskRow], taken: Taken) -> None:
    """Adds a sentence with the number of pixels of each class, unlabelled pixels, and objects."""
    usable = [one for one in rows if one.mask is not None and one.problem is None]
    pixels = Counter[str]()
    for one in usable:
        pixels.update(one.counts)
    if not usable:
        return
    shown = [f"{name} {count}" for name, count in pixels.items()]
    listed = ", ".join(shown[:MOST_SHOWN]) + (" ..." if len(shown) > MOST_SHOWN else "")
    void, objects = sum(one.void for one in usable), Counter[str]()
    for one in usable:
        objects.update(one.objects)
    taken.note(
        Message(
            "{count} masks; pixels by class: {pixels}; ignored: {void}.",
            count=len(usable),
            pixels=listed,
            void=void,
        )
    )
    if objects:
        named = ", ".join(f"{name} {count}" for name, count in objects.most_common(MOST_SHOWN))
        taken.note(Message("Objects by class: {names}.", names=named))
    _alone(usable, taken)


def _alone(rows: Sequence[MaskRow], taken: Taken) -> None:
    """Adds a sentence about classes that occur in one part of the split only."""
    parts: dict[str, set[str]] = {}
    for one in rows:
        for name in one.counts:
            parts.setdefault(name, set()).add(one.part)
    every = {one.part for one in rows}
    if len(every) < 2:
        return
    alone = [f"{name} ({min(found)})" for name, found in parts.items() if len(found) == 1]
    if alone:
        listed = ", ".join(alone[:MOST_SHOWN]) + (" ..." if len(alone) > MOST_SHOWN else "")
        taken.note(Message("Classes that occur in one part only: {names}.", names=listed))
