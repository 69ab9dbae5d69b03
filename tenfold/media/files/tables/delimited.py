"""Delimited text: the records of lines whose cells are separated by a character."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tenfold.core.columns import Problem
from tenfold.core.message import Message
from tenfold.media.files.lines import TextLine
from tenfold.media.files.tables.record import Record

__all__ = ["Dialect", "evened", "separated"]

OPEN = 1000
"""Lines after which an open quote that was never closed is treated as a mistake."""
csv.field_size_limit(1 << 28)


@dataclass(frozen=True)
class Dialect:
    """Separator and quotes of a file, the number of its first line that counts, and its header.

    With `quoted`, a cell may be enclosed in quotes, and a quote inside it is written twice; with
    `escaped`, it is written with a backslash before it; with `spaced`, a space follows each
    separator. Lines before line number `start` are a title. With `header`, the record that begins
    there holds the column names.
    """

    separator: str
    quoted: bool = True
    escaped: bool = False
    spaced: bool = False
    start: int = 1
    header: bool = False

    def starting(self, line: int, header: bool) -> Dialect:
        """Returns a copy that starts at a line."""
        return replace(self, start=line, header=header)


def separated(found: Iterator[TextLine], dialect: Dialect) -> Iterator[Record]:
    """Yields the records of lines; a quoted cell may contain line ends. Blank lines are skipped."""
    if not dialect.quoted:
        yield from (_plain(one, dialect) for one in found if one.problem or one.text.strip())
        return
    waiting: deque[TextLine] = deque()

    def following() -> TextLine | None:
        return waiting.popleft() if waiting else next(found, None)

    while (line := following()) is not None:
        if line.problem or '"' not in line.text:
            if line.problem or line.text.strip():
                yield _plain(line, dialect)
            continue
        held = [line]
        while _open(held, dialect):
            more = following() if len(held) <= OPEN else None
            if more is None:
                break
            held.append(more)
        if _open(held, dialect):
            waiting.extendleft(reversed(held[1:]))
            fix = Message(
                "Add the closing quote; inside a quoted cell, write each quote character twice."
            )
            problem = Problem("open-quote", Message("opens a quote that is never closed"), fix)
            yield replace(_plain(line, dialect), problem=problem)
        else:
            yield _parsed(held, dialect)


def _plain(line: TextLine, dialect: Dialect) -> Record:
    """Returns the record of a line in which no cell is enclosed in quotes."""
    cells = line.text.split(dialect.separator)
    if dialect.spaced:
        cells = [cell.removeprefix(" ") for cell in cells]
    return Record(line.number, list(cells), line.problem)


def _open(held: list[TextLine], dialect: Dialect) -> bool:
    """Returns True where a quote that begins a cell is not closed."""
    quotes = sum(line.text.count('"') for line in held)
    if dialect.escaped:
        quotes -= sum(line.text.count('\\"') for line in held)
    if quotes % 2 == 0:
        return False
    start, sign = held[0].text, dialect.separator
    space = " " if dialect.spaced else ""
    return start.startswith('"') or f'{sign}{space}"' in start


def _parsed(held: list[TextLine], dialect: Dialect) -> Record:
    text = "\n".join(line.text for line in held)
    problem = next((line.problem for line in held if line.problem), None)
    if len(dialect.separator) > 1:
        return Record(held[0].number, text.split(dialect.separator), problem)
    try:
        rows = list(
            csv.reader(
                [text],
                delimiter=dialect.separator,
                skipinitialspace=dialect.spaced,
                doublequote=not dialect.escaped,
                escapechar="\\" if dialect.escaped else None,
            )
        )
    except csv.Error:  # a carriage return outside of quotes
        reason = Message("has a carriage return outside of quotes")
        fix = Message("Remove it, or put quotes around the whole cell.")
        problem = problem or Problem("carriage-return", reason, fix)
        return Record(held[0].number, held[0].text.split(dialect.separator), problem)
    return Record(held[0].number, rows[0] if rows else [text], problem)


def evened(one: Record, width: int) -> Record:
    """Returns the record; it gets a problem where its number of cells is not `width`.

    Blank cells at the end beyond the width are removed.
    """
    if one.problem is None and len(one.cells) != width:
        while len(one.cells) > width and not str(one.cells[-1]).strip():
            one.cells.pop()
        if len(one.cells) != width:
            reason = Message(
                "has {count} cells, but most lines have {width}", count=len(one.cells), width=width
            )
            fix = Message("Put quotes around a cell that holds the separator.")
            one.problem = Problem("ragged", reason, fix)
    return one
