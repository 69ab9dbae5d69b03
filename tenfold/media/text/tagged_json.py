"""Tagged tokens from JSON lines: objects with tokens and tags, or with a text and its spans."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tenfold.core.columns import Problem
from tenfold.core.message import Message
from tenfold.media.files.lines import lines
from tenfold.media.files.listing import Entry
from tenfold.media.text import tokens

__all__ = ["TaggedRow", "joined", "rows_of_json"]

SPANS = ("spans", "entities", "annotations", "labels", "label")
"""Possible keys of the list of spans in a JSON object; annotation tools use different ones."""
KINDS, STARTS, ENDS = ("label", "type", "tag"), ("start", "start_offset"), ("end", "end_offset")
"""Possible keys of the type, the start and the end of a span."""

TaggedRow = tuple[str, tuple[tuple[int, int], ...], tuple[str, ...], str, str, Problem | None]
"""(text, (start, end) of each token, tags, source, part, problem or None) of one sentence."""


def rows_of_json(entry: Entry, name: str, part: str) -> Iterator[TaggedRow]:
    """Yields one row for each line of a file; a row that cannot be used holds its problem."""
    for line in lines(entry.cell):
        source = f"{name}:{line.number}"
        try:
            found = json.loads(line.text)
            text, places, tags = _object(found)
            yield text, places, tags, source, part, line.problem
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            reason = Message("cannot be used ({error})", error=_why(error))
            fix = Message(
                'Write {"tokens": [...], "tags": [...]} or {"text": ..., "spans": [[0, 3, "X"]]}.'
            )
            yield "", (), (), source, part, line.problem or Problem("bad-json", reason, fix)


def _why(error: Exception) -> str:
    """Returns the Message that an error of this module holds, else 80 characters of its text."""
    first = error.args[0] if error.args else ""
    return first if isinstance(first, Message) else str(error)[:80]


def _object(found: Any) -> tuple[str, tuple[tuple[int, int], ...], tuple[str, ...]]:
    """Returns text, token positions and tags of one JSON object.

    Raises ValueError, TypeError or KeyError where the object has none of the known forms.
    """
    if isinstance(found, dict) and "tokens" in found:
        words = [str(word) for word in found["tokens"]]
        tags = [str(tag) for tag in found.get("tags") or found.get("ner_tags") or ()]
        if len(words) != len(tags):
            raise ValueError(
                Message("{tokens} tokens and {tags} tags", tokens=len(words), tags=len(tags))
            )
        text, places = joined(words, [True] * len(words))
        return text, places, tuple(tags)
    if not isinstance(found, dict) or not isinstance(found.get("text"), str):
        raise ValueError(Message("it has no tokens and no text"))
    text = found["text"]
    marked: Any = next((found[key] for key in SPANS if found.get(key) is not None), None)
    if marked is None:
        raise ValueError(Message("it has no spans; it has {keys}", keys=", ".join(found)[:80]))
    places = tokens.places(text)
    return text, places, _tags_of(places, [_span(one) for one in marked])


def _span(one: Any) -> tuple[int, int, str]:
    if isinstance(one, dict):
        kind, start, end = (_first(one, names) for names in (KINDS, STARTS, ENDS))
        if kind is None or start is None or end is None:
            raise ValueError(Message("a span lacks its start, its end or its label"))
        return int(start), int(end), str(kind)
    start, end, kind = one
    return int(start), int(end), str(kind)


def _first(span: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((span[name] for name in names if name in span), None)


def _tags_of(places: Any, marked: list[tuple[int, int, str]]) -> tuple[str, ...]:
    """Returns the BIO tags of tokens for spans given in characters.

    Raises ValueError where a span does not start and end with a token, or overlaps another.
    """
    starts = {start: number for number, (start, _) in enumerate(places)}
    ends = {end: number for number, (_, end) in enumerate(places)}
    tags = ["O"] * len(places)
    for start, end, kind in marked:
        if start not in starts or end not in ends:
            raise ValueError(
                Message(
                    "the span {start} to {end} does not begin and end at token boundaries",
                    start=start,
                    end=end,
                )
            )
        for number in range(starts[start], ends[end] + 1):
            if tags[number] != "O":
                raise ValueError(
                    Message("the span {start} to {end} overlaps another", start=start, end=end)
                )
            tags[number] = f"{'B' if number == starts[start] else 'I'}-{kind}"
    return tuple(tags)


def joined(words: list[str], spaces: list[bool]) -> tuple[str, tuple[tuple[int, int], ...]]:
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
