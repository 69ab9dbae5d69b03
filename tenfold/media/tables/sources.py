"""Opens the tables of a source: a file, a folder, an archive or a DataFrame."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused, UsageError
from tenfold.core.message import EMPTY, Message
from tenfold.core.taken import Taken
from tenfold.core.text import short
from tenfold.media.files import references
from tenfold.media.files.listing import Entry, Tree, is_archive, open_tree, path_of
from tenfold.media.files.parts import part_of_file
from tenfold.media.files.records import RecordTable, is_table, table_of
from tenfold.media.reading import Reading
from tenfold.media.tables.flat import flat, headed, of_frame
from tenfold.media.tables.names import ColumnNames, named_columns, names_of
from tenfold.media.tables.remarks import LeftLines, rows_of_table

__all__ = [
    "LabelledTable",
    "TableSource",
    "leave_columns",
    "no_inputs",
    "open_source",
    "refuse_one_row",
    "state_bare",
]

REASONS = 20
"""Maximum number of columns that are left out with a reason each."""
_ABOUT = re.compile(r"(readme|licen[cs]e|source|notice|changelog|.*\.names)(\.\w+)*", re.I)
_FORM = re.compile(r"(?:^|[\W_])(?:submission|submit)s?(?:[\W_]|$)", re.I)
_TEXTS = frozenset((".txt", ".data", ".dat", ".test", ".train", ""))
"""Suffixes of files that may be tables beside those that always are."""
_KnownName = Callable[[str], bool]


@dataclass
class LabelledTable:
    """N rows by columns of cells as read; `lines` and `problems` have one entry for each row.

    `part` is the part that the name of the file means, "" for none. `types` are those that the file
    itself states. With `last`, the last column is usually the answer: in ARFF, and without a
    header. `unread` is the problem of a file that cannot be opened.
    """

    name: str
    part: str
    named: ColumnNames
    columns: dict[str, list[Any]]
    lines: list[int]
    problems: list[Problem | None]
    header: bool = True
    types: dict[str, str] = field(default_factory=dict)
    last: bool = False
    encoding: str = ""
    unread: Problem | None = None

    def __len__(self) -> int:
        return len(self.lines)

    def source(self, row: int) -> str:
        """Returns the name of a row: its table and line."""
        start = f"{self.name}:" if self.name != "DataFrame" else "row:"
        return f"{start}{self.lines[row]}"


@dataclass
class TableSource:
    """The tables of a source, its root folder, and the names that are not data."""

    tables: list[LabelledTable]
    root: Path | None = None
    ignored: list[str] = field(default_factory=list)


def open_source(source: Any, reading: Reading, known: _KnownName, taken: Taken) -> TableSource:
    """Reads the tables of a source; what is left out and what was changed is added to `taken`.

    Raises UsageError where the source has no table, or several of which one must be chosen;
    DataRefused where no table can be read.
    """
    if isinstance(source, pd.DataFrame):
        return TableSource([_of_frame(source, taken)])
    path = path_of(source)
    if path.is_file() and not is_archive(path):
        entry = Entry(path.name, references.file_cell(path.absolute()))
        return TableSource([_of_file(entry, "", reading, known, taken)], path.parent)
    tree = open_tree(path)
    chosen = _chosen(tree, reading, taken)
    used = {entry.cell for entry, _ in chosen}
    ignored = [*tree.ignored, *(one.name for one in tree.entries if one.cell not in used)]
    tables = [_of_file(entry, part, reading, known, taken) for entry, part in chosen]
    return TableSource(tables, Path(tree.root), ignored)


# --- folders --------------------------------------------------------------------------------------


def _chosen(tree: Tree, reading: Reading, taken: Taken) -> list[tuple[Entry, str]]:
    """Returns the files to read with their parts: one table, or one for each part."""
    data = [one for one in tree.entries if _may_be_table(one)]
    sure = [one for one in data if is_table(one.name)]
    data = sure or data
    if not data:
        raise DataRefused(
            Message("{source} holds no table", source=tree.root.name),
            code="no-files",
            where=str(tree.root),
            fix=Message("Put a CSV, Parquet or Excel table there, or give its path."),
        )
    depth = min(len(one.parts) for one in data)
    top = [one for one in data if len(one.parts) == depth]
    if (name := str(reading.value("table"))) and (one := _called(data, name)) is not None:
        chosen, why = [(one, "")], Message("--table names another one")
    else:
        chosen, why = _by_parts(tree, top)
    names = {one.cell for one, _ in chosen}
    rest = [one for one in data if one.cell not in names]
    forms = [one for one in rest if _FORM.search(_last(one))]
    taken.leave("tables", [one.name for one in forms], why=Message("a form for answers"))
    taken.leave("tables", [one.name for one in rest if one not in forms], why=why)
    taken.leave("files", [one.name for one in tree.entries if one not in data])
    return chosen


def _by_parts(tree: Tree, top: list[Entry]) -> tuple[list[tuple[Entry, str]], Message]:
    """Returns the tables that the names of their files make parts, else the only table."""
    if len(top) == 1:
        return [(top[0], "")], Message("in a folder below")
    forms = [one for one in top if _FORM.search(_last(one))]
    data = [one for one in top if one not in forms] or top
    parts = [(one, part_of_file(_last(one))) for one in data]
    named = [(one, part) for one, part in parts if part]
    if not named and len(data) == 1:
        return [(data[0], "")], EMPTY
    if not named:
        raise UsageError(
            Message(
                "The folder has {count} tables: {tables}",
                count=len(data),
                tables=", ".join(map(_last, data[:5])),
            ),
            code="several-manifests",
            where=str(tree.root),
            fix=Message("Give the path of one of them, or name them train, valid and test."),
        )
    rest = [one for one, part in parts if not part]
    if not any(part == "train" for _, part in named):
        if len(rest) == 1:
            named, rest = [(rest[0], "train"), *named], []
        elif len({part for _, part in named}) > 1:
            named = [(one, "train" if part == "valid" else part) for one, part in named]
    if len(named) == 1:
        return [(named[0][0], "")], Message("the name means no part of the data")
    return named, Message("the name means no part of the data")


def _may_be_table(entry: Entry) -> bool:
    if entry.folder or _ABOUT.fullmatch(_last(entry)):
        return False
    plain = entry.name.lower().removesuffix(".gz")
    suffix = f".{plain.rpartition('.')[2]}" if "." in _last(entry)[1:] else ""
    return is_table(entry.name) or suffix in _TEXTS


def _called(entries: list[Entry], name: str) -> Entry | None:
    """Returns the file of this name, with or without its suffix."""
    names = {_last(one): one for one in entries}
    return names.get(name) or next(
        (one for key, one in names.items() if key.split(".")[0] == name), None
    )


def _last(entry: Entry) -> str:
    return entry.name.rsplit("/", 1)[-1]


# --- one table ------------------------------------------------------------------------------------


def _of_frame(frame: pd.DataFrame, taken: Taken) -> LabelledTable:
    """Returns the table of a DataFrame; an index with a name is its first column."""
    frame, headers = headed(frame)
    named = named_columns(headers)
    columns, left = flat(dict(zip(named.names, of_frame(frame), strict=True)))
    lines = list(range(len(frame)))
    table = LabelledTable("DataFrame", "", named, columns, lines, [None] * len(lines))
    return _stated(table, left, taken)


def _of_file(
    entry: Entry, part: str, reading: Reading, known: _KnownName, taken: Taken
) -> LabelledTable:
    """Returns the table in a file. A file that cannot be opened has `unread` set."""
    name = references.printable(entry.name)
    if entry.problem is not None:
        problem = replace(entry.problem, uncounted=True)
        return LabelledTable(name, part, ColumnNames([]), {}, [], [], unread=problem)
    found = table_of(entry.cell, name, known, reading)
    for note in found.notes:
        taken.note(note)
    if not found.head:
        raise DataRefused(
            Message("{name} has a header and no rows", name=name)
            if found.header
            else Message("{name} is empty", name=name),
            code="bad-manifest",
            where=name,
            fix=Message("Below the header, add one line for each example."),
        )
    named = names_of(found)
    table = LabelledTable(name, part, named, {}, [], [])
    for lines, why in _fill(table, found).reasons():
        taken.leave("rows", [f"{name}:{line}" for line in lines], why=why)
    table.header, table.encoding = found.header, found.encoding
    plain = name.lower().removesuffix(".gz")
    table.last = plain.endswith(".arff") or not found.header
    names = dict(zip(found.names, table.named.names, strict=True))
    table.types = {names[one]: kind for one, kind in found.types.items()}
    left = _flattened(table, found)
    return _stated(table, left, taken)


def _fill(table: LabelledTable, found: RecordTable) -> LeftLines:
    """Adds the cells of all rows to the columns, and returns the lines that are not rows."""
    columns: list[list[Any]] = [[] for _ in found.names]
    blank, left = [None] * len(found.names), LeftLines()
    for rows in rows_of_table(found, left):
        table.lines += [one.line for one in rows]
        table.problems += [one.problem for one in rows]
        cells = [one.cells if one.problem is None else blank for one in rows]
        for column, more in zip(columns, zip(*cells, strict=True), strict=False):
            column.extend(more)
    table.columns = dict(zip(table.named.names, columns, strict=True))
    return left


def _flattened(table: LabelledTable, found: RecordTable) -> list[tuple[str, Message]]:
    """Lays nested columns out flat, and returns those that are left out."""
    if found.separator:
        return []
    table.columns, left = flat(table.columns)
    table.named = replace(table.named, names=list(table.columns))
    return left


def _stated(table: LabelledTable, left: list[tuple[str, Message]], taken: Taken) -> LabelledTable:
    for note in table.named.notes:
        taken.note(note)
    leave_columns(taken, left)
    return table


def leave_columns(taken: Taken, left: Sequence[tuple[str, Message]]) -> None:
    """Adds columns that are not used, each with the reason, to `taken`; many in one entry."""
    for name, why in left[:REASONS]:
        taken.leave("columns", [name], why=why)
    taken.leave("columns", [name for name, _ in left[REASONS:]])


def no_inputs(table: LabelledTable, left: Sequence[tuple[str, Message]]) -> DataRefused:
    """Returns the error for a table without a column of inputs; `left` states why."""
    listed = "; ".join(f"{name}: {why}" for name, why in left[:8])
    return DataRefused(
        Message(
            "No column of {table} can be used as an input ({columns})",
            table=table.name,
            columns=short(listed, 300) or "-",
        ),
        code="no-columns",
        where=table.name,
        fix=Message("Give the type of a column, such as --types NAME=category."),
    )


def refuse_one_row(tables: Sequence[LabelledTable]) -> None:
    """Raises DataRefused for tables of a single row, where every column is constant."""
    if sum(map(len, tables)) == 1:
        raise DataRefused(
            Message("{name} has one row: nothing can be learnt", name=tables[0].name),
            code="bad-manifest",
            where=tables[0].name,
            fix=Message("Below the header, add one line for each example."),
        )


def state_bare(part: str, count: int, taken: Taken) -> None:
    """States that a part has no answers."""
    taken.note(
        Message(
            "The {part} part has no answers: its {count} rows are not scored and not used.",
            part=part,
            count=count,
        )
    )
    taken.leave("rows", [part], count, Message("no answers in the part"))
