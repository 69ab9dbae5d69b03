"""Reads the headers of a tar archive one after the other; no size in a header is trusted.

Formats: V7, ustar, GNU (long names) and pax. Source: IEEE Std 1003.1, utility `pax`.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from tenfold.core.message import Message
from tenfold.media.files.archives.kinds import BLOCK

__all__ = ["BadTar", "Header", "Stream", "headers", "padded"]

MAX_HEADER_BYTES = 1 << 20
"""Most bytes of a long name or of the records of pax."""

FILE, FOLDER, OTHER = "file", "folder", "other"
_FILES, _FOLDERS, _NOTES = (b"0", b"\0", b"7"), (b"5", b"D"), (b"V",)
_LONG_NAME, _LONG_LINK, _PAX, _PAX_OF_ALL = b"L", b"K", (b"x", b"X"), b"g"


class BadTar(Exception):
    """A tar archive that is damaged; holds the reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Stream(Protocol):
    """A sequence of bytes that is read from front to back."""

    def read(self, size: int) -> bytes:
        """Returns the next `size` bytes, fewer only at the end."""

    def skip(self, size: int) -> None:
        """Passes over bytes; raises BadTar where they end too early."""


@dataclass(frozen=True)
class Header:
    """A member: bytes of its name, its size in bytes, and `file`, `folder` or `other` (a link)."""

    name: bytes
    size: int
    kind: str


def padded(size: int) -> int:
    """Returns the bytes that a content of `size` bytes takes in the archive."""
    return -(-size // BLOCK) * BLOCK


def headers(stream: Stream) -> Iterator[Header]:
    """Yields the header of each member; the caller reads or skips `padded(size)` bytes of each.

    Concatenated archives are read to the end of the last. Raises BadTar for an invalid header, and
    where the end marker is missing.
    """
    ended = False
    long_name, pax, of_all = b"", dict[bytes, bytes](), dict[bytes, bytes]()
    while block := stream.read(BLOCK):
        if len(block) < BLOCK:
            raise BadTar(Message("it ends within a header"))
        ended = not any(block)
        if ended:
            continue
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except (tarfile.HeaderError, ValueError) as error:
            raise BadTar(str(error)) from error
        if info.size < 0:
            raise BadTar(Message("it holds a negative size"))
        if info.type in (_LONG_NAME, _LONG_LINK, *_PAX, _PAX_OF_ALL):
            body = _body(stream, info.size)
            if info.type == _LONG_NAME:
                long_name = body.partition(b"\0")[0]
            elif info.type == _PAX_OF_ALL:
                of_all |= _records(body)
            elif info.type in _PAX:
                pax |= _records(body)
            continue
        yield _header(info, long_name, of_all | pax)
        long_name, pax = b"", {}
    if not ended:
        raise BadTar(Message("the mark of its end is missing"))


def _header(info: tarfile.TarInfo, long_name: bytes, pax: dict[bytes, bytes]) -> Header:
    name = pax.get(b"path") or long_name or info.name.encode("utf-8", "surrogateescape")
    sparse = any(key.startswith(b"GNU.sparse") for key in pax)
    size = info.size
    if b"size" in pax:
        if not pax[b"size"].isdigit() or len(pax[b"size"]) > 18:
            raise BadTar(Message("it holds a size that is not a number"))
        size = int(pax[b"size"])
    if info.type in _FOLDERS or (info.type in _FILES and name.endswith(b"/")):
        return Header(name, 0 if info.type == b"5" else size, FOLDER)
    if info.type in _NOTES:
        return Header(name, size, FOLDER)
    return Header(name, size, FILE if info.type in _FILES and not sparse else OTHER)


def _body(stream: Stream, size: int) -> bytes:
    if size > MAX_HEADER_BYTES:
        raise BadTar(Message("it holds a name that is too long"))
    body = stream.read(padded(size))
    if len(body) < padded(size):
        raise BadTar(Message("it ends within a header"))
    return body[:size]


def _records(body: bytes) -> dict[bytes, bytes]:
    """Returns the records of pax: `LENGTH KEY=VALUE` and a line feed, LENGTH of the whole."""
    records, at = {}, 0
    while at < len(body) and body[at]:
        length, space, _ = body[at : at + 12].partition(b" ")
        if not space or not length.isdigit() or int(length) <= len(length) + 2:
            raise BadTar(Message("it holds invalid records of pax"))
        if body[at + int(length) - 1 : at + int(length)] != b"\n":
            raise BadTar(Message("it holds invalid records of pax"))
        key, _, value = body[at + len(length) + 1 : at + int(length) - 1].partition(b"=")
        records[key] = value
        at += int(length)
    return records
