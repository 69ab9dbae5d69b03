"""Text functions: shortening of names, width of text, and natural order."""

from __future__ import annotations

import unicodedata

__all__ = ["natural", "short", "width"]


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


def natural(name: str) -> tuple[int, float, str]:
    """Returns a sort key for natural order: numbers by value, then words."""
    try:
        return (0, float(name), name)
    except ValueError:
        return (1, 0.0, name)
