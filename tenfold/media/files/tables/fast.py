"""A delimited text file as columns of texts, parsed as a whole by pandas: for millions of lines."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused
from tenfold.core.message import Message
from tenfold.media.files.lines import TextLine
from tenfold.media.files.tables.delimited import Dialect, separated

__all__ = ["TextColumns", "columns_of_text", "width_of"]

EXTRA = 3
"""Columns beyond the width of a table that are parsed, so that lines with more fields are seen."""
MOST = 1000
"""Maximum number of columns."""


@dataclass
class TextColumns:
    """N rows by columns of categorical texts, "" where blank.

    Without a header the columns are called "column 1", "column 2" ... `numbers` (N,) are line
    numbers. `problems` are (source, Problem) of the lines that do not fit.
    """

    frame: pd.DataFrame
    numbers: np.ndarray
    problems: list[tuple[str, Problem]] = field(default_factory=list)


def width_of(head: Sequence[TextLine], dialect: Dialect) -> int:
    """Returns the number of columns: that of the header, else the most frequent one."""
    after = iter([one for one in head if one.number >= dialect.start])
    widths = [len(one.cells) for one in separated(after, dialect)] or [0]
    return widths[0] if dialect.header else max(set(widths), key=widths.count)


def columns_of_text(
    data: bytes, name: str, dialect: Dialect, width: int, encoding: str, least: int = 1
) -> TextColumns:
    """Returns the table in a text file with all cells as texts, so that "007" stays "007".

    `data` is the content with the line ends of Unix. Lines with more fields than `width`, or with
    fewer than `least` that are not blank, get a problem; blank lines are skipped. Raises
    DataRefused where pandas cannot parse the file.
    """
    if encoding.startswith("utf-16"):
        data, encoding = data.decode(encoding, "replace").encode(), "utf-8"
    data = _after(data.removeprefix(b"\xef\xbb\xbf"), dialect.start - 1)
    if len(dialect.separator) > 1:
        data = data.replace(dialect.separator.encode(), b"\x1f")
        dialect = replace(dialect, separator="\x1f", quoted=False)
    lines = data.count(b"\n") + (not data.endswith(b"\n"))
    frame = _parsed(data, name, dialect, width + EXTRA, encoding)
    if len(frame) < lines:  # pandas skips lines with more fields, which shifts line numbers
        most = max(line.count(dialect.separator.encode()) for line in data.split(b"\n")) + 1
        frame = _parsed(data, name, dialect, min(most, MOST), encoding)
    return _checked(frame, name, dialect, width, least)


def _after(data: bytes, lines: int) -> bytes:
    """Returns the content without its first lines."""
    at = 0
    for _ in range(lines):
        at = data.find(b"\n", at) + 1 or len(data)
    return data[at:]


def _parsed(data: bytes, name: str, dialect: Dialect, fields: int, encoding: str) -> pd.DataFrame:
    """Parses a table into columns of categorical texts.

    A first row of `~` is added, and dropped from the result, so that pandas does not convert
    numbers.
    """
    words = dialect.separator.join("~" * fields) + "\n"
    try:
        frame = pd.read_csv(
            io.BytesIO(words.encode(encoding) + data),
            sep=dialect.separator,
            header=None,
            names=[*range(fields)],
            dtype="category",
            engine="c",
            quoting=0 if dialect.quoted else 3,
            doublequote=not dialect.escaped,
            escapechar="\\" if dialect.escaped else None,
            skipinitialspace=dialect.spaced,
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


def _checked(
    frame: pd.DataFrame, name: str, dialect: Dialect, width: int, least: int
) -> TextColumns:
    """Returns the lines that have as many fields as the table has columns, and their names."""
    there = np.stack([_filled(frame[one]) for one in frame.columns], 1)
    blank = ~there.any(1)
    first = [_cell(frame[one], 0) for one in range(width)]
    numbers = np.arange(dialect.start, len(frame) + dialect.start)
    wide = there[:, width:].any(1)
    short = ~wide & ~blank & (there[:, : max(least, width)].sum(1) < least)
    bad = wide | short
    problems = [
        (f"{name}:{numbers[row]}", _fields(int(there[row].nonzero()[0].max(initial=-1) + 1), width))
        for row in np.flatnonzero(bad)[:100_000]
    ]
    kept = ~(bad | blank)
    if dialect.header:
        kept[0] = False
    named = [one.strip() or f"column {at + 1}" for at, one in enumerate(first)]
    columns = frame.iloc[:, :width][kept].reset_index(drop=True)
    columns.columns = named if dialect.header else [f"column {at + 1}" for at in range(width)]
    return TextColumns(columns, numbers[kept], problems)


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
