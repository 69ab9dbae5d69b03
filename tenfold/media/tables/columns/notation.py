"""The notation of the numbers of a table: one decimal mark for all cells of all columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from tenfold.core.message import Message, as_message
from tenfold.media.tables.columns.cells import CellColumn
from tenfold.media.tables.columns.figures import COMMA, POINT, NumberForm

__all__ = ["Notation", "notation_of", "numeric"]

NUMERIC = 0.5
"""Least share of the texts of a column that are numbers in some notation, to count as evidence."""
SAMPLE = 1000
"""Distinct texts that show whether a column has numbers at all."""


@dataclass(frozen=True)
class Notation:
    """The marks in the numbers of a table, with the notes that state them.

    `thousands` are all marks between thousands that were seen.
    """

    decimal: str = POINT
    thousands: str = ""
    notes: tuple[Message, ...] = ()


@dataclass(frozen=True)
class _Seen:
    """The forms of one column that are numbers, each with its number of cells and an example."""

    forms: list[tuple[NumberForm, int, str]]


def numeric(cells: CellColumn) -> bool:
    """Returns True where a sample of the distinct texts has numbers in some notation."""
    if len(cells.distinct) <= 2 * SAMPLE:
        return True
    places = np.linspace(0, len(cells.distinct) - 1, SAMPLE).astype(int)
    few = CellColumn(np.arange(SAMPLE), [cells.distinct[at] for at in places], np.ones(SAMPLE, int))
    codes, forms = few.shaped
    return sum(forms[code] is not None for code in codes) >= 0.05 * SAMPLE


def notation_of(columns: Mapping[str, CellColumn]) -> Notation:
    """Returns the notation that the cells of all columns show.

    The decimal mark is the one that more cells allow alone; without such cells it is a point.
    """
    seen = {name: one for name, cells in columns.items() if (one := _seen(cells))}
    every = [one for column in seen.values() for one in column.forms]
    commas = _cells(every, COMMA)
    points = _cells(every, POINT)
    decimal = COMMA if commas > points else POINT
    thousands = {form.thousands[decimal] for form, _, _ in every if decimal in form.thousands}
    marks = "".join(sorted(thousands - {""}))
    notes = [*_notes(seen, decimal, marks, max(commas, points))]
    return Notation(decimal, marks, tuple(notes))


def _seen(cells: CellColumn) -> _Seen | None:
    """Returns the forms of numbers in the texts of a column; None where it has few numbers."""
    if cells.typed.all() or not numeric(cells):
        return None
    codes, forms = cells.shaped
    texts = ~cells.typed
    counts = np.bincount(codes[texts], cells.counts[texts], len(forms)).astype(int)
    numbers = [at for at, form in enumerate(forms) if form is not None and counts[at]]
    if not numbers or counts[numbers].sum() < NUMERIC * counts.sum():
        return None
    different, first = np.unique(codes, return_index=True)
    firsts = dict(zip(different.tolist(), first.tolist(), strict=True))
    return _Seen(
        [
            (form, int(counts[at]), cells.texts[firsts[at]])
            for at in numbers
            if (form := forms[at]) is not None
        ]
    )


def _cells(forms: Iterable[tuple[NumberForm, int, str]], evidence: str) -> int:
    return sum(count for form, count, _ in forms if form.evidence == evidence)


def _notes(
    seen: Mapping[str, _Seen], decimal: str, thousands: str, clear: int
) -> Iterable[Message]:
    """Yields the notes on the notation, each with an example and the numbers of cells."""
    every = [one for column in seen.values() for one in column.forms]
    open_ = [(form, count, text) for form, count, text in every if form.open]
    other = sum(count for _, count, _ in open_)
    if (decimal == COMMA or thousands) and (
        fitting := [o for o in every if decimal in o[0].thousands]
    ):
        shown = [one for one in fitting if one[0].evidence == decimal] or fitting
        text = max(shown, key=lambda one: (bool(one[0].thousands[decimal]), len(one[2])))[2]
        yield Message(
            "Numbers of the whole file: decimal mark {decimal!r}, thousands mark {thousands}, as "
            "in {cell}: {clear} cells allow only this reading, {open} cells also "
            "allow the other one",
            decimal=decimal,
            thousands=_named(thousands),
            cell=text,
            clear=clear,
            open=other,
        )
    elif open_ and (names := _undecided(seen)):
        yield Message(
            "Numbers of the whole file: the point is the decimal mark; in {columns} all cells with "
            "a point, such as {cell}, also allow a thousands mark ({open} cells)",
            columns=", ".join(names[:8]),
            cell=open_[0][2],
            open=other,
        )
    misfits = [one for one in every if one[0].marked and decimal not in one[0].thousands]
    if misfits:
        yield Message(
            "{count} cells, such as {cell}, are not numbers with the decimal mark {decimal!r} of "
            "the whole file, and are read as words",
            count=sum(count for _, count, _ in misfits),
            cell=misfits[0][2],
            decimal=decimal,
        )


def _named(thousands: str) -> Message:
    if not thousands:
        return Message("none")
    return Message("blank") if thousands == " " else as_message(repr(thousands))


def _undecided(seen: Mapping[str, _Seen]) -> list[str]:
    """Returns the columns in which every cell with a mark allows both decimal marks."""
    return [
        name
        for name, column in seen.items()
        if any(form.open for form, _, _ in column.forms)
        and not any(form.evidence for form, _, _ in column.forms)
    ]
