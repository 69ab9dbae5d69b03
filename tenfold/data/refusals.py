"""Errors for data with too few rows or too many unusable rows, and for invalid settings."""

from __future__ import annotations

from typing import Any

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused, UsageError
from tenfold.core.message import Message
from tenfold.core.rows import Rows
from tenfold.media.files.references import printable

__all__ = ["none_readable", "refuse_choices", "refuse_too_little", "too_many", "units"]


ON_BAD = ("stop", "fail", "skip")
"""Allowed values of the setting for unusable rows."""


def units(lines: int | None) -> Message:
    """The unit in which unusable rows are counted: files, or lines where `lines` is given."""
    return Message("files") if lines is None else Message("lines")


def too_many(rows: int, quarantined: list[dict[str, Any]], units: Message) -> DataRefused:
    """The error for data with more than 5 % unusable rows."""
    return DataRefused(
        Message(
            "{count} of {rows} {units} cannot be used, more than 5 %; the first: {source} {reason}",
            rows=rows,
            **_unusable(quarantined, units),
        ),
        code="too-many-bad",
        where=quarantined[0]["source"],
        fix=Message("Fix or remove them (`tenfold check` lists all), or give --on-bad skip."),
    )


def _none_left(quarantined: list[dict[str, Any]], units: Message) -> DataRefused:
    return DataRefused(
        Message(
            "None of the {count} {units} can be used; the first: {source} {reason}",
            **_unusable(quarantined, units),
        ),
        code="too-many-bad",
        where=quarantined[0]["source"],
        fix=quarantined[0]["fix"],
    )


def _unusable(quarantined: list[dict[str, Any]], units: Message) -> dict[str, Any]:
    """The number of unusable rows and the first of them, as values of a message."""
    first = {name: quarantined[0][name] for name in ("source", "reason")}
    return {"count": len(quarantined), "units": units, **first}


def refuse_too_little(rows: Rows, quarantined: list[dict[str, Any]]) -> None:
    """Raises DataRefused where no network can be trained on these rows."""
    table = rows.table
    if table.empty and quarantined:
        raise _none_left(quarantined, units(rows.lines))
    if refusal := rows.answer.refuse(table):
        raise refusal
    if not (table["split"] == "train").any():
        raise DataRefused(
            Message(
                "No training row is left: all are duplicates, belong to one group, or are in "
                "validation or test too"
            ),
            code="no-training-rows",
            fix=Message("Remove the duplicates from the test part, or give more than one group."),
        )


def refuse_choices(seed: int, on_bad: str, limit: int | None = None) -> None:
    """Raises UsageError for an invalid seed, rule for unusable rows (`on_bad`) or limit."""
    value: Any
    if not 0 <= seed < 2**23:
        name, value, wanted = "seed", seed, Message("from 0 to {high}", high=2**23 - 1)
    elif on_bad not in ON_BAD:
        rules = ", ".join(ON_BAD)
        name, value, wanted = "on_bad", on_bad, Message("one of {choices}", choices=rules)
    elif limit is not None and limit < 1:
        name, value, wanted = "limit", limit, Message("more than 0")
    else:
        return
    raise UsageError(
        Message("{name} must be {wanted}, got {value!r}", name=name, wanted=wanted, value=value),
        code="bad-setting",
    )


def none_readable(count: int, source: str, problem: Problem) -> DataRefused:
    """The error where none of `count` inputs can be read; `source` is the first of them."""
    name = printable(source)
    return DataRefused(
        Message(
            "None of the {count} inputs can be read: {source} {reason}",
            count=count,
            source=name,
            reason=problem.reason,
        ),
        code=problem.code,
        where=name,
        fix=problem.fix,
    )
