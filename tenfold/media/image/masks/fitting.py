"""Lays a mask on its picture: same size, same orientation, or the reason why it does not fit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tenfold.core.columns import Problem
from tenfold.core.message import Message
from tenfold.media.files.listing import Entry
from tenfold.media.files.references import Unreadable, fetch, printable
from tenfold.media.files.stacks import TiffStack, bits_of, stack_of
from tenfold.media.image import decode
from tenfold.media.image.masks.pairs import Pair
from tenfold.media.image.masks.values.decoded import Decoded, decoded

__all__ = ["NO_MASK", "Looked", "fitted", "looked", "measured", "of_mask"]

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
    stack: TiffStack | None = None
    """The axes of a TIFF file."""
    bits: int = 0
    """Bits that the numbers of a stack use; 0 for other pictures."""


def looked(pair: Pair, order: str = "", decode_mask: bool = True) -> Looked:
    """Returns the pair with the picture's size read from its header, and its mask decoded.

    `order` is that of the pages of stacks that do not state it, "" where none was given.
    """
    one = Looked(pair, problem=pair.picture.entry.problem or pair.problem)
    if one.problem is not None:
        return one
    if not pair.masks:
        return replace(one, problem=NO_MASK)
    mask = pair.masks[0][1]
    try:
        content = fetch(pair.picture.entry.cell)
        one.size, one.turn = measured(content)
        one.stack = stack_of(content) if isinstance(content, bytes) else None
    except Unreadable as error:
        return replace(one, problem=error.problem)
    if not decode_mask:
        return one
    if mask.problem is not None:
        return replace(one, problem=of_mask(mask, mask.problem))
    try:
        held = decoded(mask.cell)
    except Unreadable as error:
        return replace(one, problem=of_mask(mask, error.problem))
    one = fitted(one, mask, held)
    if one.problem is None and (len(held.shape) == 3 or (one.stack and one.stack.pages > 1)):
        return arranged(one, held, order, content)
    return one


def arranged(one: Looked, held: Decoded, order: str, content: Any) -> Looked:
    """Returns a stack whose planes and those of its mask agree, else with a problem."""
    count = held.shape[0] if len(held.shape) == 3 else 1
    stack = one.stack
    if stack is None:
        return replace(one, problem=_planes(1, "", count))
    if not stack.order and stack.pages > 1:
        if count == stack.pages:
            stack = stack.ordered("Z", count)
        elif stack.pages % count == 0 and order:
            stack = stack.ordered(order, count)
        elif stack.pages % count == 0:
            return replace(one, problem=_two_readings(stack, count))
    if stack.planes != count:
        return replace(one, problem=_planes(stack.planes, stack.shown, count))
    try:
        return replace(one, stack=stack, bits=bits_of(content, stack))
    except Unreadable as error:
        return replace(one, problem=error.problem)


def _planes(planes: int, shown: str, count: int) -> Problem:
    return Problem(
        "mask-planes",
        Message(
            "has {planes} planes {axes}, its mask {count}",
            planes=planes,
            axes=f"({shown})" if shown else "",
            count=count,
        ),
        Message("Save one plane of the mask for each plane of the picture."),
    )


def _two_readings(stack: TiffStack, count: int) -> Problem:
    """Returns the Problem of a stack whose file does not state the order of its pages.

    `count` is the number of channels.
    """
    orders = ("ZC", "CZ") if count > 1 else ("C", "Z")
    shown = [stack.ordered(order, count if order != "Z" else stack.pages) for order in orders]
    readings = "; ".join(
        f"{one.shown} (--channels {order})" for one, order in zip(shown, orders, strict=True)
    )
    return Problem(
        "two-readings",
        Message(
            "has {pages} pages without metadata; several readings fit: {readings}",
            pages=stack.pages,
            readings=readings,
        ),
        Message(
            "Give --channels {first} where channels change fastest, --channels {second} where "
            "planes do, or save it with OME or ImageJ metadata.",
            first=orders[0],
            second=orders[1],
        ),
    )


def measured(content: Any) -> tuple[tuple[int, int], int]:
    """Returns the upright width and height of a picture, and its EXIF orientation, 1 to 8.

    Raises Unreadable.
    """
    header = decode.header(content)
    size = (header.width, header.height)
    if isinstance(content, np.ndarray):
        return size, 1
    picture = decode.opened(content)
    return size, 1 if picture.format == "TIFF" else decode.orientation(picture)


def of_mask(mask: Entry, problem: Problem) -> Problem:
    """Returns the problem of a mask's file as one of its picture."""
    reason = Message(
        "has a mask ({mask}) that {reason}", mask=printable(mask.name), reason=problem.reason
    )
    return replace(problem, reason=reason)


def fitted(one: Looked, mask: Entry, held: Decoded) -> Looked:
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
