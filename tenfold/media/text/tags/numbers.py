"""Names of tags that are written as numbers, from a file beside the data."""

from __future__ import annotations

import json
import re
from typing import Any

from tenfold.core.errors import DataRefused
from tenfold.core.message import Message
from tenfold.media.files.lines import decoded, lines, start_of
from tenfold.media.files.listing import Entry

__all__ = ["is_names_file", "named", "names_in", "numbered"]

_FILE = re.compile(
    r"((ner[_-]?)?(label|class|tag)(e?s)?([_-]?(list|names|map|vocab))?\.(txt|json|names|vocab)"
    r"|dataset_infos?\.json|(id2label|label2id)\.json|config\.json)",
    re.I,
)
MOST = 1 << 24
"""Most bytes of a file of names."""


def is_names_file(name: str) -> bool:
    """Returns True for a usual name of a file of tag names, such as labels.txt."""
    return bool(_FILE.fullmatch(name.rsplit("/", 1)[-1]))


def numbered(sentences: list[tuple[str, ...]]) -> bool:
    """Returns True where all tags are whole numbers."""
    return any(sentences) and all(tag.isdecimal() for tags in sentences for tag in tags)


def names_in(entry: Entry, target: str) -> list[str]:
    """Returns the names in a file, in the order of their numbers; [] where it has none.

    `target` is the key of the tags, whose names are taken where a file has names of several.
    """
    if entry.name.lower().endswith(".json"):
        return _of_json(entry, target)
    found = [line.text.strip() for line in lines(entry.cell) if line.problem is None]
    pairs = [re.fullmatch(r"(\d+)[\s:,]+(\S+)|(\S+)[\s:,]+(\d+)", line) for line in found]
    if found and all(pairs):
        numbers = {int(p[1] or p[4]): str(p[2] or p[3]) for p in pairs if p}
        return _ordered(numbers)
    return found


def _of_json(entry: Entry, target: str) -> list[str]:
    try:
        found = json.loads(decoded(start_of(entry.cell, MOST)))
    except (ValueError, RecursionError):
        return []
    return _names(found, target) or _names(found, "") or []


def _names(found: Any, key: str) -> list[str] | None:
    """Returns the list of names inside a value of JSON, below `key` unless that is ""."""
    if isinstance(found, list) and not key:
        return found if found and all(isinstance(one, str) for one in found) else None
    if isinstance(found, list) and key:
        named = [one for one in found if isinstance(one, dict) and one.get("name") == key]
        return next((names for one in named if (names := _names(one, ""))), None)
    if not isinstance(found, dict):
        return None
    for name in ("id2label", "label2id"):
        if isinstance(found.get(name), dict) and not key:
            return _names(found[name], "")
    if not key and found and all(str(one).isdecimal() for one in found):
        return _ordered({int(number): str(name) for number, name in found.items()})
    if not key and found and all(isinstance(one, int) for one in found.values()):
        return _ordered({number: name for name, number in found.items()})
    if not key and isinstance(found.get("names"), (list, dict)):
        return _names(found["names"], "")
    if key and key in found:
        return _names(found[key], "")
    inner = (_names(one, key) for one in found.values() if isinstance(one, (dict, list)))
    return next((one for one in inner if one), None)


def _ordered(numbers: dict[int, str]) -> list[str]:
    """Returns the names where their numbers are 0, 1, 2 ..., else []."""
    return [numbers[at] for at in sorted(numbers)] if set(numbers) == {*range(len(numbers))} else []


def named(tags: tuple[str, ...], names: list[str], file: str) -> tuple[str, ...]:
    """Returns the names of numbers; raises DataRefused where a number has no name."""
    if tags and max(map(int, tags)) >= len(names):
        raise DataRefused(
            Message(
                "{file} names {count} tags, but the data have the tag {tag}",
                file=file,
                count=len(names),
                tag=max(map(int, tags)),
            ),
            code="missing-names",
            where=file,
            fix=Message("Write one name on each line: the first is the name of tag 0."),
        )
    return tuple(names[int(tag)] for tag in tags)
