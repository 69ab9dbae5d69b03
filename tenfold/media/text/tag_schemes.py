"""Converts tags of tokens to spans; all usual schemes are converted to BIO first.

BIO     B- begins a span, I- continues it, O is outside
IOB1    I- begins a span too; B- is used only where a span follows another of its type
BMES    B- begins a span, M- (or I-) continues it, E- (or L-) ends it, S- (or U-) is a whole span
types   a type alone, such as PERSON; neighbours of one type are a span, O is outside
brackets (PERSON* begins a span, *) ends it, (PERSON) is a whole span, * is outside (`brackets`)
plain   every tag is an answer by itself, such as a part of speech
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tenfold.media.text import brackets

__all__ = ["Scheme", "Span", "kinds", "scheme_of", "spans_of", "to_bio"]

Span = tuple[str, int, int]
"""(type, start, end) of a span, in characters; the end is exclusive."""

_TYPED = re.compile(r"([BIMESLU])[-_](.+)")
_BARE = "span"
"""Type of spans whose tags name no type, such as B M E S for Chinese words."""
CLEAR = 0.95
"""Share of the tags inside spans that decides the scheme; sentences with others are listed."""
_FAMILIES = ("BI", "BMES", "BIES", "BILU")
_OUTSIDE = ("o", "_", "-", "", "other", "none", "null", "out", "outside", "0")
"""Tags outside of spans where no tag is O, in lower case."""


@dataclass(frozen=True)
class Scheme:
    """The scheme of the tags of all sentences.

    `name` is BIO, IOB1, BMES, types, brackets or plain. `letters` are the letters of its tags; with
    `bare`, tags are letters alone. `outside` is the tag outside of spans. `doubtful` is True where
    the tags may mark spans although they are read as plain tags.
    """

    name: str
    letters: str = ""
    bare: bool = False
    outside: str = "O"
    doubtful: bool = False

    def odd(self, tags: Sequence[str]) -> int | None:
        """Returns the position of the first tag that does not fit the scheme, None if all fit."""
        if self.name in ("plain", "types"):
            return None
        if self.name == "brackets":
            return brackets.odd(tags)
        for number, tag in enumerate(tags):
            letter, _ = self.parts(tag)
            if (letter != "O" and letter not in self.letters) or not letter:
                return number
        return None

    def parts(self, tag: str) -> tuple[str, str]:
        """Returns (letter, type) of a tag: ("O", "") outside spans, ("", tag) without a letter."""
        if tag == self.outside:
            return "O", ""
        if self.name == "types":
            return "I", tag
        if self.bare and tag in _LETTERS:
            return tag, _BARE
        found = _TYPED.fullmatch(tag)
        return (found[1], found[2]) if found else ("", tag)


_LETTERS = tuple("BIMESLU")


def scheme_of(sentences: Iterable[Sequence[str]], wanted: str = "auto") -> Scheme:
    """Returns the scheme that nearly all tags fit.

    `wanted` is auto, single (every tag is an answer by itself) or spans (tags without a letter are
    types of spans).
    """
    sentences = list(sentences)
    counts = Counter(tag for tags in sentences for tag in tags)
    if wanted != "single" and brackets.is_bracketed(tag for tags in sentences for tag in tags):
        return Scheme("brackets", outside=brackets.OUTSIDE)
    outside = _outside(counts)
    inside = {tag: count for tag, count in counts.items() if tag != outside}
    total = sum(inside.values())
    if wanted == "single" or not total:
        return Scheme("plain")
    bare = sum(inside.get(letter, 0) for letter in _LETTERS) >= CLEAR * total and "B" in inside
    spans = Scheme("BIO", "BIMESLU", bare, outside)
    letters = Counter[str]()
    for tag, count in inside.items():
        letters[spans.parts(tag)[0]] += count
    letters.pop("", 0)
    if letters and letters.total() > 0.5 * total:
        family = _family(letters)
        if family == "BI":
            return Scheme(_begun(sentences, spans), "BI", bare, outside)
        return Scheme("BMES", family, bare, outside)
    most = counts.get(outside, 0) >= 0.5 * counts.total() and not _numbered(counts)
    if wanted == "spans" or (most and outside in ("O", "o")):
        return Scheme("types", "I", False, outside)
    return Scheme("plain", doubtful=outside in counts and not _numbered(counts))


def _outside(counts: Counter[str]) -> str:
    """Returns the tag outside of spans: O, or the most frequent tag if it has a usual name."""
    tag, count = counts.most_common(1)[0] if counts else ("O", 0)
    return tag if counts["O"] < 0.05 * count and tag.lower() in _OUTSIDE else "O"


def _numbered(counts: Counter[str]) -> bool:
    return sum(count for tag, count in counts.items() if tag.isdigit()) >= CLEAR * counts.total()


def _family(letters: Counter[str]) -> str:
    """Returns the letters of the first family that nearly all tags fit, else of the best one."""
    shares = {one: sum(letters[letter] for letter in one) for one in _FAMILIES}
    clear = [one for one, count in shares.items() if count >= 0.98 * letters.total()]
    return clear[0] if clear else max(shares, key=lambda one: shares[one])


def _begun(sentences: list[Sequence[str]], scheme: Scheme) -> str:
    """Returns IOB1 where spans begin with I- and B- only follows a span of its type, else BIO."""
    begun = doubled = 0
    for tags in sentences:
        before = "O", ""
        for tag in tags:
            letter, kind = scheme.parts(tag)
            if kind != before[1]:
                begun += letter == "I"
                doubled += letter == "B"
            before = letter, kind
    return "IOB1" if begun and doubled <= (1 - CLEAR) * (begun + doubled) else "BIO"


def to_bio(tags: Sequence[str], scheme: Scheme) -> tuple[tuple[str, ...], int]:
    """Returns the tags in BIO, and the number of spans without a beginning tag, which are repaired.

    Such a span begins at its first tag, as in the usual evaluation (conlleval).
    """
    if scheme.name == "plain":
        return tuple(tags), 0
    if scheme.name == "brackets":
        return brackets.bio_of(tags), 0
    found, repaired, current = list[str](), 0, ""
    for tag in tags:
        letter, kind = scheme.parts(tag)
        if letter in ("O", ""):
            found.append("O")
            current = ""
            continue
        begins = letter in "BSU" or kind != current
        repaired += begins and letter in "IMEL" and scheme.name not in ("IOB1", "types")
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
