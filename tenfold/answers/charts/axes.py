"""Axes of a chart as SVG elements: scales, ticks, lines, points, bars, legends.

Lengths are in CSS pixels, with the origin at the top left. Colours are names of CSS variables of
the page (`accent` for `var(--accent)`), so that the page can set a dark mode. Text stays text, in
the font of the page, and is escaped here.
"""

from __future__ import annotations

import html
import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tenfold.core.text import width

__all__ = [
    "LETTER",
    "Axes",
    "Scale",
    "linear",
    "logarithmic",
    "slanted",
    "svg",
    "swatch",
    "text",
    "ticks",
]

LETTER = 5.2
"""Estimated width of a letter; wide letters are counted as 2."""
_SIZE, _SMALL = 9.0, 8.5
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_SAMPLES = 24
_ROW = 13.2
"""Height of a line of a legend."""

Point = tuple[float, float]


# --- scales ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scale:
    """Values from `low` to `high`, and the ticks among them: (value, label)."""

    low: float
    high: float
    ticks: Sequence[tuple[float, str]] = ()
    log: bool = False

    def share(self, value: float) -> float:
        """Returns the place of a value: 0 at `low`, 1 at `high`."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


def linear(
    low: float, high: float, most: int = 9, margin: float = 0.0, length: float = math.inf
) -> Scale:
    """Returns a linear scale with at most `most` + 1 ticks, widened by a share of its length.

    A scale of length 0 is widened by a twentieth of its value. There are fewer ticks where their
    labels side by side are longer than `length`.
    """
    if high <= low:
        room = 0.05 * abs(low) or 0.05
        low, high = low - room, high + room
    room = margin * (high - low)
    low, high = low - room, high + room
    each = (ticks(low, high, count) for count in range(most, 0, -1))
    fits = (one for one in each if sum(1 + width(label) for _, label in one) * LETTER < length)
    return Scale(low, high, next(fits, ()))


def ticks(low: float, high: float, most: int) -> list[tuple[float, str]]:
    """Returns the multiples of a round step between two values, at most `most` + 1, as labelled.

    Steps are 1, 2, 2.5 or 5 times a power of ten.
    """
    raw = (high - low) / most
    power = math.floor(math.log10(raw))
    factor = next(step for step in _STEPS if step * 10.0**power >= raw * (1 - 1e-9))
    step = factor * 10.0**power
    places = max(0, -power + (factor == 2.5) - (factor == 10.0))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [(number * step, _number(number * step, places)) for number in range(first, last + 1)]


def _number(value: float, places: int) -> str:
    plain = f"{value:,.{places}f}" if places < 7 else f"{value:.3g}"
    return plain.replace("-", "\N{MINUS SIGN}")


def logarithmic(low: float, high: float) -> Scale:
    """Returns a logarithmic scale of positive values with ticks at 1, 2 and 5 times powers of ten.

    Over three decades or more only the powers of ten have ticks.
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1, 2, 5) if high < 1000 * low else (1,)
    values = [factor * 10.0**power for power in powers for factor in factors]
    return Scale(low, high, [(x, f"{x:,.12g}") for x in values if low <= x <= high], log=True)


# --- axes -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Axes:
    """A rectangle of a chart with a horizontal scale `across` and a vertical scale `up`."""

    left: float
    top: float
    right: float
    bottom: float
    across: Scale
    up: Scale

    def x(self, value: float) -> float:
        return self.left + (self.right - self.left) * self.across.share(value)

    def y(self, value: float) -> float:
        return self.bottom - (self.bottom - self.top) * self.up.share(value)

    def frame(self, across: str, up: str, grid: str = "xy", labels: str = "xy") -> str:
        """Draws grid lines, tick labels and the lower edge, with titles below and above."""
        xs = [(self.x(value), label) for value, label in self.across.ticks]
        ys = [(self.y(value), label) for value, label in self.up.ticks]
        lines = [f"M{_n(x)} {_n(self.top)}V{_n(self.bottom)}" for x, _ in xs if "x" in grid]
        lines += [f"M{_n(self.left)} {_n(y)}H{_n(self.right)}" for y, _ in ys if "y" in grid]
        edge = f"M{_n(self.left)} {_n(self.bottom)}H{_n(self.right)}"
        parts = [_path("".join(lines), "line", 0.7) if lines else "", _path(edge, "line", 0.8)]
        if "x" in labels:
            parts += [text((x, self.bottom + 10.3), label, anchor="middle") for x, label in xs]
        if "y" in labels:
            parts += [text((self.left - 3.5, y + 3.4), label, anchor="end") for y, label in ys]
        middle = (self.left + self.right) / 2
        parts.append(text((middle, self.bottom + 23.3), across, anchor="middle"))
        return "".join([*parts, text((self.left, self.top - 6), up)])

    def line(
        self, points: Iterable[Point], colour: str, wide: float = 1.8, opacity: float = 1.0
    ) -> str:
        """Draws a line through points."""
        places = [f"{_n(self.x(across))} {_n(self.y(up))}" for across, up in points]
        return _path("M" + "L".join(places), colour, wide, opacity)

    def points(
        self, points: Iterable[Point], radii: Iterable[float], colour: str, opacity: float = 1.0
    ) -> str:
        """Draws a filled circle at each point."""
        circles = "".join(
            f'<circle cx="{_n(self.x(across))}" cy="{_n(self.y(up))}" r="{_n(radius)}"/>'
            for (across, up), radius in zip(points, radii, strict=False)
        )
        return f'<g style="fill: var(--{colour})" fill-opacity="{_n(opacity)}">{circles}</g>'

    def bars(
        self, sides: Iterable[tuple[float, float, float, float]], colour: str = "accent"
    ) -> str:
        """Draws rectangles from (left, right, low, high), cut at the edges of the axes."""
        boxes = []
        for left, right, low, high in sides:
            begin, end = sorted((max(self.x(left), self.left), min(self.x(right), self.right)))
            upper, lower = sorted((self.y(low), self.y(high)))
            boxes.append(f"M{_n(begin)} {_n(lower)}V{_n(upper)}H{_n(end)}V{_n(lower)}z")
        return f'<path d="{"".join(boxes)}" style="fill: var(--{colour})"/>'

    def beside(self, point: Point, words: str) -> str:
        """Writes a small text to the right of a point."""
        place = self.x(point[0]) + 5, self.y(point[1]) + 3.2
        return text(place, words, size=_SMALL)

    def legend(
        self,
        lines: Sequence[tuple[str, str, Sequence[Point]]],
        radius: float,
        wide: float = 1.8,
        corner: int | None = None,
    ) -> str:
        """Draws the legend of lines (label, colour, points) in the corner with the fewest points.

        Corners are upper right (0), upper left, lower right, lower left (3). Each label has the
        colour of its line, behind a sample of it: a line of this width and a dot of this radius.
        """
        long = 26 + LETTER * max((width(label) for label, *_ in lines), default=0)
        high = 6 + _ROW * len(lines)
        xs, ys = (self.right - 4 - long, self.left + 4), (self.top + 4, self.bottom - 4 - high)
        places = [(x, y) for y in ys for x in xs]
        drawn = [place for *_, points in lines for place in self._along(points)]

        def hidden(place: Point) -> int:
            x, y = place
            return sum(x <= across <= x + long and y <= up <= y + high for across, up in drawn)

        x, y = min(places, key=hidden) if corner is None else places[corner]
        parts = []
        for number, (label, colour, _) in enumerate(lines):
            middle = y + 9.5 + _ROW * number
            parts.append(_path(f"M{_n(x + 4)} {_n(middle)}h10.8", colour, wide) if wide else "")
            parts.append(_dot((x + 9.4, middle), radius, colour) if radius else "")
            parts.append(text((x + 22, middle + 3.2), label, colour))
        return "".join(parts)

    def _along(self, points: Sequence[Point]) -> list[Point]:
        """Returns places on the line through points, about `_SAMPLES` for each piece."""
        ends = [(self.x(across), self.y(up)) for across, up in points]
        shares = [number / _SAMPLES for number in range(_SAMPLES)]
        between = [
            (x + share * (end[0] - x), y + share * (end[1] - y))
            for (x, y), end in itertools.pairwise(ends)
            for share in shares
        ]
        return between + ends[-1:]


# --- elements -------------------------------------------------------------------------------------


def svg(wide: float, high: float, label: str, *parts: str) -> str:
    """Returns a chart of this size with a label for screen readers; loads nothing, has no ids."""
    return (
        f'<svg class="chart" role="img" aria-label="{html.escape(label)}" '
        f'viewBox="0 0 {round(wide)} {round(high)}" '
        f'style="max-width:{round(round(wide) * 1.3)}px">{"".join(parts)}</svg>'
    )


def text(
    place: Point, words: str, colour: str = "soft", size: float = _SIZE, anchor: str = "start"
) -> str:
    """Writes words, escaped, with their baseline at a place."""
    x, y = place
    return (
        f'<text x="{_n(x)}" y="{_n(y)}" '
        f'style="font-size: {_n(size)}px; text-anchor: {anchor}; fill: var(--{colour})">'
        f"{html.escape(words)}</text>"
    )


def slanted(place: Point, words: str) -> str:
    """Writes words that end at a place, rising to the right."""
    x, y = place
    turned = f'<g transform="rotate(-38 {_n(x)} {_n(y)})">'
    return f"{turned}{text((x, y), words, anchor='end')}</g>"


def swatch(place: Point, words: str, colour: str) -> str:
    """Draws a small filled rectangle with its baseline at a place, and words to its right."""
    x, y = place
    box = f"M{_n(x)} {_n(y)}h9v-6.3h-9z"
    return f'<path d="{box}" style="fill: var(--{colour})"/>' + text((x + 16, y), words, colour)


def _path(path: str, colour: str, wide: float, opacity: float = 1.0) -> str:
    return (
        f'<path d="{path}" style="fill: none; stroke: var(--{colour}); stroke-width: {_n(wide)}; '
        f'stroke-opacity: {_n(opacity)}; stroke-linecap: square"/>'
    )


def _dot(place: Point, radius: float, colour: str) -> str:
    x, y = place
    return f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}" style="fill: var(--{colour})"/>'


def _n(value: float) -> str:
    """Returns a number in at most two decimals."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
