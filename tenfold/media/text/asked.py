"""Texts of files and folders for prediction, read as the texts of training were read."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.message import Message
from tenfold.core.progress import tell
from tenfold.media.files import references
from tenfold.media.files.listing import Entry, is_archive, open_tree
from tenfold.media.files.records import is_table
from tenfold.media.reading import AS_FOUND, Reading
from tenfold.media.text import documents, label_lines, tables

__all__ = ["texts_of"]

CHUNK = 256


def texts_of(path: Path, reading: Reading = AS_FOUND) -> Iterator[pd.DataFrame]:
    """Yields the texts of a file or folder for prediction, read as in training.

    These are the rows of a table, the lines of a file where the training texts were lines, and
    otherwise whole files. Each item is a table of at most 256 rows with `text`, `source` and
    `problem`; CSV, JSON lines and Parquet files of any length are read with constant memory.
    """
    if path.is_dir() or is_archive(path):
        entries = [
            one
            for one in map(documents.doubted, open_tree(path).entries)
            if one.problem is not None
            or is_table(one.name)
            or documents.suffix(one.name) in documents.PLAIN
        ]
        names = [(entry, f"{path}/{entry.name}") for entry in entries]
    else:
        names = [(Entry(path.name, references.file_cell(path.absolute())), str(path))]
    rows = itertools.chain.from_iterable(_asked(entry, name, reading) for entry, name in names)
    while part := list(itertools.islice(rows, CHUNK)):
        text, said, problem = zip(*part, strict=True)
        found = pd.DataFrame({"text": text, "source": said}, dtype=object)
        yield found.assign(problem=pd.Series(problem, dtype=object))


def _asked(entry: Entry, name: str, reading: Reading) -> Iterator[tuple[str, str, Problem | None]]:
    form = str(reading.found.get("lines") or "")
    table = is_table(entry.name)
    if entry.problem is not None or not (table or form):
        text, problem = documents.text_of(entry, reading)
        yield text, references.printable(name), problem
        if problem is None and len(text.splitlines()) > 1 and _one_a_row(reading):
            tell(
                Message(
                    "{name} was read as one text of {count} lines. For one answer a line, give a "
                    "table or - (standard input).",
                    name=references.printable(name),
                    count=len(text.splitlines()),
                )
            )
        return
    if table or form == "table":
        found = tables.asked_rows(entry, name, reading)
    else:
        labels = reading.found.get("labels") or []
        found = label_lines.texts_of_lines(entry.cell, form, map(str, labels), reading)
    for one in found:
        text = "" if one.problem else str(one.cells[0])
        yield text, f"{references.printable(name)}:{one.line}", one.problem


def _one_a_row(reading: Reading) -> bool:
    """Returns True where the training texts were rows of a table."""
    return bool(reading.found.get("text"))
