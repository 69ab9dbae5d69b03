"""What a recommender knows of its catalogue, as texts that JSON can hold, and entries looked up.

An entry is an item's id, its title, or "user=ID": all that this person had when it was learnt.
"""

from __future__ import annotations

import base64
import functools
import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tenfold.data import Ragged

__all__ = ["Known", "known", "listed", "packed", "titles", "unpacked"]

USER = "user="


def packed(column: Ragged) -> str:
    """Ragged whole numbers as a text."""
    lengths = column.lengths.astype("<i4")
    data = np.concatenate([[len(lengths)], lengths, column.values]).astype("<i4").tobytes()
    return base64.b64encode(zlib.compress(data, 1)).decode()


@functools.lru_cache(maxsize=16)
def unpacked(text: str) -> Ragged:
    """What `packed` made a text of."""
    data = np.frombuffer(zlib.decompress(base64.b64decode(text)), "<i4")
    rows = int(data[0])
    offsets = np.concatenate([[0], np.cumsum(data[1 : rows + 1], dtype=np.int64)])
    return Ragged(data[rows + 1 :], offsets)


@functools.lru_cache(maxsize=8)
def listed(text: str) -> tuple[str, ...]:
    """Names of a JSON list."""
    return tuple(json.loads(text))


@functools.lru_cache(maxsize=8)
def titles(text: str) -> dict[str, str]:
    """Titles by id, of a JSON object."""
    return dict(json.loads(text))


@dataclass(frozen=True)
class Known:
    """Numbers from 1 by id and by title, in small letters; histories by user."""

    numbers: dict[str, int]
    titles: dict[str, int]
    users: dict[str, int]
    histories: Ragged

    def latest_first(self, entries: Iterable[str]) -> tuple[list[int], int]:
        """Numbers of the known items, each once; and how many different ones were given."""
        found: list[int] = []
        strange: set[str] = set()
        for entry in entries:
            told = self.of(entry)
            found += told
            if not told:
                strange.add(entry)
        latest = list(dict.fromkeys(reversed(found)))
        return latest, len(latest) + len(strange)

    def of(self, entry: str) -> Sequence[int]:
        """Numbers that one entry stands for, in order of time; none where it is not known."""
        text = entry.strip()
        number = self.numbers.get(text) or self.titles.get(text.casefold())
        if number:
            return [number]
        if text.startswith(USER) and (row := self.users.get(text[len(USER) :])) is not None:
            start, end = self.histories.offsets[row : row + 2]
            return [int(one) for one in self.histories.values[start:end]]
        return []


def known(data: dict[str, Any]) -> Known:
    """All that `data` of a run's facts tells, looked up once."""
    return _known(data["items"], data["titles"], data["users"], data["histories"])


@functools.lru_cache(maxsize=8)
def _known(items: str, names: str, users: str, histories: str) -> Known:
    numbers = {name: number for number, name in enumerate(listed(items), 1)}
    told = {title.casefold(): numbers[name] for name, title in titles(names).items()}
    rows = {name: row for row, name in enumerate(listed(users))}
    return Known(numbers, told, rows, unpacked(histories))
