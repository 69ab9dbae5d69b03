"""Occlusion of a text: each cover replaces one part of the text by spaces."""

from __future__ import annotations

from typing import Any

import numpy as np

from tenfold.media.cover import CellCover, CoverParts
from tenfold.media.text import tokens

__all__ = ["COVER", "text_covers"]


MOST = 64
"""Most covers of one input."""


def _without(text: str, start: int, end: int) -> str:
    """Returns the text with one part replaced by as many spaces; spans keep their positions."""
    return f"{text[:start]}{' ' * (end - start)}{text[end:]}"


def text_covers(text: Any) -> CoverParts:
    """Returns the (start, end) characters of up to 64 parts of a text; [] for any other cell.

    A part is one token or several neighbouring tokens. Of a text longer than LONGEST only the
    beginning and the end are covered, as only these are encoded.
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
