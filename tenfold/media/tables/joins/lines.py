"""The second table of a join: its lines, and the recipe by which they are read.

The recipe is decided once, from the training data: which columns hold key and time, the types of
the others, and one form of times for the rows and the lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tenfold.core.errors import UsageError, nearest
from tenfold.core.message import Message
from tenfold.core.progress import tell
from tenfold.core.taken import Taken
from tenfold.core.text import short
from tenfold.media.dates import are_dates
from tenfold.media.reading import AS_FOUND, Reading, with_table
from tenfold.media.tables import types
from tenfold.media.tables.given import needed_columns
from tenfold.media.tables.names import ColumnNames, spelling
from tenfold.media.tables.schema import CATEGORY, DATE, NUMBER, TEXT, TableColumn, TableSchema
from tenfold.media.tables.sources import LabelledTable, open_source
from tenfold.media.tables.values import column_values

__all__ = ["JoinRecipe", "LineTable", "decided_recipe", "open_lines"]

LEVELS = 8
"""Most categories of a column that are counted, the most frequent ones."""
TIME = "time"
_KEY = TableColumn("key", TEXT)


@dataclass(frozen=True)
class JoinRecipe:
    """How lines are read and found.

    `table` is the name of the file, `stem` the start of the names of its columns. `row_key` and
    `line_key` are the columns of keys in both tables, `row_time` and `line_time` those of times, ""
    for none. `moment` holds the forms of the times of both, `dates` their order of day and month.
    `columns` are those that are computed with, by their names with the stem.
    """

    table: str
    stem: str
    row_key: str
    line_key: str
    row_time: str
    line_time: str
    moment: TableColumn | None
    dates: str
    columns: TableSchema

    @property
    def number_names(self) -> list[str]:
        """Returns the names of the columns of numbers."""
        return [one.name for one in self.columns.columns if one.type == NUMBER]

    @property
    def category_names(self) -> list[str]:
        """Returns the names of the columns of categories."""
        return [one.name for one in self.columns.columns if one.type == CATEGORY]

    def plain(self, name: str) -> str:
        """Returns the name of a column in the file."""
        return name.removeprefix(f"{self.stem}.")

    def row_keys(self, cells: Sequence[Any]) -> list[str]:
        """Returns the keys of cells as texts: typed 7 and 7.0 are "7"; "" where blank."""
        return column_values(TableSchema(()), _KEY, cells)

    def moments(self, cells: Sequence[Any]) -> np.ndarray:
        """Returns the times of cells (N,) in seconds since 1970; NaN where there is none."""
        if self.moment is None:
            return np.full(len(cells), np.nan)
        return np.array(column_values(TableSchema((), dates=self.dates), self.moment, cells), float)

    def to_json(self) -> dict[str, Any]:
        """Returns the recipe as JSON, for the reading of a run."""
        names = ("table", "stem", "row_key", "line_key", "row_time", "line_time", "dates")
        found = {name: getattr(self, name) for name in names}
        moment = TableSchema(() if self.moment is None else (self.moment,)).to_json()
        return {**found, "moment": moment["columns"], "columns": self.columns.to_json()}

    @staticmethod
    def of_json(stored: Mapping[str, Any]) -> JoinRecipe:
        """Returns the recipe that `to_json` wrote."""
        moment = TableSchema.of_json({"columns": stored["moment"]}).columns
        rest = {name: str(one) for name, one in stored.items() if name not in ("moment", "columns")}
        columns = TableSchema.of_json(stored["columns"])
        return JoinRecipe(**rest, moment=next(iter(moment), None), columns=columns)


@dataclass
class LineTable:
    """The lines of a second table that can be read; `places` (L,) are theirs in the file."""

    name: str
    stem: str
    table: LabelledTable
    places: np.ndarray
    _read: dict[str, list[Any]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Returns the number of lines."""
        return len(self.places)

    def cells(self, name: str) -> list[Any]:
        """Returns the cells (L,) of a column, which may be spelled otherwise in the file."""
        names = [*self.table.columns]
        cells = self.table.columns[
            names[needed_columns([name], ColumnNames(names), self.name)[name]]
        ]
        if self.count == len(cells):
            return cells
        return [cells[at] for at in self.places.tolist()]

    def refuse_lacking(self, recipe: JoinRecipe) -> None:
        """Raises UsageError where the table lacks a column of the recipe."""
        wanted = [recipe.line_key, *filter(None, [recipe.line_time])]
        wanted += [recipe.plain(name) for name in recipe.columns.names]
        needed_columns(wanted, ColumnNames([*self.table.columns]), self.name)

    def keyed(self, recipe: JoinRecipe) -> tuple[list[str], np.ndarray]:
        """Returns the keys and times (L,) of the lines; NaN without a time."""
        keys = self._read.setdefault("", recipe.row_keys(self.cells(recipe.line_key)))
        if not recipe.line_time:
            return keys, np.full(self.count, np.nan)
        return keys, recipe.moments(self.cells(recipe.line_time))

    def keys(self, recipe: JoinRecipe) -> int:
        """Returns the number of distinct keys."""
        return len({*self.keyed(recipe)[0]} - {""})

    def numbers(self, recipe: JoinRecipe, name: str, level: str | None) -> np.ndarray:
        """Returns a column of numbers (L,), or 1 and 0 for a level of a category; NaN = missing."""
        values = self._values(recipe, name)
        if level is None:
            return np.array(values, float)
        return np.array([np.nan if one is None else float(one == level) for one in values])

    def has_gaps(self, recipe: JoinRecipe, name: str) -> bool:
        """Returns True where cells of a column of numbers are missing."""
        return bool(np.isnan(self.numbers(recipe, name, None)).any())

    def levels(self, recipe: JoinRecipe, name: str) -> list[str]:
        """Returns the most frequent categories of a column."""
        counts = Counter(one for one in self._values(recipe, name) if one is not None)
        return [level for level, _ in sorted(counts.items(), key=lambda one: (-one[1], one[0]))][
            :LEVELS
        ]

    def _values(self, recipe: JoinRecipe, name: str) -> list[Any]:
        if name not in self._read:
            (column,) = (one for one in recipe.columns.columns if one.name == name)
            cells = self.cells(recipe.plain(name))
            self._read[name] = column_values(recipe.columns, column, cells)
        return self._read[name]

    def tell(self, recipe: JoinRecipe) -> None:
        """States how many lines of how many keys are used for a prediction."""
        tell(
            Message(
                "{table}, joined by {key}: {lines} lines of {keys} keys",
                table=self.name,
                key=recipe.row_key,
                lines=self.count,
                keys=self.keys(recipe),
            )
        )


def open_lines(path: str, reading: Reading, taken: Taken) -> LineTable:
    """Reads a second table; lines that cannot be read are left out and stated in `taken`.

    Raises UsageError where `path` holds several tables, or no table.
    """
    named = {spelling(str(reading.value(role))) for role in ("key", "time", "with_time")} - {""}
    file, held = with_table(path, AS_FOUND)
    opened = open_source(file, held, lambda name: spelling(name) in named, taken)
    tables = [one for one in opened.tables if one.unread is None]
    if len(tables) != 1:
        raise UsageError(
            Message("{path} holds {count} tables", path=path, count=len(tables)),
            code="several-manifests",
            where="with",
            fix=Message("Give the path of one table with --with."),
        )
    (table,) = tables
    places = np.array([at for at, one in enumerate(table.problems) if one is None], np.int64)
    if len(places) < len(table):
        bad = [table.source(at) for at, one in enumerate(table.problems) if one is not None]
        taken.leave("rows", bad[:100], len(bad), Message("cannot be read"))
    name = Path(file).name + (f"#{held.table}" if held.table else "")
    stem = held.table or Path(file).name.split(".")[0] or "lines"
    return LineTable(name, stem, table, places)


def decided_recipe(
    table: LineTable, reading: Reading, times: Sequence[Any], schema: TableSchema, taken: Taken
) -> JoinRecipe:
    """Returns the recipe of a join; `times` are the cells of the rows' times, [] without times.

    What is left out of the second table is stated in `taken`. Raises UsageError where a column is
    missing, or where it is not clear which column holds the times of the lines.
    """
    row_key, row_time = str(reading.value("key")), str(reading.value("time")) if times else ""
    line_key = _key_of(table, row_key)
    line_time = _time_of(table, reading, row_time, line_key)
    cells = {
        f"{table.stem}.{name}": table.cells(name)
        for name in table.table.columns
        if name not in (line_key, line_time)
    }
    decided = types.decide(cells, dates=str(reading.value("dates")))
    for note in decided.notes:
        taken.note(note)
    kept = tuple(one for one in decided.schema.columns if one.type in (NUMBER, CATEGORY))
    rest = [one.name for one in decided.schema.columns if one not in kept]
    left = [*decided.left, *((name, Message("not a number or a category")) for name in rest)]
    for name, why in left[:20]:
        taken.leave("columns", [name], why=why)
    own = decided.schema
    columns = TableSchema(kept, own.decimal, own.thousands, own.dates)
    moment, dates = _moment(table, line_time, times, schema.dates or str(reading.value("dates")))
    return JoinRecipe(
        table.name, table.stem, row_key, line_key, row_time, line_time, moment, dates, columns
    )


def _key_of(table: LineTable, name: str) -> str:
    """Returns the column of keys in the second table. Raises UsageError where it lacks one."""
    columns = table.table.named.all_of(name)
    if len(columns) != 1:
        raise _lacks(table, name, "key")
    return columns[0]


def _lacks(table: LineTable, name: str, role: str) -> UsageError:
    return UsageError(
        Message(
            "{table} has no column {column!r}, given with --{role}",
            table=table.name,
            column=name,
            role=role,
        ),
        code="missing-column",
        where=table.name,
        fix=nearest(name, [*table.table.columns][:200]),
    )


def _time_of(table: LineTable, reading: Reading, row_time: str, key: str) -> str:
    """Returns the column of times in the second table; "" where it has none and rows have none.

    Raises UsageError where rows have times, and no column or several could be those of the lines.
    """
    given = str(reading.value("with_time"))
    for name in filter(None, [given, row_time]):
        if same := table.table.named.all_of(name):
            return same[0]
        if name == given:
            raise _lacks(table, name, "with-time")
    columns = table.table.columns
    dated = [
        name
        for name, cells in columns.items()
        if name != key and are_dates(pd.Series(cells, dtype=object))
    ]
    if len(dated) == 1:
        return dated[0]
    if not row_time:
        return ""
    raise UsageError(
        Message(
            "{table} has several columns of dates: {columns}",
            table=table.name,
            columns=short(", ".join(dated), 200),
        )
        if dated
        else Message(
            "{table} has no column of dates, so it is unknown which lines come before a row",
            table=table.name,
        ),
        code="no-line-time",
        where=table.name,
        fix=Message("Name the time of its lines with --with-time {columns}.",
                    columns=short(" or ".join(dated or columns), 200)),
    )  # fmt: skip


def _moment(
    table: LineTable, line_time: str, times: Sequence[Any], dates: str
) -> tuple[TableColumn | None, str]:
    """Returns one form for the times of rows and lines, and the order of day and month.

    Raises UsageError where the cells are not times.
    """
    if not line_time:
        return None, ""
    decided = types.decide(
        {TIME: [*times, *table.cells(line_time)]}, types={TIME: DATE}, dates=dates
    )
    if not decided.schema.columns:
        raise UsageError(
            Message("{column} of {table} holds no times that differ", column=line_time,
                    table=table.name),
            code="no-line-time",
            where=table.name,
            fix=Message("Name the time of its lines with --with-time."),
        )  # fmt: skip
    return decided.schema.columns[0], decided.schema.dates
