"""Charts of reports as inline SVG in the current language: one function for each chart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tenfold.answers.charts.axes import LETTER, Axes, linear, logarithmic, svg, swatch, text
from tenfold.core.language import say
from tenfold.core.text import short, width

__all__ = ["MEASURES", "balance", "curves", "examples", "histogram", "reliability", "support"]

MEASURES = {"loss": "loss", "accuracy": "accuracy", "mean_iou": "mean IoU"}
"""Display names of the measures in the training log."""

_COLOURS = ("accent", "warm", "third")
_MARGIN = 0.05
"""Share of a scale that stays free beyond the first and the last value."""


# --- training -------------------------------------------------------------------------------------


def curves(rows: Sequence[dict[str, float]]) -> str:
    """Plots the loss and the other validation measures over epochs, from `rows` of the log."""
    measures = {key for row in rows for key in row if key.startswith("valid_")}
    others = sorted(measures - {"valid_loss"})
    left = _curves(36, rows, ["loss", "valid_loss"], say("loss"))
    right = _curves(381.6, rows, others, say("validation")) if others else ""
    return svg(691, 209, say("Learning curves"), left, right)


def _curves(left: float, rows: Sequence[dict[str, float]], names: list[str], title: str) -> str:
    """Plots some columns of the log over epochs; values that are not finite are left out."""
    found = [
        [(row["epoch"], row[name]) for row in rows if math.isfinite(row.get(name, math.nan))]
        for name in names
    ]
    drawn = [
        (_measure(name), colour, points)
        for name, colour, points in zip(names, _COLOURS, found, strict=False)
        if points
    ]
    every = [point for *_, points in drawn for point in points] or [(0.0, 0.0)]
    across, up = zip(*every, strict=True)
    epochs = linear(min(across), max(across), margin=_MARGIN, length=299)
    axes = Axes(left, 25, left + 299, 173, epochs, linear(min(up), max(up), 7, _MARGIN))
    parts = [axes.frame(say("epochs"), title)]
    radius = 2.25 if max((len(points) for *_, points in drawn), default=0) < 30 else 0.0
    for _, colour, points in drawn:
        parts.append(axes.line(points, colour))
        parts.append(axes.points(points, [radius] * len(points), colour) if radius else "")
    return "".join([*parts, axes.legend(drawn, radius)])


def _measure(key: str) -> str:
    """Returns the display name of a column of the log."""
    if not key.startswith("valid_"):
        return say("training {measure}", measure=say(MEASURES.get(key, key)))
    name = key.removeprefix("valid_")
    return say("validation {measure}", measure=say(MEASURES.get(name, name.replace("_", " "))))


# --- calibration ----------------------------------------------------------------------------------

Bins = Sequence[Sequence[float]]


def reliability(bins: Bins, before: Bins = ()) -> str:
    """Plots a reliability diagram with the number of rows in each bin below it.

    A bin is (mean confidence, accuracy, rows). `before` holds the bins before calibration, drawn
    in another colour.
    """
    shares = linear(0, 1.02, 6)
    axes = Axes(40, 25, 317, 220, shares, shares)
    parts = [axes.frame("", say("share of correct answers"), labels="y")]
    parts.append(axes.line([(0, 0), (1, 1)], "line", 1.6))
    drawn = [(say("before calibration"), "warm", before)] if len(before) else []
    drawn.append((say("after calibration"), "accent", bins))
    for _, colour, each in drawn:
        points = [(sure, right) for sure, right, _ in each]
        most = max(rows for *_, rows in each)
        radii = [math.sqrt((4 + 60 * math.sqrt(rows / most)) / math.pi) for *_, rows in each]
        parts.append(axes.line(points, colour, 0.8, 0.4))
        parts.append(axes.points(points, radii, colour, 0.8))
    if len(before):
        parts.append(
            axes.legend([(label, colour, ()) for label, colour, _ in drawn], 3, wide=0, corner=1)
        )
    below = Axes(40, 230, 317, 274, shares, linear(0, 1.05 * max(rows for *_, rows in bins)))
    parts.append(below.frame(say("probability of the answer"), "", grid="", labels="x"))
    parts.append(below.bars([(sure - 0.0225, sure + 0.0225, 0, n) for sure, _, n in bins]))
    return svg(331, 310, say("Accuracy of the answers by their probability"), *parts)


# --- classes --------------------------------------------------------------------------------------


def balance(
    classes: Sequence[tuple[str, Sequence[int]]], parts: Sequence[str], most: int = 40
) -> str:
    """Plots the rows of each class as a bar, with one colour for each part.

    With more than `most` classes, only the largest and the smallest are shown.
    """
    ordered = sorted(classes, key=lambda one: -sum(one[1]))
    half = most // 2
    shown = ordered if len(ordered) <= most else ordered[:half] + ordered[-half:]
    words = [short(name) for name, _ in shown]
    left = 18 + LETTER * max(map(width, words))
    high, count = 61 + 17.3 * len(shown), len(shown)
    totals = [sum(counts) for _, counts in shown]
    # The first class is above the others; from one class to the next is 1.
    rows = linear(0, 1.05 * max(1, *totals), length=504 - left)
    places = Axes(left, 25, 504, high - 36, rows, linear(0.4 - count, 0.6))
    drawn = [places.frame(say("rows"), "", grid="x", labels="x")]
    for number, colour in enumerate(_COLOURS[: len(parts)]):
        ends = [sum(counts[: number + 1]) for _, counts in shown]
        sides = [
            (end - counts[number], end, -row - 0.31, -row + 0.31)
            for row, ((_, counts), end) in enumerate(zip(shown, ends, strict=True))
        ]
        drawn.append(places.bars(sides, colour))
    for row, (word, total) in enumerate(zip(words, totals, strict=True)):
        drawn.append(text((left - 3.5, places.y(-row) + 3.4), word, anchor="end"))
        drawn.append(places.beside((total, -row), f"{total:.0f}"))
    at = left - 2
    for part, colour in zip(parts, _COLOURS, strict=False):
        drawn.append(swatch((at, 12), part, colour))
        at += 38 + LETTER * width(part)
    return svg(547, high, say("Rows of every class and part"), *drawn)


def support(classes: Sequence[dict[str, Any]], named: int = 6) -> str:
    """Plots the F1 of each class against its scored rows; names the classes with the lowest F1."""
    points = [
        (str(one["class"]), float(one["support"]), float(one["f1"]))
        for one in classes
        if one["support"]
    ]
    rows = [row for _, row, _ in points]
    scale = linear(min(rows) - 1, max(rows) * 1.15 + 1, length=403)
    axes = Axes(36, 25, 439, 194, scale, linear(-0.03, 1.05, 8))
    parts = [axes.frame(say("scored rows of the class"), "F1"), _lowest(axes, points, named)]
    return svg(461, 230, say("F1 against number of scored rows"), *parts)


def examples(classes: Sequence[tuple[str, int, float]], named: int = 6) -> str:
    """Plots the recall of each class against its training rows; names the lowest recalls.

    `classes` holds (class, training rows, recall).
    """
    points = [(name, max(1.0, float(count)), share) for name, count, share in classes]
    rows = [row for _, row, _ in points]
    ends = min(rows) / 1.15, max(rows) * 1.35
    scale = logarithmic(*ends) if max(rows) > 8 * min(rows) else linear(*ends, length=403)
    axes = Axes(36, 25, 439, 194, scale, linear(-0.03, 1.05, 8))
    frame = axes.frame(say("training rows of the class"), say("recall"))
    label = say("Recall against number of training rows")
    return svg(461, 230, label, frame, _lowest(axes, points, named))


def _lowest(axes: Axes, points: Sequence[tuple[str, float, float]], named: int) -> str:
    """Draws a point for each (class, rows, score) and names those with the lowest scores."""
    dots = axes.points(
        [(row, score) for _, row, score in points], [3.0] * len(points), "accent", 0.75
    )
    lowest = sorted(points, key=lambda one: one[2])[:named]
    return dots + "".join(axes.beside((row, score), short(name)) for name, row, score in lowest)


# --- values ---------------------------------------------------------------------------------------


def histogram(values: np.ndarray, across: str) -> str:
    """Plots a histogram of values with at most 30 bars."""
    low, high = float(values.min()), float(values.max())
    margin = max(1.0, 0.02 * (high - low))
    bins = min(30, max(1, int(high - low)))
    counts, edges = np.histogram(values, bins, (low - margin, high + margin))
    wide = edges[1] - edges[0]
    scale = linear(edges[0], edges[-1], margin=_MARGIN, length=281)
    axes = Axes(36, 25, 317, 137, scale, linear(0, 1.05 * int(counts.max()), 6))
    sides = [(edge + 0.05 * wide, edge + 0.95 * wide, 0, int(count))
             for edge, count in zip(edges[:-1], counts, strict=True)]  # fmt: skip
    bars = axes.bars(sides, "accent")
    label = say("Distribution: {what}", what=across)
    return svg(331, 173, label, axes.frame(across, say("rows")), bars)
