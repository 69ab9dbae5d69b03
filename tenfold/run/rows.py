"""The rows of a run, read again from rows.jsonl and from the data."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from tenfold.core.errors import DataRefused, UsageError
from tenfold.core.message import Message
from tenfold.core.progress import tell
from tenfold.core.rows import BY, Rows, reported
from tenfold.data import class_mapping, unlabelled
from tenfold.data.scan import scan
from tenfold.media.reading import with_table
from tenfold.media.registry import media_of
from tenfold.run.folder import data_of, refused_export
from tenfold.run.run import Run

__all__ = [
    "given",
    "good",
    "learnt",
    "looked_at",
    "own_rows",
    "place_of",
    "read_again",
    "refuse_trial",
    "rows_of",
    "to_score",
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


def learnt(run: Run, known: list[dict[str, Any]]) -> set[str]:
    """Digests of the rows of a run that it is not scored on: those of training and validation.

    None where the answer kind is fitted to all rows and scored on them. `known` are the entries of
    `rows_of`.
    """
    if run.answer_kind.fits_all(pd.DataFrame(known)):
        return set()
    return {row["digest"] for row in known if row["split"] != "test"}


def given(run: Run, table: pd.DataFrame, known: list[dict[str, Any]]) -> Message:
    """A sentence on the rows of given data that a run is scored on."""
    if not run.answer_kind.fits_all(table):
        return Message("{rows} rows of the given data, none seen in training", rows=len(table))
    seen = int(table["digest"].isin({row["digest"] for row in known}).sum())
    return Message(
        "{rows} rows of the given data, {seen} of them used for training",
        rows=len(table),
        seen=seen,
    )


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


def read_again(run: Run, source: Any, by: Sequence[str] = ()) -> tuple[Rows, list[dict[str, Any]]]:
    """The usable rows of a source as Rows, and an entry for each unusable row.

    The source is read as the training data were, and the class mapping of the run is applied. It
    may lack the columns of `--by` of the training, because they are only reported; those given as
    `by`, which replace them, are needed. Raises DataRefused for data with another answer kind,
    UsageError where a column of `by` is missing.
    """
    source, stored = with_table(source, run.reading)
    reading = replace(stored, by=tuple(by)).finding(by=[] if by else list(stored.by))
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


def to_score(
    run: Run, data: Any, known: list[dict[str, Any]], usage: str, by: Sequence[str] = ()
) -> tuple[Rows, list[dict[str, Any]], str, int]:
    """The rows to score a run on: those of `data`, else its own test rows, read again.

    Returns the rows, an entry for each unusable row, the part of the run ("" for `data`) and the
    number of rows left out because they were used in training; of an answer kind that is fitted
    to all rows and scored on them, none. `known` are the entries of
    `rows_of`, `usage` is the command that an error suggests. Raises what `again` of
    `run/evaluate.py` does.
    """
    own = data is None
    if own:
        refuse_trial(run)
    source = place_of(run, data, usage)
    rows, bad = read_again(run, source, _unstored(known, by, own))
    table = rows.table
    seen = learnt(run, known)
    fresh = ~table["digest"].isin(seen)
    left_out = 0 if own else int((~fresh).sum())
    parts = {row["split"] for row in known}
    part = next((name for name in ("test", "valid") if name in parts), "train")
    table = own_rows(run, table, known, part) if own else table[fresh]
    if table.empty:
        raise DataRefused(Message("No row is left to score"), code="no-rows", where=str(source))
    if left_out:
        tell(
            Message(
                "Rows left out because they were used in training: {count}.", count=int(left_out)
            )
        )
    rows = rows.with_table(_reported_by(run, table, known, by).reset_index(drop=True))
    return rows, bad, part if own else "", left_out


def _unstored(known: list[dict[str, Any]], by: Sequence[str], own: bool) -> list[str]:
    """The columns of `by` that the data need: those that the run does not store.

    For other data than the run's own, all of them, or none where the run stores all.
    """
    stored = {_plain(name.removeprefix(BY)) for row in known for name in row if name.startswith(BY)}
    needed = [name for name in by if _plain(name) not in stored]
    return needed if own or not needed else list(by)


def _reported_by(
    run: Run, table: pd.DataFrame, known: list[dict[str, Any]], by: Sequence[str]
) -> pd.DataFrame:
    """The table with the columns `by` alone to report by, () = those of the training.

    A column of `by` that the table lacks is filled in from the rows that the run stores.
    """
    wanted = {_plain(name): name for name in by or run.reading.by}
    there = {_plain(name): at for name, at in reported(table).items()}
    if by:
        table = table.drop(columns=[at for name, at in there.items() if name not in wanted])
    for plain, name in wanted.items():
        if plain in there:
            continue
        cells = {
            row["digest"]: cell
            for row in known
            for at, cell in row.items()
            if by and at.startswith(BY) and _plain(at.removeprefix(BY)) == plain
        }
        if table["digest"].isin(cells.keys()).any():
            table = table.assign(**{BY + name: table["digest"].map(cells).astype(object)})
        else:
            tell(Message("These data have no column {column!r} to report scores by.", column=name))
    return table


def _plain(name: str) -> str:
    return name.strip().lower()


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
