"""Entries of a list, each taken out once."""

from __future__ import annotations

import itertools
from typing import Any

from tenfold.media.cover import CellCover, CoverParts

__all__ = ["COVER", "as_text", "entry_covers"]


BETWEEN = " | "
"""What stands between the entries of a list where it is shown as one text."""


def as_text(cell: Any) -> str:
    """A list as one text."""
    return BETWEEN.join(map(str, cell)) if isinstance(cell, (list, tuple)) else str(cell)


def entry_covers(cell: Any) -> CoverParts:
    """Entries of a list, the last 256 of a longer one: (place, place behind it) of each."""
    if not isinstance(cell, (list, tuple)):
        return []
    return [(place, place + 1) for place in range(max(0, len(cell) - 256), len(cell))]


def _without_entries(cell: Any, start: int, end: int) -> tuple[str, ...]:
    return (*cell[:start], *cell[end:])


def _shown(cell: Any, parts: CoverParts) -> CoverParts:
    """Where the entries stand in the list as one text."""
    ends = list(itertools.accumulate(len(str(entry)) + len(BETWEEN) for entry in cell))
    return [
        (ends[at] - len(str(cell[at])) - len(BETWEEN), ends[at] - len(BETWEEN)) for at, _ in parts
    ]


COVER = CellCover(entry_covers, _without_entries, _shown)
