"""Charts as inline SVG with real text in the current language.

Colours are CSS variables (`var(--accent)`), so that the page can set a dark mode. Class names are
placeholders (`@0@`) until they are escaped and inserted into the finished SVG.
"""

from __future__ import annotations

import html
import io
import re
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.core.language import say
from tenfold.core.lazy import lazy
from tenfold.core.text import short, width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

matplotlib, figures = lazy("matplotlib"), lazy("matplotlib.figure")

__all__ = ["MEASURES", "balance", "curves", "examples", "histogram", "reliability", "support"]

MEASURES = {"loss": "loss", "accuracy": "accuracy"}
"""Display names of the measures in the training log."""

# Placeholder colours that are replaced by CSS variables of the page.
_INK, _LINE, _FIRST, _SECOND, _THIRD = "#010101", "#020202", "#030303", "#040404", "#050505"
_COLOURS = {_INK: "soft", _LINE: "line", _FIRST: "accent", _SECOND: "warm", _THIRD: "third"}


def _figure(width: float, height: float) -> Figure:
    return figures.Figure(figsize=(width, height))


def _axes(figure: Figure, box: tuple[float, float, float, float], across: str, up: str) -> Axes:
    """Adds axes with a light grid, (left, bottom, right, top) inches from the figure's edges."""
    width, height = figure.get_size_inches()
    left, bottom, right, top = box
    axes = figure.add_axes(
        (left / width, bottom / height, 1 - (left + right) / width, 1 - (bottom + top) / height)
    )
    axes.patch.set_visible(False)
    axes.tick_params(colors=_INK, length=0, labelsize=9)
    axes.grid(True, color=_LINE, linewidth=0.7)
    axes.set_axisbelow(True)
    for name, spine in axes.spines.items():
        spine.set_visible(name == "bottom")
        spine.set_color(_LINE)
    axes.set_xlabel(across, color=_INK, fontsize=9)
    axes.set_title(up, color=_INK, fontsize=9, loc="left")
    return axes


def _svg(figure: Figure, name: str, label: str, words: Sequence[str] = ()) -> str:
    """Converts a figure to inline SVG without URLs or fonts, in the colours of the page.

    `@0@` in a text is replaced by words[0], escaped.
    """
    file = io.StringIO()
    quiet = {"svg.fonttype": "none", "svg.hashsalt": name}
    with warnings.catch_warnings(), matplotlib.rc_context(quiet):
        warnings.simplefilter("ignore")
        figure.savefig(file, format="svg", transparent=True)
    text = file.getvalue()
    text = text[text.index(">", text.index("<svg")) + 1 :]
    for unwanted in (r"<metadata>.*?</metadata>", r"<style.*?</style>", r'(?<=<g) id="[^"]*"'):
        text = re.sub(unwanted, "", text, flags=re.S)
    for before, after in (('id="', f'id="{name}-'), ('xlink:href="#', f'href="#{name}-')):
        text = text.replace(before, after)
    text = re.sub(r"\s*\n\s*", " ", text.replace("url(#", f"url(#{name}-"))
    text = re.sub(r'style="[^"]*"', lambda found: _restyled(found[0]), text)
    width, height = (round(72 * side) for side in figure.get_size_inches())
    head = (
        f'<svg class="chart" role="img" aria-label="{html.escape(label)}" '
        f'viewBox="0 0 {width} {height}" style="max-width:{round(width * 1.3)}px">'
    )
    return head + re.sub(r"@(\d+)@", lambda found: html.escape(words[int(found[1])]), text).strip()


def _restyled(style: str) -> str:
    """Replaces the fonts and colours of a chart's style by those of the page."""
    style = re.sub(r"font: [^;\"]*?([\d.]+)px[^;\"]*", r"font-size: \1px", style)
    style = re.sub(r"font-family: [^;\"]*;? ?", "", style)
    for stand_in, name in _COLOURS.items():
        style = style.replace(stand_in, f"var(--{name})")
    return style


def _legend(axes: Axes, **place: Any) -> None:
    axes.legend(frameon=False, fontsize=9, labelcolor="linecolor", handlelength=1.2, **place)


# --- training -------------------------------------------------------------------------------------


def curves(rows: Sequence[dict[str, float]]) -> str:
    """Plots the loss and the other validation measures over epochs, from `rows` of the log."""
    measures = {key for row in rows for key in row if key.startswith("valid_")}
    others = sorted(measures - {"valid_loss"})
    names = [["loss", "valid_loss"], *([others] if others else [])]
    figure = _figure(9.6, 2.9)
    for number, lines in enumerate(names):
        box = (0.5 + 4.8 * number, 0.5, 4.8 * (1 - number) + 0.15, 0.35)
        title = say("validation") if number else say("loss")
        axes = _axes(figure, box, say("epochs"), title)
        for line, colour in zip(lines, (_FIRST, _SECOND, _THIRD), strict=False):
            points = [(row["epoch"], row[line]) for row in rows if line in row]
            if points:
                _line(axes, points, _measure(line), colour)
        _legend(axes)
    return _svg(figure, "curves", say("Learning curves"))


def _measure(key: str) -> str:
    """Returns the display name of a column of the log."""
    if not key.startswith("valid_"):
        return say("training {measure}", measure=say(MEASURES.get(key, key)))
    name = key.removeprefix("valid_")
    return say("validation {measure}", measure=say(MEASURES.get(name, name.replace("_", " "))))


def _line(axes: Axes, points: list[tuple[float, float]], label: str, colour: str) -> None:
    marker = "o" if len(points) < 30 else ""
    across, up = zip(*points, strict=True)
    axes.plot(across, up, color=colour, linewidth=1.8, marker=marker, markersize=3.5, label=label)


# --- calibration ----------------------------------------------------------------------------------

Bins = Sequence[Sequence[float]]


def reliability(bins: Bins, before: Bins = ()) -> str:
    """Plots a reliability diagram with the number of rows in each bin below it.

    A bin is (mean confidence, accuracy, rows). `before` holds the bins before calibration, drawn
    in another colour.
    """
    figure = _figure(4.6, 4.3)
    axes = _axes(figure, (0.55, 1.25, 0.2, 0.35), "", say("share of correct answers"))
    axes.plot([0, 1], [0, 1], color=_LINE, linewidth=1.6)
    if len(before):
        _bins(axes, before, _SECOND, say("before calibration"))
    _bins(axes, bins, _FIRST, say("after calibration"))
    if len(before):
        _legend(axes, loc="upper left")
    sure, _, rows = (np.array(values, float) for values in zip(*bins, strict=True))
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xticklabels=[])
    below = _axes(figure, (0.55, 0.5, 0.2, 3.2), say("probability of the answer"), "")
    below.bar(sure, rows, width=0.045, color=_FIRST)
    below.set(xlim=(0, 1.02), yticks=[])
    below.grid(False)
    return _svg(figure, "reliability", say("Accuracy of the answers by their probability"))


def _bins(axes: Axes, bins: Bins, colour: str, label: str) -> None:
    """Plots bins as points on a thin line; the size of a point grows with the rows of its bin."""
    sure, right, rows = (np.array(values, float) for values in zip(*bins, strict=True))
    axes.plot(sure, right, color=colour, linewidth=0.8, alpha=0.4)
    sizes = 4 + 60 * np.sqrt(rows / rows.max())
    axes.scatter(sure, right, sizes, color=colour, alpha=0.8, linewidths=0, label=label)


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
    margin = 0.25 + 0.075 * max(map(width, words))
    figure = _figure(7.6, 0.85 + 0.24 * len(shown))
    axes = _axes(figure, (margin, 0.5, 0.6, 0.35), say("rows"), "")
    places, begun = np.arange(len(shown)), np.zeros(len(shown))
    for part, colour, number in zip(parts, (_FIRST, _SECOND, _THIRD), range(3), strict=False):
        counts = np.array([one[number] for _, one in shown], float)
        axes.barh(places, counts, 0.62, begun, color=colour, label=part)
        begun += counts
    for place, total in zip(places, begun, strict=True):
        _beside(axes, (float(total), float(place)), f"{total:.0f}")
    axes.set_yticks(places, [f"@{number}@" for number in range(len(words))])
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.grid(False, axis="y")
    figure.legend(
        loc="upper left",
        ncols=3,
        frameon=False,
        fontsize=9,
        labelcolor="linecolor",
        bbox_to_anchor=((margin - 0.1) / 7.6, 1.0),
        handlelength=1.0,
        borderaxespad=0.2,
        columnspacing=2.5,  # text may be wider on the page than matplotlib measures
    )
    return _svg(figure, "balance", say("Rows of every class and part"), words)


def _beside(axes: Axes, point: tuple[float, float], text: str) -> None:
    """Writes a small text to the right of a point."""
    away = {"xytext": (5, 0), "textcoords": "offset points"}
    axes.annotate(text, point, va="center", color=_INK, fontsize=8.5, **away)  # type: ignore[arg-type]


def support(classes: Sequence[dict[str, Any]], named: int = 6) -> str:
    """Plots the F1 of each class against its scored rows; names the classes with the lowest F1."""
    figure = _figure(6.4, 3.2)
    across = say("scored rows of the class")
    axes = _axes(figure, (0.5, 0.5, 0.3, 0.35), across, "F1")
    there = [one for one in classes if one["support"]]
    rows, scores = ([one[key] for one in there] for key in ("support", "f1"))
    axes.plot(rows, scores, "o", color=_FIRST, markersize=5, alpha=0.75)
    lowest = sorted(there, key=lambda one: float(one["f1"]))[:named]
    for number, one in enumerate(lowest):
        _beside(axes, (one["support"], one["f1"]), f"@{number}@")
    axes.set(ylim=(-0.03, 1.05), xlim=(min(rows) - 1, max(rows) * 1.15 + 1))
    label = say("F1 against number of scored rows")
    return _svg(figure, "support", label, [short(one["class"]) for one in lowest])


def examples(classes: Sequence[tuple[str, int, float]], named: int = 6) -> str:
    """Plots the recall of each class against its training rows; names the lowest recalls.

    `classes` holds (class, training rows, recall).
    """
    figure = _figure(6.4, 3.2)
    across = say("training rows of the class")
    axes = _axes(figure, (0.5, 0.5, 0.3, 0.35), across, say("recall"))
    rows = [max(1, count) for _, count, _ in classes]
    axes.plot(rows, [share for *_, share in classes], "o", color=_FIRST, markersize=5, alpha=0.75)
    lowest = sorted(classes, key=lambda one: one[2])[:named]
    for number, (_, count, share) in enumerate(lowest):
        _beside(axes, (max(1, count), share), f"@{number}@")
    axes.set(ylim=(-0.03, 1.05))
    if max(rows) > 8 * min(rows):
        axes.set_xscale("log")
        axes.minorticks_off()
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_xlim(min(rows) / 1.15, max(rows) * 1.35)
    label = say("Recall against number of training rows")
    return _svg(figure, "examples", label, [short(name) for name, *_ in lowest])


def histogram(values: np.ndarray, name: str, across: str) -> str:
    """Plots a histogram of values with at most 30 bars."""
    figure = _figure(4.6, 2.4)
    axes = _axes(figure, (0.5, 0.5, 0.2, 0.35), across, say("rows"))
    low, high = float(values.min()), float(values.max())
    margin = max(1.0, 0.02 * (high - low))
    axes.hist(values, bins=min(30, max(1, int(high - low))), range=(low - margin, high + margin),
              color=_FIRST, rwidth=0.9)  # fmt: skip
    return _svg(figure, name, say("Distribution: {what}", what=across))
