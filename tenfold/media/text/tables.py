"""Reads tables and lines of labelled texts: one file for each part, or one file for all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused
from tenfold.core.message import EMPTY, Message
from tenfold.core.taken import Taken
from tenfold.media.files import references
from tenfold.media.files.listing import Entry
from tenfold.media.files.others import with_others
from tenfold.media.files.parts import without_parts
from tenfold.media.files.records import Record, RecordTable, table_of
from tenfold.media.files.several import hot
from tenfold.media.reading import Reading, listed_names
from tenfold.media.text import columns, exports, label_lines

__all__ = ["PARTS", "TextSource", "asked_rows", "frame_of", "joined", "rows_of", "rows_of_table"]

MORE = ("split", "group", "weight", "time", "by")
COLUMNS = ("text", "label", "source", "problem", *MORE)
BINARY = ("utf-8", "parquet", "arrow", "spreadsheet", "sqlite")
"""Encodings and formats that a file states itself."""
PARTS = ("train", "valid", "test")
FLAGS = {"group": "--group", "weight": "--weight", "split": "--split", "time": "--time"}
ROLES = {"group": "group", "weight": "weight", "split": "part", "time": "time"}


@dataclass
class TextSource:
    """The state while the files of a source are read: the reading, and the notes (`Taken`)."""

    reading: Reading
    taken: Taken = field(default_factory=Taken)
    coarse: bool = False
    """True where lines begin with a label, the form of question sets with coarse labels."""
    split: str = ""
    """Name of the column that holds the parts."""


def rows_of(files: list[tuple[Entry, str]], source: TextSource) -> pd.DataFrame:
    """Returns the rows of the table files, one file for each part.

    The columns are those of the training table: another part in which the label column is missing
    has no labels.
    """
    found: dict[int, list[tuple[Any, ...]]] = {}
    order = sorted(range(len(files)), key=lambda at: files[at][1] not in ("train", ""))
    for place, at in enumerate(order):
        entry, part = files[at]
        name = references.printable(entry.name)
        if entry.problem is not None:
            problem = replace(entry.problem, uncounted=True)
            found[at] = [("", "", name, problem, part, *[None] * (len(MORE) - 1))]
            continue
        table = _table(entry, name, source)
        if not table.head:
            raise _no_rows(name, table.header)
        found[at] = rows_of_table(table, name, part, source, first=place == 0)
    frame = frame_of([row for at in range(len(files)) for row in found[at]])
    frame = without_parts(frame, source.taken, source.reading)
    return with_others(frame, source.split, source.taken)


def frame_of(rows: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    """Returns the rows as a table with the columns COLUMNS."""
    return pd.DataFrame(list(rows), columns=list(COLUMNS), dtype=object)


def _no_rows(name: str, header: bool) -> DataRefused:
    return DataRefused(
        Message("{name} has a header and no rows", name=name)
        if header
        else Message("{name} is empty", name=name),
        code="bad-manifest",
        where=name,
        fix=Message("Below the header, add one line for each text."),
    )


def _table(entry: Entry, name: str, source: TextSource) -> RecordTable:
    """Returns the table of a file, with the columns of an export or of lines made plain."""
    reading = source.reading
    if label_lines.is_fasttext(entry.cell):
        source.reading = reading.finding(lines=label_lines.FASTTEXT)
        return label_lines.fasttext(entry.cell, reading)
    table = table_of(entry.cell, name, columns.known_to(reading), reading)
    for note in table.notes:
        source.taken.note(note)
    if table.encoding not in BINARY:
        reading = reading.finding(encoding=table.encoding)
    if len(table.names) > 1 or table.header:
        form = "table" if entry.suffix in (".txt", ".text", ".md", "") else ""
        source.reading = reading.finding(lines=form)
        return exports.plain(table, source.taken)
    if not reading.needs_labels:
        return table
    source.coarse = True
    lines = label_lines.first_words(table, name)
    labels = list(dict.fromkeys(str(one.cells[1]) for one in lines.head))
    source.reading = reading.finding(lines=label_lines.FIRST_WORD, labels=labels)
    return lines


def rows_of_table(
    table: RecordTable, name: str, part: str, source: TextSource, first: bool
) -> list[tuple[Any, ...]]:
    """Returns the rows of one table; the first table decides the columns of the others."""
    reading = source.reading if first else source.reading.lenient
    needed = first and reading.needs_labels
    roles = columns.roles(table, name, needs_label=needed, reading=reading)
    tell_roles(table, roles, part, source, name, first)
    if first:
        named = {role: table.names[at] for role, at in roles.others.items()}
        source.split = named.get("split", "")
        source.reading = source.reading.finding(
            text=[table.names[at] for at in roles.texts],
            target=table.names[roles.label] if roles.label is not None else "",
            flags=[table.names[at] for at in roles.flags],
            **named,
        )
    return [row_of(one, roles, name, part, table.names) for one in table.records]


_FLAG = Problem(
    "bad-flag",
    Message("has a cell other than 0 or 1 in a column of a class"),
    Message("Write 0 or 1."),
)


def row_of(
    one: Record, roles: columns.Roles, name: str, part: str, names: list[str]
) -> tuple[Any, ...]:
    """Returns the cells of COLUMNS for one record."""
    source = f"{name}:{one.line}"
    if one.problem is not None:
        return "", "", source, one.problem, part, *[None] * (len(MORE) - 1)
    label: Any = one.cells[roles.label] if roles.label is not None else ""
    problem = None
    if roles.flags:
        marks = hot([names[at] for at in roles.flags], [one.cells[at] for at in roles.flags])
        label, problem = (marks, None) if marks is not None else ("", _FLAG)
    more: dict[str, Any] = {key: one.cells[at] for key, at in roles.others.items()}
    more["by"] = {key: one.cells[at] for key, at in roles.by.items()}
    split = part or str(more.get("split") if more.get("split") is not None else "").strip()
    rest = (more.get(key) for key in MORE[1:])
    return joined(one, roles.texts), label, source, problem, split, *rest


def joined(one: Record, texts: list[int]) -> str:
    """Returns the text of a record: its cells in the columns `texts`, joined by line ends."""
    cells = [one.cells[at] for at in texts]
    return "\n".join(str(text) for text in cells if text is not None and str(text).strip())


def tell_roles(
    table: RecordTable, roles: columns.Roles, part: str, source: TextSource, name: str, first: bool
) -> None:
    """Adds to `source.taken` what became text, label, part, group, weight and time."""
    taken, form = source.taken, str(source.reading.found.get("lines") or "")
    labels = [roles.label] if roles.label is not None else roles.flags
    if first and (said := label_lines.SAID.get(form)):
        taken.role("input", Message("the text of each line"), "", _shown(table, roles.texts))
        taken.role("answer", said, "", _shown(table, labels))
    elif first:
        taken.role("input", _said(table, roles.texts), "--text", _shown(table, roles.texts))
        if labels:
            also = ", ".join(table.names[at] for at in roles.also[:8])
            answer = _said(table, labels)
            if also:
                answer = Message("{columns}, possible too: {others}", columns=answer, others=also)
            taken.role("answer", answer, "--target", _shown(table, labels))
        left = [table.names[at] for at in roles.unused]
        taken.leave("columns", left, why=Message("no role") if left else EMPTY)
    if not table.header and first and form not in label_lines.SAID:
        taken.note(Message("File {name} has no header.", name=name))
    for role, at in roles.others.items() if first else ():
        taken.role(ROLES[role], _said(table, [at]), FLAGS[role], _shown(table, [at]))
    if part:
        taken.role("part", Message("file {name}", name=name))


def _said(table: RecordTable, places: list[int]) -> Message:
    names = ", ".join(table.names[at] for at in places[:20])
    return Message("{columns}", columns=names)


def _shown(table: RecordTable, places: list[int]) -> list[str]:
    good = [one for one in table.head if one.problem is None]
    return [" ".join(str(one.cells[at]) for at in places) for one in good[:3]]


def asked_rows(entry: Entry, name: str, reading: Reading) -> Iterator[Record]:
    """Yields the text of each row of a table for prediction, with the columns of training.

    A table without a header that lacks the column of texts, such as one of texts alone, is read by
    its content.
    """
    held = reading.lenient
    table = exports.plain(table_of(entry.cell, name, columns.known_to(reading), held), Taken())
    wanted = listed_names(held.found.get("text"))
    if not table.header and not {*wanted} <= {*table.names}:
        held = replace(held, found={})
    found = columns.roles(table, name, needs_label=False, reading=held)
    for one in table.records:
        yield Record(one.line, [joined(one, found.texts) if not one.problem else ""], one.problem)
