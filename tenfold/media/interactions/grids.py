"""Reads one file of interactions: a table of texts, or lines of sequences.

Large text tables are parsed by pandas; JSON, Parquet and spreadsheets are read as records.
"""

from __future__ import annotations

import itertools
import re

import numpy as np
import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused
from tenfold.core.message import Message
from tenfold.media.files.lines import (
    TextLine,
    found_encoding,
    lines,
    opened,
    start_of,
    unified,
)
from tenfold.media.files.listing import Entry
from tenfold.media.files.records import table_of
from tenfold.media.files.tables.delimited import Dialect, separated
from tenfold.media.files.tables.dialect import dialect_of, left_above
from tenfold.media.files.tables.fast import columns_of_text, width_of
from tenfold.media.interactions.catalogue import HEAD, SEPARATORS, plain
from tenfold.media.interactions.columns import TITLES, Frame, Grid, role_of
from tenfold.media.reading import Reading, refuse_roles

__all__ = ["RECORDS", "TABLES", "grid_of"]

TABLES = (".csv", ".tsv", ".txt", ".dat", ".data", ".inter", ".item", ".user", "")
"""Suffixes of text tables."""
RECORDS = (
    ".parquet", ".json", ".jsonl", ".ndjson", ".xlsx", ".arrow", ".feather", ".sqlite", ".sqlite3",
    ".db",
)  # fmt: skip
"""Suffixes of other tables, which are read as records."""
WIDEST = 40
"""Most columns of a table; lines with more fields are read as sequences."""
SCALE = 21
"""Most distinct values of a column of ratings without a header."""
EVEN = 0.6
"""Least share of lines that must have the usual number of cells; others are sequences."""


def grid_of(entry: Entry, part: str, reading: Reading) -> Grid | Frame:
    """Returns the table in a file, or the interactions of a file of sequences.

    Raises DataRefused where the file is neither.
    """
    start = unified(start_of(entry.cell))
    if plain(entry) in RECORDS or start[:4] == b"PAR1" or _is_json(start):
        return _of_records(entry, part, reading)
    encoding = found_encoding(entry.cell, reading).name
    head = list(itertools.islice(lines(entry.cell, encoding, blank=True), HEAD + 1))
    dialect = _dialect(head, entry.name, reading)
    with opened(entry.cell) as file:
        data = unified(file.read())
    if isinstance(dialect, str):
        why = Message("files of sequences have no columns")
        refuse_roles(reading, ("target", "time", "user", "item", "rating"), why, entry.name)
        return _sequences(data.decode(encoding, "replace"), entry.name, part, dialect)
    found = columns_of_text(data, entry.name, dialect, width_of(head, dialect), encoding, 2)
    grid = Grid(found.frame, entry.name, part, dialect.header, found.numbers, found.problems)
    grid.commas, grid.notes = dialect.separator != ",", left_above(head, dialect)
    return grid


def _is_json(start: bytes) -> bool:
    return bool(re.match(rb'(\xef\xbb\xbf)?\s*(\{\s*"|\[\s*\{)', start))


def _of_records(entry: Entry, part: str, reading: Reading) -> Grid:
    """Returns the table in a file of JSON, Parquet or another format of records."""
    table = table_of(entry.cell, entry.name, lambda name: role_of(name) is not None)
    rows, numbers, problems = [], [], []
    for record in table.records:
        if record.problem is not None:
            problems.append((f"{entry.name}:{record.line}", record.problem))
        else:
            rows.append(record.cells)
            numbers.append(record.line)
    names = [name if table.header else f"column {name}" for name in table.names]
    frame = pd.DataFrame(rows, columns=names, dtype=object)
    flat = [
        at
        for at in range(len(names))
        if not frame.iloc[:HEAD, at].map(lambda cell: isinstance(cell, (list, dict))).any()
    ]
    columns = frame.iloc[:, flat]
    return Grid(columns, entry.name, part, table.header, np.array(numbers, np.int64), problems)


def _dialect(head: list[TextLine], name: str, reading: Reading) -> Dialect | str:
    """Returns the dialect of a table, or the separator of a file of sequences.

    Raises UsageError where two separators fit equally well.
    """
    names = {str(value).lower() for value in reading.roles.values()} | {"id", *TITLES}

    def known(one: str) -> bool:
        return role_of(one) is not None or one.strip().lower() in names

    dialect = dialect_of(head, name, known, reading, SEPARATORS[:-1])
    if reading.value("separator") and dialect is not None:
        return dialect
    texts = [one.text for one in head if one.text.strip()]
    if dialect is not None and 2 <= width_of(head, dialect) <= WIDEST and _even(head, dialect):
        return dialect
    spaced = dialect_of(head, "", known, reading, SEPARATORS[-1:])
    if spaced is not None and (_dated(texts) or _rated(texts)):
        return spaced
    return "," if sum("," in text for text in texts) > 0.5 * len(texts) else " "


def _even(head: list[TextLine], dialect: Dialect) -> bool:
    """Returns True where most lines have the usual number of cells."""
    after = [one for one in head if one.number >= dialect.start]
    widths = [len(one.cells) for one in separated(iter(after), dialect)]
    width = width_of(head, dialect)
    return dialect.header or sum(one == width for one in widths) >= EVEN * len(widths)


def _dated(head: list[str]) -> bool:
    """Returns True where lines separated by spaces have a header or end in a time."""
    if any(role_of(one) for one in head[0].split()):
        return True
    last = pd.to_numeric(pd.Series([line.split()[-1] for line in head]), errors="coerce")
    return bool((last > 1e8).mean() > 0.8)


def _rated(head: list[str]) -> bool:
    """Returns True for lines of user, item and rating: the third field has few numbers.

    The second field has other and many more values, and the third has several for most users.
    """
    rows = [line.split() for line in head]
    if len(rows) < 10 or any(len(row) != 3 for row in rows):
        return False
    marks = pd.to_numeric(pd.Series([row[2] for row in rows]), errors="coerce")
    items = {row[1] for row in rows}
    few = marks.nunique() <= SCALE and 3 * marks.nunique() <= len(rows)
    scale = bool(marks.notna().all()) and float(marks.abs().max()) <= 10
    return bool(few and scale) and len(items) > 1.5 * marks.nunique()


def _sequences(text: str, name: str, part: str, separator: str) -> Frame:
    """Returns the interactions of lines of the form "user item item ..."."""
    users: list[str] = []
    items: list[str] = []
    numbers: list[int] = []
    problems = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        if not line.strip():
            continue
        fields = line.split(separator) if separator != " " else line.split()
        user, *rest = [one.strip() for one in fields]
        rest = [one for one in rest if one]
        if not user or not rest:
            fix = Message(
                "Write on each line a user and the items in order of time, separated by spaces."
            )
            problems.append((f"{name}:{number}", Problem("no-item", Message("has no item"), fix)))
            continue
        users += [user] * len(rest)
        items += rest
        numbers += [number] * len(rest)
    some = pd.Series(items[:1000], dtype=object).astype(str)
    if items and not some.str.contains(r"\d").mean() > 0.5:
        raise DataRefused(
            Message(
                "{name} looks like text: few of the items on its lines contain a digit", name=name
            ),
            code="missing-column",
            where=name,
            fix=Message("Add a header with the columns user and item, or use numbers as item ids."),
        )
    columns = {"user": pd.Series(users, dtype=object), "item": pd.Series(items, dtype=object)}
    return Frame(columns, np.array(numbers, np.int64), name, part, problems, ordered=True)
