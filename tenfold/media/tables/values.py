"""Values of the columns of a schema, from the cells of any table: never decided anew."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tenfold.media.tables.columns.cells import CellColumn, cells_of, is_date, taken
from tenfold.media.tables.columns.days import date_values
from tenfold.media.tables.columns.figures import POINT, form_of, shapes_of
from tenfold.media.tables.columns.missing import ALWAYS
from tenfold.media.tables.columns.numbers import number_column
from tenfold.media.tables.schema import CATEGORY, DATE, NUMBER, TableColumn, TableSchema

__all__ = ["categories", "column_values", "odd_cells", "plain_number", "values"]

ISO = ("year-first",)
"""Forms of a column of dates whose schema names none, such as 2024-03-31."""


def values(
    schema: TableSchema, columns: Mapping[str, Sequence[Any] | CellColumn]
) -> list[list[Any]]:
    """Returns the N values of each column of a schema, as a `TableRow` holds them.

    The same cell has the same value whatever else stands in the table. Raises KeyError where a
    column is missing.
    """
    return [column_values(schema, one, columns[one.name]) for one in schema.columns]


def column_values(
    schema: TableSchema, column: TableColumn, given: Sequence[Any] | CellColumn
) -> list[Any]:
    """Returns the N values of one column of a schema."""
    cells = cells_of(given)
    missing = frozenset(column.missing)
    if column.type == NUMBER:
        found = number_column(cells, schema.decimal, missing).values
        truths = column.more.get("truths", {})
        for at in np.flatnonzero(np.isnan(found)) if truths else ():
            found[at] = truths.get(cells.texts[at].lower(), math.nan)
        return taken(found, cells.place, math.nan)
    if column.type == DATE:
        found = date_values(cells, column.more.get("forms") or ISO, schema.dates, missing)
        return taken(found, cells.place, math.nan)
    if column.type == CATEGORY:
        return taken(categories(cells, column, schema.decimal), cells.place, None)
    texts = ["" if _is_missing(text, missing) else text for text in cells.texts]
    return taken(texts, cells.place, "")


def _is_missing(text: str, missing: frozenset[str]) -> bool:
    return text in missing or text.casefold() in ALWAYS


def categories(cells: CellColumn, column: TableColumn, decimal: str = POINT) -> list[str | None]:
    """Returns the D names of the distinct cells; None where missing.

    True and False are the words of the column for them. Where the levels of the column are numbers,
    other spellings of the same number are the same level.
    """
    missing = frozenset(column.missing)
    truths = column.more.get("truths", {})
    names: list[str | None] = []
    for cell, text in zip(cells.distinct, cells.texts, strict=True):
        if _is_missing(text, missing):
            names.append(None)
        elif text.lower() in truths:
            names.append(truths[text.lower()])
        elif column.more.get("numbers") and not is_date(cell):
            names.append(plain_number(text, decimal if isinstance(cell, str) else POINT))
        else:
            names.append(text)
    return names


def plain_number(text: str, decimal: str) -> str:
    """Returns a number without closing zeros and thousands marks: 7.0 is 7; other texts as is."""
    form = form_of(shapes_of([text])[0])
    if form is None or form.code or form.unit or decimal not in form.thousands:
        return text
    value = form.number(text, decimal)
    if not math.isfinite(value) or abs(value) > 1e15:
        return text
    return str(int(value)) if value.is_integer() else repr(value)


def odd_cells(
    schema: TableSchema, columns: Mapping[str, Sequence[Any] | CellColumn]
) -> list[tuple[str, int, str]]:
    """Returns the cells of number columns that are infinite or too large: column, row and text."""
    found: list[tuple[str, int, str]] = []
    for one in schema.columns:
        if one.type == NUMBER and one.name in columns:
            numbers = number_column(columns[one.name], schema.decimal, frozenset(one.missing))
            place = numbers.cells.place
            for row in np.flatnonzero(np.append(numbers.endless, False)[place]).tolist():
                found.append((one.name, row, numbers.cells.texts[place[row]]))
    return found
