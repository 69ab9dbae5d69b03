"""Texts of interactions as codes, ratings and times, and the problems of lines."""

from __future__ import annotations

import re
import time
from typing import Any

import numpy as np
import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.message import Message
from tenfold.core.taken import Taken
from tenfold.media.dates import times_of_distinct
from tenfold.media.interactions.columns import Frame

__all__ = ["coded", "counts_of", "is_measure", "is_number", "no_marks", "numbers_of", "problems"]

DAY = 86_400.0
NO_WORDS = frozenset(
    "false no n f dislike disliked thumbsdown returned return refunded refund cancelled canceled "
    "rejected 否 不 不喜欢 退货 已退货 取消 已取消 nein non".split()
)
YES_WORDS = frozenset(
    "true yes y t like liked thumbsup ok done completed complete delivered shipped bought kept "
    "是 喜欢 完成 已完成 ja oui si".split()
)
_COMMA = re.compile(r"[-+]?\d+,\d+")
_THOUSANDS = re.compile(r"[-+]?\d{1,3},\d{3}")


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


def numbers_of(names: np.ndarray, commas: bool) -> tuple[np.ndarray, str]:
    """Returns the numbers in distinct texts, NaN where there is none.

    Words for yes and no are 1 and 0. A comma is the decimal sign where `commas` allows it, or where
    three digits after it are not the rule; the second value is the first such text, "" for none.
    """
    values = pd.to_numeric(pd.Series(names, dtype=object), errors="coerce").to_numpy(float).copy()
    for at in np.flatnonzero(~np.isfinite(values)):
        plain = re.sub(r"[\s_-]", "", str(names[at])).lower()
        values[at] = 0.0 if plain in NO_WORDS else 1.0 if plain in YES_WORDS else np.nan
    open_ = [at for at in np.flatnonzero(~np.isfinite(values)) if _COMMA.fullmatch(names[at])]
    if not open_ or not (commas or not all(_THOUSANDS.fullmatch(names[at]) for at in open_)):
        return values, ""
    for at in open_:
        values[at] = float(names[at].replace(",", "."))
    return values, str(names[open_[0]])


def is_number(texts: pd.Series, commas: bool) -> bool:
    """Returns True where at least half of the filled cells are numbers, or words for yes and no."""
    codes, names = coded(texts)
    values, _ = numbers_of(names, commas)
    filled = codes[codes >= 0]
    return not len(filled) or bool(np.isfinite(values[filled]).mean() >= 0.5)


def _numbers(
    frame: Frame, role: str, taken: Taken | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Returns (N,) numbers of a role, NaN where missing, and True where invalid."""
    if role not in frame.columns:
        return np.full(len(frame.numbers), np.nan), None
    codes, names = coded(frame.columns[role])
    values, comma = numbers_of(names, frame.commas)
    if comma and taken is not None:
        taken.note(
            Message(
                "{name}: a comma is the decimal sign in {column}: {cell}",
                name=frame.name,
                column=frame.names.get(role, role),
                cell=comma,
            )
        )
    found = np.append(values, np.nan)[codes]
    return found, (codes >= 0) & ~np.isfinite(found)


def no_marks(frame: Frame) -> np.ndarray:
    """Returns (N,) True where a line means no: returned, cancelled, or a negative quantity."""
    weight, _ = _numbers(frame, "weight")
    no = weight < 0
    for role, words in (("undone", YES_WORDS | {"1"}), ("status", NO_WORDS)):
        if role in frame.columns:
            codes, names = coded(frame.columns[role])
            plain = [re.sub(r"[\s_.-]", "", str(name)).lower() for name in names]
            marked = np.append(np.isin(plain, list(words)), False)
            no = no | marked[codes]
    return no


def counts_of(frame: Frame) -> np.ndarray:
    """Returns (N,) how often each line counts: its count, 1 without one, 0 where it means no."""
    if not {"weight", "undone", "status"} & frame.columns.keys():
        return np.ones(len(frame.numbers))
    weight, _ = _numbers(frame, "weight")
    return np.where(no_marks(frame), 0.0, np.where(np.isfinite(weight), weight, 1.0))


_FILL = Message("Fill in the cell, or remove the line.")
_DATE = Message("Write seconds since 1970, or a date.")
NO_USER = Problem("no-user", Message("has no user"), _FILL)
NO_ITEM = Problem("no-item", Message("has no item"), _FILL)
BAD_TIME = Problem("bad-time", Message("has an invalid time"), _DATE)
TOO_EARLY = Problem("bad-time", Message("has a time before 1970"), _DATE)
TOO_LATE = Problem(
    "bad-time",
    Message("has a time in the future"),
    Message("Correct the date, or the clock of this machine."),
)
WITHOUT_USER = 0.05, 0.6
"""Shares of lines without a user between which the file as a whole has such lines by its nature."""


def _bad_rating(cell: Any) -> Problem:
    return Problem(
        "bad-rating",
        Message("has a rating that is not a number: {cell!r}", cell=str(cell)[:40]),
        Message("Write the rating as a number."),
    )


Values = tuple[np.ndarray, np.ndarray, np.ndarray]


def problems(
    frame: Frame, user: np.ndarray, item: np.ndarray, taken: Taken, order: str = ""
) -> Values:
    """Returns (N,) ratings, (N,) times, and (N,) True for valid lines.

    The problems of the other lines are added to `frame.problems`. `order` is that of day and month.
    Raises UsageError where this order is unclear.
    """
    rating, wordy = _numbers(frame, "rating", taken)
    when, untimely = np.full(len(user), np.nan), None
    if "time" in frame.columns:
        codes, names = coded(frame.columns["time"])
        filled = np.unique(codes[codes >= 0])
        times = times_of_distinct([str(one) for one in names[filled]], order, frame.name)
        seconds = np.full(len(names) + 1, np.nan)
        seconds[filled] = times.seconds
        when = seconds[codes]
        untimely = (codes >= 0) & ~np.isfinite(when)
        frame.order = times.order
        if times.note:
            taken.note(times.note)
    good = np.ones(len(user), bool)
    if len(user) and WITHOUT_USER[0] < (user < 0).mean() <= WITHOUT_USER[1] and frame.extra:
        good = user >= 0
        taken.leave("rows", [], int((~good).sum()), Message("without a user"))
    checks = [
        (user < 0, NO_USER),
        (item < 0, NO_ITEM),
        (wordy, None),
        (untimely, BAD_TIME),
        (when < 0, TOO_EARLY),
        (when > time.time() + DAY, TOO_LATE),
    ]
    for wrong, problem in checks:
        if wrong is None:
            continue
        rows = np.flatnonzero(wrong & good)
        frame.problems += [
            (
                f"{frame.name}:{frame.numbers[row]}",
                problem or _bad_rating(frame.columns["rating"].iloc[row]),
            )
            for row in rows
        ]
        good[rows] = False
    return rating, when, good


def is_measure(texts: pd.Series) -> bool:
    """Returns True for numbers that are not codes: with a decimal sign, or negative."""
    filled = texts[texts != ""]
    if not len(filled):
        return True
    numbers = filled.str.fullmatch(r"[-+]?\d*[.,]?\d+(?:[eE][-+]?\d+)?")
    signed = filled.str.contains(r"^-|[.,]") & ~filled.str.contains(r"\.0$")
    return bool(numbers.mean() > 0.9 and signed.any())
