"""Roles of the columns of a table that only rows of tables have: to leave out, types, marks."""

from __future__ import annotations

from collections.abc import Sequence

from tenfold.core.errors import UsageError, nearest
from tenfold.core.message import Message
from tenfold.media.reading import ColumnRole, Reading, listed_names
from tenfold.media.tables.names import ColumnNames
from tenfold.media.tables.schema import TYPES

__all__ = ["ROLES", "ignored_columns", "missing_given", "types_given"]

ROLES = (
    ColumnRole("with_", "second table of lines to join, such as orders.csv, by the column --key"),
    ColumnRole("key", "column that both tables have, by which --with joins; never an input"),
    ColumnRole("with_time", "column of times in the table of --with; default: named as --time"),
    ColumnRole("ignore", "columns not used as inputs, separated by commas"),
    ColumnRole(
        "types",
        "column types, such as zip=category,day=date: number, category, date or text",
    ),
    ColumnRole(
        "missing",
        "column values that mean missing, such as age=999,age=-1; age= for none beside empty cells",
    ),
)


def ignored_columns(reading: Reading, named: ColumnNames, where: str) -> list[str]:
    """Returns the columns given with `--ignore`, as the table calls them.

    A name that stands for several columns means all of them. Raises UsageError where the table
    lacks one; a table read after training may lack them.
    """
    given = str(reading.columns.get("ignore") or "")
    held = str(reading.found.get("ignore") or "")
    found = list[str]()
    whole = given and named.all_of(given)
    for name in [given] if whole else listed_names(given or held):
        columns = named.all_of(name)
        if not columns and given and not reading.found.get("schema"):
            raise _missing(name, "ignore", named.names, where)
        found += columns
    return list(dict.fromkeys(found))


def types_given(reading: Reading, named: ColumnNames, where: str) -> dict[str, str]:
    """Returns the types given with `--types`, by column.

    Raises UsageError where one is not a type, or the table lacks the column.
    """
    found = dict[str, str]()
    for name, value in _pairs(str(reading.columns.get("types") or "")):
        kind = value.lower()
        if kind not in TYPES:
            raise UsageError(
                Message(
                    "--types must give each column one of {types}, got {value!r}",
                    types=", ".join(TYPES),
                    value=f"{name}={value}",
                ),
                code="bad-setting",
                where="types",
                fix=nearest(kind, TYPES),
            )
        columns = named.all_of(name)
        if not columns:
            raise _missing(name, "types", named.names, where)
        found |= dict.fromkeys(columns, kind)
    return found


def missing_given(reading: Reading, named: ColumnNames, where: str) -> dict[str, list[str]]:
    """Returns the marks for "missing" given with `--missing`, by column; [] for none.

    Raises UsageError where the table lacks the column.
    """
    found = dict[str, list[str]]()
    for name, mark in _pairs(str(reading.columns.get("missing") or "")):
        columns = named.all_of(name)
        if not columns:
            raise _missing(name, "missing", named.names, where)
        for column in columns:
            found.setdefault(column, []).extend([mark] if mark else [])
    return found


def _pairs(text: str) -> list[tuple[str, str]]:
    """Returns names and values of a text such as `a=category,b=number`; names may have commas."""
    pairs, held = list[tuple[str, str]](), ""
    for piece in text.split(",") if text.strip() else ():
        held = f"{held},{piece}" if held else piece
        name, sign, kind = held.rpartition("=")
        if sign:
            pairs.append((name.strip(), kind.strip()))
            held = ""
    return [*pairs, (held.strip(), "")] if held.strip() else pairs


def _missing(name: str, role: str, names: Sequence[str], where: str) -> UsageError:
    return UsageError(
        Message(
            "{table} has no column {column!r}, given with --{role}",
            table=where,
            column=name,
            role=role,
        ),
        code="missing-column",
        where=where,
        fix=nearest(name, list(names)[:200]),
    )
