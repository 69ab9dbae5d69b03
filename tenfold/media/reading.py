"""How a source is read: which column has which role, as the person gave it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.errors import UsageError, nearest

__all__ = ["AS_FOUND", "Reading", "column_of", "refuse_roles", "seconds_of", "timed"]


@dataclass(frozen=True)
class Reading:
    """Columns by role; an empty name leaves the choice to the reader.

    `target` holds what is learnt, `group` what must stay on one side of a split, `time` decides
    which rows are the latest: without given parts they are the test.
    """

    target: str = ""
    group: str = ""
    time: str = ""

    def to_json(self) -> dict[str, str]:
        """The roles that were given."""
        every = {entry.name: str(getattr(self, entry.name)) for entry in fields(self)}
        return {role: column for role, column in every.items() if column}

    @staticmethod
    def of_json(values: dict[str, Any] | None) -> Reading:
        """A reading from facts; roles of later versions are left out."""
        known = {entry.name for entry in fields(Reading)}
        return Reading(**{role: str(one) for role, one in (values or {}).items() if role in known})


AS_FOUND = Reading()
"""Every role is left to the reader."""


def column_of(reading: Reading, role: str, names: Iterable[Any], where: str) -> Any | None:
    """The column that was given for a role, as the table spells it; None where none was given.

    Raises UsageError where the table has no such column.
    """
    wanted = reading.to_json().get(role)
    if wanted is None:
        return None
    every = list(names)
    plain = {str(name).strip().lower(): name for name in reversed(every)}
    exact = {str(name): name for name in reversed(every)}
    found = exact.get(wanted, plain.get(wanted.strip().lower()))
    if found is None:
        raise UsageError(
            f"{where} has no column {wanted!r}, which --{role} names",
            code="missing-column",
            where=where,
            fix=nearest(wanted, list(exact)),
        )
    return found


def refuse_roles(reading: Reading, roles: Iterable[str], why: str, where: str) -> None:
    """Raises UsageError where a role was given that a source like this cannot have."""
    for role in set(roles) & reading.to_json().keys():
        raise UsageError(
            f"--{role} names a column, and {why}",
            code="bad-setting",
            where=where,
            fix=f"Leave out --{role}, or give a table with that column.",
        )


def timed(table: pd.DataFrame, cells: pd.Series) -> pd.DataFrame:
    """The table with `time` in seconds since 1970; a row without a time has a problem."""
    seconds, wrong = seconds_of(cells.reset_index(drop=True))
    wrong |= ~np.isfinite(seconds)
    problem = Problem("bad-time", "has no valid time", "Write seconds since 1970, or a date.")
    problems = [
        problem if bad and one is None else one
        for bad, one in zip(wrong, table["problem"], strict=True)
    ]
    found = table.assign(time=seconds)
    return found.assign(problem=pd.Series(problems, table.index, dtype=object))


def seconds_of(texts: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """(N,) seconds since 1970, NaN where there is none, and (N,) True where it is no time.

    Numbers are seconds, or what their size makes likely: milli-, micro- or nanoseconds.
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
