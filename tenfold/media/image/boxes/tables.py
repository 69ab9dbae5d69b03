"""Tables with a box in each line: the path of the picture, the edges, and the label.

Whether the edges are pixels or fractions is decided once, from all cells of all tables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused, UsageError
from tenfold.core.message import Message
from tenfold.media.files.records import is_table
from tenfold.media.files.roles import LABELS, PATHS, find
from tenfold.media.files.several import written
from tenfold.media.files.sheets import Sheet, opened_table, sheet_of
from tenfold.media.image.boxes.content import Contents
from tenfold.media.image.boxes.form import DrawnShape, Judgement, StatedBoxes, bad_box, number_of
from tenfold.media.image.boxes.pictures import Pictures
from tenfold.media.reading import Reading, column_of

__all__ = ["BoxColumns", "are_fractions", "columns_of", "judgements", "read"]

_EDGES = (
    ("x0", "y0", "x1", "y1"),
    ("xmin", "ymin", "xmax", "ymax"),
    ("x1", "y1", "x2", "y2"),
    ("left", "top", "right", "bottom"),
    ("xtl", "ytl", "xbr", "ybr"),
    ("minx", "miny", "maxx", "maxy"),
)
_SIDES = (
    ("xmin", "ymin", "width", "height"),
    ("left", "top", "width", "height"),
    ("x", "y", "width", "height"),
    ("x", "y", "w", "h"),
)
_CENTRES = (
    ("xcenter", "ycenter", "width", "height"),
    ("xcentre", "ycentre", "width", "height"),
    ("cx", "cy", "w", "h"),
    ("cx", "cy", "width", "height"),
)
_FORMS = {
    "edges": (_EDGES, Message("edges")),
    "centres": (_CENTRES, Message("centre, width and height")),
    "sides": (_SIDES, Message("upper left corner, width and height")),
}
_IGNORED = frozenset("difficult iscrowd crowd ignore ignored isgroupof".split())
_ROLES = {
    "split": "split part fold subset usage dataset set".split(),
    "group": "group patient person subject scene recording video patient_id video_id".split(),
}
SHARE = 0.95
"""Least share of the edges between 0 and 1 that makes all of them fractions."""


@dataclass(frozen=True)
class BoxColumns:
    """The columns of a table by meaning: the path, the four numbers in one of the forms, the label.

    `size` are the columns of width and height of the picture, () where there are none.
    """

    path: Any
    numbers: tuple[Any, ...]
    form: str
    label: Any | None
    size: tuple[Any, ...] = ()
    ignored: tuple[Any, ...] = ()

    @property
    def used(self) -> set[str]:
        """Returns the names of all these columns."""
        every = (self.path, *self.numbers, self.label, *self.size, *self.ignored)
        return {str(one) for one in every if one is not None}


def read(contents: Contents) -> StatedBoxes | None:
    """Returns the boxes of all tables that hold some; None if there are none."""
    sheets: list[tuple[Sheet, BoxColumns]] = []
    for entry in contents.tree.entries:
        if not is_table(entry.name) or entry.suffix == ".json" or entry.problem:
            continue
        if not contents.wanted(entry):
            continue
        try:
            table = opened_table(entry.cell, entry.name, _is_known, contents.reading)
            empty = pd.DataFrame(columns=table.names)
            if table.header and columns_of(empty, contents.reading, entry.name) is None:
                continue
            sheet = sheet_of(table, entry.cell, entry.name)
        except (DataRefused, UsageError) as error:
            contents.broken.append((entry.name, error.message))
            continue
        if not table.header:
            sheet = _headed(sheet, contents.pictures)
        if columns := columns_of(sheet.frame, contents.reading, entry.name):
            sheets.append((sheet, columns))
    return judgements(sheets, StatedBoxes(Message("tables"))) if sheets else None


def _plain(name: object) -> str:
    text = re.sub(r"[\W_]+", "", str(name).lower())
    return re.sub(r"^(bbox|box)(?=.)", "", text)


_KNOWN = {name for forms, _ in _FORMS.values() for names in forms for name in names}


def _is_known(name: str) -> bool:
    return _plain(name) in _KNOWN or name in PATHS or name in LABELS


def _headed(sheet: Sheet, pictures: Pictures) -> Sheet:
    """Returns a table without header with the usual names, where it is path, edges and label."""
    first = [str(one) for one in sheet.frame.iloc[0]] if len(sheet.frame) else []
    names = ["path", "x0", "y0", "x1", "y1", "label"]
    if len(first) == len(names) and not isinstance(pictures.find(first[0], sheet.name), Problem):
        return Sheet(sheet.name, sheet.frame.set_axis(names, axis=1), sheet.problems)
    return sheet


def columns_of(frame: pd.DataFrame, reading: Reading, where: str) -> BoxColumns | None:
    """Returns the columns of a table of boxes by their names; None where it is another table.

    Raises UsageError where the table has boxes and lacks a column that the user gave.
    """
    plain = {_plain(name): name for name in reversed(list(frame.columns))}
    numbers, form = next(
        (
            (tuple(plain[one] for one in names), form)
            for form, (forms, _) in _FORMS.items()
            for names in forms
            if plain.keys() >= set(names)
        ),
        ((), ""),
    )
    if not numbers:
        return None
    path = column_of(reading, "image", frame.columns, where)
    names = [*PATHS, "image_id", "imageid", "source"]
    path = find(frame, names) if path is None else path
    if path is None:
        return None
    label = column_of(reading, "target", frame.columns, where)
    label = find(frame, [*LABELS, "labelname"], path) if label is None else label
    size = tuple(plain[one] for one in ("width", "height") if one in plain)
    size = size if form == "edges" and len(size) == 2 else ()
    ignored = tuple(plain[one] for one in _IGNORED if one in plain)
    return BoxColumns(path, numbers, form, label, size, ignored)


def judgements(sheets: Sequence[tuple[Sheet, BoxColumns]], found: StatedBoxes) -> StatedBoxes:
    """Adds the annotations of tables: one for each picture, with the boxes of all its lines.

    A line without numbers states that the picture has no objects.
    """
    numbers = [_edges(sheet.frame, columns) for sheet, columns in sheets]
    fractions = are_fractions(numbers)
    for (sheet, columns), edges in zip(sheets, numbers, strict=True):
        found.used.add(sheet.name)
        _add(found, sheet, columns, edges, fractions)
    _, columns = sheets[0]
    what = Message("fractions of width and height") if fractions else Message("pixels")
    found.notes.append(
        Message(
            "The columns {columns} are read as {form}, in {unit}.",
            columns=", ".join(map(str, columns.numbers)),
            form=_FORMS[columns.form][1],
            unit=what,
        )
    )
    names = [str(name) for name in sheets[0][0].frame.columns]
    rest = [name for name in names if name not in columns.used]
    for role, words in _ROLES.items():
        match = next((one for word in words for one in rest if one.lower() == word), None)
        found.roles |= {role: match} if match else {}
    return found


def _edges(frame: pd.DataFrame, columns: BoxColumns) -> np.ndarray:
    """Returns (N, 4) left, upper, right and lower edges, NaN where a cell is not a number."""
    cells = [pd.to_numeric(frame[name], errors="coerce") for name in columns.numbers]
    one, two, three, four = (np.asarray(cell, float) for cell in cells)
    if columns.form == "edges":
        return np.stack([one, two, three, four], 1)
    if columns.form == "centres":
        return np.stack([one - three / 2, two - four / 2, one + three / 2, two + four / 2], 1)
    return np.stack([one, two, one + three, two + four], 1)


def are_fractions(numbers: Sequence[np.ndarray]) -> bool:
    """Returns True where nearly all edges lie between 0 and 1: fractions, not pixels."""
    edges = np.concatenate([one.ravel() for one in numbers])
    edges = edges[np.isfinite(edges)]
    return bool(len(edges)) and float(((edges >= -0.01) & (edges <= 1.01)).mean()) >= SHARE


def _add(
    found: StatedBoxes, sheet: Sheet, columns: BoxColumns, edges: np.ndarray, fractions: bool
) -> None:
    by_picture: dict[str, Judgement] = {}
    frame = sheet.frame
    blank = frame[list(columns.numbers)].map(_is_blank).all(axis=1).to_numpy()
    rows: list[Any] = frame.rename(columns=str).to_dict("records")
    for at, (line, row) in enumerate(zip(frame.index, rows, strict=True)):
        name = str(row[str(columns.path)] or "").strip()
        one = by_picture.get(name)
        if one is None:
            fields = {key: cell for key, cell in row.items() if key not in columns.used}
            size = tuple(number_of(row[str(side)]) for side in columns.size)
            one = Judgement(name, sheet.name, fractions=fractions, fields=fields)
            one.size = (size[0], size[1]) if size else None
            by_picture[name] = one
        one.problem = one.problem or sheet.problems[at]
        if not blank[at]:
            place = Message("line {number}", number=line)
            one.shapes.append(_shape(sheet, row, columns, edges[at].tolist(), place))
    found.judgements += by_picture.values()


def _shape(
    sheet: Sheet, row: Mapping[str, Any], columns: BoxColumns, edges: list[float], place: Message
) -> DrawnShape:
    ignored = any(number_of(row[str(name)]) == 1 for name in columns.ignored)
    if columns.label is None:
        return DrawnShape.box("object", edges, place, ignored)
    label = row[str(columns.label)]
    if _is_blank(label):
        why = Message("it has no label")
        return DrawnShape("", (), place, problem=bad_box(sheet.name, place, why))
    return DrawnShape.box(" ".join(written(label).split()), edges, place, ignored)


def _is_blank(cell: Any) -> bool:
    return cell is None or cell != cell or not str(cell).strip()
