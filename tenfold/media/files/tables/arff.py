"""Tables in ARFF, the format of Weka: attributes with types, then dense or sparse rows.

Source: https://waikato.github.io/weka-wiki/formats_and_processing/arff_stable/
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused
from tenfold.core.message import Message
from tenfold.media.files.lines import TextLine, lines
from tenfold.media.files.tables.delimited import evened
from tenfold.media.files.tables.record import Record, RecordTable, of_records

__all__ = ["looks_like_arff", "table_of_arff"]

_START = re.compile(r"(?:\s*%[^\n]*\n|\s*\n)*\s*@relation\b", re.I)
_QUOTED = r"'((?:\\.|[^'\\])*)'|\"((?:\\.|[^\"\\])*)\""
_ATTRIBUTE = re.compile(rf"@attribute\s+(?:{_QUOTED}|([^\s'\"]+))\s*(.*)", re.I)
_CELL = re.compile(rf"\s*(?:{_QUOTED}|([^,\t]*))\s*(,|\t|$)")
_PAIR = re.compile(rf"\s*(\d+)\s+(?:{_QUOTED}|([^,]*))\s*(,|$)")
_NUMBERS = frozenset("numeric real integer".split())
_DATES = {
    "yyyy": "%Y", "yy": "%y", "MMM": "%b", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M",
    "ss": "%S",
}  # fmt: skip
"""Letters of a Java date pattern, and those of Python."""


@dataclass(frozen=True)
class _Attribute:
    """A column: its type ("number", "category", "date" or "text") and its listed values.

    `pattern` is the Python pattern of its dates, "" for ISO 8601.
    """

    name: str
    type: str
    levels: tuple[str, ...] = ()
    pattern: str = ""


def looks_like_arff(text: str) -> bool:
    """Returns True where a text begins with @relation, after comments."""
    return _START.match(text) is not None


def table_of_arff(cell: str, name: str, encoding: str) -> RecordTable:
    """Returns the table of an ARFF file; missing values (`?`) are None.

    Raises DataRefused where an attribute cannot be read, or none is declared.
    """
    found = lines(cell, encoding)
    attributes = _declared(found, name)
    table = of_records([one.name for one in attributes], _records(found, attributes), encoding)
    table.types = {one.name: one.type for one in attributes if one.type in ("category", "date")}
    return table


def _declared(found: Iterator[TextLine], name: str) -> list[_Attribute]:
    """Returns the attributes, and leaves the lines after @data to be read."""
    attributes = list[_Attribute]()
    for line in found:
        text = line.text.strip()
        word = text.partition(" ")[0].partition("\t")[0].lower()
        if word == "@data":
            break
        if word == "@attribute":
            attributes.append(_attribute(text, f"{name}:{line.number}"))
    if not attributes:
        raise DataRefused(
            Message("{name} declares no attribute", name=name),
            code="no-columns",
            where=name,
            fix=Message("Write a line such as @attribute age numeric for each column."),
        )
    return attributes


def _attribute(text: str, where: str) -> _Attribute:
    found = _ATTRIBUTE.match(text)
    kind = found[4].strip() if found else ""
    word = re.split(r"[\s\[]", kind, maxsplit=1)[0].lower()
    if found and kind.startswith("{") and "}" in kind:
        levels = [_value(one) for one in _CELL.finditer(kind[1 : kind.rindex("}")])]
        return _Attribute(_value(found), "category", tuple(one for one in levels if one))
    if found and word in _NUMBERS:
        return _Attribute(_value(found), "number")
    if found and word == "string":
        return _Attribute(_value(found), "text")
    if found and word == "date":
        return _Attribute(_value(found), "date", (), _pattern(kind[4:].strip().strip("\"'")))
    raise DataRefused(
        Message("The attribute {text!r} cannot be read", text=text[:80]),
        code="bad-attribute",
        where=where,
        fix=Message("Types are numeric, string, date, and values in braces such as {{yes, no}}."),
    )


def _value(found: re.Match[str], first: int = 1) -> str:
    """Returns the text inside quotes without its escapes, or the text that has no quotes."""
    for quoted in (found[first], found[first + 1]):
        if quoted is not None:
            return re.sub(r"\\(.)", r"\1", quoted)
    return found[first + 2].strip()


def _pattern(java: str) -> str:
    """Returns the Python pattern of a Java date pattern, "" for none."""
    words = re.findall(r"'([^']*)'|(yyyy|yy|MMM|MM|dd|HH|mm|ss)|(.)", java)
    return "".join(quoted + _DATES.get(word, "") + sign for quoted, word, sign in words)


# --- rows -----------------------------------------------------------------------------------------


def _records(found: Iterator[TextLine], attributes: list[_Attribute]) -> Iterator[Record]:
    checked = [(at, one) for at, one in enumerate(attributes) if one.levels or one.pattern]
    levels = {at: frozenset(one.levels) for at, one in checked}
    for line in found:
        text = line.text.strip()
        if not text or text.startswith("%"):
            continue
        sparse = text.startswith("{")
        cells = _sparse(text, attributes) if sparse else _dense(text)
        record = evened(Record(line.number, cells, line.problem), len(attributes))
        for at, one in checked if record.problem is None else ():
            value = record.cells[at]
            if value is None:
                continue
            if one.pattern:
                record.cells[at] = _date(value, one.pattern)
            elif value not in levels[at]:
                record.problem = _unlisted(value, one.name)
        yield record


def _dense(text: str) -> list[Any]:
    if "'" not in text and '"' not in text:
        text = text.partition("%")[0]
        cells = re.split(r"[,\t]", text) if "\t" in text else text.split(",")
        return [None if cell == "?" else cell for cell in map(str.strip, cells)]
    quoted, at = list[Any](), 0
    while found := _CELL.match(text, at):
        value = _value(found)
        quoted.append(None if found[3] is not None and value == "?" else value)
        at = found.end()
        if not found[4]:
            break
    return quoted


def _sparse(text: str, attributes: list[_Attribute]) -> list[Any]:
    """Returns the cells of a sparse row: others are 0, the first listed value, or 1970."""
    cells: list[Any] = [_nought(one) for one in attributes]
    inside = text[1:].rpartition("}")[0]
    for found in _PAIR.finditer(inside):
        if int(found[1]) < len(cells):
            value = _value(found, 2)
            cells[int(found[1])] = None if found[4] is not None and value == "?" else value
    return cells


def _nought(one: _Attribute) -> str:
    """Returns the value of 0: that of a date is the beginning of 1970."""
    if one.levels:
        return one.levels[0]
    return "1970-01-01" if one.type == "date" else "0"


def _date(value: str, pattern: str) -> str:
    try:
        return datetime.datetime.strptime(value, pattern).isoformat(sep=" ")
    except ValueError:
        return value


def _unlisted(value: str, name: str) -> Problem:
    reason = Message(
        "has {value!r}, which attribute {name!r} does not list", value=value, name=name
    )
    return Problem("bad-level", reason, Message("List it in the braces of the attribute."))
