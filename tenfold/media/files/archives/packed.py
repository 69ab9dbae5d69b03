"""Readers of data packed with gzip, bzip2 or xz, recognised by content, with bounded memory."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from typing import IO, Any

__all__ = ["DAMAGED", "is_packed", "unpacking"]

DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError)
"""Errors of reading damaged packed data."""

_XZ = b"\xfd7zXZ\0"
_XZ_MEMORY = 512 << 20
"""Most bytes that unpacking xz may use; `xz -9` needs 65 MB."""
_PIECE = 1 << 16


def is_packed(start: bytes) -> bool:
    """Returns True for the first bytes of a gzip, bzip2 or xz file."""
    return start.startswith((b"\x1f\x8b", b"BZh", _XZ))


def unpacking(file: IO[bytes]) -> IO[bytes]:
    """Returns a reader of the unpacked data of `file`; the file itself where it is not packed."""
    start = file.read(6)
    file.seek(0)
    reader: Any = file
    if start.startswith(b"\x1f\x8b"):
        reader = gzip.GzipFile(fileobj=file)
    elif start.startswith(b"BZh"):
        reader = bz2.BZ2File(file)
    elif start.startswith(_XZ):
        reader = io.BufferedReader(_Xz(file))
    return reader


class _Xz(io.RawIOBase):
    """Reads xz data; unlike `lzma.LZMAFile`, it limits the memory that the header may ask for."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._held = b""
        self._decoder = self._fresh()

    @staticmethod
    def _fresh() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)

    def readable(self) -> bool:
        """Returns True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fills the buffer with unpacked bytes and returns their number, 0 at the end."""
        while True:
            if self._decoder.eof:
                # Streams may follow each other, with zeros between them.
                self._held = (self._decoder.unused_data or self._file.read(_PIECE)).lstrip(b"\0")
                if not self._held and not (more := self._file.read(_PIECE)):
                    return 0
                self._held = self._held or more
                self._decoder = self._fresh()
            packed, self._held = self._held, b""
            if not packed and self._decoder.needs_input:
                packed = self._file.read(_PIECE)
                if not packed:
                    raise EOFError("the packed data end too early")
            data = self._decoder.decompress(packed, len(buffer))
            if data:
                buffer[: len(data)] = data
                return len(data)
