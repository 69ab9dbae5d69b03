"""Reads folders of pictures and of masks: indices, palettes, colours, object numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tenfold.core.columns import Problem
from tenfold.core.message import Message
from tenfold.core.rows import Rows
from tenfold.core.taken import Taken
from tenfold.media.files.listing import Entry, Tree
from tenfold.media.files.references import Unreadable, fetch, printable
from tenfold.media.image import decode
from tenfold.media.image.masks import class_names
from tenfold.media.image.masks.applied import applied
from tenfold.media.image.masks.decoded import Decoded, decoded
from tenfold.media.image.masks.mapping import ValueMapping, chosen_names
from tenfold.media.image.masks.pairs import MaskPairs, Pair
from tenfold.media.image.masks.rows import MaskRow, counted, rows_of
from tenfold.media.image.masks.said import say_mapping
from tenfold.media.image.masks.threads import in_threads
from tenfold.media.image.masks.wanted import Wanted

__all__ = ["NO_MASK", "Looked", "from_pairs", "looked"]

NO_MASK = Problem(
    "no-mask",
    Message("has no mask of its name"),
    Message(
        "Give the mask the name of the picture, such as leaf_1_mask.png for leaf_1.jpg, or remove "
        "the picture."
    ),
)


@dataclass
class Looked:
    """A picture with its decoded mask: the sizes, upright and as stored, and the problem."""

    pair: Pair
    held: Decoded | None = None
    problem: Problem | None = None
    size: tuple[int, int] = (0, 0)
    turn: int = 1
    """EXIF orientation of the picture."""


def from_pairs(tree: Tree, found: MaskPairs, wanted: Wanted) -> Rows:
    """Returns the rows of pictures with a mask each; one mapping of values for all."""
    seen = list(in_threads(looked, found.pairs))
    usable = [one.held for one in seen if one.held is not None and one.problem is None]
    names, names_file = chosen_names(usable, class_names.found_names(tree))
    taken = Taken(notes=list(found.notes))
    values = wanted.mapping(usable, names)
    rows, mixed = _rows(seen, values)
    say_mapping(taken, values, usable, names_file)
    _state(taken, seen, found, mixed)
    counted(rows, taken)
    used = {id(entry) for one in found.pairs for _, entry in one.masks}
    used |= {id(one.picture.entry) for one in found.pairs}
    used |= {id(names_file)}
    ignored = [entry.name for entry in tree.entries if id(entry) not in used]
    return replace(rows_of(rows, taken, ignored), reading=wanted.completed(values))


def looked(pair: Pair) -> Looked:
    """Returns the pair with its mask decoded and the picture's size read from its header."""
    one = Looked(pair, problem=pair.picture.entry.problem or pair.problem)
    if one.problem is not None:
        return one
    if not pair.masks:
        return replace(one, problem=NO_MASK)
    mask = pair.masks[0][1]
    try:
        content = fetch(pair.picture.entry.cell)
        header = decode.header(content)
        picture = decode.opened(content)
    except Unreadable as error:
        return replace(one, problem=error.problem)
    one.size = (header.width, header.height)
    one.turn = 1 if picture.format == "TIFF" else decode.orientation(picture)
    if mask.problem is not None:
        return replace(one, problem=_of_mask(mask, mask.problem))
    try:
        held = decoded(mask.cell)
    except Unreadable as error:
        return replace(one, problem=_of_mask(mask, error.problem))
    return _fitted(one, mask, held)


def _of_mask(mask: Entry, problem: Problem) -> Problem:
    """Returns the problem of a mask's file as one of its picture."""
    reason = Message(
        "has a mask ({mask}) that {reason}", mask=printable(mask.name), reason=problem.reason
    )
    return replace(problem, reason=reason)


def _fitted(one: Looked, mask: Entry, held: Decoded) -> Looked:
    """Returns the pair with the mask laid upright, or with a problem where it does not fit."""
    if held.lossy:
        shown = ", ".join(map(str, held.values[:8].tolist())) + (
            " ..." if len(held.values) > 8 else ""
        )
        problem = Problem(
            "mask-jpeg",
            Message(
                "has a mask saved as JPEG ({mask}), which does not keep class numbers: values "
                "{values}",
                mask=printable(mask.name),
                values=shown,
            ),
            Message("Save the mask as PNG, from where it was drawn."),
        )
        return replace(one, problem=problem)
    if held.size == one.size:
        return replace(one, held=held)
    if one.turn >= 5 and held.size == one.size[::-1] and not held.turned:
        return replace(one, held=held.moved(one.turn))
    problem = Problem(
        "mask-size",
        Message(
            "has {width} x {height} pixels, its mask {mask} {mask_width} x {mask_height}",
            width=one.size[0],
            height=one.size[1],
            mask=printable(mask.name),
            mask_width=held.size[0],
            mask_height=held.size[1],
        ),
        Message("Save the mask in the size and orientation of the picture, without smoothing."),
    )
    return replace(one, problem=problem)


def _rows(seen: Sequence[Looked], values: ValueMapping) -> tuple[list[MaskRow], int]:
    """Returns the rows, and the number of pixels of mixed colours."""

    def row(one: Looked) -> tuple[MaskRow, int]:
        picture = one.pair.picture
        made = MaskRow(
            picture.entry.cell, picture.entry.name, problem=one.problem, part=picture.part
        )
        held, one.held = one.held, None
        if one.problem is not None or held is None:
            return made, 0
        result = applied(held, values)
        made.problem = result.problem
        if result.mask is not None:
            made.judged(result.mask)
        return made, result.mixed

    made = list(in_threads(row, seen))
    return [one for one, _ in made], sum(mixed for _, mixed in made)


def _state(taken: Taken, seen: Sequence[Looked], found: MaskPairs, mixed: int) -> None:
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
