"""Parts of a text, each replaced by spaces once."""

from __future__ import annotations

from typing import Any

import numpy as np

from tenfold.media.cover import CellCover, CoverParts
from tenfold.media.text import tokens

__all__ = ["COVER", "text_covers"]


MOST = 64
"""Covers of one input."""


def _without(text: str, start: int, end: int) -> str:
    """The text with spaces in that place: what follows keeps its place, as spans need it."""
    return f"{text[:start]}{' ' * (end - start)}{text[end:]}"


def text_covers(text: Any) -> CoverParts:
    """At most 64 parts of a text, (first, behind the last) character of each; [] for no text.

    A part is one token, or as many neighbouring ones as needed; of a very long text those that are
    read, which are the first and the last.
    """
    if not isinstance(text, str):
        return []
    half, vast = tokens.LONGEST // 2, len(text) > tokens.LONGEST
    found = [*tokens.places(text[:half] if vast else text)]
    if vast:
        found += [tuple(np.add(place, len(text) - half)) for place in tokens.places(text[-half:])]
    parts = np.array_split(np.array(found, int).reshape(-1, 2), min(MOST, max(1, len(found))))
    return [(int(part[0, 0]), int(part[-1, 1])) for part in parts if len(part)]


COVER = CellCover(text_covers, _without, lambda text, parts: parts)
