"""How a source is read: the role of each column, the notation, and the class mapping."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.errors import UsageError, nearest
from tenfold.core.message import Message
from tenfold.core.progress import tell
from tenfold.core.rows import BY
from tenfold.core.settings import check_settings, setting
from tenfold.core.taken import Taken
from tenfold.media.dates import times_of

__all__ = [
    "AS_FOUND",
    "COMMON",
    "ColumnRole",
    "Reading",
    "attach_by",
    "column_of",
    "columns_of",
    "flags_of",
    "listed_names",
    "of_settings",
    "refuse_roles",
    "reported_text",
    "seconds_of",
    "spread_by",
    "timed",
    "with_table",
]


NOTATION = ("encoding", "separator", "header", "dates", "table")
"""Values that are not names of columns."""
COMMON = ("target", "time", "group", "split", "weight", "by", *NOTATION)
"""Values that can be given for every task; a task lists its other roles in `Task.roles`."""
_NO_ROLES = (*NOTATION, "by")
_INNER = ("columns", "classes", "found", "needs_labels")


@dataclass(frozen=True)
class ColumnRole:
    """A role of a column of inputs, such as `text`: it is a flag (`--text`) and a Python keyword.

    `help` is the help text of the flag. Raises ValueError where a value of every reading has the
    same name.
    """

    name: str
    help: str

    def __post_init__(self) -> None:
        if not self.name.isidentifier() or self.name in (*COMMON, *_INNER):
            raise ValueError(f"{self.name!r} cannot be the name of a role")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The role of each column, the notation of the files, and the class mapping.

    An empty value lets the reader of the source decide. `columns` maps the roles of inputs, which
    media and tasks declare (`ColumnRole`), to the names of their columns; several columns of one
    role are separated by commas. `target` is the column to learn. Rows with the same `group` stay
    in the same part of the split; `split` names the part of each row, or is "none": then parts that
    the source gives are not used. `weight` is the weight of a row in training. `time` orders the
    rows: where no parts are given, the latest rows become the test part. Scores are also reported
    for each value of the columns `by`, which are never used for learning.

    `found` holds the decisions of the reader, by the same names. They apply where nothing was given
    and the source has such a column: in the other parts, in `test` and in `predict`. `classes` maps
    the names of classes in the source to those to learn; None drops a class. With `needs_labels`
    False, which a task sets that learns without labels, rows without a label are read too; their
    label is "".
    """

    target: str = setting("", "column to learn, for data with columns")
    columns: Mapping[str, str] = field(default_factory=dict, hash=False)
    time: str = setting(
        "", "column of times: the latest rows, or the last ones of each user, become the test"
    )
    group: str = setting(
        "", "column of groups, such as persons; a group is never split between parts"
    )
    split: str = setting(
        "", "column of the parts of the split: train, valid, test; none = ignore given parts"
    )
    weight: str = setting("", "column of weights in training: numbers of 0 or more")
    by: tuple[str, ...] = setting(
        (), "column to report scores by, never used for learning; may be repeated"
    )
    encoding: str = setting("", "encoding of text files, such as gb18030; default: detected")
    separator: str = setting("", "separator of cells: a character, tab or space; default: detected")
    header: str = setting("", "header of tables: yes or no; default: detected")
    dates: str = setting("", "order of dates such as 03/04/2024: day-first or month-first")
    table: str = setting("", "table to read where there are several: a file, sheet or table")
    classes: Mapping[str, str | None] = field(default_factory=dict, hash=False)
    found: Mapping[str, Any] = field(default_factory=dict, hash=False)
    needs_labels: bool = True

    @property
    def given(self) -> dict[str, Any]:
        """Returns the values given by the user, by name, without the class mapping."""
        own = {name: getattr(self, name) for name in COMMON}
        every = {"target": own.pop("target"), **self.columns, **own}
        return {name: value for name, value in every.items() if value}

    @property
    def roles(self) -> dict[str, str]:
        """Returns the names of the columns given by the user, by role."""
        ignored = ("split",) if self.ignores_parts else ()
        return {
            role: name for role, name in self.given.items() if role not in (*_NO_ROLES, *ignored)
        }

    @property
    def ignores_parts(self) -> bool:
        """Returns True where the user gave `--split none`: parts in the source are not used."""
        return self.split.strip().lower() == "none"

    def value(self, name: str) -> Any:
        """Returns the value given by the user, else the one that the reader found, else ""."""
        return self.given.get(name) or self.found.get(name) or ""

    def finding(self, **found: Any) -> Reading:
        """Returns a copy with decisions of a reader added; empty values are left out."""
        return replace(self, found={**self.found, **{k: v for k, v in found.items() if v}})

    def column_names(self, roles: Iterable[ColumnRole]) -> set[str]:
        """Returns the names of columns given or found, in lower case: they make a header.

        `roles` are those of the inputs.
        """
        every = {*COMMON, *(one.name for one in roles)} - {*_NO_ROLES}
        found = [name for role, name in self.found.items() if role in every]
        told = [name for name in (*self.roles.values(), *found) if isinstance(name, str)]
        names = [*self.by, *told, *(one for name in told for one in listed_names(name))]
        return {name.strip().lower() for name in names if name and not name.isdigit()}

    @property
    def lenient(self) -> Reading:
        """Returns a reading in which given columns are only found ones, which may be missing."""
        notation = {name: self.given[name] for name in NOTATION if name in self.given}
        own = Reading(**notation, found={**self.found, **self.roles})
        return replace(own, needs_labels=self.needs_labels)

    def to_json(self) -> dict[str, Any]:
        """Returns what was given, what was found, and the class mapping, as a JSON object."""
        given = {name: list(v) if isinstance(v, tuple) else v for name, v in self.given.items()}
        given |= {"found": dict(self.found)} if self.found else {}
        return given | ({"classes": dict(self.classes)} if self.classes else {})

    @staticmethod
    def of_json(values: dict[str, Any] | None) -> Reading:
        """Returns the reading stored in facts; a text under any other name is a role's column."""
        stored = values or {}
        given: dict[str, Any] = {
            name: str(stored[name]) for name in COMMON if name in stored and name != "by"
        }
        other = stored.keys() - {*COMMON, *_INNER}
        by = stored.get("by")
        classes, found = stored.get("classes"), stored.get("found")
        names = classes.items() if isinstance(classes, dict) else ()
        return Reading(
            **given,
            columns={
                name: one
                for name in stored
                if name in other and isinstance(one := stored[name], str)
            },
            by=tuple(map(str, by)) if isinstance(by, list) else (),
            classes={old: str(new) if new else None for old, new in names},
            found=found if isinstance(found, dict) else {},
        )


AS_FOUND = Reading()
"""A reading without given values: the reader decides everything."""
_CHOICES = {"header": ("yes", "no"), "dates": ("day-first", "month-first")}


def flags_of(roles: Iterable[ColumnRole]) -> list[dataclasses.Field[Any]]:
    """Returns the fields of the flags that a task has: the target, the roles, and the others."""
    first, *others = (one for one in dataclasses.fields(Reading) if one.name in COMMON)
    return [first, *dataclasses.fields(_columns_class(tuple(roles))), *others]


@functools.cache
def _columns_class(roles: tuple[ColumnRole, ...]) -> Any:
    """Returns a dataclass with a text for each role."""
    fields = [(one.name, str, setting("", one.help)) for one in roles]
    return dataclasses.make_dataclass("Columns", fields, frozen=True)


def of_settings(
    settings: Mapping[str, Any], roles: Iterable[ColumnRole]
) -> tuple[Reading, dict[str, Any]]:
    """Splits settings into the reading and the settings of the task.

    `roles` are the roles of the task's inputs. Raises UsageError where a value is invalid.
    """
    named = {one.name for one in roles}
    told = {name: value for name, value in settings.items() if value is not None}
    columns = {name: told[name] for name in settings if name in named and name in told}
    given = {name: told[name] for name in COMMON if name in told}
    rest = {name: value for name, value in settings.items() if name not in {*COMMON, *named}}
    by = given.get("by", ())
    given["by"] = (by,) if isinstance(by, str) and by else tuple(by or ())
    owner = Message("reading")
    check_settings(_columns_class(tuple(roles)), columns, owner)
    filled = {name: column for name, column in columns.items() if column}
    reading: Reading = replace(check_settings(Reading, given, owner), columns=filled)
    for name, choices in _CHOICES.items():
        if (value := getattr(reading, name)) and value not in choices:
            raise UsageError(
                Message(
                    "{name} must be one of {choices}, got {value!r}",
                    name=f"--{name}",
                    choices=", ".join(choices),
                    value=value,
                ),
                code="bad-setting",
                where=name,
                fix=nearest(value, choices),
            )
    return reading, rest


def with_table(source: Any, reading: Reading) -> tuple[Any, Reading]:
    """Returns the source and the reading, with `file.db#table` divided into file and table.

    A source that exists with this name, and any other source, is returned unchanged.
    """
    if not isinstance(source, (str, os.PathLike)) or os.path.exists(source):
        return source, reading
    file, sign, table = os.fspath(source).partition("#")
    if not sign or not table or not os.path.isfile(file):
        return source, reading
    return file, replace(reading, table=reading.table or table)


def column_of(reading: Reading, role: str, names: Iterable[Any], where: str) -> Any | None:
    """Returns the column of a role, as spelled in the table; None if none was given or found.

    Letter case and surrounding spaces are ignored where there is no exact match. Raises UsageError
    where the table lacks a column that the user gave.
    """
    every = list(names)
    wanted = reading.roles.get(role)
    if wanted is None:
        found = reading.found.get(role)
        return _match(str(found), every) if found and isinstance(found, str) else None
    return _needed(wanted, role, every, where)


def columns_of(reading: Reading, role: str, names: Iterable[Any], where: str) -> list[Any]:
    """Returns the columns of a role or flag that can have several, such as `by`.

    Raises UsageError where the table lacks a column that the user gave.
    """
    every = list(names)
    given = reading.given.get(role)
    stated = given or reading.found.get(role) or []
    whole = isinstance(stated, str) and _match(stated, every) is not None
    listed = [str(stated)] if whole else listed_names(stated)
    if not given:
        return [one for name in listed if (one := _match(name, every)) is not None]
    return [_needed(name, role, every, where) for name in listed]


def listed_names(columns: Any) -> list[str]:
    """Returns the names in the value of a role or flag: a list, or a text with commas between."""
    names = columns.split(",") if isinstance(columns, str) else columns or ()
    return [text for name in names if (text := str(name).strip())]


def attach_by(
    table: pd.DataFrame, frame: pd.DataFrame, reading: Reading, where: str
) -> pd.DataFrame:
    """Returns the table with a column `by:NAME` for each column of `--by`.

    `frame` has the columns as read, and the rows of `table` in the same order. Cells are texts,
    None where blank. Raises UsageError where the frame lacks a column that the user gave.
    """
    columns = columns_of(reading, "by", frame.columns, where)
    texts = {
        f"{BY}{name}": pd.Series(map(reported_text, frame[name]), table.index, dtype=object)
        for name in dict.fromkeys(columns)
    }
    return table.assign(**texts)


def spread_by(frame: pd.DataFrame) -> pd.DataFrame:
    """Returns the frame with its column `by` of dictionaries (or None) as columns `by:NAME`."""
    cells = [cell or {} for cell in frame["by"]]
    texts = {
        f"{BY}{name}": pd.Series(
            [reported_text(cell.get(name)) for cell in cells], frame.index, dtype=object
        )
        for name in dict.fromkeys(name for cell in cells for name in cell)
    }
    return frame.drop(columns="by").assign(**texts)


def reported_text(cell: Any) -> str | None:
    """Returns a cell of a column of `--by` as text: whole numbers without a decimal point."""
    if cell is None or (isinstance(cell, (float, np.floating)) and not np.isfinite(cell)):
        return None
    whole = isinstance(cell, (float, np.floating)) and float(cell).is_integer()
    return " ".join(str(int(cell) if whole else cell).split()) or None


def _match(wanted: str, every: list[Any]) -> Any | None:
    """Returns the name that equals `wanted`, else one that differs by case or spaces around it."""
    plain = {str(name).strip().lower(): name for name in reversed(every)}
    exact = {str(name): name for name in reversed(every)}
    return exact.get(wanted, plain.get(wanted.strip().lower()))


def _needed(wanted: str, role: str, every: list[Any], where: str) -> Any:
    found = _match(wanted, every)
    if found is None:
        raise UsageError(
            Message(
                "{table} has no column {column!r}, given with --{role}",
                table=where,
                column=wanted,
                role=role,
            ),
            code="missing-column",
            where=where,
            fix=nearest(wanted, list(map(str, every))[:200]),
        )
    return found


def refuse_roles(
    reading: Reading, roles: Iterable[str], why: Message, where: str, table: bool = True
) -> None:
    """Raises UsageError where a role was given that this kind of source does not support.

    `table` is True where a table with that column would support it; `by` is then refused too.
    """
    given = {*reading.roles, *(("by",) if reading.by else ())}
    for role in {*roles, *(("by",) if table else ())} & given:
        raise UsageError(
            Message("--{role} needs a column, but {why}", role=role, why=why),
            code="bad-setting",
            where=where,
            fix=Message("Leave out --{role}, or give a table with that column.", role=role)
            if table
            else Message("Leave out --{role}.", role=role),
        )


def timed(
    table: pd.DataFrame,
    cells: pd.Series,
    reading: Reading = AS_FOUND,
    taken: Taken | None = None,
) -> pd.DataFrame:
    """Returns the table with a column `time` in seconds since 1970.

    A row whose time is missing or invalid gets a problem, unless it already has one. The order of
    day and month is stated in `taken`, or printed where that is None. Raises UsageError where the
    order is not clear.
    """
    times = times_of(cells.reset_index(drop=True), reading.value("dates"))
    if times.note:
        (taken.note if taken is not None else tell)(times.note)
    wrong = times.wrong | ~np.isfinite(times.seconds)
    problem = Problem(
        "bad-time", Message("has an invalid time"), Message("Write seconds since 1970, or a date.")
    )
    problems = [
        problem if bad and one is None else one
        for bad, one in zip(wrong, table["problem"], strict=True)
    ]
    found = table.assign(time=times.seconds)
    return found.assign(problem=pd.Series(problems, table.index, dtype=object))


def seconds_of(texts: pd.Series, order: str = "") -> tuple[np.ndarray, np.ndarray]:
    """Returns (N,) seconds since 1970, NaN where missing, and (N,) True where the time is invalid.

    See `media.dates.times_of`, which raises UsageError where the order of day and month is unclear.
    """
    times = times_of(texts, order)
    return times.seconds, times.wrong
