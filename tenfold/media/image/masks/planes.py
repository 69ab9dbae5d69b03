"""Makes a row for each plane of a stack; all planes of a stack belong to one group."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from tenfold.core.message import Message
from tenfold.core.taken import Taken
from tenfold.media.files.references import printable
from tenfold.media.image.masks.fitting import Looked
from tenfold.media.image.masks.pixels import TrueMask
from tenfold.media.image.masks.rows import MaskRow

__all__ = ["rows_of_planes", "say_axes", "with_channels"]

MOST_NAMED = 6


def rows_of_planes(
    row: MaskRow, one: Looked, mask: TrueMask, picked: Sequence[int], bits: int
) -> list[MaskRow]:
    """Returns the row with its mask, or a row for each plane of a stack.

    An object with the same number in several planes counts once.
    """
    stack = one.stack
    if stack is not None and stack.micrometres is not None:
        mask = replace(mask, micrometres=stack.micrometres)
    if stack is None or stack.pages == 1:
        with_channels([row], picked)
        row.judged(mask)
        return [row]
    fields = [_channels(picked)] if picked else []
    fields += [f"bits={bits}"] if bits > 8 else []
    if stack.order:
        fields += [f"axes={stack.order}", f"planes={stack.planes}"]
    if mask.pixels.ndim == 2:
        row.image = _cell(row.image, ["plane=0", *fields])
        row.judged(mask)
        return [row]
    rows = []
    for number in range(stack.planes):
        objects = None if mask.objects is None else mask.objects[number]
        made = replace(row, image=_cell(row.image, [f"plane={number}", *fields]))
        made.source = f"{row.source}#plane={number}"
        made.extra = {"group": row.source} | row.extra
        made.judged(replace(mask, pixels=mask.pixels[number], objects=objects))
        rows.append(made)
    whole = replace(row)
    whole.judged(mask)
    for made in rows:
        made.objects = whole.objects if made is rows[0] else {}
    return rows


def with_channels(rows: Sequence[MaskRow], picked: Sequence[int]) -> None:
    """Names the channels to use in the cells of the pictures."""
    for row in rows if picked else ():
        row.image = _cell(row.image, [_channels(picked)])


def _channels(picked: Sequence[int]) -> str:
    return f"channels={','.join(map(str, picked))}"


def _cell(cell: object, fields: Sequence[str]) -> object:
    """Returns the cell of a file with a fragment; other cells are unchanged."""
    if not fields or not isinstance(cell, str):
        return cell
    return f"{cell}{'&' if '#' in cell else '#'}{'&'.join(fields)}"


def say_axes(taken: Taken, seen: Sequence[Looked], picked: Sequence[int]) -> None:
    """Adds the axes of the stacks, the size of a pixel, and the channels that are used."""
    found = defaultdict[tuple[str, str], list[str]](list)
    most = 0
    for one in seen:
        if one.problem is None and one.stack is not None and one.stack.pages > 1:
            size = one.stack.micrometres
            pixel = f"{size:g} um" if size is not None else "-"
            found[one.stack.shown, pixel].append(printable(one.pair.picture.entry.name))
            most = max(most, one.stack.channels)
    for (shown, pixel), names in found.items():
        listed = ", ".join(names[:MOST_NAMED]) + (" ..." if len(names) > MOST_NAMED else "")
        taken.note(
            Message(
                "Stacks: {axes}, size of a pixel {pixel} ({names}); each plane is a row.",
                axes=shown,
                pixel=pixel,
                names=listed,
            )
        )
    if most > 3 and not picked:
        taken.note(
            Message(
                "The stacks have up to {count} channels: the first three are used; --channels "
                "picks others.",
                count=most,
            )
        )
