"""Names of the columns of a table: each column gets one name of its own, and is found by it."""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tenfold.core.errors import UsageError
from tenfold.core.message import Message
from tenfold.core.text import short
from tenfold.media.files.tables.record import RecordTable
from tenfold.media.reading import Reading, column_of

__all__ = ["ColumnNames", "column_named", "named_columns", "names_of", "spelling", "without_number"]


@dataclass(frozen=True)
class ColumnNames:
    """The names of the columns, all different.

    `others` maps further spellings to names: with the group that stands above the name in a header
    of two rows. `twice` maps the spelling of a name that several columns have to the positions of
    these columns, from 0.
    """

    names: list[str]
    others: dict[str, str] = field(default_factory=dict)
    twice: dict[str, list[int]] = field(default_factory=dict)
    notes: list[Message] = field(default_factory=list)

    def all_of(self, wanted: str) -> list[str]:
        """Returns the columns of a name, as `spelling` compares names; [] for none."""
        if wanted in self.names:
            return [wanted]
        plain = spelling(wanted)
        if plain in self.twice:
            return [self.names[at] for at in self.twice[plain]]
        if plain in self.others:
            return [self.others[plain]]
        return [name for name in self.names if spelling(name) == plain][:1]


def spelling(name: str) -> str:
    """Returns a name without outer blanks and letter case, as names are compared."""
    return " ".join(str(name).split()).casefold()


def named_columns(written: Sequence[Any], groups: Sequence[str] = ()) -> ColumnNames:
    """Returns the names of columns whose headers are `written`, and what was changed.

    An empty name becomes `column 3`. Where several columns have one name, all of them get a number:
    `flow (1)`, `flow (2)`. The new names are free. `groups` are the names above the written ones,
    or nothing: `length` below `Size` is called `length`, or `Size length` where another column is
    called `length`.
    """
    plain = [" ".join(str(name).split()) for name in written]
    above = [*groups, *[""] * (len(plain) - len(groups))]
    full = [f"{group} {name}".strip() for group, name in zip(above, plain, strict=True)]
    times = Counter(plain)
    unclear = {name for name in plain if name and times[name] > 1} if groups else set[str]()
    stated = [whole if name in unclear else name for name, whole in zip(plain, full, strict=True)]
    places = defaultdict[str, list[int]](list)
    for at, name in enumerate(stated):
        places[name].append(at)
    taken, names, notes = {spelling(name) for name in stated}, list(stated), list[Message]()
    for name, many in places.items():
        if name and len(many) == 1:
            continue
        for number, at in enumerate(many, 1):
            names[at] = _free(name, number if name else at + 1, taken)
        notes.append(_renamed(name, many, [names[at] for at in many]))
    twice = {spelling(name): many for name, many in places.items() if name and len(many) > 1}
    others = {
        spelling(whole): name for whole, name in zip(full, names, strict=True) if groups and whole
    }
    return ColumnNames(names, others, twice, notes)


def names_of(table: RecordTable) -> ColumnNames:
    """Returns the names of the columns of a table in a file; without a header, `column 1` ...

    Such a column is found by its number, too.
    """
    if table.header:
        return named_columns(table.names, table.groups)
    named = named_columns([f"column {name}" for name in table.names])
    return replace(named, others=dict(zip(table.names, named.names, strict=True)))


def without_number(name: str) -> str:
    """Returns the name as written of a column that got a number: `flow` of `flow (2)`."""
    return re.sub(r" \(\d+\)$", "", name)


def _free(name: str, number: int, taken: set[str]) -> str:
    """Returns a name that no column has, and adds it to those that are taken."""
    first = f"{name} ({number})" if name else f"column {number}"
    more = (f"{first} ({again})" for again in itertools.count(2))
    found = next(one for one in itertools.chain([first], more) if spelling(one) not in taken)
    taken.add(spelling(found))
    return found


def _renamed(name: str, places: list[int], names: list[str]) -> Message:
    values = {
        "columns": short(", ".join(str(at + 1) for at in places), 80),
        "names": short(", ".join(map(repr, names)), 200),
    }
    if not name:
        return Message("Columns without a name: {columns}. They are called {names}.", **values)
    return Message(
        "Several columns are named {name!r}: {columns}. They are called {names}.",
        name=name,
        **values,
    )


def column_named(reading: Reading, role: str, named: ColumnNames, where: str) -> str | None:
    """Returns the column of a role, as given or found; None where none is.

    Raises UsageError where the table lacks a column that the user gave, and where several columns
    have its name.
    """
    wanted = reading.roles.get(role)
    if wanted is not None and wanted not in named.names and spelling(wanted) in named.twice:
        raise _several(named, wanted, role, where)
    for name in (wanted, reading.found.get(role)):
        if isinstance(name, str) and name and len(columns := named.all_of(name)) == 1:
            return columns[0]
    found = column_of(reading, role, named.names, where)
    return None if found is None else str(found)


def _several(named: ColumnNames, wanted: str, role: str, where: str) -> UsageError:
    places = named.twice[spelling(wanted)]
    return UsageError(
        Message(
            "{table} has several columns {column!r}: {places}",
            table=where,
            column=wanted,
            places=", ".join(str(at + 1) for at in places),
        ),
        code="two-readings",
        where=where,
        fix=Message(
            "Give --{role} {names}.",
            role=role,
            names=" or ".join(repr(named.names[at]) for at in places),
        ),
    )
