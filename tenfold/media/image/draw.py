"""Pictures for reports and pages: data URIs, heat maps, captions; names cut to what fits.

Shapes: H x W x C a picture of bytes with one or three channels, R x K a grid of weights over it.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import io
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from tenfold.core.columns import Column

__all__ = [
    "captioned",
    "is_picture",
    "overlay",
    "panels",
    "picture",
    "thumbnail",
]


def is_picture(column: Column) -> bool:
    """True for encoded pictures, uint8 (N, H, W, C): grey or RGB, with or without a mask."""
    if not isinstance(column, np.ndarray) or column.ndim != 4:
        return False
    return bool(column.dtype == np.uint8 and 1 <= column.shape[-1] <= 4)


def picture(pixels: np.ndarray, least: int = 0) -> Image.Image:
    """(H, W, C) bytes as a picture; a tiny one becomes `least` pixels or more, pixel by pixel.

    Where the last of two or four channels is a mask, what lies outside it is paled.
    """
    if pixels.shape[2] in (2, 4):
        pixels = _paled(pixels[..., :-1], pixels[..., -1:])
    plane = pixels[..., 0] if pixels.shape[2] == 1 else pixels
    found = Image.fromarray(np.ascontiguousarray(plane))
    times = -(-least // max(found.size))
    if times > 1:
        found = found.resize((found.width * times, found.height * times), Image.Resampling.NEAREST)
    return found


def _paled(pixels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A quarter of the background, three quarters white."""
    inside = 0.25 + 0.75 * (mask.astype(np.float32) / 255)
    return np.asarray((pixels * inside + 255 * (1 - inside)).round().astype(np.uint8))


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
    pen = ImageDraw.Draw(paper)
    for number, (title, one) in enumerate(many):
        left = number * (width + gap)
        paper.paste(one.convert("RGB"), (left, head))
        font, title = _font_for(" ".join(title.split()), 13)
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
