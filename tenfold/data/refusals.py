"""Errors for data with too few rows or too many unusable rows, and for invalid settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused, UsageError
from tenfold.core.message import EMPTY, Message
from tenfold.core.progress import tell
from tenfold.core.rows import Rows
from tenfold.media.files.references import printable

__all__ = [
    "Missing",
    "missing",
    "none_readable",
    "refuse_choices",
    "refuse_too_little",
    "state_unusable",
    "stopped",
    "units",
]


MAX_LISTED_ROWS = 1000
"""Maximum number of unusable rows that are printed where they stop a command."""
ON_BAD = ("stop", "fail", "skip")
"""Allowed values of the setting for unusable rows."""


def units(lines: int | None) -> Message:
    """The unit in which unusable rows are counted: files, or lines where `lines` is given."""
    return Message("files") if lines is None else Message("lines")


def state_unusable(quarantined: list[dict[str, Any]]) -> None:
    """Prints each unusable row in a line of its own, with the reason and how to fix it."""
    for one in quarantined[:MAX_LISTED_ROWS]:
        values = {name: one[name] for name in ("source", "reason", "fix")}
        tell(Message("left out: {source} {reason}. {fix}", **values))
    if len(quarantined) > MAX_LISTED_ROWS:
        more = len(quarantined) - MAX_LISTED_ROWS
        tell(Message("Further unusable rows: {count}.", count=more))


def _too_many(rows: int, quarantined: list[dict[str, Any]], units: Message) -> DataRefused:
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


@dataclass(frozen=True)
class Missing:
    """Data that are missing because rows cannot be used.

    `uncounted` are quarantine entries that stand for an unknown number of rows, such as a folder
    that cannot be read. `classes` are the names of classes all of whose rows cannot be used, each
    with the number of these rows and the quarantine entry of the first.
    """

    uncounted: list[dict[str, Any]] = field(default_factory=list)
    classes: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    units: Message = EMPTY

    def sentences(self) -> list[Message]:
        """Returns one sentence for each class without usable rows."""
        return [self._of(name, *found) for name, found in self.classes.items()]

    def _of(self, name: str, count: int, first: dict[str, Any]) -> Message:
        return Message(
            "Class {name!r} has no usable rows: {count} {units} cannot be used; the first: "
            "{source} {reason}",
            name=name,
            count=count,
            units=self.units,
            source=first["source"],
            reason=first["reason"],
        )

    def refusal(self, skip: Message = EMPTY) -> DataRefused | None:
        """Returns the error for these data, None where nothing is missing.

        `skip`, a sentence on how to continue, is added to the fix of the error.
        """
        if self.uncounted:
            first = self.uncounted[0]
            return DataRefused(
                Message(
                    "{source} {reason}; how many rows are missing is unknown",
                    source=first["source"],
                    reason=first["reason"],
                ),
                code=first["code"],
                where=first["source"],
                fix=_either(first["fix"], skip),
            )
        for name, (count, first) in self.classes.items():
            return DataRefused(
                self._of(name, count, first),
                code="lost-class",
                where=first["source"],
                fix=_either(first["fix"], skip),
            )
        return None


def _either(fix: Message, skip: Message) -> Message:
    return Message("{fix} {skip}", fix=fix, skip=skip) if fix and skip else fix or skip


def stopped(rows: int, quarantined: list[dict[str, Any]], gone: Missing) -> DataRefused | None:
    """Returns the error for data with too many unusable rows; None if there are not too many.

    Too many are: an unknown number of rows, more than 5 % of the rows, or all rows of a class.
    """
    if not gone.uncounted and len(quarantined) > 0.05 * rows:
        return _too_many(rows, quarantined, gone.units)
    return gone.refusal(Message("--on-bad skip goes on without them."))


def missing(rows: Rows, quarantined: list[dict[str, Any]]) -> Missing:
    """Returns the classes and folders that the data lack because of the quarantined rows.

    `rows` are all rows that were read.
    """
    entries = {one["source"]: one for one in quarantined}
    table, problems = rows.table, rows.table["problem"]
    doubts = [
        entries[source]
        for source, problem in zip(table["source"], problems, strict=True)
        if problem is not None and problem.uncounted and source in entries
    ]
    labelled = table[~rows.answer.blank(table)]
    lost: dict[str, list[str]] = {}
    kept: set[str] = set()
    if quarantined and rows.answer.counts(labelled):
        for source, names in zip(labelled["source"], rows.answer.strata(labelled), strict=True):
            if source not in entries:
                kept.update(names)
            for name in names if source in entries else ():
                lost.setdefault(name, []).append(source)
    classes = {
        name: (len(sources), entries[sources[0]])
        for name, sources in lost.items()
        if name not in kept
    }
    return Missing(doubts, classes, units(rows.lines))


def _unusable(quarantined: list[dict[str, Any]], units: Message) -> dict[str, Any]:
    """The number of unusable rows and the first of them, as values of a message."""
    first = {name: quarantined[0][name] for name in ("source", "reason")}
    return {"count": len(quarantined), "units": units, **first}


def refuse_too_little(
    rows: Rows, every: Rows, quarantined: list[dict[str, Any]], judged: bool
) -> Missing:
    """Raises DataRefused where no network can be trained on `rows`, the usable rows.

    `every` are all rows that were read. If classes or folders are missing because of unusable rows,
    the error names the first of these; if there is no error, they are returned. With `judged`, rows
    for validation or test are needed too. Before an error, all unusable rows are printed.
    """
    try:
        return _refuse_too_little(rows, every, quarantined, judged)
    except DataRefused:
        state_unusable(quarantined)
        raise


def _refuse_too_little(
    rows: Rows, every: Rows, quarantined: list[dict[str, Any]], judged: bool
) -> Missing:
    table, gone = rows.table, missing(every, quarantined)
    if table.empty and quarantined:
        raise _none_left(quarantined, units(rows.lines))
    if refusal := rows.answer.refuse(table):
        raise gone.refusal() or refusal
    if not (table["split"] == "train").any():
        raise DataRefused(
            Message(
                "No training row is left: all are duplicates, belong to one group, or are in "
                "validation or test too"
            ),
            code="no-training-rows",
            fix=Message("Remove the duplicates from the test part, or give more than one group."),
        )
    if judged:
        _refuse_unjudged(rows)
    return gone


def _refuse_unjudged(rows: Rows) -> None:
    """Raises DataRefused if no row is held out, although the answer kind needs held-out rows."""
    table = rows.table
    if rows.answer.fits_all(table) or table["split"].isin(["valid", "test"]).any():
        return
    fix = Message("Add rows that differ from these.")
    if len(table) == 1:
        what = Message("One row is not enough: none is left for validation and test")
        raise DataRefused(what, code="nothing-held-out", fix=fix)
    raise DataRefused(
        Message(
            "No row is left for validation and test: all {count} rows are copies or near copies "
            "of each other, or belong to one group, and such rows stay in one part",
            count=len(table),
        ),
        code="nothing-held-out",
        where=str(table["source"].iloc[0]),
        fix=fix,
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
