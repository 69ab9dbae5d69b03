"""Images for reports and pages: data URIs, panels, captions."""

from __future__ import annotations

import base64
import contextlib
import functools
import io
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps
from PIL.PngImagePlugin import PngInfo

__all__ = ["Tone", "captioned", "framed", "panels", "save", "thumbnail", "tone"]

Tone = tuple[int, int, int]
"""Red, green and blue from 0 to 255."""

Corners = Sequence[float]
"""Left, top, right and bottom in fractions of the image."""

TONES: tuple[Tone, ...] = (
    *((0, 114, 178), (230, 159, 0), (0, 158, 115), (204, 121, 167)),
    *((86, 180, 233), (213, 94, 0), (240, 228, 66), (130, 130, 130)),
)
"""Colours that colour-blind people can tell apart (M. Okabe and K. Ito 2008).

`page/parts/stage.js` has the same."""


def tone(number: int) -> Tone:
    """Returns the colour of the class with this number; after the last tone, lighter ones follow.

    These are followed by darker ones, then they repeat.
    """
    lighter, place = divmod(number, len(TONES))
    white, share = ((0, 1.0), (255, 0.5), (0, 0.6))[lighter % 3]
    red, green, blue = (round(white * (1 - share) + share * one) for one in TONES[place])
    return red, green, blue


def thumbnail(picture: Image.Image, side: int = 144) -> str:
    """Returns a data URI of the image.

    An image of up to 48 pixels a side becomes a PNG of its own size, a larger one a JPEG of at most
    `side` pixels a side.
    """
    found = picture.copy()
    file = io.BytesIO()
    if max(found.size) <= 48:
        found.save(file, "PNG", optimize=True)
        kind = "png"
    else:
        found.thumbnail((side, side), Image.Resampling.LANCZOS)
        found.convert("RGB").save(file, "JPEG", quality=84)
        kind = "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"


def save(picture: Image.Image, path: Path) -> None:
    """Saves the image as a PNG file whose metadata name tenfold as the software."""
    note = PngInfo()
    note.add_text("Software", "tenfold")
    picture.save(path, "PNG", pnginfo=note)


def panels(many: Sequence[tuple[str, Image.Image]], caption: str) -> Image.Image:
    """Returns images of equal size side by side, a title over each and one caption below all."""
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
    """Returns the image on a white background with the text below it.

    An image whose longer side is below 160 pixels is enlarged first.
    """
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


def framed(image: Image.Image, frames: Sequence[tuple[Corners, str, Tone]]) -> Image.Image:
    """Returns the image with frames in their colours, each with a text above or inside it.

    An image whose longer side is below 320 pixels is enlarged first. Later frames are drawn first,
    so that texts of earlier ones stay readable.
    """
    times = -(-320 // max(image.size))
    image = image.convert("RGB")
    if times > 1:
        image = image.resize((image.width * times, image.height * times), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(image)
    thick = max(1, round(min(image.size) / 300))
    size = int(np.clip(min(image.size) / 32, 13, 28))
    corners = [_corners(frame, image.size) for frame, _, _ in frames]
    for place, (_, _, colour) in reversed([*zip(corners, frames, strict=True)]):
        pen.rectangle(place, outline=colour, width=thick)
    for (left, top, _, _), (_, text, colour) in reversed([*zip(corners, frames, strict=True)]):
        font, text = _font_for(" ".join(text.split()), size)
        wide, high = round(font.getlength(text)) + 4, round(1.25 * size)
        left = max(0, min(left, image.width - wide))
        upper = top - high if top >= high else top
        pen.rectangle((left, upper, left + wide, upper + high), colour)
        ink = "#000000" if np.dot(colour, (0.299, 0.587, 0.114)) > 140 else "#ffffff"
        pen.text((left + 2, upper + high / 2), text, ink, font, anchor="lm")
    return image


def _corners(frame: Corners, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Returns the corners in pixels, within the image and in order."""
    sides = [side - 1 for side in (*size, *size)]
    x0, y0, x1, y1 = (
        min(max(0, round(value * side)), side) for value, side in zip(frame, sides, strict=True)
    )
    return x0, y0, max(x0, x1), max(y0, y1)


_WIDE_FONTS = (
    *("NotoSansCJK-Regular.ttc", "NotoSansCJKsc-Regular.otf", "SourceHanSansSC-Regular.otf"),
    *("wqy-microhei.ttc", "wqy-zenhei.ttc", "DroidSansFallbackFull.ttf", "msyh.ttc", "simsun.ttc"),
    *("PingFang.ttc", "STHeiti Light.ttc", "Hiragino Sans GB.ttc", "Arial Unicode.ttf"),
)


def _font_for(text: str, size: int) -> tuple[Any, str]:
    """Returns a font for the text and the text itself.

    Letters that no available font contains are replaced by `?`.
    """
    if max(map(ord, text), default=0) < 0x250:
        return _font(size, False), text
    found = _font(size, True)
    if found is not None:
        return found, text
    return _font(size, False), "".join(c if ord(c) < 0x250 else "?" for c in text)


@functools.cache
def _font(size: int, wide: bool) -> Any:
    """Returns Pillow's default font, or with `wide` a system font that has Chinese characters.

    Returns None where `wide` is True and the system has no such font.
    """
    if not wide:
        return ImageFont.load_default(size)
    for name in _WIDE_FONTS:
        with contextlib.suppress(OSError):
            return ImageFont.truetype(name, size)
    return None


def _wrapped(text: str, font: Any, width: int, most: int = 3) -> list[str]:
    """Returns the text wrapped to `width` pixels, in at most `most` lines."""
    text = " ".join(text.split())
    letters = max(8, int(width / max(1.0, font.getlength(text) / max(1, len(text)))))
    return textwrap.wrap(text, letters, max_lines=most, placeholder=" …") or [""]
