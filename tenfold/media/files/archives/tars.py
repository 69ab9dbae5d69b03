"""Tar archives, plain or packed with gzip, bzip2 or xz, with quick access to every member.

A plain archive is read in place. A packed one is unpacked once, into a temporary file without a
name in the cache folder, which the system removes when the process ends.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tenfold.core import system
from tenfold.core.errors import DataRefused, EnvironmentRefused
from tenfold.core.message import EMPTY, Message
from tenfold.core.progress import advance
from tenfold.media.files.archives.names import OF_TAR, decoded
from tenfold.media.files.archives.packed import DAMAGED, unpacking
from tenfold.media.files.archives.safety import (
    LINK,
    damaged,
    damaged_member,
    leads_out,
    too_large,
    unsafe,
)
from tenfold.media.files.archives.tar_headers import BadTar, Header, headers, padded
from tenfold.media.files.unreadable import LARGEST_FILE

__all__ = ["TarArchive"]

LARGEST_UNPACKED = 64 << 30
"""Most bytes that a packed archive may unpack to; also at most half of the free disk."""
_PIECE = 1 << 20


@dataclass(frozen=True)
class _Place:
    """Where the bytes of a member are in the file that is read."""

    offset: int
    size: int


class TarArchive:
    """The tar archive at `path`, checked as a whole and kept open.

    `members` maps the name of each file to its place; where a name occurs twice, the last entry
    counts. `note` states the encoding of the names where it is not UTF-8.

    Raises DataRefused where it is damaged, unpacks to too many bytes, or contains links, special
    files or names that lead out of it, EnvironmentRefused where it cannot be read or the cache
    cannot be written.
    """

    def __init__(self, path: Path) -> None:
        try:
            source = path.open("rb")
        except PermissionError as error:
            raise EnvironmentRefused(
                Message("Reading is not permitted"), where=str(path)
            ) from error
        self._lock = threading.Lock()
        self._file: IO[bytes] = source
        try:
            unpacked = unpacking(source)
            walk = _InPlace(source) if unpacked is source else _Copied(path, source, unpacked)
            self._file = walk.file
            self.note, self.members = _named(path, *_places(path, walk))
            walk.finish()
        except BadTar as error:
            raise damaged(path, error.reason) from error
        finally:
            if self._file is not source:
                source.close()

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()

    def read(self, member: str) -> bytes:
        """Returns the bytes of a member.

        Raises KeyError for an unknown name, Unreadable where the member is larger than
        LARGEST_FILE, or the archive has become shorter.
        """
        place = self.members[member]
        if place.size > LARGEST_FILE:
            raise too_large()
        if hasattr(os, "pread"):  # threads and forked processes share the position of a file
            data = os.pread(self._file.fileno(), place.size, place.offset)
        else:
            with self._lock:
                self._file.seek(place.offset)
                data = self._file.read(place.size)
        if len(data) < place.size:
            raise damaged_member(Message("it ends too early"))
        return data


def _places(path: Path, walk: _InPlace | _Copied) -> tuple[list[bytes], list[_Place]]:
    """Returns the names of all files, as bytes, and their places."""
    raw, places = list[bytes](), list[_Place]()
    for header in headers(walk):
        if header.kind == "other":
            raise unsafe(path, LINK, header.name.decode("utf-8", "replace"))
        place = walk.placed(header)
        if header.kind == "file":
            raw.append(header.name)
            places.append(place)
    return raw, places


def _named(path: Path, raw: list[bytes], places: list[_Place]) -> tuple[Message, dict[str, _Place]]:
    """Returns the message on the encoding of the names, and the places by name."""
    read = decoded(raw, OF_TAR, "utf-8")
    members = dict[str, _Place]()
    for name, place in zip(read.names, places, strict=True):
        if reason := leads_out(name):
            raise unsafe(path, reason, name)
        plain = "/".join(part for part in name.split("/") if part not in ("", "."))
        members.pop(plain, None)
        members[plain] = place
    return (EMPTY if read.encoding == "UTF-8" else read.message(path.name)), members


class _InPlace:
    """A plain archive, whose members are read where they are."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self._size = os.fstat(file.fileno()).st_size

    def read(self, size: int) -> bytes:
        """Returns the next bytes, fewer only at the end."""
        return self.file.read(size)

    def skip(self, size: int) -> None:
        """Passes over bytes; raises BadTar where they end too early."""
        if self.file.tell() + size > self._size:
            raise BadTar(Message("it ends within a file"))
        self.file.seek(size, os.SEEK_CUR)

    def placed(self, header: Header) -> _Place:
        """Passes over the content of a member and returns its place."""
        place = _Place(self.file.tell(), header.size)
        self.skip(padded(header.size))
        return place

    def finish(self) -> None:
        """Does nothing."""


class _Copied:
    """A packed archive: the content of its files is copied to a temporary file."""

    def __init__(self, path: Path, source: IO[bytes], unpacked: IO[bytes]) -> None:
        self._path, self._source, self._unpacked = path, source, unpacked
        self._packed_size = os.fstat(source.fileno()).st_size
        try:
            folder = system.cache_folder()
            folder.mkdir(parents=True, exist_ok=True)
            self.file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
            self._limit = min(LARGEST_UNPACKED, shutil.disk_usage(folder).free // 2)
        except OSError as error:
            raise _unwritable(error) from error
        self._counted = 0

    def read(self, size: int) -> bytes:
        """Returns the next bytes, fewer only at the end."""
        parts, held = [], 0
        try:
            while held < size and (part := self._unpacked.read(size - held)):
                parts.append(part)
                held += len(part)
        except DAMAGED as error:
            raise BadTar(str(error)) from error
        self._counted += held
        if self._counted > self._limit:
            raise _too_large(self._path, self._limit)
        return b"".join(parts)

    def skip(self, size: int) -> None:
        """Passes over bytes; raises BadTar where they end too early."""
        while size:
            part = self.read(min(size, _PIECE))
            if not part:
                raise BadTar(Message("it ends within a file"))
            size -= len(part)

    def placed(self, header: Header) -> _Place:
        """Copies the content of a file, unless it is too large, and returns its place."""
        place, left = _Place(self.file.tell(), header.size), header.size
        if header.kind == "file" and header.size <= LARGEST_FILE:
            while left:
                part = self.read(min(left, _PIECE))
                if not part:
                    raise BadTar(Message("it ends within a file"))
                self._write(part)
                left -= len(part)
        self.skip(left + padded(header.size) - header.size)
        advance(Message("unpacking"), self._source.tell(), self._packed_size)
        return place

    def finish(self) -> None:
        """Writes all data to the temporary file."""
        try:
            self.file.flush()
        except OSError as error:
            raise _unwritable(error) from error

    def _write(self, part: bytes) -> None:
        try:
            self.file.write(part)
        except OSError as error:
            raise _unwritable(error) from error


def _too_large(path: Path, limit: int) -> DataRefused:
    return DataRefused(
        Message("The archive unpacks to more than {limit} MB", limit=limit >> 20),
        code="too-large",
        where=str(path),
        fix=Message("Unpack it yourself, and give the folder."),
    )


def _unwritable(error: OSError) -> EnvironmentRefused:
    full = error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", -1))
    return EnvironmentRefused(
        Message(
            "The cache cannot be written: {reason}",
            reason=Message("the disk is full") if full else error.strerror or error,
        ),
        code="disk-full" if full else "cache-unwritable",
        where=str(system.cache_folder()),
        fix=Message("Free some space (`tenfold runs --empty-cache`).")
        if full
        else Message("Set TENFOLD_CACHE to a folder with write permission."),
    )
