"""Rows of tables given for prediction, read as the schema of the run states, lazily.

A source is a table file, a folder of them, standard input, a DataFrame, a dictionary, `name=value`
pairs, or a list of these. Types, notation and marks for "missing" come from the run, never from the
source; its columns may be in any order, and further ones are left out.
"""

from __future__ import annotations

import glob
import itertools
import math
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused, UsageError, nearest
from tenfold.core.message import Message
from tenfold.core.progress import tell
from tenfold.core.text import short
from tenfold.media.files import references
from tenfold.media.files.listing import Entry, is_archive, open_tree
from tenfold.media.files.records import is_table, table_of
from tenfold.media.input import InputRow
from tenfold.media.reading import Reading, with_table
from tenfold.media.tables import types
from tenfold.media.tables.flat import flat, headed, of_frame
from tenfold.media.tables.given import (
    also_named,
    form_of_row,
    is_pair,
    matched,
    missing_file,
    needed_columns,
    or_problem,
    written_texts,
)
from tenfold.media.tables.joins.joined import joined_columns, own_columns
from tenfold.media.tables.joins.lines import JoinRecipe
from tenfold.media.tables.names import ColumnNames, named_columns, names_of
from tenfold.media.tables.remarks import LeftLines, rows_of_table
from tenfold.media.tables.schema import TableRow, TableSchema
from tenfold.media.tables.table_roles import known_to

__all__ = ["rows", "rows_of_bytes"]

CHUNK = 1024
"""Rows that are converted together."""
COPY = 1 << 20
"""Bytes of standard input that are copied at a time."""
PLAIN = (
    b"PAR1",
    b"ARROW1",
    b"\xff\xff\xff\xff",
    b"PK",
    b"SQLite",
    b"\xd0\xcf\x11\xe0",
    b"\x1f\x8b",
)
"""First bytes of tables in binary formats."""

_Note = Callable[[Message], None]


class _Given(NamedTuple):
    """A row as given: its cells, the name that its answer gets, and its problem, if any."""

    cells: list[Any]
    name: str
    problem: Problem | None = None


def rows(source: Any, reading: Reading, numbers: Iterator[int] | None = None) -> Iterator[InputRow]:
    """Yields a row, or its Problem, and its name, for each row of the source.

    A row is named by its value in the column of identifiers that the training data had, else by
    file and line. Raises UsageError where a table lacks a column of the schema, and where a
    `name=value` pair names no column.
    """
    yield from _Asked.of(reading, tell, numbers or itertools.count(1)).rows(source)


def rows_of_bytes(content: bytes, name: str, reading: Reading) -> Iterator[InputRow]:
    """Yields the rows of the content of a table file that is text, such as CSV; prints nothing.

    Raises DataRefused where the content is not text, and UsageError as `rows` does.
    """
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff")) and not content.startswith(PLAIN)
    if content.startswith(PLAIN) or (b"\0" in content and not wide):
        raise DataRefused(
            Message("{name} is not a text file", name=name),
            code="bad-manifest",
            where=name,
            fix=Message("Give a CSV file."),
        )
    yield from _Asked.of(reading, _silent, itertools.count(1)).spooled([content], name)


def _silent(_: Message) -> None:
    """Prints nothing."""


@dataclass
class _Asked:
    """The state while the sources of one prediction are read.

    `schema` has the columns that a row needs, `joined` the joined columns, which may be given too.
    """

    schema: TableSchema
    reading: Reading
    note: _Note
    numbers: Iterator[int]
    recipe: JoinRecipe | None
    joined: TableSchema
    unused: set[str] = field(default_factory=set)
    """Further columns that were already named."""
    said: set[str] = field(default_factory=set)
    """Notes that were already printed."""

    @staticmethod
    def of(reading: Reading, note: _Note, numbers: Iterator[int]) -> _Asked:
        schema = TableSchema.of_json(reading.found["schema"])
        held = reading.found.get("joined")
        recipe = JoinRecipe.of_json(held) if held else None
        return _Asked(own_columns(schema), reading, note, numbers, recipe, joined_columns(schema))

    # --- sources ---

    def rows(self, source: Any) -> Iterator[InputRow]:
        """Yields the rows of any source."""
        if isinstance(source, pd.DataFrame):
            yield from self._frame(source)
        elif isinstance(source, Mapping):
            yield from self._objects([source])
        elif isinstance(source, (bytes, bytearray)):
            name = f"input {next(self.numbers)}"
            yield from or_problem(self.spooled([bytes(source)], name), name)
        elif hasattr(source, "read"):
            name = str(getattr(source, "name", f"input {next(self.numbers)}"))
            yield from or_problem(self.spooled(_pieces(source), name), name)
        elif isinstance(source, (str, Path)) and not is_pair(source):
            yield from self._named(str(source))
        else:
            several = [source] if isinstance(source, (str, Path)) else source
            for kind, group in itertools.groupby(several, form_of_row):
                if kind == "pair":
                    yield from self._pairs([str(one) for one in group])
                elif kind == "object":
                    yield from self._objects(list(group))
                else:
                    yield from itertools.chain.from_iterable(map(self.rows, group))

    def _named(self, name: str) -> Iterator[InputRow]:
        if name == "-":
            stream = getattr(sys.stdin, "buffer", sys.stdin)
            yield from or_problem(self.spooled(_pieces(stream), name), name)
            return
        if not os.path.lexists(name) and glob.has_magic(name):
            for one in sorted(glob.glob(name, recursive=True)):
                yield from self._path(Path(one), self.reading)
            return
        plain, held = with_table(name, self.reading)
        yield from self._path(Path(plain), held)

    def _path(self, path: Path, reading: Reading) -> Iterator[InputRow]:
        if not os.path.lexists(path):
            yield missing_file(path), str(path)
            return
        if path.is_dir() or is_archive(path):
            try:
                entries = [one for one in open_tree(path).entries if is_table(one.name)]
            except DataRefused as error:
                yield Problem(error.code, error.message, error.fix), str(path)
                return
            named = [(one, f"{path}/{one.name}") for one in entries]
        else:
            named = [(Entry(path.name, references.file_cell(path.absolute())), str(path))]
        for entry, name in named:
            if entry.problem is not None:
                yield entry.problem, name
            else:
                shown = references.printable(name)
                yield from or_problem(self._file(entry.cell, shown, reading), shown)

    def _file(self, cell: str, name: str, reading: Reading) -> Iterator[InputRow]:
        """Yields the rows of a file. Raises DataRefused where it cannot be read."""
        table = table_of(cell, name, known_to(self.reading), reading.lenient)
        for note in table.notes:
            self._say(note)
        left, line = LeftLines(), "line {}" if name == "-" else f"{name}:{{}}"
        rows = itertools.chain.from_iterable(rows_of_table(table, left))
        given = (_Given(one.cells, line.format(one.line), one.problem) for one in rows)
        yield from self._converted(names_of(table), given, name)
        for lines, why in left.reasons():
            listed = short(", ".join(map(str, lines)), 80)
            self._say(Message("{name}: left out, {why}: {lines}", name=name, why=why, lines=listed))

    def spooled(self, pieces: Iterable[bytes | str], name: str) -> Iterator[InputRow]:
        """Yields the rows of a table whose content arrives in pieces; it is copied to disk.

        Raises DataRefused where it cannot be read.
        """
        with tempfile.TemporaryDirectory(prefix="tenfold-") as folder:
            path = Path(folder) / "table"
            with path.open("wb") as file:
                for piece in pieces:
                    file.write(piece.encode() if isinstance(piece, str) else piece)
            yield from self._file(references.file_cell(path), name, self.reading)

    def _frame(self, frame: pd.DataFrame) -> Iterator[InputRow]:
        frame, headers = headed(frame)
        own = headers.index("source") if "source" in headers and not self._uses("source") else None

        def given() -> Iterator[_Given]:
            for start in range(0, len(frame), CHUNK):
                cells = of_frame(frame.iloc[start : start + CHUNK])
                for row, one in enumerate(zip(*cells, strict=True), start):
                    yield _Given(list(one), f"row {row}" if own is None else str(one[own]))

        yield from self._converted(named_columns(headers), given(), "")

    def _objects(self, objects: list[Mapping[Any, Any]]) -> Iterator[InputRow]:
        """Yields a row for each dictionary; a key that only some of them lack is missing there."""
        keys = list(dict.fromkeys(key for one in objects for key in one))
        given = (
            _Given([one.get(key) for key in keys], f"input {next(self.numbers)}") for one in objects
        )
        yield from self._converted(named_columns(keys), given, "")

    def _pairs(self, pairs: list[str]) -> Iterator[InputRow]:
        """Yields the row of `name=value` pairs; a column that is left out is missing."""
        told: dict[str, str] = {}
        for pair in pairs:
            name, _, value = pair.partition("=")
            self._refuse_name(name.strip(), told)
            told[name.strip()] = value.strip()
        places = matched(self.schema.names, list(told), also_named(self.schema))
        absent = [name for name in self.schema.names if name not in places]
        if absent:
            listed = short(", ".join(absent), 400)
            self._say(Message("Not given, so taken as missing: {columns}", columns=listed))
        told |= dict.fromkeys(absent, "")
        given = _Given(list(told.values()), references.printable(short(" ".join(pairs), 60)))
        yield from self._converted(ColumnNames([*told]), iter([given]), "")

    def _refuse_name(self, name: str, told: Mapping[str, str]) -> None:
        """Raises UsageError for a name that is not a column of the run, or was given before."""
        if name in told:
            raise UsageError(
                Message("{name!r} is given twice", name=name),
                code="unknown-column",
                where=name,
                fix=Message("Give each column once; a table has several rows."),
            )
        if not self._uses(name) and not matched([name], [*self.joined.names, *self._known()]):
            raise UsageError(
                Message("The run has no column {name!r}", name=name),
                code="unknown-column",
                where=name,
                fix=nearest(name, self.schema.names),
            )

    # --- rows ---

    def _converted(
        self, named: ColumnNames, given: Iterator[_Given], where: str
    ) -> Iterator[InputRow]:
        """Yields the given rows with typed values; `named` are the names of their columns."""
        needed: dict[str, str] | None = None
        laid: list[str] = []
        while part := list(itertools.islice(given, CHUNK)):
            good = [one for one in part if one.problem is None]
            cells = {name: [one.cells[at] for one in good] for at, name in enumerate(named.names)}
            columns, _ = flat(cells)
            if good and (needed is None or [*columns] != laid):
                columns = self._with_nested(columns, named.names, len(good))
                laid = [*columns]
                needed = self._needed(replace(named, names=laid), where)
            yield from self._typed(part, columns, needed or {}, len(good))
        if needed is None:
            self._needed(named, where)

    def _with_nested(
        self, columns: dict[str, list[Any]], names: Sequence[str], rows: int
    ) -> dict[str, list[Any]]:
        """Returns the columns with the fields of objects that none of these rows has."""
        absent = [name for name in self.schema.names if name not in columns]
        nested = [one for one in absent if any(one.startswith(f"{name}.") for name in names)]
        inner = {name: [None] * rows for name in nested}
        empty = {name for name in names if any(one.startswith(f"{name}.") for one in nested)}
        kept = {name: cells for name, cells in columns.items() if name not in empty}
        return kept | inner

    def _needed(self, named: ColumnNames, where: str) -> dict[str, str]:
        """Returns the name in the table of each column of the schema."""
        wanted, names, also = [*self.schema.names], named.names, also_named(self.schema)
        joined = matched(self.joined.names, names) if self.recipe else {}
        if self.recipe and len(joined) < len(self.joined.names):
            wanted += [name for name in (self.recipe.row_key,) if name not in wanted]
            joined = matched([self.recipe.row_time], names)
            if self.recipe.row_time and not joined:
                self.note(Message("Without a column {column}: all lines of the second table count",
                                  column=self.recipe.row_time))  # fmt: skip
        places = joined | needed_columns(wanted, named, where, also)
        self._tell_unused(names, places)
        return {name: names[at] for name, at in places.items()}

    def _uses(self, name: str) -> bool:
        """Returns True where a name means a column of the schema."""
        return bool(matched(self.schema.names, [name], also_named(self.schema)))

    def _say(self, note: Message) -> None:
        """Prints a note, each once."""
        if str(note) not in self.said:
            self.said.add(str(note))
            self.note(note)

    def _typed(
        self, part: list[_Given], columns: dict[str, list[Any]], needed: dict[str, str], rows: int
    ) -> Iterator[InputRow]:
        """Yields the rows of a part, whose `rows` good ones have these columns."""
        missing = [None] * rows
        cells = {name: columns.get(own, missing) for name, own in needed.items()}
        schema, lookups = self._lookups(cells, rows)
        values = zip(*types.values(schema, cells), strict=True) if rows else iter(())
        values = values if schema.columns else itertools.repeat((), rows)
        lines = zip(*map(written_texts, columns.values()), strict=True)
        called = matched([str(self.reading.found.get("identifier") or "")], [*columns])
        own = next(iter(called.values()), None)
        for one in part:
            if one.problem is not None:
                yield one.problem, one.name
                continue
            line = next(lines)
            name = line[own].strip() if own is not None else ""
            given = dict(zip(columns, line, strict=True))
            yield TableRow(schema, next(values), given, next(lookups)), name or one.name

    def _lookups(
        self, cells: Mapping[str, list[Any]], rows: int
    ) -> tuple[TableSchema, Iterator[tuple[str, float] | None]]:
        """Returns the schema of rows as given, and what their joined columns are looked up with."""
        recipe = self.recipe
        if recipe is None or all(name in cells for name in self.joined.names):
            every = (*self.schema.columns, *self.joined.columns)
            return (self.schema if recipe is None else replace(self.schema, columns=every),
                    itertools.repeat(None, rows))  # fmt: skip
        keys = recipe.row_keys(cells.get(recipe.row_key, [None] * rows))
        times = [math.nan if recipe.row_time else math.inf] * rows
        if recipe.row_time in cells:
            times = recipe.moments(cells[recipe.row_time]).tolist()
        return self.schema, zip(keys, times, strict=True)

    def _tell_unused(self, names: list[str], places: Mapping[str, int]) -> None:
        """Prints which columns of a source are not used, each once, among them the true answers.

        Other columns that had a role in training, such as groups, are not printed.
        """
        known = {one.strip().lower() for one in (*self._known(), "source")}
        known -= {str(self.reading.value("target")).strip().lower()}
        used = {*places.values()}
        further = [
            name
            for at, name in enumerate(names)
            if at not in used and name.strip().lower() not in known and name not in self.unused
        ]
        if further:
            self.unused |= {*further}
            listed = short(", ".join(further), 400)
            self.note(Message("Columns that are not used: {columns}", columns=listed))

    def _known(self) -> list[str]:
        """Returns the columns that had another role in training: target, identifier, group ..."""
        told = [*self.reading.roles.values(), *self.reading.by]
        for found in self.reading.found.values():
            told += [found] if isinstance(found, str) else []
            told += [one for one in found if isinstance(one, str)] if _is_list(found) else []
        return [name for one in told for name in (one, *map(str.strip, one.split(",")))]


def _is_list(found: Any) -> bool:
    return isinstance(found, (list, tuple))


def _pieces(source: Any) -> Iterator[bytes | str]:
    while piece := source.read(COPY):
        yield piece
