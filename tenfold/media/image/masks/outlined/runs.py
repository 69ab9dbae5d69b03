"""Decodes runs: COCO's (a compressed string or a list of counts) and those of Kaggle's tables.

Both go down the columns. COCO's begin with the pixels outside; Kaggle's are pairs of a start,
counted from 1, and a length.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tenfold.core.message import Message
from tenfold.media.files.references import Unreadable, unreadable
from tenfold.media.image.packed_runs import unpacked

__all__ = ["of_coco", "of_pairs", "size_of"]

FIX = Message("Write the runs again for this picture, or remove the annotation.")


def size_of(segmentation: Any) -> tuple[int, int] | None:
    """Returns the width and height that COCO runs state; None where there are none."""
    size = segmentation.get("size") if isinstance(segmentation, dict) else None
    if not isinstance(size, (list, tuple)) or len(size) != 2:
        return None
    if not all(isinstance(one, int) and one >= 0 for one in size):
        return None
    return int(size[1]), int(size[0])


def of_coco(segmentation: Any, height: int, width: int) -> np.ndarray:
    """Returns (height, width) True inside the runs of COCO. Raises Unreadable where none fit."""
    size = size_of(segmentation)
    if size is not None and size != (width, height):
        raise _unfit(
            Message(
                "runs for {run_width} x {run_height}, the picture is {width} x {height}",
                run_width=size[0],
                run_height=size[1],
                width=width,
                height=height,
            )
        )
    counts = segmentation.get("counts") if isinstance(segmentation, dict) else None
    if isinstance(counts, (str, bytes)):
        try:
            counts = unpacked(counts)
        except ValueError as error:
            raise _unfit(error.args[0]) from None
    if not isinstance(counts, (list, np.ndarray)) or not all(
        isinstance(one, (int, np.integer)) and one >= 0 for one in counts
    ):
        raise _unfit(Message("runs that are not counts of pixels"))
    lengths = np.asarray(counts, np.int64)
    total = int(lengths.sum())
    if total != width * height:
        raise _unfit(
            Message("runs end at {total} of {pixels} pixels", total=total, pixels=width * height)
        )
    inside = np.arange(len(lengths)) % 2 == 1
    return np.repeat(inside, lengths).reshape(width, height).T


def _unfit(reason: Message) -> Unreadable:
    return unreadable("mask-runs", reason, FIX)


def of_pairs(text: str, height: int, width: int) -> np.ndarray:
    """Returns (height, width) True inside the runs of a cell, such as `1 3 10 5`.

    Raises Unreadable where they do not fit the picture.
    """
    words = text.split()
    if not all(word.isdigit() for word in words) or len(words) % 2:
        raise _unfit(Message("runs that are not pairs of a start and a length"))
    numbers = np.array(words, np.int64).reshape(-1, 2)
    starts, ends = numbers[:, 0] - 1, numbers.sum(1) - 1
    if len(numbers) and (starts.min() < 0 or ends.max() > height * width):
        raise _unfit(
            Message(
                "runs end at {total} of {pixels} pixels",
                total=int(ends.max()),
                pixels=width * height,
            )
        )
    flat = np.zeros(height * width + 1, np.int32)
    np.add.at(flat, starts, 1)
    np.add.at(flat, ends, -1)
    return (np.cumsum(flat[:-1]) > 0).reshape(width, height).T
