"""The chart of precision, recall and F1 against the confidence threshold, as inline SVG."""

from __future__ import annotations

import html
from collections.abc import Sequence

from tenfold.core.language import say

__all__ = ["confidence"]

LEFT, TOP, WIDTH, HEIGHT = 34, 26, 400, 220
SIZE = (LEFT + WIDTH + 14, TOP + HEIGHT + 40)
TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def confidence(rows: Sequence[Sequence[float]], threshold: float) -> str:
    """Plots precision, recall and F1; `rows` are (threshold, precision, recall, F1).

    A vertical line marks the threshold of the run. Colours are variables of the page.
    """
    grid = [_line([(0.0, tick), (1.0, tick)], "line", 0.7) for tick in TICKS]
    marks = [_text(LEFT - 6, _y(tick) + 3, f"{tick:.1f}", "end") for tick in TICKS]
    marks += [_text(_x(tick), TOP + HEIGHT + 14, f"{tick:.1f}", "middle") for tick in TICKS]
    marks.append(_text(LEFT + WIDTH / 2, TOP + HEIGHT + 32, say("confidence threshold"), "middle"))
    names = (("F1", "accent"), (say("precision"), "warm"), (say("recall"), "third"))
    lines = [_line([(threshold, 0.0), (threshold, 1.0)], "soft", 1.2, "4 3")]
    for place, (column, (_, colour)) in enumerate(zip((3, 1, 2), names, strict=True)):
        lines.append(
            _line([(row[0], row[column]) for row in rows], colour, 2.2 - 0.4 * (place > 0))
        )
    legend, left = [], float(LEFT)
    for name, colour in names:
        legend.append(
            f'<path d="M{left:.1f} 10h14" style="stroke:var(--{colour});stroke-width:2"/>'
        )
        legend.append(_text(left + 19, 13, name, "start"))
        left += 40 + 7 * sum(2 if ord(letter) > 0x2E80 else 1 for letter in name)
    label = html.escape(say("Precision, recall and F1 by confidence threshold"))
    parts = "".join([*grid, *marks, *lines, *legend])
    return (
        f'<svg class="chart" role="img" aria-label="{label}" viewBox="0 0 {SIZE[0]} {SIZE[1]}" '
        f'style="max-width:{round(1.3 * SIZE[0])}px">{parts}</svg>'
    )


def _x(value: float) -> float:
    return LEFT + WIDTH * value


def _y(value: float) -> float:
    return TOP + HEIGHT * (1 - value)


def _line(
    points: Sequence[tuple[float, float]], colour: str, width: float, dashes: str = ""
) -> str:
    path = " ".join(f"{_x(across):.1f},{_y(up):.1f}" for across, up in points)
    style = f"fill:none;stroke:var(--{colour});stroke-width:{width:.1f}"
    style += f";stroke-dasharray:{dashes}" if dashes else ""
    return f'<polyline points="{path}" style="{style}"/>'


def _text(left: float, top: float, words: str, anchor: str) -> str:
    style = f"font-size:9px;text-anchor:{anchor};fill:var(--soft)"
    return f'<text x="{left:.1f}" y="{top:.1f}" style="{style}">{html.escape(words)}</text>'
