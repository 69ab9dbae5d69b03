"""Files of JSON and the exports of annotation tools, brought to plain objects."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

from tenfold.core.columns import Problem
from tenfold.core.message import Message
from tenfold.media.files.lines import encoding_of, lines, start_of
from tenfold.media.files.parts import part_of_folder
from tenfold.media.files.tables.objects import document_of
from tenfold.media.text.tags.row import USUAL_FORMS

__all__ = ["LeftOut", "is_json", "objects_of", "plain", "plain_keys"]


class LeftOut(Exception):
    """An object that its annotator skipped or rejected; its argument is a Message."""


def is_json(start: str) -> bool:
    """Returns True for the beginning of JSON objects or of an array of objects or pairs."""
    pair = r'\[\s*"(?:[^"\\]|\\.)*",\s*\{'
    return bool(re.match(r'\{\s*["}]|\[\s*(\{\s*["}]|\[\s*["\[])|' + pair, start))


# --- files ----------------------------------------------------------------------------------------


JsonRow = tuple[str, Any, Problem | None, str]
"""(source, value, problem or None, part or "") of one object."""


def objects_of(cell: str, name: str, encoding: str = "") -> Iterator[JsonRow]:
    """Yields each object of a file, with its source, its problem and its part.

    The file holds one object on each line, an array, or an object with arrays; an array may be
    named after a part. The source of an object of an array has its number. Raises DataRefused where
    the file is not JSON.
    """
    encoding = encoding or encoding_of(start_of(cell))
    head = [line.text.strip() for line in itertools.islice(lines(cell, encoding), 20)]
    if not _by_line(head):
        yield from _of_array(cell, name, encoding)
        return
    for line in lines(cell, encoding):
        found = _loaded(line.text)
        problem = line.problem
        if found is None and problem is None:
            reason = Message("cannot be used ({error})", error=Message("it is not valid JSON"))
            problem = Problem("bad-json", reason, USUAL_FORMS)
        yield f"{name}:{line.number}", found, problem, ""


def _by_line(head: list[str]) -> bool:
    """Returns True where the first lines of a file are values of their own."""
    values = [_loaded(line) for line in head]
    if len(head) == 1:
        found = values[0]
        return isinstance(found, dict) and not _arrays(found) and not _columns(found)
    if head[0].startswith("["):
        return isinstance(values[0], list) and isinstance(values[1], list)
    return any(isinstance(one, dict) for one in values) and head[0] != "{"


def _loaded(text: str) -> Any:
    """Returns the JSON value of a text; None where it is not valid."""
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON")


def _of_array(cell: str, name: str, encoding: str) -> Iterator[JsonRow]:
    found = document_of(cell, name, encoding)
    number = 0
    for part, one in _rows_in(found):
        for row in _sentences(one):
            number += 1
            yield f"{name}:{number}", row, None, part


def _arrays(found: dict[str, Any]) -> list[str]:
    """Returns the keys of arrays of rows in an object that is not a row itself."""
    if any(isinstance(found.get(key), str) for key in ("text", "content", "originalText")):
        return []
    if isinstance(found.get("data"), dict):
        return []
    return [key for key, value in found.items() if _is_rows(value)]


def _is_rows(value: Any) -> bool:
    if not isinstance(value, list) or not value:
        return False
    first = value[0]
    if isinstance(first, list):
        return len(first) == 2 and isinstance(first[0], str) and isinstance(first[1], dict)
    known = {"text", "tokens", "words", "content", "data", "paragraphs", "sentence", "originalText"}
    return (
        isinstance(first, dict) and bool(known & set(first)) and not {"start", "end"} & set(first)
    )


def _rows_in(found: Any) -> Iterator[tuple[str, Any]]:
    """Yields (part or "", row) of an array, of the arrays in an object, or of lists by key."""
    if isinstance(found, list):
        yield from (("", one) for one in found)
        return
    if not isinstance(found, dict):
        yield "", found
        return
    keys = _arrays(found)
    for key in keys:
        yield from ((part_of_folder(key) or "", one) for one in found[key])
    if keys:
        return
    columns = _columns(found)
    for row in zip(*columns.values(), strict=True) if columns else ():
        yield "", dict(zip(columns, row, strict=True))
    if not columns:
        yield "", found


def _columns(found: dict[str, Any]) -> dict[str, list[Any]]:
    """Returns the lists of a JSON object that stores its rows by column, else {}.

    All its lists then have the same length, and at least two hold lists, such as tokens and tags.
    """
    lists = {key: value for key, value in found.items() if isinstance(value, list)}
    nested = [value for value in lists.values() if value and isinstance(value[0], list)]
    same = len({len(value) for value in lists.values()}) == 1
    return lists if same and len(nested) > 1 else {}


def _sentences(found: Any) -> Iterator[Any]:
    """Yields the sentences of a document of spaCy, the object itself for all others."""
    if not isinstance(found, dict) or not isinstance(found.get("paragraphs"), list):
        yield found
        return
    for paragraph in found["paragraphs"]:
        if not isinstance(paragraph, dict) or not isinstance(paragraph.get("sentences"), list):
            yield paragraph
            continue
        for one in paragraph["sentences"]:
            words = one.get("tokens") if isinstance(one, dict) else None
            if not isinstance(words, list) or not all(isinstance(word, dict) for word in words):
                yield one
                continue
            key = "ner" if any("ner" in word for word in words) else "tag"
            yield {
                "tokens": [word.get("orth") for word in words],
                "tags": [word.get(key) for word in words],
            }


# --- annotation tools -----------------------------------------------------------------------------


def plain(found: Any) -> Any:
    """Returns an object of an annotation tool as an object with a text and spans.

    Label Studio, Prodigy, and the pairs `[text, {"entities": [...]}]` of spaCy are known; every
    other value is returned unchanged. Raises LeftOut where the annotator skipped or rejected it.
    """
    if isinstance(found, list) and len(found) == 2 and isinstance(found[0], str):
        return {"text": found[0], **found[1]} if isinstance(found[1], dict) else found
    if not isinstance(found, dict):
        return found
    if found.get("answer") in ("reject", "ignore"):
        raise LeftOut(Message("rejected or skipped by the annotator"))
    for key in ("annotations", "completions"):
        if isinstance(found.get("data"), dict) and isinstance(found.get(key), list):
            return _label_studio(found["data"], found[key])
    return found


def plain_keys(found: dict[str, Any]) -> list[str]:
    """Returns the keys of an object, with those of the data of Label Studio."""
    data = found.get("data")
    return [*found, *(data if isinstance(data, dict) else ()), "spans", "text"]


def _label_studio(data: dict[str, Any], versions: list[Any]) -> dict[str, Any]:
    """Returns the text and the spans of a task of Label Studio, of its first annotation.

    Raises LeftOut where the task has no annotation, or a cancelled one.
    """
    kept = [one for one in versions if isinstance(one, dict) and not one.get("was_cancelled")]
    if not kept:
        raise LeftOut(Message("not annotated"))
    results = kept[0].get("result")
    results = results if isinstance(results, list) else []
    spans = [one["value"] for one in results if _has_span(one)]
    texts = [key for key, value in data.items() if isinstance(value, str)]
    key = "text" if "text" in texts or not texts else max(texts, key=lambda name: len(data[name]))
    return {**data, "text": data.get(key), "spans": spans}


def _has_span(one: Any) -> bool:
    value = one.get("value") if isinstance(one, dict) else None
    return isinstance(value, dict) and "start" in value and "end" in value
