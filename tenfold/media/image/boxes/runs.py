"""Runs of pixels as COCO stores them, and the box that encloses them.

Source: pycocotools, common/maskApi.c (rleToBbox).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import Any

from tenfold.media.image.packed_runs import unpacked

__all__ = ["enclosing"]


def enclosing(runs: Mapping[str, Any]) -> tuple[float, float, float, float] | None:
    """Returns left, upper, right and lower edge of runs in pixels; None for no pixel.

    `runs` has `size` (height, width) and `counts`: lengths of runs of 0 and 1 in turn, column by
    column, as a list or packed as a text. Raises ValueError where they do not fit the size.
    """
    height, width = (int(side) for side in runs["size"])
    counts = runs["counts"]
    lengths = unpacked(counts) if isinstance(counts, str) else [int(one) for one in counts]
    if min(lengths, default=0) < 0 or sum(lengths) != height * width:
        raise ValueError(f"its runs hold {sum(lengths)} pixels, not {height} x {width}")
    ends = list(accumulate(lengths))
    pairs = [(a, b - 1) for a, b in zip(ends[0::2], ends[1::2], strict=False) if b > a]
    if not pairs:
        return None
    left, right = pairs[0][0] // height, pairs[-1][1] // height
    rows = [
        (0, height - 1) if a // height != b // height else (a % height, b % height)
        for a, b in pairs
    ]
    upper, lower = min(one for one, _ in rows), max(one for _, one in rows)
    return float(left), float(upper), float(right + 1), float(lower + 1)
