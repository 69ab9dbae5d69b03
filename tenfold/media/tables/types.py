"""Types and notation of the columns of a table, decided once from all cells.

The rules, in this order: a given type holds. A column of marks for "missing" is empty, a column of
one value without missing cells is constant. Numbers (with at most 1 % words, 5 % where there are
more than 20 distinct numbers) are dates where all are days such as 20240131, row numbers, codes,
identifiers, else numbers: whole numbers of few distinct values stay numbers. Other columns are
dates, free text (several words, many distinct values), identifiers (nearly all distinct) or
categories.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tenfold.core.errors import UsageError, nearest
from tenfold.core.message import Message
from tenfold.media.tables.columns.cells import Cells, cells_of
from tenfold.media.tables.columns.days import order_of
from tenfold.media.tables.columns.draft import Draft, draft_of, finish_dates
from tenfold.media.tables.columns.notation import notation_of
from tenfold.media.tables.schema import DATE, TYPES, TableSchema
from tenfold.media.tables.values import odd_cells, values

__all__ = ["Decided", "decide", "odd_cells", "values"]

MAX_NOTES = 20
"""Most notes of one kind."""


@dataclass(frozen=True)
class Decided:
    """The schema of a table, the columns that are not used with the reason, and the notes."""

    schema: TableSchema
    left: list[tuple[str, Message]]
    notes: list[Message]


def decide(
    columns: Mapping[str, Sequence[Any]],
    *,
    types: Mapping[str, str] | None = None,
    missing: Mapping[str, Sequence[str]] | None = None,
    beside: Mapping[str, Sequence[Any]] | None = None,
    dates: str = "",
    lines: Sequence[int] | None = None,
) -> Decided:
    """Returns the types and the notation of columns, by name: their cells, as read.

    `types` are given types, `missing` given marks for "missing" in addition to those found (an
    empty list: none), by column. The columns `beside`, such as the target, only take part in the
    notation. `dates` is the given order of day and month, `lines` are the lines of the rows. Raises
    UsageError where a type is unknown, or where the dates can be read in two ways.
    """
    types, missing = dict(types or {}), dict(missing or {})
    _check(types)
    cells = {name: cells_of(column) for name, column in columns.items()}
    extra = {name: cells_of(column) for name, column in (beside or {}).items()}
    notation = notation_of({**extra, **cells})
    drafts = [
        draft_of(name, one, notation.decimal, types.get(name, ""), missing.get(name), lines)
        for name, one in cells.items()
    ]
    others = [draft_of(name, one, notation.decimal) for name, one in extra.items()]
    order, note = order_of(_with_days([*drafts, *others]), dates)
    drafts = [finish_dates(one, order) if one.type == DATE else one for one in drafts]
    schema = TableSchema(
        tuple(one.column for one in drafts if one.type),
        notation.decimal,
        notation.thousands,
        order,
    )
    left = [(one.name, one.why) for one in drafts if one.why is not None]
    notes = [*notation.notes, *([note] if note else []), *_limited(drafts)]
    return Decided(schema, left, notes)


def _with_days(drafts: Sequence[Draft]) -> dict[str, Cells]:
    return {one.name: one.cells for one in drafts if one.day}


def _check(types: Mapping[str, str]) -> None:
    for name, given in types.items():
        if given not in TYPES:
            raise UsageError(
                Message("{type!r} is not a type of a column", type=given),
                code="unknown-type",
                where=name,
                fix=nearest(given, TYPES),
            )


def _limited(drafts: Sequence[Draft]) -> list[Message]:
    """Returns the notes of all columns, at most `MAX_NOTES` of each kind."""
    counts: dict[str, int] = {}
    found: list[Message] = []
    for draft in drafts:
        for kind, note in draft.found:
            counts[kind] = counts.get(kind, 0) + 1
            if counts[kind] <= MAX_NOTES:
                found.append(note)
    more = sum(max(0, count - MAX_NOTES) for count in counts.values())
    if more:
        found.append(Message("{count} further notes on columns are not listed", count=more))
    return found
