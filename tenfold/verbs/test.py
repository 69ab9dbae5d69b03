"""Score a run on its own test rows, or on labelled data it has never seen."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from tenfold import evidence, rereading
from tenfold.data import Columns
from tenfold.document import Document, scores_text
from tenfold.errors import DataRefused
from tenfold.progress import tell
from tenfold.run import Run, open_run

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
    source = rereading.place_of(run, data, "test RUN DATA")
    known = rereading.rows_of(run)
    table, bad = rereading.looked_at(run, source)
    seen = {row["digest"] for row in known if row["split"] != "test"}
    fresh = ~table["digest"].isin(seen)
    left_out = 0 if own else int((~fresh).sum())
    table = rereading.own_rows(table, known, "test") if own else table[fresh]
    if table.empty:
        raise DataRefused("No row is left to score", code="no-rows", where=str(source))
    if left_out:
        tell(f"{left_out} rows were seen in training: left out.")
    return _judged(run, table.reset_index(drop=True), bad, known, own), left_out


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
    bad += rereading.good(table.assign(problem=failed))[1]
    train = pd.DataFrame([row for row in known if row["split"] == "train"])
    columns = Columns(encoded.columns, kept.nonzero()[0])
    found = evidence.judge(run, table[kept].reset_index(drop=True), columns, train)
    found.quarantined = bad
    found.protocol = f"{len(found.table)} rows " + (
        "of the run's own test part" if own else "of data given, none seen in training"
    )
    return found
