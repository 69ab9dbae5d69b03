"""Reads interactions of users with items from tables, MovieLens layouts and sequences.

An interaction is a line with a user, an item, and optionally a rating and a time. In a file of
sequences each line is "user item item ...", in order of time. Further columns that have a single
value for each item, and files that describe items, become attributes of the items.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused, UsageError
from tenfold.core.message import Message
from tenfold.core.progress import tell
from tenfold.media.files import references
from tenfold.media.files.lines import encoding_of, opened, start_of, unified
from tenfold.media.files.listing import Entry, is_zip, open_tree
from tenfold.media.files.parts import part_of_file
from tenfold.media.interactions.catalogue import (
    HEAD,
    SEPARATORS,
    Catalogue,
    attribute,
    described,
    describes,
    plain,
)
from tenfold.media.interactions.columns import Frame, coded, problems, role_of, roled
from tenfold.media.reading import AS_FOUND, Reading, refuse_roles, reported_text

__all__ = ["Catalogue", "Interactions", "read"]

_TABLES = (".csv", ".tsv", ".txt", ".dat", ".data", ".inter", ".parquet", "")
_ASIDE = re.compile(
    r"(readme|licen[cs]e|source|tags|links|users?|u\.(user|genre|info|occupation))", re.I
)
WIDEST = 40
"""Most columns of a table; lines with more fields are read as sequences."""


@dataclass
class Interactions:
    """E interactions, sorted by user, then time.

    `user` and `item` are codes into `users` and `items`; `rating` and `time` are NaN where missing.
    `part` (E,) is "" where the file name does not name train, valid or test. `ordered` is True
    where the order in time is known. `problems` are (source, Problem) of unusable lines. `lines`
    counts the interactions read, before repeated ones are dropped, plus the unusable lines.
    """

    users: np.ndarray
    items: np.ndarray
    user: np.ndarray
    item: np.ndarray
    rating: np.ndarray
    time: np.ndarray
    part: np.ndarray
    ordered: bool
    problems: list[tuple[str, Problem]] = field(default_factory=list)
    lines: int = 0
    catalogue: Catalogue = field(default_factory=Catalogue)
    root: str | None = None
    ignored: list[str] = field(default_factory=list)
    by: dict[str, np.ndarray] = field(default_factory=dict)
    """Texts (E,) of the columns that scores are reported by, None where blank."""


def read(source: Any, reading: Reading = AS_FOUND) -> Interactions:
    """Reads all interactions of a file, a folder, a zip archive or a DataFrame.

    Raises UsageError where the source is none of these, DataRefused where it has no interactions.
    """
    if isinstance(source, pd.DataFrame):
        frames = [roled(source.astype(object), "DataFrame", "", reading=reading)]
        about = Catalogue()
        return _joined(frames, about, None, [])
    if not isinstance(source, (str, Path)) or not str(source):
        raise UsageError(
            Message("Data must be a path or a DataFrame, got {source!r}", source=source),
            code="bad-setting",
        )
    path = Path(source)
    if path.is_file() and not is_zip(path):
        entry = Entry(path.name, references.file_cell(path.absolute()))
        return _joined([_file(entry, "", reading)], Catalogue(), str(path.parent), [], str(path))
    tree = open_tree(path)
    used, about, ignored = [], Catalogue(), list(tree.ignored)
    closed = list[tuple[str, Problem]]()
    for entry in tree.entries:
        name = entry.name.rsplit("/", 1)[-1]
        if entry.problem is None and describes(name):
            about.merge(described(entry))
        elif entry.problem is None and plain(entry) in _TABLES and not _ASIDE.match(name):
            used.append((entry, part_of_file(name)))
        elif entry.problem and (entry.folder or plain(entry) in _TABLES) and not _ASIDE.match(name):
            closed.append((entry.name, replace(entry.problem, uncounted=True)))
        else:
            ignored.append(entry.name)
    parts = {part for _, part in used}
    if len(parts) > 1 and "train" in parts:
        ignored += [entry.name for entry, part in used if not part]
        used = [(entry, part) for entry, part in used if part]
    frames = [_file(entry, part, reading) for entry, part in used]
    found = _joined(frames, about, str(tree.root), ignored)
    return replace(found, problems=[*closed, *found.problems], lines=found.lines + len(closed))


# --- one file -------------------------------------------------------------------------------------


def _file(entry: Entry, part: str, reading: Reading) -> Frame:
    if plain(entry) == ".parquet":
        with opened(entry.cell) as file:
            frame = pd.read_parquet(io.BytesIO(file.read())).astype(object)
        return roled(frame, entry.name, part, reading=reading)
    start = unified(start_of(entry.cell))
    text = start.decode(encoding_of(start), "replace").removeprefix("\ufeff")
    head = [line for line in text.split("\n")[:HEAD] if line.strip()]
    if len(start) >= len(text.encode()) and len(head) > 1 and not text.endswith("\n"):
        head = head[:-1] if len(start) > 200_000 else head
    separator, width = _layout([line.rstrip("\r") for line in head])
    with opened(entry.cell) as file:
        data = unified(file.read())
    if not width:
        refuse_roles(
            reading, ("target", "time"), Message("files of sequences have no columns"), entry.name
        )
        return _sequences(data, entry.name, part, separator)
    return _table(data, entry.name, part, separator, width, reading)


def _layout(head: list[str]) -> tuple[str, int]:
    """Returns the separator and the number of columns; 0 columns means that lines are sequences."""
    for separator in SEPARATORS[:-1]:  # a header with usual names decides at once
        names = [role_of(one.strip('"')) for one in head[0].split(separator)] if head else []
        if {"user", "item"} <= {*names}:
            return separator, len(names)
    best, chosen = 0.0, (" ", 0)
    for separator in SEPARATORS:
        counts = [line.count(separator) + 1 for line in head]
        if not counts:
            break
        width, many = Counter(counts).most_common(1)[0]
        share = many / len(counts)
        if 2 <= width <= WIDEST and share > best + 0.05 and share >= 0.6:
            best, chosen = share, (separator, width)
    if chosen[1] < 2 or (chosen[0] == " " and (best < 0.9 or not _dated(head))):
        tokens = [line.split() for line in head]
        commas = sum("," in line for line in head) > 0.5 * len(head)
        if head and (commas or np.mean([len(one) > 1 for one in tokens]) > 0.5):
            return ("," if commas else " "), 0
    return chosen


def _dated(head: list[str]) -> bool:
    """Returns True where lines separated by spaces have a header or end in a time."""
    if any(role_of(one) for one in head[0].split()):
        return True
    last = pd.to_numeric(pd.Series([line.split()[-1] for line in head]), errors="coerce")
    return bool((last > 1e8).mean() > 0.8)


def _sequences(data: bytes, name: str, part: str, separator: str) -> Frame:
    """Returns the interactions of lines of the form "user item item ..."."""
    users: list[str] = []
    items: list[str] = []
    numbers: list[int] = []
    problems = []
    text = data.decode(encoding_of(data[: 1 << 18]), "replace").removeprefix("\ufeff")
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        fields = line.split(separator) if separator != " " else line.split()
        user, *rest = [one.strip() for one in fields]
        rest = [one for one in rest if one]
        if not user or not rest:
            fix = Message(
                "Write on each line a user and the items in order of time, separated by spaces."
            )
            problems.append((f"{name}:{number}", Problem("no-item", Message("has no item"), fix)))
            continue
        users += [user] * len(rest)
        items += rest
        numbers += [number] * len(rest)
    some = pd.Series(items[:1000], dtype=object).astype(str)
    if items and not some.str.contains(r"\d").mean() > 0.5:
        raise DataRefused(
            Message(
                "{name} looks like text: few of the items on its lines contain a digit", name=name
            ),
            code="missing-column",
            where=name,
            fix=Message("Add a header with the columns user and item, or use numbers as item ids."),
        )
    columns = {"user": pd.Series(users, dtype=object), "item": pd.Series(items, dtype=object)}
    return Frame(columns, np.array(numbers, np.int64), name, part, problems, ordered=True)


def _table(
    data: bytes, name: str, part: str, separator: str, width: int, reading: Reading
) -> Frame:
    """Reads a table with all cells as texts, so that "007" stays "007"."""
    encoding = encoding_of(data[: 1 << 18])
    if encoding.startswith("utf-16"):
        data, encoding = data.decode(encoding, "replace").encode(), "utf-8"
    data = data.removeprefix(b"\xef\xbb\xbf")
    if len(separator) > 1:
        data, separator = data.replace(separator.encode(), b"\x1f"), "\x1f"
    lines = data.count(b"\n") + (not data.endswith(b"\n"))
    frame = _parsed(data, name, separator, width + 3, encoding)
    if len(frame) < lines:  # pandas skips lines with more fields, which shifts line numbers
        most = max(line.count(separator.encode()) for line in data.split(b"\n")) + 1
        frame = _parsed(data, name, separator, min(most, 1000), encoding)
    return _checked_width(frame, name, part, width, reading)


def _parsed(data: bytes, name: str, separator: str, fields: int, encoding: str) -> pd.DataFrame:
    """Parses a table into columns of categorical texts.

    A first row of `~` is added, and dropped from the result, so that pandas does not convert
    numbers.
    """
    words = separator.join("~" * fields) + "\n"
    try:
        frame = pd.read_csv(
            io.BytesIO(words.encode(encoding) + data),
            sep=separator,
            header=None,
            names=[*range(fields)],
            dtype="category",
            engine="c",
            quoting=0 if separator in ",;" else 3,
            keep_default_na=False,
            na_values={},
            skip_blank_lines=False,
            encoding=encoding,
            encoding_errors="replace",
            on_bad_lines="skip",
            low_memory=False,
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataRefused(
            Message("{name} cannot be read as a table: {error}", name=name, error=error),
            code="no-columns",
            where=name,
        ) from error
    return frame.iloc[1:]


def _checked_width(
    frame: pd.DataFrame, name: str, part: str, width: int, reading: Reading
) -> Frame:
    there = np.stack([_filled(frame[one]) for one in frame.columns], 1)
    blank = ~there.any(1)
    first = [_cell(frame[one], 0) for one in range(width)]
    given = {*reading.roles.values(), *reading.by}
    header = any(role_of(one) or one in given for one in first)
    numbers = np.arange(1, len(frame) + 1)
    wide = there[:, width:].any(1)
    short = ~wide & ~blank & (there[:, : max(2, width)].sum(1) < 2)
    bad = wide | short
    problems = [
        (f"{name}:{numbers[row]}", _fields(int(there[row].nonzero()[0].max(initial=-1) + 1), width))
        for row in np.flatnonzero(bad)[:100_000]
    ]
    kept = ~(bad | blank)
    if header:
        kept[0] = False
    named = [one.strip() or f"column {at + 1}" for at, one in enumerate(first)]
    columns = frame.iloc[:, :width][kept].reset_index(drop=True)
    columns.columns = named if header else [f"column {at + 1}" for at in range(width)]
    found = roled(columns, name, part, header, reading)
    found.numbers, found.problems = numbers[kept], problems
    return found


def _filled(column: pd.Series) -> np.ndarray:
    """Returns (N,) True where the cell is not blank."""
    categories = pd.Index(column.cat.categories).astype(str)
    some = np.append(categories.str.strip() != "", False)
    return np.asarray(some[column.cat.codes.to_numpy()])


def _cell(column: pd.Series, row: int) -> str:
    value = column.iloc[row] if len(column) > row else ""
    return "" if not isinstance(value, str) else value.removeprefix("\ufeff")


def _fields(found: int, width: int) -> Problem:
    return Problem(
        "wrong-fields",
        Message("has {fields} fields, the other lines have {width}", fields=found, width=width),
        Message("Use one separator in the whole file, and quote cells that contain it."),
    )


# --- joining files --------------------------------------------------------------------------------


def _joined(
    frames: list[Frame], about: Catalogue, root: str | None, ignored: list[str], where: str = ""
) -> Interactions:
    frames = [frame for frame in frames if len(frame.numbers) or frame.problems]
    if not frames:
        raise DataRefused(
            Message("The data have no interactions"),
            code="no-rows",
            where=where or root or "",
            fix=Message("Write on each line a user and an item, and rating and time if known."),
        )
    parts = [_events(frame, about) for frame in frames]
    users, user = _common([one[0] for one in parts])
    items, item = _common([one[1] for one in parts])
    rating, when, part = (np.concatenate([one[at] for one in parts]) for at in (2, 3, 4))
    ordered = all(frame.ordered for frame in frames) or bool(np.isfinite(when).any())
    found = Interactions(users, items, user, item, rating, when, part, ordered, root=root)
    found.problems = [one for frame in frames for one in frame.problems]
    found.lines = len(user) + len(found.problems)
    found.catalogue, found.ignored = about, ignored
    found.by = _reported(frames, parts)
    _sort(found)
    return found


Events = tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray], Any, Any, Any, Any]


def _reported(frames: list[Frame], parts: list[Events]) -> dict[str, np.ndarray]:
    """Returns the texts (E,) of each column that scores are reported by; None where blank."""
    found: dict[str, np.ndarray] = {}
    for name in dict.fromkeys(name for frame in frames for name in frame.by):
        each = [
            [reported_text(cell) for cell in frame.by[name][events[5]]]
            if name in frame.by
            else [None] * int(events[5].sum())
            for frame, events in zip(frames, parts, strict=True)
        ]
        found[name] = np.array([text for texts in each for text in texts], dtype=object)
    return found


def _events(frame: Frame, about: Catalogue) -> Events:
    user, users = coded(frame.columns["user"])
    item, items = coded(frame.columns["item"])
    rating, when, good = problems(frame, user, item)
    for name, column in frame.extra.items():
        attribute(about, name, item[good], items, column[good])
    part = np.full(int(good.sum()), frame.part, object)
    return (user[good], users), (item[good], items), rating[good], when[good], part, good


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

    Where a user has several interactions with the same item, only the last one is kept.
    """
    when = np.where(np.isfinite(found.time), found.time, -np.inf)
    order = np.lexsort((np.arange(len(when)), when, found.user))
    pair = found.user[order].astype(np.int64) * max(1, len(found.items)) + found.item[order]
    _, last = np.unique(pair[::-1], return_index=True)
    kept = np.sort(len(pair) - 1 - last)
    if dropped := len(pair) - len(kept):
        tell(
            Message(
                "Repeated interactions of the same user and item: {count}. The last one is used.",
                count=dropped,
            )
        )
    order = order[kept]
    for name in ("user", "item", "rating", "time", "part"):
        setattr(found, name, getattr(found, name)[order])
    found.by = {name: texts[order] for name, texts in found.by.items()}
