"""Files that hold several tables: spreadsheets and SQLite databases."""

from __future__ import annotations

import contextlib
import datetime
import io
import os
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

from tenfold.core.errors import DataRefused, UsageError, nearest
from tenfold.core.lazy import lazy
from tenfold.core.message import Message
from tenfold.media.files.lines import whole_of
from tenfold.media.files.tables.dialect import header_given, titled
from tenfold.media.files.tables.record import HEAD, Record, RecordTable, of_records
from tenfold.media.reading import Reading

__all__ = ["is_database", "is_workbook", "table_of_database", "table_of_workbook"]

_calamine = lazy("python_calamine")

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
KnownName = Callable[[str], bool]


def is_workbook(start: bytes, name: str) -> bool:
    """Returns True for a spreadsheet, by its suffix and the first bytes of its format."""
    suffix = os.path.splitext(name.lower())[1]
    return suffix in _WORKBOOKS and start.startswith((b"PK\x03\x04", _OLE))


def is_database(start: bytes) -> bool:
    """Returns True for the first bytes of a SQLite database."""
    return start.startswith(b"SQLite format 3\0")


_SAVE = Message("Save the table as CSV (UTF-8).")


# --- spreadsheets ---------------------------------------------------------------------------------


def table_of_workbook(cell: str, name: str, known: KnownName, reading: Reading) -> RecordTable:
    """Returns the table of the one sheet of a spreadsheet that holds one, or of the given sheet.

    Hidden and empty sheets count only where they are given. Raises DataRefused where the file
    cannot be read, UsageError where several sheets could be meant.
    """
    try:
        book = _calamine.CalamineWorkbook.from_filelike(io.BytesIO(whole_of(cell, name, _SAVE)))
        shown = {
            one.name: one.visible == _calamine.SheetVisibleEnum.Visible
            for one in book.sheets_metadata
            if one.typ == _calamine.SheetTypeEnum.WorkSheet
        }
        wanted = str(reading.value("table"))
        opened = {
            sheet: book.get_sheet_by_name(sheet)
            for sheet, visible in shown.items()
            if visible or sheet == wanted
        }
        sheets = {sheet: _filled(one) for sheet, one in opened.items()}
    except _calamine.CalamineError as error:
        raise DataRefused(
            Message(
                "{name} cannot be read as a spreadsheet ({error})",
                name=name,
                error=str(error)[:120],
            ),
            code="bad-manifest",
            where=name,
            fix=Message("Save the file again, without a password, or as CSV (UTF-8)."),
        ) from error
    full = {sheet: _written(rows) for sheet, rows in sheets.items()}
    full = {sheet: rows for sheet, rows in full.items() if len(rows) > 1 or sheet == wanted}
    chosen = _chosen(name, full, known, reading)
    found = _of_sheet(full[chosen], known, reading, opened[chosen].merged_cell_ranges or ())
    others = [sheet for sheet in shown if sheet != chosen]
    if others:
        found.notes.append(
            Message(
                "{name}: the sheet {sheet!r} is read, not {others}.",
                name=name,
                sheet=chosen,
                others=", ".join(map(repr, others[:5])),
            )
        )
    return found


def _filled(sheet: Any) -> list[list[Any]]:
    """Returns the rows of a sheet; a merged cell has its value in each row that it covers."""
    rows = [list(row) for row in sheet.to_python(skip_empty_area=False)]
    for (top, left), (bottom, _) in sheet.merged_cell_ranges or ():
        for at in range(top + 1, min(bottom, len(rows) - 1) + 1):
            rows[at][left] = rows[top][left]
    return rows


def _written(rows: list[list[Any]]) -> list[Record]:
    """Returns the records of a sheet as texts, without blank ones; the line is the row number."""
    told = (Record(number, [_text(one) for one in row]) for number, row in enumerate(rows, 1))
    return [row for row in told if any(row.cells)]


def _text(value: Any) -> str:
    """Returns a cell as it would be written in a CSV: whole numbers without a decimal point."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime.datetime):
        midnight = value.time() == datetime.time()
        return value.date().isoformat() if midnight else value.isoformat(sep=" ")
    return value.isoformat() if hasattr(value, "isoformat") else str(value).strip()


def _of_sheet(
    rows: list[Record], known: KnownName, reading: Reading, merged: Sequence[_Range]
) -> RecordTable:
    """Returns the table of a sheet without its title lines and empty columns.

    `merged` are the ranges of merged cells. A header has two rows where the upper one has merged
    cells; these are names of groups of columns.
    """
    width = max((len(row.cells) for row in rows), default=0)
    rows = [Record(row.line, row.cells + [""] * (width - len(row.cells))) for row in rows]
    start = titled(rows, known)
    start += start + 1 < len(rows) and bool(_groups(rows[start : start + 2], merged))
    groups = _groups(rows[max(0, start - 1) : start + 1], merged)
    above = [" ".join(filter(None, row.cells)) for row in rows[: start - bool(groups)]]
    body = rows[start:]
    kept = [at for at in range(width) if any(row.cells[at] for row in body)]
    body = [Record(row.line, [row.cells[at] for at in kept]) for row in body]
    header = bool(body) and header_given(reading, body, known)
    names = [str(at + 1) for at in range(len(kept))]
    if header:
        names, body = [str(cell).strip() for cell in body[0].cells], body[1:]
    found = of_records(names, iter(body), "spreadsheet")
    found.header, found.above = header, above
    found.groups = [groups[at] for at in kept] if header and groups else []
    return found


_Range = tuple[tuple[int, int], tuple[int, int]]
"""The first and the last cell of a range, each as row and column from 0."""


def _groups(rows: list[Record], merged: Sequence[_Range]) -> list[str]:
    """Returns the name of the group of each column, "" for none, where the upper row has groups.

    A group is a merged cell over some of the columns, with several names right below it.
    """
    if len(rows) < 2 or rows[0].line + 1 != rows[1].line:
        return []
    names = [str(cell).strip() for cell in rows[0].cells]
    below = [str(cell).strip() for cell in rows[1].cells]
    spans = [
        (left, right)
        for (top, left), (bottom, right) in merged
        if top == bottom == rows[0].line - 1 and left < right
    ]
    spans = [(left, right) for left, right in spans if all(below[left : right + 1])]
    if not spans or any(right - left + 1 >= len(names) for left, right in spans):
        return []
    for left, right in spans:
        names[left : right + 1] = [names[left]] * (right + 1 - left)
    return names


# --- databases ------------------------------------------------------------------------------------


def table_of_database(cell: str, name: str, known: KnownName, reading: Reading) -> RecordTable:
    """Returns the one table of a SQLite database, or the one given.

    Nothing is written to the file. Raises DataRefused where it cannot be read, UsageError where
    several tables could be meant.
    """
    content = whole_of(cell, name, _SAVE)
    handle, path = tempfile.mkstemp(suffix=".db")
    with os.fdopen(handle, "wb") as copy:
        copy.write(content)
    try:
        with contextlib.closing(sqlite3.connect(path)) as base:
            base.text_factory = lambda data: data.decode("utf-8", "replace")
            listed = base.execute(
                "select name from sqlite_master where type in ('table', 'view') "
                "and name not like 'sqlite_%' order by name"
            )
            tables = [str(row[0]) for row in listed]
            heads = {table: _records(base, table, HEAD) for table in tables}
            full = {table: rows for table, rows in heads.items() if len(rows) > 1}
            chosen = _chosen(name, full, known, reading)
            rows = _records(base, chosen)
    except sqlite3.Error as error:
        raise DataRefused(
            Message("{name} cannot be read as a database ({error})", name=name, error=error),
            code="bad-manifest",
            where=name,
            fix=Message("Check the database, or export the table as CSV (UTF-8)."),
        ) from error
    finally:
        os.unlink(path)
    found = of_records([str(one) for one in rows[0].cells], iter(rows[1:]), "sqlite")
    if len(tables) > 1:
        others = ", ".join(repr(one) for one in tables if one != chosen)
        found.notes.append(
            Message(
                "{name}: the table {table!r} is read, not {others}.",
                name=name,
                table=chosen,
                others=others,
            )
        )
    return found


def _records(base: sqlite3.Connection, table: str, most: int = -1) -> list[Record]:
    """Returns the names of the columns as the first record, then the rows."""
    quoted = table.replace('"', '""')
    cursor = base.execute(f'select * from "{quoted}" limit {most}')
    names = Record(0, [one[0] for one in cursor.description])
    return [names, *(Record(number, list(row)) for number, row in enumerate(cursor, 1))]


def _chosen(name: str, full: dict[str, list[Record]], known: KnownName, reading: Reading) -> str:
    """Returns the name of the sheet or table to read.

    Raises UsageError where several could be meant, or the given one is missing.
    """
    wanted = reading.given.get("table") or reading.found.get("table") or ""
    if wanted in full:
        return str(wanted)
    if reading.given.get("table"):
        raise UsageError(
            Message("{name} has no table {table!r}", name=name, table=wanted),
            code="missing-table",
            where=name,
            fix=nearest(str(wanted), list(full)),
        )
    if not full:
        raise DataRefused(
            Message("{name} holds no table", name=name),
            code="empty-file",
            where=name,
            fix=Message("Write a header and one row for each example."),
        )
    named = [
        one
        for one, rows in full.items()
        if any(known(str(cell).strip()) for row in rows[:20] for cell in row.cells)
    ]
    left = named if len(named) == 1 else list(full)
    if len(left) == 1:
        return left[0]
    lines = "; ".join(
        f"{one}: {' | '.join(str(cell)[:20] for cell in full[one][-1].cells[:4])}"
        for one in left[:4]
    )
    raise UsageError(
        Message("{name} has several tables: {tables}", name=name, tables=lines),
        code="two-readings",
        where=name,
        fix=Message("Give --table {table!r}, or another of them.", table=left[0]),
    )
