"""Columns of interactions: finds user, item, rating and time, and converts texts to numbers.

Cells are texts, so that an id such as "007" stays unchanged.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused
from tenfold.core.message import Message
from tenfold.core.progress import tell
from tenfold.media.reading import AS_FOUND, Reading, column_of, columns_of, seconds_of

__all__ = ["ROLES", "Frame", "coded", "problems", "role_of", "roled"]

ROLES = {
    "user": (
        "user userid uid username customer customerid visitor visitorid reviewer reviewerid "
        "session sessionid member memberid person client clientid "
        "用户 用户id 用户编号 顾客 会员 客户"
    ).split(),
    "item": (
        "item itemid iid movie movieid product productid asin sku article articleid track trackid "
        "artist artistid song songid book bookid isbn business businessid goods goodsid "
        "news newsid "
        "物品 物品id 商品 商品id 商品编号 电影 电影id 歌曲 图书"
    ).split(),
    "rating": "rating ratings score stars star preference overall 评分 打分 评级 星级".split(),
    "time": (
        "time timestamp date datetime ts unixreviewtime createdat eventtime 时间 日期 时间戳"
    ).split(),
}
DAY = 86_400.0


@dataclass
class Frame:
    """The lines of one file: one column of N texts for each role that the file has.

    `numbers` (N,) are line numbers, `extra` the columns without a role, `by` those that scores are
    reported by. `ordered` is True where the order of the lines is the order in time.
    """

    columns: dict[str, pd.Series]
    numbers: np.ndarray
    name: str
    part: str
    problems: list[tuple[str, Problem]]
    ordered: bool = False
    extra: dict[str, pd.Series] = field(default_factory=dict)
    by: dict[str, pd.Series] = field(default_factory=dict)


def role_of(name: str) -> str | None:
    """Returns the role (user, item, rating or time) of a usual column name; None for others."""
    plain = re.sub(r"[\s_\-.]", "", str(name).split(":")[0].strip().lower())
    return next((role for role, names in ROLES.items() if plain in names), None)


def roled(
    frame: pd.DataFrame,
    name: str,
    part: str,
    header: bool = True,
    reading: Reading = AS_FOUND,
) -> Frame:
    """Returns the columns of a table by role: as the user gave them, else by name or content.

    Raises DataRefused where no column of users or no column of items is found.
    """
    given = {"rating": "target", "time": "time"}
    columns: dict[str, Any] = {
        own: column
        for own, role in given.items()
        if (column := column_of(reading, role, frame.columns, name)) is not None
    }
    by = columns_of(reading, "by", frame.columns, name)
    for one in frame.columns:
        role = role_of(one) if header else None
        if role and role not in columns and one not in [*columns.values(), *by]:
            columns[role] = one
    free = [one for one in frame.columns if one not in [*columns.values(), *by]]
    guessed = {} if {"user", "item"} <= set(columns) else _guessed(frame, free, set(columns))
    columns |= {role: one for role, one in guessed.items() if role not in columns}
    if missing := {"user", "item"} - set(columns):
        raise _missing(frame, name, min(missing))
    if "rating" in columns and _words(frame[columns["rating"]]):
        free.append(one := columns.pop("rating"))
        tell(
            Message(
                "{name}: the column {column!r} holds words, so it is not used as ratings.",
                name=name,
                column=str(one),
            )
        )
    if guessed:
        said = ", ".join(f"{role} = {columns[role]}" for role in ROLES if role in columns)
        tell(Message("Columns of {name}: {columns}.", name=name, columns=said))
    extra = {str(one): frame[one] for one in free if one not in columns.values()}
    numbers = np.arange(1, len(frame) + 1)
    found = {role: frame[one] for role, one in columns.items()}
    told = {str(one): frame[one] for one in by}
    return Frame(found, numbers, name, part, [], extra=extra, by=told)


def _missing(frame: pd.DataFrame, name: str, role: str) -> DataRefused:
    """The error for a table without a column of users or of items."""
    has = ", ".join(map(repr, map(str, frame.columns[:20])))
    return DataRefused(
        Message(
            "{name} has no column {missing!r} and none with a similar name; it has {columns}",
            name=name,
            missing=role,
            columns=has,
        ),
        code="missing-column",
        where=name,
        fix=Message("Name the columns user, item and, if present, rating and time."),
    )


def _guessed(frame: pd.DataFrame, free: list[Any], known: set[str]) -> dict[str, Any]:
    """Returns roles detected from the content of the columns `free`, which have no role yet.

    Times are large numbers or dates, ratings are small numbers, the first other columns are ids.
    """
    found: dict[str, Any] = {}
    some = frame.iloc[np.linspace(0, len(frame) - 1, min(len(frame), 2000)).astype(int)]
    for one in free[2 - len(known & {"user", "item"}) :]:
        texts = some[one].astype(str)
        values = pd.to_numeric(texts, errors="coerce").to_numpy(float)
        most = np.isfinite(values).mean() > 0.6
        if most and "time" not in known | found.keys() and np.nanmedian(values) > 1e8:
            found["time"] = one
        elif most and "rating" not in known | found.keys() and np.nanmax(np.abs(values)) <= 1000:
            found["rating"] = one
        elif "time" not in known | found.keys() and _dates(texts[:50]).notna().mean() > 0.8:
            found["time"] = one
    ids = [one for one in free if one not in found.values()]
    texts = [some[one].astype(str) for one in ids[:2]]
    if not found and texts and not known and (_digits(texts[0]) < 0.5 or any(map(_prose, texts))):
        return {}  # looks like running text, the data of another task
    for role, one in zip([r for r in ("user", "item") if r not in known], ids, strict=False):
        found[role] = one
    return found


def _words(column: pd.Series) -> bool:
    """Returns True where fewer than half of the filled cells are numbers."""
    some = column.iloc[np.linspace(0, len(column) - 1, min(len(column), 2000)).astype(int)]
    texts = some.astype(str).str.strip()
    texts = texts[texts != ""]
    return len(texts) > 0 and pd.to_numeric(texts, errors="coerce").notna().mean() < 0.5


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


def _dates(texts: pd.Series) -> pd.Series:
    return pd.to_datetime(texts, errors="coerce", utc=True, format="mixed")


# --- texts to numbers -----------------------------------------------------------------------------


def coded(texts: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Returns (N,) codes and the distinct stripped texts that they index; empty texts have -1."""
    column = (
        texts if isinstance(texts.dtype, pd.CategoricalDtype) else _said(texts).astype("category")
    )
    names = pd.Index(column.cat.categories).astype(str).str.strip()
    place, different = pd.factorize(names)
    place = np.where(different[place] == "", -1, place) if len(place) else place
    return np.append(place, -1)[column.cat.codes.to_numpy()], np.asarray(different, object)


def _said(texts: pd.Series) -> pd.Series:
    """Converts cells to texts: whole floats without a decimal point, missing values to ""."""
    blank = texts.isna()
    said = texts.map(lambda one: str(int(one)) if _whole(one) else str(one))
    return said.where(~blank, "")


def _whole(one: Any) -> bool:
    return isinstance(one, (float, np.floating)) and np.isfinite(one) and float(one).is_integer()


def _numbers(texts: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Returns (N,) numbers, NaN if missing or invalid, and (N,) True where invalid."""
    codes, names = coded(texts)
    values = np.append(pd.to_numeric(pd.Series(names, dtype=object), errors="coerce"), np.nan)
    found = np.asarray(values, float)[codes]
    return found, (codes >= 0) & ~np.isfinite(found)


def _times(texts: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Returns (N,) seconds since 1970, NaN if missing or invalid, and (N,) True where invalid."""
    codes, names = coded(texts)
    values, _ = seconds_of(pd.Series(names, dtype=object))
    found = np.append(values, np.nan)[codes]
    return found, (codes >= 0) & ~np.isfinite(found)


_FILL = Message("Fill in the cell, or remove the line.")
_DATE = Message("Write seconds since 1970, or a date.")
NO_USER = Problem("no-user", Message("has no user"), _FILL)
NO_ITEM = Problem("no-item", Message("has no item"), _FILL)
BAD_RATING = Problem(
    "bad-rating", Message("has a rating that is not a number"), Message("Write it as a number.")
)
BAD_TIME = Problem("bad-time", Message("has an invalid time"), _DATE)
TOO_EARLY = Problem("bad-time", Message("has a time before 1970"), _DATE)
TOO_LATE = Problem(
    "bad-time",
    Message("has a time in the future"),
    Message("Correct the date, or the clock of this machine."),
)


def problems(
    frame: Frame, user: np.ndarray, item: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns (N,) ratings, (N,) times, and (N,) True for valid lines.

    The problems of the other lines are added to `frame.problems`.
    """
    nothing = np.full(len(user), np.nan)
    rating, wordy = (
        _numbers(frame.columns["rating"]) if "rating" in frame.columns else (nothing, None)
    )
    when, untimely = _times(frame.columns["time"]) if "time" in frame.columns else (nothing, None)
    checks = [
        (user < 0, NO_USER),
        (item < 0, NO_ITEM),
        (wordy, BAD_RATING),
        (untimely, BAD_TIME),
        (when < 0, TOO_EARLY),
        (when > time.time() + DAY, TOO_LATE),
    ]
    good = np.ones(len(user), bool)
    for wrong, problem in checks:
        if wrong is None:
            continue
        rows = np.flatnonzero(wrong & good)
        frame.problems += [(f"{frame.name}:{frame.numbers[row]}", problem) for row in rows]
        good[rows] = False
    return rating, when, good
