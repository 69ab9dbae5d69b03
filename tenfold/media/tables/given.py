"""Matches the columns of a table for prediction with those of the run; counts unknown values."""

from __future__ import annotations

import difflib
import math
import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused, UsageError
from tenfold.core.message import Message
from tenfold.core.text import short
from tenfold.media.files.listing import neighbours
from tenfold.media.input import Input, InputRow
from tenfold.media.tables.columns.missing import ALWAYS
from tenfold.media.tables.names import ColumnNames, spelling
from tenfold.media.tables.schema import CATEGORY, DATE, NUMBER, TableColumn, TableRow, TableSchema

__all__ = [
    "RowSurvey",
    "also_named",
    "form_of_row",
    "is_pair",
    "matched",
    "missing_file",
    "needed_columns",
    "written_texts",
]

REMARKS = 20
"""Most values never learnt that are named."""
DISTINCT = 10_000
"""Most different values never learnt that are counted one by one."""


def matched(
    wanted: Sequence[str],
    names: Sequence[str],
    also: Mapping[str, Collection[str]] = MappingProxyType({}),
    others: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, int]:
    """Returns the position of each wanted column among the names of a table, if it has it.

    Letter case and blanks around a name are ignored where there is no exact match, and only one
    column of the table and one wanted column are spelled so. `also` are further spellings of wanted
    columns, `others` further spellings of names of the table, such as those with their group.
    """
    exact = {name: at for at, name in reversed([*enumerate(names)])}
    found = {name: exact[name] for name in wanted if name in exact}
    for further in (False, True):
        left = [name for name in wanted if name not in found]
        if left and (not further or also or others):
            free = {name: at for name, at in exact.items() if at not in {*found.values()}}
            found |= _alike(left, free, also if further else {}, others if further else {})
    return found


def _alike(
    wanted: Sequence[str],
    free: Mapping[str, int],
    also: Mapping[str, Collection[str]],
    others: Mapping[str, str],
) -> dict[str, int]:
    """Returns the positions of the wanted columns that one free name alone can stand for."""
    spelt: dict[str, set[int]] = {}
    for plain, name in [*((spelling(one), one) for one in free), *others.items()]:
        if name in free and plain:
            spelt.setdefault(plain, set()).add(free[name])
    places = {
        name: {at for one in (spelling(name), *also.get(name, ())) for at in spelt.get(one, ())}
        for name in wanted
    }
    claims = Counter(at for found in places.values() for at in found)
    clear = {name: next(iter(found)) for name, found in places.items() if len(found) == 1}
    return {name: at for name, at in clear.items() if claims[at] == 1}


def also_named(schema: TableSchema) -> dict[str, list[str]]:
    """Returns the further spellings of the columns of a schema that have any."""
    return {one.name: list(one.more["also"]) for one in schema.columns if "also" in one.more}


def needed_columns(
    wanted: Sequence[str],
    named: ColumnNames,
    where: str,
    also: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> dict[str, int]:
    """Returns the position of each wanted column in a table with these names.

    `also` are further spellings of wanted columns. Raises UsageError, with similar names of the
    table, where it lacks one.
    """
    names = named.names
    found = matched(wanted, names, also, named.others)
    absent = [name for name in wanted if name not in found]
    if not absent:
        return found
    free = [name for at, name in enumerate(names) if at not in {*found.values()}]
    near = {name: difflib.get_close_matches(name, free, n=1, cutoff=0.55) for name in absent}
    pairs = [f"{one[0]} -> {name}" for name, one in near.items() if one]
    raise UsageError(
        Message("The table lacks columns of the run: {columns}", columns=_listed(absent)),
        code="missing-column",
        where=where,
        fix=Message("Rename the columns: {pairs}.", pairs=_listed(pairs))
        if pairs
        else Message(
            "Add them, with empty cells where nothing is known. The table has the columns "
            "{columns}.",
            columns=_listed(names),
        ),
    )


def _listed(names: Sequence[str]) -> str:
    return short(", ".join(names), 400)


def written_texts(cells: Sequence[Any]) -> Sequence[str]:
    """Returns the cells of a table as they are written beside the answers; "" where missing."""
    if {*map(type, cells)} <= {str}:
        return cells
    return ["" if cell is None or cell != cell else str(cell) for cell in cells]


class RowSurvey:
    """Counts the categories never learnt, and the cells that are not a number or date.

    The learnt levels of a category are the choices of its field in `declared`.
    """

    def __init__(self, declared: Input) -> None:
        self._levels = {
            name: frozenset(one.choices) for name, one in declared.fields.items() if one.choices
        }
        self._plans: dict[int, _Plan] = {}
        self._unlearnt: Counter[tuple[str, str]] = Counter()
        self._others = 0
        self._wrong: Counter[tuple[str, str]] = Counter()
        self._example: dict[str, str] = {}
        self._timeless = 0

    def see(self, cells: Iterable[Any]) -> None:
        """Looks at the next rows."""
        for cell in cells:
            if isinstance(cell, TableRow):
                self._see(cell, self._plan(cell.schema))
                self._timeless += cell.lookup is not None and math.isnan(cell.lookup[1])

    def _plan(self, schema: TableSchema) -> _Plan:
        plan = self._plans.get(id(schema))
        if plan is None or plan.schema is not schema:
            named = [(at, schema.columns[at].name) for at in schema.places(CATEGORY)]
            levels = [(at, name, self._levels[name]) for at, name in named if name in self._levels]
            plan = _Plan(schema, levels, schema.places(NUMBER, DATE))
            self._plans = {id(schema): plan}
        return plan

    def _see(self, row: TableRow, plan: _Plan) -> None:
        values = row.values
        for at, name, levels in plan.levels:
            value = values[at]
            if value is not None and value not in levels:
                self._count(name, value)
        for at in plan.numbers if row.written is not None else ():
            if values[at] != values[at]:
                self._missing(row, plan.schema.columns[at])

    def _missing(self, row: TableRow, column: TableColumn) -> None:
        text = _cell(row.written or {}, column).strip()
        if text and text not in column.missing and text.casefold() not in ALWAYS:
            self._wrong[column.name, column.type] += 1
            self._example.setdefault(column.name, short(text, 40))

    def _count(self, name: str, value: str) -> None:
        key = (name, value)
        if key in self._unlearnt or len(self._unlearnt) < DISTINCT:
            self._unlearnt[key] += 1
        else:
            self._others += 1

    def remarks(self) -> list[Message]:
        """Returns a sentence for each value never learnt, and for each column with wrong cells."""
        common = self._unlearnt.most_common()
        found = [
            Message(
                "Column {name}: {value!r} was not in the training data; rows: {count}.",
                name=name,
                value=short(value, 60),
                count=count,
            )
            for (name, value), count in common[:REMARKS]
        ]
        rest = sum(count for _, count in common[REMARKS:]) + self._others
        if rest:
            found.append(
                Message("Other values not in the training data: {count} cells.", count=rest)
            )
        if self._timeless:
            found.append(
                Message(
                    "Rows without a time, for which all lines of the second table count: {count}.",
                    count=self._timeless,
                )
            )
        return found + [
            Message(
                "Column {name}: cells taken as missing, because a {what} is needed: {count}, for "
                "example {cell!r}.",
                name=name,
                what=_KINDS[kind],
                count=count,
                cell=self._example[name],
            )
            for (name, kind), count in self._wrong.items()
        ]


class _Plan(NamedTuple):
    """What to check in rows of a schema: learnt levels of categories, positions of numbers."""

    schema: TableSchema
    levels: list[tuple[int, str, frozenset[str]]]
    numbers: list[int]


_KINDS = {NUMBER: Message("number"), DATE: Message("date")}


def _cell(written: Mapping[str, str], column: TableColumn) -> str:
    """Returns the cell of a column of the schema; the table may spell its name differently."""
    if column.name in written:
        return written[column.name]
    also = {column.name: column.more.get("also", ())}
    place = matched([column.name], list(written), also).get(column.name)
    return "" if place is None else list(written.values())[place]


def is_pair(one: Any) -> bool:
    """Returns True for a text `name=value` that is not the path of a file."""
    return isinstance(one, str) and "=" in one[1:] and not os.path.lexists(one)


def form_of_row(one: Any) -> str:
    """Returns how a row is written: "pair", "object" for a dictionary, or "" for others."""
    return "pair" if is_pair(one) else "object" if isinstance(one, Mapping) else ""


def missing_file(path: Path) -> Problem:
    """Returns the Problem of a path where nothing is."""
    return Problem(
        "missing-file",
        Message("does not exist"),
        Message("{fix} One row is written as name=value pairs.", fix=neighbours(path)),
    )


def or_problem(found: Iterator[InputRow], name: str) -> Iterator[InputRow]:
    """Yields the rows; a Problem where the source is damaged, which stops no other source."""
    try:
        yield from found
    except DataRefused as error:
        yield Problem(error.code, error.message, error.fix), name
