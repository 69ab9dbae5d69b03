"""Reads a table file as records: the one way in which every medium reads tables.

Delimited text, ARFF, JSON, Parquet, Arrow, spreadsheets and SQLite, with or without a header. A
record that cannot be read has a Problem and the line on which it begins; reading continues.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from tenfold.media.files.lines import TextLine, empty_file, found_encoding, lines, start_of
from tenfold.media.files.tables.arff import looks_like_arff, table_of_arff
from tenfold.media.files.tables.columnar import is_columnar, table_of_columns
from tenfold.media.files.tables.delimited import Dialect, evened, separated
from tenfold.media.files.tables.dialect import ALONE, SEPARATORS, dialect_of, left_above
from tenfold.media.files.tables.objects import looks_like_json, table_of_json
from tenfold.media.files.tables.record import HEAD, Record, RecordTable
from tenfold.media.files.tables.several import (
    is_database,
    is_workbook,
    table_of_database,
    table_of_workbook,
)
from tenfold.media.reading import AS_FOUND, Reading

__all__ = ["TABLES", "Record", "RecordTable", "is_table", "table_of"]

TABLES = frozenset(
    ".csv .tsv .tab .arff .json .jsonl .ndjson .parquet .arrow .feather .xlsx .xlsm .xlsb .xls "
    ".ods .db .sqlite .sqlite3".split()
)
"""Lower-case suffixes of files that hold tables; `.gz` may follow."""


def is_table(name: str) -> bool:
    """Returns True where the suffix of a file name is that of a table."""
    plain = name.lower().removesuffix(".gz").rsplit("/", 1)[-1]
    return "." in plain[1:] and f".{plain.rpartition('.')[2]}" in TABLES


def table_of(
    cell: str,
    name: str,
    known: Callable[[str], bool],
    reading: Reading = AS_FOUND,
    separators: Sequence[str] = SEPARATORS,
) -> RecordTable:
    """Returns the table in a file.

    `known` is a function that returns True for a usual column name. Raises DataRefused where the
    file is empty or damaged, UsageError where it can be read in two ways.
    """
    start = start_of(cell)
    if is_columnar(start):
        return table_of_columns(cell, name, start)
    if is_database(start):
        return table_of_database(cell, name, known, reading)
    if is_workbook(start, name):
        return table_of_workbook(cell, name, known, reading)
    said = found_encoding(cell, reading)
    found = _text_table(cell, name, known, reading, separators, said.name)
    return replace(found, notes=[*said.notes, *found.notes])


def _text_table(
    cell: str,
    name: str,
    known: Callable[[str], bool],
    reading: Reading,
    separators: Sequence[str],
    encoding: str,
) -> RecordTable:
    """Returns the table in a text file of a known encoding."""
    start = start_of(cell)
    text = start.decode(encoding, "replace").removeprefix("\ufeff").lstrip()
    if not text:
        raise empty_file(cell, name)
    if looks_like_json(text):
        return table_of_json(cell, name, encoding, text)
    if looks_like_arff(text):
        return table_of_arff(cell, name, encoding)
    head = list(itertools.islice(lines(cell, encoding, blank=True), HEAD + 1))
    dialect = dialect_of(head, name, known, reading, separators)
    if dialect is not None:
        return _delimited(cell, encoding, dialect, head)
    found = lines(cell, encoding)
    return _headless((Record(one.number, [one.text], one.problem) for one in found), encoding)


def _delimited(cell: str, encoding: str, dialect: Dialect, head: list[TextLine]) -> RecordTable:
    """Returns the table of a delimited text file."""
    after = (one for one in lines(cell, encoding, blank=True) if one.number >= dialect.start)
    records = separated(after, dialect)
    above = [one.text for one in head if one.number < dialect.start and one.text.strip()]
    found = _headless(records, encoding, dialect.header)
    found.separator, found.above = dialect.separator.replace(ALONE, ""), above
    found.notes += left_above(head, dialect)
    return found


def _headless(records: Iterator[Record], encoding: str, header: bool = False) -> RecordTable:
    """Returns the table of the records; with `header`, the first one holds the names.

    A record with a different number of cells than the table has columns gets a problem.
    """
    head = list(itertools.islice(records, HEAD))
    first = [str(cell).strip() for cell in head[0].cells] if head else []
    names = first if header else [str(number + 1) for number in range(_width(head))]
    head = head[1:] if header else head
    while header and names and not names[-1] and all(_short(one, len(names)) for one in head):
        names.pop()  # a separator at the end of each line
    checked = (evened(one, len(names)) for one in itertools.chain(list(head), records))
    return RecordTable(names, header, checked, [evened(one, len(names)) for one in head], encoding)


def _short(one: Record, width: int) -> bool:
    return len(one.cells) < width or not str(one.cells[width - 1]).strip()


def _width(head: list[Record]) -> int:
    """Returns the most frequent number of cells of a record."""
    widths = [len(one.cells) for one in head if one.problem is None] or [1]
    return max(set(widths), key=widths.count)
