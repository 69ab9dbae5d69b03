"""Why rows are too few, or too many of them unusable, to learn from."""

from __future__ import annotations

from typing import Any

from tenfold.core.errors import DataRefused
from tenfold.core.rows import Rows

__all__ = ["refuse_too_little", "too_many", "units"]


def units(lines: int | None) -> str:
    """What can be left out: files, or lines of them."""
    return "files" if lines is None else "lines"


def too_many(rows: int, quarantined: list[dict[str, Any]], units: str) -> DataRefused:
    """The refusal of data of which more than 5 % cannot be used."""
    first, many = quarantined[0], len(quarantined)
    where, reason = first["source"], first["reason"]
    said = {
        "files": f"{many} of {rows} files cannot be used, more than 5 %: "
        f"the first, {where}, {reason}",
        "lines": f"{many} of {rows} lines cannot be used, more than 5 %: "
        f"the first, {where}, {reason}",
    }
    fix = "Mend or remove them (`tenfold check` lists all), or give --on-bad skip."
    return DataRefused(said[units], code="too-many-bad", where=where, fix=fix)


def _none_left(quarantined: list[dict[str, Any]], units: str) -> DataRefused:
    first, many = quarantined[0], len(quarantined)
    where, reason = first["source"], first["reason"]
    said = {
        "files": f"None of the {many} files can be used: the first, {where}, {reason}",
        "lines": f"None of the {many} lines can be used: the first, {where}, {reason}",
    }
    return DataRefused(said[units], code="too-many-bad", where=where, fix=first["fix"])


def refuse_too_little(rows: Rows, quarantined: list[dict[str, Any]]) -> None:
    """Raises DataRefused where no network can be built from these rows."""
    table = rows.table
    if table.empty and quarantined:
        raise _none_left(quarantined, units(rows.lines))
    if refusal := rows.answer.refuse(table):
        raise refusal
    if not (table["split"] == "train").any():
        raise DataRefused(
            "No row is left to learn from: all are copies of one another, belong to one group, "
            "or stand in validation or test as well",
            code="no-training-rows",
            fix="Remove the copies from the test part, or give groups of more than one name.",
        )
