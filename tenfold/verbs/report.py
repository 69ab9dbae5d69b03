"""Make the report of a run again, with new pictures or on other data."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenfold import evidence
from tenfold.document import Document
from tenfold.errors import DataRefused, UsageError
from tenfold.progress import tell
from tenfold.reporting import write
from tenfold.results import SCHEMA
from tenfold.run import Run, open_run
from tenfold.verbs.test import again

if TYPE_CHECKING:
    import pandas as pd

    from tenfold.evidence import Evidence

__all__ = ["report"]


def report(
    run: str | Path | Run,
    data: str | Path | pd.DataFrame | None = None,
    *,
    out: str | Path | None = None,
    device: str = "auto",
) -> Document:
    """Make the report of a run again, with new pictures or on other data.

    Args:
        run: A run folder.
        data: Labelled data to report on; without, the run's own test rows where they still lie.
        out: HTML file to write; without, the run's report.html, or a file beside it for other data.
        device: auto, cpu, cuda, cuda:1 ...

    Where the data have moved, the report is made without pictures from the scores of training.

    Example:
        tenfold report runs/photos-image-classification-1
    """
    opened = run if isinstance(run, Run) else open_run(run, device)
    found = _evidence(opened, data)
    scores = opened.scores
    if found is not None and data is not None:
        scores = scores | evidence.scored(opened, found)
        scores["rows"] = opened.scores.get("rows", {}) | scores["rows"]
    place = Path(out) if out is not None else _beside(opened, data)
    path = write(dataclasses.replace(opened, scores=scores), found, place)
    content = {
        "schema": SCHEMA,
        "kind": opened.kind,
        "run": str(opened.folder),
        "report": str(path),
        "pictures": found is not None,
        "headline": scores["headline"],
        "scores": scores["scores"],
    }
    return Document(content, f"Report: {path}")


def _beside(run: Run, data: Any) -> Path | None:
    """None for the run's own report; a report on other data lies beside the run folder."""
    if data is None:
        return None
    name = Path(data).resolve().stem if isinstance(data, (str, Path)) else "data"
    return run.folder.with_name(f"{run.folder.resolve().name}-on-{name}.html")


def _evidence(run: Run, data: str | Path | pd.DataFrame | None) -> Evidence | None:
    """Answers on the data, or on the run's own test rows; None where those are gone."""
    try:
        return again(run, data)[0]
    except (UsageError, DataRefused):
        if data is not None:
            raise
    tell("The run's data are not where they were: the report is made without pictures.")
    return None
