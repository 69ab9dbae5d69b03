"""Samples of the lines of a file that show its encoding: lines with non-ASCII bytes."""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

__all__ = ["Sample", "fits", "has_escapes", "sample_of", "wide_encoding"]

LOOKED = 1 << 30
"""Most bytes of one file that are looked at; further lines that do not fit are bad rows."""
KEPT, KEPT_LATER = 400, 40
"""Lines kept of one chunk: of the first MAX_LINES / 2 lines, and after that."""
MAX_LINES, MAX_BYTES = 2000, 4000
"""Most lines of a sample; length at which a line is cut."""
MAX_PLAIN = 200
"""Most lines of ASCII text kept."""


@dataclass
class Sample:
    """Lines with non-ASCII bytes, some of ASCII only, and how many of the former are UTF-8.

    `valid` lines are UTF-8, `other` lines are not. Of a chunk with `other` lines, at most MAX_LINES
    lines are counted. `escapes` is True where ASCII text holds the escape sequences of ISO-2022-JP.
    `wide` is "utf-16" or similar, "" for an encoding of bytes.
    """

    valid: list[bytes] = field(default_factory=list)
    other: list[bytes] = field(default_factory=list)
    plain: list[bytes] = field(default_factory=list)
    valid_count: int = 0
    other_count: int = 0
    escapes: bool = False
    wide: str = ""

    def add(self, body: bytes) -> None:
        """Adds whole lines."""
        if body.isascii():
            self.escapes |= has_escapes(body)
            if len(self.plain) < MAX_PLAIN:
                self.plain += body.splitlines()[: MAX_PLAIN - len(self.plain)]
            return
        lines = body.replace(b"\r", b"\n").split(b"\n")
        if len(self.plain) < MAX_PLAIN:
            plain = (line for line in lines[:5000] if line.isascii() and line.strip())
            self.plain += list(plain)[: MAX_PLAIN - len(self.plain)]
        marked = [line for line in lines if not line.isascii()]
        if fits(body, "utf-8"):
            self.valid_count += len(marked)
            _keep(marked, self.valid)
            return
        marked = marked[:: max(1, -(-len(marked) // MAX_LINES))]
        good, bad = list[bytes](), list[bytes]()
        for line in marked:
            (good if fits(line, "utf-8") else bad).append(line)
        self.valid_count += len(good)
        self.other_count += len(bad)
        _keep(good, self.valid)
        _keep(bad, self.other)

    def merge(self, another: Sample) -> None:
        """Adds the lines of another file of the same corpus."""
        self.valid_count += another.valid_count
        self.other_count += another.other_count
        self.escapes |= another.escapes
        for mine, theirs in (
            (self.valid, another.valid),
            (self.other, another.other),
            (self.plain, another.plain),
        ):
            mine += theirs[: max(0, MAX_LINES - len(mine))]


def _keep(lines: list[bytes], kept: list[bytes]) -> None:
    count = KEPT if len(kept) < MAX_LINES // 2 else KEPT_LATER
    count = min(count, MAX_LINES - len(kept))
    if count > 0:
        kept += map(_cut, lines[:: max(1, -(-len(lines) // count))])


def _cut(line: bytes) -> bytes:
    """Returns a long line cut before a space or a comma, which are never part of a character."""
    if len(line) <= MAX_BYTES:
        return line
    place = max(line.rfind(mark, 0, MAX_BYTES) for mark in (b" ", b",", b"."))
    return line[:place] if place > 0 and not line[:place].isascii() else line


def has_escapes(data: bytes) -> bool:
    """Returns True where ASCII bytes hold the escape sequences of ISO-2022-JP."""
    return b"\x1b$B" in data or b"\x1b$@" in data


def fits(data: bytes, encoding: str) -> bool:
    """Returns True where the bytes can be decoded."""
    with contextlib.suppress(UnicodeDecodeError):
        data.decode(encoding)
        return True
    return False


def sample_of(chunks: Iterable[bytes], whole: bool = True) -> Sample:
    """Returns the sample of a file, given as chunks of bytes.

    With `whole`, the last line is complete; otherwise it may be cut inside a character.
    """
    sample = Sample()
    held, read = b"", 0
    for chunk in chunks:
        if not read:
            sample.wide = wide_encoding(chunk)
            if sample.wide:
                return sample
        read += len(chunk)
        body, end, held = _ended(held + chunk)
        if end:
            sample.add(body)
        if read > LOOKED:
            return sample
    if held and (whole or not (sample.valid_count or sample.other_count or sample.plain)):
        sample.add(held if whole else held[:-4])
    return sample


def _ended(data: bytes) -> tuple[bytes, bool, bytes]:
    """Returns the whole lines of the data, whether there are any, and the rest."""
    place = max(data.rfind(b"\n"), data.rfind(b"\r"))
    return data[: place + 1], place >= 0, data[place + 1 :]


def wide_encoding(start: bytes) -> str:
    """Returns UTF-16 or UTF-32 by the byte order mark or the zero bytes, else ""."""
    if start[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff"):
        return "utf-32"
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    start = start[: 1 << 16]
    if len(start) < 2:
        return ""
    for name, place in (("utf-16-le", 1), ("utf-16-be", 0)):
        if start[place:200:2].count(0) > 0.4 * len(start[place:200:2]) > 2:
            return name
    bytes_ = np.frombuffer(start[: len(start) // 2 * 2], np.uint8)
    control = bytes_ < 0x20
    control &= ~np.isin(bytes_, np.frombuffer(b"\t\n\r\0", np.uint8))
    zeros = bytes_ == 0
    if not (control.mean() > 0.2 or zeros.mean() > 1 / 200) or _is_text(start):
        return ""
    marks = control if control.mean() > 0.2 else zeros
    for name, place in (("utf-16-le", 1), ("utf-16-be", 0)):
        if marks[place::2].sum() >= 0.8 * marks.sum():
            return name if _is_wide(start, name) else ""
    return ""


def _is_text(start: bytes) -> bool:
    """Returns True for UTF-8 without control characters other than zero bytes."""
    whole = start[: start.rfind(b"\n") + 1] or start
    return fits(whole, "utf-8") and not re.search(rb"[\x01-\x08\x0e-\x1a]", whole)


def _is_wide(start: bytes, name: str) -> bool:
    """Returns True where the bytes are text in this form of UTF-16.

    At most 1 % of the characters are control characters, unassigned or invalid.
    """
    text = start[: len(start) // 2 * 2].decode(name, "replace")[:4000]
    odd = sum(unicodedata.category(one) in ("Cc", "Cn", "Co", "Cs") for one in text[:-1])
    lines = sum(text.count(one) for one in "\t\n\r")
    return odd - lines + text.count("\ufffd") <= 0.01 * len(text)
