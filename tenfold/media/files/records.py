"""Reads table files as records, lazily: CSV, TSV, JSON lines, Parquet, with or without a header.

A record that cannot be read has a Problem and the line on which it begins; reading continues.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused
from tenfold.core.lazy import lazy
from tenfold.core.message import Message
from tenfold.media.files import references
from tenfold.media.files.lines import (
    TextLine,
    decoded,
    empty_file,
    encoding_of,
    lines,
    opened,
    start_of,
)

__all__ = ["Record", "RecordTable", "table_of"]

_parquet = lazy("pyarrow.parquet")

OPEN = 1000
"""Lines after which an open quote that was never closed is treated as a mistake."""
HEAD = 400
"""Records that are examined to detect the meaning of the columns."""
csv.field_size_limit(1 << 28)


@dataclass(slots=True)
class Record:
    """The cells of one record, the line on which it begins, and its problem, if any."""

    line: int
    cells: list[Any]
    problem: Problem | None = None


@dataclass
class RecordTable:
    """A table whose `records` are read lazily.

    Without a header the `names` of the columns are "1", "2" ...; `head` holds the first records,
    which `records` yields as well.
    """

    names: list[str]
    header: bool
    records: Iterator[Record]
    head: list[Record]
    encoding: str


def table_of(
    cell: str, name: str, known: Callable[[str], bool], labelled: bool = False
) -> RecordTable:
    """Returns the table in a file.

    `known` is a function that returns True for a usual column name. With `labelled`, lines
    without a separator may begin with a label ("1 a stirring film"). Raises DataRefused where the
    file is empty.
    """
    start = start_of(cell)
    if start[:4] == b"PAR1":
        return _of_parquet(cell, name)
    encoding = encoding_of(start)
    text = decoded(start).lstrip()
    if not text:
        raise empty_file(cell, name)
    if re.match(r'\{\s*"|\[\s*[{\]]', text):
        return _of_json(cell, name, encoding, text)
    records: Iterator[Record]
    if text.startswith("__label__"):
        records = map(_fasttext, lines(cell, encoding))
        return _headed(records, known, encoding, header=False)
    separator = _separator(text, name)
    if separator is None:
        if not labelled:
            records = (Record(line.number, [line.text], line.problem) for line in lines(cell))
            return _headed(records, known, encoding, header=False)
        records = map(_labelled, lines(cell, encoding))
        return _headed(records, known, encoding, header=False)
    found = lines(cell, encoding)
    if separator == "\t" and not _quotes(text):
        records = (Record(line.number, line.text.split("\t"), line.problem) for line in found)
    else:
        records = _separated(found, separator)
    return _headed(records, known, encoding)


# --- lines that are records -----------------------------------------------------------------------


def _fasttext(line: TextLine) -> Record:
    """Returns [text, "a|b"] for a line of the form `__label__a __label__b text`."""
    words = line.text.split(" ")
    count = len(list(itertools.takewhile(lambda word: word.startswith("__label__"), words)))
    labels = "|".join(word.removeprefix("__label__") for word in words[:count])
    return Record(line.number, [" ".join(words[count:]), labels], line.problem)


def _labelled(line: TextLine) -> Record:
    """Returns [label, text] for a line of the form "label text"."""
    label, _, text = line.text.strip().partition(" ")
    return Record(line.number, [label, text], line.problem)


def _separator(text: str, name: str) -> str | None:
    """Returns the separator of cells; None where no separator fits nearly every line."""
    rows = [row for row in text.splitlines()[:200] if row.strip()]
    rows = rows[:-1] if len(rows) > 1 and len(text) > 100_000 else rows
    tabs = sum("\t" in row for row in rows)
    if name.lower().removesuffix(".gz").endswith(".tsv") or tabs > 0.9 * len(rows):
        return "\t"
    if name.lower().removesuffix(".gz").endswith(".csv"):
        return max(",;|", key=rows[0].count) if len(rows) else ","
    counts = {one: rows[0].count(one) for one in ",;"}
    best = max(counts, key=lambda one: counts[one])
    quoted = rows[0].startswith('"') and f'"{best}' in rows[0]
    even = counts[best] and sum(row.count(best) == counts[best] for row in rows) > 0.9 * len(rows)
    return best if quoted or (even and len(rows) > 2) else None


def _quotes(text: str) -> bool:
    """Returns True where quotes enclose cells more often than they stand inside cells."""
    rows = text.splitlines()[:200]
    around = sum(bool(re.search(r'(^|\t)"[^"\t]*"(\t|$)', row)) for row in rows)
    inside = sum(row.count('"') % 2 or bool(re.search(r'[^\t"]"[^\t"]', row)) for row in rows)
    return around > inside


# --- separated by commas --------------------------------------------------------------------------


def _separated(found: Iterator[TextLine], separator: str) -> Iterator[Record]:
    """Yields the records of lines; a quoted cell may contain line ends."""
    waiting: deque[TextLine] = deque()

    def following() -> TextLine | None:
        return waiting.popleft() if waiting else next(found, None)

    while (line := following()) is not None:
        if line.problem or '"' not in line.text:
            yield Record(line.number, line.text.split(separator), line.problem)
            continue
        held = [line]
        while _open(held, separator):
            more = following() if len(held) <= OPEN else None
            if more is None:
                break
            held.append(more)
        if _open(held, separator):
            waiting.extendleft(reversed(held[1:]))
            fix = Message(
                "Add the closing quote; inside a quoted cell, write each quote character twice."
            )
            problem = Problem("open-quote", Message("opens a quote that is never closed"), fix)
            yield Record(line.number, line.text.split(separator), problem)
        else:
            yield _parsed(held, separator)


def _open(held: list[TextLine], separator: str) -> bool:
    """Returns True where a quote that begins a cell is not closed."""
    if sum(line.text.count('"') for line in held) % 2 == 0:
        return False
    start = held[0].text
    return start.startswith('"') or f'{separator}"' in start or f'{separator} "' in start


def _parsed(held: list[TextLine], separator: str) -> Record:
    text = "\n".join(line.text for line in held)
    problem = next((line.problem for line in held if line.problem), None)
    try:
        rows = list(csv.reader([text], delimiter=separator, skipinitialspace=True))
    except csv.Error:  # a carriage return outside of quotes
        reason = Message("has a carriage return outside of quotes")
        fix = Message("Remove it, or put quotes around the whole cell.")
        problem = problem or Problem("carriage-return", reason, fix)
        return Record(held[0].number, held[0].text.split(separator), problem)
    return Record(held[0].number, rows[0] if rows else [text], problem)


# --- headers --------------------------------------------------------------------------------------


def _headed(
    records: Iterator[Record],
    known: Callable[[str], bool],
    encoding: str,
    header: bool | None = None,
) -> RecordTable:
    """Returns the table of the records; the first record may be the header.

    `header` states whether it is; None detects this. A record with a different number of cells than
    the table has columns gets a problem.
    """
    head = list(itertools.islice(records, HEAD))
    first = [str(cell).strip() for cell in head[0].cells] if head else []
    if header is None:
        header = _is_header(first, head[1:], known)
    names = first if header else [str(number + 1) for number in range(_width(head))]
    if header:
        head = head[1:]
    checked = (_ragged(one, len(names)) for one in itertools.chain(list(head), records))
    return RecordTable(names, header, checked, [_ragged(one, len(names)) for one in head], encoding)


def _width(head: list[Record]) -> int:
    """Returns the most frequent number of cells of a record."""
    widths = [len(one.cells) for one in head if one.problem is None] or [1]
    return max(set(widths), key=widths.count)


def _is_header(first: list[str], rest: list[Record], known: Callable[[str], bool]) -> bool:
    if any(known(cell) for cell in first):
        return True
    if len(first) < 2 or any(not cell or len(cell) > 40 or cell.isdigit() for cell in first):
        return False
    columns = list(zip(*(one.cells for one in rest if len(one.cells) == len(first)), strict=True))
    few = [column for column in columns if len(set(column)) <= max(2, len(column) // 5)]
    places = [columns.index(column) for column in few]
    return bool(few) and all(first[place] not in columns[place] for place in places)


def _ragged(one: Record, width: int) -> Record:
    if one.problem is None and len(one.cells) != width:
        while len(one.cells) > width and not str(one.cells[-1]).strip():
            one.cells.pop()
        if len(one.cells) != width:
            reason = Message(
                "has {count} cells, but most lines have {width}", count=len(one.cells), width=width
            )
            fix = Message("Put quotes around a cell that holds the separator.")
            one.problem = Problem("ragged", reason, fix)
    return one


# --- JSON and Parquet -----------------------------------------------------------------------------


def _of_json(cell: str, name: str, encoding: str, text: str) -> RecordTable:
    objects = _array(cell, name) if text.startswith("[") else map(_object, lines(cell, encoding))
    head = list(itertools.islice(objects, HEAD))
    names = list(dict.fromkeys(key for _, found, _ in head for key in found))

    def record(line: int, found: dict[str, Any], problem: Problem | None) -> Record:
        return Record(line, [found.get(key) for key in names], problem)

    shown = [record(*one) for one in head]
    rest = (record(*one) for one in objects)
    return RecordTable(names, True, itertools.chain(list(shown), rest), shown, encoding)


TableFile = tuple[int, dict[str, Any], Problem | None]


def _object(line: TextLine) -> TableFile:
    if line.problem:
        return line.number, {}, line.problem
    try:
        found = json.loads(line.text, parse_constant=_no_number, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        reason = Message("is not valid JSON ({error})", error=str(error)[:80])
        return (
            line.number,
            {},
            Problem("bad-json", reason, Message("Write one JSON object per line.")),
        )
    if not isinstance(found, dict):
        reason = Message("is JSON but not an object")
        return (
            line.number,
            {},
            Problem("bad-json", reason, Message("Write one JSON object per line.")),
        )
    return line.number, found, None


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _array(cell: str, name: str) -> Iterator[TableFile]:
    with opened(cell) as file:
        content = file.read(references.LARGEST_FILE + 1)
    if len(content) > references.LARGEST_FILE:
        raise DataRefused(
            Message(
                "{name} is larger than {limit} MB",
                name=name,
                limit=references.LARGEST_FILE >> 20,
            ),
            code="too-large",
            where=name,
            fix=Message("Convert the file to JSON Lines: one object per line."),
        )
    try:
        found = json.loads(decoded(content), parse_constant=_no_number, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise DataRefused(
            Message("{name} is not valid JSON ({error})", name=name, error=str(error)[:80]),
            code="bad-json",
            where=name,
            fix=Message("Correct the JSON, or write JSON lines: one object per line."),
        ) from error
    wrong = Problem(
        "bad-json", Message("is not a JSON object"), Message("Write each row as a JSON object.")
    )
    for number, one in enumerate(found, 1):
        good = isinstance(one, dict)
        yield number, one if good else {}, None if good else wrong


def _of_parquet(cell: str, name: str) -> RecordTable:
    with opened(cell) as file:
        source = io.BytesIO(file.read()) if "#" in cell else references.file_of(cell)
    try:
        found = _parquet.ParquetFile(source)
        names = [str(one) for one in found.schema_arrow.names]
    except (OSError, ValueError, KeyError) as error:
        raise DataRefused(
            Message("{name} cannot be read as Parquet ({error})", name=name, error=error),
            code="bad-manifest",
            where=name,
            fix=Message("The file is damaged or is not Parquet; write it again."),
        ) from error

    def records() -> Iterator[Record]:
        number = 0
        for batch in found.iter_batches(4096):
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                number += 1
                yield Record(number, list(row))

    rows = records()
    head = list(itertools.islice(rows, HEAD))
    return RecordTable(names, True, itertools.chain(list(head), rows), head, "parquet")
