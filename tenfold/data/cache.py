"""The user's cache: encoded columns (memory-mapped), and digests of files that were read before.

A column set is written under a temporary name and renamed when it is complete, so that an
interrupted run leaves no incomplete data. The least recently used sets are deleted when the cache
exceeds its size limit.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tenfold.core import system
from tenfold.core.columns import Column, Encoded, Problem, Ragged
from tenfold.core.errors import EnvironmentRefused
from tenfold.core.message import Message, as_message, restored, with_messages

__all__ = ["Memo", "limit", "load", "recall", "remember", "remove_all", "size", "store"]


def limit() -> int:
    """Maximum size of the cache in bytes.

    TENFOLD_CACHE_BYTES where it is set, else a quarter of the sum of the free disk space and the
    present size of the cache.
    """
    if told := os.environ.get("TENFOLD_CACHE_BYTES"):
        return int(told)
    place = system.cache_folder()
    while not place.exists():
        place = place.parent
    return (shutil.disk_usage(place).free + size()) // 4


def key(parts: Iterable[str | bytes]) -> str:
    """Returns the cache name of encoded columns: a hash of all that determines their content."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(part if isinstance(part, bytes) else part.encode())
        digest.update(b"\0")
    return digest.hexdigest()


def load(name: str) -> Encoded | None:
    """The columns stored under `name`, memory-mapped; None where they do not exist."""
    folder = _columns() / name
    try:
        facts = restored(json.loads((folder / "columns.json").read_text()))
        columns = {name: _open(folder, name, ragged) for name, ragged in facts["columns"].items()}
    except (OSError, ValueError, KeyError):
        return None
    with contextlib.suppress(OSError):
        os.utime(folder)
    problems = {
        int(row): Problem(one["code"], as_message(one["reason"]), as_message(one["fix"]))
        for row, one in facts["problems"].items()
    }
    return Encoded(columns, problems)


def store(name: str, parts: Iterator[Encoded]) -> Encoded:
    """Writes the columns of consecutive parts of a table and returns them memory-mapped.

    Raises EnvironmentRefused where the disk is full or the cache cannot be written.
    """
    home = _columns()
    try:
        home.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=home, prefix=".new-"))
        try:
            _write(folder, parts)
            _place(folder, home / name)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        _forget_oldest(keep=name)
    except OSError as error:
        raise _refused(home, error) from error
    found = load(name)
    if found is None:
        raise _refused(home, OSError("what was written cannot be read back"))
    return found


def _place(folder: Path, place: Path) -> None:
    try:
        folder.rename(place)
    except OSError:
        # Another process has stored the same columns already; only a damaged set is replaced.
        if load(place.name) is None:
            shutil.rmtree(place)
            folder.rename(place)


def _refused(home: Path, error: OSError) -> EnvironmentRefused:
    # numpy reports a full disk only in the text of the error.
    full = error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", -1)) or "requested and" in str(
        error
    )
    return EnvironmentRefused(
        Message(
            "The cache cannot be written: {reason}",
            reason=Message("the disk is full") if full else error.strerror or error,
        ),
        code="disk-full" if full else "cache-unwritable",
        where=str(home),
        fix=Message("Free some space (`tenfold runs --empty-cache`).")
        if full
        else Message("Set TENFOLD_CACHE to a folder with write permission."),
    )


class Memo:
    """Stored values for files and their parts, valid until the file changes.

    A file has changed if its `stamp`, its size and modification time, differs. A value is JSON.
    `part` names a part of the file, such as a member of an archive; it is empty for the whole file.
    """

    def __init__(self, root: str) -> None:
        self._path = system.cache_folder() / "memo" / f"{key([root])}.json"
        self._old: dict[str, Any] = {}
        self._new: dict[str, Any] = {}
        with contextlib.suppress(OSError, ValueError):
            self._old = json.loads(self._path.read_text())

    def get(self, file: str, part: str, stamp: Any) -> Any | None:
        """Returns the stored value; None if there is none or it was stored with another stamp."""
        known = self._old.get(file)
        if known is None or known["stamp"] != stamp or part not in known["parts"]:
            return None
        value = known["parts"][part]
        self.put(file, part, stamp, value)
        return value

    def put(self, file: str, part: str, stamp: Any, value: Any) -> None:
        """Stores the value of a file or part with the file's stamp (size and modification time)."""
        entry = self._new.get(file)
        if entry is None:
            entry = self._new[file] = {"stamp": stamp, "parts": {}}
        entry["parts"][part] = value

    def save(self) -> None:
        """Writes the values that were read or added to the cache folder; ignores write errors."""
        if self._new == self._old:
            return
        with contextlib.suppress(OSError):
            system.write_atomically(self._path, json.dumps(self._new, separators=(",", ":")))


def remember(name: str, value: str) -> None:
    """Stores a short text under `name` in the cache of this machine, such as the path of data."""
    with contextlib.suppress(OSError):
        system.write_atomically(system.cache_folder() / "facts" / key([name]), value)


def recall(name: str) -> str | None:
    """The text stored under `name`; None where there is none."""
    try:
        return (system.cache_folder() / "facts" / key([name])).read_text()
    except OSError:
        return None


def size() -> int:
    """Size in bytes of the encoded columns in the cache."""
    return sum(_bytes(folder) for folder in _sets())


def remove_all() -> int:
    """Deletes the encoded columns and the digests; returns the bytes of the deleted columns."""
    freed = size()
    shutil.rmtree(system.cache_folder() / "columns", ignore_errors=True)
    shutil.rmtree(system.cache_folder() / "memo", ignore_errors=True)
    return freed


def _columns() -> Path:
    return system.cache_folder() / "columns"


def _sets() -> list[Path]:
    return [path for path in _columns().glob("*") if path.is_dir()] if _columns().exists() else []


def _bytes(folder: Path) -> int:
    with contextlib.suppress(OSError):
        return sum(file.stat().st_size for file in folder.iterdir())
    return 0


def _forget_oldest(keep: str) -> None:
    room, yesterday = limit(), time.time() - 86400
    sets = sorted(_sets(), key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in sets:
        abandoned = folder.name.startswith(".new-") and folder.stat().st_mtime < yesterday
        room -= _bytes(folder)
        if folder.name != keep and (abandoned or (room < 0 and not folder.name.startswith("."))):
            shutil.rmtree(folder, ignore_errors=True)


def _open(folder: Path, name: str, ragged: bool) -> Column:
    values = _map(folder / f"{name}.npy")
    return Ragged(values, np.load(folder / f"{name}.offsets.npy")) if ragged else values


def _map(path: Path) -> np.ndarray:
    # An empty array cannot be mapped.
    with contextlib.suppress(ValueError):
        return np.load(path, mmap_mode="r")
    return np.load(path)


def _write(folder: Path, parts: Iterator[Encoded]) -> None:
    writers: dict[str, _Writer] = {}
    problems: dict[int, Problem] = {}
    row = 0
    with contextlib.ExitStack() as stack:
        for part in parts:
            for name, column in part.columns.items():
                if name not in writers:
                    writers[name] = stack.enter_context(_Writer(folder, name, column))
                writers[name].add(column)
            problems |= {row + index: problem for index, problem in part.problems.items()}
            row += len(next(iter(part.columns.values())))
    facts = {
        "columns": {name: writer.ragged for name, writer in writers.items()},
        "problems": {str(index): vars(problem) for index, problem in problems.items()},
    }
    system.write_atomically(folder / "columns.json", json.dumps(with_messages(facts)))


class _Writer:
    """Writes one column as an .npy file row by row; the header is completed at the end."""

    def __init__(self, folder: Path, name: str, first: Column) -> None:
        self.ragged = isinstance(first, Ragged)
        self._values = first.values if isinstance(first, Ragged) else first
        self._path, self._offsets = folder / f"{name}.npy", folder / f"{name}.offsets.npy"
        self._lengths: list[np.ndarray] = []
        self._rows = 0

    def __enter__(self) -> _Writer:
        self._file = self._path.open("wb")
        self._header(0)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.seek(0)
        self._header(self._rows)
        self._file.close()
        if self.ragged:
            lengths = np.concatenate(self._lengths) if self._lengths else np.zeros(0, np.int64)
            np.save(self._offsets, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))

    def add(self, column: Column) -> None:
        """Appends the rows of a part."""
        values = column.values if isinstance(column, Ragged) else column
        if isinstance(column, Ragged):
            self._lengths.append(column.lengths)
        np.ascontiguousarray(values, self._values.dtype).tofile(self._file)
        self._rows += len(values)

    def _header(self, rows: int) -> None:
        # The header has a fixed length, a multiple of 64 bytes, with room for any number of rows.
        shape = (rows, *self._values.shape[1:])
        text = repr({"descr": self._values.dtype.str, "fortran_order": False, "shape": shape})
        body = (text.ljust(245) + "\n").encode()
        self._file.write(b"\x93NUMPY\x01\x00" + len(body).to_bytes(2, "little") + body)
