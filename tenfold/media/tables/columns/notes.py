"""Sentences about the decisions on columns of a table: one per decision, with counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tenfold.core.message import Message
from tenfold.media.tables.columns.cells import CellColumn
from tenfold.media.tables.columns.far import far_values
from tenfold.media.tables.columns.missing import is_mark
from tenfold.media.tables.columns.numbers import NumberColumn

__all__ = [
    "code",
    "constant",
    "empty",
    "identifier",
    "mixed",
    "number_form",
    "of_date",
    "of_number",
    "of_words",
    "row_number",
    "without_dates",
    "without_numbers",
]

NAMED = 8
"""Most cells that are listed in one sentence."""

Note = tuple[str, Message]


def _listed(cells: CellColumn, places: Sequence[int]) -> str:
    """Returns cells with their counts, the most frequent first."""
    order = sorted(places, key=lambda at: (-int(cells.counts[at]), cells.texts[at]))
    shown = [f"{cells.texts[at][:40]!r} {cells.counts[at]}" for at in order[:NAMED]]
    return ", ".join([*shown, *(["..."] if len(order) > NAMED else [])])


def empty(cells: CellColumn) -> Message:
    """Returns why a column without values is not used."""
    if not len(cells.distinct):
        return Message("all {count} cells are empty", count=len(cells))
    return Message(
        "all {count} cells are missing ({marks})",
        count=len(cells),
        marks=_listed(cells, range(len(cells.distinct))),
    )


def constant(cells: CellColumn, used: np.ndarray) -> Message:
    """Returns why a column of one value is not used."""
    text = cells.texts[int(np.flatnonzero(used)[0])]
    return Message("all {count} cells are {value!r}", count=len(cells), value=text[:40])


def row_number(cells: CellColumn, numbers: NumberColumn) -> Message:
    """Returns why a column of row numbers is not used."""
    values = numbers.values[numbers.numbers]
    return Message(
        "row numbers, {first} to {last} in {count} rows",
        first=int(values.min()),
        last=int(values.max()),
        count=len(cells),
    )


def identifier(cells: CellColumn, used: np.ndarray) -> Message:
    """Returns why a column of identifiers is not used."""
    return Message(
        "identifier, {distinct} different values in {count} rows",
        distinct=int(used.sum()),
        count=cells.count_of(used),
    )


def without_numbers(cells: CellColumn) -> Message:
    """Returns why a column given as numbers is not used."""
    return Message("none of its {count} cells is a number", count=len(cells))


def without_dates(cells: CellColumn) -> Message:
    """Returns why a column given as dates is not used."""
    return Message("none of its {count} cells is a date", count=len(cells))


_LOSSES = {
    "zeros": Message("leading zeros"),
    "digits": Message("more digits than a number can hold"),
    "writings": Message("different writings of one number"),
}


def code(name: str, cells: CellColumn, used: np.ndarray, loss: str) -> Message:
    """Returns that a column of digits is read as codes, and how to change it."""
    return Message(
        "{column}: a category of {distinct} values, kept as written, because of {loss}; digits "
        "alone also allow numbers (--types {column}=number)",
        column=name,
        distinct=int(used.sum()),
        loss=_LOSSES[loss],
    )


def mixed(name: str, numbers: NumberColumn) -> list[Note]:
    """Returns that a column of words is mostly numbers; [] where it is not."""
    cells, used = numbers.cells, numbers.numbers
    others = np.flatnonzero(~used & ~numbers.endless)
    words = [at for at in others.tolist() if not is_mark(cells.texts[at])]
    amount, rest = cells.count_of(used), int(cells.counts[words].sum())
    if not rest or amount < rest:
        return []
    note = Message(
        "{column}: {amount} cells are numbers and {rest} are words, so it is not read as numbers: "
        "{words} (--types {column}=number reads the words as missing)",
        column=name,
        amount=amount,
        rest=rest,
        words=_listed(cells, words),
    )
    return [("mixed", note)]


def number_form(name: str, form: str) -> Message:
    """Returns in which form numbers are read as dates."""
    return Message(
        "{column}: numbers are read as dates in the form {form!r}", column=name, form=form
    )


def _missing(name: str, cells: CellColumn, others: Sequence[int]) -> list[Note]:
    """Returns the marks for "missing" of a column with their counts; [] where there are none."""
    if not len(others):
        return []
    marked = sum(int(cells.counts[at]) for at in others)
    note = Message(
        "{column}: {count} of {rows} cells are missing: {marks}, empty {empty}, blanks {blanks}",
        column=name,
        count=marked + cells.empty + cells.blank,
        rows=len(cells),
        marks=_listed(cells, others),
        empty=cells.empty,
        blanks=cells.blank,
    )
    return [("missing", note)]


def of_words(name: str, cells: CellColumn, marks: Sequence[int], kept: Sequence[int]) -> list[Note]:
    """Returns the notes of a category: marks for "missing", and similar words kept as values."""
    found = _missing(name, cells, marks)
    if kept:
        note = Message(
            "{column}: {words} stay values and are not taken as missing "
            "(--missing {column}={word})",
            column=name,
            words=_listed(cells, kept),
            word=cells.texts[kept[0]],
        )
        found.append(("kept", note))
    return found


def of_date(
    name: str, cells: CellColumn, others: Sequence[int], forms: Sequence[str]
) -> list[Note]:
    """Returns the notes of a column of dates: cells that are missing, and several forms."""
    found = _missing(name, cells, others)
    if len(forms) > 1:
        note = Message(
            "{column}: dates in {count} forms: {forms}",
            column=name,
            count=len(forms),
            forms=", ".join(forms),
        )
        found.append(("forms", note))
    return found


def of_number(
    name: str, numbers: NumberColumn, others: Sequence[int], lines: Sequence[int] | None
) -> list[Note]:
    """Returns the notes of a column of numbers: units, missing, infinite and far cells."""
    cells = numbers.cells
    found = [*_units(name, numbers), *_missing(name, cells, others)]
    if numbers.endless.any():
        rows = np.flatnonzero(np.append(numbers.endless, False)[cells.place])
        at = [lines[row] if lines is not None else row + 1 for row in rows[:NAMED].tolist()]
        note = Message(
            "{column}: {count} cells are not finite numbers and count as missing: {cells} "
            "(lines {lines})",
            column=name,
            count=len(rows),
            cells=_listed(cells, np.flatnonzero(numbers.endless).tolist()),
            lines=", ".join(map(str, at)) + (" ..." if len(rows) > NAMED else ""),
        )
        found.append(("odd", note))
    used = numbers.numbers
    for far in far_values(numbers.values[used], cells.counts[used]):
        note = Message(
            "{column}: {value} stands in {count} cells, all others lie between {low} and {high}; "
            "it is read as a number (--missing {column}={value} if it means missing)",
            column=name,
            value=f"{far.value:.12g}",
            count=far.count,
            low=f"{far.low:.12g}",
            high=f"{far.high:.12g}",
        )
        found.append(("far", note))
    return found


def _units(name: str, numbers: NumberColumn) -> list[Note]:
    """Returns which signs of currency, percent or unit were removed, with their counts."""
    units = {unit: count for unit, count in numbers.units.most_common() if unit}
    if not units:
        return []
    if len(units) > 1:
        counts = ", ".join(f"{unit} {count}" for unit, count in units.items())
        note = Message(
            "{column}: different units in one column, read without conversion: {units}, without a "
            "unit {bare}",
            column=name,
            units=counts,
            bare=numbers.units.get("", 0),
        )
        return [("units", note)]
    ((unit, count),) = units.items()
    bare = numbers.units.get("", 0)
    if unit in ("%", "percent", "Prozent"):
        note = Message(
            "{column}: percent, 12 % is read as 12: {count} cells with the sign, {bare} without",
            column=name,
            count=count,
            bare=bare,
        )
    else:
        note = Message(
            "{column}: numbers in {unit}: {count} cells with the sign, {bare} without",
            column=name,
            unit=unit,
            count=count,
            bare=bare,
        )
    return [("unit", note)]
