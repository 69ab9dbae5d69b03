"""Tagged tokens from JSON objects: tokens with tags, or a text with its spans.

Objects stand one on each line, in an array, or in an array inside of an object. The forms of Label
Studio, doccano, Prodigy, Dataturks and spaCy are among them.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from typing import Any

from tenfold.core.columns import Problem
from tenfold.core.errors import UsageError
from tenfold.core.message import Message
from tenfold.core.rows import BY
from tenfold.media.files.parts import part_of_folder
from tenfold.media.reading import column_of, columns_of
from tenfold.media.text import tokens
from tenfold.media.text.tags import exports
from tenfold.media.text.tags.row import USUAL_FORMS, Findings, Places, TaggedRow, joined
from tenfold.media.text.tags.spans import BadSpan, spans_in, tags_of, tags_of_tokens

__all__ = ["rows_of_objects"]

TOKENS = "tokens words token word sentence 词 字".split()
TAGS = "tags ner_tags labels label ner ner_labels tag bio iob bio_tags entities".split()
TEXTS = "text content sentence raw data originalText document body 文本 原文".split()
SPANS = "spans entities annotations labels label ents annotation ner entity".split()
"""Possible keys of a JSON object, the more usual ones first."""

Read = tuple[str, Places, tuple[str, ...], bool]
"""(text, positions of the tokens, tags, whether the tags were made from spans)."""


def rows_of_objects(
    objects: Iterable[exports.JsonRow], name: str, findings: Findings
) -> Iterator[TaggedRow]:
    """Yields a row for each object; an unusable one has its problem.

    Objects that an annotator skipped or rejected are left out and counted. Raises UsageError where
    several lists could be the tags.
    """
    objects = iter(objects)
    head = list(itertools.islice(objects, HEAD))
    _refuse_missing([found for _, found, *_ in head if isinstance(found, dict)], findings, name)
    for source, found, problem, part in itertools.chain(head, objects):
        row = TaggedRow(source, problem=problem, more={"split": part})
        if problem is None:
            try:
                found = exports.plain(found)
                row.text, row.places, row.tags, row.marked = _object(found, findings)
                row.more |= _more(found, findings)
            except exports.LeftOut as why:
                findings.left[why.args[0]] += 1
                continue
            except (BadSpan, ValueError, TypeError, KeyError, RecursionError) as error:
                reason = Message("cannot be used ({error})", error=_why(error))
                row = TaggedRow(source, problem=Problem("bad-json", reason, USUAL_FORMS))
        yield row


HEAD = 400
"""Objects whose keys are compared with those that the user gave."""


def _refuse_missing(head: list[dict[str, Any]], findings: Findings, name: str) -> None:
    """Raises UsageError where no object has a key that the user gave."""
    reading = findings.reading
    keys = list(dict.fromkeys(str(key) for found in head for key in exports.plain_keys(found)))
    for role in ("token", "text", "target", *MORE):
        if reading.roles.get(role) and head:
            column_of(reading, role, keys, name)
    if head:
        columns_of(reading, "by", keys, name)


def _why(error: Exception) -> str:
    """Returns the Message that an error of this module holds, else 80 characters of its text."""
    first = error.args[0] if error.args else ""
    return first if isinstance(first, Message) else str(error)[:80]


def _object(found: Any, findings: Findings) -> Read:
    """Returns text, token positions and tags of one JSON object.

    Raises ValueError, TypeError or KeyError where the object has none of the known forms.
    """
    if not isinstance(found, dict):
        raise ValueError(Message("it has no tokens and no text"))
    words = _tokens_of(found, findings)
    text = _text_of(found, findings)
    if words is not None and (row := _with_tags(found, words, text, findings)):
        return row
    if text is None:
        raise ValueError(
            Message("it has no tokens and no text; its keys are {keys}", keys=_keys(found))
        )
    places = _places_of(text, words)
    keys = _keys_of("target", SPANS, findings)
    key = next((key for key in keys if _may_be_spans(found, key)), None)
    if key is None:
        if not findings.labelled:
            return text, places, (), True
        raise ValueError(Message("it has no spans; its keys are {keys}", keys=_keys(found)))
    findings.keep("target", key)
    return text, places, tags_of(text, places, spans_in(found[key]), findings), True


def _keys(found: dict[str, Any]) -> str:
    return ", ".join(map(str, [*found][:20]))[:80]


def _tokens_of(found: dict[str, Any], findings: Findings) -> list[Any] | None:
    """Returns the list of tokens, None where the object has none."""
    for key in _keys_of("token", TOKENS, findings):
        if isinstance(found.get(key), list):
            findings.keep("token", key)
            return list(found[key])
    return None


def _text_of(found: dict[str, Any], findings: Findings) -> str | None:
    for key in _keys_of("text", TEXTS, findings):
        if isinstance(found.get(key), str):
            findings.keep("text", key)
            return str(found[key])
    return None


def _keys_of(role: str, usual: list[str], findings: Findings) -> list[str]:
    """Returns the key that the user gave, else the usual ones, those of training first."""
    reading = findings.reading
    if given := reading.roles.get(role):
        return [given]
    found = reading.found.get(role)
    return [found, *usual] if isinstance(found, str) else usual


def _may_be_spans(found: dict[str, Any], key: str) -> bool:
    """Returns True where a key holds spans, or something that should be spans but is not."""
    value = found.get(key)
    if isinstance(value, str):
        return False
    return value is not None


# --- tokens with tags -----------------------------------------------------------------------------


def _with_tags(
    found: dict[str, Any], words: list[Any], text: str | None, findings: Findings
) -> Read | None:
    """Returns the row of an object with tokens and tags; None where it has spans in its text.

    Tokens may be strings, objects with their tag, or pairs of a token and its tag. Without a text,
    spans count tokens (SpERT).
    """
    own = None
    if words and all(isinstance(one, dict) for one in words):
        own = next((key for key in TAGS if all(key in one for one in words)), None)
        tags = [one[own] for one in words] if own else _tags_of(found, words, findings)
        words = [one.get("text") or one.get("word") or one.get("token") for one in words]
    elif words and all(isinstance(one, list) and len(one) == 2 for one in words):
        words, tags = [one[0] for one in words], [one[1] for one in words]
    else:
        tags = _tags_of(found, words, findings)
    if tags is None:
        keys = _keys_of("target", SPANS, findings)
        key = next((key for key in keys if _may_be_spans(found, key)), None)
        if key is not None and text is not None:
            return None
        if key is not None:
            findings.keep("target", key)
            made, places = joined(list(map(str, words)), [True] * len(words))
            return made, places, tags_of_tokens(len(words), spans_in(found[key])), True
        if findings.labelled:
            raise ValueError(
                Message("it has tokens but no tags; its keys are {keys}", keys=_keys(found))
            )
        tags = []
    elif len(words) != len(tags):
        raise ValueError(
            Message("{tokens} tokens and {tags} tags", tokens=len(words), tags=len(tags))
        )
    if any(word is None or isinstance(word, (list, dict)) for word in words):
        raise ValueError(Message("a token is not a string"))
    made, places = joined([str(word) for word in words], [True] * len(words))
    return made, places, tuple(map(str, tags)), False


def _tags_of(found: dict[str, Any], words: list[Any], findings: Findings) -> list[Any] | None:
    """Returns the list of tags, None where the object has none."""
    known = [
        key
        for key in _keys_of("target", TAGS, findings)
        if _is_plain(found.get(key)) and (found[key] or not words)
    ]
    spans = any(_may_be_spans(found, key) for key in SPANS)
    if not known and not spans and not findings.reading.target:
        known = [key for key in found if key not in TOKENS and _is_plain(found[key])]
        known = [key for key in known if found[key] and len(found[key]) == len(words)]
        if len(known) > 1:
            raise _several(found, known)
    if known:
        findings.keep("target", known[0])
        return list(found[known[0]])
    return None


def _is_plain(value: Any) -> bool:
    """Returns True for a list of strings or whole numbers."""
    return isinstance(value, list) and all(
        isinstance(one, (str, int)) and not isinstance(one, bool) for one in value
    )


def _several(found: dict[str, Any], keys: list[str]) -> UsageError:
    """Returns the error for several lists that could be the tags, with a row of each."""
    first, second = (
        f"{key}: {json.dumps(found[key], ensure_ascii=False)[:60]}" for key in keys[:2]
    )
    return UsageError(
        Message("The tags could be {first} or {second}", first=first, second=second),
        code="two-readings",
        where=keys[0],
        fix=Message(
            "Choose one: --target {first} or --target {second}.", first=keys[0], second=keys[1]
        ),
    )


def _places_of(text: str, words: list[Any] | None) -> Places:
    """Returns the positions of given tokens in a text; of tokens made by tenfold for others."""
    if not words:
        return tokens.places(text)
    if all(isinstance(one, dict) and {"start", "end"} <= set(one) for one in words):
        places = tuple((int(one["start"]), int(one["end"])) for one in words)
        return places if all(0 <= a < b <= len(text) for a, b in places) else tokens.places(text)
    found, at = list[tuple[int, int]](), 0
    for word in map(str, words):
        at = text.find(word, at)
        if at < 0 or not word:
            return tokens.places(text)
        found.append((at, at + len(word)))
        at += len(word)
    return tuple(found)


def _more(found: Any, findings: Findings) -> dict[str, Any]:
    """Returns the values beside tokens and tags: split, group, time, weight and by."""
    reading = findings.reading
    roles = {role: name for role, name in reading.roles.items() if role in MORE}
    if "split" not in roles:
        known = [key for key in SPLITS if part_of_folder(str(found.get(key) or ""))]
        roles |= {"split": known[0]} if known else {}
    for role, name in roles.items():
        findings.keep(role, name)
    more = {role: found.get(name) for role, name in roles.items()}
    return more | {f"{BY}{name}": found.get(name) for name in reading.by}


MORE = ("split", "group", "time", "weight")
SPLITS = ("split", "part", "subset", "fold", "partition")
"""Usual keys of the part of a row."""
