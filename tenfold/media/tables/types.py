"""Typed values of the columns of a table, by its schema alone."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from typing import Any

from tenfold.media.tables.schema import CATEGORY, DATE, NUMBER, TableColumn, TableSchema

__all__ = ["values"]


def values(schema: TableSchema, columns: Mapping[str, Sequence[Any]]) -> list[list[Any]]:
    """Returns the values of each column of the schema, in its order."""
    return [[_value(schema, one, cell) for cell in columns[one.name]] for one in schema.columns]


def _value(schema: TableSchema, column: TableColumn, cell: Any) -> Any:
    nothing = cell is None or (isinstance(cell, float) and math.isnan(cell))
    whole = isinstance(cell, float) and cell.is_integer()
    text = "" if nothing else str(int(cell) if whole else cell).strip()
    blank = not text or text in column.missing
    if column.type in (NUMBER, DATE):
        return math.nan if blank else _number(schema, column, text)
    if column.type == CATEGORY:
        return None if blank else text
    return "" if blank else text


def _number(schema: TableSchema, column: TableColumn, text: str) -> float:
    try:
        if column.type == DATE:
            return datetime.datetime.fromisoformat(f"{text}+00:00").timestamp()
        plain = text.removesuffix(column.unit).strip() if column.unit else text
        plain = plain.replace(schema.thousands, "") if schema.thousands else plain
        return float(plain.replace(schema.decimal, "."))
    except ValueError:
        return math.nan
