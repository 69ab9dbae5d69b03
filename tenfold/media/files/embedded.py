"""Files that a table holds in its cells: as bytes, or as a struct of `bytes` and `path`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tenfold.media.files.sheets import Sheet

__all__ = ["cells", "held_column"]

SAMPLE = 50


def held_column(sheet: Sheet, given: Any | None) -> Any | None:
    """Returns the column whose cells hold files; None where there is none.

    `given` is the column of files that the user named, or None.
    """
    names = list(sheet.frame.columns) if given is None else [given]
    for name in names:
        some = list(sheet.frame[name].iloc[:SAMPLE]) if names.count(name) == 1 else []
        full = [cell for cell in some if cell is not None]
        if full and all(_held(cell) is not None for cell in full):
            return name
    return None


def cells(column: Sequence[Any]) -> list[Any]:
    """Returns the cell of each file that a column holds; None where it is empty."""
    return [_held(value) for value in column]


def _held(value: Any) -> bytes | None:
    """Returns the bytes of a file in a cell of a table; None where the cell holds none."""
    if isinstance(value, dict):
        value = value.get("bytes")
    return bytes(value) if isinstance(value, (bytes, bytearray, memoryview)) and value else None
