"""The rows of a run, read again where their data lie: from rows.jsonl and the data themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from tenfold.core.errors import DataRefused, UsageError
from tenfold.core.rows import Rows
from tenfold.data.scan import scan
from tenfold.media.reading import Reading
from tenfold.media.registry import media_of
from tenfold.run.folder import data_of, refused_export
from tenfold.run.run import Run

__all__ = ["good", "looked_at", "own_rows", "place_of", "read_again", "refuse_trial", "rows_of"]


def rows_of(run: Run) -> list[dict[str, Any]]:
    """What rows.jsonl says: source, split, answer and digest of every row that was used.

    Raises UsageError for an exported run that lies apart from the run it was made of.
    """
    path = run.home / "rows.jsonl"
    if not path.is_file():
        raise refused_export(run.folder, "An exported run does not hold the rows it was trained on")
    text = path.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n") if line]


def refuse_trial(run: Run) -> None:
    """Raises UsageError for a trial of a search: what it has not seen yet is for the winner."""
    if "trial" in run.scores.get("tuned", {}):
        raise UsageError(
            "This run is a trial of a search, which is judged on validation alone",
            code="trial-run",
            where=str(run.folder),
            fix="Name the winner, the run `best` beside it, or give labelled data.",
        )


def place_of(run: Run, data: Any, verb: str) -> Any:
    """`data` where they are given, else where the run's own lay on this machine.

    Raises UsageError, with the command that helps, where they are there no more.
    """
    found = data_of(run.home) if data is None else data
    if found is None:
        raise UsageError(
            "The run's data are not where they were, or it was trained on another machine",
            code="no-data",
            where=str(run.folder),
            fix=f"Give the data too: tenfold {verb}.",
        )
    return found


def looked_at(run: Run, source: Any) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Rows with their digests, and a line for each that cannot be used."""
    rows, lines = read_again(run, source)
    return rows.table, lines


def read_again(run: Run, source: Any) -> tuple[Rows, list[dict[str, Any]]]:
    """The same as the task reads them, with what else the source holds.

    Raises DataRefused for data with truths of another kind.
    """
    rows = run.task.read(source, Reading.of_json(run.facts.get("reading")))
    if rows.answer is not run.answer_kind:
        raise DataRefused(
            f"The truths of these data are of the kind {rows.answer.name}, the run answers with "
            f"{run.answer_kind.name}",
            code="other-answers",
            where=str(source) if isinstance(source, (str, Path)) else "DataFrame",
            fix="Give data that are labelled as the run's own are.",
        )
    table, bad = good(scan(rows.table.reset_index(drop=True), media_of(rows.inputs), rows.root))
    return rows.with_table(table), bad


def good(table: pd.DataFrame) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """The rows without a problem, and a line for each of the others."""
    bad = table["problem"].notna()
    lines = [
        {"source": source, **problem.to_json()}
        for source, problem in zip(table["source"][bad], table["problem"][bad], strict=True)
    ]
    return table[~bad].reset_index(drop=True), lines


def own_rows(run: Run, table: pd.DataFrame, known: list[dict[str, Any]], part: str) -> pd.DataFrame:
    """The rows of one part of the run, with the answers of training.

    They are known by name and content, by content alone where all have moved. A mapping of
    classes may have changed what they were called in the data.
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
    return table.assign(**new)


def _made(truth: Any) -> Any:
    """A truth as it stands in tables: lists of JSON are tuples there, inner ones too."""
    return tuple(map(_made, truth)) if isinstance(truth, list) else truth
