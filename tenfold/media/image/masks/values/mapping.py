"""Decides once, over all masks, which class each value or colour means.

Numbers are classes, a foreground beside a background, or the numbers of objects; palettes and
colours are read by colour where colours have names. 255 marks unlabelled pixels only where it
has no name of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tenfold.core.errors import DataRefused, UsageError
from tenfold.core.message import Message
from tenfold.media.files.listing import Entry
from tenfold.media.image.masks.pixels import IGNORED, MOST_CLASSES
from tenfold.media.image.masks.values.class_names import ClassName, colour_text
from tenfold.media.image.masks.values.decoded import COLOURS, PALETTE, TRANSPARENT, Decoded
from tenfold.media.image.masks.values.survey import (
    Survey,
    another_palette,
    changed_over,
    counts_up,
    solid_colours,
    surveyed,
    usual_palette,
)

__all__ = [
    "BACKGROUND",
    "CLASSES",
    "FOREGROUND",
    "OBJECTS",
    "ValueMapping",
    "chosen_names",
    "mapped",
]

CLASSES, FOREGROUND, OBJECTS = "classes", "foreground", "objects"
BACKGROUND = "background"
VOC_VOID = 0xE0E0C0
MOST_COLOURS = 64
GREY = 0x010101
_BACKGROUNDS = frozenset([BACKGROUND, "bg", "背景"])


@dataclass(frozen=True)
class ValueMapping:
    """What values and colours mean: `numbers` and `colours` give the place in `classes`.

    IGNORED is the place of unlabelled values. `how` is CLASSES, FOREGROUND (every number
    but 0 is class 1) or OBJECTS (every number but 0 is an object of class 1).
    """

    how: str
    classes: tuple[str, ...]
    numbers: Mapping[int, int] = field(default_factory=dict)
    colours: Mapping[int, int] = field(default_factory=dict)
    by_colour: bool = False
    """True where the indices of palettes are read by their colours."""

    def __post_init__(self) -> None:
        """Raises DataRefused where there are more classes than a mask can hold."""
        if len(self.classes) > MOST_CLASSES:
            raise DataRefused(
                Message(
                    "The masks have {count} classes, more than {most}",
                    count=len(self.classes),
                    most=MOST_CLASSES,
                ),
                code="mask-values",
                fix=Message(
                    "Give --target objects where each number is an object, or save class numbers "
                    "from 0 to 254."
                ),
            )

    def to_json(self) -> dict[str, Any]:
        """Returns the mapping as a JSON object."""
        return {
            "how": self.how,
            "classes": list(self.classes),
            "numbers": {str(key): value for key, value in self.numbers.items()},
            "colours": {f"#{key:06x}": value for key, value in self.colours.items()},
            "by_colour": self.by_colour,
        }

    @staticmethod
    def of_json(held: Mapping[str, Any]) -> ValueMapping:
        """Returns the mapping of a JSON object."""
        return ValueMapping(
            str(held["how"]),
            tuple(map(str, held["classes"])),
            {int(key): int(value) for key, value in held.get("numbers", {}).items()},
            {int(key[1:], 16): int(value) for key, value in held.get("colours", {}).items()},
            bool(held.get("by_colour")),
        )

    def place(self, value: int, colour: int | None) -> int | None:
        """Returns the class of a number, or of a palette's index with its colour; None if unknown.

        A colour counts where palettes are read by colour.
        """
        if colour is not None and self.by_colour:
            return self.colours.get(colour)
        return self.numbers.get(value)


def mapped(
    files: Sequence[Decoded],
    names: Sequence[ClassName],
    ignored: frozenset[int] = frozenset(),
    how: str = "",
) -> ValueMapping:
    """Returns what the values of the masks mean. `how` is given by the user, or "".

    Raises DataRefused or UsageError where this cannot be decided.
    """
    seen = surveyed(files)
    if not how and not names and counts_up(seen):
        raise _two_readings(seen)
    if how == OBJECTS or (not how and not names and _numbers_objects(seen)):
        return ValueMapping(OBJECTS, (BACKGROUND, "object"), {0: 0} | _ignoring(ignored))
    coloured = [one for one in names if one.colour is not None]
    shown = seen.forms[COLOURS] or seen.forms[PALETTE]
    if shown and len(coloured) == len(names) > 0:
        found = _by_names_of_colours(files, seen, names, ignored)
        if found is not None:
            return found
    if seen.forms[COLOURS]:
        return _by_colours(files, ignored)
    values = _foreground(seen, names, ignored, how) or _by_numbers(seen, names, ignored)
    return _with_palettes(files, values)


def _with_palettes(files: Sequence[Decoded], values: ValueMapping) -> ValueMapping:
    """Returns the mapping by colour where palettes differ: most masks state what a colour means."""
    usual = usual_palette(files)
    if not any(another_palette(one, usual) for one in files):
        return values
    if len(set(usual.values())) < len(usual) or any(one not in values.numbers for one in usual):
        return values
    colours = {colour: values.numbers[index] for index, colour in usual.items()}
    return replace(values, how=CLASSES, colours=colours, by_colour=True)


def chosen_names(
    files: Sequence[Decoded], found: Sequence[tuple[list[ClassName], Entry]]
) -> tuple[list[ClassName], Entry | None]:
    """Returns the names that cover most pixels of the masks, with their file; ([], None) without.

    Of equal ones the first counts.
    """
    if not found:
        return [], None
    seen = surveyed(files)

    def covered(one: tuple[list[ClassName], Entry]) -> tuple[int, int]:
        colours = {name.colour for name in one[0]}
        numbers = _numbered(one[0])
        return (
            sum(count for value, count in seen.colours.items() if value in colours),
            sum(count for value, count in seen.numbers.items() if value in numbers),
        )

    best = max(found, key=covered)
    return best if any(covered(best)) else ([], None)


def _ignoring(ignored: frozenset[int]) -> dict[int, int]:
    return {value: IGNORED for value in ignored if value < 1 << 32}


def _ignored_colours(ignored: frozenset[int]) -> dict[int, int]:
    return {value & 0xFFFFFF: IGNORED for value in ignored if value >= 1 << 32}


# --- objects and foreground ----------------------------------------------------------------------


def _numbers_objects(seen: Survey) -> bool:
    """Returns True for masks whose numbers cannot be classes: over 255, or several in 16 bits."""
    if seen.forms[COLOURS] or seen.forms[PALETTE]:
        return False
    counts = [len(values - {0}) for values in seen.each]
    return max(counts, default=0) > 1 and (seen.largest > 255 or seen.deep)


def _two_readings(seen: Survey) -> UsageError:
    most = max((len(values) for values in seen.each), default=0)
    return UsageError(
        Message(
            "The numbers in the masks count from 1 without gaps, up to {most} in one mask: they "
            "can be objects or classes",
            most=most - 1,
        ),
        code="two-readings",
        fix=Message(
            "Give --target objects where each number of a mask is an object, --target classes "
            "where it is a class."
        ),
    )


def _foreground(
    seen: Survey, names: Sequence[ClassName], ignored: frozenset[int], how: str
) -> ValueMapping | None:
    """Returns the mapping of binary masks: 0 and 1, or 0 and 255, or one other number."""
    shown = [values - {0} - ignored for values in seen.each]
    every = set().union(*shown)
    alone = len(every) == 1 and (every <= {1, 255} or 0 in seen.numbers)
    written = every <= {1, 255} and all(len(one) < 2 for one in shown)
    judged = [one.name for one in names if not one.void]
    if how == CLASSES or len(judged) > 2 or not every or not (alone or written):
        return None
    if len(judged) == 2:
        classes = (judged[0], judged[1])
    else:
        classes = (BACKGROUND, judged[0] if judged else "foreground")
    numbers = {0: 0} | dict.fromkeys(sorted({1, 255} | every), 1)
    return ValueMapping(FOREGROUND, classes, numbers | _ignoring(ignored))


# --- colours -------------------------------------------------------------------------------------


def _by_names_of_colours(
    files: Sequence[Decoded],
    seen: Survey,
    names: Sequence[ClassName],
    ignored: frozenset[int],
) -> ValueMapping | None:
    """Returns the mapping of colours with names; None where palettes show other colours."""
    classes = _judged(names)
    colours = {
        one.colour: IGNORED if one.void else classes.index(one.name)
        for one in names
        if one.colour is not None
    }
    voids = {
        int(colour)
        for one in files
        if one.colours is not None
        for value, colour in zip(one.values, one.colours, strict=True)
        if value == 255
    }
    for colour in (VOC_VOID, *voids):
        colours.setdefault(colour, IGNORED)
    colours |= _ignored_colours(ignored)
    if changed_over(seen, colours):
        raise UsageError(
            Message("The colours of the masks fit the names only with red and blue changed over"),
            code="mask-colours",
            fix=Message("Write the colours as red, green, blue, or save the masks again as RGB."),
        )
    palettes = [one for one in files if one.colours is not None]
    fitting = sum(_share(one.colours, one.counts, colours) for one in palettes)
    if palettes and fitting < len(palettes) / 2 and not any(one.form == COLOURS for one in files):
        return None
    numbers = {255: IGNORED} | _numbered(names) | _ignoring(ignored)
    return ValueMapping(CLASSES, classes, numbers, colours, True)


def _share(colours: np.ndarray | None, counts: np.ndarray, known: Mapping[int, int]) -> float:
    if colours is None:
        return 0.0
    inside = np.array([int(one) in known for one in colours])
    return float(counts[inside].sum() / counts.sum())


def _by_colours(files: Sequence[Decoded], ignored: frozenset[int]) -> ValueMapping:
    """Returns the mapping of colours without names: those that fill whole blocks are classes.

    Transparent pixels are background.
    """
    solid = Counter[int]()
    for one in files:
        if one.form == COLOURS:
            solid.update(solid_colours(one.pixels()))
    clear = [colour for colour in solid if colour >= TRANSPARENT]
    for colour in clear:
        solid.pop(colour)
    colours = sorted(solid)
    out = _ignored_colours(ignored)
    judged = [colour for colour in colours if colour not in out]
    if len(judged) > MOST_COLOURS:
        shown = ", ".join(colour_text(one) for one, _ in solid.most_common(8))
        raise UsageError(
            Message(
                "The masks hold {count} colours, and no file states which are classes; the most "
                "frequent: {colours}",
                count=len(judged),
                colours=shown,
            ),
            code="mask-colours",
            fix=Message("Add a file classes.csv with the columns name,r,g,b."),
        )
    classes = (*([BACKGROUND] if clear else []), *(f"#{one:06x}" for one in judged))
    places = {colour: at for at, colour in enumerate(judged, bool(clear))}
    numbers = {colour & 255: at for colour, at in places.items() if colour % GREY == 0}
    places |= dict.fromkeys(clear, 0)
    return ValueMapping(CLASSES, classes, numbers | _ignoring(ignored), places | out, True)


# --- numbers -------------------------------------------------------------------------------------


def _judged(names: Sequence[ClassName]) -> tuple[str, ...]:
    """Returns the classes without those of unlabelled pixels, the background first."""
    kept = [one.name for one in names if not one.void]
    return tuple(sorted(kept, key=lambda name: not is_background(name)))


def is_background(name: str) -> bool:
    """Returns True for the usual names of the background."""
    return name.strip("_ ").lower() in _BACKGROUNDS


def _numbered(names: Sequence[ClassName]) -> dict[int, int]:
    """Returns the place of each number by the names, which count from 0 where nothing is stated."""
    classes = list(_judged(names))
    return {
        number: IGNORED if one.void else classes.index(one.name)
        for number, one in enumerate(names)
        for number in ((one.number if one.number is not None else number),)
    }


def _by_numbers(seen: Survey, names: Sequence[ClassName], ignored: frozenset[int]) -> ValueMapping:
    """Returns the mapping of numbers, with names or without."""
    found = set(seen.numbers) - ignored
    if names:
        return _by_named_numbers(seen, names, ignored)
    small = sorted(found - {255})
    spread = _levels(found)
    void = 255 in found and not spread and len(small) > 1 and small[-1] <= len(small) + 20
    judged = small if void else sorted(found)
    numbers = {value: at for at, value in enumerate(judged)} | ({255: IGNORED} if void else {})
    return ValueMapping(CLASSES, tuple(map(str, judged)), numbers | _ignoring(ignored))


def _levels(found: set[int]) -> int:
    """Returns the number of grey levels spread evenly from 0 to 255; 0 for other numbers."""
    levels = grey_levels(found, len(found))
    return len(levels) if len(found) > 2 else 0


def grey_levels(found: set[int], count: int) -> dict[int, int]:
    """Returns the place of each of `count` levels from 0 to 255; {} where others are among them.

    A level may be rounded either way: 127 and 128 are the middle one of three.
    """
    if not 2 <= count <= 52 or not found <= set(range(256)):
        return {}
    step = 255 / (count - 1)
    places = {value: round(value / step) for value in found}
    return places if all(abs(at * step - value) < 1 for value, at in places.items()) else {}


def _by_named_numbers(
    seen: Survey, names: Sequence[ClassName], ignored: frozenset[int]
) -> ValueMapping:
    classes = _judged(names)
    found = set(seen.numbers) - ignored - {255}
    stated = any(one.number is not None for one in names)
    numbers = _numbered(names)
    bare = not any(is_background(one.name) for one in names)
    if not stated and bare and max(found, default=0) == len(names) and 0 in found:
        # names from 1: 0 is what no class covers
        classes = (BACKGROUND, *classes)
        numbers = {0: 0} | {
            at: IGNORED if one.void else classes.index(one.name) for at, one in enumerate(names, 1)
        }
    elif not stated and (levels := _spread(names, found | ({255} & set(seen.numbers)))):
        numbers |= levels
    numbers.setdefault(255, IGNORED)
    return ValueMapping(CLASSES, classes, numbers | _ignoring(ignored))


def _spread(names: Sequence[ClassName], found: set[int]) -> dict[int, int]:
    """Returns the places of grey levels spread over 0 to 255, where the names number as many.

    Masks with the numbers themselves may be among them.
    """
    count = len(names)
    spread = {value for value in found if value >= count}
    levels = grey_levels(spread, count) if spread - {255} else {}
    classes = list(_judged(names))
    return {
        value: IGNORED if names[at].void else classes.index(names[at].name)
        for value, at in levels.items()
    }
