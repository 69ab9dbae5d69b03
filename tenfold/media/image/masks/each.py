"""Reads pictures with a mask file for each object or each class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from tenfold.core.columns import Problem
from tenfold.core.message import Message
from tenfold.core.taken import Taken
from tenfold.media.files.references import Unreadable, printable
from tenfold.media.image.masks.fitting import fitted, looked, of_mask
from tenfold.media.image.masks.pairs import Pair
from tenfold.media.image.masks.pixels import TrueMask
from tenfold.media.image.masks.roles import stem, without_suffix
from tenfold.media.image.masks.rows import MaskRow
from tenfold.media.image.masks.threads import in_threads
from tenfold.media.image.masks.values.decoded import decoded
from tenfold.media.image.masks.values.mapping import BACKGROUND

__all__ = ["each_rows"]

MOST_NAMED = 60
"""Most classes that names of files can state."""


def each_rows(pairs: Sequence[Pair], taken: Taken) -> list[MaskRow]:
    """Returns a row for each picture, with its mask made from the mask files, or a problem."""
    _named_alike(pairs)
    names = sorted({name for pair in pairs for name, _ in pair.masks if name})
    classes = (BACKGROUND, *[one for one in names if one != BACKGROUND]) if names else ()
    classes = classes or (BACKGROUND, "object")
    if names:
        taken.note(Message("Each mask is one class: {names}.", names=", ".join(names[:24])))
    else:
        taken.note(Message("Each mask is one object."))
    return list(in_threads(lambda pair: _row(pair, classes), pairs))


def _named_alike(pairs: Sequence[Pair]) -> None:
    """Takes names of masks that recur in several folders of pictures as classes."""
    if any(name for pair in pairs for name, _ in pair.masks):
        return
    stems = [[without_suffix(stem(entry.name)) for _, entry in pair.masks] for pair in pairs]
    found = Counter(name for own in stems for name in set(own))
    several = len([own for own in stems if own]) > 1
    recurring = all(count > 1 for count in found.values()) and len(found) <= MOST_NAMED
    if not several or not recurring or any(name.isdigit() for name in found):
        return
    for pair, own in zip(pairs, stems, strict=True):
        pair.masks = [(name, entry) for name, (_, entry) in zip(own, pair.masks, strict=True)]


def _row(pair: Pair, classes: tuple[str, ...]) -> MaskRow:
    entry = pair.picture.entry
    row = MaskRow(entry.cell, entry.name, part=pair.picture.part)
    one = looked(pair, decode_mask=False)
    row.problem = one.problem
    if row.problem is not None:
        return row
    width, height = one.size
    pixels = np.zeros((height, width), np.uint8)
    objects = np.zeros((height, width), np.uint32)
    for number, (name, mask) in enumerate(pair.masks, 1):
        try:
            held = decoded(mask.cell)
        except Unreadable as error:
            row.problem = of_mask(mask, error.problem)
            return row
        fit = fitted(one, mask, held)
        if fit.problem is not None or fit.held is None:
            row.problem = fit.problem
            return row
        if len(fit.held.values) > 2:
            row.problem = _several_values(mask.name, len(fit.held.values))
            return row
        inside = fit.held.pixels() > 0
        pixels[inside] = classes.index(name) if name else 1
        objects[inside] = number
    named = any(name for name, _ in pair.masks)
    row.judged(TrueMask(classes, pixels, None if named else objects))
    return row


def _several_values(name: str, count: int) -> Problem:
    return Problem(
        "mask-value",
        Message(
            "has a mask ({mask}) of one object or class with {count} values instead of two",
            mask=printable(name),
            count=count,
        ),
        Message("Save the mask with 0 outside and 255 inside, without smoothing."),
    )
