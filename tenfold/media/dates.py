"""Times in columns: seconds since 1970 from numbers and dates, in one form for a whole column.

The form is chosen once from all distinct cells: a number since 1970, a compact number such as
20200913, year first, day first, month first, or with the name of the month. A cell that does not
fit the form of its column is invalid; it never changes how the other cells are read. Dates without
a time zone are in UTC.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tenfold.core.errors import UsageError
from tenfold.core.message import EMPTY, Message
from tenfold.media.date_forms import (
    MONTH_FIRST,
    ROUND,
    fits,
    form_of,
    parsed,
    pieces,
    sampled,
    seconds_in,
)

__all__ = [
    "DAY_FIRST",
    "MONTH_FIRST",
    "Times",
    "are_dates",
    "order_shown",
    "times_of",
    "times_of_distinct",
    "two_readings",
    "written_day",
]

DAY_FIRST = "day-first"
CLEAR = 0.95
"""Share of the distinct cells whose evidence for one order of day and month is a clear majority."""
EVIDENCE = 0.01
"""Least share of the distinct cells that must show the order of day and month."""


@dataclass(frozen=True)
class Times:
    """N times of a column.

    `seconds` (N,) are since 1970, NaN where missing or invalid; `wrong` (N,) is True where invalid.
    `order` is "day-first" or "month-first" where the column has such dates, else "". `note` states
    this order with an example.
    """

    seconds: np.ndarray
    wrong: np.ndarray
    order: str = ""
    note: Message = EMPTY


def times_of(cells: pd.Series, order: str = "", where: str = "") -> Times:
    """Returns the times in a column of texts, numbers or dates.

    `order` is "day-first", "month-first", or "" where the cells decide. Raises UsageError where
    they leave both orders possible, and the order of the rows in time depends on it.
    """
    place, texts = _distinct(cells)
    times = times_of_distinct(texts, order, where)
    found = np.append(times.seconds, np.nan)[place]
    return Times(found, (place >= 0) & ~np.isfinite(found), times.order, times.note)


def times_of_distinct(texts: list[str], order: str = "", where: str = "") -> Times:
    """Returns the times of the distinct texts of a column, stripped and not blank: see `times_of`.

    Raises UsageError where the order of day and month is unclear.
    """
    seconds, chosen, note = _seconds(texts, order, where)
    return Times(seconds, ~np.isfinite(seconds), chosen, note)


def are_dates(cells: pd.Series) -> bool:
    """Returns True where all filled cells are written as dates, not only as numbers."""
    _, texts = _distinct(cells)
    if not texts:
        return False
    form = form_of(texts)
    fitting = [fits(form, text) for text in sampled(texts)]
    return form not in ("number", "year") and sum(fitting) >= CLEAR * len(fitting)


def _distinct(cells: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Returns (N,) positions in the distinct stripped texts, -1 where blank, and these texts."""
    place, names = pd.factorize(cells.astype(object), use_na_sentinel=True)
    texts = [str(name).strip() for name in names]
    if "" not in texts and texts == list(names):
        return place, texts
    joined, different = pd.factorize(np.asarray(texts, object))
    kept = [at for at, text in enumerate(different) if text]
    moved = np.full(len(different) + 1, -1)
    moved[kept] = np.arange(len(kept))
    codes = np.append(joined, len(different))[place].astype(np.int64)
    return moved[codes], [str(different[at]) for at in kept]


# --- from texts to seconds ------------------------------------------------------------------------


def _seconds(texts: list[str], order: str, where: str) -> tuple[np.ndarray, str, Message]:
    if not texts:
        return np.zeros(0), "", EMPTY
    form = form_of(texts)
    if form != "numbers":
        return seconds_in(texts, form), "", EMPTY
    return _ordered(texts, order, where)


# --- day first or month first ---------------------------------------------------------------------


def _ordered(texts: list[str], order: str, where: str) -> tuple[np.ndarray, str, Message]:
    """Returns the seconds of dates such as 13/09/2020, the order of day and month, and a note."""
    heads = list(dict.fromkeys(pieces(text)[0] for text in texts))
    day, month = (parsed(heads, "numbers", one) for one in (DAY_FIRST, MONTH_FIRST))
    short = parsed(heads, "short year first")
    if np.isfinite(short).sum() > max(np.isfinite(day).sum(), np.isfinite(month).sum()):
        return parsed(texts, "short year first"), "", EMPTY
    only_day = np.isfinite(day) & ~np.isfinite(month)
    only_month = np.isfinite(month) & ~np.isfinite(day)
    order = order or order_shown(int(only_day.sum()), int(only_month.sum()), len(heads))
    both = np.isfinite(day) & np.isfinite(month)
    if not order:
        alike = np.array_equal(np.argsort(day[both]), np.argsort(month[both]))
        if not alike or only_day.any() or only_month.any():
            open_ = np.flatnonzero(both & (day != month))
            at = int(open_[0]) if len(open_) else 0
            raise two_readings(heads[at], day[at], month[at], where)
        order = DAY_FIRST
    found, clear = (day, only_day) if order == DAY_FIRST else (month, only_month)
    places = np.flatnonzero(clear if clear.any() else np.isfinite(found))
    note = EMPTY
    if len(places):
        at = min(places.tolist(), key=lambda one: heads[one])
        note = Message(
            "Dates are read {order}: {cell} is {date} (--dates)",
            order=order,
            cell=heads[at],
            date=written_day(found[at]),
        )
    return parsed(texts, "numbers", order), order, note


def order_shown(days: int, months: int, cells: int) -> str:
    """Returns the order that a clear majority shows; "" where there is none.

    `days` and `months` are the numbers of cells that are dates in only one of the two orders.
    """
    if max(days, months) < EVIDENCE * cells or not max(days, months):
        return ""
    if max(days, months) < CLEAR * (days + months):
        return ""
    return DAY_FIRST if days > months else MONTH_FIRST


def written_day(seconds: float) -> str:
    """Returns the day of seconds since 1970 as year, month and day."""
    return (ROUND + datetime.timedelta(seconds=float(seconds))).strftime("%Y-%m-%d")


def two_readings(cell: str, day: Any, month: Any, where: str) -> UsageError:
    """Returns the error for a date that both orders of day and month allow.

    `day` and `month` are its seconds since 1970 in both orders, NaN where it is not a date.
    """
    return UsageError(
        Message(
            "The dates can be read in two ways: {cell} is {first} with --dates day-first, "
            "{second} with --dates month-first",
            cell=cell[:40],
            first=written_day(day) if np.isfinite(day) else "-",
            second=written_day(month) if np.isfinite(month) else "-",
        ),
        code="two-readings",
        where=where,
        fix=Message("Give --dates day-first or --dates month-first."),
    )
