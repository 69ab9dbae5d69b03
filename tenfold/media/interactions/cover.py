"""Occlusion of a list of items: each cover leaves out one entry of the list."""

from __future__ import annotations

import itertools
from typing import Any

from tenfold.media.cover import CellCover, CoverParts

__all__ = ["COVER", "as_text", "entry_covers"]


BETWEEN = " | "
"""Separator between the entries of a list shown as one text."""


def as_text(cell: Any) -> str:
    """Returns a list as one text with | between its entries, and any other cell as text."""
    return BETWEEN.join(map(str, cell)) if isinstance(cell, (list, tuple)) else str(cell)


def entry_covers(cell: Any) -> CoverParts:
    """Returns (index, index + 1) for the last 256 entries of a list; [] for any other cell."""
    if not isinstance(cell, (list, tuple)):
        return []
    return [(place, place + 1) for place in range(max(0, len(cell) - 256), len(cell))]


def _without_entries(cell: Any, start: int, end: int) -> tuple[str, ...]:
    return (*cell[:start], *cell[end:])


def _shown(cell: Any, parts: CoverParts) -> CoverParts:
    """Returns the (start, end) characters of each part in the text made by `as_text`."""
    ends = list(itertools.accumulate(len(str(entry)) + len(BETWEEN) for entry in cell))
    return [
        (ends[at] - len(str(cell[at])) - len(BETWEEN), ends[at] - len(BETWEEN)) for at, _ in parts
    ]


COVER = CellCover(entry_covers, _without_entries, _shown)
