"""Which tables of a folder are interactions, which describe items, and which are neither.

A table with a column of users and one of items is interactions. One with items alone describes
them, one with users alone describes persons. Tables of tags, friends and forms for answers are
neither.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tenfold.core.errors import DataRefused, UsageError, nearest
from tenfold.core.message import Message
from tenfold.media.interactions.catalogue import Catalogue, described
from tenfold.media.interactions.columns import KEYS, TITLES, Frame, Grid, words_of
from tenfold.media.interactions.people import People, people_of, without_people
from tenfold.media.interactions.roles import named, roled
from tenfold.media.interactions.values import coded
from tenfold.media.reading import Reading

__all__ = ["Tables", "sorted_tables"]

_TAGS = frozenset(("tag", "tags", "tagid", "标签"))
_ITEM_WORDS = frozenset(
    "movie movies item items product products book books artist artists".split()
)
_PERSON_WORDS = frozenset("user users customer customers member members person persons u".split())


@dataclass
class Tables:
    """The tables of interactions, the descriptions of items and of users, and the other tables.

    Each of `aside` has the name of the table and the reason why it is not used.
    """

    events: list[Frame] = field(default_factory=list)
    people: list[People] = field(default_factory=list)
    catalogue: Catalogue = field(default_factory=Catalogue)
    aside: list[tuple[str, Message]] = field(default_factory=list)


def sorted_tables(tables: list[Grid | Frame], reading: Reading, taken: Any) -> Tables:
    """Returns the tables by their use.

    Raises UsageError where several could be the interactions, DataRefused where the only candidate
    cannot be read as interactions.
    """
    found = Tables()
    chosen = _chosen(tables, reading)
    if not chosen:
        grids = [one for one in tables if isinstance(one, Grid) and _is_events(one, reading)]
        chosen = _parts(_alike(grids), found) if grids else []
    named_tables = bool(chosen)
    rest = [one for one in tables if not any(one is other for other in chosen)]
    if not chosen:
        chosen = [one for one in rest if isinstance(one, Frame) or not _describes(one, reading)]
        chosen = _parts(chosen, found)
        rest = [one for one in rest if not any(one is other for other in chosen)]
    grids = [one for one in rest if isinstance(one, Grid)]
    found.people = [
        people_of(one, key) for one in grids if (key := _person(one, reading)) is not None
    ]
    reading = without_people(reading, found.people, map(_columns, chosen))
    refused: list[DataRefused] = []
    for one in chosen:
        try:
            frame = one if isinstance(one, Frame) else roled(one, reading, taken)
        except DataRefused as error:
            if named_tables:
                raise
            refused.append(error)
            found.aside.append((one.name, error.message))
            continue
        found.events.append(frame)
    if not found.events and len(refused) == 1:
        raise refused[0]
    if not named_tables:
        found.events = [one for one in found.events if len(one.numbers)] or found.events
        _refuse_several([one for one in found.events if not one.ordered])
    items = {str(name) for one in found.events for name in coded(one.columns["item"])[1]}
    listed = {name for name, _ in found.aside}
    for one in rest:
        if one.name not in listed:
            _side(one, items, found, reading)
    return found


def _columns(one: Grid | Frame) -> tuple[str, ...]:
    if isinstance(one, Frame):
        return tuple(sorted([*one.names.values(), *one.extra]))
    return tuple(sorted(map(str, one.frame.columns)))


def _chosen(tables: list[Grid | Frame], reading: Reading) -> list[Grid | Frame]:
    """Returns the table given with --table; [] where none was given or found before."""
    if not (name := reading.value("table")):
        return []
    names = {one.name: one for one in tables}
    short = {key.rsplit("/", 1)[-1]: one for key, one in names.items()}
    stems = {key.split(".")[0]: one for key, one in short.items()}
    one = names.get(name) or short.get(name) or stems.get(name)
    if one is None and "table" in reading.given:
        raise UsageError(
            Message("There is not a table {name!r}", name=name),
            code="missing-table",
            fix=nearest(name, list(short)),
        )
    return [one] if one is not None else []


def _is_events(grid: Grid, reading: Reading) -> bool:
    """Returns True for a table with users and items by name, and without tags."""
    tags = any(words_of(one) & _TAGS or str(one).lower() in _TAGS for one in grid.frame.columns)
    return {"user", "item"} <= set(named(grid, reading)) and not (tags and grid.header)


def _alike(grids: list[Grid]) -> list[Grid | Frame]:
    """Returns the tables, which have the same columns in each part.

    Raises UsageError for tables with other columns: they could be other interactions.
    """
    for part in {one.part for one in grids}:
        _refuse_several([one for one in grids if one.part == part])
    return list(grids)


def _refuse_several(tables: list[Any]) -> None:
    other = next((one for one in tables if _columns(one) != _columns(tables[0])), None)
    if other is None:
        return
    first = tables[0]
    raise UsageError(
        Message(
            "Several tables could be the interactions: {first} with the columns {columns}, {other} "
            "with {others}",
            first=first.name,
            columns=", ".join(_columns(first)[:10]),
            other=other.name,
            others=", ".join(_columns(other)[:10]),
        ),
        code="two-readings",
        fix=Message("Give one of them, such as --table {name}.", name=first.name),
    )


def _parts(tables: list[Any], found: Tables) -> list[Any]:
    """Returns the tables of parts where there are several parts, else all tables."""
    parts = {one.part for one in tables}
    if len(parts) > 1 and "train" in parts:
        why = Message("other files are the parts of the data")
        found.aside += [(one.name, why) for one in tables if not one.part]
        tables = [one for one in tables if one.part]
    if {one.part for one in tables} == {"train"}:  # no part to test on is given
        for one in tables:
            one.part = ""
    return tables


def _describes(grid: Grid, reading: Reading) -> bool:
    """Returns True for a table with one line for each value of its key, or with one role alone."""
    roles = named(grid, reading)
    if grid.header and ("user" in roles) != ("item" in roles):
        return True
    if {"user", "item"} <= set(roles):
        return grid.header  # a table of tags
    codes, _ = coded(grid.frame.iloc[:, 0])
    return len(codes) > 1 and len(np.unique(codes)) > 0.99 * len(codes)


def _side(one: Grid | Frame, items: set[str], found: Tables, reading: Reading) -> None:
    """Adds a table that is not interactions: to the catalogue, or to those that are not used."""
    if isinstance(one, Frame):
        found.aside.append((one.name, Message("lines of sequences")))
        return
    roles = named(one, reading)
    key = roles.get("item")
    if {"user", "item"} <= set(roles):
        found.aside.append((one.name, Message("tags, not interactions")))
        return
    people = [each for each in found.people if each.name == one.name]
    if people:
        names = ", ".join(people[0].columns)
        found.aside.append((one.name, Message("describes users (--by {names})", names=names)))
        return
    if key is None:
        key = _key(one)
        ids = set(map(str, coded(one.frame[key])[1])) if key is not None else set()
        if key is None or not ids & items:
            found.aside.append((one.name, Message("without a column of users or items")))
            return
    found.catalogue.merge(described(one, key))


def _person(grid: Grid, reading: Reading) -> Any | None:
    """Returns the column of ids of a table that describes users; None for another table."""
    roles = named(grid, reading)
    if "user" in roles or "item" in roles:
        return None if "item" in roles else roles["user"]
    words = words_of(grid.name.rsplit("/", 1)[-1])
    return _key(grid) if words & _PERSON_WORDS and not words & _ITEM_WORDS else None


def _key(grid: Grid) -> Any | None:
    """Returns the column of ids of a table without roles: `id`, or the first one."""
    for one in grid.frame.columns:
        if str(one).strip().lower() in KEYS:
            return one
    first = grid.frame.columns[0]
    if grid.header and not any(words_of(one) & TITLES for one in grid.frame.columns):
        return None
    return first
