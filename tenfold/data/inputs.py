"""What a person hands over at prediction time, as tables of the declared inputs.

Files, folders, globs, zips, standard input (`-`, a path or a text a line), texts, arrays, bytes,
open files, DataFrames, lists of these. No medium is decoded here: what cannot be read is answered
on its own line.
"""

from __future__ import annotations

import glob
import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused, TenfoldError, UsageError
from tenfold.data.scan import MEDIA
from tenfold.media.files import manifests, references
from tenfold.media.files.listing import is_zip, neighbours, open_tree
from tenfold.media.input import Input, InputRow, NamedRows
from tenfold.media.interactions import inputs as item_inputs
from tenfold.media.text import inputs as text_inputs
from tenfold.task import Table

__all__ = ["refuse_undrawn", "tables"]

CHUNK = 256


def tables(inputs: dict[str, Input], source: Any) -> Iterator[Table]:
    """Tables of at most 256 rows with the input's column and `source`, the name to answer under.

    Raises UsageError where a DataFrame lacks an input, DataRefused where nothing was handed over.
    """
    name = next(iter(inputs))
    medium = inputs[name].medium
    if isinstance(source, pd.DataFrame):
        yield from _framed(inputs, source)
        return
    if isinstance(source, (list, tuple)) and not source:
        raise UsageError("Nothing was handed over", code="no-input", fix="Name files or folders.")
    numbers, named = itertools.count(1), _NAMED.get(medium, _named)
    rows = (
        item_inputs.rows(source, name, numbers)
        if medium == "items"
        else _rows(source, name, numbers, named)
    )
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


def refuse_undrawn(inputs: dict[str, Input]) -> None:
    """Raises UsageError where no picture is handed over, on which something could be drawn."""
    media = [one.medium for one in inputs.values()]
    if "image" not in media:
        raise UsageError(
            f"There are no pictures to draw: the run takes {' and '.join(media)}",
            code="bad-setting",
            where="draw",
            fix="Leave out --draw; the answers are said in words.",
        )


def _framed(inputs: dict[str, Input], frame: pd.DataFrame) -> Iterator[Table]:
    table = pd.DataFrame(index=range(len(frame)))
    for name in inputs:
        found = manifests.cells_of(frame, name) if name in MEDIA else frame.get(name)
        if found is None:
            raise UsageError(
                f"The table has no column {name!r}",
                code="missing-column",
                fix=f"It needs: {', '.join(inputs)}. It has: {', '.join(map(str, frame.columns))}.",
            )
        table[name] = pd.Series(list(found), dtype=object if name in MEDIA else None)
    table["source"] = list(frame["source"]) if "source" in frame else _names(table, inputs)
    for start in range(0, len(table), CHUNK):
        yield table.iloc[start : start + CHUNK].reset_index(drop=True)


def _names(table: pd.DataFrame, inputs: dict[str, Input]) -> list[str]:
    """The path of a row where it has one, else its number."""
    (name, *_) = inputs
    return [
        str(references.file_of(cell)) if name in MEDIA and isinstance(cell, str) else f"row {row}"
        for row, cell in enumerate(table[name])
    ]


def _rows(source: Any, column: str, numbers: Iterator[int], named: NamedRows) -> Iterator[InputRow]:
    if isinstance(source, (str, Path)):
        yield from named(str(source), column)
    elif hasattr(source, "read"):
        yield source.read(), str(getattr(source, "name", f"input {next(numbers)}"))
    elif isinstance(source, (list, tuple, pd.Series)) or hasattr(source, "__next__"):
        for one in source:
            yield from _rows(one, column, numbers, named)
    elif isinstance(source, np.ndarray) and source.ndim == 4:
        for one in source:
            yield one, f"input {next(numbers)}"
    else:
        yield source, f"input {next(numbers)}"


def _named(name: str, column: str) -> Iterator[InputRow]:
    if name == "-":
        yield from _lines(column)
    elif os.path.isdir(name) or (os.path.isfile(name) and is_zip(Path(name))):
        yield from _inside(Path(name), column)
    elif not os.path.exists(name) and glob.has_magic(name):
        yield from _matching(name, column)
    elif not os.path.lexists(name):
        reason, fix = "there is no such file", neighbours(Path(name))
        yield Problem("missing-file", reason, fix), name
    else:
        yield references.file_cell(name), name


def _matching(pattern: str, column: str) -> Iterator[InputRow]:
    found = sorted(glob.glob(pattern, recursive=True))
    for name in found:
        yield from _named(name, column)
    if not found:
        yield Problem("missing-file", "no file is called so", "Check the pattern."), pattern


def _lines(column: str) -> Iterator[InputRow]:
    """Names on standard input, a line each; they need not be UTF-8."""
    for line in getattr(sys.stdin, "buffer", sys.stdin):
        name = os.fsdecode(line).rstrip("\r\n")
        if name and name != "-":
            yield from _named(name, column)


def _inside(folder: Path, column: str) -> Iterator[InputRow]:
    """Files of a folder or archive whose name or content fits the medium."""
    try:
        tree, medium = open_tree(folder), MEDIA.get(column)
    except TenfoldError as error:  # one damaged archive does not end the rest
        yield Problem(error.code, error.message, error.fix), str(folder)
        return
    for entry in tree.entries:
        if medium and not (
            entry.suffix in medium.suffixes
            or entry.problem
            or (not entry.suffix and medium.looks_like(tree.start(entry)))
        ):
            continue
        yield entry.problem or entry.cell, f"{folder}/{entry.name}"


# --- texts ----------------------------------------------------------------------------------------


# --- lists of items -------------------------------------------------------------------------------


_NAMED: dict[str, NamedRows] = {"text": text_inputs.named}
"""Where a name may stand for something else than files of a medium, by the medium."""
