"""The chart of scores and threshold, as inline SVG in the current language."""

from __future__ import annotations

from typing import Any

import numpy as np

from tenfold.answers.charts.axes import Axes, linear, svg
from tenfold.core.language import say

__all__ = ["scores"]


def scores(found: dict[str, Any], threshold: float) -> str:
    """Plots the number of rows by score, strange rows on top of others, and the threshold."""
    low, high = found["range"]
    good = np.array(found["good"]) + np.array(found["unknown"])
    strange = np.array(found["strange"])
    edges = np.linspace(low, high, len(good) + 1)
    peak = max(1, int((good + strange).max()))
    axes = Axes(50, 25, 677, 160, linear(low, high, 6), linear(0, 1.05 * peak, 6))
    wide = 0.05 * (edges[1] - edges[0])
    ranges = list(zip(edges[:-1] + wide, edges[1:] - wide, strict=True))
    below = [(a, b, 0.0, float(count)) for (a, b), count in zip(ranges, good, strict=True)]
    above = [
        (a, b, float(under), float(under + count))
        for (a, b), under, count in zip(ranges, good, strange, strict=True)
    ]
    parts = [
        axes.frame(say("score"), say("rows")),
        axes.bars([one for one in below if one[3]], "accent"),
        axes.bars([one for one in above if one[3] > one[2]], "warm"),
        axes.line([(threshold, 0.0), (threshold, 1.05 * peak)], "third", 1.6),
    ]
    return svg(691, 205, say("Scores"), *parts)
