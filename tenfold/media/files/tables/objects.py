"""Tables in JSON: lines, arrays, an object around the rows, and objects of columns."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused
from tenfold.core.message import Message
from tenfold.media.files.lines import TextLine, lines, whole_of
from tenfold.media.files.tables.record import Record, RecordTable, of_records

__all__ = ["document_of", "looks_like_json", "table_of_json"]

ROWS = "data rows records examples items results instances".split()
"""Keys under which the rows of an object usually lie, if several of its values are lists."""
Keyed = tuple[int, dict[str, Any], Problem | None]
_ONE = Message("Write one JSON object per line.")


def looks_like_json(text: str) -> bool:
    """Returns True where a text begins like a JSON object or array of rows."""
    start = text.lstrip()[:200]
    if start[:1] == "{":
        return start[1:].lstrip()[:1] in ('"', "}") or not start[1:].strip()
    return start[:1] == "[" and start[1:].lstrip()[:1] in ("{", "[", "]")


def table_of_json(cell: str, name: str, encoding: str, start: str) -> RecordTable:
    """Returns the table in a JSON file; `start` is its beginning.

    Raises DataRefused where the file is not valid JSON or has no rows.
    """
    first, _, more = start.strip().partition("\n")
    whole = _whole(first) if first.startswith("{") else None
    alone = not more.strip() and name.lower().removesuffix(".gz").endswith(".json")
    if whole is not None and not alone and not _is_wrapped(whole):
        return _keyed((_object(line) for line in lines(cell, encoding)), encoding)
    found = document_of(cell, name, encoding)
    rows = _rows(found, name)
    if rows and all(isinstance(row, list) for row in rows):
        return _listed(rows, encoding)
    return _keyed(_numbered(rows), encoding)


def _whole(line: str) -> Any:
    """Returns the JSON value of a line; None where the line is not a whole value."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _is_wrapped(found: Any) -> bool:
    """Returns True for an object around the rows of the whole file, or of whole columns."""
    if not isinstance(found, dict) or not found:
        return False
    values = list(found.values())
    lists = [one for one in values if isinstance(one, list) and one and isinstance(one[0], dict)]
    columns = len(found) > 1 and all(isinstance(one, (dict, list)) and one for one in values)
    return (len(found) == 1 and bool(lists)) or (columns and _columns(found) is not None)


def _rows(found: Any, name: str) -> list[Any]:
    """Returns the rows of a JSON document.

    Raises DataRefused where it has none.
    """
    if isinstance(found, list):
        return found
    if isinstance(found, dict):
        told = {key: v for key, v in found.items() if isinstance(v, list) and v}
        lists = [v for v in told.values() if all(isinstance(row, dict) for row in v[:9])]
        named = [told[key] for key in ROWS if key in told]
        header = found.get("columns")
        if isinstance(header, list) and named and isinstance(named[0][0], list):
            return [header, *named[0]]
        if (columns := _columns(found)) is not None:
            return columns
        if len(lists) == 1 or (lists and named):
            return lists[0] if len(lists) == 1 else named[0]
        if not lists and all(not isinstance(v, (dict, list)) for v in found.values()):
            return [found]
    keys = ", ".join(list(found)[:8]) if isinstance(found, dict) else type(found).__name__
    raise DataRefused(
        Message("{name} is JSON, but holds no table: it has {keys}", name=name, keys=keys),
        code="bad-json",
        where=name,
        fix=Message("Write an array of objects, or JSON lines: one object per line."),
    )


def _columns(found: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Returns the rows of an object of columns: lists of one length, or objects of the same keys.

    None for any other object.
    """
    values = list(found.values())
    if len(found) < 2:
        return None
    if all(isinstance(one, dict) and one for one in values):
        keys = list(values[0])
        if all(list(one) == keys for one in values) and not any(
            isinstance(cell, (dict, list)) for one in values for cell in one.values()
        ):
            return [{name: one[key] for name, one in found.items()} for key in keys]
        return None
    if all(isinstance(one, list) for one in values) and len({len(one) for one in values}) == 1:
        if any(isinstance(cell, dict) for one in values for cell in one):
            return None
        return [dict(zip(found, row, strict=True)) for row in zip(*values, strict=True)]
    return None


def _listed(rows: list[list[Any]], encoding: str) -> RecordTable:
    """Returns the table of an array of arrays; the first holds the names if it has plain values."""
    header = not any(isinstance(one, (dict, list)) for one in rows[0])
    names = [str(one) if header else str(at) for at, one in enumerate(rows[0], 1)]

    def records() -> Iterator[Record]:
        for number, row in enumerate(rows[header:], 1 + header):
            problem = None
            if not isinstance(row, list) or len(row) != len(names):
                reason = Message(
                    "has {count} cells, but most lines have {width}",
                    count=len(row) if isinstance(row, list) else 1,
                    width=len(names),
                )
                problem = Problem("ragged", reason, Message("Write one value for each column."))
                row = [None] * len(names)
            yield Record(number, list(row), problem)

    found = of_records(names, records(), encoding)
    found.header = header
    return found


def _keyed(objects: Iterator[Keyed], encoding: str) -> RecordTable:
    """Returns the table of objects; its columns are the keys of the first ones, in order."""
    held = list(itertools.islice(objects, HEAD_OBJECTS))
    names = list(dict.fromkeys(key for _, found, _ in held for key in found))

    def records() -> Iterator[Record]:
        for group in (held, objects):
            for line, found, problem in group:
                yield Record(line, [found.get(key) for key in names], problem)

    return of_records(names, records(), encoding)


HEAD_OBJECTS = 400
"""Objects whose keys are the columns; a key that only a later object has is not read."""


def _numbered(rows: list[Any]) -> Iterator[Keyed]:
    wrong = Problem(
        "bad-json", Message("is not a JSON object"), Message("Write each row as a JSON object.")
    )
    for number, one in enumerate(rows, 1):
        good = isinstance(one, dict)
        yield number, one if good else {}, None if good else wrong


def _object(line: TextLine) -> Keyed:
    if line.problem:
        return line.number, {}, line.problem
    try:
        found = json.loads(line.text, parse_constant=_no_number, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        reason = Message("is not valid JSON ({error})", error=str(error)[:80])
        return line.number, {}, Problem("bad-json", reason, _ONE)
    if not isinstance(found, dict):
        reason = Message("is JSON but not an object")
        return line.number, {}, Problem("bad-json", reason, _ONE)
    return line.number, found, None


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def document_of(cell: str, name: str, encoding: str) -> Any:
    """Returns the value of a whole JSON file.

    Raises DataRefused where it is too large or not valid JSON.
    """
    fix = Message("Convert the file to JSON Lines: one object per line.")
    text = whole_of(cell, name, fix).decode(encoding, "replace").removeprefix("\ufeff")
    try:
        return json.loads(text, parse_constant=_no_number, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise DataRefused(
            Message("{name} is not valid JSON ({error})", name=name, error=str(error)[:80]),
            code="bad-json",
            where=name,
            fix=Message("Correct the JSON, or write JSON lines: one object per line."),
        ) from error
