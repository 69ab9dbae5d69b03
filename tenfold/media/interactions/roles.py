"""Roles of the columns of a table: as the user gave them, by their names, and by their content.

An item is a code that comes back for many users; a column whose values belong to one user each is
not. A further column with a date in every line is the time.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from tenfold.core.errors import DataRefused, UsageError
from tenfold.core.message import Message
from tenfold.core.taken import Taken
from tenfold.media.dates import are_dates
from tenfold.media.interactions.columns import Frame, Grid, role_of, words_of
from tenfold.media.interactions.values import coded, is_measure, is_number
from tenfold.media.reading import AS_FOUND, Reading, column_of, columns_of

__all__ = ["FLAGS", "named", "roled", "shared"]

FLAGS = {
    "user": "--user", "item": "--item", "rating": "--rating", "time": "--time",
    "weight": "--weight", "undone": "", "status": "",
}  # fmt: skip
SAMPLE = 2000
"""Number of lines whose content is examined."""
_CLOCKS = frozenset("time date day timestamp at on dat datum when ts 时间 日期".split())


def named(grid: Grid, reading: Reading = AS_FOUND) -> dict[str, Any]:
    """Returns the columns whose role was given, was found before, or shows in the name.

    Only roles that were given are searched without a header.
    """
    columns: dict[str, Any] = {}
    given = {"user": "user", "item": "item", "target": "rating", "rating": "rating",
             "time": "time", "weight": "weight"}  # fmt: skip
    for role, own in given.items():
        if own not in columns:
            column = column_of(reading, role, grid.frame.columns, grid.name)
            if column is not None and column not in columns.values():
                columns[own] = column
    for one in grid.frame.columns if grid.header else ():
        own_role = role_of(one)
        if own_role and own_role not in columns and one not in columns.values():
            columns[own_role] = one
    return columns


def roled(grid: Grid, reading: Reading = AS_FOUND, taken: Taken | None = None) -> Frame:
    """Returns the columns of a table by role, and notes columns that are not used as expected.

    Raises DataRefused where no column of users or no column of items is found, UsageError where a
    given column is missing or several columns could be the time.
    """
    taken = Taken() if taken is None else taken
    for note in grid.notes:
        taken.note(note)
    by = columns_of(reading, "by", grid.frame.columns, grid.name)
    reported = {str(one): grid.frame[one] for one in by}
    grid = replace(grid, frame=grid.frame.drop(columns=by))
    frame = grid.frame
    columns = named(grid, reading)
    known = {"user", "item"} <= set(columns)
    if not known:
        columns |= _by_content(grid, columns)
    if missing := {"user", "item"} - set(columns):
        raise _missing(frame, grid.name, "user" if "user" in missing else "item")
    if "rating" in columns and not is_number(_some(frame)[columns["rating"]], grid.commas):
        one = columns.pop("rating")
        taken.note(
            Message(
                "{name}: the column {column!r} holds words, so it is not used as ratings.",
                name=grid.name,
                column=str(one),
            )
        )
    if "weight" in columns and not is_number(_some(frame)[columns["weight"]], grid.commas):
        columns.pop("weight")
    if "time" not in columns:
        columns |= _dated(grid, columns)
    free = [one for one in frame.columns if one not in columns.values()]
    return Frame(
        {role: frame[one] for role, one in columns.items()},
        grid.numbers,
        grid.name,
        grid.part,
        grid.problems,
        extra={str(one): frame[one] for one in free},
        by=reported,
        names={role: str(one) for role, one in columns.items()},
        header=grid.header,
        commas=grid.commas,
    )


def _missing(frame: pd.DataFrame, name: str, role: str) -> DataRefused:
    """The error for a table without a column of users or of items."""
    return DataRefused(
        Message(
            "{name} has no column {missing!r} and none with a similar name; it has {columns}",
            name=name,
            missing=role,
            columns=", ".join(repr(str(one)[:40]) for one in frame.columns[:20]),
        ),
        code="missing-column",
        where=name,
        fix=Message("Give the columns with --user and --item."),
    )


def _some(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.iloc[np.linspace(0, len(frame) - 1, min(len(frame), SAMPLE)).astype(int)]


# --- content --------------------------------------------------------------------------------------


def _by_content(grid: Grid, known: dict[str, Any]) -> dict[str, Any]:
    """Returns roles from the content of the columns without a role."""
    frame, some = grid.frame, _some(grid.frame)
    free = [one for one in frame.columns if one not in known.values()]
    found: dict[str, Any] = {}
    if not known or not grid.header:
        found = _guessed(some, free, set(known), grid.header)
        free = [one for one in free if one not in found.values()]
        known = known | found
    if "item" not in known and "user" in known:
        found |= _best(frame, known["user"], free, "item")
    elif "user" not in known and "item" in known:
        found |= _best(frame, known["item"], free, "user")
    elif found.get("item") is not None and not shared(frame[known["user"]], frame[known["item"]]):
        found |= _best(frame, known["user"], free, "item")
    return found


def _best(frame: pd.DataFrame, other: Any, free: list[Any], role: str) -> dict[str, Any]:
    """Returns the column of `free` that fits best beside the users or items in `other`.

    Its values come back for several values of `other`. Codes come before texts, then columns with
    more distinct values. {} where no column fits.
    """
    fits = []
    for place, one in enumerate(free):
        texts = _some(frame)[one].astype(str).str.strip()
        if is_measure(texts) or are_dates(texts) or not shared(frame[other], frame[one]):
            continue
        codes, _ = coded(frame[one])
        code = bool((texts.str.contains(r"\d") & ~texts.str.contains(r"\s")).mean() > 0.5)
        fits.append((code, len(np.unique(codes)), -place, one))
    return {role: max(fits)[3]} if fits else {}


def shared(user: pd.Series, item: pd.Series) -> bool:
    """Returns True where the values of `item` come back for several users.

    Nearly every line must have a value that a second user has, and users must have several values.
    """
    left, _ = coded(user)
    right, names = coded(item)
    kept = (left >= 0) & (right >= 0)
    first, second = _pairs(left[kept], right[kept])
    if len(first) < 2:
        return False
    users, values = np.bincount(second, minlength=len(names)), np.bincount(first)
    several = values[values > 0].mean() >= 1.2
    return bool(several and len(users) > 2 and (users[right[kept]] > 1).mean() >= 0.5)


def _pairs(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the distinct pairs of two columns of codes, which are -1 or more."""
    many = int(right.max(initial=0)) + 2
    keys = np.unique((left.astype(np.int64) + 1) * many + right + 1)
    return keys // many - 1, keys % many - 1


def _guessed(some: pd.DataFrame, free: list[Any], known: set[str], header: bool) -> dict[str, Any]:
    """Returns roles of columns whose names show nothing.

    Times are large numbers or dates, ratings are small numbers, the first other columns are ids.
    """
    found: dict[str, Any] = {}
    for one in free[2 - len(known & {"user", "item"}) :]:
        texts = some[one].astype(str)
        values = pd.to_numeric(texts, errors="coerce").to_numpy(float)
        most = np.isfinite(values).mean() > 0.6
        large = most and np.nanmedian(values) > 1e8
        if "time" not in known | found.keys() and (large or are_dates(texts)):
            found["time"] = one
        elif most and "rating" not in known | found.keys() and np.nanmax(np.abs(values)) <= 1000:
            found["rating"] = one
    ids = [one for one in free if one not in found.values()]
    texts = [some[one].astype(str) for one in ids[:2]]
    if not found and texts and not known and (_digits(texts[0]) < 0.5 or any(map(_prose, texts))):
        return {}  # looks like running text, the data of another task
    for role, one in zip([r for r in ("user", "item") if r not in known], ids, strict=False):
        found[role] = one
    return found


def _digits(texts: pd.Series) -> float:
    """Returns the share of texts that contain a digit and no space inside."""
    return float((texts.str.contains(r"\d") & ~texts.str.strip().str.contains(r"\s")).mean())


def _prose(texts: pd.Series) -> bool:
    """Returns True for long texts, nearly all different: sentences, not names of items.

    Long is five words, or ten characters of a script without spaces.
    """
    words, signs = texts.str.strip().str.count(r"\s+"), texts.str.count("[\u3040-\u9fff]")
    long = float(((words >= 4) | (signs >= 10)).mean())
    return long > 0.5 and texts.nunique() > 0.9 * len(texts)


def _dated(grid: Grid, columns: dict[str, Any]) -> dict[str, Any]:
    """Returns the time: a further column with a date in every line.

    A column of dates that has one value for each item or each user describes these. Large numbers
    are times only where the name of the column means a time. Raises UsageError for several columns.
    """
    frame, some = grid.frame, _some(grid.frame)
    times = []
    for one in frame.columns:
        if one in columns.values() or not len(frame):
            continue
        texts = some[one].astype(str).str.strip()
        values = pd.to_numeric(texts, errors="coerce").to_numpy(float)
        since = bool(words_of(one) & _CLOCKS) and bool((values > 1e8).all())
        clear = (texts != "").mean() > 0.95 and (since or are_dates(texts))
        if clear and not any(_constant(frame[columns[role]], frame[one]) for role in _IDS):
            times.append(one)
    if len(times) > 1:
        first = ", ".join(f"{one!s} = {frame[one].iloc[0]!s}"[:60] for one in times[:4])
        raise UsageError(
            Message(
                "{name}: several columns could be the time: {columns}",
                name=grid.name,
                columns=first,
            ),
            code="two-readings",
            where=grid.name,
            fix=Message("Give one of them with --time, such as --time {column}.", column=times[0]),
        )
    return {"time": times[0]} if times else {}


_IDS = ("user", "item")


def _constant(ids: pd.Series, column: pd.Series) -> bool:
    """Returns True where each id that has several lines has a single value in the column."""
    left, _ = coded(ids)
    right, _ = coded(column)
    first, _ = _pairs(left, right)
    lines = np.bincount(left[left >= 0])
    return bool((lines > 1).any()) and len(first) == len(np.unique(left))
