"""Reads one file of tagged tokens: the format is found by its content, and refused if unknown."""

from __future__ import annotations

import ast
import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tenfold.core.errors import DataRefused
from tenfold.core.message import Message
from tenfold.media.files.encoding.encodings import own_encoding
from tenfold.media.files.lines import empty_file, found_encoding, lines, start_of
from tenfold.media.files.listing import Entry
from tenfold.media.files.records import Record, RecordTable, table_of
from tenfold.media.text.tags.columns import is_token_name
from tenfold.media.text.tags.exports import JsonRow, is_json, objects_of
from tenfold.media.text.tags.lines import (
    Line,
    is_comment,
    separator_of,
    split_lines,
)
from tenfold.media.text.tags.objects import rows_of_objects
from tenfold.media.text.tags.row import Findings, TaggedRow
from tenfold.media.text.tags.sentences import rows_of_lines

__all__ = ["SEEN", "has_header", "is_binary", "is_table_file", "rows_of_file"]

BINARY = (
    ".parquet",
    ".arrow",
    ".feather",
    ".xlsx",
    ".xlsm",
    ".xlsb",
    ".xls",
    ".ods",
    ".db",
    ".sqlite",
)
"""Suffixes of tables that are not texts."""
SEEN = 200
"""Lines that are examined to find the separator."""


def is_table_file(name: str, start: bytes) -> bool:
    """Returns True for a table in a binary format."""
    known = (b"PAR1", b"ARROW1", b"SQLite format 3")
    return start.startswith(known) or (is_binary(start) and name.lower().endswith(BINARY))


def is_binary(start: bytes) -> bool:
    """Returns True for the beginning of a file that is not a text in any encoding."""
    if own_encoding(start).startswith(("utf-16", "utf-32")):
        return False
    return sum(byte < 9 or 13 < byte < 27 for byte in start) > 0.05 * len(start)


def rows_of_file(entry: Entry, name: str, findings: Findings) -> Iterator[TaggedRow]:
    """Yields the rows of a file: JSON, a table of tokens or of texts, or columns.

    Raises DataRefused where the file is empty, in an unknown format, or has no tags.
    """
    start = start_of(entry.cell, 1 << 16)
    if not start.strip():
        raise empty_file(entry.cell, name)
    if is_table_file(name, start):
        yield from _rows_of_table(_table(entry, name, findings), name, findings)
        return
    if is_binary(start):
        raise _unknown(name)
    encoding = found_encoding(entry.cell, findings.reading).name
    text = start.decode(encoding, "replace").lstrip("\ufeff \t\r\n")
    if is_json(text):
        yield from _rows_of_json(entry, name, encoding, findings)
        return
    if encoding != "utf-8":
        findings.keep("encoding", encoding)
        findings.taken.note(Message("The encoding is {encoding}.", encoding=encoding.upper()))
    head = list(itertools.islice(lines(entry.cell, encoding, blank=True), SEEN))
    separator = separator_of([one.text for one in head], findings.reading.separator)
    cells = [one for one in split_lines(head, separator) if not is_comment(one.text)]
    body = [*itertools.dropwhile(lambda one: not one.cells, cells)]
    blank = any(not one.cells for one in body[:-1])
    if has_header([one.cells for one in body[:20]]) and findings.reading.header != "no":
        table = _table(entry, name, findings, separator)
        named = table.header and any(map(is_token_name, table.names))
        if named and (not blank or table.above):
            yield from _rows_of_table(table, name, findings)
            return
    found = split_lines(lines(entry.cell, encoding, blank=True), separator)
    names = () if findings.reading.header == "no" else None
    yield from rows_of_lines(found, names, name, findings)


def _rows_of_json(
    entry: Entry, name: str, encoding: str, findings: Findings
) -> Iterator[TaggedRow]:
    """Yields the rows of a file of JSON; its keys are added to what was taken."""
    yield from rows_of_objects(objects_of(entry.cell, name, encoding), name, findings)
    for role, flag in (("token", "input"), ("text", "input"), ("target", "answer")):
        if key := findings.found.get(role):
            findings.taken.role(flag, Message("key {name}", name=key), f"--{role}")


def _unknown(name: str) -> DataRefused:
    return DataRefused(
        Message("{name} is not in a known format of tagged tokens", name=name),
        code="unknown-format",
        where=name,
        fix=Message(
            "Give columns (CoNLL), CSV, JSON lines, Parquet, or a folder of brat (.txt and .ann)."
        ),
    )


# --- tables ---------------------------------------------------------------------------------------


def has_header(rows: list[list[str]]) -> bool:
    """Returns True where one of the first rows holds usual names of columns."""
    named = (sum(is_token_name(cell.strip()) for cell in row) for row in rows)
    return bool(rows) and (next(named) > 0 or any(count > 1 for count in named))


def _table(entry: Entry, name: str, findings: Findings, separator: str = "") -> RecordTable:
    reading = replace(findings.reading, separator=separator or findings.reading.separator)
    return table_of(entry.cell, name, is_token_name, reading)


def _rows_of_table(table: RecordTable, name: str, findings: Findings) -> Iterator[TaggedRow]:
    """Yields the rows of a table with a token, or with a whole text, in each row."""
    for note in table.notes:
        findings.taken.note(note)
    pair = _lists(table)
    if pair is not None:
        yield from rows_of_objects(_objects(table, name, pair), name, findings)
        for role in ("token", "text", "target"):
            if key := findings.found.get(role):
                kind = "answer" if role == "target" else "input"
                findings.taken.role(kind, Message("column {name}", name=key), f"--{role}")
        return
    found = (_line(one) for one in table.records)
    names = tuple(table.names) if table.header else ()
    yield from rows_of_lines(found, names, name, findings)


def _line(record: Record) -> Line:
    cells = ["" if cell is None or cell != cell else str(cell) for cell in record.cells]
    if not any(cell.strip() for cell in cells) and record.problem is None:
        cells = []
    return Line(record.line, cells, record.problem, "")


def _lists(table: RecordTable) -> tuple[int, ...] | None:
    """Returns () where cells are lists, two columns where both hold a word for each tag, or None.

    None is returned for a table with a token in each row.
    """
    rows = [one.cells for one in table.head if one.problem is None and len(one.cells) > 1]
    for at in range(len(table.names)):
        cells = [row[at] for row in rows if at < len(row) and row[at] not in (None, "")]
        lists = [cell for cell in cells if isinstance(_value(cell), (list, dict))]
        if cells and len(lists) >= 0.9 * len(cells):
            return ()
    counts = [[len(str(cell).split()) for cell in row] for row in rows]
    for one, two in itertools.combinations(range(len(table.names)), 2):
        pairs = [(row[one], row[two]) for row in counts if two < len(row)]
        same = sum(left == right for left, right in pairs)
        if pairs and same >= 0.9 * len(pairs) and sum(left for left, _ in pairs) > 2 * len(pairs):
            return one, two
    return None


def _value(cell: Any) -> Any:
    """Returns the list or object that a cell holds in JSON or Python notation, else the cell."""
    if not isinstance(cell, str) or cell.strip()[:1] not in ("[", "{"):
        return cell
    for read in (json.loads, ast.literal_eval):
        try:
            return read(cell)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return cell


def _objects(table: RecordTable, name: str, pair: tuple[int, ...]) -> Iterator[JsonRow]:
    for record in table.records:
        cells = [_value(cell) for cell in record.cells]
        for at in pair:
            if at < len(cells) and isinstance(cells[at], str):
                cells[at] = cells[at].split()
        found = dict(zip(table.names, cells, strict=False))
        yield f"{name}:{record.line}", found, record.problem, ""
