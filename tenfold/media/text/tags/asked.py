"""Files of tokens given for prediction, read as the training data were read."""

from __future__ import annotations

import itertools
from pathlib import Path

import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.errors import TenfoldError
from tenfold.media.files import references
from tenfold.media.files.lines import encoding_of, lines, start_of
from tenfold.media.files.listing import Entry, is_archive, open_tree
from tenfold.media.reading import Reading
from tenfold.media.text.tags.columns import is_tag_column
from tenfold.media.text.tags.exports import is_json
from tenfold.media.text.tags.files import SEEN, has_header, is_binary, is_table_file, rows_of_file
from tenfold.media.text.tags.known_forms import known_form
from tenfold.media.text.tags.lines import is_comment, separator_of, split_lines
from tenfold.media.text.tags.row import Findings, TaggedRow

__all__ = ["tokens_in"]

SUFFIXES = tuple(".conll .conllu .bio .iob .iob2 .bioes .bmes .tok".split())


def tokens_in(path: Path, reading: Reading) -> pd.DataFrame | None:
    """Returns `text`, `places` and `source` of each sentence of a file, a folder or an archive.

    A text is a Problem where it cannot be read. Returns None where no file holds tokens: it holds
    texts, which are read by their medium.
    """
    if path.is_dir() or is_archive(path):
        entries = [(one, f"{path}/{one.name}") for one in open_tree(path).entries]
    else:
        entries = [(Entry(path.name, references.file_cell(path.absolute())), str(path))]
    kept = [(entry, name) for entry, name in entries if entry.problem is None and _fits(entry)]
    if not kept or len(kept) < len(entries) / 2:
        return None
    rows = [row for entry, name in kept for row in _rows(entry, name, reading)]
    return pd.DataFrame(
        {
            "text": [row.problem or row.text for row in rows],
            "places": [row.places for row in rows],
            "source": [row.source for row in rows],
        },
        dtype=object,
    )


def _rows(entry: Entry, name: str, reading: Reading) -> list[TaggedRow]:
    try:
        return list(rows_of_file(entry, references.printable(name), Findings(reading, False)))
    except TenfoldError as error:  # a damaged file does not stop the other inputs
        return [TaggedRow(name, problem=Problem(error.code, error.message, error.fix))]


def _fits(entry: Entry) -> bool:
    """Returns True for JSON, tables of tokens, and columns with an empty line after sentences."""
    start = start_of(entry.cell, 1 << 16)
    if is_table_file(entry.name, start):
        return True
    if not start.strip() or is_binary(start):
        return False
    text = start.decode(encoding_of(start), "replace")
    if is_json(text.lstrip("\ufeff \t\r\n")):
        return True
    if entry.name.lower().removesuffix(".gz").endswith((*SUFFIXES, "_conll")):
        return True
    head = list(itertools.islice(lines(entry.cell, blank=True), SEEN))
    separator = separator_of([one.text for one in head])
    found = [one.cells for one in split_lines(head, separator) if not is_comment(one.text)]
    rows = [row for row in found if row]
    if (separator and has_header(rows[:20])) or known_form(rows):
        return True
    widths = {len(row) for row in rows}
    if len(widths) != 1 or widths == {1} or len(rows) == len(found):
        return False
    return bool(separator) or any(map(is_tag_column, zip(*rows, strict=True)))
