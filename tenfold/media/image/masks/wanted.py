"""What the user and earlier readings state about masks: values to ignore, numbers of objects."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tenfold.core.errors import UsageError
from tenfold.core.message import Message
from tenfold.media.image.masks.values.class_names import ClassName, parsed_colour
from tenfold.media.image.masks.values.decoded import Decoded
from tenfold.media.image.masks.values.mapping import (
    CLASSES,
    OBJECTS,
    ValueMapping,
    mapped,
)
from tenfold.media.reading import Reading

__all__ = ["FOUND", "Wanted", "ignored_values", "refuse_target", "wanted_of"]

_CHANNELS = re.compile(r"\s*\d+(\s*,\s*\d+)*\s*|[TZCtzc]{1,3}(:\s*\d+(\s*,\s*\d+)*)?")
FOUND = "masks"
"""Name of the mapping of values among the findings of a reading."""


@dataclass(frozen=True)
class Wanted:
    """The options for reading masks: the reading, the values of unlabelled pixels, the channels.

    `how` states whether numbers are classes or objects, "" where the masks decide.
    """

    reading: Reading
    ignored: frozenset[int] = frozenset()
    channels: str = ""
    how: str = ""

    @property
    def order(self) -> str:
        """Returns the order of pages given with `--channels ZC:0,1`, "" where none is given."""
        return self.channels.partition(":")[0].upper() if self.channels[:1].isalpha() else ""

    @property
    def picked(self) -> tuple[int, ...]:
        """Returns the numbers of the channels to use, counted from 0; () for all."""
        numbers = self.channels.rpartition(":")[2] if self.order else self.channels
        return tuple(int(one) for one in numbers.split(",") if one.strip().isdigit())

    def mapping(self, files: Sequence[Decoded], names: Sequence[ClassName]) -> ValueMapping:
        """Returns the mapping of an earlier reading, else decides one over all masks.

        Data that name the same classes themselves may number them in another way.
        """
        held = self.reading.found.get(FOUND)
        stored = ValueMapping.of_json(held) if isinstance(held, dict) else None
        if stored is not None and not {one.name for one in names} & set(stored.classes):
            return stored
        return mapped(files, names, self.ignored, self.how)

    def completed(self, values: ValueMapping) -> Reading:
        """Returns the reading with the mapping, for `test` and `predict`."""
        return self.reading.finding(**{FOUND: values.to_json()})


def ignored_values(text: str) -> frozenset[int]:
    """Returns the values of `--ignore-value`: numbers or colours (#e0e0c0), between commas.

    A colour is 1 << 32 plus 0xRRGGBB. Raises UsageError for other texts.
    """
    found = set[int]()
    for one in filter(None, (part.strip() for part in text.split(","))):
        colour = parsed_colour(one) if one.startswith("#") else None
        if colour is None and not one.isdigit():
            raise UsageError(
                Message("ignore_value must be a number or a colour, got {value!r}", value=one),
                code="bad-setting",
                where="ignore_value",
                fix=Message("Write --ignore-value 255, or a colour such as #e0e0c0."),
            )
        found.add(int(one) if colour is None else 1 << 32 | colour)
    return frozenset(found)


def wanted_of(reading: Reading, ignore_value: str = "", channels: str = "") -> Wanted:
    """Returns the parsed options. `--target` may state `classes` or `objects`, or name a column."""
    if channels and not _CHANNELS.fullmatch(channels):
        raise UsageError(
            Message("channels must be numbers from 0, got {value!r}", value=channels),
            code="bad-setting",
            where="channels",
            fix=Message(
                "Write --channels 0,2; for stacks that do not state the order of their pages, "
                "--channels ZC (channels change fastest), --channels CZ or --channels ZC:0,2."
            ),
        )
    how = reading.target if reading.target in (CLASSES, OBJECTS) else ""
    reading = replace(reading, target="") if how else reading
    return Wanted(reading, ignored_values(ignore_value), channels, how)


def refuse_target(wanted: Wanted, where: str) -> None:
    """Raises UsageError where `--target` names a column, and the masks have no table."""
    if wanted.reading.target:
        raise UsageError(
            Message(
                "target must be one of {choices}, got {value!r}",
                choices=f"{CLASSES}, {OBJECTS}",
                value=wanted.reading.target,
            ),
            code="bad-setting",
            where=where,
            fix=Message(
                "Give --target objects where each number of a mask is an object, --target classes "
                "where it is a class."
            ),
        )
