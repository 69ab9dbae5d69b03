"""Joins a second table (`--with orders.csv --key ID`): columns made of its lines before a row.

The recipe (keys, times, types and what is computed) is decided from the training data and stored
in the reading as `joined`. For prediction the same file is given again, or a table that already
has the joined columns.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tenfold.core.errors import UsageError
from tenfold.core.message import Message
from tenfold.core.settings import setting
from tenfold.core.taken import Taken
from tenfold.core.text import short
from tenfold.media.reading import Reading
from tenfold.media.tables.joins.history import (
    COUNT,
    DAYS,
    LAST,
    LINES,
    MEAN,
    SUM,
    History,
    LineSpan,
    Running,
)
from tenfold.media.tables.joins.lines import JoinRecipe, LineTable, decided_recipe, open_lines
from tenfold.media.tables.schema import NUMBER, TableColumn, TableRow, TableSchema

__all__ = ["RowOptions", "asked", "joined_columns", "own_columns", "refuse_alone", "with_history"]


@dataclass(frozen=True)
class RowOptions:
    """Options of a prediction for rows of tables."""

    with_: str = setting("", "file of lines, for a run trained with --with", local=True)


def own_columns(schema: TableSchema) -> TableSchema:
    """Returns the schema without the joined columns."""
    return replace(schema, columns=tuple(one for one in schema.columns if not _is_joined(one)))


def joined_columns(schema: TableSchema) -> TableSchema:
    """Returns the schema with the joined columns alone."""
    return replace(schema, columns=tuple(one for one in schema.columns if _is_joined(one)))


def _is_joined(column: TableColumn) -> bool:
    return "joined" in column.more


def refuse_alone(reading: Reading) -> None:
    """Raises UsageError where only one of --with and --key is given."""
    table, key = (str(reading.value(name)) for name in ("with_", "key"))
    if bool(table) == bool(key):
        return
    raise UsageError(
        Message("--with needs --key: the column that both tables have")
        if table
        else Message("--key needs --with: the table to join"),
        code="bad-setting",
        where="key" if table else "with",
        fix=Message("Give both: --with orders.csv --key ID."),
    )


# --- training and labelled data -------------------------------------------------------------------


def with_history(
    frame: pd.DataFrame,
    reading: Reading,
    keys: Sequence[Any],
    times: Sequence[Any],
    root: Path | None,
    taken: Taken,
) -> tuple[pd.DataFrame, Reading]:
    """Returns the rows with the joined columns, and the reading with their recipe.

    `keys` and `times` are the cells of the rows, as read; [] without times. The second table is
    looked for beside the data (`root`) too. Raises UsageError where it cannot be joined.
    """
    schema = TableSchema.of_json(reading.found["schema"])
    held = reading.found.get("joined")
    table = open_lines(_beside(str(reading.value("with_")), root), reading, taken)
    recipe = (
        JoinRecipe.of_json(held) if held else decided_recipe(table, reading, times, schema, taken)
    )
    table.refuse_lacking(recipe)
    made = joined_columns(schema).columns if held else _proposed(recipe, table, schema.names)
    lines = _Lines.of(recipe, made, table)
    moments = recipe.moments(times) if len(times) else np.full(len(frame), np.inf)
    span = lines.history.before(recipe.row_keys(keys), moments)
    whole = replace(schema, columns=(*own_columns(schema).columns, *made))
    extra = zip(*lines.values(span), strict=True)
    rows = [
        TableRow(whole, (*row.values, *more), row.written) if isinstance(row, TableRow) else row
        for row, more in zip(frame["row"], extra, strict=True)
    ]
    good = np.array([isinstance(row, TableRow) for row in rows], bool)
    _state(recipe, table, made, span.counts[good], taken)
    frame = frame.assign(row=pd.Series(rows, frame.index, dtype=object))
    return frame, reading.finding(schema=whole.to_json(), joined=recipe.to_json())


def _beside(name: str, root: Path | None) -> str:
    """Returns the path of the second table, which may stand beside the data."""
    if root is not None and not os.path.exists(name.partition("#")[0]):
        near = root / name
        return str(near) if os.path.exists(str(near).partition("#")[0]) else name
    return name


def _proposed(
    recipe: JoinRecipe, table: LineTable, names: Sequence[str]
) -> tuple[TableColumn, ...]:
    """Returns the columns to make of the lines; all are numbers."""
    stem = table.stem
    found: list[tuple[str, dict[str, Any]]] = [(f"{stem}: lines", {"how": LINES})]
    if recipe.row_time:
        found.append((f"{stem}: days since the last line", {"how": DAYS}))
    for name in recipe.number_names:
        hows = [COUNT] * table.has_gaps(recipe, name) + [SUM, MEAN, LAST]
        found += [(f"{name}: {how}", {"how": how, "of": name}) for how in hows]
    for name in recipe.category_names:
        for level in table.levels(recipe, name):
            found += [
                (f"{name}: lines with {level}", {"how": SUM, "of": name, "level": level}),
                (f"{name}: last is {level}", {"how": LAST, "of": name, "level": level}),
            ]
    return tuple(
        TableColumn(
            f"{name} (joined)" if name in names else name,
            NUMBER,
            more={"joined": recipe.table, **more},
        )
        for name, more in found
    )


def _state(
    recipe: JoinRecipe,
    table: LineTable,
    made: Sequence[TableColumn],
    counts: np.ndarray,
    taken: Taken,
) -> None:
    """Adds to `taken` what was joined, and to how many rows."""
    taken.note(
        Message(
            "{table}, joined by {key}: {lines} lines of {keys} keys, {made} columns ({names})",
            table=table.name,
            key=recipe.row_key,
            lines=table.count,
            keys=table.keys(recipe),
            made=len(made),
            names=short(", ".join(one.name for one in made), 300),
        )
    )
    bare, rows = int((counts == 0).sum()), len(counts)
    if recipe.row_time:
        said = Message(
            "{table}: for each row the lines whose {line} is before its {row}; rows without such a "
            "line: {bare} of {rows}",
            table=table.name,
            line=recipe.line_time,
            row=recipe.row_time,
            bare=bare,
            rows=rows,
        )
    else:
        said = Message(
            "{table}: all lines count, as the rows have no time (--time): a line later than the "
            "row can reveal its answer; rows without a line: {bare} of {rows}",
            table=table.name,
            bare=bare,
            rows=rows,
        )
    taken.note(said)


@dataclass(frozen=True)
class _Lines:
    """The lines of a second table, prepared for the joined columns `made`."""

    recipe: JoinRecipe
    made: Sequence[TableColumn]
    history: History
    columns: Mapping[tuple[str, str | None], Running]

    @staticmethod
    def of(recipe: JoinRecipe, made: Sequence[TableColumn], table: LineTable) -> _Lines:
        """Returns the lines that have a key, and a time where the rows have one."""
        keys, times = table.keyed(recipe)
        used = np.array([key != "" for key in keys], bool)
        if recipe.row_time:
            used &= np.isfinite(times)
        places = np.flatnonzero(used)
        history = History.of([keys[at] for at in places.tolist()], times[places])
        order = places[history.order]
        columns: dict[tuple[str, str | None], Running] = {}
        for one in made:
            of = (str(one.more.get("of", "")), one.more.get("level"))
            if of[0] and of not in columns:
                columns[of] = Running.of(table.numbers(recipe, *of)[order], history.keys)
        return _Lines(recipe, made, history, columns)

    def values(self, span: LineSpan) -> list[list[float]]:
        """Returns the N values of each joined column."""
        return [self._values(one, span).tolist() for one in self.made]

    def _values(self, column: TableColumn, span: LineSpan) -> np.ndarray:
        how = str(column.more["how"])
        if how == LINES:
            return span.counts.astype(float)
        if how == DAYS:
            return self.history.days(span)
        of = (str(column.more["of"]), column.more.get("level"))
        return self.columns[of].over(span, how)


# --- prediction -----------------------------------------------------------------------------------


def asked(table: pd.DataFrame, stored: Mapping[str, Any] | None, path: str) -> pd.DataFrame:
    """Returns the rows of an opened run with the joined columns, from the second table at `path`.

    `stored` is the reading in the facts of the run. The column `row` holds the rows.

    Rows that have them already stay as they are. Raises UsageError where a row needs a second table
    and none is given, and where one is given to a run without it.
    """
    held = ((stored or {}).get("found") or {}).get("joined")
    if path and not held:
        raise UsageError(
            Message("This run was trained without a second table"),
            code="bad-setting",
            where="with",
            fix=Message("Leave out --with."),
        )
    cells = list(table["row"])
    places = [
        at for at, one in enumerate(cells) if isinstance(one, TableRow) and one.lookup is not None
    ]
    if stored is None or not held or not places:
        return table
    schema, recipe = TableSchema.of_json(stored["found"]["schema"]), JoinRecipe.of_json(held)
    if not path:
        raise UsageError(
            Message("This run joins lines of a second table: {table}", table=recipe.table),
            code="needs-second-table",
            where="with",
            fix=Message("Name it in the command: --with {table}.", table=recipe.table),
        )
    lines = _opened(path, _stamp(path), json.dumps(stored))
    rows = [cells[at] for at in places]
    lookups = [row.lookup for row in rows]
    span = lines.history.before(
        [one[0] for one in lookups], np.array([one[1] for one in lookups], float)
    )
    for at, row, more in zip(places, rows, zip(*lines.values(span), strict=True), strict=True):
        cells[at] = TableRow(schema, (*row.values, *more), row.written)
    return table.assign(row=pd.Series(cells, table.index, dtype=object))


def _stamp(path: str) -> tuple[int, int]:
    """Returns the time and size of a file, by which a changed one is read again; 0 for none."""
    file = path.partition("#")[0] if not os.path.exists(path) else path
    if not os.path.exists(file):
        return 0, 0
    found = os.stat(file)
    return found.st_mtime_ns, found.st_size


@functools.lru_cache(maxsize=1)
def _opened(path: str, stamp: tuple[int, int], stored: str) -> _Lines:
    """Returns the lines of a second table, read as the run states."""
    reading = Reading.of_json(json.loads(stored))
    recipe, taken = JoinRecipe.of_json(reading.found["joined"]), Taken()
    table = open_lines(path, reading, taken)
    table.refuse_lacking(recipe)
    made = joined_columns(TableSchema.of_json(reading.found["schema"])).columns
    lines = _Lines.of(recipe, made, table)
    table.tell(recipe)
    return lines
