"""Zip archives: the names of their members in the right encoding, and their bytes."""

from __future__ import annotations

import stat
import zipfile
import zlib
from pathlib import Path

from tenfold.core.errors import EnvironmentRefused
from tenfold.core.message import EMPTY, Message
from tenfold.media.files.archives.names import OF_ZIP, DecodedNames, decoded
from tenfold.media.files.archives.safety import (
    LINK,
    damaged,
    damaged_member,
    leads_out,
    too_large,
    unsafe,
)
from tenfold.media.files.unreadable import LARGEST_FILE

__all__ = ["ZipArchive"]

_PIECE = 1 << 20
_UTF8, _ENCRYPTED = 0x800, 1
"""Flags of a member: its name is UTF-8; its data are encrypted."""
_UNICODE_PATH = 0x7075
"""Extra field with the name in UTF-8 (Info-ZIP, APPNOTE 4.6.9)."""


class ZipArchive:
    """The zip archive at `path`, checked as a whole and kept open.

    `members` maps the name of each file to its entry; where a name occurs twice, the last entry
    counts. `note` states the encoding of the names, if the archive does not.

    Raises DataRefused where it is damaged, encrypted, or contains links or names that lead out of
    it.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = zipfile.ZipFile(path)
        except PermissionError as error:
            raise EnvironmentRefused(
                Message("Reading is not permitted"), where=str(path)
            ) from error
        except (zipfile.BadZipFile, NotImplementedError) as error:
            raise damaged(path, error) from error
        entries = self._file.infolist()
        read = _names(entries)
        self.note = read.message(path.name)
        self.members: dict[str, zipfile.ZipInfo] = {}
        for entry, name in zip(entries, read.names, strict=True):
            if reason := leads_out(name) or _refuse(entry):
                raise unsafe(path, reason, name)
            if not name.endswith("/"):
                self.members.pop(name, None)
                self.members[name] = entry

    def read(self, member: str) -> bytes:
        """Returns the bytes of a member.

        The size is counted while reading, so that a false size in the header does no harm. Raises
        KeyError for an unknown name, Unreadable where the member is damaged or larger than
        LARGEST_FILE.
        """
        entry = self.members[member]
        parts, held = [], 0
        try:
            with self._file.open(entry) as file:
                while held <= LARGEST_FILE >= entry.file_size and (part := file.read(_PIECE)):
                    parts.append(part)
                    held += len(part)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
            raise damaged_member(error) from error
        if max(held, entry.file_size) > LARGEST_FILE:
            raise too_large()
        return b"".join(parts)


def _refuse(entry: zipfile.ZipInfo) -> Message:
    kind = entry.external_attr >> 16
    if kind and not entry.is_dir() and stat.S_IFMT(kind) not in (0, stat.S_IFREG):
        return LINK
    return Message("an encrypted file") if entry.flag_bits & _ENCRYPTED else EMPTY


def _names(entries: list[zipfile.ZipInfo]) -> DecodedNames:
    """Returns the names of the entries, and the encoding of those without the flag of UTF-8."""
    names = [entry.filename for entry in entries]
    unmarked: dict[int, bytes] = {}
    for row, entry in enumerate(entries):
        raw = _raw(entry)
        if raw is None or raw.isascii():
            continue
        given = _unicode_path(entry.extra, raw)
        if given is None:
            unmarked[row] = raw
        else:
            names[row] = given
    read = decoded(list(unmarked.values()), OF_ZIP, "cp437")
    for row, name in zip(unmarked, read.names, strict=True):
        names[row] = name
    return DecodedNames(names, read.encoding, read.example, read.rival, read.rival_example)


def _raw(entry: zipfile.ZipInfo) -> bytes | None:
    """Returns the bytes of a name that `zipfile` decoded as cp437; None if its encoding is given.

    A character outside cp437 comes from the extra field, which newer versions of Python read.
    """
    if entry.flag_bits & _UTF8:
        return None
    try:
        return entry.orig_filename.partition("\0")[0].encode("cp437")
    except UnicodeEncodeError:
        return None


def _unicode_path(extra: bytes, raw: bytes) -> str | None:
    """Returns the name in the extra field of UTF-8, if it belongs to the name in the header."""
    while len(extra) >= 4:
        kind, size = int.from_bytes(extra[:2], "little"), int.from_bytes(extra[2:4], "little")
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == _UNICODE_PATH and field[:1] == b"\1":
            if int.from_bytes(field[1:5], "little") != zlib.crc32(raw):
                return None
            try:
                return field[5:].decode()
            except UnicodeDecodeError:
                return None
    return None
