"""Tables of a task's inputs, from the data that the user gives at prediction time.

A single input accepts everything that its medium reads: files, folders, globs, zip files, standard
input, texts, arrays, bytes, open files, lists of these, or a DataFrame. Several inputs are read
from the columns of a DataFrame or of table files (CSV, TSV, Parquet). Nothing is decoded here; for
an input that cannot be read, the prediction is a Problem.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from tenfold.core.errors import DataRefused, UsageError
from tenfold.core.message import Message
from tenfold.core.progress import tell
from tenfold.media.files import manifests, references
from tenfold.media.files.layouts.near import Near
from tenfold.media.files.sheets import frame_of, is_manifest
from tenfold.media.input import Input
from tenfold.media.medium import Medium
from tenfold.media.reading import AS_FOUND, Reading, columns_of
from tenfold.media.registry import media_of
from tenfold.task import Table

__all__ = ["drawn_input", "tables"]

CHUNK = 256


def tables(inputs: dict[str, Input], source: Any, reading: Reading = AS_FOUND) -> Iterator[Table]:
    """Yields tables of at most 256 rows: the input columns and `source`, the name of each row.

    `reading` is how the data of the run were read: its columns hold here too. After the last table,
    remarks on odd values are printed, where a medium has any.

    Raises UsageError where the list of inputs is empty, a table lacks an input column, or several
    inputs are not given as a table; DataRefused where no input was found or a table file cannot be
    read.
    """
    media = media_of(inputs)
    surveys = {name: media[name].survey(one) for name, one in inputs.items()}
    for table in _tables(inputs, media, source, reading):
        for name, survey in surveys.items():
            if survey is not None:
                survey.see(table[name])
        yield table
    for survey in surveys.values():
        for remark in survey.remarks() if survey is not None else ():
            tell(remark)


def _tables(
    inputs: dict[str, Input], media: Mapping[str, Medium], source: Any, reading: Reading
) -> Iterator[Table]:
    """The tables that `tables` yields."""
    framed = isinstance(source, pd.DataFrame)
    if framed and not (len(media) == 1 and all(one.frames for one in media.values())):
        yield from _chunks(_framed(media, source, reading))
        return
    if isinstance(source, (list, tuple)) and not source:
        raise UsageError(
            Message("No input was given"),
            code="no-input",
            fix=Message("Give the paths of files or folders."),
        )
    if len(media) > 1:
        for path in _table_files(media, source):
            yield from _chunks(_from_file(media, path, reading))
        return
    (name,) = media
    count, numbers = 0, itertools.count(1)
    for one in _pieces(inputs[name], source, reading):
        if isinstance(one, pd.DataFrame):
            count += len(one)
            yield from _chunks(one)
            continue
        rows = media[name].rows(one, numbers, reading)
        while part := list(itertools.islice(rows, CHUNK)):
            count += len(part)
            cell, said = zip(*part, strict=True)
            # The dtype is object, because file names need not be valid UTF-8.
            yield pd.DataFrame({name: cell, "source": said}, dtype=object)
    if not count and not framed:
        where = " ".join(map(str, source)) if isinstance(source, (list, tuple)) else str(source)
        raise DataRefused(
            Message("No input was found"),
            code="empty-folder",
            where=where,
            fix=Message(
                "Give the path of each file: in a folder, only files with a known suffix are read."
            ),
        )


def _pieces(declared: Input, source: Any, reading: Reading) -> Iterator[Any]:
    """Yields a table for each path that the task itself reads, and the paths left for the medium.

    The other entries of a list stay together in lists, so that they are predicted in full batches.
    """
    if not isinstance(source, (list, tuple)):
        table = _of_file(declared, source, reading)
        own = [source] if isinstance(source, pd.DataFrame) else source
        yield own if table is None else table
        return
    held: list[Any] = []
    for one in source:
        table = _of_file(declared, one, reading)
        if table is None:
            held.append(one)
            continue
        if held:
            yield held
        held = []
        yield table
    if held:
        yield held


def _of_file(declared: Input, source: Any, reading: Reading) -> Table | None:
    """The rows of a path, as the task reads it; None where the medium reads it."""
    if declared.file is None or not isinstance(source, (str, Path)) or not os.path.exists(source):
        return None
    return declared.file(Path(source), reading)


def drawn_input(inputs: dict[str, Input]) -> tuple[str, Medium]:
    """Returns the name and medium of the first input that can be shown as an image (`--draw`).

    Raises UsageError where there is no such input.
    """
    for name, medium in media_of(inputs).items():
        if medium.drawn:
            return name, medium
    raise UsageError(
        Message(
            "--draw needs pictures; this run takes {media}",
            media=" and ".join(one.medium for one in inputs.values()),
        ),
        code="bad-setting",
        where="draw",
        fix=Message("Leave out --draw; the answers are printed."),
    )


# --- tables ---------------------------------------------------------------------------------------


def _table_files(media: Mapping[str, Medium], source: Any) -> list[Path]:
    """The paths of the given table files.

    Raises UsageError where anything but table files is given.
    """
    named = list(source) if isinstance(source, (list, tuple)) else [source]
    names = [str(one) for one in named if isinstance(one, (str, Path))]
    if len(names) == len(named) and all(map(is_manifest, names)):
        return list(map(Path, names))
    raise UsageError(
        Message(
            "This run takes {count} inputs a row, so the input must be a table", count=len(media)
        ),
        code="needs-table",
        fix=Message(
            "Give a CSV, TSV or Parquet file, or a DataFrame, with the columns {columns}.",
            columns=", ".join(media),
        ),
    )


def _from_file(media: Mapping[str, Medium], path: Path, reading: Reading) -> Table:
    """The rows of a table file; relative paths in it are relative to its folder.

    Raises DataRefused where the file cannot be read or a cell is not valid for its medium.
    """
    frame, problems = frame_of(path)
    near = Near(path.parent.resolve(), {})
    table = pd.DataFrame(index=range(len(frame)))
    for name, medium in media.items():
        values = _column(_renamed(frame, name, reading), name, medium, media, path.name)
        cells = [
            problem or _cell(medium, value, near, f"{path.name}:{line} {name}")
            for line, value, problem in zip(frame.index, values, problems, strict=True)
        ]
        table[name] = pd.Series(cells, dtype=medium.dtype)
    lines = [f"{path.name}:{line}" for line in frame.index]
    table["source"] = list(frame["source"]) if "source" in frame else lines
    return table


def _cell(medium: Medium, value: Any, near: Near, where: str) -> Any:
    """The cell for a value of a table file; a Problem where the named file is unusable.

    Raises DataRefused where a text is not valid for its medium.
    """
    if not isinstance(value, str):
        return value
    if medium.files:
        cell, problem = near.cell(value)
        return cell if problem is None else problem
    try:
        return medium.from_text(value)
    except ValueError:
        raise DataRefused(
            Message("{value!r} is not a {singular}", value=value, singular=medium.singular),
            code="bad-manifest",
            where=where,
            fix=Message("Correct the cell, or leave it empty."),
        ) from None


def _framed(media: Mapping[str, Medium], frame: pd.DataFrame, reading: Reading) -> Table:
    """The rows of a DataFrame as input columns and `source`."""
    table = pd.DataFrame(index=range(len(frame)))
    for name, medium in media.items():
        found = _column(_renamed(frame, name, reading), name, medium, media, "")
        cells = manifests.cells(found) if medium.files else found
        table[name] = pd.Series(list(cells), dtype=object if medium.files else None)
    table["source"] = list(frame["source"]) if "source" in frame else _names(table, media)
    return table


def _renamed(frame: pd.DataFrame, name: str, reading: Reading) -> pd.DataFrame:
    """Returns the frame with the column `name`, made of the columns that had its role in training.

    Several columns are joined by line ends, as texts are. Unchanged where it has such a column, or
    none that had the role.
    """
    if name in frame:
        return frame
    columns = columns_of(reading.lenient, name, frame.columns, "")
    if len(columns) < 2:
        return frame.assign(**{name: frame[columns[0]]}) if columns else frame
    texts = frame[columns].astype(object).where(frame[columns].notna(), "").astype(str)
    return frame.assign(**{name: ["\n".join(filter(str.strip, row)) for row in texts.to_numpy()]})


def _column(
    frame: pd.DataFrame, name: str, medium: Medium, media: Mapping[str, Medium], where: str
) -> pd.Series:
    """Returns the column of the table that holds the input `name`.

    If only one input is a file, its column may also have a usual name of a column of paths.
    Raises UsageError where the column is missing.
    """
    alone = sum(one.files for one in media.values()) == 1
    found = manifests.path_column(frame, name, alone) if medium.files else name
    if found is None or found not in frame:
        raise UsageError(
            Message("The table has no column {name!r}", name=name),
            code="missing-column",
            where=where,
            fix=Message(
                "Rename or add columns: {needed} are needed, the table has {columns}.",
                needed=", ".join(media),
                columns=", ".join(map(str, frame.columns)),
            ),
        )
    return frame[found]


def _chunks(table: Table) -> Iterator[Table]:
    for start in range(0, len(table), CHUNK):
        yield table.iloc[start : start + CHUNK].reset_index(drop=True)


def _names(table: pd.DataFrame, media: Mapping[str, Medium]) -> list[str]:
    """Names of the rows: the path of the first input where it is a file, else `row NUMBER`."""
    name, medium = next(iter(media.items()))
    return [
        str(references.file_of(cell)) if medium.files and isinstance(cell, str) else f"row {row}"
        for row, cell in enumerate(table[name])
    ]
