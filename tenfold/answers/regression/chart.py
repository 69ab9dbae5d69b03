"""Charts of predicted numbers as inline SVG: predicted against true, histogram by part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tenfold.answers.charts.axes import Axes, linear, svg, swatch
from tenfold.core.language import say
from tenfold.core.text import width

__all__ = ["histogram", "predicted_against_true"]

MARGIN = 0.03
COLOURS = ("accent", "warm", "third")
SHADES = 5
"""Number of opacities of the cells of a density."""


def predicted_against_true(found: Mapping[str, Any]) -> str:
    """Plots the true value (up) of each prediction (across), with the line of exact predictions.

    `found` holds `range`, the (low, high) of both axes, and either `points`, (predicted, true), or
    `cells`, (column, row, rows) of a square grid of `bins` x `bins` cells over that range.
    """
    low, high = found["range"]
    scale = linear(low, high, 6, MARGIN, 250)
    axes = Axes(52, 25, 352, 300, scale, scale)
    parts = [axes.frame(say("predicted"), say("true value"))]
    if "points" in found:
        points = [(float(across), float(up)) for across, up in found["points"]]
        parts.append(axes.points(points, [2.2] * len(points), "accent", 0.5))
    else:
        parts += _density(axes, found)
    parts.append(axes.line([(low, low), (high, high)], "soft", 1.2, 0.8))
    return svg(372, 330, say("Predicted against true values"), *parts)


def _density(axes: Axes, found: Mapping[str, Any]) -> list[str]:
    """Draws the cells, the more rows the darker, as groups of equal opacity."""
    low, high = found["range"]
    side, most = (high - low) / found["bins"], max(rows for *_, rows in found["cells"])
    groups: dict[int, list[tuple[float, float, float, float]]] = {}
    for column, row, rows in found["cells"]:
        left, below = low + column * side, low + row * side
        shade = min(SHADES, 1 + int(SHADES * (rows / most) ** 0.5))
        groups.setdefault(shade, []).append((left, left + side, below, below + side))
    return [
        f'<g fill-opacity="{shade / SHADES:.2g}">{axes.bars(cells)}</g>'
        for shade, cells in sorted(groups.items())
    ]


def histogram(
    edges: Sequence[float], counts: Mapping[str, Sequence[int]], names: Sequence[str]
) -> str:
    """Plots a histogram with bars stacked by part; `names` are the parts as they are displayed."""
    totals = [sum(one) for one in zip(*counts.values(), strict=True)]
    scale = linear(edges[0], edges[-1], margin=MARGIN, length=300)
    axes = Axes(46, 25, 396, 150, scale, linear(0, 1.05 * max(1, *totals), 6))
    parts, base = [axes.frame(say("value to predict"), "")], [0] * len(totals)
    for colour, each in zip(COLOURS, counts.values(), strict=False):
        sides = [
            (edges[at], edges[at + 1], base[at], base[at] + rows)
            for at, rows in enumerate(each)
            if rows
        ]
        parts.append(axes.bars(sides, colour))
        base = [low + rows for low, rows in zip(base, each, strict=True)]
    at = 46.0
    for colour, name in zip(COLOURS, names, strict=False):
        parts.append(swatch((at, 14), name, colour))
        at += 34 + 5.2 * width(name)
    return svg(410, 182, say("Distribution of the values to predict"), *parts)
