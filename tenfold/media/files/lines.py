"""Files of text to lines: encodings found out, gzip unpacked while it is read, bad lines named.

A file of any length is read at constant memory. What is not a text of one encoding is a problem of
the line where it stands, not of the file.
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
from tenfold.media.files import references

__all__ = ["TextLine", "decoded", "encoding_of", "lines", "opened", "start_of"]

LARGEST = 16 << 30
"""Bytes of one file, unpacked, beyond which it is not read on."""
LONGEST = 64 << 20
"""Bytes of one line."""
SEEN = 1 << 18
"""Bytes from the beginning that tell the encoding and the format."""


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line without its end, the number a person would count, and what is wrong with it."""

    number: int
    text: str
    problem: Problem | None = None


def encoding_of(start: bytes) -> str:
    """The encoding that the beginning of a file speaks for.

    UTF-8 where nine of ten lines with other than ASCII are; then GB18030 where such bytes stand in
    pairs, as Chinese does and an accent among Latin letters does not; else Latin-1.
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
    """A whole text in whatever encoding it is; what does not fit is replaced."""
    return data.decode(encoding_of(data), "replace").removeprefix("\ufeff")


@contextlib.contextmanager
def opened(cell: str) -> Iterator[IO[bytes]]:
    """The bytes behind a cell, unpacked where they are gzip, as a file.

    Raises DataRefused where there is nothing to read.
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
        raise DataRefused(f"{name} {problem.reason}", where=name, fix=problem.fix) from error
    except OSError as error:
        raise DataRefused(f"{name} cannot be read: {error.strerror}", where=name) from error
    with raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        yield gzip.GzipFile(fileobj=raw) if packed else raw  # type: ignore[misc]


def start_of(cell: str, size: int = SEEN) -> bytes:
    """The first bytes of a file, unpacked; empty where it cannot be read."""
    with contextlib.suppress(DataRefused, OSError, EOFError, zlib.error), opened(cell) as file:
        return file.read(size)
    return b""


def lines(cell: str, encoding: str = "", blank: bool = False) -> Iterator[TextLine]:
    """The lines of a file, lazily; those of nothing but spaces only where `blank` asks for them.

    Raises DataRefused where gzip is damaged, or a file unpacks to more than 16 GB.
    """
    encoding = encoding or encoding_of(start_of(cell))
    name = references.printable(references.file_of(cell).name)
    with opened(cell) as file:
        number = read = 0
        try:
            for data in _split(file, encoding):
                number, read = number + 1, read + len(data)
                if read > LARGEST:
                    raise DataRefused(f"{name} unpacks to more than {LARGEST >> 30} GB", where=name)
                if blank or data.strip():
                    yield _line(number, data, encoding)
        except (OSError, EOFError, zlib.error) as error:
            raise DataRefused(
                f"{name} is damaged behind line {number} ({error})",
                code="damaged-gzip",
                where=f"{name}:{number}",
                fix="Copy or pack it again.",
            ) from error


def _split(file: IO[bytes], encoding: str) -> Iterator[bytes | str]:
    if encoding.startswith("utf-16"):
        with io.TextIOWrapper(file, encoding, "replace", newline="\n") as text:
            yield from text
        return
    while data := file.readline(LONGEST):
        yield data


def _line(number: int, data: bytes | str, encoding: str) -> TextLine:
    if isinstance(data, str):
        text = data
    else:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            reason = f"holds bytes that are not {encoding.upper()}"
            fix = "Save the file in UTF-8."
            return TextLine(
                number, data.decode(encoding, "replace"), Problem("encoding", reason, fix)
            )
    text = text.rstrip("\r\n")
    if number == 1:
        text = text.removeprefix("\ufeff")
    if "\0" in text:
        return TextLine(number, text, Problem("nul", "holds a NUL character", "Remove it."))
    return TextLine(number, text)
