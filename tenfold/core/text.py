"""Text functions: names for terminals, shortening, width of text, and order of names."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["natural", "padded", "printable", "printed", "short", "width", "wrapped"]

_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(name: str) -> str:
    """Returns a name for messages; control characters and invalid text are replaced."""
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", name)


def printed(line: str) -> str:
    """Returns a line of cells separated by tabs, such as an answer, for a terminal.

    Control characters and invalid text in the cells are replaced.
    """
    return "\t".join(map(printable, line.split("\t")))


def short(name: str, most: int = 24) -> str:
    """Shortens a name to one line, cut after `most` letters; wide letters count as 2.

    A name that was cut ends with "…".
    """
    plain = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in name)
    kept, room = "", most
    for letter in " ".join(plain.split()):
        room -= width(letter)
        if room < 0:
            return kept.rstrip() + "…"
        kept += letter
    return kept


def width(text: str) -> int:
    """Returns the width of a text in letters; wide letters (East Asian) count as 2."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def padded(text: str, columns: int, right: bool = False) -> str:
    """Fills a text with spaces to a width (wide letters count as 2); `right` aligns it right."""
    space = " " * (columns - width(text))
    return space + text if right else text + space


_WIDE, _CLOSING = r"\u2e80-\u9fff\uff00-\uffef", "，。；：、）！？"
_PIECES = re.compile(rf"\s+|\[\S+|\S+\]|[{_WIDE}][{_CLOSING}]*|[^\s{_WIDE}]+[{_CLOSING}]*")


def wrapped(text: str, columns: int) -> list[str]:
    """Splits a text into lines of at most `columns`; breaks at spaces and next to wide letters."""
    lines = [""]
    for piece in _PIECES.findall(" ".join(text.split())):
        if width(lines[-1] + piece.rstrip()) > columns and lines[-1]:
            lines.append("")
            piece = piece.lstrip()
        lines[-1] += piece
    return [line.rstrip() for line in lines if line.strip()]


def natural(name: str) -> tuple[int, float, str]:
    """Returns a sort key: names that are numbers by value, then the other names by their text."""
    try:
        return (0, float(name), name)
    except ValueError:
        return (1, 0.0, name)
