"""Tables that name files and their labels: in a file, in a folder, or as a pandas DataFrame."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from tenfold.core.errors import UsageError
from tenfold.core.message import Message
from tenfold.core.rows import Rows
from tenfold.media.files import references
from tenfold.media.files.layouts import embedded
from tenfold.media.files.layouts.near import CLEAR, ENOUGH, Named, Near
from tenfold.media.files.layouts.pixels import pixels_of, sheet_of_pixels
from tenfold.media.files.listing import Entry
from tenfold.media.files.records import RecordTable
from tenfold.media.files.roles import LABELS, PATHS, WIDEST, FileRoles, find, needed, once, roles_of
from tenfold.media.files.rows_of import TableRows, rows_of
from tenfold.media.files.sheets import Sheet, is_manifest, opened_table, sheet_of, unusable
from tenfold.media.medium import Medium
from tenfold.media.reading import AS_FOUND, Reading, column_of

__all__ = [
    "One",
    "asked_files",
    "cells",
    "from_file",
    "from_frame",
    "one_table",
    "opened",
    "path_column",
]

SAMPLE = 400
"""Rows that are examined to find the column of files."""


def from_file(path: Path, medium: Medium, reading: Reading = AS_FOUND) -> Rows:
    """Returns the rows of a manifest file; its paths are relative to its own folder.

    Raises DataRefused or UsageError where the table does not name files and labels.
    """
    near = Near(path.parent.resolve(), None, suffixes=medium.suffixes | medium.unread)
    cell = references.file_cell(path)
    table = opened(cell, path.name, medium, reading)
    one = one_table(table, cell, path.name, medium, near, reading)
    if one.named is None:
        raise needed(
            one.sheet.frame, PATHS[0], Message("where each file is"), path.name, f"--{medium.name}"
        )
    rows = rows_of([one.source(reading)], medium, reading)
    rows.taken.tell()
    return replace(rows, root=path.parent)


def asked_files(path: Path, reading: Reading, medium: Medium) -> pd.DataFrame | None:
    """Returns a row for each file that a table lists, for prediction: its cell, and `source`.

    `source` is the name shown for the row: the table, the line and the file. None where the path is
    not a table. Raises DataRefused or UsageError where the table has no column of files.
    """
    if not path.is_file() or not is_manifest(path.name):
        return None
    near = Near(path.parent.resolve(), None, suffixes=medium.suffixes | medium.unread)
    cell, lenient = references.file_cell(path.absolute()), reading.lenient
    table = opened(cell, path.name, medium, lenient)
    one = one_table(table, cell, path.name, medium, near, lenient)
    if one.named is None:
        raise needed(
            one.sheet.frame, PATHS[0], Message("where each file is"), path.name, f"--{medium.name}"
        )
    cells = [
        problem or cell for cell, problem in zip(one.named.cells, one.named.problems, strict=True)
    ]
    shown = [
        f"{path}:{line} {name}".rstrip()
        for line, name in zip(one.sheet.frame.index, one.named.paths, strict=True)
    ]
    return pd.DataFrame({medium.column: cells, "source": shown}, dtype=object)


def from_frame(frame: pd.DataFrame, medium: Medium, reading: Reading = AS_FOUND) -> Rows:
    """Returns the rows of a DataFrame whose cells are paths, arrays, bytes or open files."""
    frame = frame.reset_index(drop=True).rename_axis("row")
    where = "DataFrame"
    column = column_of(reading, medium.name, frame.columns, where)
    column = find(frame, [medium.column, *PATHS]) if column is None else column
    if column is None:
        what = Message("the file, array or open file")
        raise needed(frame, medium.column, what, where, f"--{medium.name}")
    once(frame, column, where)
    problems = frame["problem"] if "problem" in frame else pd.Series([None] * len(frame))
    sheet = Sheet(where, frame, list(problems.astype(object).where(problems.notna(), None)))
    roles = _labelled(sheet, column, reading)
    source = TableRows(sheet, roles, list(cells(frame[column])), sheet.problems, column)
    source.names = list(frame["source"]) if "source" in frame else []
    return rows_of([source], medium, reading)


def path_column(frame: pd.DataFrame, column: str, alone: bool) -> Any | None:
    """Returns the name of the frame's column that matches `column`, as spelled in the frame.

    None where no column matches. With `alone` (`column` is the only input of files), columns with a
    usual name for paths, such as `path` or `filename`, match as well.
    """
    return find(frame, [column, *(PATHS if alone else ())])


def cells(column: pd.Series) -> pd.Series:
    """Converts a column of paths, arrays, bytes or open files to cells (see `references`)."""
    return column.map(_cell)


def _cell(value: Any) -> Any:
    if isinstance(value, Path) or (isinstance(value, str) and "#" not in value):
        return references.file_cell(Path(value).absolute())
    return value.read() if hasattr(value, "read") else value


# --- one table ------------------------------------------------------------------------------------


@dataclass
class One:
    """A table with its column of files and their cells; `named` is None without such a column.

    `part` is the part that the name of the table or of its folder means.
    """

    sheet: Sheet
    column: Any = None
    named: Named | None = None
    part: str = ""
    entry: Entry | None = None

    @property
    def share(self) -> float:
        """Share of the rows whose file was found."""
        return self.named.share if self.named else 0.0

    def source(self, reading: Reading) -> TableRows:
        """Returns the rows of the table.

        Raises DataRefused or UsageError where it has no labels.
        """
        if self.named is None:
            raise ValueError("a table without files has no rows")
        roles = _labelled(self.sheet, self.column, reading)
        found = TableRows(self.sheet, roles, self.named.cells, self.named.problems, self.column)
        found.part, found.completed = self.part, self.named.completed
        found.paths = self.named.paths
        return found


def _labelled(sheet: Sheet, column: Any, reading: Reading) -> FileRoles:
    """Returns the roles of a table. Raises DataRefused where no column can hold the labels."""
    roles = roles_of(sheet.frame, column, reading, sheet.name)
    if reading.needs_labels and roles.label is None and not roles.flags:
        what = Message("the true label of each file")
        raise needed(sheet.frame, LABELS[0], what, sheet.name, "--target")
    if sheet.frame.empty:
        raise unusable(sheet.name, Message("has a header and no rows"))
    return roles


def opened(cell: str, name: str, medium: Medium, reading: Reading) -> RecordTable:
    """Returns the table in a file. Raises DataRefused or UsageError where it cannot be read."""
    words = {*PATHS, *LABELS, *_own_words(medium), *reading.column_names(medium.roles)}
    return opened_table(cell, name, lambda one: one.strip().lower() in words, reading)


def one_table(
    table: RecordTable,
    cell: str,
    name: str,
    medium: Medium,
    near: Near,
    reading: Reading,
    part: str = "",
) -> One:
    """Returns a table with the files that it names or holds.

    Raises UsageError where this is not clear.
    """
    if medium.arrays and (pixels := pixels_of(table, name, reading)):
        sheet, pictures = sheet_of_pixels(table, name, pixels)
        named = Named(pictures, sheet.problems, [""] * len(pictures))
        count = Message(
            "{count} columns of pixels ({shape})",
            count=len(pixels.columns),
            shape=" x ".join(map(str, pixels.shape)),
        )
        return One(sheet, count, named, part)
    return _of_table(table, cell, name, medium, near, reading, part)


def _of_table(
    table: RecordTable,
    cell: str,
    name: str,
    medium: Medium,
    near: Near,
    reading: Reading,
    part: str,
) -> One:
    inside = embedded.files_in(cell, name)
    sheet = sheet_of(table, cell, name, inside.keys())
    if files := inside or embedded.held(sheet):
        held = column_of(reading, medium.name, sheet.frame.columns, name)
        held = find(pd.DataFrame(columns=list(files)), _own_words(medium)) if held is None else held
        held = next(iter(files)) if held is None and len(files) == 1 else held
        if held is None:
            raise _two_columns(sheet, medium, {one: _first_of(files[one]) for one in files})
        if held in files:
            found = list(files[held])
            return One(sheet, held, Named(found, sheet.problems, [""] * len(found)), part)
    column = _files_column(sheet, medium, near, reading, part)
    if column is None:
        return One(sheet, part=part)
    once(sheet.frame, column, name)
    named = near.named(list(sheet.frame[column]), part)
    if not table.header and _is_header(sheet, named):
        sheet, column = sheet.headed(), sheet.frame[column].iloc[0]
        named = Named(named.cells[1:], named.problems[1:], named.paths[1:], named.completed)
    named.problems = [
        bad or problem for bad, problem in zip(sheet.problems, named.problems, strict=True)
    ]
    return One(sheet, column, named, part)


def _is_header(sheet: Sheet, named: Named) -> bool:
    """Returns True where the first row alone names no file and holds values of no other row."""
    rest = Named(named.cells[1:], named.problems[1:], named.paths[1:])
    first, others = sheet.frame.iloc[0], sheet.frame.iloc[1:]
    if len(others) < 2 or named.problems[0] is None or rest.share < CLEAR or sheet.problems[0]:
        return False
    names = [str(cell).strip() for cell in first]
    return all(names) and len(set(names)) == len(names) and not (others == first).any(axis=None)


def _own_words(medium: Medium) -> list[str]:
    name = medium.column
    return [name, *(f"{name}_{what}" for what in ("path", "file", "name", "filename", "id"))]


def _files_column(
    sheet: Sheet, medium: Medium, near: Near, reading: Reading, part: str
) -> Any | None:
    """Returns the column of files: the one given, one with a usual name, or by content.

    A column with a usual name whose cells name no file is used only if no other column names files.
    Raises UsageError where two columns name different files.
    """
    frame = sheet.frame
    given = column_of(reading, medium.name, frame.columns, sheet.name)
    if given is not None:
        return given
    words = [*PATHS, *_own_words(medium)]
    usual = [one for word in words if (one := find(frame, [word])) is not None]
    for column in dict.fromkeys(usual):
        if near.named(_sample(frame, column), part).share >= ENOUGH:
            return column
    found = {}
    for column in frame.columns[~frame.columns.duplicated(keep=False)][:WIDEST]:
        cells = _sample(frame, column)
        texts = {str(cell).strip() for cell in cells} - {""}
        if len(texts) < max(1, ENOUGH * len(cells)) or column in usual:
            continue
        with contextlib.suppress(UsageError):  # a name in two folders: not a column of files
            named = near.named(cells, part)
            if named.share >= ENOUGH:
                found[column] = named
    if len(found) > 1 and len({tuple(map(str, one.cells)) for one in found.values()}) > 1:
        firsts = {name: next(filter(None, one.paths), "") for name, one in found.items()}
        raise _two_columns(sheet, medium, firsts)
    return next(iter(found), usual[0] if usual else None)


def _first_of(cells: list[Any]) -> str:
    return next((one.rpartition("#")[2] for one in cells if isinstance(one, str)), "")


def _two_columns(sheet: Sheet, medium: Medium, found: dict[Any, str]) -> UsageError:
    shown = "; ".join(f"--{medium.name} {column}: {first}" for column, first in found.items())
    return UsageError(
        Message(
            "{count} columns of {table} name files: {readings}",
            count=len(found),
            table=sheet.name,
            readings=shown,
        ),
        code="two-readings",
        where=sheet.name,
        fix=Message("Name the column of files with --{role}.", role=medium.name),
    )


def _sample(frame: pd.DataFrame, column: Any) -> list[Any]:
    cells = frame[column] if list(frame.columns).count(column) == 1 else frame[column].iloc[:, 0]
    return list(cells.iloc[:: max(1, len(frame) // SAMPLE)].iloc[:SAMPLE])
