"""Reads interactions of users with items from tables, MovieLens layouts and sequences.

An interaction is a line with a user, an item, and optionally a rating and a time. In a file of
sequences each line is "user item item ...", in order of time. Further columns that have a single
value for each item, and tables that describe items, become attributes of the items.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused
from tenfold.core.message import Message
from tenfold.core.taken import Taken
from tenfold.media.files import references
from tenfold.media.files.listing import Entry, is_archive, open_tree, path_of
from tenfold.media.files.parts import part_of_file
from tenfold.media.interactions.catalogue import (
    Catalogue,
    attribute,
    attributes_of,
    plain,
    without_zeros,
)
from tenfold.media.interactions.columns import Frame, Grid
from tenfold.media.interactions.grids import RECORDS, TABLES, grid_of
from tenfold.media.interactions.people import reported_of
from tenfold.media.interactions.roles import FLAGS, roled
from tenfold.media.interactions.tables import Tables, sorted_tables
from tenfold.media.interactions.values import coded, counts_of, no_marks, problems
from tenfold.media.reading import AS_FOUND, Reading, reported_text

__all__ = ["Catalogue", "Interactions", "read"]

_DOCUMENTS = re.compile(r"(readme|licen[cs]e|source|copying|notice|changelog)(\.|$)", re.I)
UNRATED = 0.1
"""Least share of ratings of 0 on a scale from 1 that mean: has the item, without a rating."""


@dataclass
class Interactions:
    """E interactions, sorted by user, then time.

    `user` and `item` are codes into `users` and `items`; `rating` and `time` are NaN where missing.
    `no` (E,) is True where a line means no: returned, cancelled, a negative quantity. `count` (E,)
    is how often the user had the item: the sum of a column of counts, else the number of lines, of
    the same part. `part` (E,) is "" where the file name does not name train, valid or test.
    `ordered` is True where the order in time is known. `problems` are (source, Problem) of unusable
    lines. `lines` counts the interactions read, before repeated ones are dropped, plus the unusable
    lines. `taken` and `reading` state what was read, and from which columns.
    """

    users: np.ndarray
    items: np.ndarray
    user: np.ndarray
    item: np.ndarray
    rating: np.ndarray
    time: np.ndarray
    no: np.ndarray
    count: np.ndarray
    part: np.ndarray
    ordered: bool
    problems: list[tuple[str, Problem]] = field(default_factory=list)
    lines: int = 0
    catalogue: Catalogue = field(default_factory=Catalogue)
    root: str | None = None
    ignored: list[str] = field(default_factory=list)
    taken: Taken = field(default_factory=Taken)
    reading: Reading = AS_FOUND
    by: dict[str, np.ndarray] = field(default_factory=dict)
    """Texts (E,) of the columns that scores are reported by, None where blank."""


def read(source: Any, reading: Reading = AS_FOUND) -> Interactions:
    """Reads all interactions of a file, a folder, a zip archive or a DataFrame.

    Raises UsageError where the source is none of these, or has several readings; DataRefused where
    it has no interactions.
    """
    taken = Taken()
    if isinstance(source, pd.DataFrame):
        numbers = np.arange(1, len(source) + 1)
        grid = Grid(source.astype(object), "DataFrame", "", True, numbers)
        return _joined([roled(grid, reading, taken)], Catalogue(), taken, reading)
    path = path_of(source)
    if path.is_file() and not is_archive(path):
        entry = Entry(path.name, references.file_cell(path.absolute()))
        table = grid_of(entry, "", reading)
        frame = roled(table, reading, taken) if isinstance(table, Grid) else table
        found = _joined([frame], Catalogue(), taken, reading, str(path))
        return replace(found, root=str(path.parent))
    return _of_folder(path, taken, reading)


def _of_folder(path: Path, taken: Taken, reading: Reading) -> Interactions:
    tree = open_tree(path)
    ignored, closed = list(tree.ignored), list[tuple[str, Problem]]()
    tables, about, refused = list[Grid | Frame](), Catalogue(), list[tuple[str, Message]]()
    for entry in tree.entries:
        name = entry.name.rsplit("/", 1)[-1]
        usable = plain(entry) in (*TABLES, *RECORDS) and not _DOCUMENTS.match(name)
        if entry.problem and (entry.folder or usable):
            closed.append((entry.name, replace(entry.problem, uncounted=True)))
        elif entry.problem or not usable:
            ignored.append(entry.name)
        elif (attributes := attributes_of(entry)) is not None:
            about.merge(attributes)
        else:
            try:
                tables.append(grid_of(entry, part_of_file(name), reading))
            except DataRefused as error:
                refused.append((entry.name, error.message))
    found = sorted_tables(tables, reading, taken)
    found.aside += refused
    found.catalogue.merge(about)
    for reason in dict.fromkeys(why for _, why in found.aside):
        taken.leave("tables", [name for name, why in found.aside if why == reason], why=reason)
    ignored += [name for name, _ in found.aside]
    joined = _joined(found.events, found.catalogue, taken, reading, str(tree.root), found)
    return replace(
        joined,
        problems=[*closed, *joined.problems],
        lines=joined.lines + len(closed),
        root=str(tree.root),
        ignored=ignored,
    )


# --- joining files --------------------------------------------------------------------------------


def _joined(
    frames: list[Frame],
    about: Catalogue,
    taken: Taken,
    reading: Reading,
    where: str = "",
    tables: Tables | None = None,
) -> Interactions:
    frames = [frame for frame in frames if len(frame.numbers) or frame.problems]
    if not frames:
        raise _nothing(where, tables)
    parts = [_events(frame, about, taken, reading) for frame in frames]
    users, user = _common([one[0] for one in parts])
    items, item = _common([one[1] for one in parts])
    rating, when, no, count, part = (
        np.concatenate([one[at] for one in parts]) for at in range(2, 7)
    )
    ordered = all(frame.ordered for frame in frames) or bool(np.isfinite(when).any())
    found = Interactions(users, items, user, item, rating, when, no, count, part, ordered)
    found.problems = [one for frame in frames for one in frame.problems]
    found.lines = len(user) + len(found.problems)
    found.catalogue, found.taken = _with_ids(about, items, taken), taken
    found.reading = _completed(reading, frames)
    people = tables.people if tables else []
    found.by = reported_of(people, reading, users, user) | _reported(frames, parts)
    _unrated(found)
    _sort(found)
    if "item" not in reading.given:
        _note_lonely_items(found, frames[0])
    _tell(found, frames)
    return found


def _nothing(where: str, tables: Tables | None) -> DataRefused:
    """The error for data without interactions; it lists the tables that are not used."""
    fix = Message("Write on each line a user and an item, and rating and time if known.")
    if tables is None or not tables.aside:
        return DataRefused(
            Message("The data have no interactions"), code="no-rows", where=where, fix=fix
        )
    listed = "; ".join(f"{name}: {why}" for name, why in tables.aside[:5])
    return DataRefused(
        Message("The data have no interactions. Not used: {tables}", tables=listed),
        code="no-rows",
        where=where,
        fix=fix,
    )


Coded = tuple[np.ndarray, np.ndarray]
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
Events = tuple[Coded, Coded, *Arrays]


def _reported(frames: list[Frame], parts: list[Events]) -> dict[str, np.ndarray]:
    """Returns the texts (E,) of each column that scores are reported by; None where blank."""
    found: dict[str, np.ndarray] = {}
    for name in dict.fromkeys(name for frame in frames for name in frame.by):
        each = [
            [reported_text(cell) for cell in frame.by[name][events[-1]]]
            if name in frame.by
            else [None] * int(events[-1].sum())
            for frame, events in zip(frames, parts, strict=True)
        ]
        found[name] = np.array([text for texts in each for text in texts], dtype=object)
    return found


def _events(frame: Frame, about: Catalogue, taken: Taken, reading: Reading) -> Events:
    user, users = coded(frame.columns["user"])
    item, items = coded(frame.columns["item"])
    rating, when, good = problems(frame, user, item, taken, reading.value("dates"))
    no, count = no_marks(frame)[good], counts_of(frame)[good]
    for name, column in frame.extra.items():
        attribute(about, name, item[good], items, column[good])
    part = np.full(int(good.sum()), "" if reading.ignores_parts else frame.part, object)
    return (user[good], users), (item[good], items), rating[good], when[good], no, count, part, good


def _with_ids(about: Catalogue, items: np.ndarray, taken: Taken) -> Catalogue:
    """Returns the catalogue with the ids of the interactions.

    Ids that differ by leading zeros are joined where each then means one item. Items without a
    description are noted.
    """
    listed, known = about.ids, {str(item) for item in items}
    if not listed or not known:
        return about
    if len(listed & known) < 0.5 * len(known):
        left, right = without_zeros(listed), without_zeros(known)
        if left is not None and right is not None:
            back = {short: name for name, short in right.items()}
            names = {name: back[short] for name, short in left.items() if short in back}
            if len(names) > len(listed & known):
                pairs = next(pair for pair in sorted(names.items()) if pair[0] != pair[1])
                taken.note(
                    Message(
                        "Ids are joined without leading zeros: {first} describes {second}",
                        first=pairs[0],
                        second=pairs[1],
                    )
                )
                about = about.renamed(names)
                listed = about.ids
    if lacking := sorted(known - listed):
        taken.note(
            Message(
                "{count} of {total} items have no description: {item} is not among ids such as "
                "{other}",
                count=len(lacking),
                total=len(known),
                item=lacking[0],
                other=min(listed) if listed else "-",
            )
        )
    return about


def _completed(reading: Reading, frames: list[Frame]) -> Reading:
    """Returns the reading with the columns of the first table with a header added."""
    frame = next((one for one in frames if one.header and one.names), None)
    if frame is None:
        return reading
    roles = {role: name for role, name in frame.names.items() if FLAGS[role]}
    return reading.finding(**roles, dates=next((one.order for one in frames if one.order), ""))


def _unrated(found: Interactions) -> None:
    """Sets ratings of 0 to missing where the scale begins at 1 and 0 is frequent."""
    marks = found.rating[np.isfinite(found.rating)]
    zeros = marks == 0
    if not zeros.any() or marks.min() < 0 or not 5 <= marks.max() <= 10:
        return
    halves = bool((marks % 1 != 0).any())
    if halves or zeros.mean() < UNRATED or zeros.sum() < 3 * (marks == 1).sum():
        return
    found.rating[found.rating == 0] = np.nan
    found.taken.note(
        Message(
            "Ratings of 0 on a scale up to {most:g}: {count}. They are read as no rating.",
            most=float(marks.max()),
            count=int(zeros.sum()),
        )
    )


def _note_lonely_items(found: Interactions, frame: Frame) -> None:
    """Notes a column of items in which hardly any value has a second user."""
    users = np.bincount(found.item, minlength=len(found.items))
    if len(users) > 20 and (users > 1).sum() < 0.05 * len(users):
        found.taken.note(
            Message(
                "{name}: hardly any value of {column} has a second user; check that it is the "
                "column of items (--item).",
                name=frame.name,
                column=frame.names.get("item", "item"),
            )
        )


def _tell(found: Interactions, frames: list[Frame]) -> None:
    """Adds the roles, and the columns that are not used, and prints the line."""
    taken = found.taken
    for frame in frames:
        several = len(frames) > 1 or bool(taken.left)
        for role in ("user", "item", "rating", "time", "weight"):
            if role in frame.columns:
                column = frame.names.get(role) or Message("lines of sequences")
                shown = Message("{column}", column=column)
                if several:
                    shown = Message("{column} in {table}", column=column, table=frame.name)
                taken.role(role, shown, FLAGS[role], list(map(str, frame.columns[role][:3])))
    used = {*found.catalogue.attributes}
    titles = bool(found.catalogue.titles)
    left = dict.fromkeys(
        name for frame in frames for name in frame.extra
        if name not in used and not (titles and "title" in name.lower())
    )  # fmt: skip
    taken.leave("columns", [*left])
    if found.catalogue.ids:
        about = ", ".join(["titles"] * titles + sorted(used)[:8])
        taken.role("about items", about)
    taken.tell()


def _common(pairs: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Merges several (codes, names) pairs into one list of names and one array of codes.

    Names that no code uses are dropped.
    """
    place, names = pd.factorize(np.concatenate([names for _, names in pairs]))
    starts = np.cumsum([0, *(len(names) for _, names in pairs)])
    codes = np.concatenate(
        [place[start + code] for (code, _), start in zip(pairs, starts, strict=False)]
    )
    used, codes = np.unique(codes, return_inverse=True)
    return np.asarray(names, object)[used], codes.astype(np.int32)


def _sort(found: Interactions) -> None:
    """Sorts the interactions by user, then time, then line order, in place.

    Where a user has several interactions with the same item, only the last one is kept, with the
    sum of the counts of its part.
    """
    when = np.where(np.isfinite(found.time), found.time, -np.inf)
    order = np.lexsort((np.arange(len(when)), when, found.user))
    pair = found.user[order].astype(np.int64) * max(1, len(found.items)) + found.item[order]
    _, last = np.unique(pair[::-1], return_index=True)
    kept = np.sort(len(pair) - 1 - last)
    if dropped := len(pair) - len(kept):
        found.taken.note(
            Message(
                "Repeated interactions of the same user and item: {count}. The last one is used; a "
                "ranking can weigh it by their number.",
                count=dropped,
            )
        )
        place, parts = pd.factorize(found.part[order])
        _, cell = np.unique(pair * len(parts) + place, return_inverse=True)
        found.count[order] = np.bincount(cell, found.count[order])[cell]
    order = order[kept]
    for name in ("user", "item", "rating", "time", "no", "count", "part"):
        setattr(found, name, getattr(found, name)[order])
    found.by = {name: texts[order] for name, texts in found.by.items()}
