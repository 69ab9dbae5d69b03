"""Several runs in one folder: its path, the settings of the request, and shared baselines.

<folder>/<name>.json   the document of the runs, with the settings of the request
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tenfold.core import system
from tenfold.core.document import Document
from tenfold.core.errors import ArtefactRefused, UsageError
from tenfold.core.message import Message
from tenfold.data.prepare import Prepared
from tenfold.run.folder import plan_of
from tenfold.run.manifest import pretty
from tenfold.run.run import Run, open_run
from tenfold.workflows.places import numbered, outside
from tenfold.workflows.train import TrainingRequest, ready

__all__ = ["SeveralRuns", "again", "baselines", "folder_for", "settings_of", "store", "unchanged"]


class SeveralRuns(Document):
    """The document of several runs; `runs` are the runs themselves."""

    def __init__(self, content: dict[str, Any], text: Callable[[], str], runs: list[Run]) -> None:
        super().__init__(content, text)
        self.runs = runs


def again(asked: TrainingRequest, folder: Path) -> Run:
    """Opens a finished run.

    Raises ArtefactRefused where the data have changed since it was trained.
    """
    unchanged(ready(asked)[1], folder)
    return open_run(folder, asked.plan.device)


def unchanged(prepared: Prepared, folder: Path) -> None:
    """Raises ArtefactRefused where a finished run was trained on other data."""
    if prepared.fingerprint != plan_of(folder)["data"]:
        raise ArtefactRefused(
            Message(
                "The data have changed since this run was made, so the scores cannot be combined"
            ),
            code="run-differs",
            where=str(folder),
            fix=Message("Choose another --out."),
        )


def settings_of(asked: TrainingRequest) -> dict[str, Any]:
    """The settings that must be equal for the same call to continue, as JSON."""
    data = str(Path(asked.data).resolve()) if isinstance(asked.data, (str, Path)) else None
    told = {
        "task": asked.task,
        "settings": asked.settings,
        "plan": asked.plan.settings(),
        "data": data,
    }
    found: dict[str, Any] = json.loads(json.dumps(told | asked.choices))
    return found


def store(path: Path, content: dict[str, Any]) -> None:
    """Writes the document of the runs."""
    system.write_atomically(path, pretty(content))


def folder_for(
    out: str | Path | None, asked: TrainingRequest, wanted: dict[str, Any], name: str
) -> Path:
    """The folder: `out`, else the newest unfinished one with equal settings, else a new one.

    `name` is the file name of the document of the runs in it. Raises ArtefactRefused where `out`
    holds runs with other settings, UsageError where it holds other files.
    """
    if out is not None:
        return _given(outside(out, asked.data), wanted, name)

    def fits(place: Path) -> bool:
        known = _known(place / name)
        return known.get("settings") == wanted and "scores" not in known

    return numbered(asked.task, asked.data, fits)


def _given(folder: Path, wanted: dict[str, Any], name: str) -> Path:
    known = _known(folder / name)
    if known and known.get("settings") != wanted:
        raise ArtefactRefused(
            Message("The folder holds runs with other settings"),
            code="run-differs",
            where=str(folder),
            fix=Message("Choose another --out, or give the same settings and data."),
        )
    if not known and folder.exists() and any(path.name[0] != "." for path in folder.iterdir()):
        raise UsageError(
            Message("The folder for the runs holds other files"),
            code="run-exists",
            where=str(folder),
            fix=Message("Choose a new --out."),
        )
    return folder


def _known(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def baselines(each: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Mean scores of baselines over runs, for baselines and metrics that all runs have."""
    common = [name for name in each[0] if all(name in one for one in each)]
    return {
        name: {
            metric: round(statistics.mean(one[name][metric] for one in each), 6)
            for metric in each[0][name]
            if all(metric in one[name] for one in each)
        }
        for name in common
    }
