"""Which column of a labelled table has which role, and which are inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pandas as pd

from tenfold.core.message import EMPTY, Message
from tenfold.core.taken import Taken
from tenfold.core.text import short
from tenfold.media.dates import are_dates
from tenfold.media.files.parts import parts_of_column
from tenfold.media.files.tables.record import HEAD
from tenfold.media.reading import Reading, columns_of, listed_names
from tenfold.media.tables.names import column_named, spelling, without_number
from tenfold.media.tables.roles import ignored_columns, missing_given, types_given
from tenfold.media.tables.sources import LabelledTable
from tenfold.media.tables.target import USUAL, found_label, found_target, is_blank

__all__ = ["TableRoles", "known_to", "roles_of", "state_roles"]

FLAGS = {
    "group": "--group",
    "weight": "--weight",
    "split": "--split",
    "time": "--time",
    "key": "--key",
}
FIRST = 20
"""Rows that rule out most columns as those of the parts."""
SAID = {"group": "group", "weight": "weight", "split": "part", "time": "time", "key": "key"}


@dataclass
class TableRoles:
    """The columns of a table by role.

    `given` is True where the user named the target, which is "" in a table without labels. `others`
    maps group, weight, split, time and key to their columns, `by` are those that scores are
    reported by. With `dated`, the column of times is an input too. `types` are those of the user
    and of the file, `missing` the given marks for "missing".
    """

    target: str
    given: bool
    inputs: list[str]
    others: dict[str, str] = field(default_factory=dict)
    by: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)
    missing: dict[str, list[str]] = field(default_factory=dict)
    dated: bool = False


def known_to(reading: Reading) -> Callable[[str], bool]:
    """Returns a function that is True for a usual name of a target, and a name given or found.

    A first row with such a name is a header. The name of a group may stand before a given name.
    """
    schema = reading.found.get("schema") or {}
    stated = [*reading.roles.values(), *reading.by, str(reading.found.get("target") or "")]
    stated += [
        one.partition("=")[0] for name in reading.columns.values() for one in listed_names(name)
    ]
    learnt = [str(one["name"]) for one in schema.get("columns", ())]
    stated += [*learnt, *map(without_number, learnt)]
    names = {spelling(one) for one in stated if one and not one.isdigit()} | USUAL
    ends = tuple(names)

    def known(name: str) -> bool:
        plain = spelling(name)
        return plain in names or bool(plain and any(one.endswith(f" {plain}") for one in ends))

    return known


def roles_of(
    table: LabelledTable,
    parts: Sequence[LabelledTable],
    reading: Reading,
    numeric: bool,
) -> TableRoles:
    """Returns the role of each column; `parts` are the tables of the other parts.

    Without needed labels, no column need be the target. Raises UsageError where a given column is
    missing, or no column is plainly the answer.
    """
    where, named = table.name, table.named
    others = {
        role: column
        for role in FLAGS
        if not (role == "split" and reading.ignores_parts)
        and (column := column_named(reading, role, named, where)) is not None
    }
    by = [str(one) for one in columns_of(reading, "by", named.names, where)]
    ignored = ignored_columns(reading, named, where)
    used = {*others.values(), *by, *ignored}
    if reading.needs_labels:
        target, given = found_target(table, parts, reading, used, numeric)
    else:
        target, given = found_label(table, reading, used)
    if "split" not in others and (split := _parts(table, {*used, target})):
        others["split"] = split
    dated = "time" in others and are_dates(pd.Series(table.columns[others["time"]], dtype=object))
    apart = {target, *by, *ignored, *(name for role, name in others.items() if role != "time")}
    apart |= set() if dated or "time" not in others else {others["time"]}
    inputs = [name for name in table.columns if name not in apart]
    types = table.types | types_given(reading, named, where)
    types = {name: kind for name, kind in types.items() if name in inputs}
    missing = missing_given(reading, named, where)
    return TableRoles(target, given, inputs, others, by, ignored, types, missing, dated)


def _parts(table: LabelledTable, used: set[str]) -> str:
    """Returns the column whose cells are parts, at least two different ones; "" for none."""
    for name, cells in table.columns.items():
        some = [cell for cell in cells[:FIRST] if not is_blank(cell)]
        if name in used or (some and parts_of_column(name, some) is None):
            continue
        parts = parts_of_column(name, cells)
        if parts is not None and len({*parts.values()} - {""}) > 1:
            return name
    return ""


def state_roles(table: LabelledTable, roles: TableRoles, taken: Taken, used: Sequence[str]) -> None:
    """Adds to `taken` which columns became what; `used` are the columns of the schema."""
    names = short(", ".join(used), 200)
    taken.role(
        "input", Message("{count} columns ({names})", count=len(used), names=names), "--ignore"
    )
    if roles.target:
        taken.role("answer", roles.target, "--target", _shown(table, roles.target))
    for role, name in roles.others.items():
        source = Message("{column}", column=name)
        if role == "time" and roles.dated:
            source = Message("{column}, an input too", column=name)
        taken.role(SAID[role], source, FLAGS[role], _shown(table, name))
    taken.leave(
        "columns", roles.ignored, why=Message("{flag}", flag="--ignore") if roles.ignored else EMPTY
    )
    if not table.header:
        taken.note(Message("File {name} has no header.", name=table.name))


def _shown(table: LabelledTable, name: str) -> list[str]:
    pairs = zip(table.columns[name][:HEAD], table.problems, strict=False)
    return [str(cell) for cell, problem in pairs if problem is None and cell is not None][:3]
