"""Manifests: a CSV, TSV or Parquet table of relative paths and labels, or a pandas DataFrame."""

from __future__ import annotations

import csv
import io
import itertools
import os
import re
import unicodedata
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused, UsageError
from tenfold.core.lazy import lazy
from tenfold.core.message import Message
from tenfold.core.progress import tell
from tenfold.core.rows import Rows
from tenfold.media.files import references
from tenfold.media.files.lines import decoded
from tenfold.media.files.listing import Entry, Tree
from tenfold.media.files.roles import CONVERTED
from tenfold.media.medium import Medium
from tenfold.media.reading import AS_FOUND, Reading, attach_by, column_of, timed

__all__ = [
    "Near",
    "cells",
    "frame_of",
    "from_file",
    "from_frame",
    "from_tree",
    "is_manifest",
    "path_column",
]

_parquet = lazy("pyarrow.parquet")

LONGEST_CELL = 1 << 17
_SUFFIXES = (".csv", ".tsv", ".parquet")
_PATH = "path file filename file_name filepath image_path image name 路径 文件 文件名 图片".split()
_NAMES = {
    "label": "label labels class classes category target tag tags y 标签 类别 分类".split(),
    "group": "group groups person patient speaker subject scene 分组".split(),
    "weight": "weight weights sample_weight 权重".split(),
    "split": "split part fold subset 划分".split(),
}


def is_manifest(name: str) -> bool:
    """Returns True for the name of a table file: CSV, TSV or Parquet."""
    return name.lower().endswith(_SUFFIXES)


def frame_of(path: Path) -> pd.DataFrame:
    """Returns a table file as a DataFrame.

    The index holds line numbers (CSV, TSV) or row numbers (Parquet), counted from 1. Raises
    DataRefused where the file cannot be read.
    """
    return _frame(_content(references.file_cell(path), path.name), path.name)[0]


def from_file(path: Path, medium: Medium, reading: Reading = AS_FOUND) -> Rows:
    """Returns the rows of a manifest file; its paths are relative to its own folder."""
    frame, ragged = _frame(_content(references.file_cell(path), path.name), path.name)
    near = Near(path.parent.resolve(), {})
    table = _table(frame, ragged, path.name, medium, near, reading)
    return Rows(table, root=path.parent)


def from_tree(tree: Tree, medium: Medium, reading: Reading = AS_FOUND) -> Rows | None:
    """Returns the rows of the manifest at the top of a folder or archive; None if there is none.

    A manifest is a table with a column of paths. A single folder around everything, as archives
    often have, is skipped. Raises UsageError where there are several manifests.
    """
    folders = [entry.parts for entry in tree.entries]
    first, last = min(folders, default=()), max(folders, default=())
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    top = [name for name, _ in same]
    found = [e for e in tree.entries if len(e.parts) == len(top) and is_manifest(e.name)]
    frames = [(entry, _frame(_content(entry.cell, entry.name), entry.name)) for entry in found]
    fitting = [(entry, *frame) for entry, frame in frames if _find(frame[0], _PATH)]
    if not fitting:
        return None
    if len(fitting) > 1:
        names = ", ".join(entry.name for entry, *_ in fitting)
        raise UsageError(
            Message("The folder has {count} manifests: {names}", count=len(fitting), names=names),
            code="several-manifests",
            where=str(tree.root),
            fix=Message("Give the path of the manifest to use."),
        )
    entry, frame, ragged = fitting[0]
    start = "".join(f"{name}/" for name in top)
    near = Near(
        tree.root.resolve().joinpath(*top),
        {item.name.removeprefix(start): item for item in tree.entries},
    )
    table = _table(frame, ragged, entry.name, medium, near, reading)
    used = set(table[medium.column])
    ignored = [item.name for item in tree.entries if item.cell not in used and item is not entry]
    return Rows(table, ignored=ignored)


_FORMS: tuple[Literal["NFC", "NFD"], ...] = ("NFC", "NFD")


class Near:
    """Resolves relative paths below a root; a path that leads out of the root gives a problem."""

    def __init__(self, root: Path, members: dict[str, Entry]) -> None:
        self._root, self._members = root, members

    def cell(self, name: str) -> tuple[str, Problem | None]:
        """Returns the cell of a path from the manifest, and its problem, if any."""
        name = name.strip().replace("\\", "/")
        if not name:
            return "", Problem(
                "missing-path",
                Message("has no path"),
                Message("Write the path, or remove the line."),
            )
        # macOS stores accents in file names decomposed (NFD), other systems composed (NFC).
        forms = dict.fromkeys([name, *(unicodedata.normalize(form, name) for form in _FORMS)])
        for form in forms:
            if entry := self._members.get(form.removeprefix("./")) or self._closed(form):
                return entry.cell, entry.problem and replace(entry.problem, uncounted=False)
        paths = [os.path.realpath(self._root / PurePosixPath(form)) for form in forms]
        path = Path(next(filter(os.path.isfile, paths), paths[0]))
        if not path.is_relative_to(self._root):
            fix = Message("Move the file into the folder of the manifest or one of its subfolders.")
            return references.file_cell(path), Problem(
                "path-out", Message("points outside the folder"), fix
            )
        if not path.is_file():
            reason = Message(
                "names a file that does not exist: {name!r}", name=references.printable(name)
            )
            return references.file_cell(path), Problem(
                "missing-file", reason, Message("Check the path.")
            )
        return references.file_cell(path), None

    def _closed(self, name: str) -> Entry | None:
        """Returns the entry of a folder above the file that cannot be listed; None if none."""
        above = itertools.accumulate(name.removeprefix("./").split("/")[:-1], "{}/{}".format)
        found = (self._members.get(folder) for folder in above)
        return next((entry for entry in found if entry and entry.folder), None)


def _content(cell: str, name: str) -> bytes:
    try:
        return bytes(references.fetch(cell))
    except references.Unreadable as error:
        raise _unusable(name, error.problem.reason) from error


def _frame(data: bytes, name: str) -> tuple[pd.DataFrame, list[bool]]:
    """Returns the table, and for each row whether it has more cells than the header.

    The index holds line numbers (text) or row numbers (Parquet), counted from 1.
    """
    if name.lower().endswith(".parquet"):
        try:
            frame: pd.DataFrame = _parquet.read_table(io.BytesIO(data)).to_pandas()
        except (OSError, ValueError, KeyError) as error:
            raise _unusable(
                name, Message("cannot be read as Parquet ({error})", error=error)
            ) from error
        frame = frame.set_index(pd.RangeIndex(1, len(frame) + 1, name="row"))
        return frame, [False] * len(frame)
    text = decoded(data)
    if "\0" in text:
        raise _unusable(name, Message("holds NUL characters"))
    lines, numbers = _lines(text, name)
    if not lines:
        raise _unusable(name, Message("is empty"))
    names, rows = lines[0], [line + [""] * (len(lines[0]) - len(line)) for line in lines[1:]]
    index = pd.Index(numbers[1:], name="line")
    columns = pd.Index(names)
    frame = pd.DataFrame([row[: len(names)] for row in rows], index, columns, dtype=object)
    return frame, [any(map(str.strip, row[len(names) :])) for row in rows]


def _lines(text: str, name: str) -> tuple[list[list[str]], list[int]]:
    """Returns the cells of every non-blank line, and the line number on which each begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True)
    lines, numbers, start = [], [], 1
    try:
        for line in reader:
            if max(map(len, line), default=0) > LONGEST_CELL:
                raise csv.Error("a cell is longer than 128 kB")
            if any(cell.strip() for cell in line):
                lines.append(line)
                numbers.append(start)
            start = reader.line_num + 1
    except csv.Error as error:
        raise _unusable(
            name,
            Message(
                "cannot be read as CSV from line {start} on ({error})", start=start, error=error
            ),
        ) from error
    return lines, numbers


def _separator(text: str) -> str:
    head = re.split(r"[\r\n]", text.lstrip(), maxsplit=1)[0]
    return max(",\t;", key=head.count)


def _unusable(name: str, what: Message) -> DataRefused:
    return DataRefused(
        Message("The manifest {name} {reason}", name=name, reason=what),
        code="bad-manifest",
        where=name,
        fix=Message("Write a header such as path,label, then one line for each file."),
    )


def _find(frame: pd.DataFrame, names: list[str]) -> Any | None:
    """Returns the frame's column that matches the earliest of `names`; None if none does."""
    known = {str(column).strip().lower(): column for column in frame.columns}
    return next((known[name] for name in names if name in known), None)


def _needed(frame: pd.DataFrame, names: list[str], what: Message, where: str) -> Any:
    column = _find(frame, names)
    if column is None:
        raise DataRefused(
            Message(
                "The manifest {manifest} has no column {column!r} ({what}); it has {columns}",
                manifest=where,
                column=names[0],
                what=what,
                columns=", ".join(map(repr, map(str, frame.columns))),
            ),
            code="missing-column",
            where=where,
            fix=Message("Rename one of them to {column!r}.", column=names[0]),
        )
    return _once(frame, column, where)


def _once(frame: pd.DataFrame, column: Any, where: str) -> Any:
    if list(frame.columns).count(column) > 1:
        raise _unusable(where, Message("has the column {column!r} twice", column=str(column)))
    return column


def _table(
    frame: pd.DataFrame,
    ragged: list[bool],
    name: str,
    medium: Medium,
    near: Near,
    reading: Reading,
) -> pd.DataFrame:
    path = _needed(frame, _PATH, Message("where each file is"), name)
    label = _label(frame, reading, name)
    if frame.empty:
        raise _unusable(name, Message("has a header and no rows"))
    tell(
        Message(
            "{name}: files are read from column {path!r}, labels from column {label!r}.",
            name=name,
            path=str(path),
            label=str(label),
        )
    )
    found = [near.cell("" if value is None else str(value)) for value in frame[path]]
    more = Problem(
        "ragged",
        Message("has more cells than the header"),
        Message("Remove the extra cells, or put quotes around a cell that contains the separator."),
    )
    problems = [more if bad else problem for (_, problem), bad in zip(found, ragged, strict=True)]
    table = pd.DataFrame(
        {
            medium.column: [cell for cell, _ in found],
            "source": [
                f"{name}:{line} {references.printable(str(value))}"
                for line, value in zip(frame.index, frame[path], strict=True)
            ],
            "problem": pd.Series(problems, dtype=object),
        }
    )
    return _answers(table, frame, label, reading, name)


def _label(frame: pd.DataFrame, reading: Reading, where: str) -> Any:
    """Returns the column of labels: the one given by the user, else one with a usual name."""
    given = column_of(reading, "target", frame.columns, where)
    if given is not None:
        return _once(frame, given, where)
    return _needed(frame, _NAMES["label"], Message("the true label of each file"), where)


def from_frame(frame: pd.DataFrame, medium: Medium, reading: Reading = AS_FOUND) -> Rows:
    """Returns the rows of a DataFrame whose cells are paths, arrays, bytes or open files."""
    frame = frame.reset_index(drop=True).rename_axis("row")
    column = _needed(
        frame, [medium.column, *_PATH], Message("the file, array or open file"), "DataFrame"
    )
    label = _label(frame, reading, "DataFrame")
    sources = frame["source"] if "source" in frame else [f"row {row}" for row in range(len(frame))]
    table = pd.DataFrame(
        {
            medium.column: pd.Series([_cell(value) for value in frame[column]], dtype=object),
            "source": list(sources),
            "problem": frame["problem"] if "problem" in frame else pd.Series([None] * len(frame)),
        }
    )
    table["problem"] = table["problem"].astype(object).where(table["problem"].notna(), None)
    return Rows(_answers(table, frame, label, reading, "DataFrame"))


def path_column(frame: pd.DataFrame, column: str, alone: bool) -> Any | None:
    """Returns the name of the frame's column that matches `column`, as spelled in the frame.

    None where no column matches. With `alone` (`column` is the only input of files), columns with a
    usual name for paths, such as `path` or `filename`, match as well.
    """
    return _find(frame, [column, *(_PATH if alone else ())])


def cells(column: pd.Series) -> pd.Series:
    """Converts a column of paths, arrays, bytes or open files to cells (see `references`)."""
    return column.map(_cell)


def _cell(value: Any) -> Any:
    if isinstance(value, Path) or (isinstance(value, str) and "#" not in value):
        return references.file_cell(Path(value).absolute())
    return value.read() if hasattr(value, "read") else value


def _answers(
    table: pd.DataFrame, frame: pd.DataFrame, label: Any, reading: Reading, where: str
) -> pd.DataFrame:
    values = frame[label]
    lists = values.map(lambda value: isinstance(value, (list, tuple, set))).any()
    texts = values.map(lambda value: "" if not lists and pd.isna(value) else value)
    if lists or texts.astype(str).str.contains("|", regex=False).any():
        table["labels"] = pd.Series([_several(value) for value in texts], dtype=object)
    else:
        names = texts.astype(str).str.strip().str.normalize("NFC")
        table["label"] = names.map(references.speakable).reset_index(drop=True)
    for name in ("group", "weight", "split"):
        given = column_of(reading, name, frame.columns, where)
        column = _find(frame, _NAMES[name]) if given is None else given
        if column is not None and _once(frame, column, "table") != label:
            table[name] = CONVERTED[name](frame[column]).reset_index(drop=True)
    table = attach_by(table, frame, reading, where)
    when = column_of(reading, "time", frame.columns, where)
    return table if when is None else timed(table, frame[when])


def _several(value: Any) -> tuple[str, ...]:
    parts = value.split("|") if isinstance(value, str) else list(value)
    names = {unicodedata.normalize("NFC", str(part).strip()) for part in parts}
    return tuple(sorted({references.speakable(name) for name in names} - {""}))
