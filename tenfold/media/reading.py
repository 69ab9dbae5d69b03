"""How a source is read: the role of each column, the notation, and the class mapping."""

from __future__ import annotations

import dataclasses
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
    "COLUMNS",
    "COMMON",
    "Reading",
    "attach_by",
    "column_of",
    "columns_of",
    "flags_of",
    "of_settings",
    "refuse_roles",
    "reported_text",
    "seconds_of",
    "spread_by",
    "timed",
    "with_table",
]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The role of each column, the notation of the files, and the class mapping.

    An empty value lets the reader of the source decide. `target` is the column to learn. Rows with
    the same `group` stay in the same part of the split; `split` names the part of each row;
    `weight` is the weight of a row in training. `time` orders the rows: where no parts are given,
    the latest rows become the test part. Scores are also reported for each value of the columns
    `by`, which are never used for learning. Several columns of `text` are separated by commas.

    `found` holds the decisions of the reader, by the same names. They apply where nothing was given
    and the source has such a column: in the other parts, in `test` and in `predict`. `classes` maps
    the names of classes in the source to those to learn; None drops a class.
    """

    target: str = setting("", "column to learn, for data with columns")
    text: str = setting("", "column of texts; several, separated by commas, are joined")
    image: str = setting("", "column of image files")
    user: str = setting("", "column of users")
    item: str = setting("", "column of items")
    rating: str = setting("", "column of ratings")
    token: str = setting("", "column of tokens, by its name or its number from 1")
    time: str = setting(
        "", "column of times: the latest rows, or the last ones of each user, become the test"
    )
    group: str = setting(
        "", "column of groups, such as persons; a group is never split between parts"
    )
    split: str = setting("", "column of the parts of the split: train, valid, test")
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

    @property
    def given(self) -> dict[str, Any]:
        """Returns the values given by the user, by name, without the class mapping."""
        every = {name: getattr(self, name) for name in FLAGS}
        return {name: value for name, value in every.items() if value}

    @property
    def roles(self) -> dict[str, str]:
        """Returns the names of the columns given by the user, by role."""
        return {role: column for role, column in self.given.items() if role in COLUMNS}

    def value(self, name: str) -> Any:
        """Returns the value given by the user, else the one that the reader found, else ""."""
        return self.given.get(name) or self.found.get(name) or ""

    def finding(self, **found: Any) -> Reading:
        """Returns a copy with decisions of a reader added; empty values are left out."""
        return replace(self, found={**self.found, **{k: v for k, v in found.items() if v}})

    @property
    def column_names(self) -> set[str]:
        """Returns the names of columns given or found, in lower case: they make a header."""
        told = [*self.roles.values(), *self.by]
        told += [one for role in COLUMNS if isinstance(one := self.found.get(role), str)]
        return {name.strip().lower() for name in told if name and not name.isdigit()}

    @property
    def lenient(self) -> Reading:
        """Returns a reading in which given columns are only found ones, which may be missing."""
        given: dict[str, Any] = {role: name for role, name in self.roles.items() if role != "text"}
        if text := self.given.get("text"):
            given["text"] = [one.strip() for one in text.split(",")]
        notation = {name: self.given[name] for name in NOTATION if name in self.given}
        return Reading(**notation, found={**self.found, **given})

    def to_json(self) -> dict[str, Any]:
        """Returns what was given, what was found, and the class mapping, as a JSON object."""
        given = {name: list(v) if isinstance(v, tuple) else v for name, v in self.given.items()}
        given |= {"found": dict(self.found)} if self.found else {}
        return given | ({"classes": dict(self.classes)} if self.classes else {})

    @staticmethod
    def of_json(values: dict[str, Any] | None) -> Reading:
        """Returns the reading stored in facts; unknown names (of later versions) are ignored."""
        stored = values or {}
        given = {name: str(stored[name]) for name in FLAGS if name in stored and name != "by"}
        by = stored.get("by")
        classes, found = stored.get("classes"), stored.get("found")
        names = classes.items() if isinstance(classes, dict) else ()
        return Reading(
            **given,
            by=tuple(map(str, by)) if isinstance(by, list) else (),
            classes={old: str(new) if new else None for old, new in names},
            found=found if isinstance(found, dict) else {},
        )


FLAGS = tuple(
    entry.name for entry in dataclasses.fields(Reading) if entry.name not in ("classes", "found")
)
"""Names of the values that a user can give."""
NOTATION = ("encoding", "separator", "header", "dates", "table")
"""Values that are not names of columns."""
COLUMNS = tuple(name for name in FLAGS if name not in (*NOTATION, "by"))
"""Roles: the names of values that name one column each (`text`: one or several)."""
COMMON = ("target", "time", "group", "split", "weight", "by", *NOTATION)
"""Values that can be given for every task; a task lists the others it takes in `Task.roles`."""
AS_FOUND = Reading()
"""A reading without given values: the reader decides everything."""
_CHOICES = {"header": ("yes", "no"), "dates": ("day-first", "month-first")}


def flags_of(roles: Iterable[str]) -> list[dataclasses.Field[Any]]:
    """Returns the fields of the flags that a task has, given the roles of its inputs."""
    kept = {*COMMON, *roles}
    return [entry for entry in dataclasses.fields(Reading) if entry.name in kept]


def of_settings(
    settings: Mapping[str, Any], roles: Iterable[str]
) -> tuple[Reading, dict[str, Any]]:
    """Splits settings into the reading and the settings of the task.

    `roles` are the roles of the task's inputs. Raises UsageError where a value is invalid.
    """
    kept = {*COMMON, *roles}
    told = {name: value for name, value in settings.items() if name in kept and value is not None}
    rest = {name: value for name, value in settings.items() if name not in kept}
    by = told.get("by", ())
    told["by"] = (by,) if isinstance(by, str) and by else tuple(by or ())
    reading: Reading = check_settings(Reading, told, Message("reading"))
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
    """Returns the columns of a role or flag that can have several: `text` and `by`.

    Raises UsageError where the table lacks a column that the user gave.
    """
    every = list(names)
    given = reading.given.get(role)
    if not given:
        found = reading.found.get(role) or []
        return [one for name in found if (one := _match(str(name), every)) is not None]
    if isinstance(given, str):
        given = [given] if _match(given, every) is not None else given.split(",")
    return [_needed(name.strip(), role, every, where) for name in given]


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
    for role in {*roles, *(("by",) if table else ())} & reading.given.keys():
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
