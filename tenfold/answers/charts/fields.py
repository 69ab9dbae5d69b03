"""Charts of the fields of an input, such as the columns of a table, as inline SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tenfold.answers.charts.axes import LETTER, Axes, linear, slanted, svg, swatch, text
from tenfold.core.language import say
from tenfold.core.text import short, width

__all__ = ["contributions", "dependence", "importance", "legend", "small_histogram"]

ROW = 19.0
"""Height of a bar with the space around it."""
LABEL = 62
"""Most letters of a label."""
_COLOURS = ("accent", "warm", "third")
SMALL = 110.0
"""Width of a small histogram."""


def contributions(rows: Sequence[tuple[str, float, str]]) -> str:
    """Plots contributions as bars to the right (positive) and left (negative) of a line.

    `rows` holds (label, contribution, contribution as text), from top to bottom.
    """
    labels = [short(label, LABEL) for label, *_ in rows]
    left = 14 + LETTER * max(map(width, labels))
    beside = 12 + LETTER * max(width(words) for *_, words in rows)
    low = min(0.0, *(value for _, value, _ in rows))
    high = max(0.0, *(value for _, value, _ in rows))
    right, bottom = left + 2 * beside + 300, 8 + ROW * len(rows)
    scale = linear(low, high)
    axes = Axes(left + beside, 4, right - beside, bottom - 4, scale, linear(-len(rows), 0))
    parts = []
    for number, (label, (_, value, words)) in enumerate(zip(labels, rows, strict=True)):
        middle = -number - 0.5
        sides = (min(0.0, value), max(0.0, value), middle - 0.32, middle + 0.32)
        parts.append(axes.bars([sides], "warm" if value > 0 else "accent"))
        parts.append(text((left, axes.y(middle) + 3.2), label, "ink", anchor="end"))
        end, anchor = (5.0, "start") if value >= 0 else (-5.0, "end")
        parts.append(text((axes.x(value) + end, axes.y(middle) + 3.2), words, anchor=anchor))
    parts.append(axes.line([(0, -len(rows)), (0, 0)], "soft", 0.8))
    return svg(right, bottom, say("Contributions of the columns to the answer"), *parts)


def small_histogram(counts: Sequence[int], label: str, colour: str = "accent") -> str:
    """Plots counts as narrow bars without axes; `label` describes them for screen readers."""
    if not any(counts):
        return ""
    axes = Axes(0, 1, SMALL, 25, linear(0, len(counts)), linear(0, max(counts)))
    least = 0.03 * max(counts)  # so that a rare value is seen
    sides = [
        (at + 0.08, at + 0.92, 0, max(count, least)) for at, count in enumerate(counts) if count
    ]
    return svg(SMALL, 26, label, axes.bars(sides, colour))


def importance(rows: Sequence[tuple[str, float, float, str]], across: str) -> str:
    """Plots importance as bars with a line of one standard deviation to each side.

    `rows` holds (name, importance, standard deviation, importance as text), from top to bottom;
    `across` is the title of the axis.
    """
    labels = [short(name, 40) for name, *_ in rows]
    left = 12 + LETTER * max(map(width, labels))
    beside = 14 + LETTER * max(width(words) for *_, words in rows)
    low = min(0.0, *(value - spread for _, value, spread, _ in rows))
    high = max(value + spread for _, value, spread, _ in rows)
    bottom = 8 + ROW * len(rows)
    scale = linear(low, max(high, low + 1e-9), 6, length=330)
    axes = Axes(left, 4, left + 330, bottom, scale, linear(-len(rows), 0))
    parts = [axes.frame(across, "", grid="x", labels="x")]
    for number, (label, (_, value, spread, words)) in enumerate(zip(labels, rows, strict=True)):
        middle = -number - 0.5
        sides = (min(0.0, value), max(0.0, value), middle - 0.3, middle + 0.3)
        parts.append(axes.bars([sides]))
        parts.append(axes.line([(value - spread, middle), (value + spread, middle)], "ink", 1.0))
        parts.append(text((left - 4, axes.y(middle) + 3.2), label, "ink", anchor="end"))
        end = axes.x(max(0.0, value) + spread) + 5
        parts.append(text((end, axes.y(middle) + 3.2), words))
    return svg(left + 330 + beside, bottom + 30, say("Importance of the columns"), *parts)


def dependence(found: Mapping[str, Any], names: Sequence[str], ends: tuple[float, float]) -> str:
    """Plots the mean answers over the values of a field: lines of numbers, points of categories.

    `found` is an entry of `run.importance`, `names` are the answers to plot, at most three, and
    `ends` the least and greatest answer of all charts that are compared.
    """
    numbers = found["numbers"]
    up = linear(*ends, 5, 0.06)
    drawn = [(name, colour, found["answers"][name]) for name, colour in zip(
        names, _COLOURS, strict=False)]  # fmt: skip
    label = say("Mean answer by {column}", column=found["name"])
    title = short(found["name"], 40)
    if numbers is None:
        return _by_category(found, drawn, up, label, title)
    across = linear(min(numbers), max(numbers), 4, 0.03, 190)
    axes = Axes(46, 22, 256, 130, across, up)
    parts = [axes.frame("", title)]
    for _, colour, values in drawn:
        points = sorted(zip(numbers, values, strict=True))
        parts += [axes.line(points, colour), axes.points(points, [1.8] * len(points), colour)]
    return svg(270, 148, label, *parts)


def _by_category(
    found: Mapping[str, Any], drawn: Sequence[Any], up: Any, label: str, title: str
) -> str:
    texts = [short(text_, 12) for text_ in found["texts"]]
    wide = max(210.0, 14 * len(texts))
    axes = Axes(46, 22, 46 + wide, 130, linear(0, len(texts)), up)
    parts = [axes.frame("", title, grid="y", labels="y")]
    room = wide / len(texts)
    for at, words in enumerate(texts):
        place = axes.x(at + 0.5), 140.3
        if LETTER * width(words) < room:
            parts.append(text(place, words, anchor="middle"))
        else:
            parts.append(slanted(place, words))
    for _, colour, values in drawn:
        points = [(at + 0.5, value) for at, value in enumerate(values)]
        parts.append(axes.points(points, [3.2] * len(points), colour))
    long = max(LETTER * width(words) for words in texts)
    high = 148 if long < room else 140 + 0.62 * long
    return svg(60 + wide, high, label, *parts)


def legend(names: Sequence[str], title: str) -> str:
    """Returns the legend of charts of partial dependence: the title, or a colour for each name."""
    if len(names) < 2:
        return svg(430, 16, title, text((0, 11), title))
    parts, at = [], 0.0
    for name, colour in zip(names, _COLOURS, strict=False):
        parts.append(swatch((at, 11), short(name), colour))
        at += 38 + LETTER * width(short(name))
    return svg(max(430.0, at), 16, title, *parts)
