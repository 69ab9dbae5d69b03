"""Numbers as people write them: which parts of a text are sign, unit and figures.

Many texts share one shape (digits replaced), so that each shape is examined once and the texts of a
column are read by their shapes.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["COMMA", "LEADING", "POINT", "Form", "form_of", "shapes_of"]

POINT, COMMA = ".", ","
LEADING = "\x01"
"""A leading zero in a shape."""
MAX_LENGTH = 60
"""Longest text that can be a number."""

_DIGITS = str.maketrans("123456789", "000000000")
_FRONT = re.compile(r"\n([^\d\n\x01]{1,8})0")
_OTHER = re.compile(r"[^0-9.,+\-\n\x01]")
_CURRENCY = (
    r"(?:US|AU|CA|HK|NZ|NT|SG|A|C|R|S)?\$|[€£¥₹₽₩₺₴₫฿₪₦¢]|元|円|원"
    r"|(?<![A-Za-z])(?:EUR|USD|GBP|CHF|CNY|RMB|JPY|INR|AUD|CAD|SEK|NOK|DKK|PLN|CZK|HUF|BRL|RUB|KRW|TRY|MXN"
    r"|ZAR|SGD|HKD|NZD|TWD|THB|ILS|Rs\.?|kr\.?|zł|Kč|Fr\.?)"
)
_UNITS = (
    r"%|‰|°[CF]?|(?:kg|mg|µg|μg|lbs?|oz|cm|mm|km|ft|yd|mi|nm|µm|μm|min|sec|ms|hrs?|ml|cl|dl|gal"
    r"|kWh|MWh|Wh|kW|MW|mV|kV|mA|Hz|kHz|MHz|GHz|hPa|kPa|MPa|Pa|bar|psi|kcal|cal|kJ|MJ|dB|ppm|ppb"
    r"|mph|kmh|km/h|m/s|l/h|rpm|bpm|KB|MB|GB|TB|m2|m3|km2|cm2|cm3|sqft|sqm|ha|pcs|Stk\.?|°"
    r"|inches|inch|hours?|days?|years?|weeks?|months?|percent|Prozent|euros?|dollars?"
    r"|公斤|千克|克|米|公里|厘米|毫米|升|毫升|平方米|小时|分钟|秒|天|个|件|岁|年)"
    r"|(?<=\s)[gmslhtVAWKCFL]"
)
_NUMBER = re.compile(
    rf"(?P<open>\()?\s*(?P<sign>[-+])?\s*(?P<before>{_CURRENCY}|%)?\s*(?P<open2>\()?"
    r"\s*(?P<sign2>[-+])?\s*(?P<figures>(?P<body>[0\x01](?:[0\x01.,' ]*[0\x01])?[.,]?|[.,]0+)"
    r"(?P<power>[eE][-+]?[0\x01]+)?)"
    rf"\s*(?P<after>{_CURRENCY}|{_UNITS})?\s*(?P<minus>-)?\s*(?P<close>\))?"
)


@dataclass(frozen=True)
class Form:
    """How a text of one shape is read as a number.

    `start` and `stop` enclose the figures. `thousands` are the marks between thousands ("" = none)
    by decimal mark; a decimal mark that the figures do not allow is absent. `code` is True for
    digits with leading zeros, `whole` for digits alone, `marked` where a point or comma stands in
    the figures.
    """

    start: int
    stop: int
    negative: bool
    unit: str
    thousands: Mapping[str, str]
    code: bool
    whole: bool
    marked: bool

    @property
    def evidence(self) -> str:
        """Returns the only decimal mark that the figures allow; "" where both are possible."""
        return next(iter(self.thousands)) if self.marked and len(self.thousands) == 1 else ""

    @property
    def open(self) -> bool:
        """Returns True where point and comma as decimal mark give different numbers."""
        return self.marked and len(self.thousands) == 2

    def number(self, text: str, decimal: str) -> float:
        """Returns the number in a text of this shape; NaN where the decimal mark does not fit."""
        if decimal not in self.thousands:
            return float("nan")
        figures = text[self.start : self.stop]
        if self.thousands[decimal]:
            figures = figures.replace(self.thousands[decimal], "")
        if decimal == COMMA:
            figures = figures.replace(COMMA, POINT)
        return -float(figures) if self.negative else float(figures)


def shapes_of(texts: list[str]) -> list[str]:
    """Returns the shapes of texts: 1 to 9 become 0, a leading zero becomes `LEADING`."""
    if not texts:
        return []
    long = [at for at, text in enumerate(texts) if len(text) > MAX_LENGTH or "\n" in text]
    if long:
        texts = list(texts)
        for at in long:
            texts[at] = "?"
    joined = "\n" + "\n".join(texts)
    for front in ("\n", "\n-"):
        joined = joined.replace(f"{front}0", f"{front}{LEADING}")
    if _OTHER.search(joined):
        joined = _FRONT.sub(rf"\n\g<1>{LEADING}", joined)
    return joined.translate(_DIGITS)[1:].split("\n")


@functools.lru_cache(1 << 16)
def form_of(shape: str) -> Form | None:
    """Returns the form of a number of this shape; None where it is not a number."""
    found = _NUMBER.fullmatch(shape)
    if found is None or (found["before"] and found["after"] and not _same_unit(found)):
        return None
    opened = bool(found["open"]) + bool(found["open2"])
    signs = [one for one in (found["sign"], found["sign2"], found["minus"]) if one]
    if opened != bool(found["close"]) or len(signs) + opened > 1:
        return None
    body = found["body"]
    marks = {mark: thousands for mark in (POINT, COMMA) if (thousands := _fit(body, mark)) != "?"}
    if not marks:
        return None
    alone = body == shape
    whole = alone and set(body) <= {"0", LEADING}
    return Form(
        found.start("figures"),
        found.end("figures"),
        opened == 1 or "-" in signs,
        (found["before"] or found["after"] or "").strip(),
        marks,
        whole and body[0] == LEADING and len(body) > 1,
        whole,
        POINT in body or COMMA in body,
    )


def _same_unit(found: re.Match[str]) -> bool:
    return found["before"].strip() == found["after"].strip()


def _fit(body: str, decimal: str) -> str:
    """Returns the mark between thousands under a decimal mark, "" without one, "?" if invalid."""
    whole, _, rest = body.partition(decimal)
    if set(rest) - {"0", LEADING} or not (whole or rest):
        return "?"
    marks = set(whole) - {"0", LEADING}
    if not marks:
        return ""
    mark = marks.pop()
    groups = whole.split(mark)
    sizes = [len(one) for one in groups]
    if marks or groups[0][:1] == LEADING or not 1 <= sizes[0] <= 3 or sizes[-1] != 3:
        return "?"
    middle = set(sizes[1:-1])
    by_thousands = middle <= {3}
    indian = middle == {2} and sizes[0] <= 2
    return mark if by_thousands or indian else "?"
