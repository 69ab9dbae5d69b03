"""Records of a table, read lazily, and the table that they form."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tenfold.core.columns import Problem
from tenfold.core.message import Message

__all__ = ["HEAD", "Record", "RecordTable", "of_records"]

HEAD = 400
"""Records that are examined to detect the meaning of the columns."""


@dataclass(slots=True)
class Record:
    """The cells of one record, the line on which it begins, and its problem, if any."""

    line: int
    cells: list[Any]
    problem: Problem | None = None


@dataclass
class RecordTable:
    """A table whose `records` are read lazily.

    Without a header the `names` of the columns are "1", "2" ...; `head` holds the first records,
    which `records` yields as well. `separator` is "" where cells are not separated by a character.
    `above` are the lines above the header that are left out, such as a title; `notes` are
    sentences about the notation of the file. `types` are the types of columns that the file itself
    states ("category" or "date"). `groups` are the names that stand above the names of the columns,
    in a header of two rows; [] for one row.
    """

    names: list[str]
    header: bool
    records: Iterator[Record]
    head: list[Record]
    encoding: str
    separator: str = ""
    above: list[str] = field(default_factory=list)
    notes: list[Message] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)
    groups: list[str] = field(default_factory=list)


def of_records(names: list[str], records: Iterator[Record], encoding: str) -> RecordTable:
    """Returns the table of records that all have one cell for each name."""
    head = list(itertools.islice(records, HEAD))
    return RecordTable(names, True, itertools.chain(list(head), records), head, encoding)
