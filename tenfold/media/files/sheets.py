"""Reads a table of files and labels as a whole: its cells, the line and the problem of each row."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused
from tenfold.core.lazy import lazy
from tenfold.core.message import Message
from tenfold.media.files import references
from tenfold.media.files.lines import opened
from tenfold.media.files.records import RecordTable, is_table, table_of
from tenfold.media.reading import AS_FOUND, Reading

__all__ = ["Sheet", "frame_of", "is_manifest", "opened_table", "sheet_of", "unusable"]

_parquet = lazy("pyarrow.parquet")


@dataclass
class Sheet:
    """A table of files and labels. The index of `frame` holds the lines of its rows.

    `problems` has the problem of each row, or None. `classes` has the names of the classes of
    columns of integers, where the file states them.
    """

    name: str
    frame: pd.DataFrame
    problems: list[Problem | None]
    classes: dict[str, list[str]] = field(default_factory=dict)

    def named(self, column: Any) -> list[Any]:
        """Returns the cells of a column; numbers of classes are replaced by their names."""
        cells, names = list(self.frame[column]), self.classes.get(str(column))
        return cells if names is None else [_class_name(cell, names) for cell in cells]

    def headed(self) -> Sheet:
        """Returns the table with its first row as the names of the columns."""
        frame = self.frame.iloc[1:]
        frame.columns = pd.Index([str(cell).strip() for cell in self.frame.iloc[0]])
        return Sheet(self.name, frame, self.problems[1:], self.classes)


def is_manifest(name: str) -> bool:
    """Returns True for the name of a table file."""
    return is_table(name)


def frame_of(path: Path) -> tuple[pd.DataFrame, list[Problem | None]]:
    """Returns a table file as a DataFrame, and the problem of each row that cannot be read.

    The index holds line numbers (row numbers for Parquet and JSON), counted from 1. Raises
    DataRefused where the file cannot be read.
    """
    cell = references.file_cell(path)
    sheet = sheet_of(opened_table(cell, path.name, lambda name: bool(name)), cell, path.name)
    return sheet.frame, sheet.problems


def opened_table(
    cell: str, name: str, known: Callable[[str], bool], reading: Reading = AS_FOUND
) -> RecordTable:
    """Returns the table in a file, its records not yet read.

    A first line with a name that is `known`, or that the user gave, is a header. Raises DataRefused
    where the file is empty or cannot be read.
    """
    given = {one.strip().lower() for one in reading.roles.values()}

    def usual(one: str) -> bool:
        plain = one.strip().lower()
        return plain in given or known(plain)

    return table_of(cell, name, usual, reading)


def sheet_of(
    table: RecordTable, cell: str, name: str, left: Collection[str] = frozenset()
) -> Sheet:
    """Returns all rows of a table. The cells of the columns `left`, such as files, are not kept."""
    width, rows, lines, problems = len(table.names), [], [], []
    out = [at for at, column in enumerate(table.names) if column in left]
    for one in table.records:
        cells = [*one.cells[:width], *[""] * (width - len(one.cells))]
        for at in out:
            cells[at] = None
        rows.append(cells)
        lines.append(one.line)
        problems.append(one.problem)
    frame = pd.DataFrame(rows, pd.Index(lines, name="line"), pd.Index(table.names), dtype=object)
    return Sheet(name, frame, problems, _stated_classes(cell, name))


def unusable(name: str, what: Message) -> DataRefused:
    """Returns the error for a table of files and labels that cannot be used."""
    return DataRefused(
        Message("The manifest {name} {reason}", name=name, reason=what),
        code="bad-manifest",
        where=name,
        fix=Message("Write a header such as path,label, then one line for each file."),
    )


# --- names of classes in the metadata of a Parquet file -------------------------------------------


def _stated_classes(cell: str, name: str) -> dict[str, list[str]]:
    """Returns the names of the classes of integer columns, as the library `datasets` writes them.

    They are in the metadata of the schema, under the key `huggingface`. {} for other files.
    """
    if not name.lower().endswith(".parquet"):
        return {}
    with opened(cell) as file:
        source = io.BytesIO(file.read()) if "#" in cell else references.file_of(cell)
    metadata = _parquet.read_schema(source).metadata or {}
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
    except (KeyError, TypeError, ValueError):
        return {}
    return {str(one): names for one, about in _items(features) if (names := _names_in(about))}


def _items(features: Any) -> Iterable[tuple[Any, Any]]:
    return features.items() if isinstance(features, dict) else ()


def _names_in(about: Any) -> list[str]:
    """Returns the names of a ClassLabel, also of one inside a list; [] for others."""
    if isinstance(about, list):
        about = about[0] if about else None
    if not isinstance(about, dict):
        return []
    if about.get("_type") == "ClassLabel" and isinstance(about.get("names"), list):
        return [str(name) for name in about["names"]]
    return _names_in(about.get("feature"))


def _class_name(cell: Any, names: list[str]) -> Any:
    """Returns the name of a class for its number; None for -1, which means an unknown class."""
    if isinstance(cell, (list, tuple)):
        return [_class_name(one, names) for one in cell]
    if isinstance(cell, int) and not isinstance(cell, bool):
        return names[cell] if 0 <= cell < len(names) else (None if cell < 0 else cell)
    return cell
