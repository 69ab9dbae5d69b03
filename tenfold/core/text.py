"""Names cut to what fits a line, how wide a text is, and the order of names."""

from __future__ import annotations

import unicodedata

__all__ = ["natural", "short", "width"]


def short(name: str, most: int = 24) -> str:
    """A name as a picture can show it: on one line, cut where it is long (wide letters count 2)."""
    plain = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in name)
    kept, room = "", most
    for letter in " ".join(plain.split()):
        room -= width(letter)
        if room < 0:
            return kept.rstrip() + "…"
        kept += letter
    return kept


def width(text: str) -> int:
    """How wide a text is in letters."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def natural(name: str) -> tuple[int, float, str]:
    """Sorts numbers by value, before words."""
    try:
        return (0, float(name), name)
    except ValueError:
        return (1, 0.0, name)
