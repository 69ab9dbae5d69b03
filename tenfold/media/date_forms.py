"""Forms of dates and times as texts: which form a text has, and its seconds since 1970.

A form is a number since 1970, a year, a compact number such as 20200913, year first, numbers in
another order, a name of the month, or a clock alone. Dates without a time zone are in UTC.
"""

from __future__ import annotations

import calendar
import datetime
import re
import unicodedata
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import pandas as pd

__all__ = [
    "CLOCK",
    "COMPACT",
    "FORMS",
    "MONTH_FIRST",
    "ROUND",
    "fits",
    "form_of",
    "parsed",
    "pieces",
    "sampled",
    "seconds_in",
]

T = TypeVar("T")

MONTH_FIRST = "month-first"
COMPACT, CLOCK = "compact", "clock"
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
FORMS = {name: re.compile(text + _TIME, re.I) for name, text in _PATTERNS.items()}
FORMS["year last"] = re.compile(
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
_CLOCK_ALONE = re.compile(r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:\s*[ap]\.?m\.?)?", re.I)
_PLAIN_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?")
"""Dates that pandas and `_moment` read alike."""
_HALVES = {"上午": " am ", "下午": " pm ", "凌晨": " am ", "晚上": " pm "}
_COMPACT = re.compile(r"(?:19|20|21)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:T?\d{4,6}Z?)?")


def sampled(texts: Sequence[T]) -> list[T]:
    """Returns at most `SAMPLE` of the items, evenly spaced."""
    places = np.linspace(0, len(texts) - 1, min(len(texts), SAMPLE)).astype(int)
    return [texts[at] for at in places]


def fits(form: str, text: str) -> bool:
    """Returns True where a text has a form; the day itself may not exist."""
    if form == "number":
        return _number(text) is not None
    if form == "year":
        return bool(re.fullmatch(r"(?:19|20)\d{2}(?:\.0)?", text))
    if form == CLOCK:
        return bool(_CLOCK_ALONE.fullmatch(text)) and bool(np.isfinite(_clock(text)))
    if form == COMPACT:
        return bool(_COMPACT.fullmatch(text.removesuffix(".0")))
    return bool(FORMS[form].fullmatch(_plain(text)))


def form_of(texts: Sequence[str]) -> str:
    """Returns the form that most of the sampled cells have."""
    sample = sampled(texts)
    counts = {
        form: sum(fits(form, text) for text in sample)
        for form in (COMPACT, "year", "number", *FORMS)
    }
    if counts[COMPACT] > 0.5 * len(sample):  # as a number since 1970, a day of that year
        return COMPACT
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


def seconds_in(texts: list[str], form: str, order: str = "") -> np.ndarray:
    """Returns the seconds since 1970 of texts in a form, NaN for other texts.

    A clock alone has the seconds since midnight.
    """
    if form == "number":
        return _since_1970(texts)
    if form == "year":
        dates = [f"{text[:4]}-01-01" if fits(form, text) else "" for text in texts]
        return parsed(dates, "year-first")
    if form == COMPACT:
        return parsed([_spread(text) for text in texts], "year-first")
    if form == CLOCK:
        found = {text: _clock(text) for text in set(texts)}
        return np.array([found[text] for text in texts], float)
    return parsed(texts, form, order)


def _clock(text: str) -> float:
    return _moment(f"1970-01-01 {text}", "year-first") if _CLOCK_ALONE.fullmatch(text) else np.nan


def parsed(texts: list[str], form: str, order: str = "") -> np.ndarray:
    """Returns the seconds since 1970 (N,) of texts that are dates in a form, NaN for other texts.

    `order` is "day-first" or "month-first", where the form leaves it open. Times without a zone are
    in UTC.
    """
    if len(texts) < MANY:
        return np.array([_moment(text, form, order) for text in texts], float)
    found = np.full(len(texts), np.nan)
    if form == "year-first":
        series = pd.Series([text if _PLAIN_ISO.fullmatch(text) else None for text in texts])
        dates = pd.to_datetime(series, format="ISO8601", errors="coerce", utc=True)
        numbers = dates.to_numpy("datetime64[ns]").astype("int64")
        found = np.where(dates.isna(), np.nan, numbers / 1e9)
    rest = np.flatnonzero(~np.isfinite(found))
    found[rest] = _in_pieces([texts[at] for at in rest], form, order)
    return found


def pieces(text: str) -> tuple[str, str]:
    """Returns the date of a text and the clock after it, "" where there is none."""
    day, _, clock = text.partition(" ")
    if ":" in clock[1:3]:
        return day, clock
    found = _CLOCK.match(text)
    return (found[1], found[2]) if found else (text, "")


def _in_pieces(texts: list[str], form: str, order: str) -> np.ndarray:
    """Returns what `_moment` returns for each text, and parses each date and clock only once."""
    split = [pieces(text) for text in texts]
    days = {day: _moment(day, form, order) for day in {day for day, _ in split}}
    clocks = {
        clock: _moment(f"1970-01-01 {clock}", "year-first") if clock else 0.0
        for clock in {clock for _, clock in split}
    }
    found = np.array([days[day] + clocks[clock] for day, clock in split], float)
    for at in np.flatnonzero(~np.isfinite(found)):
        if split[at][1]:
            found[at] = _moment(texts[at], form, order)
    return found


def _moment(text: str, form: str, order: str = "") -> float:
    """Returns the seconds since 1970 of one date, NaN where it is not one in this form."""
    found = FORMS[form].fullmatch(_plain(text))
    if found is None:
        return float("nan")
    parts = {name: value for name, value in found.groupdict().items() if value}
    try:
        return _total(parts, order)
    except (ValueError, OverflowError):
        return float("nan")


def _total(parts: dict[str, str], order: str) -> float:
    """Returns the seconds since 1970 of the parts of a date. Raises ValueError for 31 February."""
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
