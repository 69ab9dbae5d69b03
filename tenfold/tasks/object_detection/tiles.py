"""Large pictures in overlapping tiles: small objects are found at the size they were learnt at.

A picture is predicted as a whole and in tiles. A box at an inner border of a tile is a part of an
object; it is left to the neighbouring tile, or to the whole picture.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tenfold.answers.boxes import Boxes
from tenfold.answers.detection.suppression import suppressed
from tenfold.core.columns import Problem
from tenfold.core.settings import setting
from tenfold.media.files.references import Unreadable
from tenfold.media.image import decode

if TYPE_CHECKING:
    from tenfold.answers.kind import Answer
    from tenfold.task import AnswersOf, Table

__all__ = ["TileOptions", "answers", "windows"]

SHARED = 0.25
"""Overlap of two neighbouring tiles, as a share of their sides."""
BORDER = 0.01
"""Distance from the border of a tile at which a box touches it, as a share of the tile's side."""


@dataclass(frozen=True)
class TileOptions:
    """Prediction options of object detection beside those of boxes."""

    tiles: int = setting(
        1,
        "image tiles across and down, overlapping, for large pictures; 1 = none",
        low=1,
        high=20,
    )


def answers(table: Table, answers_of: AnswersOf, options: Any) -> list[Answer]:
    """Returns an answer for each row, predicted in tiles where `options.tiles` is above 1."""
    whole = answers_of(table)
    if options.tiles == 1:
        return whole
    return [
        one if isinstance(one, Problem) else _in_tiles(cell, one, answers_of, options)
        for cell, one in zip(table["image"], whole, strict=True)
    ]


def windows(count: int) -> np.ndarray:
    """Returns the windows (count * count, 4) of overlapping tiles in fractions of the picture."""
    side = 1 / (count - (count - 1) * SHARED)
    starts = np.linspace(0, 1 - side, count)
    return np.array([[x, y, x + side, y + side] for y in starts for x in starts])


def _in_tiles(cell: Any, whole: Any, answers_of: AnswersOf, options: Any) -> Answer:
    """Returns the boxes of a picture and of its tiles, after suppression over all of them."""
    try:
        pixels = np.asarray(decode.upright(cell, most=1 << 20))
    except Unreadable as error:
        return error.problem
    names, parts = [box[0] for box in whole.boxes], [_corners(whole)]
    scores = [*whole.scores]
    for window in windows(options.tiles):
        height, width = pixels.shape[:2]
        x0, y0, x1, y1 = (window * [width, height, width, height]).round().astype(int)
        tile = np.ascontiguousarray(pixels[y0:y1, x0:x1])
        (answer,) = answers_of(pd.DataFrame({"image": [tile], "source": ["tile"]}))
        if not isinstance(answer, Boxes):
            return answer
        corners = _corners(answer)
        inner = _cut(corners, np.array([x0 > 0, y0 > 0, x1 < width, y1 < height]))
        place = corners * np.tile([x1 - x0, y1 - y0], 2) + [x0, y0, x0, y0]
        parts.append((place / [width, height, width, height])[~inner])
        names += [box[0] for box, cut in zip(answer.boxes, inner, strict=True) if not cut]
        scores += [sure for sure, cut in zip(answer.scores, inner, strict=True) if not cut]
    known = sorted(set(names))
    kinds = np.array([known.index(name) for name in names], np.int64)
    found, sure, kept = suppressed(
        np.concatenate(parts), np.array(scores), kinds, options.overlap, options.top
    )
    boxes = [(known[kind], *map(float, box)) for kind, box in zip(kept, found, strict=True)]
    return replace(whole, boxes=tuple(boxes), scores=tuple(map(float, sure)))


def _corners(answer: Boxes) -> np.ndarray:
    return np.array([box[1:] for box in answer.boxes], float).reshape(-1, 4)


def _cut(corners: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """Returns (n,) True for boxes that touch a border of their tile that is inside the picture."""
    touches = np.concatenate([corners[:, :2] < BORDER, corners[:, 2:] > 1 - BORDER], 1)
    return np.asarray((touches & inner).any(1))
