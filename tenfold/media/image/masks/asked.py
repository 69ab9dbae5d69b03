"""Pictures that are to be predicted: one cell, or one for each plane of a TIFF stack."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tenfold.core.columns import Problem
from tenfold.core.errors import UsageError
from tenfold.core.message import Message
from tenfold.media.files import stacks
from tenfold.media.files.references import Unreadable, fetch, source_of
from tenfold.media.image import decode

__all__ = ["AskedPicture", "asked_picture", "bits_in", "page_order"]

_ORDER = re.compile(r"[ZC]|ZC[1-9]\d*|C[1-9]\d*Z")


@dataclass(frozen=True)
class AskedPicture:
    """The cells that the network sees: one, or one for each plane of a stack.

    `starts` is True for a plane without a neighbour before it. `numbers` are those of the planes in
    `stack`, which is None for other files than TIFF.
    """

    cells: tuple[Any, ...]
    source: Any = None
    stack: stacks.TiffStack | None = None
    numbers: tuple[int, ...] = (0,)
    starts: tuple[bool, ...] = (True,)

    @property
    def several(self) -> bool:
        """True for a stack of several planes."""
        return len(self.cells) > 1

    @property
    def micrometres(self) -> float | None:
        """The size of a pixel that the file states, None where it states none."""
        return None if self.stack is None else self.stack.micrometres

    def stored(self, place: int, channels: int) -> np.ndarray:
        """Returns the numbers of a plane as stored, all channels; of pictures, `channels`.

        Raises Unreadable.
        """
        if self.stack is not None and self.stack.pages > 1:
            return stacks.plane(self.source, self.stack, self.numbers[place], ())
        return decode.stored(fetch(self.cells[0]), channels)


def page_order(text: str) -> tuple[str, int]:
    """Returns the order of pages and the number of channels of `Z`, `C`, `ZC2` or `C2Z`.

    The last axis changes fastest. The number is 0 where the pages decide it. Raises UsageError.
    """
    if text and not _ORDER.fullmatch(text):
        raise UsageError(
            Message("pages must be Z, C, ZC2 or C2Z, got {value!r}", value=text),
            code="bad-setting",
            where="pages",
            fix=Message(
                "Write --pages Z where each page is a plane, C where each is a channel; ZC2 where "
                "two channels change fastest, C2Z where the planes of two channels do."
            ),
        )
    return re.sub(r"\d", "", text), int(re.sub(r"\D", "", text) or 0)


def bits_in(cells: Iterable[Any]) -> int:
    """Returns the most bits that the cells of stacks state, 0 where none does."""
    texts = (cell.partition("#")[2] for cell in cells if isinstance(cell, str))
    found = [int(one[1]) for text in texts if (one := re.search(r"(?:^|&)bits=(\d+)", text))]
    return max(found, default=0)


def asked_picture(
    cell: Any, order: tuple[str, int] = ("", 0), picked: Sequence[int] = (), bits: int = 0
) -> AskedPicture | Problem:
    """Returns the cells of a picture; the Problem of a stack whose pages can be read in two ways.

    `order` is that of the pages of stacks that do not state it, `picked` are the channels to use,
    `bits` those of the stacks of the training, 0 where there were none. A file that cannot be read
    keeps its cell.
    """
    try:
        source, fields = source_of(cell)
        stack = stacks.stack_of(source) if isinstance(source, (Path, bytes)) else None
        if "plane" in fields:
            return _of_plane(cell, source, stack, fields)
        if stack is None or stack.pages == 1:
            return AskedPicture((_with_channels(cell, source, fields, picked),), source, stack)
        ordered = _ordered(stack, order)
        if isinstance(ordered, Problem):
            return ordered
        return _of_stack(cell, source, ordered, picked, bits or stacks.bits_of(source, ordered))
    except Unreadable:
        return AskedPicture((cell,))


def _of_plane(
    cell: Any, source: Any, stack: stacks.TiffStack | None, fields: dict[str, str]
) -> AskedPicture:
    """Returns a picture that is one plane of a stack, as the rows of training data are."""
    if stack is not None and not stack.order and stack.pages > 1:
        stack = stack.ordered(fields.get("axes", "Z"), int(fields.get("planes", stack.pages)))
    return AskedPicture((cell,), source, stack, (int(fields["plane"]),))


def _with_channels(cell: Any, source: Any, fields: dict[str, str], picked: Sequence[int]) -> Any:
    """Returns the cell of a picture with the channels to use; arrays have those they have."""
    if not picked or "channels" in fields or isinstance(source, np.ndarray):
        return cell
    chosen = ",".join(map(str, picked))
    if not isinstance(cell, str):
        return stacks.part_of(cell, {"channels": chosen}) if isinstance(cell, bytes) else cell
    return f"{cell}{'&' if '#' in cell else '#'}channels={chosen}"


def _ordered(stack: stacks.TiffStack, given: tuple[str, int]) -> stacks.TiffStack | Problem:
    """Returns the stack with the order of its pages: stated, or else as given."""
    order, channels = given
    if stack.order:
        return stack
    if order in ("Z", "C"):
        return stack.ordered(order, stack.pages if order == "Z" else 1)
    if order and channels and stack.pages % channels == 0:
        return stack.ordered(order, stack.pages // channels)
    return Problem(
        "two-readings",
        Message("has {pages} pages without metadata: planes or channels", pages=stack.pages),
        Message(
            "Give --pages Z where each page is a plane, --pages C where each is a channel, "
            "--pages ZC2 where two channels change fastest; or save it with OME or ImageJ metadata."
        ),
    )


def _of_stack(
    cell: Any, source: Any, stack: stacks.TiffStack, picked: Sequence[int], bits: int
) -> AskedPicture:
    """Returns a cell for each plane, ordered by time, then by depth."""
    fields = {"axes": stack.order, "planes": str(stack.planes)}
    fields |= {"channels": ",".join(map(str, picked))} if picked else {}
    fields |= {"bits": str(bits)} if bits > 8 else {}
    depths = stack.depths
    numbers = sorted(range(stack.planes), key=depths.__getitem__)
    cells: list[Any] = []
    for number in numbers:
        own = {"plane": str(number)} | fields
        if isinstance(cell, str) and "row=" not in cell.partition("#")[2]:
            text = "&".join(f"{name}={value}" for name, value in own.items())
            cells.append(f"{cell}{'&' if '#' in cell else '#'}{text}")
        else:
            cells.append(stacks.part_of(source, own))
    times = [depths[number][0] for number in numbers]
    starts = [place == 0 or times[place - 1] != one for place, one in enumerate(times)]
    return AskedPicture(tuple(cells), source, stack, tuple(numbers), tuple(starts))
