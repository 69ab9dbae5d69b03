"""Charts of the fields of an input, such as the columns of a table, as inline SVG."""

from __future__ import annotations

from collections.abc import Sequence

from tenfold.answers.charts.axes import LETTER, Axes, linear, svg, text
from tenfold.core.language import say
from tenfold.core.text import short, width

__all__ = ["contributions", "small_histogram"]

ROW = 19.0
"""Height of a bar with the space around it."""
LABEL = 62
"""Most letters of a label."""
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
