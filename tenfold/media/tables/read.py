"""Reads labelled tables into rows: each row of a table is one input.

Columns of the result: `row` (a `TableRow`), the truth (`label`, a text, or `value`, a float),
`source`, `problem`; `split`, `group`, `weight`, `time` and `by:NAME` where a table has them. The
schema is decided from the training table, and stored in the reading; all other tables are read
with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused
from tenfold.core.message import Message
from tenfold.core.rows import Rows
from tenfold.core.taken import Taken
from tenfold.core.text import short
from tenfold.media.files.others import with_others
from tenfold.media.files.parts import without_parts
from tenfold.media.reading import AS_FOUND, Reading, timed
from tenfold.media.tables import types
from tenfold.media.tables.columns.cells import CellColumn, cells_of
from tenfold.media.tables.columns.codes import naming_column
from tenfold.media.tables.columns.telling import telling_columns
from tenfold.media.tables.given import also_named, matched
from tenfold.media.tables.joins.joined import own_columns, refuse_alone, with_history
from tenfold.media.tables.names import spelling
from tenfold.media.tables.schema import CATEGORY, NUMBER, TableRow, TableSchema
from tenfold.media.tables.sources import (
    LabelledTable,
    TableSource,
    leave_columns,
    no_inputs,
    open_source,
    refuse_one_row,
    state_bare,
)
from tenfold.media.tables.table_roles import (
    TableRoles,
    known_to,
    roles_of,
    state_roles,
)
from tenfold.media.tables.truths import class_names, numbers_of, refuse_classes, refuse_numbers

__all__ = ["read"]

LISTED = 1000
"""Maximum number of rows without an answer that are listed."""
BINARY = ("utf-8", "parquet", "arrow", "spreadsheet", "sqlite")
"""Encodings and formats that a file states itself."""
_Cells = dict[str, list[Any]]


@dataclass
class _Reader:
    """The state while the tables of a source are read.

    With `numeric`, the answers are numbers. `other` is the name of the task that learns the other
    kind of answers. `figures` is the schema of further columns of numbers: answers and weights.
    `identifier` is the column of names of rows, "" for none. `spellings` are the classes by their
    name in lower case.
    """

    reading: Reading
    numeric: bool
    other: str
    roles: TableRoles
    schema: TableSchema
    figures: TableSchema
    taken: Taken
    spellings: dict[str, str] | None = None
    identifier: str = ""
    known: dict[str, CellColumn] = field(default_factory=dict)
    """The distinct cells of columns of the table that decided the schema."""
    learnt: dict[str, frozenset[str | None]] = field(default_factory=dict)
    """The categories of each column of them in the table that decided the schema."""
    wrong: list[str] = field(default_factory=list)
    """Answers that are not numbers."""

    @property
    def truth(self) -> str:
        return "value" if self.numeric else "label"


def read(
    source: Any, reading: Reading = AS_FOUND, *, numeric: bool = False, other: str = ""
) -> Rows:
    """Reads one row for each row of the tables that has an answer.

    Where the reading needs no labels, rows without an answer are read too.

    With `numeric`, answers are numbers in the column `value`, otherwise names of classes in the
    column `label`; `other` is the name of the task that learns the other kind. Raises UsageError or
    DataRefused where there is nothing to learn from.
    """
    refuse_alone(reading)
    taken = Taken()
    opened = open_source(source, reading, known_to(reading), taken)
    reader = _reader(opened, reading, numeric, other, taken)
    main = _main(opened)
    order = sorted(opened.tables, key=lambda one: one is not main)
    frames = {id(one): _frame(one, main, reader) for one in order}
    frame = pd.concat([frames[id(one)] for one in opened.tables], ignore_index=True)
    frame, gone = _answered(frame, reader)
    _refuse(frame, reader)
    for one in opened.tables:
        if one.part and one.part in {*frame["split"]}:
            taken.role("part", Message("file {name}", name=one.name))
    found = _found(reader, main)
    if "key" in frame:
        times = list(frame["time"]) if "time" in frame else []
        keys = list(frame.pop("key"))
        frame, found = with_history(frame, found, keys, times, opened.root, taken)
    frame = _with_others(frame, reader)
    if reading.needs_labels and not reading.found.get("schema"):
        good = frame[frame["problem"].isna()]
        for note in telling_columns(list(good["row"]), list(good[reader.truth])):
            taken.note(note)
    taken.tell()
    return Rows(frame, opened.root, [*opened.ignored, *gone], reading=found, taken=taken)


def _main(opened: TableSource) -> LabelledTable:
    """Returns the table that decides the schema: that of the training part."""
    read = [one for one in opened.tables if one.unread is None]
    if not read:
        problem = next(one.unread for one in opened.tables if one.unread is not None)
        raise DataRefused(
            Message("{name} {reason}", name=opened.tables[0].name, reason=problem.reason),
            code=problem.code,
            where=opened.tables[0].name,
            fix=problem.fix,
        )
    return next((one for one in read if one.part in ("train", "")), read[0])


def _reader(
    opened: TableSource, reading: Reading, numeric: bool, other: str, taken: Taken
) -> _Reader:
    """Returns the reader, with the schema of the run, or one decided from the training table."""
    main = _main(opened)
    parts = [one for one in opened.tables if one is not main]
    roles = roles_of(main, parts, reading, numeric)
    figures = [roles.target] if numeric else []
    figures += [roles.others["weight"]] if "weight" in roles.others else []
    if stored := reading.found.get("schema"):
        schema = own_columns(TableSchema.of_json(stored))
        numbers = TableSchema.of_json(reading.found.get("figures") or {"columns": []})
        held = reading.found.get("spellings") or {}
        state_roles(main, roles, taken, schema.names)
        return _Reader(reading, numeric, other, roles, schema, numbers, taken, dict(held))
    same = [one for one in opened.tables if one.part == main.part and one.unread is None]
    refuse_one_row(same)
    every = _cells([*roles.inputs, *figures], same)
    columns = {name: cells_of(every.pop(name)) for name in [*every]}
    times = [roles.others["time"]] if "time" in roles.others else []
    decided = types.decide(
        columns,
        types=roles.types | dict.fromkeys(figures, NUMBER),
        missing=roles.missing,
        beside=dict(_cells(sorted({roles.target, *times} - {*columns, ""}), same)),
        dates=str(reading.value("dates")),
        lines=[line for one in same for line in one.lines],
    )
    for note in decided.notes:
        taken.note(note)
    leave_columns(taken, decided.left)
    schema = _with_spellings(_only(decided.schema, roles.inputs), main)
    state_roles(main, roles, taken, schema.names)
    if not schema.columns and "key" not in roles.others:
        raise no_inputs(main, decided.left)
    figured = _only(decided.schema, figures)
    named = naming_column(columns, [name for name, _ in decided.left])
    reader = _Reader(reading, numeric, other, roles, schema, figured, taken, identifier=named)
    if same == [main]:
        used = {*schema.names, *figured.names}
        reader.known = {name: cells for name, cells in columns.items() if name in used}
    return reader


def _only(schema: TableSchema, names: Sequence[str]) -> TableSchema:
    wanted = {*names}
    kept = tuple(one for one in schema.columns if one.name in wanted)
    return TableSchema(kept, schema.decimal, schema.thousands, schema.dates)


def _with_spellings(schema: TableSchema, table: LabelledTable) -> TableSchema:
    """Returns the schema with the further spellings of names, such as those with their group."""
    also: dict[str, list[str]] = {}
    for spelt, name in table.named.others.items():
        if spelt != spelling(name):
            also.setdefault(name, []).append(spelt)
    columns = [
        replace(one, more={**one.more, "also": also[one.name]}) if one.name in also else one
        for one in schema.columns
    ]
    return replace(schema, columns=tuple(columns))


def _cells(names: Sequence[str], tables: Sequence[LabelledTable]) -> _Cells:
    """Returns the cells of columns, of all rows of the tables; None where a table lacks one."""
    each = [{name: [None] * len(one) for name in names} | _held(names, one) for one in tables]
    if len(each) == 1:
        return each[0]
    return {name: [cell for cells in each for cell in cells[name]] for name in names}


def _held(
    names: Sequence[str],
    table: LabelledTable,
    also: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> _Cells:
    """Returns the cells of the columns that a table has; `also` are further spellings of names."""
    own = list(table.columns)
    places = matched(names, own, also, table.named.others)
    return {name: table.columns[own[at]] for name, at in places.items()}


# --- one table ------------------------------------------------------------------------------------


def _frame(table: LabelledTable, main: LabelledTable, reader: _Reader) -> pd.DataFrame:
    """Returns the rows of one table, with the columns of its roles as read."""
    if table.unread is not None:
        return pd.DataFrame(
            {"row": [None], reader.truth: [None], "source": [table.name], "blank": [False],
             "problem": [table.unread], "split": [table.part]}, dtype=object)  # fmt: skip
    schema, roles = reader.schema, reader.roles
    known = reader.known if table is main else {}
    columns = _held(schema.names, table, also_named(schema))
    lacking = {name: [None] * len(table) for name in schema.names if name not in columns}
    typed = types.values(schema, {**columns, **lacking, **known})
    _state_other(table, main, [*lacking], dict(zip(schema.names, typed, strict=True)), reader)
    values = zip(*typed, strict=True) if typed else [()] * len(table)
    rows: list[Any] = [TableRow(schema, one) for one in values]
    figures = reader.figures
    found = types.values(figures, {**_cells(figures.names, [table]), **known})
    numbers = dict(zip(figures.names, found, strict=True))
    truths, blank, problems = _truths(table, numbers, reader)
    for at, problem in enumerate(table.problems):
        if problem is not None:
            rows[at], problems[at] = None, problem
    frame: dict[str, Any] = {
        "row": pd.Series(rows, dtype=object),
        reader.truth: truths,
        "source": pd.Series([table.source(at) for at in range(len(table))], dtype=object),
        "problem": pd.Series(problems, dtype=object),
        "blank": blank & np.array([one is None for one in problems], bool),
    }
    for role, name in roles.others.items():
        cells = numbers[name] if role == "weight" and name in numbers else None
        frame[role] = pd.Series(cells or _cells([name], [table])[name], dtype=object)
    if table.part:
        frame["split"] = table.part
    if roles.by:
        by = _cells(roles.by, [table])
        frame["by"] = [dict(zip(by, one, strict=True)) for one in zip(*by.values(), strict=True)]
    return pd.DataFrame(frame)


def _truths(
    table: LabelledTable, numbers: Mapping[str, Sequence[float]], reader: _Reader
) -> tuple[Any, np.ndarray, list[Problem | None]]:
    """Returns the answers of the rows, which are blank (N,), and the problem of each row."""
    target = reader.roles.target
    if not target:
        return [""] * len(table), np.zeros(len(table), bool), [None] * len(table)
    cells = _cells([target], [table])[target]
    if reader.numeric:
        column = next((one for one in reader.figures.columns if one.name == target), None)
        marks = column.missing if column is not None else ()
        values, blank, problems = numbers_of(
            cells, numbers.get(target, [np.nan] * len(cells)), marks
        )
        bad = [at for at, one in enumerate(problems) if one and table.problems[at] is None]
        reader.wrong += [str(cells[at]) for at in bad]
        return values, blank, problems
    found = class_names(cells, target, reader.spellings)
    reader.spellings = found.spellings
    for note in found.notes:
        reader.taken.note(note)
    blank = np.array([label == "" for label in found.labels], bool)
    return pd.Series(found.labels, dtype=object), blank, [None] * len(cells)


def _state_other(
    table: LabelledTable,
    main: LabelledTable,
    lacking: Sequence[str],
    values: Mapping[str, Sequence[Any]],
    reader: _Reader,
) -> None:
    """States which columns a table lacks, and its categories that the main table does not have."""
    if lacking:
        reader.taken.note(
            Message(
                "{table} has no column {columns}: taken as missing in its {count} rows.",
                table=table.name,
                columns=short(", ".join(map(repr, lacking)), 200),
                count=len(table),
            )
        )
    names = [one.name for one in reader.schema.columns if one.type == CATEGORY]
    if table is main:
        reader.learnt = {name: frozenset(values[name]) | {None} for name in names}
    for name in names:
        learnt = reader.learnt[name]
        new = [value for value in values[name] if value not in learnt]
        if new:
            reader.taken.note(
                Message(
                    "Column {name}: values of {table} that {main} does not have: {values}; rows: "
                    "{count}.",
                    name=name,
                    table=table.name,
                    main=main.name,
                    values=short(", ".join(map(repr, dict.fromkeys(new))), 100),
                    count=len(new),
                )
            )


# --- all rows -------------------------------------------------------------------------------------


def _answered(frame: pd.DataFrame, reader: _Reader) -> tuple[pd.DataFrame, list[str]]:
    """Returns the rows with an answer, and the sources of the others, which are stated."""
    blank = frame.pop("blank").to_numpy(bool).copy()
    if not (reader.reading.needs_labels and blank.any()):
        return frame, []
    gone = list(frame["source"][blank])
    if "split" in frame and not reader.reading.ignores_parts and not blank.all():
        for part in ("valid", "test"):
            inside = (frame["split"] == part).to_numpy() & frame["problem"].isna().to_numpy()
            if inside.any() and blank[inside].all():
                state_bare(part, int(inside.sum()), reader.taken)
                frame, blank = frame[~inside], blank[~inside]
    if blank.any():
        listed = list(frame["source"][blank][:LISTED])
        reader.taken.leave("rows", listed, int(blank.sum()), Message("without an answer"))
    return frame[~blank].reset_index(drop=True), gone


def _refuse(frame: pd.DataFrame, reader: _Reader) -> None:
    """Raises the error for answers that cannot be learnt; not for a table read after training."""
    if reader.reading.found.get("schema") or not reader.reading.needs_labels:
        return
    good = frame[frame["problem"].isna()]
    column, truths = reader.roles.target, good[reader.truth]
    if reader.numeric:
        example = reader.wrong[0] if reader.wrong else ""
        numbers = truths.to_numpy(float)
        error = refuse_numbers(numbers, len(reader.wrong), column, example, reader.other)
    else:
        error = refuse_classes(list(truths), column, reader.other)
    if error is not None:
        raise error


def _with_others(frame: pd.DataFrame, reader: _Reader) -> pd.DataFrame:
    """Returns the table with parts, groups, weights and times in their forms."""
    reading, taken, others = reader.reading, reader.taken, reader.roles.others
    times = frame.pop("time") if "time" in others else None
    lacking = {name: None for name in ("split", "time", "group", "weight") if name not in frame}
    frame = without_parts(frame.assign(**lacking), taken, reading)
    frame = frame if "split" in frame else frame.assign(split=None)
    frame["split"] = frame["split"].fillna("")
    frame = with_others(frame, others.get("split", ""), taken)
    if times is not None:
        dates = reader.schema.dates
        held = reading.finding(dates=dates)
        stated = Taken() if dates else taken  # the schema has stated the order of its dates
        frame = timed(frame, times.reset_index(drop=True), held, stated)
    return frame


def _found(reader: _Reader, main: LabelledTable) -> Reading:
    """Returns the reading with what was decided, for the other tables of the run."""
    reading, roles = reader.reading, reader.roles
    return reading.finding(
        schema=reading.found.get("schema") or reader.schema.to_json(),
        figures=reader.figures.to_json() if reader.figures.columns else {},
        target=roles.target,
        identifier=reader.identifier or reading.found.get("identifier", ""),
        ignore=",".join(roles.ignored),
        spellings=dict(reader.spellings or {}),
        dates=reader.schema.dates,
        header="" if main.header else "no",
        encoding="" if main.encoding in (*BINARY, "") else main.encoding,
        **roles.others,
    )
