"""Charts of the probabilities of two classes, as inline SVG in the current language.

Each chart has two panels, made of points that `classification/two_classes.py` computes.
"""

from __future__ import annotations

from collections.abc import Sequence

from tenfold.answers.charts.axes import Axes, linear, svg
from tenfold.core.language import say

__all__ = ["calibration_and_benefit", "curves", "gains"]

_Points = Sequence[Sequence[float]]
_Line = tuple[str, str, Sequence[tuple[float, float]]]

_PANELS = (40.0, 389.0)
_WIDE, _HIGH = 288.0, 185.0
_LOWEST_BENEFIT = 0.25
"""Share of the largest net benefit down to which the curves of net benefit are drawn below 0."""


def calibration_and_benefit(curve: _Points, benefit: _Points) -> str:
    """Plots the smooth calibration curve, and the net benefit over thresholds.

    `curve` holds (probability, observed share), `benefit` (threshold, net benefit, that of "all").
    """
    left = _panel(0, say("probability"), say("observed share"))
    parts = [left[1], left[0].line([(0, 0), (1, 1)], "line", 1.6)]
    if curve:
        parts.append(left[0].line([(one[0], one[1]) for one in curve], "accent"))
    peak = max(0.01, *(max(run, every) for _, run, every in benefit))
    low, high = -_LOWEST_BENEFIT * peak, 1.05 * peak
    axes, frame = _panel(1, say("threshold"), say("net benefit"), (low, high))
    lines: list[_Line] = [
        (say("predict all"), "warm", _above([(at, every) for at, _, every in benefit], low)),
        (say("predict none"), "third", [(0.01, 0.0), (0.99, 0.0)]),
        (say("this run"), "accent", _above([(at, run) for at, run, _ in benefit], low)),
    ]
    parts += [frame, *(axes.line(points, colour) for _, colour, points in lines if points)]
    label = say("Calibration curve and net benefit")
    return svg(691, 232, label, *parts, axes.legend(lines, 0, corner=0))


def curves(roc: _Points, precision_recall: _Points, share: float) -> str:
    """Plots the ROC curve and the precision-recall curve, with that of chance.

    `share` is the share of positive rows, the precision of predicting all rows positive.
    """
    first, frame = _panel(0, say("false positive rate"), say("recall"))
    second, other = _panel(1, say("recall"), say("precision"))
    return svg(
        691,
        232,
        say("ROC curve and precision-recall curve"),
        frame,
        first.line([(0, 0), (1, 1)], "line", 1.6),
        first.line([(one[0], one[1]) for one in roc], "accent"),
        other,
        second.line([(0, share), (1, share)], "line", 1.6),
        second.line([(one[0], one[1]) for one in precision_recall], "accent"),
    )


def gains(shares: Sequence[float]) -> str:
    """Plots the share of positive rows that is found in each tenth and those before it."""
    axes, frame = _panel(0, say("share of rows, the most probable first"), say("found"))
    points = [(0.0, 0.0), *((tenth / 10, share) for tenth, share in enumerate(shares, 1))]
    chance = axes.line([(0, 0), (1, 1)], "line", 1.6)
    dots = axes.points(points[1:], [2.25] * len(shares), "accent")
    return svg(342, 232, say("Gains"), frame, chance, axes.line(points, "accent"), dots)


def _panel(
    number: int, across: str, up: str, ends: tuple[float, float] = (0.0, 1.02)
) -> tuple[Axes, str]:
    """Returns the axes of a panel, shares across, and their frame."""
    left = _PANELS[number]
    scale = linear(*ends, 6)
    axes = Axes(left, 25, left + _WIDE, 25 + _HIGH - 14, linear(0, 1.02, 6), scale)
    return axes, axes.frame(across, up)


def _above(points: Sequence[tuple[float, float]], low: float) -> Sequence[tuple[float, float]]:
    """Returns the points of a line up to the first that is below the axis, cut there."""
    kept: list[tuple[float, float]] = []
    for point in points:
        if point[1] < low:
            if kept:
                (x, y), (right, below) = kept[-1], point
                kept.append((x + (right - x) * (y - low) / (y - below), low))
            break
        kept.append(point)
    return kept
