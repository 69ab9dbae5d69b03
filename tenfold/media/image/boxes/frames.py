"""DataFrames of pictures with their boxes: a row for each picture, or a row for each box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.message import Message
from tenfold.media.files.listing import Entry
from tenfold.media.files.manifests import cells
from tenfold.media.files.roles import PATHS, find, needed
from tenfold.media.files.sheets import Sheet
from tenfold.media.image.boxes import tables
from tenfold.media.image.boxes.form import DrawnShape, Judgement, StatedBoxes, bad_box
from tenfold.media.reading import Reading, column_of

__all__ = ["read"]

_WHERE = "DataFrame"
_OWN = frozenset(("boxes", "boxes_ignored", "source", "problem"))


def read(frame: pd.DataFrame, reading: Reading) -> StatedBoxes:
    """Returns the boxes of a DataFrame.

    A cell of `boxes` is a list of (label, x0, y0, x1, y1), or of objects with these names, in
    pixels or in fractions; another cell means "not annotated". Raises DataRefused where a
    column is missing.
    """
    frame = frame.reset_index(drop=True).rename_axis("row")
    column = column_of(reading, "image", frame.columns, _WHERE)
    column = find(frame, ["image", *PATHS]) if column is None else column
    if column is None:
        what = Message("the file, array or open file")
        raise needed(frame, "image", what, _WHERE, "--image")
    if "boxes" in frame:
        return _of_pictures(frame, column)
    columns = tables.columns_of(frame, reading, _WHERE)
    if columns is None:
        what = Message("the boxes of each picture")
        raise needed(frame, "boxes", what, _WHERE, "--image")
    found = StatedBoxes(Message("a DataFrame"))
    sheet = Sheet(_WHERE, frame, [None] * len(frame))
    tables.judgements([(sheet, columns)], found)
    for one in found.judgements:
        one.entry = Entry(one.picture, str(cells(pd.Series([one.picture])).iloc[0]))
    return found


def _of_pictures(frame: pd.DataFrame, column: Any) -> StatedBoxes:
    found = StatedBoxes(Message("a DataFrame"))
    fractions = _are_fractions(frame)
    pictures = cells(frame[column])
    rest = [name for name in frame.columns if name != column and str(name) not in _OWN]
    for row, cell in enumerate(pictures):
        boxes = frame["boxes"].iloc[row]
        name = _name(frame, column, row)
        entry = Entry(name, cell)
        fields = {str(key): frame[key].iloc[row] for key in rest}
        one = Judgement(name, _WHERE, fractions=fractions, entry=entry, fields=fields)
        if not isinstance(boxes, Sequence | np.ndarray) or isinstance(boxes, str):
            found.left_out.append((one, Message("not annotated")))
            continue
        one.shapes = _shapes(boxes, row, False)
        if "boxes_ignored" in frame and not isinstance(frame["boxes_ignored"].iloc[row], float):
            one.shapes += _shapes(frame["boxes_ignored"].iloc[row] or (), row, True)
        problem = frame["problem"].iloc[row] if "problem" in frame else None
        one.problem = problem if isinstance(problem, Problem) else None
        found.judgements.append(one)
    found.roles = {name: name for name in ("split", "group", "time", "weight") if name in rest}
    unit = Message("fractions of width and height") if fractions else Message("pixels")
    found.notes.append(Message("The boxes are in {unit}.", unit=unit))
    return found


def _name(frame: pd.DataFrame, column: Any, row: int) -> str:
    """Returns the name of a row: its source, else its number, with the path where it has one."""
    if "source" in frame:
        return str(frame["source"].iloc[row])
    cell = frame[column].iloc[row]
    return f"row {row} {cell}" if isinstance(cell, str | Path) else f"row {row}"


def _shapes(boxes: Any, row: int, ignored: bool) -> list[DrawnShape]:
    return [_shape(one, row, number, ignored) for number, one in enumerate(boxes)]


def _shape(box: Any, row: int, number: int, ignored: bool) -> DrawnShape:
    place = Message("row {row}, box {number}", row=row, number=number)
    try:
        label, edges = _taken_apart(box)
        return DrawnShape.box(label, edges, place, ignored)
    except (TypeError, ValueError, KeyError):
        why = Message("it is not (label, x0, y0, x1, y1)")
        return DrawnShape("", (), place, ignored, problem=bad_box(_WHERE, place, why))


def _taken_apart(box: Any) -> tuple[str, list[float]]:
    if isinstance(box, Mapping):
        return str(box["label"]), [float(box[name]) for name in ("x0", "y0", "x1", "y1")]
    label, *edges = box
    if len(edges) != 4:
        raise ValueError
    return str(label), [float(edge) for edge in edges]


def _are_fractions(frame: pd.DataFrame) -> bool:
    """Returns True where nearly all edges lie between 0 and 1."""
    found = []
    for boxes in frame["boxes"]:
        for box in boxes if isinstance(boxes, Sequence | np.ndarray) else ():
            try:
                found.append(_taken_apart(box)[1])
            except (TypeError, ValueError, KeyError):
                continue
    return not found or tables.are_fractions([np.asarray(found, float)])
