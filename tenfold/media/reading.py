"""How a source is read: the role of each column and the class mapping, as given by the user."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.errors import UsageError, nearest
from tenfold.core.message import Message

__all__ = ["AS_FOUND", "Reading", "column_of", "refuse_roles", "seconds_of", "timed"]


@dataclass(frozen=True)
class Reading:
    """Name of the column for each role, as given by the user, and the class mapping.

    An empty name lets the reader of the source choose the column. `target` is the column to learn.
    Rows with the same `group` stay in the same part of the split. `time` orders the rows: where no
    parts are given, the latest rows become the test part. `classes` maps the names of classes in
    the source to those to learn; None drops a class.
    """

    target: str = ""
    group: str = ""
    time: str = ""
    classes: Mapping[str, str | None] = field(default_factory=dict, hash=False)

    @property
    def roles(self) -> dict[str, str]:
        """Returns the names of the columns given by the user, by role."""
        every = {"target": self.target, "group": self.group, "time": self.time}
        return {role: column for role, column in every.items() if column}

    def to_json(self) -> dict[str, Any]:
        """Returns the roles that were given and the class mapping, as a JSON object."""
        return self.roles | ({"classes": dict(self.classes)} if self.classes else {})

    @staticmethod
    def of_json(values: dict[str, Any] | None) -> Reading:
        """Returns the reading stored in facts; unknown roles (of later versions) are ignored."""
        stored = values or {}
        roles = {role: str(stored[role]) for role in ("target", "group", "time") if role in stored}
        classes = stored.get("classes")
        names = classes.items() if isinstance(classes, dict) else ()
        return Reading(**roles, classes={old: str(new) if new else None for old, new in names})


AS_FOUND = Reading()
"""A reading without given roles: the reader chooses every column."""


def column_of(reading: Reading, role: str, names: Iterable[Any], where: str) -> Any | None:
    """Returns the column given for a role, as spelled in the table; None if none was given.

    Letter case and surrounding spaces are ignored where there is no exact match. Raises UsageError
    where the table has no such column.
    """
    wanted = reading.roles.get(role)
    if wanted is None:
        return None
    every = list(names)
    plain = {str(name).strip().lower(): name for name in reversed(every)}
    exact = {str(name): name for name in reversed(every)}
    found = exact.get(wanted, plain.get(wanted.strip().lower()))
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
            fix=nearest(wanted, list(exact)),
        )
    return found


def refuse_roles(reading: Reading, roles: Iterable[str], why: Message, where: str) -> None:
    """Raises UsageError where a role was given that this kind of source does not support."""
    for role in set(roles) & reading.roles.keys():
        raise UsageError(
            Message("--{role} needs a column, but {why}", role=role, why=why),
            code="bad-setting",
            where=where,
            fix=Message("Leave out --{role}, or give a table with that column.", role=role),
        )


def timed(table: pd.DataFrame, cells: pd.Series) -> pd.DataFrame:
    """Returns the table with a column `time` in seconds since 1970.

    A row whose time is missing or invalid gets a problem, unless it already has one.
    """
    seconds, wrong = seconds_of(cells.reset_index(drop=True))
    wrong |= ~np.isfinite(seconds)
    problem = Problem(
        "bad-time", Message("has an invalid time"), Message("Write seconds since 1970, or a date.")
    )
    problems = [
        problem if bad and one is None else one
        for bad, one in zip(wrong, table["problem"], strict=True)
    ]
    found = table.assign(time=seconds)
    return found.assign(problem=pd.Series(problems, table.index, dtype=object))


def seconds_of(texts: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Returns (N,) seconds since 1970, NaN where missing, and (N,) True where the time is invalid.

    Numbers are read as seconds; where their median is too large for seconds, as milli-, micro- or
    nanoseconds. Other texts are parsed as dates.
    """
    values = pd.to_numeric(texts, errors="coerce").to_numpy(float, copy=True)
    large = np.nanmedian(np.abs(values)) if np.isfinite(values).any() else 0.0
    scale = 1e9 if large > 1e17 else 1e6 if large > 1e14 else 1e3 if large > 1e11 else 1.0
    values = values / scale
    words = ~np.isfinite(values)
    if words.any():
        dates = pd.to_datetime(texts[words], errors="coerce", utc=True, format="mixed")
        values[words] = [np.nan if pd.isna(one) else one.timestamp() for one in dates]
    blank = texts.isna().to_numpy() | (texts.astype(str).str.strip() == "").to_numpy()
    return values, ~blank & ~np.isfinite(values)
