"""Times in columns: seconds since 1970 from numbers and dates, in one form for a whole column.

The form is chosen once from all distinct cells: a number since 1970, a compact number such as
20200913, year first, day first, month first, or with the name of the month. A cell that does not
fit the form of its column is invalid; it never changes how the other cells are read. Dates without
a time zone are in UTC.
"""

from __future__ import annotations

import calendar
import datetime
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tenfold.core.errors import UsageError
from tenfold.core.message import EMPTY, Message

__all__ = ["DAY_FIRST", "MONTH_FIRST", "Times", "are_dates", "times_of", "times_of_distinct"]

DAY_FIRST, MONTH_FIRST = "day-first", "month-first"
CLEAR = 0.95
"""Share of the distinct cells whose evidence for one order of day and month is a clear majority."""
EVIDENCE = 0.01
"""Least share of the distinct cells that must show the order of day and month."""
SAMPLE = 1000
"""Number of distinct cells that decide the notation of a column."""
MANY = 5000
"""Number of distinct cells from which pandas parses the common notations first, which is faster."""
ROUND = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)

_MONTH_NAMES = """
    january february march april may june july august september october november december
    jan feb mar apr may jun jul aug sep oct nov dec
    januar februar märz april mai juni juli august september oktober november dezember
    jan feb mär apr mai jun jul aug sept okt nov dez
    janvier février mars avril mai juin juillet août septembre octobre novembre décembre
    janv févr mars avr mai juin juil août sept oct nov déc
    enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
    ene feb mar abr may jun jul ago sept oct nov dic
    gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre
    gen feb mar apr mag giu lug ago set ott nov dic
    januari februari maart april mei juni juli augustus september oktober november december
    jan feb mrt apr mei jun jul aug sep okt nov dec
    janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro
    jan fev mar abr mai jun jul ago set out nov dez
""".split()
_MONTHS = {name: at % 12 + 1 for at, name in enumerate(_MONTH_NAMES)}
"""Month by name, in English, German, French, Spanish, Italian, Dutch and Portuguese."""

_TIME = (
    r"(?:(?:\s*[T,:]\s*|\s+)(?P<half1>am|pm)?\s*(?P<hour>\d{1,2})[:.h](?P<minute>\d{1,2})"
    r"(?:[:.](?P<second>\d{1,2})(?:[.,](?P<fraction>\d{1,9}))?)?\s*(?P<half2>[ap]\.?m\.?)?"
    r"|\s+(?P<hour12>\d{1,2})\s*(?P<half3>[ap]\.?m\.?))?"
    r"\s*(?P<zone>z|utc|gmt|(?:utc|gmt)?[+-]\d{2}:?(?:\d{2})?)?"
)
_NAME = r"(?P<name>[^\W\d_]{3,12})\.?"
_YEAR = r"(?P<year>\d{4})"
_PATTERNS = {
    "year-first": rf"{_YEAR}\s*[-/. ]\s*(?P<month>\d{{1,2}})(?:\s*[-/. ]\s*(?P<day>\d{{1,2}}))?\.?",
    "numbers": r"(?P<first>\d{1,2})\s*[-/. ]\s*(?P<other>\d{1,2})\s*[-/. ]\s*(?P<year>\d{4}|\d{2})",
    "named": rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.|er)?[-/ ]*(?:de |of )?{_NAME}"
    r"[-/, ]*(?:de )?(?P<year>\d{4}|(?<![\d ])\d{2}|(?<= )\d{2}(?!:))",
    "named, month first": rf"{_NAME}[-/ ]*(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[-/, ]+{_YEAR}",
    "named, year first": rf"{_YEAR}[-/ ]*{_NAME}[-/ ]*(?P<day>\d{{1,2}})",
    "named, without day": rf"{_NAME}[-/, ]*{_YEAR}",
    "without day": rf"(?P<month>\d{{1,2}})\s*[-/.]\s*{_YEAR}",
    "short year first": r"(?P<year>\d{2})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})",
}
_FORMS = {name: re.compile(text + _TIME, re.I) for name, text in _PATTERNS.items()}
_FORMS["year last"] = re.compile(
    rf"{_NAME}\s+(?P<day>\d{{1,2}})\s+(?P<hour>\d{{1,2}}):(?P<minute>\d{{2}}):(?P<second>\d{{2}})"
    rf"\s*(?P<zone>utc|gmt|z|[+-]\d{{2}}:?\d{{2}})?\s+{_YEAR}",
    re.I,
)
_DAYS = "|".join([*calendar.day_name, "tues", "thurs", *calendar.day_abbr]).lower()
_WEEKDAY = re.compile(rf"^(?:{_DAYS})\b[., ]*|^(?:星期|周|週)[一二三四五六日天]\s*", re.I)
_CLOCK = re.compile(
    r"(.*?)(?:\s|T|,|日|号|號)+((?:上午|下午|am|pm)?\s*\d{1,2}[:时時点點h]\d{2}.*)", re.I
)
"""A date, and the clock after it."""
_HALVES = {"上午": " am ", "下午": " pm ", "凌晨": " am ", "晚上": " pm "}
_COMPACT = re.compile(r"(?:19|20|21)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:T?\d{4,6}Z?)?")


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
    form = _form(texts)
    fits = [_fits(form, text) for text in _sampled(texts)]
    return form not in ("number", "year") and sum(fits) >= CLEAR * len(fits)


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


# --- the form of a column -------------------------------------------------------------------------


def _sampled(texts: Sequence[str]) -> list[str]:
    places = np.linspace(0, len(texts) - 1, min(len(texts), SAMPLE)).astype(int)
    return [texts[at] for at in places]


def _fits(form: str, text: str) -> bool:
    if form == "number":
        return _number(text) is not None
    if form == "year":
        return bool(re.fullmatch(r"(?:19|20)\d{2}(?:\.0)?", text))
    if form == "compact":
        return bool(_COMPACT.fullmatch(text.removesuffix(".0")))
    return bool(_FORMS[form].fullmatch(_plain(text)))


def _form(texts: Sequence[str]) -> str:
    """Returns the form that most of the sampled cells have."""
    sample = _sampled(texts)
    counts = {
        form: sum(_fits(form, text) for text in sample)
        for form in ("compact", "year", "number", *_FORMS)
    }
    if counts["compact"] > 0.5 * len(sample):  # as a number since 1970, a day of that year
        return "compact"
    return max(counts, key=lambda form: counts[form])


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) and "_" not in text else None


def _plain(text: str) -> str:
    """Returns a date in digits, Latin letters and signs; weekdays are removed."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        for word, half in _HALVES.items():
            text = text.replace(word, half)
        text = re.sub(r"\s*\((?:星期|周|週)?[一二三四五六日天月火水木金土]\)\s*", " ", text)
        text = re.sub(r"\s*(?:星期|周|週)[一二三四五六日天]\s*", " ", text)
        text = re.sub(r"\s*[年月년월]\s*", "-", text)
        text = re.sub(r"[日号號일]", " ", text)
        text = re.sub(r"(?<=\d)\s*[时時点點시분分](?!$)\s*", ":", text)
        text = re.sub(r":?\s*[秒초]|(?<=\d)\s*[分분]", "", text)
        text = re.sub(r"(?<=\d)[时時点點시]$", ":00", text)
        text = re.sub(r"-\s*$", "", text).strip()
    return _WEEKDAY.sub("", text).strip()


# --- from texts to seconds ------------------------------------------------------------------------


def _seconds(texts: list[str], order: str, where: str) -> tuple[np.ndarray, str, Message]:
    if not texts:
        return np.zeros(0), "", EMPTY
    form = _form(texts)
    if form == "number":
        return _since_1970(texts), "", EMPTY
    if form == "year":
        dates = [f"{text[:4]}-01-01" if _fits(form, text) else "" for text in texts]
        return _parsed(dates, "year-first"), "", EMPTY
    if form == "compact":
        return _parsed([_spread(text) for text in texts], "year-first"), "", EMPTY
    if form != "numbers":
        return _parsed(texts, form), "", EMPTY
    return _ordered(texts, order, where)


def _since_1970(texts: list[str]) -> np.ndarray:
    """Returns seconds; numbers too large for seconds are milli-, micro- or nanoseconds."""
    values = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce").to_numpy(float)
    values = np.where(np.isfinite(values), values, np.nan)
    large = np.nanmedian(np.abs(values)) if np.isfinite(values).any() else 0.0
    scale = 1e9 if large > 1e17 else 1e6 if large > 1e14 else 1e3 if large > 1e11 else 1.0
    return np.asarray(values / scale)


def _spread(text: str) -> str:
    """Returns 20200913 and 20200913T122737 with signs between, "" for other texts."""
    digits = re.sub(r"[TZ]", "", text.removesuffix(".0"))
    if not _COMPACT.fullmatch(text.removesuffix(".0")):
        return ""
    date, time = digits[:8], digits[8:]
    clock = ":".join(re.findall("..", time)) if len(time) in (4, 6) else ""
    return f"{date[:4]}-{date[4:6]}-{date[6:]} {clock}".strip()


def _parsed(texts: list[str], form: str, order: str = "") -> np.ndarray:
    """Returns seconds of dates in a form, NaN for other texts."""
    if len(texts) < MANY:
        return np.array([_moment(text, form, order) for text in texts], float)
    found = np.full(len(texts), np.nan)
    if form == "year-first":
        series = pd.Series(texts, dtype=object)
        dates = pd.to_datetime(series, format="ISO8601", errors="coerce", utc=True)
        numbers = dates.to_numpy("datetime64[ns]").astype("int64")
        found = np.where(dates.isna(), np.nan, numbers / 1e9)
    rest = np.flatnonzero(~np.isfinite(found))
    found[rest] = _in_pieces([texts[at] for at in rest], form, order)
    return found


def _pieces(text: str) -> tuple[str, str]:
    """Returns the date of a text and the clock after it, "" where there is none."""
    day, _, clock = text.partition(" ")
    if ":" in clock[1:3]:
        return day, clock
    found = _CLOCK.match(text)
    return (found[1], found[2]) if found else (text, "")


def _in_pieces(texts: list[str], form: str, order: str) -> np.ndarray:
    """Returns what `_moment` returns for each text, and parses each date and clock only once."""
    pieces = [_pieces(text) for text in texts]
    days = {day: _moment(day, form, order) for day in {day for day, _ in pieces}}
    clocks = {
        clock: _moment(f"1970-01-01 {clock}", "year-first") if clock else 0.0
        for clock in {clock for _, clock in pieces}
    }
    found = np.array([days[day] + clocks[clock] for day, clock in pieces], float)
    for at in np.flatnonzero(~np.isfinite(found)):
        if pieces[at][1]:
            found[at] = _moment(texts[at], form, order)
    return found


def _moment(text: str, form: str, order: str = "") -> float:
    """Returns the seconds since 1970 of one date, NaN where it is not one in this form."""
    found = _FORMS[form].fullmatch(_plain(text))
    if found is None:
        return float("nan")
    parts = {name: value for name, value in found.groupdict().items() if value}
    try:
        return _total(parts, order)
    except (ValueError, OverflowError):
        return float("nan")


def _total(parts: dict[str, str], order: str) -> float:
    """Returns the seconds of the parts of a date; raises ValueError where there is no such date."""
    if "first" in parts:
        day, month = int(parts["first"]), int(parts["other"])
        if order == MONTH_FIRST:
            day, month = month, day
    else:
        name = parts.get("name", "").lower()
        month = _MONTHS.get(name, 0) if name else int(parts["month"])
        day = int(parts.get("day", 1))
    year = int(parts["year"])
    if len(parts["year"]) == 2:
        year += 1900 if year >= 69 else 2000
    hour = int(parts.get("hour12") or parts.get("hour") or 0)
    half = (parts.get("half1") or parts.get("half2") or parts.get("half3") or "")[:1].lower()
    if half and hour <= 12:  # a clock of 24 hours may have am or pm as well
        hour = hour % 12 + (12 if half == "p" else 0)
    rest = float(f"0.{parts['fraction']}") if "fraction" in parts else 0.0
    clock = hour, int(parts.get("minute", 0)), int(parts.get("second", 0))
    moment = datetime.datetime(year, month, day, *clock, tzinfo=datetime.UTC)
    return (moment - ROUND).total_seconds() + rest - _offset(parts.get("zone", ""))


def _offset(zone: str) -> int:
    """Returns the seconds by which a time zone is ahead of UTC."""
    digits = re.sub(r"\D", "", zone)
    if not digits:
        return 0
    ahead = int(digits[:2]) * 3600 + int(digits[2:] or 0) * 60
    return -ahead if "-" in zone else ahead


# --- day first or month first ---------------------------------------------------------------------


def _ordered(texts: list[str], order: str, where: str) -> tuple[np.ndarray, str, Message]:
    """Returns the seconds of dates such as 13/09/2020, the order of day and month, and a note."""
    heads = list(dict.fromkeys(_pieces(text)[0] for text in texts))
    day, month = (_parsed(heads, "numbers", one) for one in (DAY_FIRST, MONTH_FIRST))
    short = _parsed(heads, "short year first")
    if np.isfinite(short).sum() > max(np.isfinite(day).sum(), np.isfinite(month).sum()):
        return _parsed(texts, "short year first"), "", EMPTY
    only_day = np.isfinite(day) & ~np.isfinite(month)
    only_month = np.isfinite(month) & ~np.isfinite(day)
    order = order or _order(int(only_day.sum()), int(only_month.sum()), len(heads))
    both = np.isfinite(day) & np.isfinite(month)
    if not order:
        alike = np.array_equal(np.argsort(day[both]), np.argsort(month[both]))
        if not alike or only_day.any() or only_month.any():
            open_ = np.flatnonzero(both & (day != month))
            at = int(open_[0]) if len(open_) else 0
            raise _two_readings(heads[at], day[at], month[at], where)
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
            date=_written(found[at]),
        )
    return _parsed(texts, "numbers", order), order, note


def _order(days: int, months: int, cells: int) -> str:
    """Returns the order that a clear majority shows; "" where there is none.

    `days` and `months` are the numbers of cells that are dates in only one of the two orders.
    """
    if max(days, months) < EVIDENCE * cells or not max(days, months):
        return ""
    if max(days, months) < CLEAR * (days + months):
        return ""
    return DAY_FIRST if days > months else MONTH_FIRST


def _written(seconds: float) -> str:
    return (ROUND + datetime.timedelta(seconds=float(seconds))).strftime("%Y-%m-%d")


def _two_readings(cell: str, day: Any, month: Any, where: str) -> UsageError:
    return UsageError(
        Message(
            "The dates can be read in two ways: {cell} is {first} with --dates day-first, "
            "{second} with --dates month-first",
            cell=cell[:40],
            first=_written(day) if np.isfinite(day) else "-",
            second=_written(month) if np.isfinite(month) else "-",
        ),
        code="two-readings",
        where=where,
        fix=Message("Give --dates day-first or --dates month-first."),
    )
