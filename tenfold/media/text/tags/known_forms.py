"""Published forms of columns without a header, which are detected by what their columns hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tenfold.media.text import brackets

__all__ = ["CONLL_U", "KnownForm", "known_form"]


@dataclass(frozen=True)
class KnownForm:
    """A published form: its name, the names of its columns, the columns of tokens and of tags.

    With `open_ended` lines have further columns, whose number differs from sentence to sentence.
    """

    name: str
    columns: tuple[str, ...]
    token: str
    tag: str
    open_ended: bool = False


CONLL_U = KnownForm(
    "CoNLL-U",
    tuple("id form lemma upos xpos feats head deprel deps misc".split()),
    "form",
    "upos",
)
CONLL_2012 = KnownForm(
    "CoNLL-2012",
    tuple("document part id form pos parse lemma frameset sense speaker entity".split()),
    "form",
    "entity",
    open_ended=True,
)
"""OntoNotes: behind the named columns stand one for each predicate, and the coreference."""
SEEN = 50
"""Lines that are examined."""


def known_form(rows: Sequence[Sequence[str]]) -> KnownForm | None:
    """Returns the published form that the first rows have, None for others."""
    seen = rows[:SEEN]
    if not seen:
        return None
    if all(len(row) == 10 and re.match(r"\d+([-.]\d+)?$", row[0]) for row in seen):
        return CONLL_U
    numbered = all(len(row) > 11 and row[1].isdecimal() and row[2].isdecimal() for row in seen)
    if numbered and all(brackets.fits(row[5]) for row in seen):
        return CONLL_2012
    return None
