"""Writes a run folder: its plan and facts before training, then rows, weights and scores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenfold.core import system
from tenfold.core.lazy import lazy
from tenfold.core.message import with_messages
from tenfold.core.results import SCHEMA
from tenfold.core.rows import reported
from tenfold.core.settings import settings_of
from tenfold.run import facts as run_facts
from tenfold.run import manifest
from tenfold.run.folder import FILES
from tenfold.run.manifest import pretty
from tenfold.task import Task, name_of

if TYPE_CHECKING:
    import pandas as pd

    from tenfold.answers.kind import AnswerKind
    from tenfold.run.run import Run

safetensors = lazy("safetensors.torch")

__all__ = ["begin", "rows", "save", "seal"]


def begin(folder: Path, task: Task, facts: dict[str, Any], plan: dict[str, Any]) -> None:
    """Writes plan, task and facts before training; the plan comes first and marks the start.

    May be called again for a run that was interrupted; its training then continues.
    """
    for left in manifest.leftovers(folder, FILES.known):
        (folder / left).unlink()
    about = {
        "schema": SCHEMA,
        "task": name_of(task),
        "settings": settings_of(task),
        "encoding": task.encoding,
    }
    for name, value in (("plan", plan), ("task", about)):
        system.write_atomically(folder / f"{name}.json", pretty(value))
    run_facts.write(folder, facts)


def rows(folder: Path, used: pd.DataFrame, answer: AnswerKind, quarantined: list[Any]) -> None:
    """Writes rows.jsonl with the used rows, and quarantine.jsonl with the unusable rows."""
    by = [*reported(used).values()]
    columns = ("source", "split", *answer.truths, "group", *by, "digest")
    for name in [name for name in ("group", *by) if name in used]:
        cells = used[name].astype(object)
        used = used.assign(**{name: cells.where(cells.notna(), None)})
    lines = used[[name for name in columns if name in used]].to_dict(orient="records")
    for name in [name for name in answer.baseline_columns if name in used]:
        for line, cell in zip(lines, used[name], strict=True):
            line |= {name: cell} if line["split"] == "train" else {}
    system.write_atomically(folder / "rows.jsonl", _lines(lines))
    unusable = [with_messages(line) for line in quarantined]
    system.write_atomically(folder / "quarantine.jsonl", _lines(unusable))


def save(run: Run) -> None:
    """Writes the facts and weights of a trained run."""
    run_facts.write(run.folder, run.facts)
    state = {
        name: value.detach().cpu().contiguous().clone()
        for name, value in run.net.state_dict().items()
    }
    system.write_atomically(run.folder / "weights.safetensors", safetensors.save(state))


def seal(run: Run) -> None:
    """Writes scores.json, without local paths, then the manifest, which completes the run."""
    folder = run.folder
    portable = run.scores | {"run": folder.name, "report": "report.html"}
    system.write_atomically(folder / "scores.json", pretty(portable))
    run.digest = manifest.seal(folder, FILES)["weights.safetensors"]["sha256"]


def _lines(rows: list[Any]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
