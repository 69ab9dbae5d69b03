"""The rows of a run, read again from rows.jsonl and from the data."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from tenfold.core.errors import DataRefused, UsageError
from tenfold.core.message import Message
from tenfold.core.progress import tell
from tenfold.core.rows import BY, Rows
from tenfold.data import class_mapping, unlabelled
from tenfold.data.scan import scan
from tenfold.media.reading import with_table
from tenfold.media.registry import media_of
from tenfold.run.folder import data_of, refused_export
from tenfold.run.run import Run

__all__ = [
    "good",
    "looked_at",
    "own_rows",
    "place_of",
    "read_again",
    "refuse_trial",
    "rows_of",
    "unknown_classes",
]


def rows_of(run: Run) -> list[dict[str, Any]]:
    """The entries of rows.jsonl: source, split, true label and digest of every used row.

    Raises UsageError for an exported run outside of the folder of its run.
    """
    path = run.home / "rows.jsonl"
    if not path.is_file():
        raise refused_export(run.folder, Message("An exported run does not hold its training rows"))
    text = path.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n") if line]


def refuse_trial(run: Run) -> None:
    """Raises UsageError for a trial of a search; only the best run may use the test part."""
    if "trial" in run.scores.get("tuned", {}):
        raise UsageError(
            Message("This run is a trial of a search and is scored on validation only"),
            code="trial-run",
            where=str(run.folder),
            fix=Message(
                "Give the best run of the search (the folder `best` beside this one), or give "
                "labelled data."
            ),
        )


def place_of(run: Run, data: Any, verb: str) -> Any:
    """`data` where given, else the path of the run's own data on this machine.

    Raises UsageError where that path does not exist or is unknown; `verb` is the command that the
    error suggests.
    """
    found = data_of(run.home) if data is None else data
    if found is None:
        raise UsageError(
            Message("The data of this run were moved, or it was trained on another machine"),
            code="no-data",
            where=str(run.folder),
            fix=Message("Give the data too: tenfold {verb}.", verb=verb),
        )
    return found


def looked_at(run: Run, source: Any) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """The usable rows of a source with their digests, and an entry for each unusable row."""
    rows, lines = read_again(run, source)
    return rows.table, lines


def read_again(run: Run, source: Any) -> tuple[Rows, list[dict[str, Any]]]:
    """The usable rows of a source as Rows, and an entry for each unusable row.

    The source is read as the training data were, and the class mapping of the run is applied. It
    may lack the columns of `--by`, because they are only reported. Raises DataRefused
    for data with another answer kind.
    """
    source, stored = with_table(source, run.reading)
    reading = replace(stored, by=()).finding(by=list(stored.by))
    rows = run.task.read(source, reading)
    if rows.answer is not run.answer_kind:
        raise DataRefused(
            Message(
                "The labels of these data are of the kind {given!r}, this run predicts "
                "{expected!r}",
                given=rows.answer.name,
                expected=run.answer_kind.name,
            ),
            code="other-answers",
            where=str(source) if isinstance(source, (str, Path)) else "DataFrame",
            fix=Message("Give data with labels of the same kind as the training data."),
        )
    rows = class_mapping.apply_known(rows, reading.classes)
    rows = rows.with_table(rows.table.reset_index(drop=True))
    unlabelled.refuse_unlabelled(rows, str(source) if isinstance(source, (str, Path)) else "")
    rows = unlabelled.without_unlabelled(rows)[0]
    table, bad = good(scan(unlabelled.with_problems(rows), media_of(rows.inputs), rows.root))
    return rows.with_table(table), bad


def unknown_classes(run: Run, table: pd.DataFrame) -> dict[str, int]:
    """Counts the labels of each class that the run does not know, and reports them."""
    known = {*run.answer_kind.classes(run.facts.get("truths", {}))}
    counts = run.answer_kind.counts(table) if known else Counter[str]()
    unknown = {name: count for name, count in counts.most_common() if name not in known}
    if unknown:
        tell(
            Message(
                "{count} labels are of classes that the run does not know ({names}): each counts "
                "as an error.",
                count=sum(unknown.values()),
                names=", ".join([*unknown][:8]) + (" ..." if len(unknown) > 8 else ""),
            )
        )
    return unknown


def good(table: pd.DataFrame) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Returns the rows without a problem, and the source and problem of each other row."""
    bad = table["problem"].notna()
    lines = [
        {"source": source, **problem.to_json()}
        for source, problem in zip(table["source"][bad], table["problem"][bad], strict=True)
    ]
    return table[~bad].reset_index(drop=True), lines


def own_rows(run: Run, table: pd.DataFrame, known: list[dict[str, Any]], part: str) -> pd.DataFrame:
    """The rows of a table that belong to one part of the run, with the labels used in training.

    Rows are matched by source and digest, or by digest alone if no source matches. The labels come
    from the run, because a class mapping may have renamed classes; so do the groups and the columns
    that scores are reported by.
    """
    mine = [row for row in known if row["split"] == part]
    exact = {(row["source"], row["digest"]): row for row in mine}
    by_content = {row["digest"]: row for row in mine}
    pairs = pd.Series(list(zip(table["source"], table["digest"], strict=True)), table.index)
    kept = pairs.isin(set(exact))
    kept = kept if kept.any() else table["digest"].isin(set(by_content))
    rows = [exact.get(pair) or by_content[pair[1]] for pair in pairs[kept]]
    return _relabelled(table[kept].reset_index(drop=True), rows, run.answer_kind.truths)


def _relabelled(
    table: pd.DataFrame, rows: list[dict[str, Any]], truths: tuple[str, ...]
) -> pd.DataFrame:
    new = {
        name: pd.Series([_made(row[name]) for row in rows], table.index, dtype=object)
        for name in truths
        if name in table and all(name in row for row in rows)
    }
    stored = dict.fromkeys(name for row in rows for name in row if name.startswith(BY))
    grouped = any(row.get("group") is not None for row in rows)
    for name in [*(("group",) if grouped else ()), *stored]:
        new[name] = pd.Series([row.get(name) for row in rows], table.index, dtype=object)
    return table.assign(**new)


def _made(truth: Any) -> Any:
    """A true label from JSON in the form used in tables: lists, also nested ones, become tuples."""
    return tuple(map(_made, truth)) if isinstance(truth, list) else truth
