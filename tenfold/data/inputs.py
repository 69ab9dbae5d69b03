"""What a person hands over at prediction time, as tables of the declared inputs.

One input is filled with whatever its medium takes: files, folders, globs, zips, standard input,
texts, arrays, bytes, open files, lists of these, a DataFrame. Several are filled with the columns
of a DataFrame or of table files (CSV, TSV, Parquet). Nothing is decoded here: what cannot be read
is answered on its own line.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from tenfold.core.errors import DataRefused, UsageError
from tenfold.media.files import manifests, references
from tenfold.media.input import Input
from tenfold.media.medium import Medium
from tenfold.media.registry import media_of
from tenfold.task import Table

__all__ = ["drawn_input", "tables"]

CHUNK = 256


def tables(inputs: dict[str, Input], source: Any) -> Iterator[Table]:
    """Tables of at most 256 rows with the inputs' columns and `source`, the name to answer under.

    Raises UsageError where a table lacks an input, or several are not handed over as a table;
    DataRefused where nothing was handed over.
    """
    media = media_of(inputs)
    if isinstance(source, pd.DataFrame):
        yield from _chunks(_framed(media, source))
        return
    if isinstance(source, (list, tuple)) and not source:
        raise UsageError("Nothing was handed over", code="no-input", fix="Name files or folders.")
    if len(media) > 1:
        for path in _table_files(media, source):
            yield from _chunks(_from_file(media, path))
        return
    (name,) = media
    rows = media[name].rows(source, itertools.count(1))
    count = 0
    while part := list(itertools.islice(rows, CHUNK)):
        count += len(part)
        cell, said = zip(*part, strict=True)
        # Objects: names need not be UTF-8, as pandas' own texts must.
        yield pd.DataFrame({name: cell, "source": said}, dtype=object)
    if not count:
        where = " ".join(map(str, source)) if isinstance(source, (list, tuple)) else str(source)
        raise DataRefused(
            "There is nothing to predict",
            code="empty-folder",
            where=where,
            fix="Files are recognised by suffix; name one to have it looked at whatever it is.",
        )


def drawn_input(inputs: dict[str, Input]) -> tuple[str, Medium]:
    """The first input of which a cell can be drawn, with its medium.

    Raises UsageError where there is none.
    """
    for name, medium in media_of(inputs).items():
        if medium.drawn:
            return name, medium
    raise UsageError(
        "There are no pictures to draw: the run takes "
        f"{' and '.join(one.medium for one in inputs.values())}",
        code="bad-setting",
        where="draw",
        fix="Leave out --draw; the answers are said in words.",
    )


# --- tables ---------------------------------------------------------------------------------------


def _table_files(media: Mapping[str, Medium], source: Any) -> list[Path]:
    """The table files that were named.

    Raises UsageError where anything else was handed over.
    """
    named = list(source) if isinstance(source, (list, tuple)) else [source]
    names = [str(one) for one in named if isinstance(one, (str, Path))]
    if len(names) == len(named) and all(map(manifests.is_manifest, names)):
        return list(map(Path, names))
    raise UsageError(
        f"The run takes {len(media)} inputs, which only a table holds together",
        code="needs-table",
        fix="Give a CSV, TSV or Parquet file, or a DataFrame, with the columns "
        f"{', '.join(media)}.",
    )


def _from_file(media: Mapping[str, Medium], path: Path) -> Table:
    """The rows of a table file; files that it names lie relative to it.

    Raises DataRefused where it cannot be read, or a cell is none of its medium.
    """
    frame = manifests.frame_of(path)
    near = manifests.Near(path.parent.resolve(), {})
    table = pd.DataFrame(index=range(len(frame)))
    for name, medium in media.items():
        values = _column(frame, name, medium, media, path.name)
        cells = [
            _cell(medium, value, near, f"{path.name}:{line} {name}")
            for line, value in zip(frame.index, values, strict=True)
        ]
        table[name] = pd.Series(cells, dtype=medium.dtype)
    lines = [f"{path.name}:{line}" for line in frame.index]
    table["source"] = list(frame["source"]) if "source" in frame else lines
    return table


def _cell(medium: Medium, value: Any, near: manifests.Near, where: str) -> Any:
    """The cell that a value of a table file stands for; a Problem where its file is not there."""
    if not isinstance(value, str):
        return value
    if medium.files:
        cell, problem = near.cell(value)
        return cell if problem is None else problem
    try:
        return medium.from_text(value)
    except ValueError:
        raise DataRefused(
            f"{value!r} is not a {medium.singular}",
            code="bad-manifest",
            where=where,
            fix="Correct the cell, or leave it empty.",
        ) from None


def _framed(media: Mapping[str, Medium], frame: pd.DataFrame) -> Table:
    """The rows of a DataFrame."""
    table = pd.DataFrame(index=range(len(frame)))
    for name, medium in media.items():
        found = _column(frame, name, medium, media, "")
        cells = manifests.cells(found) if medium.files else found
        table[name] = pd.Series(list(cells), dtype=object if medium.files else None)
    table["source"] = list(frame["source"]) if "source" in frame else _names(table, media)
    return table


def _column(
    frame: pd.DataFrame, name: str, medium: Medium, media: Mapping[str, Medium], where: str
) -> pd.Series:
    """The column of an input; the only one of files may be called as paths usually are.

    Raises UsageError where there is none.
    """
    alone = sum(one.files for one in media.values()) == 1
    found = manifests.path_column(frame, name, alone) if medium.files else name
    if found is None or found not in frame:
        raise UsageError(
            f"The table has no column {name!r}",
            code="missing-column",
            where=where,
            fix=f"It needs: {', '.join(media)}. It has: {', '.join(map(str, frame.columns))}.",
        )
    return frame[found]


def _chunks(table: Table) -> Iterator[Table]:
    for start in range(0, len(table), CHUNK):
        yield table.iloc[start : start + CHUNK].reset_index(drop=True)


def _names(table: pd.DataFrame, media: Mapping[str, Medium]) -> list[str]:
    """The path of a row where it has one, else its number."""
    name, medium = next(iter(media.items()))
    return [
        str(references.file_of(cell)) if medium.files and isinstance(cell, str) else f"row {row}"
        for row, cell in enumerate(table[name])
    ]
