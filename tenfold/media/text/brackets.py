"""Tags that mark spans by brackets, as in the files of OntoNotes and of CoNLL-2005, 2011 and 2012.

`(PERSON*` begins a span, `*` continues it or is outside of spans, `*)` ends it, `(PERSON)` and
`(PERSON*)` are whole spans.
Source: S. Pradhan and others 2012, CoNLL-2012 shared task, conll.cemantix.org/2012/data.html
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

__all__ = ["OUTSIDE", "bio_of", "fits", "is_bracketed", "nested", "odd"]

OUTSIDE = "*"
CLEAR = 0.95
"""Share of the tags that decides whether a column is of this form."""
_TAG = re.compile(r"(?P<opened>(?:\([^()*\s]+)*)(?P<star>\*?)(?P<closed>\)*)")


def fits(tag: str) -> bool:
    """Returns True for a tag of this form, whether or not its brackets have their counterparts."""
    found = _TAG.fullmatch(tag)
    return found is not None and bool(found["star"] or (found["opened"] and found["closed"]))


def is_bracketed(tags: Iterable[str]) -> bool:
    """Returns True where nearly all tags are of this form, and one of them begins a span."""
    counts = Counter(tags)
    fitting = {tag: count for tag, count in counts.items() if fits(tag)}
    begun = any(tag.startswith("(") for tag in fitting)
    return begun and sum(fitting.values()) >= CLEAR * counts.total()


def nested(tags: Sequence[str]) -> int | None:
    """Returns the position of the first span that begins inside another, None if there is none."""
    depth = 0
    for number, tag in enumerate(tags):
        opened = tag.count("(")
        if opened and depth + opened > 1:
            return number
        depth = max(0, depth + opened - tag.count(")"))
    return None


def odd(tags: Sequence[str]) -> int | None:
    """Returns the position of the first tag that is of another form or has a lone bracket.

    None is returned where all tags can be used.
    """
    begun = list[int]()
    for number, tag in enumerate(tags):
        if not fits(tag):
            return number
        begun += [number] * tag.count("(")
        if tag.count(")") > len(begun):
            return number
        del begun[len(begun) - tag.count(")") :]
    return begun[0] if begun else None


def bio_of(tags: Sequence[str]) -> tuple[str, ...]:
    """Returns the tags in BIO; no span is inside another."""
    found, kind = list[str](), ""
    for tag in tags:
        begins = tag.startswith("(")
        kind = tag.strip("(*)") if begins else kind
        found.append(f"{'B' if begins else 'I'}-{kind}" if kind else "O")
        kind = "" if tag.endswith(")") else kind
    return tuple(found)
