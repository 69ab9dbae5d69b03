"""The catalogue of a recommender as JSON texts, and the lookup of entries in it.

An entry is an item's id, its title, or "user=ID", which stands for all items of this user in the
data.
"""

from __future__ import annotations

import base64
import functools
import json
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tenfold.core.columns import Ragged

__all__ = [
    "Known", "history", "is_person", "known", "listed", "packed", "people", "shown", "titles",
    "unpacked",
]  # fmt: skip

USER = "user="
MARKED = re.compile(r"(.+)=\s*([-+]?[\d.]+|\?)\s*", re.S)
"""Pattern of an item with its rating, such as "a=4.5"; a ranking uses only the item, and whether
the rating means that the user likes it."""


def packed(column: Ragged) -> str:
    """Packs a ragged column of whole numbers into a text."""
    lengths = column.lengths.astype("<i4")
    data = np.concatenate([[len(lengths)], lengths, column.values]).astype("<i4").tobytes()
    return base64.b64encode(zlib.compress(data, 1)).decode()


@functools.lru_cache(maxsize=16)
def unpacked(text: str) -> Ragged:
    """The column that `packed` made into a text."""
    data = np.frombuffer(zlib.decompress(base64.b64decode(text)), "<i4")
    rows = int(data[0])
    offsets = np.concatenate([[0], np.cumsum(data[1 : rows + 1], dtype=np.int64)])
    return Ragged(data[rows + 1 :], offsets)


@functools.lru_cache(maxsize=8)
def listed(text: str) -> tuple[str, ...]:
    """Parses a JSON list of names."""
    return tuple(json.loads(text))


@functools.lru_cache(maxsize=8)
def titles(text: str) -> dict[str, str]:
    """Parses a JSON object of titles by item id."""
    return dict(json.loads(text))


@dataclass(frozen=True)
class Known:
    """Numbers of the items from 1, by id and by title in lower case."""

    numbers: dict[str, int]
    titles: dict[str, int]

    def latest_first(self, entries: Iterable[str]) -> tuple[list[int], int]:
        """Returns the numbers of the known items, latest first, and a count of the entries.

        Both are without repetitions; the count includes entries of unknown items.
        """
        found: list[int] = []
        strange: set[str] = set()
        for entry in entries:
            if number := self.of(entry):
                found.append(number)
            else:
                strange.add(entry)
        latest = list(dict.fromkeys(reversed(found)))
        return latest, len(latest) + len(strange)

    def disliked(self, entry: str, least: float | None) -> int:
        """Returns the number of a known item that has a rating below `least`, else 0."""
        if least is None or entry in self.numbers:
            return 0
        marked = MARKED.fullmatch(entry)
        if marked is None or marked[2] == "?" or marked[2].count(".") > 1:
            return 0
        return self._named(marked[1]) if float(marked[2] if marked[2] != "." else 0) < least else 0

    def of(self, entry: str) -> int:
        """The number of the item that an entry names, 0 where it is unknown.

        An entry is an id or a title, with or without one rating.
        """
        number = self._named(entry)
        if not number and (marked := MARKED.fullmatch(entry)):
            return self._named(marked[1])
        return number

    def _named(self, name: str) -> int:
        """The number of the item of this id or title, 0 where it is unknown."""
        text = name.strip()
        number = self.numbers.get(name) or self.numbers.get(text)
        return number or self.titles.get(text.casefold(), 0)


def shown(data: dict[str, Any]) -> dict[str, str]:
    """Titles by id, where the title identifies the item and does not contain "|"."""
    return _shown(data["items"], data["titles"])


@functools.lru_cache(maxsize=8)
def _shown(items: str, names: str) -> dict[str, str]:
    found = _known(items, names)
    return {
        name: title
        for name, title in titles(names).items()
        if found.of(title) == found.numbers[name] and "|" not in title
    }


def known(data: dict[str, Any]) -> Known:
    """The items in the `data` of a run's facts."""
    return _known(data["items"], data["titles"])


@functools.lru_cache(maxsize=8)
def _known(items: str, names: str) -> Known:
    numbers = {name: number for number, name in enumerate(listed(items), 1)}
    told = {title.strip().casefold(): numbers[name] for name, title in titles(names).items()}
    return Known(numbers, told)


# --- users ----------------------------------------------------------------------------------------


def people(persons: Iterable[str], rows: Iterable[Sequence[int]]) -> dict[str, str]:
    """Packs the history of each user: numbers of the items, in order."""
    return {
        "users": json.dumps([*persons], ensure_ascii=False),
        "histories": packed(Ragged.of([*rows], np.int32)),
    }


def is_person(entry: str) -> bool:
    """Whether an entry has the form "user=ID", whoever the user is."""
    return entry.strip().startswith(USER)


def history(found: dict[str, str], entry: str, column: str = "histories") -> np.ndarray | None:
    """The history of the user of an entry "user=ID" as an array.

    None where the entry has another form or the user is unknown. `column` names the packed column
    to read.
    """
    if not is_person(entry) or "users" not in found:
        return None
    row = _places(found["users"]).get(entry.strip()[len(USER) :])
    return None if row is None else unpacked(found[column]).rows(np.array([row])).values


@functools.lru_cache(maxsize=8)
def _places(users: str) -> dict[str, int]:
    return {name: row for row, name in enumerate(listed(users))}
