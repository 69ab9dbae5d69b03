"""What a row of a table is to the rest of tenfold: its digest, its text, and its fields."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tenfold.media.input import Input
from tenfold.media.reading import Reading
from tenfold.media.tables import types
from tenfold.media.tables.schema import (
    CATEGORY,
    DATE,
    NUMBER,
    TEXT,
    TableColumn,
    TableRow,
    TableSchema,
)

__all__ = [
    "composed",
    "content",
    "mixed",
    "names",
    "plausibility",
    "sample",
    "text",
    "texts",
    "typical",
    "values",
]

SHOWN = 40
"""Most columns of a row that pages show."""
CUT = 60
"""Most characters of a value that pages show."""
SAME = 0.5
"""Largest share of values that are different in a column of categories."""


def content(row: TableRow) -> bytes:
    """Returns the bytes of the values, which are equal for equal values whatever was read.

    They are the same on every machine and in every version of Python.
    """
    values = row.values
    numbers = [
        one or 0.0 if one == one else math.nan  # -0.0 equals 0.0
        for one in values
        if type(one) is float
    ]
    texts = [one for one in values if type(one) is not float]
    return struct.pack(f"<{len(numbers)}d", *numbers) + ascii(texts).encode()


def plausibility(cells: Sequence[Any]) -> float:
    """Returns how plausible a table is as input, 0 to 1: the share of its usable columns.

    These are columns of numbers and dates, and categories with at most half as many values as rows.
    """
    rows = [one for one in cells if isinstance(one, TableRow)]
    if not rows:
        return 1.0
    shares = list[float]()
    for at, column in enumerate(rows[0].schema.columns):
        values = [one.values[at] for one in rows if one.values[at] is not None]
        varied = column.type == TEXT or len({*values}) > max(2, SAME * len(values))
        shares.append(float(column.type in (NUMBER, DATE) or not varied))
    return float(np.mean(shares))


def text(row: TableRow) -> str:
    """Returns the row as `name=value` pairs, as the command line takes them."""
    pairs = [
        f"{column.name}={_said(column, value)}"
        for column, value in zip(row.schema.columns[:SHOWN], row.values, strict=False)
    ]
    return ", ".join(pairs + ["..."] * (len(row) > SHOWN))


def _said(column: TableColumn, value: Any) -> str:
    if value is None or value != value:
        return ""
    if column.type == DATE:
        said = str(np.datetime64(int(value), "s")).replace("T", " ")
        return said.removesuffix(" 00:00:00")
    if column.type == NUMBER:
        return f"{value:.10g}"
    return value if len(value) <= CUT else f"{value[: CUT - 3]}..."


# --- fields ---------------------------------------------------------------------------------------


def names(row: TableRow) -> Sequence[str]:
    """Returns the names of the columns."""
    return row.schema.names


def values(row: TableRow) -> Sequence[Any]:
    """Returns the values: numbers, seconds since 1970, texts, None where missing."""
    return [None if _gone(value) else value for value in row.values]


def texts(row: TableRow) -> Sequence[str]:
    """Returns the values as pages show them, "" where missing."""
    return [_said(*pair) for pair in zip(row.schema.columns, row.values, strict=True)]


def typical(row: TableRow, declared: Input) -> TableRow | None:
    """Returns the row of the typical values of an input, None where these are not of its columns.

    Runs of earlier versions declare no typical values: all of them are missing.
    """
    fields = declared.fields
    if not set(row.schema.names) <= fields.keys():
        return None
    blank = {NUMBER: math.nan, DATE: math.nan, TEXT: ""}
    usual = ((one.type, fields[one.name].typical) for one in row.schema.columns)
    return row.replaced([blank.get(kind) if value is None else value for kind, value in usual])


def mixed(row: TableRow, other: TableRow, kept: Sequence[bool]) -> TableRow:
    """Returns the row with the values of another row where `kept` is False."""
    pairs = zip(row.values, other.values, kept, strict=True)
    return row.replaced([own if keep else foreign for own, foreign, keep in pairs])


def _gone(value: Any) -> bool:
    return value is None or value != value or value == ""


def composed(values: Mapping[str, Any], reading: Reading) -> TableRow:
    """Returns the row of typed values by column: numbers, seconds since 1970, texts or None.

    Categories and texts are read as cells of a table are: a mark for "missing" is missing.
    """
    schema = TableSchema.of_json(reading.found["schema"])
    told: list[Any] = []
    for column in schema.columns:
        value = values.get(column.name)
        if column.type in (NUMBER, DATE):
            told.append(math.nan if value is None else float(value))
        else:
            alone = TableSchema((column,), schema.decimal, schema.thousands, schema.dates)
            told.append(types.values(alone, {column.name: [value]})[0][0])
    return TableRow(schema, tuple(told))


def sample(declared: Input) -> TableRow:
    """Returns a row of the fields of an input: numbers 0, the first choice of each category."""
    columns = tuple(TableColumn(name, one.medium) for name, one in declared.fields.items())
    first = {name: one.choices[0] if one.choices else None for name, one in declared.fields.items()}
    blank = {NUMBER: 0.0, DATE: 0.0}
    values = [
        first[one.name] if one.type == CATEGORY else blank.get(one.type, "") for one in columns
    ]
    return TableRow(TableSchema(columns), tuple(values))
