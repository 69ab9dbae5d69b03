"""The chart of how the number of groups was chosen, as inline SVG in the current language."""

from __future__ import annotations

from typing import Any

from tenfold.answers.charts.axes import Axes, linear, svg
from tenfold.core.language import say

__all__ = ["curve"]


def curve(title: str, criterion: str, found: dict[str, Any], groups: int) -> str:
    """Plots the value of a criterion by the number of groups, with a line at the chosen one."""
    counts, values = found["groups"], found["values"]
    low, high = min(values), max(values)
    margin = 0.05 * (high - low) or 0.05
    ends = (low - margin, high + margin)
    axes = Axes(70, 25, 677, 160, linear(counts[0], counts[-1], 9), linear(*ends, 6))
    points = [(float(count), float(value)) for count, value in zip(counts, values, strict=True)]
    parts = [
        axes.frame(say("number of groups"), criterion),
        axes.line([(float(groups), end) for end in ends], "third", 1.6),
        axes.line(points, "accent", 1.6),
    ]
    return svg(691, 205, title, *parts)
