"""Reads one file of interactions: a table of texts, or lines of sequences.

Large text tables are parsed by pandas; JSON, Parquet and spreadsheets are read as records.
"""

from __future__ import annotations

import io
import re
from collections import Counter

import numpy as np
import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused
from tenfold.core.message import Message
from tenfold.media.files.lines import found_encoding, opened, start_of, unified
from tenfold.media.files.listing import Entry
from tenfold.media.files.records import table_of
from tenfold.media.interactions.catalogue import HEAD, SEPARATORS, plain
from tenfold.media.interactions.columns import TITLES, Frame, Grid, role_of
from tenfold.media.reading import Reading, refuse_roles

__all__ = ["RECORDS", "TABLES", "grid_of"]

TABLES = (".csv", ".tsv", ".txt", ".dat", ".data", ".inter", ".item", ".user", "")
"""Suffixes of text tables, which pandas parses."""
RECORDS = (
    ".parquet", ".json", ".jsonl", ".ndjson", ".xlsx", ".arrow", ".feather", ".sqlite", ".sqlite3",
    ".db",
)  # fmt: skip
"""Suffixes of other tables, which are read as records."""
WIDEST = 40
"""Most columns of a table; lines with more fields are read as sequences."""
SCALE = 21
"""Most distinct values of a column of ratings without a header."""
_WORDS = {"tab": "\t", "space": " ", "\\t": "\t"}


def grid_of(entry: Entry, part: str, reading: Reading) -> Grid | Frame:
    """Returns the table in a file, or the interactions of a file of sequences.

    Raises DataRefused where the file is neither.
    """
    start = unified(start_of(entry.cell))
    if plain(entry) in RECORDS or start[:4] == b"PAR1" or _is_json(start):
        return _of_records(entry, part, reading)
    encoding = found_encoding(entry.cell, reading).name
    text = start.decode(encoding, "replace").removeprefix("\ufeff")
    head = [line for line in text.split("\n")[:HEAD] if line.strip()]
    if len(start) >= len(text.encode()) and len(head) > 1 and not text.endswith("\n"):
        head = head[:-1] if len(start) > 200_000 else head
    separator, width = _layout([line.rstrip("\r") for line in head], reading)
    with opened(entry.cell) as file:
        data = unified(file.read())
    if not width:
        why = Message("files of sequences have no columns")
        refuse_roles(reading, ("target", "time", "user", "item", "rating"), why, entry.name)
        return _sequences(data.decode(encoding, "replace"), entry.name, part, separator)
    return _table(data, entry.name, part, separator, width, reading, encoding)


def _is_json(start: bytes) -> bool:
    return bool(re.match(rb'(\xef\xbb\xbf)?\s*(\{\s*"|\[\s*\{)', start))


def _of_records(entry: Entry, part: str, reading: Reading) -> Grid:
    """Returns the table in a file of JSON, Parquet or another format of records."""
    table = table_of(entry.cell, entry.name, lambda name: role_of(name) is not None)
    rows, numbers, problems = [], [], []
    for record in table.records:
        if record.problem is not None:
            problems.append((f"{entry.name}:{record.line}", record.problem))
        else:
            rows.append(record.cells)
            numbers.append(record.line)
    names = [name if table.header else f"column {name}" for name in table.names]
    frame = pd.DataFrame(rows, columns=names, dtype=object)
    flat = [
        at
        for at in range(len(names))
        if not frame.iloc[:HEAD, at].map(lambda cell: isinstance(cell, (list, dict))).any()
    ]
    columns = frame.iloc[:, flat]
    return Grid(columns, entry.name, part, table.header, np.array(numbers, np.int64), problems)


def _layout(head: list[str], reading: Reading) -> tuple[str, int]:
    """Returns the separator and the number of columns; 0 columns means that lines are sequences."""
    if given := reading.value("separator"):
        separator = _WORDS.get(given, given)
        widths = Counter(line.count(separator) + 1 for line in head)
        return separator, widths.most_common(1)[0][0] if widths else 1
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
    table = best >= 0.9 and (_dated(head) or _rated(head))
    if chosen[1] < 2 or (chosen[0] == " " and not table):
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


def _rated(head: list[str]) -> bool:
    """Returns True for lines of user, item and rating: the third field has few numbers.

    The second field has other and many more values, and the third has several for most users.
    """
    rows = [line.split() for line in head]
    if len(rows) < 10 or any(len(row) != 3 for row in rows):
        return False
    marks = pd.to_numeric(pd.Series([row[2] for row in rows]), errors="coerce")
    items = {row[1] for row in rows}
    few = marks.nunique() <= SCALE and 3 * marks.nunique() <= len(rows)
    scale = bool(marks.notna().all()) and float(marks.abs().max()) <= 10
    return bool(few and scale) and len(items) > 1.5 * marks.nunique()


def _sequences(text: str, name: str, part: str, separator: str) -> Frame:
    """Returns the interactions of lines of the form "user item item ..."."""
    users: list[str] = []
    items: list[str] = []
    numbers: list[int] = []
    problems = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
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
    data: bytes, name: str, part: str, separator: str, width: int, reading: Reading, encoding: str
) -> Grid:
    """Reads a table with all cells as texts, so that "007" stays "007"."""
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
    grid = _checked_width(frame, name, part, width, reading)
    grid.commas = separator != ","
    return grid


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


def _checked_width(frame: pd.DataFrame, name: str, part: str, width: int, reading: Reading) -> Grid:
    """Returns the lines that have as many fields as the table has columns, and their names."""
    there = np.stack([_filled(frame[one]) for one in frame.columns], 1)
    blank = ~there.any(1)
    first = [_cell(frame[one], 0) for one in range(width)]
    header = _is_header(first, frame, reading)
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
    return Grid(columns, name, part, header, numbers[kept], problems)


def _is_header(first: list[str], frame: pd.DataFrame, reading: Reading) -> bool:
    """Returns True where the first line holds names of columns.

    That are usual names, names that were given, or words that no other line has in these columns,
    above numbers.
    """
    if given := reading.value("header"):
        return bool(given == "yes")
    names = {str(value).lower() for value in reading.roles.values()}
    names |= {"id", *TITLES}
    if any(role_of(one) or one.strip().lower() in names for one in first):
        return True
    words = [bool(re.fullmatch(r"[^\W\d][\w \-.:]{0,39}", one.strip())) for one in first]
    if not all(words) or len({*first}) < len(first) or len(frame) < 3:
        return False
    rest = frame.iloc[1:HEAD]
    numbers = [
        pd.to_numeric(rest[at].astype(str).str.strip(), errors="coerce").notna().mean() > 0.9
        for at in range(len(first))
    ]
    return any(numbers)


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
