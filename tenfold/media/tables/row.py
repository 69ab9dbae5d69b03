"""What a row of a table is to the rest of tenfold: its digest, its text, and its fields."""

from __future__ import annotations

import array
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from tenfold.core.language import say
from tenfold.media.input import Input
from tenfold.media.medium import Sizes
from tenfold.media.reading import Reading
from tenfold.media.tables import types
from tenfold.media.tables.schema import (
    CATEGORY,
    DATE,
    NUMBER,
    TableColumn,
    TableRow,
    TableSchema,
)

__all__ = ["composed", "content", "sample", "sizes", "text"]

SHOWN = 40
"""Most columns of a row that pages show."""
CUT = 60
"""Most characters of a value that pages show."""


def content(row: TableRow) -> bytes:
    """Returns the bytes of the values, which are equal for equal values whatever was read."""
    values = row.values
    numbers = [
        one or 0.0 if one == one else math.nan  # -0.0 equals 0.0
        for one in values
        if type(one) is float
    ]
    texts = [one for one in values if type(one) is not float]
    return array.array("d", numbers).tobytes() + repr(texts).encode()


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


def sizes(cells: pd.Series) -> Sizes | None:
    """Returns the number of missing values of a row; None where no cell is a row."""
    rows = [one for one in cells if isinstance(one, TableRow)]
    if not rows:
        return None
    gone = np.array([sum(v is None or v != v or v == "" for v in one.values) for one in rows])
    counts = {"columns": np.array([len(one) for one in rows]), "missing values": gone}
    return Sizes(
        say("Columns"),
        say("a row"),
        say("fewest"),
        say("most"),
        {key: list(map(int, np.percentile(one, [0, 50, 100]))) for key, one in counts.items()},
        say("missing values"),
        gone if np.ptp(gone) else gone[:0],
    )
