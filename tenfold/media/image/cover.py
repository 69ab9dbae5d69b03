"""Occlusion of an image: copies in which one square has the mean colour of the image."""

from __future__ import annotations

import itertools

import numpy as np

from tenfold.media.cover import ColumnCover
from tenfold.media.image.draw import is_picture

__all__ = ["COVER", "picture_covers"]


def picture_covers(picture: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """Returns (M, H, W, C) copies of an image, each with one square covered, and the grid (R, K).

    M = R * K. A square has the mean colour of the image. It is two grid cells wide, so that
    neighbours overlap and the edges of cells leave no trace in the result.
    """
    height, width, _ = picture.shape
    down, across = _squares(height), _squares(width)
    covers = np.repeat(picture[None], len(down) * len(across), 0)
    places = ((rows, columns) for rows in down for columns in across)
    for cover, (rows, columns) in zip(covers, places, strict=True):
        cover[rows, columns] = picture.mean((0, 1)).round()
    return covers, (len(down), len(across))


def _squares(side: int, most: int = 8, least: int = 3) -> list[slice]:
    """Divides a side into up to `most` cells of at least `least` pixels; returns their slices.

    Each slice is widened by half a cell on both ends, as far as the image reaches.
    """
    edges = np.linspace(0, side, 1 + min(most, max(1, side // least)))
    half = (edges[1] - edges[0]) / 2
    return [
        slice(max(0, round(start - half)), min(side, round(end + half)))
        for start, end in itertools.pairwise(edges)
    ]


COVER = ColumnCover(is_picture, picture_covers)
