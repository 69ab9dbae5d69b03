"""Makes rows from annotations: matches them with pictures, checks boxes, removes repeated ones."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused
from tenfold.core.message import Message
from tenfold.core.rows import Rows
from tenfold.core.taken import Taken
from tenfold.media.files.references import file_cell, printable, speakable
from tenfold.media.image.boxes import roles, sizes, told
from tenfold.media.image.boxes.form import (
    DrawnShape,
    Judgement,
    LabelledBox,
    PictureRow,
    StatedBoxes,
    bad_box,
)
from tenfold.media.image.boxes.pictures import Pictures
from tenfold.media.reading import Reading

__all__ = ["rows_of"]

LOST = 0.2
"""Largest share of the annotation files without a picture that is only named."""


def rows_of(found: StatedBoxes, pictures: Pictures, reading: Reading, where: str) -> Rows:
    """Returns a row for each annotated picture, sorted by name, with its boxes.

    `where` is the source, for errors. Raises DataRefused where none of the annotated pictures is
    found, UsageError where the reading names a column that the files lack.
    """
    taken = Taken()
    rows = _matched(found, pictures, taken)
    if not any(row.entry for row in rows):
        raise _no_pictures(found, where)
    _add_boxes(rows, taken)
    told.repeats(rows, taken)
    rows, reading = roles.parted(rows, found, reading, taken, where)
    table, reading = roles.with_columns(_table(rows), rows, found, reading, taken, where)
    told.add(rows, found, pictures, taken)
    return Rows(table, taken=taken, reading=reading)


def _no_pictures(found: StatedBoxes, where: str) -> DataRefused:
    first = found.judgements[0].picture if found.judgements else ""
    return DataRefused(
        Message(
            "None of the {count} pictures of the {format} is there; the first is {name!r}",
            count=len(found.judgements),
            format=found.format,
            name=printable(first[:200]),
        ),
        code="no-files",
        where=where,
        fix=Message("Put the pictures and their annotations into one folder, and give that."),
    )


# --- pictures -------------------------------------------------------------------------------------


def _matched(found: StatedBoxes, pictures: Pictures, taken: Taken) -> list[PictureRow]:
    """Returns a row for each picture that annotations name, also where its file is missing."""
    by_picture: dict[str, PictureRow] = {}
    lost: list[PictureRow] = []
    for one in found.judgements:
        entry = one.entry or pictures.first((one.picture, *one.others), one.file)
        if isinstance(entry, Problem):
            name = f"{one.file}: {one.picture}" if found.lists_pictures else one.file
            lost.append(PictureRow(None, printable(name), [one], entry))
            continue
        row = by_picture.setdefault(entry.name, PictureRow(entry, printable(entry.name)))
        row.judgements.append(one)
    classes: dict[str, set[str]] = defaultdict(set)
    for one in found.judgements:
        classes[one.file] |= {shape.label for shape in one.shapes}
    for row in by_picture.values():
        row.problem = next((one.problem for one in row.judgements if one.problem), None)
        row.problem = row.problem or _contradiction(row.judgements, classes)
    told.ways(pictures, taken)
    rows = [by_picture[name] for name in sorted(by_picture)]
    if found.lists_pictures or len(lost) > LOST * len(found.judgements):
        return rows + lost
    taken.leave("files", [row.source for row in lost], 0, Message("no picture of this name"))
    return rows


def _contradiction(
    judgements: Sequence[Judgement], classes: Mapping[str, set[str]]
) -> Problem | None:
    """Returns the problem of a picture with different boxes in two files, None if they agree.

    Files about different classes complete each other, and a file without boxes contradicts none.
    `classes` has the labels of each file.
    """
    files: dict[str, set[tuple[str, tuple[tuple[float, float], ...]]]] = defaultdict(set)
    for one in judgements:
        files[one.file] |= {(shape.label, shape.points) for shape in one.shapes}
    for (first, some), (second, others) in combinations(files.items(), 2):
        if some and others and some != others and classes[first] & classes[second]:
            return Problem(
                "two-judgements",
                Message(
                    "has different boxes in {first} and in {second}", first=first, second=second
                ),
                Message("Remove the picture from one of the two files."),
            )
    return None


# --- boxes ----------------------------------------------------------------------------------------


def _add_boxes(rows: Sequence[PictureRow], taken: Taken) -> None:
    """Fills the boxes of all rows, in fractions of the upright picture, and their problems."""
    known = [(row, row.entry) for row in rows if row.entry is not None]
    pairs, owners = [], []
    for (row, _), header in zip(known, sizes.headers([e for _, e in known]), strict=True):
        if isinstance(header, Problem):
            row.problem = row.problem or header
            continue
        pairs += [(one, row.source, header) for one in row.judgements]
        owners += [row] * len(row.judgements)
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
                row.add(box, shape)


def _box(shape: DrawnShape, one: Judgement, frame: sizes.BoxFrame) -> LabelledBox | Problem:
    """Returns the box in fractions of the upright picture, or why it cannot be used."""
    if shape.problem is not None:
        return shape.problem
    numbers = [number for point in shape.points for number in point]
    if not numbers or not all(map(math.isfinite, numbers)):
        return bad_box(one.file, shape.place, Message("a number is missing or not finite"))
    if len(numbers) == 4 and (numbers[2] < numbers[0] or numbers[3] < numbers[1]):
        return bad_box(one.file, shape.place, Message("its width or height is negative"))
    edges = _edges(shape, one.fractions, frame)
    beyond = max(-min(edges), max(edges) - 1)
    if beyond > sizes.FITS + 1e-9:
        why = Message("it reaches {share:.1%} of a side beyond the picture", share=float(beyond))
        return bad_box(one.file, shape.place, why)
    x0, y0, x1, y1 = (min(max(edge, 0.0), 1.0) for edge in edges)
    if x1 - x0 <= 1e-9 or y1 - y0 <= 1e-9:
        return bad_box(one.file, shape.place, Message("it has no area"))
    if not shape.label:
        return bad_box(one.file, shape.place, Message("it has no label"))
    return speakable(shape.label), x0, y0, x1, y1


def _edges(
    shape: DrawnShape, fractions: bool, frame: sizes.BoxFrame
) -> tuple[float, float, float, float]:
    """Returns the edges of the enclosing box, as fractions of the upright picture."""
    xs, ys = zip(*shape.points, strict=True)
    box = (min(xs), min(ys), max(xs), max(ys))
    if not shape.turn and frame.turn == 1:
        width, height = (1, 1) if fractions else (frame.width, frame.height)
        return box[0] / width, box[1] / height, box[2] / width, box[3] / height
    corners = [(x, y) for x in box[0::2] for y in box[1::2]]
    points = np.asarray(corners if len(xs) == 2 else shape.points, float)
    size = np.array([frame.width, frame.height] if fractions else [1.0, 1.0])
    points = points * size
    if shape.turn:
        points = _turned(points, shape.turn, np.asarray(shape.about) * size)
    points = sizes.fractions_of(points, frame)
    return (*points.min(0).tolist(), *points.max(0).tolist())


def _turned(points: np.ndarray, degrees: float, about: np.ndarray) -> np.ndarray:
    """Returns points (M, 2) turned clockwise, where y points downwards."""
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    return (points - about) @ np.array([[cosine, sine], [-sine, cosine]]) + about


# --- the table ------------------------------------------------------------------------------------


def _table(rows: Sequence[PictureRow]) -> pd.DataFrame:
    cells = [row.entry.cell if row.entry else file_cell(row.source) for row in rows]
    return pd.DataFrame(
        {
            "image": _objects(cells),
            "boxes": _objects([tuple(row.boxes) for row in rows]),
            "boxes_ignored": _objects([tuple(row.ignored) for row in rows]),
            "source": _objects([row.source for row in rows]),
            "problem": _objects([row.problem for row in rows]),
        }
    )


def _objects(cells: Sequence[object]) -> pd.Series:
    column = np.empty(len(cells), object)
    for at, cell in enumerate(cells):
        column[at] = cell  # tuples and arrays stay cells
    return pd.Series(column, dtype=object)
