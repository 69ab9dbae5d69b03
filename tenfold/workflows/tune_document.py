"""The document of a hyperparameter search."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tenfold.core.document import Document
from tenfold.core.results import SCHEMA, rounded
from tenfold.data.prepare import Prepared
from tenfold.reporting import tuning
from tenfold.run.compare import Compared
from tenfold.run.run import Run
from tenfold.workflows.train import TrainingRequest

__all__ = ["Content", "Tuned", "content_of", "gain"]

Content = dict[str, Any]


class Tuned(Document):
    """The document of `tune`; `run` is the final run, trained again and tested."""

    def __init__(self, content: Content, run: Run) -> None:
        super().__init__(content, lambda: tuning.text(content, run.scores))
        self.run = run


def content_of(
    asked: TrainingRequest,
    folder: Path,
    done: list[Content],
    decided: Content,
    run: Run,
    prepared: Prepared,
) -> Content:
    """The document as JSON; `decided` is the choice between the winner and the default."""
    parts = ("train", "selection", "calibration", "test")
    names = ("headline", "protocol", "scores", "baselines", "report")
    return {
        "schema": SCHEMA,
        "task": asked.task,
        "folder": str(folder),
        "run": str(run.folder),
        "rows": {part: len(prepared.rows(part)) for part in parts},
        "trials": [_row(folder, one) for one in done],
        **{name: decided[name] for name in ("winner", "selected", "gain", "verdict")},
        **{name: run.scores[name] for name in names},
        "seconds": {"trials": round(float(sum(one["seconds"] for one in done)), 3)},
    }


def _row(folder: Path, one: Content) -> Content:
    """The entry of a trial in the document."""
    told = {name: one.get(name) for name in ("trial", "ended", "settings", "value", "seconds")}
    return told | {"run": str(folder / one["run"]), "message": one.get("message", "")}


def gain(found: Compared | None) -> Content:
    """The difference of winner and default on the reserved rows, as JSON."""
    if found is None:
        return {"value": None, "low": None, "high": None, "rows": 0}
    pair = found.paired
    told = {"value": pair.difference, "low": pair.low, "high": pair.high}
    return {name: rounded(value) for name, value in told.items()} | {"rows": found.rows}
