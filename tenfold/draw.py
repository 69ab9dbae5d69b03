"""Pictures and charts for reports and pages: data URIs, heat maps, captions, inline SVG.

Shapes: H x W x C a picture of bytes with one or three channels, R x K a grid of weights over it.
Charts hold colours by name (`var(--accent)`), so that a page decides how they look in the dark.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import html
import io
import re
import textwrap
import unicodedata
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from tenfold.data import Column
from tenfold.lazy import lazy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

matplotlib, figures = lazy("matplotlib"), lazy("matplotlib.figure")

__all__ = [
    "balance",
    "captioned",
    "curves",
    "histogram",
    "is_picture",
    "overlay",
    "panels",
    "picture",
    "reliability",
    "short",
    "support",
    "thumbnail",
]


def is_picture(column: Column) -> bool:
    """True for a column of encoded pictures, uint8 (N, H, W, 1 or 3)."""
    if not isinstance(column, np.ndarray) or column.ndim != 4:
        return False
    return bool(column.dtype == np.uint8 and column.shape[-1] in (1, 3))


def short(name: str, most: int = 24) -> str:
    """A name as a picture can show it: on one line, cut where it is long (wide letters count 2)."""
    plain = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in name)
    kept, room = "", most
    for letter in " ".join(plain.split()):
        room -= _cells(letter)
        if room < 0:
            return kept.rstrip() + "…"
        kept += letter
    return kept


def _cells(text: str) -> int:
    """How wide a text is in letters."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


# --- pictures -------------------------------------------------------------------------------------


def picture(pixels: np.ndarray, least: int = 0) -> Image.Image:
    """(H, W, C) bytes as a picture; a tiny one becomes `least` pixels or more, pixel by pixel."""
    plane = pixels[..., 0] if pixels.shape[2] == 1 else pixels
    found = Image.fromarray(np.ascontiguousarray(plane))
    times = -(-least // max(found.size))
    if times > 1:
        found = found.resize((found.width * times, found.height * times), Image.Resampling.NEAREST)
    return found


def thumbnail(pixels: np.ndarray | Image.Image, side: int = 144) -> str:
    """A data URI: PNG of a tiny picture as it is, else JPEG of at most `side` pixels."""
    found = picture(pixels) if isinstance(pixels, np.ndarray) else pixels.copy()
    file = io.BytesIO()
    if max(found.size) <= 48:
        found.save(file, "PNG", optimize=True)
        kind = "png"
    else:
        found.thumbnail((side, side), Image.Resampling.LANCZOS)
        found.convert("RGB").save(file, "JPEG", quality=84)
        kind = "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"


_WARM, _HOT, _COLD = np.array([[255, 176, 32], [216, 27, 46], [52, 108, 214]], np.float32)


def overlay(pixels: np.ndarray, weights: Sequence[Any], least: int = 96) -> Image.Image:
    """The picture, paler, under a heat map of a grid (R, K): warm speaks for it, blue against."""
    below = picture(pixels, least).convert("RGB")
    base = np.asarray(below, np.float32)
    grid = np.asarray(weights, np.float32)
    peak = float(np.abs(grid).max(initial=0.0))
    if peak <= 0:
        return below
    wide = Image.fromarray(grid / peak).resize(below.size, Image.Resampling.BICUBIC)
    heat = np.asarray(wide).clip(-1, 1)[..., None]
    warm = _WARM + (_HOT - _WARM) * heat.clip(0, 1)
    share = 0.72 * np.abs(heat) ** 0.9
    pale = 0.55 * base.mean(2, keepdims=True) + 0.45 * base
    mixed = pale * (1 - share) + np.where(heat > 0, warm, _COLD) * share
    return Image.fromarray(mixed.round().astype(np.uint8))


def panels(many: Sequence[tuple[str, Image.Image]], caption: str) -> Image.Image:
    """Pictures of one size side by side, each under its title, above one caption."""
    gap, head = 12, 22
    width, height = many[0][1].size
    paper = Image.new("RGB", ((width + gap) * len(many) - gap, height + head), "white")
    pen, font = ImageDraw.Draw(paper), _font(13, False)
    for number, (title, one) in enumerate(many):
        left = number * (width + gap)
        paper.paste(one.convert("RGB"), (left, head))
        pen.text((left, 3), title, "#5d6873", font)
    return captioned(paper, caption)


def captioned(image: Image.Image, text: str) -> Image.Image:
    """The picture on white paper with a text below it; a tiny picture is enlarged first."""
    times = -(-160 // max(image.size))
    if times > 1:
        image = image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)
    image = ImageOps.expand(image.convert("RGB"), 8, "white")
    size = int(np.clip(min(image.size) / 14, 13, 32))
    font, text = _font_for(text, size)
    lines = _wrapped(text, font, image.width - 16)
    height = image.height + round(1.4 * size * len(lines)) + 6
    paper = Image.new("RGB", (image.width, height), "white")
    paper.paste(image)
    pen = ImageDraw.Draw(paper)
    for number, line in enumerate(lines):
        pen.text((8, image.height + round(1.4 * size * number)), line, "#1d2329", font)
    return paper


_WIDE_FONTS = (
    *("NotoSansCJK-Regular.ttc", "NotoSansCJKsc-Regular.otf", "SourceHanSansSC-Regular.otf"),
    *("wqy-microhei.ttc", "wqy-zenhei.ttc", "DroidSansFallbackFull.ttf", "msyh.ttc", "simsun.ttc"),
    *("PingFang.ttc", "STHeiti Light.ttc", "Hiragino Sans GB.ttc", "Arial Unicode.ttf"),
)


def _font_for(text: str, size: int) -> tuple[Any, str]:
    """A font that has the letters of the text, or the text with `?` for those it lacks."""
    if max(map(ord, text), default=0) < 0x250:
        return _font(size, False), text
    found = _font(size, True)
    if found is not None:
        return found, text
    return _font(size, False), "".join(c if ord(c) < 0x250 else "?" for c in text)


@functools.cache
def _font(size: int, wide: bool) -> Any:
    """Pillow's own font, or the first of the system's with Chinese letters (None without one)."""
    if not wide:
        return ImageFont.load_default(size)
    for name in _WIDE_FONTS:
        with contextlib.suppress(OSError):
            return ImageFont.truetype(name, size)
    return None


def _wrapped(text: str, font: Any, width: int, most: int = 3) -> list[str]:
    """Lines that fit, broken at spaces where there are some; at most three."""
    text = " ".join(text.split())
    letters = max(8, int(width / max(1.0, font.getlength(text) / max(1, len(text)))))
    return textwrap.wrap(text, letters, max_lines=most, placeholder=" …") or [""]


# --- charts ---------------------------------------------------------------------------------------

# Stand-ins that become variables of the page.
_INK, _LINE, _FIRST, _SECOND, _THIRD = "#010101", "#020202", "#030303", "#040404", "#050505"
_COLOURS = {_INK: "soft", _LINE: "line", _FIRST: "accent", _SECOND: "warm", _THIRD: "third"}


def _figure(width: float, height: float) -> Figure:
    return figures.Figure(figsize=(width, height))


def _axes(figure: Figure, box: tuple[float, float, float, float], across: str, up: str) -> Axes:
    """Axes at (left, bottom, right, top) inches from the figure's edges, with a quiet grid."""
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
    """Inline SVG: no address, no font, colours of the page; `@0@` becomes words[0], escaped."""
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
    """The page's fonts and colours in place of the chart's own."""
    style = re.sub(r"font: [^;\"]*?([\d.]+)px[^;\"]*", r"font-size: \1px", style)
    style = re.sub(r"font-family: [^;\"]*;? ?", "", style)
    for stand_in, name in _COLOURS.items():
        style = style.replace(stand_in, f"var(--{name})")
    return style


def curves(rows: Sequence[dict[str, float]]) -> str:
    """Loss, and beside it every other measure of validation, over passes; `rows` of the log."""
    measures = {key for row in rows for key in row if key.startswith("valid_")}
    others = sorted(measures - {"valid_loss"})
    names = [["loss", "valid_loss"], *([others] if others else [])]
    figure = _figure(9.6, 2.9)
    for number, lines in enumerate(names):
        box = (0.5 + 4.8 * number, 0.5, 4.8 * (1 - number) + 0.15, 0.35)
        axes = _axes(figure, box, "passes over the data", "validation" if number else "loss")
        for line, colour in zip(lines, (_FIRST, _SECOND, _THIRD), strict=False):
            points = [(row["epoch"], row[line]) for row in rows if line in row]
            if points:
                _line(axes, points, line.replace("valid_", "validation "), colour)
        axes.legend(frameon=False, fontsize=9, labelcolor="linecolor", handlelength=1.2)
    return _svg(figure, "curves", "Learning curves")


def _line(axes: Axes, points: list[tuple[float, float]], label: str, colour: str) -> None:
    marker = "o" if len(points) < 30 else ""
    across, up = zip(*points, strict=True)
    label = label if label.startswith("validation") else f"training {label}"
    axes.plot(across, up, color=colour, linewidth=1.8, marker=marker, markersize=3.5, label=label)


def reliability(bins: Sequence[Sequence[float]]) -> str:
    """(confidence, share right, rows) of every bin against the line of the honest; rows below."""
    figure = _figure(4.6, 4.3)
    axes = _axes(figure, (0.55, 1.25, 0.2, 0.35), "", "share that was right")
    axes.plot([0, 1], [0, 1], color=_LINE, linewidth=1.6)
    sure, right, rows = (np.array(values, float) for values in zip(*bins, strict=True))
    axes.vlines(sure, sure, right, color=_SECOND, linewidth=2)
    axes.plot(sure, right, color=_FIRST, linewidth=1.8, marker="o", markersize=4.5)
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xticklabels=[])
    below = _axes(figure, (0.55, 0.5, 0.2, 3.2), "how sure the answer was", "")
    below.bar(sure, rows, width=0.045, color=_FIRST)
    below.set(xlim=(0, 1.02), yticks=[])
    below.grid(False)
    return _svg(figure, "reliability", "How often answers of each certainty were right")


def balance(
    classes: Sequence[tuple[str, Sequence[int]]], parts: Sequence[str], most: int = 40
) -> str:
    """A bar a class, one colour a part; of many classes the largest and the smallest."""
    ordered = sorted(classes, key=lambda one: -sum(one[1]))
    half = most // 2
    shown = ordered if len(ordered) <= most else ordered[:half] + ordered[-half:]
    words = [short(name) for name, _ in shown]
    margin = 0.25 + 0.075 * max(map(_cells, words))
    figure = _figure(7.6, 0.85 + 0.24 * len(shown))
    axes = _axes(figure, (margin, 0.5, 0.6, 0.35), "rows", "")
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
    )
    return _svg(figure, "balance", "Rows of every class and part", words)


def _beside(axes: Axes, point: tuple[float, float], text: str) -> None:
    """A small text to the right of a point."""
    away = {"xytext": (5, 0), "textcoords": "offset points"}
    axes.annotate(text, point, va="center", color=_INK, fontsize=8.5, **away)  # type: ignore[arg-type]


def support(classes: Sequence[dict[str, Any]], named: int = 6) -> str:
    """F1 of every class against how many rows it was judged on; the lowest are named."""
    figure = _figure(6.4, 3.2)
    axes = _axes(figure, (0.5, 0.5, 0.3, 0.35), "rows of the class that were judged", "F1")
    there = [one for one in classes if one["support"]]
    rows, scores = ([one[key] for one in there] for key in ("support", "f1"))
    axes.plot(rows, scores, "o", color=_FIRST, markersize=5, alpha=0.75)
    lowest = sorted(there, key=lambda one: float(one["f1"]))[:named]
    for number, one in enumerate(lowest):
        _beside(axes, (one["support"], one["f1"]), f"@{number}@")
    axes.set(ylim=(-0.03, 1.05), xlim=(min(rows) - 1, max(rows) * 1.15 + 1))
    return _svg(figure, "support", "F1 against rows", [short(one["class"]) for one in lowest])


def histogram(values: np.ndarray, name: str, across: str) -> str:
    """How often values occur, in at most 30 bars."""
    figure = _figure(4.6, 2.4)
    axes = _axes(figure, (0.5, 0.5, 0.2, 0.35), across, "rows")
    low, high = float(values.min()), float(values.max())
    margin = max(1.0, 0.02 * (high - low))
    axes.hist(values, bins=min(30, max(1, int(high - low))), range=(low - margin, high + margin),
              color=_FIRST, rwidth=0.9)  # fmt: skip
    return _svg(figure, name, f"{across}: how often")
