"""A cell names a thing to read: a path, with a fragment where it is a part of a file.

    photos/cat%23 1.jpg                 a file; `#`, `%` and control characters are percent-encoded
    photos.zip#path=cats/1.jpg          a member of an archive
    train-images-idx3-ubyte.gz#17       one item of an IDX file
    mnist.zip#path=train.gz&item=17     one item of an IDX file in an archive

In memory a cell may also be an array, bytes or a PIL picture. Containers are opened once.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import numpy as np

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused, EnvironmentRefused
from tenfold.media.files import idx

__all__ = [
    "Unreadable",
    "archive",
    "error_line",
    "fetch",
    "file_cell",
    "file_of",
    "is_item",
    "items",
    "member_cell",
    "printable",
    "speakable",
]

LARGEST_FILE = 256 << 20
"""Bytes of one picture file or archive member beyond which it is not opened."""

_PIECE = 1 << 20
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_BROKEN = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_RESERVED = re.compile(r"[%#\x00-\x1f\x7f\ud800-\udfff]")


class Unreadable(Exception):
    """One cell that cannot be used; carries its Problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.reason)
        self.problem = problem


def unreadable(code: str, reason: str, fix: str = "") -> Unreadable:
    """An Unreadable from its three parts."""
    return Unreadable(Problem(code, reason, fix))


def quote(name: str) -> str:
    """Percent-encodes what would be read as a fragment or spoil a line."""
    return _RESERVED.sub(_percent, name)


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in os.fsencode(match[0]))


def unquote(name: str) -> str:
    """The file name behind a quoted one."""
    return os.fsdecode(unquote_to_bytes(name)) if "%" in name else name


def speakable(name: str) -> str:
    """A class name that JSON and a terminal can carry: what they cannot is percent-encoded."""
    return _BROKEN.sub(_percent, name)


def printable(name: str) -> str:
    """A name as a message may show it: no control characters, no broken UTF-8."""
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", name)


def error_line(source: str, problem: Problem) -> str:
    """How a verb that answers line by line says that an input cannot be read."""
    return f"{printable(source)}\tERROR\t{problem}"


def file_cell(path: str | Path) -> str:
    """The cell of a whole file."""
    return quote(os.fspath(path))


def member_cell(archive: str | Path, member: str) -> str:
    """The cell of one member of a zip archive."""
    return f"{quote(os.fspath(archive))}#path={quote(member).replace('&', '%26')}"


def file_of(cell: str) -> Path:
    """The file on disk that holds what the cell names."""
    return Path(unquote(cell.partition("#")[0]))


def fetch(cell: Any) -> Any:
    """Bytes of a file or member, or the array of an item; arrays and pictures as they are.

    A Problem in place of a cell is what is wrong with it. Raises Unreadable where there is nothing
    to read.
    """
    if isinstance(cell, Problem):
        raise Unreadable(cell)
    if not isinstance(cell, str):
        return cell
    name, _, fragment = cell.partition("#")
    path = _path(name)
    with _problems():
        return _part(path, fragment) if fragment else _bytes(path)


def items(cell: str) -> np.ndarray:
    """All values of an IDX file, plain or in an archive.

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
    """What the system says of a file, as a problem of its row."""
    try:
        yield
    except FileNotFoundError:
        raise unreadable("missing-file", "there is no such file", "Check the path.") from None
    except PermissionError:
        raise unreadable("no-permission", "reading is not permitted", "Run chmod +r.") from None
    except OSError as error:
        raise unreadable("unreadable", f"cannot be read: {error.strerror or error}") from error


@lru_cache(maxsize=1024)
def _path(name: str) -> Path:
    return Path(unquote(name))


def _bytes(path: Path) -> bytes:
    with open(path, "rb", opener=_at_once) as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise unreadable("not-a-file", "is not a regular file", "Remove it.")
        if facts.st_size > LARGEST_FILE:
            raise unreadable("too-large", f"is larger than {LARGEST_FILE >> 20} MB")
        return file.read()


def _at_once(path: str, flags: int) -> int:
    """Opens without waiting for somebody to write into a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _part(path: Path, fragment: str) -> Any:
    if fragment.isdigit():
        return _item(_idx_file(path, _stamp(path)), int(fragment))
    fields = dict(field.partition("=")[::2] for field in fragment.split("&"))
    member = unquote(fields.get("path", ""))
    if "item" in fields:
        return _item(_idx_member(path, member, _stamp(path)), int(fields["item"]))
    return read_member(path, member)


def is_item(cell: Any) -> bool:
    """True for an array or an item of an IDX file: nothing is left to decode."""
    if not isinstance(cell, str):
        return isinstance(cell, np.ndarray)
    fragment = cell.partition("#")[2]
    return fragment.isdigit() or "&item=" in fragment


def _item(items: np.ndarray, number: int) -> np.ndarray:
    if number >= len(items):
        raise unreadable("missing-item", f"item {number} of {len(items)} does not exist")
    return np.asarray(items[number])


def read_member(path: Path, member: str) -> bytes:
    """Bytes of one member of a zip archive, counted while they come, whatever its header claims."""
    parts, held = [], 0
    try:
        with archive(path).open(member) as file:
            claimed = archive(path).getinfo(member).file_size
            while held <= LARGEST_FILE >= claimed and (part := file.read(_PIECE)):
                parts.append(part)
                held += len(part)
    except KeyError:
        raise FileNotFoundError(member) from None
    except (zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise unreadable("damaged-member", f"is damaged inside the archive: {error}") from error
    if max(held, claimed) > LARGEST_FILE:
        raise unreadable("too-large", f"unpacks to more than {LARGEST_FILE >> 20} MB")
    return b"".join(parts)


def _stamp(path: Path) -> tuple[int, int]:
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns


@lru_cache(maxsize=8)
def _idx_file(path: Path, stamp: tuple[int, int]) -> np.ndarray:
    return idx.parse(path.read_bytes(), str(path))


@lru_cache(maxsize=8)
def _idx_member(path: Path, member: str, stamp: tuple[int, int]) -> np.ndarray:
    return idx.parse(read_member(path, member), f"{path}#path={member}")


def archive(path: Path) -> zipfile.ZipFile:
    """The zip archive at `path`, checked as a whole and kept open.

    Raises DataRefused where it is damaged, encrypted, or holds links or names that lead out.
    """
    return _archive(path, _stamp(path))


@lru_cache(maxsize=8)
def _archive(path: Path, stamp: tuple[int, int]) -> zipfile.ZipFile:
    try:
        opened = zipfile.ZipFile(path)
    except PermissionError as error:
        raise EnvironmentRefused("Reading is not permitted", where=str(path)) from error
    except zipfile.BadZipFile as error:
        raise DataRefused(
            f"The archive is damaged: {error}",
            code="damaged-archive",
            where=str(path),
            fix="Download or pack it again.",
        ) from error
    for entry in opened.infolist():
        if reason := _refuse(entry):
            raise DataRefused(
                f"The archive holds {reason}: {printable(entry.filename)!r}",
                code="unsafe-archive",
                where=str(path),
                fix="Unpack it yourself, look at it, and give the folder.",
            )
    return opened


def _refuse(entry: zipfile.ZipInfo) -> str:
    name = entry.filename.replace("\\", "/")
    if name.startswith("/") or re.match(r"^[A-Za-z]:", name):
        return "an absolute name"
    if ".." in name.split("/"):
        return "a name that leads out of it"
    kind = entry.external_attr >> 16
    if kind and not entry.is_dir() and stat.S_IFMT(kind) not in (0, stat.S_IFREG):
        return "a link or a special file"
    return "an encrypted member" if entry.flag_bits & 1 else ""
