"""Several runs in one folder: where it lies, what it was asked for, what all runs have in common.

<folder>/<name>.json   the document of the runs, with the settings they were asked for with
"""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

from tenfold.core import system
from tenfold.core.document import Document
from tenfold.core.errors import ArtefactRefused, UsageError
from tenfold.data.prepare import Prepared
from tenfold.run.folder import plan_of
from tenfold.run.run import Run, open_run
from tenfold.workflows.train import TrainingRequest, numbered, ready

__all__ = ["SeveralRuns", "again", "baselines", "folder_for", "settings_of", "store", "unchanged"]


class SeveralRuns(Document):
    """The document of several runs; `runs` are the runs themselves."""

    def __init__(self, content: dict[str, Any], text: str, runs: list[Run]) -> None:
        super().__init__(content, text)
        self.runs = runs


def again(asked: TrainingRequest, folder: Path) -> Run:
    """A run that is finished already.

    Raises ArtefactRefused where the data are no longer those it learnt from.
    """
    unchanged(ready(asked)[1], folder)
    return open_run(folder, asked.plan.device)


def unchanged(prepared: Prepared, folder: Path) -> None:
    """Raises ArtefactRefused where a finished run learnt from other data."""
    if prepared.fingerprint != plan_of(folder)["data"]:
        raise ArtefactRefused(
            "The data have changed since this run was made: its score and the others' do not mix",
            code="run-differs",
            where=str(folder),
            fix="Choose another --out.",
        )


def settings_of(asked: TrainingRequest) -> dict[str, Any]:
    """What must agree for the same call to go on."""
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
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    system.write_atomically(path, text)


def folder_for(
    out: str | Path | None, asked: TrainingRequest, wanted: dict[str, Any], name: str
) -> Path:
    """`out`, else the newest unfinished folder with these settings, else one of a new number.

    The document of the runs has this `name` in it.
    """
    if out is not None:
        return _given(Path(out), wanted, name)

    def fits(place: Path) -> bool:
        known = _known(place / name)
        return known.get("settings") == wanted and "scores" not in known

    return numbered(asked, fits)


def _given(folder: Path, wanted: dict[str, Any], name: str) -> Path:
    known = _known(folder / name)
    if known and known.get("settings") != wanted:
        raise ArtefactRefused(
            "Runs that were asked for with other settings are there",
            code="run-differs",
            where=str(folder),
            fix="Choose another --out, or give the same settings and data.",
        )
    if not known and folder.exists() and any(path.name[0] != "." for path in folder.iterdir()):
        raise UsageError(
            "The folder for the runs holds other files",
            code="run-exists",
            where=str(folder),
            fix="Choose a new --out.",
        )
    return folder


def _known(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def baselines(each: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Means over runs of what trivial methods reach on the same rows, where all runs have them."""
    common = [name for name in each[0] if all(name in one for one in each)]
    return {
        name: {
            metric: round(statistics.mean(one[name][metric] for one in each), 6)
            for metric in each[0][name]
            if all(metric in one[name] for one in each)
        }
        for name in common
    }
