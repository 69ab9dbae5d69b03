"""The part, group, time and weight of each picture, where formats, folders or columns give them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from tenfold.core.message import EMPTY, Message
from tenfold.core.taken import Taken
from tenfold.media.files.parts import part_of_file, part_of_folder, parts_of_column
from tenfold.media.files.roles import groups_of, weights_of
from tenfold.media.image.boxes.form import PictureRow, StatedBoxes, held_out, in_several_parts
from tenfold.media.reading import Reading, attach_by, column_of, refuse_roles, timed

__all__ = ["parted", "with_columns"]

_ROLES = ("split", "group", "time", "weight")


# --- parts ----------------------------------------------------------------------------------------


def parted(
    rows: list[PictureRow], found: StatedBoxes, reading: Reading, taken: Taken, where: str
) -> tuple[list[PictureRow], Reading]:
    """Returns the rows with their parts, and the reading with the column of these.

    Parts are those of the column `--split`, else of the format, else of the names of the annotation
    files or folders. Rows of no part are left out where others have one.
    """
    column = _column("split", rows, found, reading, where)
    if column is not None and _by_column(rows, column):
        taken.role("part", Message("column {column!r}", column=column), "--split")
        return _with_parts(rows, taken), reading.finding(split=column)
    if any(one.part for row in rows for one in row.judgements):
        _fill(rows, [[one.part for one in row.judgements if one.part] for row in rows], taken)
        source = found.parts or Message("the annotations")
    else:
        source = _by_names(rows, taken)
    if "train" not in {row.part for row in rows} or not source:
        for row in rows:
            row.part = ""
        return rows, reading
    taken.role("part", source)
    return _with_parts(rows, taken), reading


def _by_column(rows: Sequence[PictureRow], column: str) -> bool:
    """Fills the parts from a column; False where its cells are not parts."""
    cells = [row.fields.get(column) for row in rows]
    parts = parts_of_column(column, cells)
    for row, cell in zip(rows, cells, strict=True):
        row.part = (parts or {}).get(str(cell).strip(), "")
    return parts is not None


def _fill(rows: Sequence[PictureRow], parts: Sequence[Sequence[str]], taken: Taken) -> None:
    for row, some in zip(rows, parts, strict=True):
        row.part = held_out(some)
    if double := sum(len(set(some)) > 1 for some in parts):
        taken.note(in_several_parts(double))


def _by_names(rows: Sequence[PictureRow], taken: Taken) -> Message:
    """Fills the parts from the names of annotation files, else of folders; returns the source."""
    by_file = {one.file: part_of_file(one.file) for row in rows for one in row.judgements}
    several = len({*by_file.values()} - {""}) > 1
    parts = []
    for row in rows:
        own = [by_file[one.file] for one in row.judgements if several and by_file[one.file]]
        names = row.entry.parts if row.entry else tuple(row.source.split("/")[:-1])
        parts.append(own or [part for name in names if (part := part_of_folder(name))][:1])
    _fill(rows, parts, taken)
    if not any(row.part for row in rows):
        return EMPTY
    return Message("names of files") if several else Message("names of folders")


def _with_parts(rows: Sequence[PictureRow], taken: Taken) -> list[PictureRow]:
    for row in rows:
        if row.entry is None:  # a missing picture is a row with a problem, whatever its part
            row.part = row.part or "train"
    outside = [row.source for row in rows if not row.part]
    taken.leave("files", outside, 0, Message("in none of the parts"))
    return [row for row in rows if row.part]


# --- columns --------------------------------------------------------------------------------------


def with_columns(
    table: pd.DataFrame,
    rows: Sequence[PictureRow],
    found: StatedBoxes,
    reading: Reading,
    taken: Taken,
    where: str,
) -> tuple[pd.DataFrame, Reading]:
    """Returns the table with the parts and the columns of roles, and the reading with these.

    Raises UsageError where the format lacks a column that the user gave.
    """
    if any(row.part for row in rows):
        table = table.assign(split=[row.part for row in rows])
    if not any(row.fields for row in rows):
        refuse_roles(reading, _ROLES, Message("these annotations have no columns"), where)
    frame = pd.DataFrame([dict(row.fields) for row in rows], table.index)
    table = attach_by(table, frame, reading, where) if reading.by else table
    for role, read in (("group", groups_of), ("weight", weights_of)):
        column = _column(role, rows, found, reading, where)
        if column is None:
            continue
        table = table.assign(**{role: read(frame[column])})
        taken.role(role, Message("column {column!r}", column=column), f"--{role}")
        reading = reading.finding(**{role: column})
    if (column := _column("time", rows, found, reading, where)) is not None:
        table = timed(table, frame[column], reading, taken)
        taken.role("time", Message("column {column!r}", column=column), "--time")
        reading = reading.finding(time=column)
    return _with_own_groups(table, rows, taken), reading


def _with_own_groups(table: pd.DataFrame, rows: Sequence[PictureRow], taken: Taken) -> pd.DataFrame:
    """Returns the table with the groups that the format itself knows, such as recordings."""
    groups = [next((one.group for one in row.judgements if one.group), "") for row in rows]
    if "group" in table or len({*groups}) < 2:
        return table
    taken.role("group", Message("recordings"))
    return table.assign(group=pd.Series([one or None for one in groups], table.index, dtype=object))


def _column(
    role: str, rows: Sequence[PictureRow], found: StatedBoxes, reading: Reading, where: str
) -> str | None:
    """Returns the column of a role: given, else known to the format; None without one."""
    names = dict.fromkeys(str(name) for row in rows for name in row.fields)
    if not names:
        return None
    given = column_of(reading, role, list(names), where)
    if given is not None:
        return str(given)
    own = found.roles.get(role)
    return own if own in names else None
