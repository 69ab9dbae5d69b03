"""Turns the values of one mask into classes by the mapping of all masks.

Shapes: H x W pixels, V distinct values of a mask.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tenfold.core.columns import Problem
from tenfold.core.message import Message
from tenfold.media.image.masks.pixels import IGNORED, TrueMask
from tenfold.media.image.masks.values.class_names import colour_text
from tenfold.media.image.masks.values.decoded import COLOURS, TRANSPARENT, Decoded
from tenfold.media.image.masks.values.mapping import FOREGROUND, GREY, OBJECTS, ValueMapping

__all__ = ["Applied", "applied"]

UNKNOWN = -1
REACH = 2
"""Pixels around a mixed colour in which the colours that it mixes are looked for."""
TOLERANCE = 4
"""Levels of a channel by which a mixture may lie outside the colours that it mixes."""
PASSES = 4
NAMED = 4


@dataclass(frozen=True)
class Applied:
    """A true mask, or why it cannot be made; `mixed` is the number of pixels of mixed colours."""

    mask: TrueMask | None
    problem: Problem | None = None
    mixed: int = 0


def applied(held: Decoded, values: ValueMapping) -> Applied:
    """Returns the mask in classes. Values without a class are a problem of the whole mask."""
    if values.how in (OBJECTS, FOREGROUND):
        return _of_two(held, values)
    places = _places(held, values)
    unknown = places == UNKNOWN
    mixed = 0
    if unknown.any() and held.form == COLOURS:
        soft = _mixtures(held, places)
        mixed = int(held.counts[soft].sum())
        places = np.where(soft, IGNORED, places)
        unknown = places == UNKNOWN
    if unknown.any():
        return Applied(None, _stranger(held, unknown))
    pixels = places.astype(np.uint8)[held.places()]
    return Applied(TrueMask(values.classes, pixels), None, mixed)


def _of_two(held: Decoded, values: ValueMapping) -> Applied:
    """Returns a mask of a foreground or of objects: every number but 0 and the ignored ones."""
    places = np.array(
        [
            0 if value == 0 else IGNORED if values.numbers.get(value) == IGNORED else 1
            for value in held.values.tolist()
        ],
        np.uint8,
    )
    if values.how == FOREGROUND:
        known = np.array([value in values.numbers for value in held.values.tolist()])
        if not known.all():
            return Applied(None, _stranger(held, ~known))
    stored = held.places()
    pixels = places[stored]
    if values.how == FOREGROUND:
        return Applied(TrueMask(values.classes, pixels))
    numbers = np.where(places == 1, held.values, 0)
    if numbers.max(initial=0) >= 1 << 32 or numbers.min(initial=0) < 0:
        return Applied(None, _stranger(held, (held.values < 0) | (held.values >= 1 << 32)))
    return Applied(TrueMask(values.classes, pixels, numbers.astype(np.uint32)[stored]))


def _places(held: Decoded, values: ValueMapping) -> np.ndarray:
    """Returns (V,) int16 the class number of each value, UNKNOWN for values without a class."""
    found = np.full(len(held.values), UNKNOWN, np.int16)
    for at, value in enumerate(held.values.tolist()):
        if held.form == COLOURS:
            place = values.colours.get(value)
            if place is None and value >= TRANSPARENT:
                place = values.colours.get(value - TRANSPARENT, IGNORED)
        elif held.colours is not None:
            place = values.place(value, int(held.colours[at]))
        else:
            place = values.numbers.get(value)
            if values.by_colour and (held.equal or place is None):
                place = values.colours.get(value * GREY, place if value < 256 else None)
        found[at] = UNKNOWN if place is None else place
    return found


def _mixtures(held: Decoded, places: np.ndarray) -> np.ndarray:
    """Returns (V,) True for the colours that are mixtures of the colours beside them.

    A pixel is a mixture where at least two known colours lie within REACH and each of its channels
    lies between theirs. A colour is a mixture where most of its pixels are, and it fills no block.
    Mixtures count as known for those beside them, since soft borders meet at corners.
    """
    stored = held.places()
    colours = held.values.astype(np.int32)[stored]
    block = _solid(stored, len(places))
    soft = np.zeros(len(places), bool)
    for _ in range(PASSES):
        known = (places != UNKNOWN) | soft
        inside = np.bincount(stored[_between(stored, colours, known[stored])], minlength=len(soft))
        more = (inside * 2 > held.counts) & ~known & ~block
        if not more.any():
            break
        soft |= more
    return soft


def _between(stored: np.ndarray, colours: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Returns (H, W) True for unknown pixels whose channels lie between those of known ones."""
    marks = stored.astype(np.int32)
    first = _spread(np.where(known, marks, 1 << 30), np.minimum)
    fits = ~known & (first < _spread(np.where(known, marks, -1), np.maximum))
    for shift in (16, 8, 0):
        channel = colours >> shift & 255
        low = _spread(np.where(known, channel, 1 << 20), np.minimum)
        high = _spread(np.where(known, channel, -1), np.maximum)
        fits &= (channel >= low - TOLERANCE) & (channel <= high + TOLERANCE)
    return fits


def _solid(stored: np.ndarray, count: int) -> np.ndarray:
    """Returns (V,) True for the values that fill a block of 3 x 3 pixels."""
    found = np.zeros(count, bool)
    if min(stored.shape) >= 3:
        wide = stored.astype(np.int32)
        same = _spread(wide, np.minimum, 1) == _spread(wide, np.maximum, 1)
        found[np.unique(wide[1:-1, 1:-1][same[1:-1, 1:-1]])] = True
    return found


def _spread(array: np.ndarray, join: np.ufunc, reach: int = REACH) -> np.ndarray:
    """Returns the least or largest value within `reach` pixels of each pixel, across and down."""
    for axis in (0, 1):
        out = array.copy()
        for step in range(1, reach + 1):
            ahead = [slice(None)] * 2
            behind = [slice(None)] * 2
            ahead[axis], behind[axis] = slice(step, None), slice(None, -step)
            join(out[tuple(behind)], array[tuple(ahead)], out=out[tuple(behind)])
            join(out[tuple(ahead)], array[tuple(behind)], out=out[tuple(ahead)])
        array = out
    return array


def _stranger(held: Decoded, unknown: np.ndarray) -> Problem:
    """Returns the problem of a mask with values that mean no class."""
    values, counts = held.values[unknown], held.counts[unknown]
    order = np.argsort(-counts, kind="stable")[:NAMED]
    count = int(counts.sum())
    if held.form == COLOURS or held.colours is not None:
        shown = held.values if held.colours is None else held.colours
        colours = shown[unknown]
        listed = ", ".join(f"{colour_text(int(colours[at]))}: {int(counts[at])}" for at in order)
        return Problem(
            "mask-colour",
            Message(
                "has a mask with {count} pixels of colours without a class ({colours})",
                count=count,
                colours=listed,
            ),
            Message("Correct these pixels, or add the colour to the file of class names."),
        )
    listed = ", ".join(f"{int(values[at])}: {int(counts[at])}" for at in order)
    return Problem(
        "mask-value",
        Message(
            "has a mask with {count} pixels of values without a class ({values})",
            count=count,
            values=listed,
        ),
        Message("Correct these pixels, name the value, or give it with --ignore-value."),
    )
