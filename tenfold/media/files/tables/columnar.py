"""Tables in Parquet and Arrow files."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from tenfold.core.errors import DataRefused
from tenfold.core.lazy import lazy
from tenfold.core.message import Message
from tenfold.media.files import references
from tenfold.media.files.lines import opened
from tenfold.media.files.tables.record import Record, RecordTable, of_records

__all__ = ["is_columnar", "table_of_columns"]

_parquet, _ipc, _arrow = lazy("pyarrow.parquet"), lazy("pyarrow.ipc"), lazy("pyarrow")

ROWS = 4096
"""Rows that are read at a time."""
_PARQUET, _FILE, _STREAM = b"PAR1", b"ARROW1", b"\xff\xff\xff\xff"


def is_columnar(start: bytes) -> bool:
    """Returns True for the first bytes of a Parquet file, an Arrow file or an Arrow stream."""
    return start.startswith((_PARQUET, _FILE)) or start.startswith(_STREAM)


def table_of_columns(cell: str, name: str, start: bytes) -> RecordTable:
    """Returns the table in a Parquet or Arrow file; `start` are its first bytes.

    Raises DataRefused where the file cannot be read.
    """
    kind = "Parquet" if start.startswith(_PARQUET) else "Arrow"
    with opened(cell) as file:
        source: Any = io.BytesIO(file.read()) if "#" in cell else str(references.file_of(cell))
    try:
        names, batches = _opened(source, start)
    except (OSError, ValueError, KeyError) as error:
        raise _damaged(name, kind, error) from error

    def records() -> Iterator[Record]:
        number = 0
        try:
            for batch in batches:
                for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    number += 1
                    yield Record(number, list(row))
        except (OSError, ValueError) as error:
            raise _damaged(name, kind, error) from error

    return of_records(names, records(), kind.lower())


def _opened(source: Any, start: bytes) -> tuple[list[str], Iterator[Any]]:
    """Returns the names of the columns and the batches of rows."""
    if start.startswith(_PARQUET):
        found = _parquet.ParquetFile(source)
        return [str(one) for one in found.schema_arrow.names], found.iter_batches(ROWS)
    file = _arrow.memory_map(source) if isinstance(source, str) else source
    if start.startswith(_FILE):
        reader = _ipc.open_file(file)
        batches = (reader.get_batch(at) for at in range(reader.num_record_batches))
    else:
        reader = _ipc.open_stream(file)
        batches = iter(reader)
    return [str(one) for one in reader.schema.names], batches


def _damaged(name: str, kind: str, error: Exception) -> DataRefused:
    return DataRefused(
        Message(
            "{name} cannot be read as {kind} ({error})",
            name=name,
            kind=kind,
            error=str(error)[:120],
        ),
        code="bad-manifest",
        where=name,
        fix=Message("The file is damaged or of another format; write it again."),
    )
