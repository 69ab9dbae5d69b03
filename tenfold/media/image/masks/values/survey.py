"""Counts the values and colours of all masks, and compares their palettes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tenfold.media.image.masks.values.decoded import COLOURS, PALETTE, Decoded

__all__ = [
    "Survey",
    "another_palette",
    "changed_over",
    "counts_up",
    "solid_colours",
    "surveyed",
    "usual_palette",
]


@dataclass(frozen=True)
class Survey:
    """The values of all masks: pixels by number, and by colour, and what the files are."""

    numbers: Counter[int]
    colours: Counter[int]
    forms: Counter[str]
    deep: bool
    """True where numbers have 16 bits or more in all files with numbers."""
    largest: int
    each: list[frozenset[int]]
    """The numbers of each file that holds numbers."""


def surveyed(files: Iterable[Decoded]) -> Survey:
    """Returns the values of the masks."""
    numbers, colours, forms = Counter[int](), Counter[int](), Counter[str]()
    deep, each = list[bool](), list[frozenset[int]]()
    for one in files:
        forms[one.form] += 1
        values = one.values.tolist()
        counted = dict(zip(values, one.counts.tolist(), strict=True))
        if one.form == COLOURS:
            colours.update(counted)
            continue
        numbers.update(counted)
        each.append(frozenset(values))
        deep.append(one.bits > 8)
        if one.colours is not None:
            colours.update(dict(zip(one.colours.tolist(), one.counts.tolist(), strict=True)))
    return Survey(numbers, colours, forms, bool(deep) and all(deep), max(numbers, default=0), each)


def counts_up(seen: Survey) -> bool:
    """Returns True for 8-bit numbers that are counted from 1 without gaps, up to different ends.

    Objects are numbered so; classes hardly ever occur so in every mask.
    """
    if seen.forms[COLOURS] or seen.forms[PALETTE] or seen.largest > 254 or seen.deep:
        return False
    ends = [max(values, default=0) for values in seen.each]
    whole = [
        values | {0} == set(range(end + 1)) for values, end in zip(seen.each, ends, strict=True)
    ]
    return all(whole) and max(ends, default=0) >= 8 and len(set(ends)) > 2


def usual_palette(files: Sequence[Decoded]) -> dict[int, int]:
    """Returns the colour that an index has in most palettes, for each index that occurs."""
    found: dict[int, Counter[int]] = {}
    for one in files:
        if one.colours is not None:
            for index, colour in zip(one.values.tolist(), one.colours.tolist(), strict=True):
                found.setdefault(index, Counter())[colour] += 1
    return {index: colours.most_common(1)[0][0] for index, colours in found.items()}


def another_palette(one: Decoded, usual: Mapping[int, int]) -> bool:
    """Returns True where an index of a mask has another colour than in most masks."""
    if one.colours is None:
        return False
    pairs = zip(one.values.tolist(), one.colours.tolist(), strict=True)
    return any(usual.get(index) != colour for index, colour in pairs)


def changed_over(seen: Survey, known: Mapping[int, int]) -> bool:
    """Returns True where the colours fit the known ones only with red and blue swapped.

    Greys, which stay the same, are not counted.
    """
    uneven = {one: count for one, count in seen.colours.items() if one >> 16 & 255 != one & 255}
    whole = sum(uneven.values())
    fits = sum(count for one, count in uneven.items() if one in known)
    turned = sum(
        count
        for one, count in uneven.items()
        if (one & 255) << 16 | one & 0xFF00 | one >> 16 & 255 in known
    )
    return whole > 0 and fits < 0.1 * whole and turned > 0.8 * whole


def solid_colours(pixels: np.ndarray, side: int = 3) -> Counter[int]:
    """Returns the colours that fill at least one block of `side` x `side` pixels, and how many."""
    height, width = pixels.shape
    if height < side or width < side:
        return Counter(np.unique(pixels).tolist())
    middle = pixels[: height - side + 1, : width - side + 1]
    same = np.ones(middle.shape, bool)
    for down in range(side):
        for right in range(side):
            same &= pixels[down : down + middle.shape[0], right : right + middle.shape[1]] == middle
    values, counts = np.unique(middle[same], return_counts=True)
    return Counter(dict(zip(values.tolist(), counts.tolist(), strict=True)))
