"""A cell names data to read: a path, with a fragment where the data are a part of a file.

    photos/cat%23 1.jpg                 a file; `#`, `%` and control characters are percent-encoded
    photos.zip#path=cats/1.jpg          a member of a zip or tar archive
    train-images-idx3-ubyte.gz#17       one item of an IDX file
    mnist.zip#path=train.gz&item=17     one item of an IDX file in an archive
    train.parquet#row=17&column=image   a file inside a Parquet file, row 17 counted from 0
    cells.tif#plane=2&channels=0,1      a plane of a TIFF stack, some of its channels (see `stacks`)

In memory a cell may also be an array, bytes or a PIL image. Archives, IDX files
and row groups of Parquet files are cached.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import re
import stat
import threading
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote_to_bytes

import numpy as np

from tenfold.core.columns import Problem
from tenfold.core.message import Message
from tenfold.core.text import printable
from tenfold.media.files import idx, stacks
from tenfold.media.files.archives.kinds import kind_of
from tenfold.media.files.archives.tars import TarArchive
from tenfold.media.files.archives.zips import ZipArchive
from tenfold.media.files.parquet_columns import ParquetColumns
from tenfold.media.files.unreadable import LARGEST_FILE, Unreadable, unreadable

__all__ = [
    "LARGEST_FILE",
    "Unreadable",
    "archive",
    "error_line",
    "fetch",
    "file_cell",
    "file_of",
    "is_item",
    "items",
    "member_cell",
    "opened",
    "parquet_cells",
    "printable",
    "source_of",
    "speakable",
    "unreadable",
]

_BROKEN = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_RESERVED = re.compile(r"[%#\x00-\x1f\x7f\ud800-\udfff]")


def quote(name: str) -> str:
    """Percent-encodes characters that would start a fragment or break a line."""
    return _RESERVED.sub(_percent, name)


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in os.fsencode(match[0]))


def unquote(name: str) -> str:
    """Returns the file name, decoded from its percent-encoded form."""
    return os.fsdecode(unquote_to_bytes(name)) if "%" in name else name


def speakable(name: str) -> str:
    """Returns a class name for JSON and terminals; unsafe characters are percent-encoded."""
    return _BROKEN.sub(_percent, name)


def error_line(source: str, problem: Problem) -> str:
    """Returns the line that a verb prints for an input that cannot be read."""
    return f"{printable(source)}\tERROR\t{problem}"


def file_cell(path: str | Path) -> str:
    """Returns the cell that names a whole file: its path, percent-encoded."""
    return quote(os.fspath(path))


def member_cell(archive: str | Path, member: str) -> str:
    """Returns the cell of one member of a zip or tar archive."""
    return f"{quote(os.fspath(archive))}#path={quote(member).replace('&', '%26')}"


def parquet_cells(path: str | Path, member: str = "") -> dict[str, list[str]]:
    """Returns the cells of the files inside a Parquet file, for each column that holds files.

    Such a column is one of bytes, or of structs with `bytes` and `path`, as published data sets
    have them; where the bytes are null, the cell is the file at `path`, relative to the Parquet
    file. The cells are in the order of the rows; no value is read. `member` is the name of the
    Parquet file within the archive at `path`. Raises Unreadable where it is not a Parquet file.
    """
    place = Path(path)
    with _problems():
        columns = _parquet(place, member, _stamp(place))
    start = f"{member_cell(place, member)}&" if member else f"{file_cell(place)}#"
    return {
        name: [
            f"{start}row={row}&column={quote(name).replace('&', '%26')}"
            for row in range(columns.rows)
        ]
        for name in columns.of_files()
    }


def file_of(cell: str) -> Path:
    """Returns the path of the file on disk that a cell refers to."""
    return Path(unquote(cell.partition("#")[0]))


def fetch(cell: Any) -> Any:
    """Returns the bytes of a file or member, or the array of an item; arrays and images unchanged.

    Raises Unreadable where there is nothing to read, or where the cell is a Problem.
    """
    if isinstance(cell, Problem):
        raise Unreadable(cell)
    if not isinstance(cell, str):
        return cell
    name, _, fragment = cell.partition("#")
    path = _path(name)
    with _problems():
        return _part(path, fragment) if fragment else _bytes(path)


def source_of(cell: Any) -> tuple[Any, dict[str, str]]:
    """Returns the file that a cell names a part of, and the fields of its fragment.

    The file is a path, or the bytes of a member; for other cells it is what `fetch` returns. Raises
    Unreadable.
    """
    name, _, fragment = cell.partition("#") if isinstance(cell, str) else ("", "", "")
    fields = dict(field.partition("=")[::2] for field in fragment.split("&") if field)
    if not name or fragment.isdigit() or not {"row", "item"}.isdisjoint(fields):
        return fetch(cell), {}
    with _problems():
        member = unquote(fields.get("path", ""))
        return read_member(_path(name), member) if member else _path(name), fields


def items(cell: str) -> np.ndarray:
    """Returns all values of an IDX file, plain or in an archive.

    Raises Unreadable, or DataRefused where the file is damaged.
    """
    name, _, fragment = cell.partition("#")
    path = _path(name)
    with _problems():
        if not fragment:
            return _idx_file(path, _stamp(path))
        return _idx_member(path, unquote(fragment.removeprefix("path=")), _stamp(path))


@contextlib.contextmanager
def _problems() -> Iterator[None]:
    """Context manager that converts errors of the operating system to Unreadable."""
    try:
        yield
    except FileNotFoundError:
        raise unreadable(
            "missing-file", Message("does not exist"), Message("Check the path.")
        ) from None
    except PermissionError:
        raise unreadable(
            "no-permission",
            Message("reading is not permitted"),
            Message("Run chmod +r on the file."),
        ) from None
    except OSError as error:
        raise unreadable(
            "unreadable", Message("cannot be read: {error}", error=error.strerror or error)
        ) from error


@lru_cache(maxsize=1024)
def _path(name: str) -> Path:
    return Path(unquote(name))


def opened(path: Path) -> BinaryIO:
    """Returns an open regular file. Raises Unreadable for a pipe, a device or a folder."""
    file = open(path, "rb", opener=_at_once)  # noqa: SIM115 (the caller closes it)
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise unreadable(
            "not-a-file", Message("is not a regular file"), Message("Give a regular file.")
        )
    return file


def _bytes(path: Path) -> bytes:
    with opened(path) as file:
        if os.fstat(file.fileno()).st_size > LARGEST_FILE:
            raise unreadable(
                "too-large",
                Message("is larger than {limit} MB", limit=LARGEST_FILE >> 20),
            )
        return file.read()


def _at_once(path: str, flags: int) -> int:
    """Opens a file without blocking, even where it is a pipe that no process writes to."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _part(path: Path, fragment: str) -> Any:
    if fragment.isdigit():
        return _item(_idx_file(path, _stamp(path)), int(fragment))
    fields = dict(field.partition("=")[::2] for field in fragment.split("&"))
    member = unquote(fields.get("path", ""))
    if "row" in fields:
        return _file_in_table(path, member, fields["row"], unquote(fields.get("column", "")))
    if "plane" in fields or "channels" in fields:
        return stacks.part_of(read_member(path, member) if member else path, fields)
    if "item" in fields:
        return _item(_idx_member(path, member, _stamp(path)), int(fields["item"]))
    return read_member(path, member)


def _file_in_table(path: Path, member: str, row: str, column: str) -> bytes:
    """Returns the bytes of a file in a Parquet file, or of the file that its row names."""
    number = int(row) if row.isdigit() and len(row) < 19 else 1 << 62
    content, name = _parquet(path, member, _stamp(path)).value(number, column)
    if content is not None:
        return content
    if name is None:
        raise unreadable(
            "empty-cell",
            Message("is empty in the table"),
            Message("Write the file into the table, or remove the row."),
        )
    if member:
        return read_member(path, posixpath.normpath(f"{posixpath.dirname(member)}/{name}"))
    folder = os.path.realpath(path.parent)
    target = Path(os.path.realpath(os.path.join(folder, name)))
    if not target.is_relative_to(folder):
        raise unreadable(
            "path-out",
            Message("points outside the folder"),
            Message("Move the file into the folder of the table or one of its subfolders."),
        )
    return _bytes(target)


@lru_cache(maxsize=4)
def _parquet(path: Path, member: str, stamp: tuple[int, int]) -> ParquetColumns:
    return ParquetColumns(read_member(path, member) if member else path)


def is_item(cell: Any) -> bool:
    """Returns True for an array or an item of an IDX file, which need no decoding."""
    if not isinstance(cell, str):
        return isinstance(cell, np.ndarray)
    fragment = cell.partition("#")[2]
    return fragment.isdigit() or "&item=" in fragment


def _item(items: np.ndarray, number: int) -> np.ndarray:
    if number >= len(items):
        raise unreadable(
            "missing-item",
            Message(
                "asks for item {number} of a file with {count} items",
                number=number,
                count=len(items),
            ),
        )
    return np.asarray(items[number])


def read_member(path: Path, member: str) -> bytes:
    """Returns the bytes of one member of an archive.

    Raises Unreadable where the member is missing, damaged or larger than LARGEST_FILE.
    """
    try:
        return archive(path).read(member)
    except KeyError:
        raise FileNotFoundError(member) from None


def _stamp(path: Path) -> tuple[int, int]:
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns


@lru_cache(maxsize=8)
def _idx_file(path: Path, stamp: tuple[int, int]) -> np.ndarray:
    return idx.parse(path.read_bytes(), str(path))


@lru_cache(maxsize=8)
def _idx_member(path: Path, member: str, stamp: tuple[int, int]) -> np.ndarray:
    return idx.parse(read_member(path, member), f"{path}#path={member}")


def archive(path: Path) -> ZipArchive | TarArchive:
    """Returns the zip or tar archive at `path`, checked as a whole and kept open.

    Raises DataRefused where it is damaged, encrypted, or contains links or names that lead out of
    it.
    """
    with _OPENING:  # two threads would unpack the same archive twice
        return _archive(path, _stamp(path))


_OPENING = threading.RLock()


@lru_cache(maxsize=8)
def _archive(path: Path, stamp: tuple[int, int]) -> ZipArchive | TarArchive:
    return TarArchive(path) if kind_of(path) == "tar" else ZipArchive(path)
