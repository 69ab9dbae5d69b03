"""Score a run on its own test rows, or on labelled data it has never seen."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from tenfold import evidence
from tenfold.data import Columns
from tenfold.document import Document, scores_text
from tenfold.errors import DataRefused, UsageError
from tenfold.progress import tell
from tenfold.readers.scan import scan
from tenfold.run import Run, data_of, open_run

if TYPE_CHECKING:
    from tenfold.evidence import Evidence

__all__ = ["test"]


def test(
    run: str | Path | Run,
    data: str | Path | pd.DataFrame | None = None,
    *,
    device: str = "auto",
) -> Document:
    """Score a run on its own test rows, or on labelled data it has never seen.

    Args:
        run: A run folder.
        data: Labelled data; without, the run's own test rows are read again where they lay.
        device: auto, cpu, cuda, cuda:1 ...

    With data, every row is scored but those seen in training, which are left out and counted; a
    class that was never learnt counts as an error.

    Example:
        tenfold test runs/photos-image-classification-1
    """
    began = time.perf_counter()
    opened = run if isinstance(run, Run) else open_run(run, device)
    found, left_out = again(opened, data)
    document = evidence.scored(opened, found)
    learnt = {part: opened.scores["rows"].get(part) for part in ("train", "valid")}
    document["rows"] |= {"left_out": left_out, "quarantined": len(found.quarantined)} | learnt
    document["seconds"] = {"total": round(time.perf_counter() - began, 3)}
    text = scores_text(document)
    return Document(document | {"report": opened.scores["report"]}, text)


def again(run: Run, data: str | Path | pd.DataFrame | None) -> tuple[Evidence, int]:
    """Evidence on `data`, or on the run's own test rows; and how many rows were left out.

    Raises DataRefused where no row is left to score, UsageError where the data have moved.
    """
    own = data is None
    source = data_of(run.folder) if data is None else data
    if source is None:
        raise UsageError(
            "The run's data are not where they were, or it was trained on another machine",
            code="no-data",
            where=str(run.folder),
            fix="Give the data too: tenfold test RUN DATA.",
        )
    known = _rows_of(run)
    table = scan(run.app.read(source).reset_index(drop=True))
    table, bad = _good(table)
    seen = {row["digest"] for row in known if row["split"] != "test"}
    kept = _own_rows(table, known) if own else ~table["digest"].isin(seen)
    left_out = 0 if own else int((~kept).sum())
    table = table[kept].reset_index(drop=True)
    table = _relabelled(table, known) if own else table
    if table.empty:
        raise DataRefused("No row is left to score", code="no-rows", where=str(source))
    if left_out:
        tell(f"{left_out} rows were seen in training: left out.")
    return _judged(run, table, bad, known, own), left_out


def _rows_of(run: Run) -> list[dict[str, Any]]:
    text = (run.folder / "rows.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def _good(table: pd.DataFrame) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    bad = table["problem"].notna()
    lines = [
        {"source": source, **problem.to_json()}
        for source, problem in zip(table["source"][bad], table["problem"][bad], strict=True)
    ]
    return table[~bad].reset_index(drop=True), lines


def _own_rows(table: pd.DataFrame, known: list[dict[str, Any]]) -> pd.Series:
    """The rows of the run's test part: by name and content, by content alone where all moved."""
    mine = {(row["source"], row["digest"]) for row in known if row["split"] == "test"}
    pairs = pd.Series(list(zip(table["source"], table["digest"], strict=True)), table.index)
    kept = pairs.isin(mine)
    return kept if kept.any() else table["digest"].isin({digest for _, digest in mine})


def _relabelled(table: pd.DataFrame, known: list[dict[str, Any]]) -> pd.DataFrame:
    """The labels of training, which a mapping of classes may have changed."""
    if "label" not in table:
        return table
    mine = [row for row in known if row["split"] == "test"]
    by_content = {row["digest"]: row["label"] for row in mine}
    exact = {(row["source"], row["digest"]): row["label"] for row in mine}
    pairs = zip(table["source"], table["digest"], strict=True)
    return table.assign(label=[exact.get(pair, by_content[pair[1]]) for pair in pairs])


def _judged(
    run: Run,
    table: pd.DataFrame,
    bad: list[dict[str, Any]],
    known: list[dict[str, Any]],
    own: bool,
) -> Evidence:
    encoded = run.app.encode(table, run.facts)
    failed = pd.Series([encoded.problems.get(row) for row in range(len(table))], dtype=object)
    kept = failed.isna().to_numpy()
    bad += _good(table.assign(problem=failed))[1]
    train = pd.DataFrame([row for row in known if row["split"] == "train"])
    columns = Columns(encoded.columns, kept.nonzero()[0])
    found = evidence.judge(run, table[kept].reset_index(drop=True), columns, train)
    found.quarantined = bad
    found.protocol = f"{len(found.table)} rows " + (
        "of the run's own test part" if own else "of data given, none seen in training"
    )
    return found
