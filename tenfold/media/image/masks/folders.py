"""Reads folders of pictures and of masks: indices, palettes, colours, object numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from tenfold.core.errors import UsageError
from tenfold.core.message import Message
from tenfold.core.rows import Rows
from tenfold.core.taken import Taken
from tenfold.media.files.listing import Entry, Tree
from tenfold.media.files.references import Unreadable, printable
from tenfold.media.image.masks import planes
from tenfold.media.image.masks.each import each_rows
from tenfold.media.image.masks.fitting import NO_MASK, Looked, fitted, looked, of_mask
from tenfold.media.image.masks.pairs import MaskPairs
from tenfold.media.image.masks.rows import MaskRow, counted, rows_of
from tenfold.media.image.masks.threads import in_threads
from tenfold.media.image.masks.values import class_names
from tenfold.media.image.masks.values.applied import Applied, applied
from tenfold.media.image.masks.values.decoded import decoded
from tenfold.media.image.masks.values.mapping import ValueMapping, chosen_names
from tenfold.media.image.masks.values.said import say_mapping
from tenfold.media.image.masks.wanted import Wanted

__all__ = ["from_pairs"]


def from_pairs(tree: Tree, found: MaskPairs, wanted: Wanted) -> Rows:
    """Returns the rows of pictures with a mask each; one mapping of values for all."""
    if any(pair.each for pair in found.pairs):
        return _of_each(tree, found, wanted)
    seen = list(in_threads(partial(looked, order=wanted.order), found.pairs))
    _ask_back(seen)
    kept = [(one.held, one.pair.masks[0][1].name) for one in seen if one.problem is None]
    usable = [held for held, _ in kept if held is not None]
    masks = [printable(name) for held, name in kept if held is not None]
    names, names_file = chosen_names(usable, class_names.found_names(tree))
    taken = Taken(notes=list(found.notes))
    values = wanted.mapping(usable, names)
    rows, mixed = _rows(seen, values, wanted.picked)
    planes.say_axes(taken, seen, wanted.picked)
    say_mapping(taken, values, usable, masks, names_file)
    _state(taken, found)
    _count(taken, seen, mixed)
    counted(rows, taken)
    made = rows_of(rows, taken, _ignored(tree, found, names_file))
    return replace(made, reading=wanted.completed(values))


def _ask_back(seen: Sequence[Looked]) -> None:
    """Raises UsageError where nothing but stacks with several readings is left."""
    masked = [one for one in seen if one.problem is None or one.problem.code != NO_MASK.code]
    unclear = [one for one in masked if one.problem and one.problem.code == "two-readings"]
    if unclear and len(unclear) == len(masked) and unclear[0].problem is not None:
        name, problem = unclear[0].pair.picture.entry.name, unclear[0].problem
        raise UsageError(
            Message("{name} {reason}", name=printable(name), reason=problem.reason),
            code=problem.code,
            where=printable(name),
            fix=problem.fix,
        )


def _of_each(tree: Tree, found: MaskPairs, wanted: Wanted) -> Rows:
    """Returns the rows of pictures with a mask for each object or class."""
    taken = Taken(notes=list(found.notes))
    rows = each_rows(found.pairs, taken)
    planes.with_channels(rows, wanted.picked)
    _state(taken, found)
    counted(rows, taken)
    return replace(rows_of(rows, taken, _ignored(tree, found)), reading=wanted.reading)


def _ignored(tree: Tree, found: MaskPairs, *others: Entry | None) -> list[str]:
    used = {id(entry) for one in found.pairs for _, entry in one.masks}
    used |= {id(one.picture.entry) for one in found.pairs} | {id(one) for one in others}
    used |= {id(one.objects) for one in found.pairs if one.objects is not None}
    return [entry.name for entry in tree.entries if id(entry) not in used]


def _rows(
    seen: Sequence[Looked], values: ValueMapping, picked: Sequence[int]
) -> tuple[list[MaskRow], int]:
    """Returns the rows, and the number of pixels of mixed colours."""
    bits = max((one.bits for one in seen), default=0)

    def rows(one: Looked) -> tuple[list[MaskRow], int]:
        picture = one.pair.picture
        made = MaskRow(
            picture.entry.cell, picture.entry.name, problem=one.problem, part=picture.part
        )
        made.extra = dict(one.pair.extra)
        held, one.held = one.held, None
        if one.problem is not None or held is None:
            return [made], 0
        result = applied(held, values)
        if result.mask is not None and one.pair.objects is not None:
            result = _with_objects(one, result)
        made.problem = result.problem
        if result.mask is None:
            return [made], result.mixed
        return planes.rows_of_planes(made, one, result.mask, picked, bits), result.mixed

    made = list(in_threads(rows, seen))
    return [row for found, _ in made for row in found], sum(mixed for _, mixed in made)


def _with_objects(one: Looked, result: Applied) -> Applied:
    """Returns the mask of classes with the object numbers of its second file."""
    entry = one.pair.objects
    if entry is None or result.mask is None:
        return result
    try:
        fit = fitted(one, entry, decoded(entry.cell))
    except Unreadable as error:
        return Applied(None, of_mask(entry, error.problem))
    if fit.problem is not None or fit.held is None:
        return Applied(None, fit.problem)
    numbers = fit.held.pixels()
    numbers = np.where((numbers > 0) & (numbers != 255), numbers, 0).astype(np.uint32)
    return replace(result, mask=replace(result.mask, objects=numbers))


def _state(taken: Taken, found: MaskPairs) -> None:
    """Adds where pictures and masks come from, and what is not used."""
    folders = {one.masks[0][1].name.rpartition("/")[0] for one in found.pairs if one.masks} - {""}
    where = ", ".join(sorted(folders)[:4]) + (" ..." if len(folders) > 4 else "")
    taken.role("input", Message("pictures in folders"))
    source = Message("masks in {folders}", folders=where) if where else Message("masks beside them")
    taken.role("answer", source)
    if any(one.picture.part for one in found.pairs):
        taken.role("part", Message("folders"))
    lonely = [printable(entry.name) for entry in found.lonely]
    taken.leave("files", lonely, why=Message("a mask without a picture of its name"))
    other = [printable(entry.name) for entry in found.unused]
    taken.leave("files", other, why=Message("another mask of the same picture is used"))


def _count(taken: Taken, seen: Sequence[Looked], mixed: int) -> None:
    """Adds how many pictures are turned, and how many pixels have mixed colours."""
    turned = sum(one.turn not in (0, 1) and one.problem is None for one in seen)
    if turned:
        taken.note(
            Message("{count} pictures are turned upright as their EXIF data state.", count=turned)
        )
    if mixed:
        taken.note(
            Message(
                "{count} pixels have a mixture of the colours beside them: they are ignored (no "
                "loss, no score).",
                count=mixed,
            )
        )
