"""The classes that a user wants to see."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from tenfold.core.errors import UsageError, nearest
from tenfold.core.message import Message

__all__ = ["chosen"]


def chosen(words: Sequence[str], classes: Sequence[str]) -> tuple[str, ...]:
    """Returns the classes that `words` name; a word that is not a class is split at its commas.

    Raises UsageError for a name that is not one of `classes`.
    """
    named = [unicodedata.normalize("NFC", word) for word in words]
    parts = [part for word in named for part in ([word] if word in classes else word.split(","))]
    found = tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))
    for name in found:
        if name not in classes:
            raise UsageError(
                Message("This run has no class {name!r}", name=name),
                code="unknown-class",
                where="only",
                fix=nearest(name, classes),
            )
    return found
