"""Single values of columns of files in Parquet: bytes, or a struct of bytes and a path.

Published data sets hold pictures as `{bytes, path}`, where either may be null. A row group is read
for its first value and kept, so that the rows of a file are best asked for in their order.
"""

from __future__ import annotations

import bisect
import itertools
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

from tenfold.core.lazy import lazy
from tenfold.core.message import Message
from tenfold.media.files.unreadable import LARGEST_FILE, unreadable

__all__ = ["ParquetColumns"]

arrow, parquet, types = lazy("pyarrow"), lazy("pyarrow.parquet"), lazy("pyarrow.types")

LARGEST_GROUP = 4 << 30
"""Most bytes of a column in one row group, which is read as a whole."""
KEPT_BYTES = 256 << 20
"""Bytes of row groups of one file that are kept in memory; the latest is always kept."""


class ParquetColumns:
    """The columns of one Parquet file, given by its path or its bytes.

    Raises Unreadable where it is not a Parquet file.
    """

    def __init__(self, source: Path | bytes) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[int, str], Any] = OrderedDict()
        try:
            given = arrow.BufferReader(source) if isinstance(source, bytes) else str(source)
            self._file = parquet.ParquetFile(given)
        except (OSError, ValueError, KeyError) as error:
            raise _damaged(error) from error
        meta = self._file.metadata
        sizes = [meta.row_group(group).num_rows for group in range(meta.num_row_groups)]
        self._ends = list(itertools.accumulate(sizes))
        self.rows = self._ends[-1] if sizes else 0

    def of_files(self) -> list[str]:
        """Returns the names of the columns that hold files: bytes, or a struct with `bytes`."""
        return [field.name for field in self._file.schema_arrow if _holds_files(field.type)]

    def value(self, row: int, column: str) -> tuple[bytes | None, str | None]:
        """Returns the bytes and the path of a file; None where the value has none.

        `row` counts from 0. Raises Unreadable where the row or the column is missing, or the value
        is too large or damaged.
        """
        if row >= self.rows:
            raise unreadable(
                "missing-row",
                Message("asks for row {row} of a file of {count} rows", row=row, count=self.rows),
            )
        if column not in self.of_files():
            raise unreadable(
                "missing-column",
                Message("asks for column {column!r}, which does not hold files", column=column),
            )
        group = bisect.bisect_right(self._ends, row)
        start = self._ends[group - 1] if group else 0
        with self._lock:  # one file handle, and one row group that all threads wait for
            value = self._group(group, column)[row - start].as_py()
        content, path = value, None
        if isinstance(value, dict):
            content, path = value.get("bytes"), value.get("path")
        if content is not None and len(content) > LARGEST_FILE:
            raise unreadable(
                "too-large", Message("is larger than {limit} MB", limit=LARGEST_FILE >> 20)
            )
        return content, path if isinstance(path, str) and path else None

    def _group(self, group: int, column: str) -> Any:
        """Returns the values of a column in one row group, read now or before."""
        key = (group, column)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        if self._size(group, column) > LARGEST_GROUP:
            raise unreadable(
                "too-large",
                Message(
                    "is in a row group of more than {limit} MB of a Parquet file",
                    limit=LARGEST_GROUP >> 20,
                ),
                Message("Write the file with row groups of 100 rows."),
            )
        try:
            values = self._file.read_row_group(group, [column], use_threads=False).column(column)
        except (OSError, ValueError, KeyError) as error:
            raise _damaged(error) from error
        self._kept[key] = values
        while len(self._kept) > 1 and sum(one.nbytes for one in self._kept.values()) > KEPT_BYTES:
            self._kept.popitem(last=False)
        return values

    def _size(self, group: int, column: str) -> int:
        meta = self._file.metadata.row_group(group)
        chunks = (meta.column(number) for number in range(meta.num_columns))
        return sum(
            chunk.total_uncompressed_size
            for chunk in chunks
            if chunk.path_in_schema == column or chunk.path_in_schema.startswith(f"{column}.")
        )


def _holds_files(kind: Any) -> bool:
    if types.is_struct(kind):
        place = kind.get_field_index("bytes")
        return place >= 0 and _is_bytes(kind.field(place).type)
    return _is_bytes(kind)


def _is_bytes(kind: Any) -> bool:
    return bool(types.is_binary(kind) or types.is_large_binary(kind))


def _damaged(error: BaseException) -> Exception:
    return unreadable(
        "damaged",
        Message("cannot be read from the Parquet file: {error}", error=error),
        Message("Copy or download the file again."),
    )
