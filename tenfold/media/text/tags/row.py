"""One text with its tokens and tags, and the decisions made while a source was read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tenfold.core.columns import Problem
from tenfold.core.message import Message
from tenfold.core.taken import Taken
from tenfold.media.reading import AS_FOUND, Reading

__all__ = ["USUAL_FORMS", "Findings", "Places", "TaggedRow", "joined"]

Places = tuple[tuple[int, int], ...]
"""(start, end) of each token in its text, in characters; the end is exclusive."""


@dataclass
class TaggedRow:
    """A text, the positions of its tokens, and a tag for each token.

    `lines` holds the line of each token where the file has one; `more` the columns `split`,
    `group`, `time`, `weight` and `by:NAME` of the source. `marked` is True where the tags were made
    from spans, so that they are BIO already.
    """

    source: str
    text: str = ""
    places: Places = ()
    tags: tuple[str, ...] = ()
    problem: Problem | None = None
    lines: tuple[int, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)
    marked: bool = False


@dataclass
class Findings:
    """How a source is read: what was given, and what its readers found so far.

    With `labelled` False, rows without tags are read too. `columns` holds the roles found in files
    in columns, by the form of the file. `names` are the names of
    tags that are numbers. `left` counts rows that are not used, by the reason.
    """

    reading: Reading = AS_FOUND
    labelled: bool = True
    taken: Taken = field(default_factory=Taken)
    columns: dict[Any, Any] = field(default_factory=dict)
    found: dict[str, str] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    trimmed: int = 0
    inclusive: int = 0
    moved: list[tuple[str, str]] = field(default_factory=list)
    left: Counter[Message] = field(default_factory=Counter)

    def keep(self, name: str, value: str) -> None:
        """Stores the first value found for a role or a notation."""
        if value:
            self.found.setdefault(name, value)

    def finish(self) -> None:
        """Adds the counts of changed spans and of unused rows to what was taken."""
        taken = self.taken
        for why, count in self.left.items():
            taken.leave("rows", (), count, why)
        if self.trimmed:
            taken.note(
                Message("White space at the ends of {count} spans was removed.", count=self.trimmed)
            )
        if self.inclusive:
            taken.note(
                Message(
                    "The end of {count} spans is the position of their last character.",
                    count=self.inclusive,
                )
            )
        if self.moved:
            before, after = self.moved[0]
            taken.note(
                Message(
                    "{count} spans that ended inside a token were extended to the whole token, "
                    "such as {before!r} to {after!r}.",
                    count=len(self.moved),
                    before=before,
                    after=after,
                )
            )


USUAL_FORMS = Message(
    'Write {"tokens": [...], "tags": [...]} or {"text": ..., "spans": [[0, 3, "X"]]}.'
)
"""The fix of a row of JSON that cannot be used."""


def joined(words: list[str], spaces: list[bool]) -> tuple[str, Places]:
    """Returns the text made of tokens, and the (start, end) characters of each token in it.

    `spaces` states whether a space follows each token. Between two characters of a script without
    spaces, such as Chinese, no space is inserted.
    """
    found, places, at = list[str](), list[tuple[int, int]](), 0
    for number, word in enumerate(words):
        places.append((at, at + len(word)))
        close = number + 1 == len(words) or not spaces[number]
        close = close or (_alone(word) and _alone(words[number + 1]))
        found.append(word if close else f"{word} ")
        at += len(found[-1])
    return "".join(found), tuple(places)


def _alone(word: str) -> bool:
    """Returns True for one character or punctuation mark of a script without spaces."""
    return len(word) == 1 and ("\u2e80" <= word < "\ua000" or "\uf900" <= word < "\uffef")
