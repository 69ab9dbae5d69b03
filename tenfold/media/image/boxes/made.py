"""Makes rows of judgements: matches pictures, checks boxes, counts repeats once."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused
from tenfold.core.message import Message
from tenfold.core.rows import Rows
from tenfold.core.taken import Taken
from tenfold.media.files.listing import Entry
from tenfold.media.files.parts import part_of_file, part_of_folder
from tenfold.media.files.references import file_cell, printable, speakable
from tenfold.media.image.boxes import sizes
from tenfold.media.image.boxes.form import Found, Judgement, Shape, bad_box
from tenfold.media.image.boxes.pictures import Pictures

__all__ = ["rows_of"]

LOST = 0.2
"""Share of the annotation files without a picture from which these are unusable rows."""

Box = tuple[str, float, float, float, float]


@dataclass
class _Row:
    """One picture with all that was stated about it."""

    entry: Entry | None
    source: str
    judgements: list[Judgement]
    problem: Problem | None = None
    boxes: list[Box] = field(default_factory=list)
    ignored: list[Box] = field(default_factory=list)
    part: str = ""


def rows_of(found: Found, pictures: Pictures, taken: Taken) -> Rows:
    """Returns a row for each picture that the files judge, in the order of the pictures.

    Raises DataRefused where there is none.
    """
    rows = _matched(found, pictures, taken)
    if not rows:
        raise DataRefused(
            Message("None of the annotations belongs to a picture"),
            code="no-files",
            fix=Message("Put the pictures into the folder of the annotations."),
        )
    _sized(rows, taken)
    _state_repeats(rows, taken)
    rows = _parted(rows, found, taken)
    _state(rows, found, pictures, taken)
    return Rows(_table(rows), taken=taken)


# --- pictures -------------------------------------------------------------------------------------


def _matched(found: Found, pictures: Pictures, taken: Taken) -> list[_Row]:
    """Returns the rows of the pictures that judgements name, and of those that are missing."""
    by_picture: dict[str, _Row] = {}
    lost: list[_Row] = []
    for one in found.judgements:
        entry = one.entry or _find(one, pictures)
        if isinstance(entry, Problem):
            lost.append(_Row(None, printable(_where(one, found)), [one], entry))
            continue
        row = by_picture.setdefault(entry.name, _Row(entry, printable(entry.name), []))
        row.judgements.append(one)
    for row in by_picture.values():
        row.problem = next((one.problem for one in row.judgements if one.problem), None)
        row.problem = row.problem or _contradiction(row.judgements)
    _state_ways(pictures, taken)
    rows = [by_picture[name] for name in sorted(by_picture)]
    if found.lists_pictures or len(lost) > LOST * len(found.judgements):
        return rows + lost
    taken.leave("files", [row.judgements[0].file for row in lost], 0, _NO_PICTURE)
    return rows


_NO_PICTURE = Message("no picture of this name")


def _find(one: Judgement, pictures: Pictures) -> Entry | Problem:
    first: Problem | None = None
    for name in (one.picture, *one.others):
        entry = pictures.find(name, one.file)
        if isinstance(entry, Entry):
            return entry
        first = first or entry
    return first or Problem("missing-path", Message("has no path"))


def _where(one: Judgement, found: Found) -> str:
    return f"{one.file}: {one.picture}" if found.lists_pictures else one.file


def _state_ways(pictures: Pictures, taken: Taken) -> None:
    """States how names were matched that differ from those of the pictures."""
    said = {
        "upload": Message("without the prefix of an upload"),
        "decoded": Message("after percent-signs were decoded"),
        "folder": Message("by their names, in other folders"),
        "suffix": Message("without their suffixes"),
    }
    for way, count in sorted(pictures.notes.items()):
        taken.note(
            Message(
                "{count} pictures were found {way}, because exactly one file fits each.",
                count=count,
                way=said[way],
            )
        )
    pictures.notes.clear()


def _contradiction(judgements: Sequence[Judgement]) -> Problem | None:
    """Returns the problem of a picture that two files judge differently, None if they agree.

    Files about different classes complete each other.
    """
    files: dict[str, set[tuple[str, tuple[tuple[float, float], ...]]]] = defaultdict(set)
    for one in judgements:
        files[one.file] |= {(shape.label, shape.points) for shape in one.shapes}
    kept = list(files.items())
    for at, (name, shapes) in enumerate(kept):
        for other, others in kept[:at]:
            if shapes != others and {label for label, _ in shapes} & {label for label, _ in others}:
                return Problem(
                    "two-judgements",
                    Message(
                        "is judged differently by {first} and {second}", first=other, second=name
                    ),
                    Message("Remove one of the two."),
                )
    return None


# --- boxes ----------------------------------------------------------------------------------------


def _sized(rows: Sequence[_Row], taken: Taken) -> None:
    """Fills the boxes of all rows, in fractions of the upright picture, and their problems."""
    known = [row for row in rows if row.entry is not None]
    headers = sizes.headers([row.entry for row in known if row.entry])
    pairs, owners = [], []
    for row, header in zip(known, headers, strict=True):
        if isinstance(header, Problem):
            row.problem = row.problem or header
            continue
        for one in row.judgements:
            pairs.append((one, row.source, header))
            owners.append(row)
    frames = sizes.frames(pairs, taken)
    for row, (one, _, _), frame in zip(owners, pairs, frames, strict=True):
        if isinstance(frame, Problem):
            row.problem = row.problem or frame
            continue
        for shape in one.shapes:
            box = _box(shape, one, frame)
            if isinstance(box, Problem):
                row.problem = row.problem or box
            else:
                (row.ignored if shape.ignored else row.boxes).append(box)


def _box(shape: Shape, one: Judgement, frame: sizes.Frame) -> Box | Problem:
    """Returns the box in fractions of the upright picture, or why it cannot be used."""
    if shape.problem is not None:
        return shape.problem
    points = np.asarray(shape.points, float).reshape(-1, 2)
    if not len(points) or not np.isfinite(points).all():
        return bad_box(one.file, shape.place, Message("a number is missing or not finite"))
    if len(points) == 2:
        (left, upper), (right, lower) = points
        if right < left or lower < upper:
            return bad_box(one.file, shape.place, Message("its width or height is negative"))
        points = np.array([[left, upper], [right, upper], [right, lower], [left, lower]])
    if one.fractions:
        points = points * [frame.width, frame.height]
    if shape.turn:
        about = np.asarray(shape.about) * ([frame.width, frame.height] if one.fractions else 1)
        points = _turned(points, shape.turn, about)
    edges = sizes.fractions_of(points, frame)
    low, high = edges.min(0), edges.max(0)
    if low.min() < -sizes.FITS - 1e-9 or high.max() > 1 + sizes.FITS + 1e-9:
        beyond = max(-low.min(), high.max() - 1)
        why = Message("it reaches {share:.1%} beyond the picture", share=beyond)
        return bad_box(one.file, shape.place, why)
    (x0, y0), (x1, y1) = low.clip(0, 1).tolist(), high.clip(0, 1).tolist()
    if x1 - x0 <= 1e-9 or y1 - y0 <= 1e-9:
        return bad_box(one.file, shape.place, Message("it has no area"))
    return speakable(shape.label), x0, y0, x1, y1


def _turned(points: np.ndarray, degrees: float, about: np.ndarray) -> np.ndarray:
    """Returns points (M, 2) turned clockwise, as y points downwards."""
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    return (points - about) @ np.array([[cosine, sine], [-sine, cosine]]) + about


def _state_repeats(rows: Sequence[_Row], taken: Taken) -> None:
    """Counts exact repeats of boxes once, and names them."""
    repeated, total = [], 0
    for row in rows:
        for name in ("boxes", "ignored"):
            boxes = getattr(row, name)
            once = list(dict.fromkeys(boxes))
            if len(once) < len(boxes):
                total += len(boxes) - len(once)
                twice = next(box for box in once if boxes.count(box) > 1)
                repeated.append(f"{row.source} ({twice[0]})")
                setattr(row, name, once)
    if total:
        taken.note(
            Message(
                "{count} boxes that stand twice in their picture are counted once: {names}.",
                count=total,
                names=", ".join(repeated[:8]) + (", ..." if len(repeated) > 8 else ""),
            )
        )


# --- parts ----------------------------------------------------------------------------------------


def _parted(rows: list[_Row], found: Found, taken: Taken) -> list[_Row]:
    """Returns the rows with their parts: those of the format, else of folders and file names.

    Rows of no part are left out where others have one.
    """
    given = any(one.part for row in rows for one in row.judgements)
    for row in rows:
        parts = [one.part for one in row.judgements if one.part]
        if not given:
            parts = [part for one in row.judgements if (part := part_of_file(one.file))]
            parts = parts or _folder_parts(row)
        row.part = parts[0] if parts else ""
    if not given and "train" not in {row.part for row in rows}:
        for row in rows:
            row.part = ""
    if not any(row.part for row in rows):
        return rows
    taken.role("part", found.parts or Message("names of folders and files"))
    outside = [row.source for row in rows if not row.part]
    taken.leave("files", outside, 0, Message("in none of the parts"))
    return [row for row in rows if row.part]


def _folder_parts(row: _Row) -> list[str]:
    names = row.entry.parts if row.entry else ()
    return [part for name in names if (part := part_of_folder(name))]


# --- what was read --------------------------------------------------------------------------------


def _state(rows: Sequence[_Row], found: Found, pictures: Pictures, taken: Taken) -> None:
    counts: dict[str, int] = defaultdict(int)
    for row in rows:
        for box in (*row.boxes, *row.ignored):
            counts[box[0]] += 1
    taken.role("input", Message("pictures"), "", [row.source for row in rows[:3]])
    taken.role("answer", found.format, "", sorted(counts, key=lambda name: -counts[name]))
    for kind, names, why in found.left:
        taken.leave(kind, names, 0, why)
    unused = [name for name in dict.fromkeys(found.classes) if name not in counts]
    taken.leave("categories", unused, 0, Message("without a box"))
    judged = {row.entry.name for row in rows if row.entry}
    named = {name for _, names, _ in found.left for name in names}
    rest = [
        entry.name
        for entry in pictures.entries
        if entry.name not in judged | named
        and printable(entry.name) not in {n for one in taken.left for n in one.names}
    ]
    taken.leave("files", rest, 0, Message("pictures without annotation"))
    ignored = sum(len(row.ignored) for row in rows)
    if ignored:
        taken.note(
            Message(
                "{count} boxes are ignored (crowd or difficult): they are not scored.",
                count=ignored,
            )
        )
    empty = [r for r in rows if not r.boxes and not r.ignored and r.problem is None]
    if empty:
        taken.note(
            Message(
                "{count} pictures were judged and have no objects: {names}.",
                count=len(empty),
                names=", ".join(row.source for row in empty[:8])
                + (", ..." if len(empty) > 8 else ""),
            )
        )
    for note in found.notes:
        taken.note(note)


def _table(rows: Sequence[_Row]) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "image": pd.Series(
                [row.entry.cell if row.entry else file_cell(row.source) for row in rows],
                dtype=object,
            ),
            "boxes": _objects([tuple(row.boxes) for row in rows]),
            "boxes_ignored": _objects([tuple(row.ignored) for row in rows]),
            "source": [row.source for row in rows],
            "problem": _objects([row.problem for row in rows]),
        }
    )
    if any(row.part for row in rows):
        table["split"] = [row.part for row in rows]
    groups = [next((one.group for one in row.judgements if one.group), "") for row in rows]
    if any(groups):
        table["group"] = groups
    return table


def _objects(cells: Sequence[object]) -> pd.Series:
    column = np.empty(len(cells), object)
    column[:] = cells  # tuples stay cells
    return pd.Series(column, dtype=object)
