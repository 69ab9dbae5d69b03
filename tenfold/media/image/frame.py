"""The frame that pictures of different sizes are placed in: one scale, no distortion, padding.

A picture of width and height is scaled so that it fits into the frame, and stands in the upper left
corner of it; the rest is padding. Encoded pictures, masks and boxes all use the sizes of this file.

Shapes: N pictures, H and W the sides of the frame in pixels, C channels, M boxes.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from tenfold.core import system
from tenfold.core.columns import Problem
from tenfold.media.files.references import Unreadable, fetch
from tenfold.media.image import decode

__all__ = ["PADDING", "covered", "encode", "in_frame", "in_picture"]

PADDING = 114
"""Value of the pixels outside the picture, as in the detectors of the YOLO family."""


def covered(width: int, height: int, frame: tuple[int, int]) -> tuple[int, int]:
    """Returns (h, w), the pixels of the frame (H, W) that a picture of this size covers."""
    scale = min(frame[0] / height, frame[1] / width)
    return tuple(  # type: ignore[return-value]
        max(1, min(side, round(scale * own)))
        for side, own in zip(frame, (height, width), strict=True)
    )


def in_frame(boxes: np.ndarray, sizes: np.ndarray, frame: tuple[int, int]) -> np.ndarray:
    """Converts boxes (M, 4) from fractions of their picture to fractions of the frame.

    `sizes` (M, 2) are the width and height of the picture of each box, in pixels.
    """
    return np.asarray(boxes * _shares(sizes, frame), np.float32)


def in_picture(boxes: np.ndarray, sizes: np.ndarray, frame: tuple[int, int]) -> np.ndarray:
    """Converts boxes (M, 4) from fractions of the frame to fractions of their picture, 0 to 1.

    `sizes` (M, 2) are the width and height of the picture of each box, in pixels.
    """
    return np.asarray((boxes / _shares(sizes, frame)).clip(0, 1), np.float32)


def _shares(sizes: np.ndarray, frame: tuple[int, int]) -> np.ndarray:
    """Returns (M, 4): the covered share of the frame's width and height, twice."""
    height, width = frame
    scale = np.minimum(height / sizes[:, 1], width / sizes[:, 0])[:, None]
    pixels = np.rint(scale * sizes).clip(1, [width, height])
    return np.tile(pixels / [width, height], 2)


def encode(
    cells: Sequence[Any], frame: tuple[int, int], channels: int
) -> tuple[np.ndarray, np.ndarray, dict[int, Problem]]:
    """Returns (N, H, W, C) uint8 pictures in the frame, their sizes (N, 2), and problems by row.

    A size is the width and the height of the whole picture in pixels, upright. Pictures are decoded
    by several threads. Rows that failed are all 0, with size 1 x 1.
    """
    out = np.zeros((len(cells), *frame, channels), np.uint8)
    sizes = np.ones((len(cells), 2), np.int32)
    problems: dict[int, Problem] = {}

    def work(row: int) -> None:
        try:
            content = fetch(cells[row])
            header = decode.header(content)
            height, width = covered(header.width, header.height, frame)
            picture = decode.decode(content, height, width, channels)
        except Unreadable as error:
            problems[row] = error.problem
            return
        out[row], sizes[row] = PADDING, (header.width, header.height)
        out[row, :height, :width] = picture

    with ThreadPoolExecutor(system.cores()) as pool:
        list(pool.map(work, range(len(cells))))
    return out, sizes, problems
