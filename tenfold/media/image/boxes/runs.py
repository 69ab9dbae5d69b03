"""Runs of pixels as COCO stores them, and the box that encloses them.

Source: pycocotools, common/maskApi.c (rleFrString, rleToBbox).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import Any

__all__ = ["enclosing"]


def enclosing(runs: Mapping[str, Any]) -> tuple[float, float, float, float] | None:
    """Returns left, upper, right and lower edge of runs in pixels; None for no pixel.

    `runs` has `size` (height, width) and `counts`: lengths of runs of 0 and 1 in turn, column by
    column, as a list or packed as a text. Raises ValueError where they do not fit the size.
    """
    height, width = (int(side) for side in runs["size"])
    counts = runs["counts"]
    lengths = _unpacked(counts) if isinstance(counts, str) else [int(one) for one in counts]
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


def _unpacked(text: str) -> list[int]:
    """Returns the lengths in a text of 6-bit characters; from the third on, differences."""
    lengths: list[int] = []
    at = 0
    while at < len(text):
        value, shift, more = 0, 0, True
        while more:
            if at >= len(text):
                raise ValueError("its runs are cut short")
            code = ord(text[at]) - 48
            value |= (code & 0x1F) << shift
            more, shift, at = bool(code & 0x20), shift + 5, at + 1
            if not more and code & 0x10:
                value |= -1 << shift
        lengths.append(value + lengths[-2] if len(lengths) > 2 else value)
    return lengths
