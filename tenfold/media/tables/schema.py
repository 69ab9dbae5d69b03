"""The input columns of a table: their types, notation and marks for "missing".

A schema is decided once, from the training table, stored in the reading of the run, and applied to
every table given for prediction, whose own types are ignored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["CATEGORY", "DATE", "NUMBER", "TEXT", "TYPES", "TableColumn", "TableRow", "TableSchema"]

NUMBER, CATEGORY, DATE, TEXT = "number", "category", "date", "text"
TYPES = (NUMBER, CATEGORY, DATE, TEXT)
"""Types of the values of a column: a float, a name, seconds since 1970, a text."""


@dataclass(frozen=True)
class TableColumn:
    """One column of inputs.

    `missing` are the cells that mean "missing" beside blank ones, as written. `unit` is the sign of
    currency or percent that was removed, "" for none. `more` are further decisions of the reader.
    """

    name: str
    type: str
    missing: tuple[str, ...] = ()
    unit: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TableSchema:
    """The columns of inputs in order, and the notation of the whole file.

    `decimal` and `thousands` are the marks in numbers ("" = none seen); `dates` is "", "day-first"
    or "month-first".
    """

    columns: tuple[TableColumn, ...]
    decimal: str = "."
    thousands: str = ""
    dates: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Returns the names of the columns."""
        return tuple(one.name for one in self.columns)

    def places(self, *types: str) -> list[int]:
        """Returns the positions of the columns of these types."""
        return [at for at, one in enumerate(self.columns) if one.type in types]

    def to_json(self) -> dict[str, Any]:
        """Returns the schema as JSON, for the reading of a run."""
        columns = [
            {"name": one.name, "type": one.type}
            | ({"missing": list(one.missing)} if one.missing else {})
            | ({"unit": one.unit} if one.unit else {})
            | ({"more": dict(one.more)} if one.more else {})
            for one in self.columns
        ]
        return {
            "columns": columns,
            "decimal": self.decimal,
            "thousands": self.thousands,
            "dates": self.dates,
        }

    @staticmethod
    def of_json(told: Mapping[str, Any]) -> TableSchema:
        """Returns the schema that `to_json` wrote."""
        columns = tuple(
            TableColumn(
                str(one["name"]),
                str(one["type"]),
                tuple(one.get("missing", ())),
                str(one.get("unit", "")),
                dict(one.get("more", {})),
            )
            for one in told["columns"]
        )
        notation = {name: str(told.get(name, "")) for name in ("decimal", "thousands", "dates")}
        return TableSchema(columns, **notation)


@dataclass(frozen=True, slots=True)
class TableRow:
    """The inputs of one row: a value for each column of the schema, in its order.

    A number is a float (NaN = missing), a date the seconds since 1970 (NaN = missing), a category
    a text (None = missing), a text a text ("" = missing). `written` are the cells of the whole row
    as they stand in the given table, by column, to be written beside the answer. `lookup` is set
    while the columns of a second table are still to be joined: the key, and the time in seconds
    since 1970 (NaN = unknown, infinite = rows have none).
    """

    schema: TableSchema
    values: tuple[Any, ...]
    written: Mapping[str, str] | None = field(default=None, compare=False)
    lookup: tuple[str, float] | None = None

    def __len__(self) -> int:
        return len(self.values)

    def replaced(self, values: Sequence[Any]) -> TableRow:
        """Returns the row with other values."""
        return TableRow(self.schema, tuple(values), self.written, self.lookup)
