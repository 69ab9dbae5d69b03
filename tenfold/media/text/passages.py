"""Passages of a text for a page: shortened around the important parts, with parts marked.

A passage is a list of pieces in reading order; a template draws each piece, escaped.
"""

from __future__ import annotations

import unicodedata
from typing import Any

import numpy as np

from tenfold.core.results import Explanation

__all__ = [
    "AROUND",
    "FAINT",
    "MOST",
    "TONES",
    "NamedSpans",
    "Pieces",
    "named",
    "passage",
    "strongest",
]


Pieces = list[dict[str, Any]]


MOST = 2_000
"""Most characters of one text that a page shows."""


AROUND = 80
"""Characters shown before and after an important part, in a text that is too long."""


TONES = 6
"""Number of colours for names."""


FAINT = 0.02
"""Parts whose weight is at most this share of the largest weight are not marked."""


def passage(text: str, found: Explanation | None = None, most: int = MOST) -> Pieces:
    """Returns the pieces of a text, marked by the weights of an explanation.

    Each piece has `text`, `weight` (None where not marked) and `strength` from 0 to 1. A text
    longer than `most` is shortened.
    """
    marks = _marks(found)
    peak = max((abs(weight) for _, _, weight in marks), default=0.0)
    pieces: Pieces = []
    last = 0
    for start, end in _shown(len(text), marks, most):
        if start > last:
            pieces.append(_piece(" … "))
        pieces += _marked(text, start, end, marks, peak)
        last = end
    if last < len(text):
        pieces.append(_piece(" …"))
    return pieces


def strongest(text: str, found: Explanation, most: int = 3) -> str:
    """Returns the parts with the strongest weights for and against the answer, on one line."""
    marks = _marks(found)
    peak = max((abs(weight) for _, _, weight in marks), default=0.0)
    ordered = sorted(marks, key=lambda one: -abs(one[2]))
    said = []
    for word, sign in (("for", 1), ("against", -1)):
        own = [one for one in ordered if sign * one[2] > max(0.005, 0.1 * peak)][:most]
        parts = [f"{_plain(text[a:b], 24)} {weight:+.2f}" for a, b, weight in own]
        if parts:
            said.append(f"{word}: {', '.join(parts)}")
    return "; ".join(said)


NamedSpans = list[tuple[str, int, int]]
"""(name, start, end) of parts of a text, in characters; the end is exclusive."""


def named(
    text: str, parts: NamedSpans, most: int = MOST, others: NamedSpans | None = None
) -> Pieces:
    """Returns the pieces of a text; named parts have a `label` and a colour number, `tone`.

    `others` are parts shown next to these, with the same colours for the same names.
    """
    names = sorted({name for name, _, _ in [*parts, *(others or [])]})
    pieces: Pieces = []
    last = 0
    for name, start, end in parts:
        if start < last or start >= most:
            continue  # overlaps an earlier part, or lies beyond the shown text
        if start > last:
            pieces.append(_piece(text[last:start]))
        label = {"label": name, "tone": names.index(name) % TONES}
        pieces.append(_piece(text[start:end]) | label)
        last = end
    if last < min(len(text), most):
        pieces.append(_piece(text[last:most]))
    return [*pieces, _piece(" …")] if len(text) > max(most, last) else pieces


def _marks(found: Explanation | None) -> list[tuple[int, int, float]]:
    if found is None or not found.places:
        return []
    pairs = zip(found.places, found.weights, strict=True)
    return [(int(start), int(end), float(weight)) for (start, end), weight in pairs]


def _shown(length: int, marks: list[tuple[int, int, float]], most: int) -> list[tuple[int, int]]:
    """Returns the (start, end) ranges of a text to show, in order.

    They cover the whole text, or its beginning and the parts with the strongest weights.
    """
    if length <= most:
        return [(0, length)]
    seen = np.zeros(length, bool)
    seen[: most // 4] = True
    for start, end, _ in sorted(marks, key=lambda one: -abs(one[2])):
        seen[max(0, start - AROUND) : min(end, start + 4 * AROUND) + AROUND] = True
        if seen.sum() >= most:
            break
    if not marks:
        seen[:most] = True
    edges = np.flatnonzero(np.diff(np.r_[False, seen, False].astype(np.int8)))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def _marked(
    text: str, start: int, end: int, marks: list[tuple[int, int, float]], peak: float
) -> Pieces:
    pieces, place = [], start
    for first, last, weight in marks:
        first, last = max(first, place), min(last, end)
        if first >= last or abs(weight) <= FAINT * peak:
            continue
        if first > place:
            pieces.append(_piece(text[place:first]))
        pieces.append(_piece(text[first:last], weight, abs(weight) / peak))
        place = last
    if place < end:
        pieces.append(_piece(text[place:end]))
    return pieces


def _piece(text: str, weight: float | None = None, strength: float = 0.0) -> dict[str, Any]:
    return {"text": _clean(text), "weight": weight, "strength": round(strength, 3), "label": ""}


def _clean(text: str) -> str:
    """Returns the text with control characters and halves of surrogate pairs replaced."""
    return "".join(
        letter if letter in "\n\t" or unicodedata.category(letter) not in ("Cc", "Cs") else "\ufffd"
        for letter in text
    )


def _plain(text: str, most: int) -> str:
    """Returns a part of a text on one line for a terminal, cut to `most` characters."""
    line = " ".join(_clean(text).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
