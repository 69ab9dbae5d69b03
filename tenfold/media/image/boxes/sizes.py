"""Decides which picture size the coordinates of boxes refer to, and whether EXIF turns them.

The size that a file states is compared with the picture's own. Boxes for a picture of another size
are scaled, all or none.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from tenfold.core import system
from tenfold.core.columns import Problem
from tenfold.core.message import Message
from tenfold.core.taken import Taken
from tenfold.media.files.listing import Entry
from tenfold.media.files.references import Unreadable, fetch, file_of, opened
from tenfold.media.image import decode
from tenfold.media.image.boxes.form import Judgement, listed

__all__ = ["BoxFrame", "fractions_of", "frames", "headers"]

START = 1 << 16
"""Bytes at the beginning of a file that nearly always hold the size of the picture."""
FITS = 0.01
"""Share of a side by which a box may reach beyond its picture."""
CLEAR, FEW = 0.5, 0.05
"""Shares of the boxes: most of them, and so few that they are mistakes."""

HeaderOrProblem = decode.PictureHeader | Problem


@dataclass(frozen=True)
class BoxFrame:
    """The picture that the coordinates of an annotation refer to: width and height in pixels.

    `turn` is the EXIF orientation by which boxes are still to be turned, 1 for none.
    """

    width: float
    height: float
    turn: int = 1


def headers(entries: Sequence[Entry]) -> list[HeaderOrProblem]:
    """Returns the header of each picture, or its problem; of files only the beginning is read."""
    with ThreadPoolExecutor(min(16, 4 * system.cores())) as pool:
        return list(pool.map(_header, entries))


def _header(entry: Entry) -> HeaderOrProblem:
    if entry.problem is not None:
        return entry.problem
    try:
        if isinstance(entry.cell, str) and "#" not in entry.cell:
            with opened(file_of(entry.cell)) as file, contextlib.suppress(Unreadable):
                # Where the size stands later in the file, the whole file is read.
                return decode.header(file.read(START))
        return decode.header(fetch(entry.cell))
    except Unreadable as error:
        return error.problem
    except OSError:
        return Problem("damaged", Message("cannot be read"), Message("Copy the picture again."))


def fractions_of(points: np.ndarray, frame: BoxFrame) -> np.ndarray:
    """Returns points (M, 2) in pixels of the frame as fractions of the upright picture."""
    x, y = (points / [frame.width, frame.height]).T
    turned = {
        1: (x, y),
        2: (1 - x, y),
        3: (1 - x, 1 - y),
        4: (x, 1 - y),
        5: (y, x),
        6: (1 - y, x),
        7: (1 - y, 1 - x),
        8: (y, 1 - x),
    }
    return np.stack(turned[frame.turn], 1)


def frames(
    pairs: Sequence[tuple[Judgement, str, decode.PictureHeader]], taken: Taken
) -> list[BoxFrame | Problem]:
    """Returns the frame of each annotation, given the name and the header of its picture.

    What was decided about sizes is stated in `taken`.
    """
    found = [_frame(one, header) for one, _, header in pairs]
    names = [name for _, name, _ in pairs]
    _state_turned(found, names, taken)
    _refuse_stretched(found, pairs)
    _state_wrong(found, names, taken)
    _scale(found, pairs, taken)
    return [one.problem or one.frame for one in found]


@dataclass
class _Decided:
    """The frame of one annotation and how it was decided."""

    frame: BoxFrame
    turned: str = ""
    """`shown` or `stored`: what the boxes of a picture turned by EXIF are for; `taken` as shown."""
    wrong: bool = False
    other: tuple[float, float] | None = None
    """The stated size, where it has the proportions of the picture and is another one."""
    problem: Problem | None = None


def _frame(one: Judgement, header: decode.PictureHeader) -> _Decided:
    upright = (header.width, header.height)
    turn = header.orientation
    stored = upright[::-1] if turn >= 5 else upright
    if turn == 1 or not one.shapes:
        return _checked(_Decided(BoxFrame(*upright)), one.size)
    shown = _checked(_Decided(BoxFrame(*upright), "shown"), one.size)
    lying = _checked(_Decided(BoxFrame(*stored, turn), "stored"), one.size)
    if one.size is None:
        return _by_fit(one, shown, lying)
    if shown.wrong != lying.wrong and upright != stored:
        return lying if shown.wrong else shown
    reason = Message(
        "is turned by EXIF, and its size {width} x {height} does not show whether its boxes are "
        "for the stored or the shown picture ({file})",
        width=int(one.size[0]),
        height=int(one.size[1]),
        file=one.file,
    )
    fix = Message("Store the picture upright, without an EXIF orientation.")
    return replace(shown, problem=Problem("unclear-turn", reason, fix))


def _checked(decided: _Decided, size: tuple[float, float] | None) -> _Decided:
    """Returns the decision with the result of the comparison with the stated size."""
    frame = decided.frame
    if size is None or size == (frame.width, frame.height):
        return decided
    width, height = size
    if width > 0 and height > 0:
        by = max(width / frame.width, height / frame.height)
        off = max(abs(width - by * frame.width), abs(height - by * frame.height))
        if off <= max(1.0, by):
            return replace(decided, other=size)
    return replace(decided, wrong=True)


def _by_fit(one: Judgement, shown: _Decided, lying: _Decided) -> _Decided:
    """Decides by the boxes, where they fit one way only; else they are for the shown picture."""
    if not one.fractions:
        fits = [_inside(one, choice.frame.width, choice.frame.height) for choice in (shown, lying)]
        if all(fits[1]) and not all(fits[0]):
            return lying
        if all(fits[0]) and not all(fits[1]):
            return shown
    return replace(shown, turned="taken")


def _inside(one: Judgement, width: float, height: float) -> list[bool]:
    """Returns whether each shape of an annotation in pixels fits into a picture of this size."""
    most = (width * (1 + FITS), height * (1 + FITS))
    return [
        all(x <= most[0] and y <= most[1] for x, y in shape.points)
        for shape in one.shapes
        if shape.points
    ]


def _state_turned(found: Sequence[_Decided], names: Sequence[str], taken: Taken) -> None:
    by_way: dict[str, list[str]] = {"shown": [], "stored": [], "taken": [], "unclear": []}
    for one, name in zip(found, names, strict=True):
        if one.turned:
            by_way["unclear" if one.problem else one.turned].append(name)
    if not any(by_way.values()):
        return
    taken.note(
        Message(
            "{count} pictures are turned by EXIF: the boxes of {shown} are for the shown picture "
            "({shown_names}), those of {stored} for the stored one ({stored_names}) and are turned "
            "with it; for {unclear} the sizes do not show it ({unclear_names}).",
            count=sum(map(len, by_way.values())),
            shown=len(by_way["shown"]),
            shown_names=listed(by_way["shown"]),
            stored=len(by_way["stored"]),
            stored_names=listed(by_way["stored"]),
            unclear=len(by_way["unclear"] + by_way["taken"]),
            unclear_names=listed(by_way["unclear"] + by_way["taken"]),
        )
    )
    if some := by_way["taken"]:
        taken.note(
            Message(
                "These have no size beside their boxes, which are taken to be for the shown "
                "picture: {names}.",
                names=listed(some),
            )
        )


def _state_wrong(found: Sequence[_Decided], names: Sequence[str], taken: Taken) -> None:
    wrong = [name for one, name in zip(found, names, strict=True) if one.wrong and not one.problem]
    if wrong:
        taken.note(
            Message(
                "Pictures with a missing or wrong size beside their boxes, whose own size is used: "
                "{count} ({names}).",
                count=len(wrong),
                names=listed(wrong),
            )
        )


def _refuse_stretched(
    found: Sequence[_Decided], pairs: Sequence[tuple[Judgement, str, decode.PictureHeader]]
) -> None:
    """Refuses all pictures with a stated size of other proportions where boxes fit only that."""
    some = []
    for decided, (one, name, _) in zip(found, pairs, strict=True):
        own = (decided.frame.height, decided.frame.width)
        if not decided.wrong or decided.problem or one.fractions or one.size is None:
            continue
        if min(one.size) > 0 and one.size != own:
            some.append((replace(decided, other=one.size), one, name, decided))
    _, given, total = _counted([(decided, one, name) for decided, one, name, _ in some])
    if given > FEW * total:
        for shown, _, _, decided in some:
            decided.problem = _resized(shown)


def _scale(
    found: list[_Decided],
    pairs: Sequence[tuple[Judgement, str, decode.PictureHeader]],
    taken: Taken,
) -> None:
    """Decides about all pictures of another size than stated: scaled, refused, or a wrong size."""
    some = [
        (decided, one, name)
        for decided, (one, name, _) in zip(found, pairs, strict=True)
        if decided.other and decided.problem is None and not one.fractions
    ]
    if not some:
        return
    own, given, total = _counted(some)
    smaller = sum((one.other or (0, 0))[0] < one.frame.width for one, _, _ in some)
    sizes = _sizes(some[0][0], len(some), some[0][2])
    if given > CLEAR * total:
        for decided, _, _ in some:
            width, height = decided.other or (1.0, 1.0)
            decided.frame = replace(decided.frame, width=width, height=height)
        taken.note(
            Message(
                "Pictures resized after their boxes were drawn, which are scaled: {count}; "
                "{name} has {width} x {height} pixels, its boxes are for {other}.",
                **sizes,
            )
        )
    elif given > FEW * total or (total and 2 * smaller > len(some) and own <= FEW * total):
        for decided, _, _ in some:
            decided.problem = _resized(decided)
    else:
        taken.note(
            Message(
                "Pictures with a wrong size beside their boxes, whose own size is used: {count}; "
                "{name} has {width} x {height} pixels, stated is {other}.",
                **sizes,
            )
        )


def _counted(some: Sequence[tuple[_Decided, Judgement, str]]) -> tuple[int, int, int]:
    """Returns the numbers of boxes: fit only the picture's own size, only the stated size, all."""
    own = given = total = 0
    for decided, one, _ in some:
        width, height = decided.other or (0.0, 0.0)
        fits = _inside(one, decided.frame.width, decided.frame.height)
        others = _inside(one, width, height)
        own += sum(a and not b for a, b in zip(fits, others, strict=True))
        given += sum(b and not a for a, b in zip(fits, others, strict=True))
        total += len(fits)
    return own, given, total


def _sizes(decided: _Decided, count: int, name: str) -> dict[str, object]:
    frame = decided.frame
    sizes = {"width": frame.width, "height": frame.height, "other": _size(decided.other)}
    return {"count": count, "name": name, **sizes}


def _resized(decided: _Decided) -> Problem:
    return Problem(
        "other-size",
        Message(
            "has {width} x {height} pixels, but its boxes state {other}, and it is not clear which "
            "of the two they are for",
            width=decided.frame.width,
            height=decided.frame.height,
            other=_size(decided.other),
        ),
        Message("Give the pictures that the boxes were drawn on, or correct the stated size."),
    )


def _size(size: tuple[float, float] | None) -> str:
    width, height = size or (0, 0)
    return f"{width:g} x {height:g}"
