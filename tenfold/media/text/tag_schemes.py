"""Converts tags of tokens to spans; all usual schemes are converted to BIO first.

BIO     B- begins a span, I- continues it, O is outside
IOB1    I- begins a span too; B- is used only where a span follows another of its type
BMES    B- begins a span, M- (or I-) continues it, E- (or L-) ends it, S- (or U-) is a whole span
plain   every tag is an answer by itself, such as a part of speech
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

__all__ = ["Span", "kinds", "scheme_of", "spans_of", "to_bio"]

Span = tuple[str, int, int]
"""(type, start, end) of a span, in characters; the end is exclusive."""

_TYPED = re.compile(r"([BIMESLU])[-_](.+)")
_BARE = "span"
"""Type of spans whose tags name no type, such as B M E S for Chinese words."""


def _parts(tag: str, bare: bool = False) -> tuple[str, str]:
    """Returns (scheme letter, type) of a tag: ("O", "") outside spans, ("", tag) without a letter.

    With `bare`, a tag may be a letter alone; its type is then "span".
    """
    if tag == "O":
        return "O", ""
    if bare and tag in "BIMESLU":
        return tag, _BARE
    found = _TYPED.fullmatch(tag)
    return (found[1], found[2]) if found else ("", tag)


def _is_bare(tags: Iterable[str]) -> bool:
    known = set(tags)
    return "B" in known and known <= set("BIMESLUO")


def scheme_of(sentences: Iterable[Sequence[str]]) -> str:
    """Returns the scheme of the tags of all sentences: BIO, IOB1, BMES or plain."""
    letters, begun, doubled = set[str](), False, False
    sentences = list(sentences)
    bare = _is_bare(tag for tags in sentences for tag in tags)
    for tags in sentences:
        before = "O", ""
        for tag in tags:
            letter, kind = _parts(tag, bare)
            letters.add(letter)
            if kind != before[1]:
                begun |= letter == "I"
                doubled |= letter == "B"
            before = letter, kind
    if "" in letters or letters == {"O"}:
        return "plain"
    if letters <= {"B", "I", "O"}:
        return "IOB1" if begun and not doubled else "BIO"
    families = ({"B", "M", "E", "S"}, {"B", "I", "E", "S"}, {"B", "I", "L", "U"})
    return "BMES" if any(letters - {"O"} <= one for one in families) else "plain"


def to_bio(tags: Sequence[str], scheme: str) -> tuple[tuple[str, ...], int]:
    """Returns the tags in BIO, and the number of spans without a beginning tag, which are repaired.

    Such a span begins at its first tag, as in the usual evaluation (conlleval).
    """
    if scheme == "plain":
        return tuple(tags), 0
    bare, found, repaired, current = _is_bare(tags), list[str](), 0, ""
    for tag in tags:
        letter, kind = _parts(tag, bare)
        if letter in ("O", ""):
            found.append("O")
            current = ""
            continue
        begins = letter in "BSU" or kind != current
        repaired += begins and letter in "IMEL" and scheme != "IOB1"
        found.append(f"{'B' if begins else 'I'}-{kind}")
        current = "" if letter in "ESLU" else kind
    return tuple(found), repaired


def spans_of(tags: Sequence[str], places: Sequence[tuple[int, int]]) -> tuple[Span, ...]:
    """Returns the spans of BIO tags, with positions in characters."""
    found, begun = list[Span](), -1
    for number, tag in enumerate([*tags, "O"]):
        if begun >= 0 and tag != f"I-{tags[begun][2:]}":
            found.append((tags[begun][2:], places[begun][0], places[number - 1][1]))
            begun = -1
        if tag[:2] == "B-" and number < len(tags):
            begun = number
    return tuple(found)


def kinds(tags: Iterable[str]) -> bool:
    """Returns True where the tags mark spans in BIO, and are not answers by themselves."""
    return any(tag.startswith("B-") for tag in tags)
