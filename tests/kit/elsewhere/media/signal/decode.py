"""Signals from files, and as pictures.

Shapes: T numbers of a signal, W values of an encoded row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from tenfold.core.columns import Column, Problem
from tenfold.core.message import Message
from tenfold.media.cover import ColumnCover
from tenfold.media.files.references import Unreadable, fetch, unreadable

__all__ = ["COVER", "encode", "is_signal", "numbers", "overlay", "picture", "resampled"]

PARTS = 8
"""Parts of a row that are covered, one after the other."""


def numbers(content: Any) -> np.ndarray:
    """(T,) float32 of what was read from a cell: bytes of a text file, or an array.

    Raises Unreadable.
    """
    try:
        words = content.decode("ascii").split() if isinstance(content, bytes) else content
        values = np.asarray(words, np.float32)
    except (ValueError, TypeError):
        raise unreadable(
            "bad-signal", Message("holds no row of numbers"), Message("Separate them by blanks.")
        ) from None
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise unreadable(
            "bad-signal", Message("holds no row of finite numbers"), Message("Export it again.")
        )
    return values


def resampled(values: np.ndarray, width: int) -> np.ndarray:
    """(W,) float32 by linear interpolation."""
    places = np.linspace(0, len(values) - 1, width)
    return np.interp(places, np.arange(len(values)), values).astype(np.float32)


def encode(cells: Sequence[Any], width: int) -> tuple[np.ndarray, dict[int, Problem]]:
    """(N, W) float32 of the cells; rows that failed stay 0."""
    out, problems = np.zeros((len(cells), width), np.float32), {}
    for row, cell in enumerate(cells):
        try:
            out[row] = resampled(numbers(fetch(cell)), width)
        except Unreadable as error:
            problems[row] = error.problem
    return out, problems


# --- pages ----------------------------------------------------------------------------------------


def is_signal(column: Column) -> bool:
    """True for (N, W) float32."""
    return isinstance(column, np.ndarray) and column.ndim == 2 and column.dtype == np.float32


def picture(values: np.ndarray, smallest: int = 0) -> Image.Image:
    """The curve of one signal."""
    width, height = max(smallest, 96), max(smallest, 96) // 2
    drawn = Image.new("RGB", (width, height), "white")
    span = float(np.ptp(values)) or 1.0
    across = np.linspace(2, width - 3, len(values))
    down = height - 3 - (values - values.min()) / span * (height - 6)
    ImageDraw.Draw(drawn).line([*zip(across.tolist(), down.tolist(), strict=True)], "black")
    return drawn


def overlay(values: np.ndarray, weights: Any, smallest: int = 96) -> Image.Image:
    """The curve over bars: warm where a part speaks for the answer, blue where against it."""
    drawn, weights = picture(values, smallest), np.ravel(weights)
    tint, peak = Image.new("RGB", drawn.size, "white"), float(np.abs(weights).max()) or 1.0
    edges = np.linspace(0, drawn.width, len(weights) + 1)
    for start, end, weight in zip(edges[:-1], edges[1:], weights / peak, strict=True):
        pale = int(255 * (1 - abs(weight)))
        colour = (255, pale, pale) if weight > 0 else (pale, pale, 255)
        ImageDraw.Draw(tint).rectangle([start, 0, end, drawn.height], colour)
    return Image.blend(drawn, tint, 0.4)


def _covers(values: np.ndarray) -> tuple[np.ndarray, tuple[int, ...]]:
    """(M, W) copies, each with one part at the mean of all."""
    parts = np.array_split(np.arange(len(values)), min(PARTS, len(values)))
    covers = np.repeat(values[None], len(parts), 0)
    for cover, part in zip(covers, parts, strict=True):
        cover[part] = values.mean()
    return covers, (1, len(parts))


COVER = ColumnCover(is_signal, _covers)
