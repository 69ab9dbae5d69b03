"""Reads text files line by line: decodes them, unpacks gzip, reports bad lines.

A file of any length is read with constant memory. Bytes that do not fit the encoding are a problem
of their line, not of the file.
"""

from __future__ import annotations

import codecs
import contextlib
import functools
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused
from tenfold.core.message import Message
from tenfold.media.files import references
from tenfold.media.files.encoding import encodings
from tenfold.media.files.encoding.byte_samples import sample_of
from tenfold.media.reading import AS_FOUND, Reading

__all__ = [
    "TextLine",
    "decoded",
    "empty_file",
    "encoding_of",
    "found_encoding",
    "lines",
    "opened",
    "start_of",
    "unified",
    "whole_of",
]

LARGEST = 16 << 30
"""Most bytes of one file, after unpacking."""
LONGEST = 64 << 20
"""Most bytes of one line; a longer one is split."""
SEEN = 1 << 18
"""Bytes at the beginning of a file that are used to detect its format."""


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line without its line end, its number (from 1), and its problem."""

    number: int
    text: str
    problem: Problem | None = None


def encoding_of(start: bytes) -> str:
    """Returns the encoding detected from the beginning of a file (see `encodings.decided`).

    Raises UsageError where two encodings are about equally probable.
    """
    return _encoding_of(start)


@functools.lru_cache(16)
def _encoding_of(start: bytes) -> str:
    return encodings.decided(sample_of([start], whole=len(start) < SEEN)).name


def decoded(data: bytes, encoding: str = "") -> str:
    """Returns a whole text, in the encoding that it shows itself, else in `encoding`.

    Without `encoding`, that of older encodings is detected. Invalid bytes are replaced.
    """
    name = encodings.own_encoding(data) or encoding or encoding_of(data)
    return data.decode(name, "replace").removeprefix("\ufeff")


def found_encoding(cell: str, reading: Reading = AS_FOUND) -> encodings.Encoding:
    """Returns the encoding of a file, with notes for the user.

    The whole file is looked at, up to a gigabyte. Raises UsageError where two encodings are about
    equally probable, DataRefused where the file cannot be read or is not text.
    """
    path = references.file_of(cell)
    with contextlib.suppress(OSError):
        stat = path.stat()
        return _found_encoding(cell, reading, (stat.st_size, stat.st_mtime_ns))
    return _found_encoding(cell, reading, (0, 0))


@functools.lru_cache(64)
def _found_encoding(cell: str, reading: Reading, stamp: tuple[int, int]) -> encodings.Encoding:
    name = references.printable(references.file_of(cell).name)
    with opened(cell) as file:
        try:
            sample = sample_of(iter(lambda: file.read(1 << 20), b""))
        except (OSError, EOFError, zlib.error):  # `lines` reports it, with the line
            sample = sample_of([start_of(cell)], whole=False)
    return encodings.decided(sample, name, reading)


def empty_file(cell: str, name: str) -> DataRefused:
    """Returns the error for a file without content.

    Raises DataRefused where the file cannot be read, such as damaged gzip data.
    """
    for _ in lines(cell, "utf-8"):
        pass
    return DataRefused(
        Message("{name} is empty", name=name),
        code="empty-file",
        where=name,
        fix=Message("Copy the file again."),
    )


@contextlib.contextmanager
def opened(cell: str) -> Iterator[IO[bytes]]:
    """Opens the file or archive member that a cell names, as bytes; gzip is unpacked.

    Raises DataRefused where the file cannot be read.
    """
    name = references.printable(references.file_of(cell).name)
    try:
        raw: Any = (
            io.BytesIO(references.fetch(cell))
            if "#" in cell
            else references.file_of(cell).open("rb")
        )
    except references.Unreadable as error:
        problem = error.problem
        raise DataRefused(
            Message("{name} {reason}", name=name, reason=problem.reason),
            where=name,
            fix=problem.fix,
        ) from error
    except OSError as error:
        raise DataRefused(
            Message("{name} cannot be read: {error}", name=name, error=error.strerror),
            where=name,
        ) from error
    with raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        try:
            yield gzip.GzipFile(fileobj=raw) if packed else raw  # type: ignore[misc]
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            if not packed:
                raise
            raise DataRefused(
                Message("{name} is damaged ({error})", name=name, error=error),
                code="damaged-gzip",
                where=name,
                fix=Message("Copy or pack the file again."),
            ) from error


def whole_of(cell: str, name: str, fix: Message) -> bytes:
    """Returns the content of a file that is read as a whole, unpacked.

    Raises DataRefused where it is larger than LARGEST_FILE; `fix` says what to do then.
    """
    with opened(cell) as file:
        data = file.read(references.LARGEST_FILE + 1)
    if len(data) > references.LARGEST_FILE:
        raise DataRefused(
            Message(
                "{name} is larger than {limit} MB", name=name, limit=references.LARGEST_FILE >> 20
            ),
            code="too-large",
            where=name,
            fix=fix,
        )
    return data


def start_of(cell: str, size: int = SEEN) -> bytes:
    """Returns the first bytes of a file, unpacked; empty where it cannot be read."""
    with contextlib.suppress(DataRefused, OSError, EOFError, zlib.error), opened(cell) as file:
        return file.read(size)
    return b""


def unified(data: bytes) -> bytes:
    """Returns the data with carriage returns replaced by line feeds, if there is no line feed.

    Text files of the classic Mac OS end lines in a lone carriage return.
    """
    return data.replace(b"\r", b"\n") if _classic(data) else data


def lines(cell: str, encoding: str = "", blank: bool = False) -> Iterator[TextLine]:
    """Yields the lines of a file; blank lines only with `blank`.

    Without `encoding`, that of the file is detected. Raises DataRefused where gzip data is damaged,
    or a file unpacks to more than 16 GB; UsageError where two encodings are about equally probable.
    """
    start = start_of(cell)
    encoding = encoding or found_encoding(cell).name
    name = references.printable(references.file_of(cell).name)
    with opened(cell) as file:
        number = read = 0
        try:
            for data in _split(file, encoding, start):
                number, read = number + 1, read + len(data)
                if read > LARGEST:
                    raise DataRefused(
                        Message(
                            "{name} unpacks to more than {limit} GB",
                            name=name,
                            limit=LARGEST >> 30,
                        ),
                        where=name,
                    )
                if blank or data.strip():
                    yield _line(number, data, encoding)
        except (OSError, EOFError, zlib.error) as error:
            raise DataRefused(
                Message(
                    "{name} is damaged after line {number} ({error})",
                    name=name,
                    number=number,
                    error=error,
                ),
                code="damaged-gzip",
                where=f"{name}:{number}",
                fix=Message("Copy or pack the archive again."),
            ) from error


def _split(file: IO[bytes], encoding: str, start: bytes) -> Iterator[bytes | str]:
    """Yields the lines of a file with their ends; `start` are its first bytes."""
    if codecs.lookup(encoding).name.startswith(("utf-16", "utf-32")):
        classic = _classic(start.replace(b"\0", b""))
        with io.TextIOWrapper(file, encoding, "replace", newline="\r" if classic else "\n") as text:
            yield from text
        return
    if not _classic(start):
        while data := file.readline(LONGEST):
            yield data
        return
    held = b""
    while data := file.read(1 << 20):
        *whole, held = (held + data).split(b"\r")
        yield from (line + b"\r" for line in whole)
        if len(held) > LONGEST:
            yield held
            held = b""
    if held:
        yield held


def _classic(start: bytes) -> bool:
    """Returns True where lines end in a lone carriage return, as on the classic Mac OS."""
    return b"\r" in start[:-1] and b"\n" not in start


def _line(number: int, data: bytes | str, encoding: str) -> TextLine:
    if isinstance(data, str):
        text = data
    else:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            reason = Message("holds bytes that are not {encoding}", encoding=encoding.upper())
            fix = Message("Save the file in UTF-8.")
            return TextLine(
                number, data.decode(encoding, "replace"), Problem("encoding", reason, fix)
            )
    text = text.rstrip("\r\n")
    if number == 1:
        text = text.removeprefix("\ufeff")
    if "\0" in text:
        return TextLine(
            number,
            text,
            Problem("nul", Message("holds a NUL character"), Message("Remove the NUL character.")),
        )
    return TextLine(number, text)
