"""Makes labelled rows of one or several tables of files, and states what was taken from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.message import EMPTY, Message
from tenfold.core.rows import BY, Rows
from tenfold.core.taken import Taken
from tenfold.media.files import references
from tenfold.media.files.parts import part_of_folder, without_parts
from tenfold.media.files.roles import FileRoles, groups_of, weights_of
from tenfold.media.files.several import Several, combined, hot, several_of, written
from tenfold.media.files.sheets import Sheet
from tenfold.media.medium import Medium
from tenfold.media.reading import Reading, attach_by, timed

__all__ = ["TableRows", "rows_of"]

_PARTS = ("train", "valid", "test")


@dataclass
class TableRows:
    """A table with the cell and the problem of the file of each row.

    `column` is the column of files, or a description of several. `part` is the part that the name
    of the table means, `paths` are the paths of the files below the folder, `completed` states how
    they were found, and `names` name the rows where the lines of the table do not. `stated` are the
    phrases for the input and the answer of a source without columns.
    """

    sheet: Sheet
    roles: FileRoles
    cells: list[Any]
    problems: list[Problem | None]
    column: Any
    part: str = ""
    paths: list[str] = field(default_factory=list)
    completed: Message = EMPTY
    names: list[str] = field(default_factory=list)
    stated: tuple[Message, Message] | None = None


def rows_of(sources: Sequence[TableRows], medium: Medium, reading: Reading) -> Rows:
    """Returns the rows of tables. The form of several answers a row is decided for all together.

    Raises DataRefused for an invalid weight.
    """
    taken = Taken()
    tables = [_table(one, medium) for one in sources]
    answers, reading = _answers(sources, taken, reading)
    table = pd.concat(tables, ignore_index=True)
    table = table.assign(
        **{name: pd.Series(cells, dtype=object) for name, cells in answers.items()}
    )
    table["problem"] = _with_bad_flags(sources, table["problem"])
    parts, source = _parts(sources)
    if parts is not None:
        table["split"] = parts
    for name in ("group", "weight"):
        table = _with_column(table, name, sources)
    frames = [
        attach_by(one, each.sheet.frame, reading, each.sheet.name)
        for one, each in zip(tables, sources, strict=True)
    ]
    reported = pd.concat([one.filter(regex=f"^{BY}") for one in frames], ignore_index=True)
    table = table.assign(**{str(name): cells for name, cells in reported.items()})
    times = [one.sheet.frame[one.roles.time] for one in sources if one.roles.time is not None]
    if len(times) == len(sources):
        table = timed(table, pd.concat(times, ignore_index=True), reading)
    _state(taken, sources, medium, source)
    reading = _found(sources, reading, medium)
    return Rows(without_parts(table, taken, reading), reading=reading, taken=taken)


def _table(one: TableRows, medium: Medium) -> pd.DataFrame:
    lines = one.sheet.frame.index
    shown = list(one.names) or [_shown(one, row, line) for row, line in enumerate(lines)]
    return pd.DataFrame(
        {
            medium.column: pd.Series(one.cells, dtype=object),
            "source": pd.Series(shown, dtype=object),
            "problem": pd.Series(one.problems, dtype=object),
        }
    )


def _shown(one: TableRows, row: int, line: Any) -> str:
    """Returns the name of a row: its table, line and file."""
    if one.sheet.frame.index.name == "row":
        return f"row {line}"
    start = f"{one.sheet.name}:{line}"
    if isinstance(one.column, Message):
        return start
    value = one.sheet.frame[one.column].iloc[row]
    if isinstance(value, str):
        return f"{start} {references.printable(value[:300])}"
    return start


def _with_column(table: pd.DataFrame, name: str, sources: Sequence[TableRows]) -> pd.DataFrame:
    """Returns the table with the groups or the weights, where a source has such a column."""
    columns = [getattr(one.roles, name) for one in sources]
    if all(column is None for column in columns):
        return table
    read, empty = (groups_of, None) if name == "group" else (weights_of, 1.0)
    made = [
        pd.Series([empty] * len(one.cells), dtype=object)
        if column is None
        else read(one.sheet.frame[column])
        for one, column in zip(sources, columns, strict=True)
    ]
    joined = pd.concat(made, ignore_index=True)
    return table.assign(**{name: joined.astype(float) if name == "weight" else joined})


# --- answers --------------------------------------------------------------------------------------


def _answers(
    sources: Sequence[TableRows], taken: Taken, reading: Reading
) -> tuple[dict[str, list[Any]], Reading]:
    """Returns the column `label` or `labels`, and the reading with the form of several answers."""
    flags = sources[0].roles.flags
    if flags:
        rows = [_hot(one, row) or () for one in sources for row in range(len(one.cells))]
        stored = reading.found.get("several") == "columns"
        single = not stored and all(len(row) == 1 for row in rows if row)
        if single and any(rows):
            return {"label": [row[0] if row else "" for row in rows]}, reading
        return {"labels": rows}, reading.finding(several="columns", flags=list(map(str, flags)))
    if not reading.needs_labels and sources[0].roles.label is None:
        return {"label": [""] * sum(len(one.cells) for one in sources)}, reading
    values = [cell for one in sources for cell in one.sheet.named(one.roles.label)]
    stored = str(reading.found.get("several") or "")
    found: Several | None = several_of(values, "" if stored == "columns" else stored)
    if found is None:
        if note := combined(values):
            taken.note(note)
        return {"label": [written(value) for value in values]}, reading
    if found.exclusive and not stored:
        return {"label": [row[0] if row else "" for row in found.rows]}, reading
    taken.note(found.said)
    return {"labels": list(found.rows)}, reading.finding(several=found.form)


def _hot(one: TableRows, row: int) -> tuple[str, ...] | None:
    columns = one.roles.flags
    return hot(columns, [one.sheet.frame[name].iloc[row] for name in columns])


def _with_bad_flags(sources: Sequence[TableRows], problems: pd.Series) -> pd.Series:
    """Returns the problems; rows with another cell than 0 or 1 in a column of a class get one."""
    if not sources[0].roles.flags:
        return problems
    odd = Problem(
        "no-label",
        Message("has a cell that is not 0 or 1 in a column of a class"),
        Message("Write 0 or 1."),
    )
    wrong = [_hot(one, row) is None for one in sources for row in range(len(one.cells))]
    made = [odd if bad and one is None else one for bad, one in zip(wrong, problems, strict=True)]
    return pd.Series(made, dtype=object)


# --- parts ----------------------------------------------------------------------------------------


def _parts(sources: Sequence[TableRows]) -> tuple[list[str] | None, Message]:
    """Returns the part of each row and where it comes from; None where no parts are given."""
    if len(sources) > 1 and all(one.part for one in sources):
        names = {one.part: one.sheet.name for one in reversed(sources)}
        shown = ", ".join(names[part] for part in _PARTS if part in names)
        parts = [one.part for one in sources for _ in one.cells]
        return parts, Message("the tables {tables}", tables=shown)
    if any(one.roles.parts is not None for one in sources):
        parts = [part for one in sources for part in one.roles.parts or [""] * len(one.cells)]
        column = next(one.roles.split for one in sources if one.roles.parts is not None)
        return parts, Message("column {column!r}", column=str(column))
    above = [_above(path) for one in sources for path in one.paths]
    known = [part for part in above if part]
    complete = len(known) == sum(bool(path) for one in sources for path in one.paths)
    if complete and "train" in known and len(set(known)) > 1:
        return above, Message("the folders of the files")
    return None, EMPTY


def _above(path: str) -> str:
    """Returns the part that a folder above a file means; "" for none."""
    return next(filter(None, map(part_of_folder, path.split("/")[:-1])), None) or ""


# --- what was taken -------------------------------------------------------------------------------


def _state(taken: Taken, sources: Sequence[TableRows], medium: Medium, parts: Message) -> None:
    """Adds the roles and the columns without a role."""
    first = sources[0]
    tables = ", ".join(one.sheet.name for one in sources[:4]) + (" ..." if sources[4:] else "")
    frame, roles = first.sheet.frame, first.roles
    if first.stated:
        taken.role("input", first.stated[0])
        taken.role("answer", first.stated[1])
    elif isinstance(first.column, Message):
        taken.role("input", Message("{what} of {table}", what=first.column, table=tables))
    else:
        what = Message("column {column!r} of {table}", column=str(first.column), table=tables)
        shown = [one for one in first.paths or frame[first.column] if isinstance(one, str) and one]
        taken.role("input", what, f"--{medium.name}", shown)
    if first.stated:
        pass
    elif roles.flags:
        names = ", ".join(map(str, roles.flags[:8])) + (" ..." if roles.flags[8:] else "")
        taken.role("answer", Message("columns of 0 and 1: {columns}", columns=names), "--target")
    elif roles.label is not None:
        label = Message("column {column!r}", column=str(roles.label))
        cells = Counter(map(written, first.sheet.named(roles.label)))
        taken.role("answer", label, "--target", [name for name, _ in cells.most_common()])
    if parts:
        flag = "--split" if roles.parts is not None else ""
        taken.role("part", parts, flag)
    for role in ("group", "weight", "time"):
        if (column := getattr(roles, role)) is not None:
            taken.role(role, Message("column {column!r}", column=str(column)), f"--{role}")
    for one in sources:
        for note in (one.completed, one.roles.folds):
            if note:
                taken.note(Message("{sentence}.", sentence=note))
    used = [str(one) for one in (first.column, *roles.used, "source", "problem")]
    taken.leave("columns", [one for one in frame.columns if str(one) not in used])


def _found(sources: Sequence[TableRows], reading: Reading, medium: Medium) -> Reading:
    """Returns the reading with the columns that were found."""
    first = sources[0]
    if first.stated:
        return reading
    column = "" if isinstance(first.column, Message) else str(first.column)
    names = {
        "target": first.roles.label,
        "group": first.roles.group,
        "weight": first.roles.weight,
        "split": first.roles.split,
    }
    given = {role: str(name) for role, name in names.items() if name is not None}
    return reading.finding(**given, **{medium.name: column})
