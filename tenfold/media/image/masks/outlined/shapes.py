"""Draws the outlines and runs of pictures as true masks: COCO, LabelMe, GeoJSON, tables of runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tenfold.core.columns import Problem
from tenfold.core.message import EMPTY, Message
from tenfold.core.taken import Taken
from tenfold.media.files.references import Unreadable, fetch
from tenfold.media.image.masks.fitting import measured
from tenfold.media.image.masks.outlined import runs
from tenfold.media.image.masks.outlined.outlines import filled
from tenfold.media.image.masks.pixels import IGNORED, TrueMask
from tenfold.media.image.masks.rows import MaskRow
from tenfold.media.image.masks.threads import in_threads
from tenfold.media.image.masks.values.class_names import is_void
from tenfold.media.image.masks.values.decoded import oriented
from tenfold.media.image.masks.values.mapping import BACKGROUND

__all__ = ["Bitmap", "DrawnPicture", "MaskShape", "class_list", "drawn_rows"]

Bitmap = tuple[int, int, np.ndarray]
"""The left and upper end of a bitmap, and its pixels (h, w)."""
OUTSIDE = 0.01
"""Share of a side by which an outline may lie outside the picture."""


@dataclass
class MaskShape:
    """One object: its class, and polygons or runs.

    `parts` are polygons, each a list of rings (n, 2) of x, y in pixels: the outline, then holes.
    `runs` are COCO's, `pairs` those of a table. A `crowd` is a heap of objects: its pixels are
    ignored. `where` names the annotation in sentences.
    """

    label: str
    parts: list[list[np.ndarray]] = field(default_factory=list)
    runs: Any = None
    bitmap: Bitmap | None = None
    pairs: str | None = None
    crowd: bool = False
    where: Message = EMPTY

    @property
    def fixed(self) -> bool:
        """True where the pixels are given, so that the shape cannot be scaled."""
        return self.runs is not None or self.pairs is not None or self.bitmap is not None


@dataclass
class DrawnPicture:
    """A picture with its objects; `stated` is the size in pixels that stands beside them.

    With `fractions` the points are fractions of width and height of the upright picture.
    """

    row: MaskRow
    shapes: list[MaskShape]
    stated: tuple[int, int] | None = None
    size: tuple[int, int] = (0, 0)
    turn: int = 1
    overlaps: int = 0
    fractions: bool = False


def class_list(names: Sequence[str]) -> tuple[str, ...]:
    """Returns the classes: the background first, then the names without those that are ignored."""
    kept = [name for name in dict.fromkeys(names) if name != BACKGROUND and not is_void(name)]
    return (BACKGROUND, *kept)


def drawn_rows(
    pictures: Sequence[DrawnPicture], classes: tuple[str, ...], taken: Taken
) -> list[MaskRow]:
    """Returns the rows of the pictures, each with its mask or a problem."""
    pictures = list(in_threads(_measured, pictures))
    scale = _scaled(pictures, taken)
    drawn = list(in_threads(lambda one: _drawn(one, classes, scale), pictures))
    overlaps = sum(one.overlaps for one in drawn)
    if overlaps:
        taken.note(
            Message(
                "{count} pixels lie in several objects: they belong to the last of these.",
                count=overlaps,
            )
        )
    return [one.row for one in drawn]


def _measured(one: DrawnPicture) -> DrawnPicture:
    """Returns the picture with its size from its header."""
    if one.row.problem is not None:
        return one
    try:
        one.size, one.turn = measured(fetch(one.row.image))
    except Unreadable as error:
        one.row.problem = error.problem
    return one


def _own(one: DrawnPicture) -> tuple[int, int]:
    """Returns the size in which a picture's outlines are drawn: that stated, where it is its own.

    A picture turned by EXIF may be annotated as it is stored.
    """
    stated = one.stated
    if stated is None or 0 in stated:
        return one.size
    if stated == one.size[::-1] and one.turn < 5 and stated != one.size:
        return one.size  # width and height changed over
    return stated


def _scaled(pictures: Sequence[DrawnPicture], taken: Taken) -> bool:
    """Returns True where nearly all pictures were resized after the outlines were drawn.

    They are then all scaled, which is stated; otherwise each picture of another size is refused.
    """
    usable = [one for one in pictures if one.row.problem is None and one.shapes]
    other = [one for one in usable if _own(one) not in (one.size, one.size[::-1])]
    alike = [
        one
        for one in other
        if abs(_own(one)[0] * one.size[1] - _own(one)[1] * one.size[0])
        <= max(_own(one)) + max(one.size)
        and all(not shape.fixed for shape in one.shapes)
    ]
    if not other or len(alike) < 0.9 * len(usable):
        return False
    first = alike[0]
    taken.note(
        Message(
            "The pictures were resized after the outlines were drawn ({name}: {width} x {height}, "
            "outlines for {own_width} x {own_height}): all outlines are scaled.",
            name=first.row.source,
            width=first.size[0],
            height=first.size[1],
            own_width=_own(first)[0],
            own_height=_own(first)[1],
        )
    )
    return True


def _drawn(one: DrawnPicture, classes: tuple[str, ...], scale: bool) -> DrawnPicture:
    if one.row.problem is not None:
        return one
    own = _own(one)
    stored = one.turn >= 5 and own == one.size[::-1] and one.stated is not None
    if own != one.size and not stored and not scale:
        one.row.problem = _another_size(one, own)
        return one
    width, height = own if stored else one.size
    factor: Any = np.array(one.size, float) if one.fractions else 1.0
    if scale and not stored and not one.fractions:
        factor = np.array([one.size[0] / own[0], one.size[1] / own[1]])
    pixels = np.zeros((height, width), np.uint8)
    objects = np.zeros((height, width), np.uint32)
    covered = np.zeros((height, width), bool)
    ordered = sorted(enumerate(one.shapes, 1), key=lambda item: not item[1].crowd)
    for number, shape in ordered:
        inside, problem = _inside(shape, height, width, factor)
        if problem is not None:
            one.row.problem = problem
            return one
        if not shape.crowd:
            one.overlaps += int((inside & covered).sum())
            covered |= inside
        void = shape.crowd or is_void(shape.label)
        pixels[inside] = IGNORED if void else classes.index(shape.label)
        objects[inside] = 0 if void or shape.label == BACKGROUND else number
    if stored:
        pixels, objects = oriented(pixels, one.turn), oriented(objects, one.turn)
    one.row.judged(TrueMask(classes, pixels, objects))
    one.shapes = []
    return one


def _another_size(one: DrawnPicture, own: tuple[int, int]) -> Problem:
    return Problem(
        "mask-size",
        Message(
            "has {width} x {height} pixels, its outlines are for {own_width} x {own_height}",
            width=one.size[0],
            height=one.size[1],
            own_width=own[0],
            own_height=own[1],
        ),
        Message("Give the picture in the size in which it was annotated."),
    )


def _inside(
    shape: MaskShape, height: int, width: int, factor: Any
) -> tuple[np.ndarray, Problem | None]:
    """Returns (height, width) True inside the shape, or the problem of the picture."""
    inside = np.zeros((height, width), bool)
    try:
        if shape.runs is not None:
            return runs.of_coco(shape.runs, height, width), None
        if shape.pairs is not None:
            return runs.of_pairs(shape.pairs, height, width), None
    except Unreadable as error:
        reason = Message(
            "has an outline that does not fit ({where}): {reason}",
            where=shape.where,
            reason=error.problem.reason,
        )
        return inside, replace(error.problem, reason=reason)
    if shape.bitmap is not None:
        left, top, held = shape.bitmap
        held = held[max(0, -top) : height - top, max(0, -left) : width - left]
        inside[max(0, top) :, max(0, left) :][: held.shape[0], : held.shape[1]] = held
    for part in shape.parts:
        rings = [ring * factor for ring in part]
        reason = _unusable(rings, height, width)
        if reason:
            return inside, Problem(
                "mask-outline",
                Message("has an annotation ({where}) {reason}", where=shape.where, reason=reason),
                Message("Correct the outline, or remove the annotation."),
            )
        inside |= filled(rings, height, width)
    return inside, None


def _unusable(rings: Sequence[np.ndarray], height: int, width: int) -> Message:
    for ring in rings:
        if ring.ndim != 2 or ring.shape[1:] != (2,) or len(ring) < 3:
            return Message("with an outline of fewer than 3 points")
        if not np.isfinite(ring).all():
            return Message("with points that are not finite numbers")
        slack = np.array([width, height]) * OUTSIDE + 1
        if (ring < -slack).any() or (ring > np.array([width, height]) + slack).any():
            return Message("whose outline lies outside the picture")
    return EMPTY
