"""Sentences about the mapping of values: shown before anything is learnt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tenfold.core.message import Message
from tenfold.core.taken import Taken
from tenfold.media.files.listing import Entry
from tenfold.media.files.references import printable
from tenfold.media.image.masks.pixels import IGNORED
from tenfold.media.image.masks.values.class_names import colour_text
from tenfold.media.image.masks.values.decoded import COLOURS, Decoded
from tenfold.media.image.masks.values.mapping import FOREGROUND, OBJECTS, ValueMapping
from tenfold.media.image.masks.values.survey import another_palette, usual_palette

__all__ = ["say_mapping"]

MOST_SHOWN = 32
MOST_NAMED = 8


def say_mapping(
    taken: Taken,
    values: ValueMapping,
    files: Sequence[Decoded],
    masks: Sequence[str],
    names_file: Entry | None,
) -> None:
    """Adds what the values mean, where the names come from, and how the masks are written.

    `masks` are the names of the files.
    """
    if values.how == OBJECTS:
        taken.note(
            Message(
                "The numbers in the masks are read as objects of one class, 0 as background; "
                "--target classes reads them as classes."
            )
        )
    elif values.how == FOREGROUND:
        _foreground(taken, values, files)
    else:
        taken.note(Message("Values of the masks: {values}.", values=_listed(values, files)))
    if names_file is not None:
        taken.note(Message("The class names are those in {name}.", name=printable(names_file.name)))
    _palettes(taken, values, files, masks)


def _listed(values: ValueMapping, files: Sequence[Decoded]) -> str:
    """Returns the values that occur, or all, each with its class."""
    found = Counter[int]()
    colours = values.by_colour and any(
        one.form == COLOURS or one.colours is not None for one in files
    )
    for one in files:
        shown = one.values if one.form == COLOURS or not colours else one.colours
        if shown is not None:
            found.update(shown.tolist())
    known = values.colours if colours else values.numbers
    parts = []
    for value, place in sorted(known.items(), key=lambda item: (item[1], item[0])):
        if value not in found and place == IGNORED:
            continue
        name = "-" if place == IGNORED else values.classes[place]
        parts.append(f"{colour_text(value) if colours else value} = {name}")
    return ", ".join(parts[:MOST_SHOWN]) + (" ..." if len(parts) > MOST_SHOWN else "")


def _foreground(taken: Taken, values: ValueMapping, files: Sequence[Decoded]) -> None:
    """Adds the two classes, and the ways in which the foreground is written."""
    ways = Counter[str]()
    for one in files:
        high = max(one.values.tolist(), default=0)
        if high:
            ways[
                "0, 1 (1 bit)"
                if one.bits == 1
                else f"0, {high}" + (" (3 channels)" if one.equal else "")
            ] += 1
    taken.note(
        Message(
            "Binary masks: 0 = {background}, every other value = {foreground}; written as {ways}.",
            background=values.classes[0],
            foreground=values.classes[1],
            ways="; ".join(f"{way}: {count}" for way, count in sorted(ways.items())),
        )
    )


def _palettes(
    taken: Taken, values: ValueMapping, files: Sequence[Decoded], masks: Sequence[str]
) -> None:
    """Adds which masks have another palette than most."""
    usual = usual_palette(files)
    other = [name for one, name in zip(files, masks, strict=True) if another_palette(one, usual)]
    if not other or not values.by_colour:
        return
    names = ", ".join(other[:MOST_NAMED]) + (" ..." if len(other) > MOST_NAMED else "")
    taken.note(
        Message(
            "{count} masks have their palette in another order ({names}): all are read by colour.",
            count=len(other),
            names=names,
        )
    )
