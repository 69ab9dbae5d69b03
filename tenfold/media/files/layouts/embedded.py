"""Files that a table holds in its cells: as bytes, or as a struct of `bytes` and `path`."""

from __future__ import annotations

from typing import Any

from tenfold.media.files import references
from tenfold.media.files.sheets import Sheet

__all__ = ["files_in", "held"]

SAMPLE = 50


def files_in(cell: str, name: str) -> dict[str, list[str]]:
    """Returns the cells of the files inside a Parquet file, by columns; {} for other tables."""
    if not name.lower().endswith(".parquet"):
        return {}
    member = references.unquote(cell.partition("#")[2].removeprefix("path="))
    try:
        return references.parquet_cells(references.file_of(cell), member)
    except references.Unreadable:
        return {}


def held(sheet: Sheet) -> dict[str, list[Any]]:
    """Returns the bytes of the files that the columns of a table hold; {} where none does."""
    found = {}
    columns = sheet.frame.columns
    for name in columns[~columns.duplicated(keep=False)]:
        some = list(sheet.frame[name].iloc[:SAMPLE])
        full = [cell for cell in some if cell is not None]
        if full and all(_bytes(cell) is not None for cell in full):
            found[name] = [_bytes(cell) for cell in sheet.frame[name]]
    return found


def _bytes(value: Any) -> bytes | None:
    """Returns the bytes of a file in a cell of a table; None where the cell holds none."""
    if isinstance(value, dict):
        value = value.get("bytes")
    return bytes(value) if isinstance(value, (bytes, bytearray, memoryview)) and value else None
