"""Pictures far larger than those of the training, predicted in overlapping windows.

A window has the size of the frame, at the scale of the training. Neighbouring windows overlap by a
quarter of their sides; their outputs are averaged with weights that fall towards the edges of a
window. The outputs of one row of windows are in memory at a time, so that beside the picture and
its answer the memory does not grow with the height.

Shapes: H W sides of the scaled picture, h w those of a window, P planes: K classes, then the
distance where objects are told apart, then the sum of the weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tenfold.core.columns import Problem
from tenfold.media.files.references import Unreadable, fetch
from tenfold.media.image import decode
from tenfold.task import AnswersOf

__all__ = ["Joined", "joined", "picture_size"]

AT_ONCE = 8
"""Windows that are predicted together."""


@dataclass(frozen=True)
class Joined:
    """The most probable class of each pixel (H, W), its probability, and distances or None."""

    best: np.ndarray
    sure: np.ndarray
    distance: np.ndarray | None


def picture_size(cell: Any) -> tuple[int, int] | None:
    """Returns (height, width) of a picture, None where it cannot be read."""
    try:
        header = decode.header(fetch(cell))
    except Unreadable:
        return None
    return header.height, header.width


def joined(
    cell: Any,
    size: tuple[int, int],
    frame: tuple[int, int],
    data: tuple[int, int],
    ask: AnswersOf,
) -> Joined | Problem:
    """Returns the joined outputs of all windows of a picture, resized to `size` (H, W).

    `data` are the numbers of channels and of classes. Returns the Problem of the picture, or of the
    first window that has one.
    """
    channels, classes = data
    try:
        picture = decode.decode(fetch(cell), *size, channels)
    except Unreadable as error:
        return error.problem
    best, sure = np.zeros(size, np.uint8), np.zeros(size, np.float32)
    distance = np.zeros(size, np.float32)
    shape = (min(frame[0], size[0]), min(frame[1], size[1]))
    tops = _starts(size[0], shape[0])
    band, planes = np.zeros((0, size[1], 0), np.float32), 0
    for top, end in zip(tops, [*tops[1:], size[0]], strict=True):
        found = _row(picture[top : top + shape[0]], shape, ask)
        if isinstance(found, Problem):
            return found
        if len(band):
            found[: len(band)] += band
        ready, band, planes = found[: end - top], found[end - top :], found.shape[2]
        mean = ready[..., :-1] / ready[..., -1:]
        best[top:end] = mean[..., :classes].argmax(2)
        sure[top:end] = mean[..., :classes].max(2)
        distance[top:end] = mean[..., -1]
    return Joined(best, sure, distance if planes > classes + 1 else None)


def _starts(side: int, window: int) -> list[int]:
    """Returns the first pixels of windows that cover a side, evenly spread, and overlap by 1/4."""
    count = 1 + -(-max(0, side - window) // max(1, window * 3 // 4))
    return [round(number * (side - window) / max(1, count - 1)) for number in range(count)]


def _row(strip: np.ndarray, shape: tuple[int, int], ask: AnswersOf) -> np.ndarray | Problem:
    """Returns weighted sums of the outputs of the windows of a strip (h, W, C): (h, W, P)."""
    lefts = _starts(strip.shape[1], shape[1])
    weight = np.minimum.outer(*map(_slope, shape))[..., None]
    total = np.zeros((*strip.shape[:2], 0), np.float32)
    for left, planes in _windows(strip, lefts, shape, ask):
        if isinstance(planes, Problem):
            return planes
        if not total.shape[2]:
            total = np.zeros((*strip.shape[:2], planes.shape[2] + 1), np.float32)
        part = total[:, left : left + shape[1]]
        part += np.concatenate([planes * weight, weight], 2)
    return total


def _slope(side: int) -> np.ndarray:
    """Returns weights (side,) that rise from the edges to the middle."""
    place = np.arange(side) + 0.5
    return np.asarray(np.minimum(place, side - place) / side, np.float32)


def _windows(
    strip: np.ndarray, lefts: list[int], shape: tuple[int, int], ask: AnswersOf
) -> Iterator[tuple[int, np.ndarray | Problem]]:
    """Yields the first column and the outputs (h, w, P - 1) of each window of a strip."""
    for start in range(0, len(lefts), AT_ONCE):
        some = lefts[start : start + AT_ONCE]
        cells = [np.ascontiguousarray(strip[:, left : left + shape[1]]) for left in some]
        outputs, problems = ask.outputs(pd.DataFrame({"image": pd.Series(cells, dtype=object)}))
        if problems:
            yield some[0], problems[min(problems)]
            return
        planes = np.asarray(outputs["probabilities"])
        if "distance" in outputs:
            planes = np.concatenate([planes, np.asarray(outputs["distance"])[..., None]], 3)
        yield from zip(some, planes[:, : shape[0], : shape[1]], strict=True)
