"""Reads text files line by line: detects the encoding, unpacks gzip, reports bad lines.

A file of any length is read with constant memory. Bytes that do not fit the encoding are a problem
of their line, not of the file.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused
from tenfold.core.message import Message
from tenfold.media.files import references

__all__ = [
    "TextLine",
    "decoded",
    "empty_file",
    "encoding_of",
    "lines",
    "opened",
    "start_of",
    "unified",
]

LARGEST = 16 << 30
"""Most bytes of one file, after unpacking."""
LONGEST = 64 << 20
"""Most bytes of one line; a longer one is split."""
SEEN = 1 << 18
"""Bytes at the beginning of a file that are used to detect its encoding and format."""


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line without its line end, its number (from 1), and its problem."""

    number: int
    text: str
    problem: Problem | None = None


def encoding_of(start: bytes) -> str:
    """Returns the encoding detected from the beginning of a file.

    UTF-16 is detected by its byte order mark or its zero bytes. Otherwise, UTF-8 is returned where
    nine of ten lines with non-ASCII bytes can be decoded as UTF-8. GB18030 is returned where as
    many lines can be decoded as GB18030, and at least half of the runs of non-ASCII bytes have an
    even length, as in Chinese but not for single accents in Latin text. The default is Latin-1.
    """
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if start[1:200:2].count(0) > 0.4 * len(start[1:200:2]) > 2:
        return "utf-16-le"
    if start[0:200:2].count(0) > 0.4 * len(start[0:200:2]) > 2:
        return "utf-16-be"
    body = start[:-4] if len(start) >= SEEN else start  # the last character may be cut
    high = [line for line in body.split(b"\n")[:20_000] if not line.isascii()]
    good = sum(_fits(line, "utf-8") for line in high)
    if good >= 0.9 * len(high):
        return "utf-8"
    runs = [len(run) for run in re.findall(rb"[\x80-\xff]+", body)]
    pairs = 2 * sum(run % 2 for run in runs) <= len(runs)
    if pairs and sum(_fits(line, "gb18030") for line in high) >= 0.9 * len(high):
        return "gb18030"
    return "latin-1"


def _fits(data: bytes, encoding: str) -> bool:
    with contextlib.suppress(UnicodeDecodeError):
        data.decode(encoding)
        return True
    return False


def decoded(data: bytes) -> str:
    """Returns a whole text, decoded in its detected encoding; invalid bytes are replaced."""
    return data.decode(encoding_of(data), "replace").removeprefix("\ufeff")


def empty_file(cell: str, name: str) -> DataRefused:
    """Returns the error for a file without content; raises that of a file that cannot be opened."""
    with opened(cell):
        pass
    return DataRefused(
        Message("{name} is empty", name=name),
        code="empty-file",
        where=name,
        fix=Message("Copy it again."),
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
        yield gzip.GzipFile(fileobj=raw) if packed else raw  # type: ignore[misc]


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

    Raises DataRefused where gzip data is damaged, or a file unpacks to more than 16 GB.
    """
    start = start_of(cell)
    encoding = encoding or encoding_of(start)
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
                fix=Message("Copy or pack it again."),
            ) from error


def _split(file: IO[bytes], encoding: str, start: bytes) -> Iterator[bytes | str]:
    """Yields the lines of a file with their ends; `start` are its first bytes."""
    if encoding.startswith("utf-16"):
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
            number, text, Problem("nul", Message("holds a NUL character"), Message("Remove it."))
        )
    return TextLine(number, text)
