"""Covered copies of a picture: a square at a time in its mean colour."""

from __future__ import annotations

import itertools

import numpy as np

from tenfold.media.cover import ColumnCover
from tenfold.media.image.draw import is_picture

__all__ = ["COVER", "picture_covers"]


def picture_covers(picture: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """(M, H, W, C) copies, each with a square in the picture's mean colour, and the grid (R, K).

    Squares are two cells wide, so that neighbours overlap and edges of cells leave no trace.
    """
    height, width, _ = picture.shape
    down, across = _squares(height), _squares(width)
    covers = np.repeat(picture[None], len(down) * len(across), 0)
    places = ((rows, columns) for rows in down for columns in across)
    for cover, (rows, columns) in zip(covers, places, strict=True):
        cover[rows, columns] = picture.mean((0, 1)).round()
    return covers, (len(down), len(across))


def _squares(side: int, most: int = 8, least: int = 3) -> list[slice]:
    """At most 8 cells of at least 3 pixels, each widened by half a cell on either side."""
    edges = np.linspace(0, side, 1 + min(most, max(1, side // least)))
    half = (edges[1] - edges[0]) / 2
    return [
        slice(max(0, round(start - half)), min(side, round(end + half)))
        for start, end in itertools.pairwise(edges)
    ]


COVER = ColumnCover(is_picture, picture_covers)
