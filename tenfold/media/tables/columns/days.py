"""Columns of dates: their forms, one order of day and month for the whole file, and values."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tenfold.core.message import EMPTY, Message
from tenfold.media.date_forms import CLOCK, COMPACT, FORMS, ROUND, pieces, sampled, seconds_in
from tenfold.media.dates import DAY_FIRST, MONTH_FIRST, order_shown, two_readings, written_day
from tenfold.media.tables.columns.cells import CellColumn, is_date

__all__ = ["SERIAL", "date_values", "forms_of", "is_compact", "number_form", "order_of"]

SHARE = 0.95
"""Least share of the texts of a column of dates that are dates."""
MAX_FORMS = 4
"""Most forms of dates in one column."""
ISO = "year-first"
"""Form of dates of ISO 8601: no other reading is possible."""
SERIAL, SCALE = "serial", "since 1970/"
"""Forms of dates as numbers: days of spreadsheets, seconds since 1970 times a factor."""
_SERIALS = 10_000, 80_000
"""Days of spreadsheets from 1927 to 2119."""
_FIRST_SERIAL = 25_569
"""Day of spreadsheets that is 1970-01-01."""
DAY = 86_400.0


def _reads(texts: Sequence[str], form: str) -> np.ndarray:
    """Returns (D,) True where a text is a date of a form, in some order of day and month."""
    found = np.isfinite(seconds_in(list(texts), form, DAY_FIRST))
    if form == "numbers":
        found |= np.isfinite(seconds_in(list(texts), form, MONTH_FIRST))
    return found


def forms_of(texts: Sequence[str], counts: Sequence[int]) -> tuple[str, ...]:
    """Returns the forms of dates that nearly all cells have; () where they do not.

    `counts` are the numbers of cells of the distinct texts. The first form is that of most texts; a
    further one needs at least 2 texts of the sample.
    """
    sample = dict(zip(sampled(texts), sampled(counts), strict=True))
    rest = list(sample)
    forms: list[str] = []
    while rest and len(forms) < MAX_FORMS:
        read = {form: _reads(rest, form) for form in (COMPACT, *FORMS, CLOCK)}
        form = max(read, key=lambda one: int(read[one].sum()))
        if not read[form].any() or (forms and read[form].sum() < min(2, len(rest))):
            break
        forms.append(form)
        rest = [text for text, fit in zip(rest, read[form], strict=True) if not fit]
    lost = sum(sample[text] for text in rest)
    return tuple(forms) if lost <= (1 - SHARE) * sum(sample.values()) else ()


def is_compact(cells: CellColumn, used: np.ndarray) -> bool:
    """Returns True where nearly all numbers are days such as 20240131."""
    texts = [cells.texts[at] for at in np.flatnonzero(used)[:1000]]
    if len(texts) < 2 or not all(len(text) in (8, 12, 14) for text in texts[:20]):
        return False
    return bool(_reads(texts, COMPACT).mean() >= SHARE)


def number_form(values: np.ndarray) -> str:
    """Returns the form of dates written as numbers: years, spreadsheet days or times since 1970."""
    middle = float(np.nanmedian(values)) if np.isfinite(values).any() else 0.0
    if _SERIALS[0] <= middle <= _SERIALS[1]:
        return SERIAL
    if 1000 <= middle <= 2999:
        return "year"
    power = 9 if middle > 1e17 else 6 if middle > 1e14 else 3 if middle > 1e11 else 0
    return f"{SCALE}{10**power}"


def date_values(
    cells: CellColumn, forms: Sequence[str], order: str, missing: Collection[str] = ()
) -> np.ndarray:
    """Returns (D,) seconds since 1970 of the distinct cells, NaN where a cell is not a date.

    A text is read in the first of the `forms` that it has; a date of ISO 8601, as which files of
    typed columns give dates, is read in any case.
    """
    values = np.full(len(cells.distinct), np.nan)
    for at in np.flatnonzero(cells.typed):
        if is_date(cells.distinct[at]):
            values[at] = _seconds(cells.distinct[at])
    for form in dict.fromkeys([*forms, ISO]):
        rest = [
            int(at)
            for at in np.flatnonzero(np.isnan(values))
            if not is_date(cells.distinct[at]) and cells.texts[at] not in missing
        ]
        texts = [cells.texts[at] for at in rest]
        if form == SERIAL or form.startswith(SCALE):
            values[rest] = _of_numbers(texts, form)
        else:
            values[rest] = seconds_in(texts, form, order or DAY_FIRST)
    found: np.ndarray = np.round(values, 6)
    return found


def _of_numbers(texts: list[str], form: str) -> np.ndarray:
    numbers = np.array([_number(text) for text in texts], float)
    if form == SERIAL:
        found: np.ndarray = (numbers - _FIRST_SERIAL) * DAY
        return found
    return np.asarray(numbers / float(form.removeprefix(SCALE)))


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return np.nan
    return value if np.isfinite(value) else np.nan


def _seconds(moment: Any) -> float:
    """Returns the seconds since 1970 of a date or datetime; without a zone it is in UTC."""
    if not isinstance(moment, datetime.datetime):
        moment = datetime.datetime(moment.year, moment.month, moment.day)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return float((moment - ROUND).total_seconds())


# --- one order for the whole file -----------------------------------------------------------------


@dataclass(frozen=True)
class _Evidence:
    """Numbers of cells that are dates in one order alone, and in both; one of each as example."""

    column: str
    heads: list[str]
    counts: np.ndarray
    day: np.ndarray
    month: np.ndarray

    @property
    def only_day(self) -> np.ndarray:
        return np.isfinite(self.day) & ~np.isfinite(self.month)

    @property
    def only_month(self) -> np.ndarray:
        return np.isfinite(self.month) & ~np.isfinite(self.day)

    @property
    def open(self) -> np.ndarray:
        return np.isfinite(self.day) & np.isfinite(self.month)

    @property
    def different(self) -> np.ndarray:
        return self.open & (self.day != self.month)


def order_of(columns: Mapping[str, CellColumn], given: str = "") -> tuple[str, Message]:
    """Returns the order of day and month in all columns of dates, and a note with its evidence.

    `columns` have dates such as 03/04/2024. Raises UsageError where the cells leave it open.
    """
    seen = [_evidence(name, cells) for name, cells in columns.items()]
    seen = [one for one in seen if len(one.heads)]
    if not seen:
        return given, EMPTY
    days = sum(int(one.counts[one.only_day].sum()) for one in seen)
    months = sum(int(one.counts[one.only_month].sum()) for one in seen)
    open_ = sum(int(one.counts[one.open].sum()) for one in seen)
    order = given or order_shown(days, months, days + months + open_)
    if not order and (days or months or any(one.different.any() for one in seen)):
        raise _unclear(seen)
    order = order or DAY_FIRST
    clear, examples = (days, "only_day") if order == DAY_FIRST else (months, "only_month")
    for one in seen:
        places = np.flatnonzero(getattr(one, examples) if clear else np.isfinite(one.day))
        if len(places):
            found = one.day if order == DAY_FIRST else one.month
            at = min(places.tolist(), key=lambda place: one.heads[place])
            return order, Message(
                "Dates of the whole file are read {order}: {cell} is {date}; {clear} cells allow "
                "only this order, {open} cells also allow the other one (--dates)",
                order=order,
                cell=one.heads[at],
                date=written_day(found[at]) if np.isfinite(found[at]) else "-",
                clear=clear,
                open=open_,
            )
    return order, EMPTY


def _evidence(name: str, cells: CellColumn) -> _Evidence:
    counts: dict[str, int] = {}
    for text, count, typed in zip(cells.texts, cells.counts, cells.typed, strict=True):
        if not typed:
            head = pieces(text)[0]
            counts[head] = counts.get(head, 0) + int(count)
    heads = list(counts)
    day, month = (seconds_in(heads, "numbers", one) for one in (DAY_FIRST, MONTH_FIRST))
    return _Evidence(name, heads, np.array(list(counts.values()), int), day, month)


def _unclear(seen: Sequence[_Evidence]) -> Exception:
    one = max(seen, key=lambda column: int(column.counts[column.different].sum()))
    places = np.flatnonzero(one.different)
    at = int(places[0]) if len(places) else 0
    return two_readings(one.heads[at], one.day[at], one.month[at], one.column)
