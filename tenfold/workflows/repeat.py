"""The same training with several seeds: each a run of its own; mean, spread and interval of scores.

<folder>/seed-0/ seed-1/ ...   runs like any other
<folder>/repeat.json           what was asked for, and once all are done what they came to
"""

from __future__ import annotations

import json
import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any

from tenfold.core import system
from tenfold.core.document import Document
from tenfold.core.errors import ArtefactRefused, UsageError
from tenfold.core.lazy import lazy
from tenfold.core.progress import tell
from tenfold.core.results import SCHEMA
from tenfold.run.folder import plan_of
from tenfold.run.run import Run, open_run
from tenfold.workflows.train import TrainingRequest, numbered, once, ready

special = lazy("scipy.special")

__all__ = ["Repeated", "repeated"]


class Repeated(Document):
    """The document of `train --repeat`; `runs` are the runs themselves, in the order of seeds."""

    def __init__(self, content: dict[str, Any], text: str, runs: list[Run]) -> None:
        super().__init__(content, text)
        self.runs = runs


def repeated(asked: TrainingRequest, times: int, out: str | Path | None) -> Repeated:
    """`times` runs with the seed asked for and those after it; minutes are shared among them.

    The same call again takes up where it was left. Each run is that of `train --seed` alone: where
    no split was given, each seed draws its own.
    """
    plan = asked.plan
    if plan.minutes is not None:
        plan = replace(plan, minutes=plan.minutes / times)
    wanted = {**_settings(replace(asked, plan=plan)), "repeat": times}
    folder = _folder(out, asked, wanted)
    _store(folder, {"schema": SCHEMA, "settings": wanted})
    done = []
    for number in range(times):
        seed = asked.plan.seed + number
        place = folder / f"seed-{seed}"
        tell(f"Run {number + 1} of {times}: seed {seed}")
        finished = (place / "manifest.json").exists()
        one = replace(asked, plan=replace(plan, seed=seed))
        done.append(_again(one, place) if finished else once(one, place))
    content = _summed(asked, folder, done)
    _store(folder, {**content, "settings": wanted})
    return Repeated(content, _text(content), done)


def _again(asked: TrainingRequest, folder: Path) -> Run:
    """A run that is finished already.

    Raises ArtefactRefused where the data are no longer those it learnt from.
    """
    if ready(asked)[1].fingerprint != plan_of(folder)["data"]:
        raise ArtefactRefused(
            "The data have changed since this run was made: its score and the others' do not mix",
            code="run-differs",
            where=str(folder),
            fix="Choose another --out.",
        )
    return open_run(folder, asked.plan.device)


def _settings(asked: TrainingRequest) -> dict[str, Any]:
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


def _store(folder: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    system.write_atomically(folder / "repeat.json", text)


def _folder(out: str | Path | None, asked: TrainingRequest, wanted: dict[str, Any]) -> Path:
    """As told, else the newest unfinished one that was asked for alike, else a new number."""
    if out is not None:
        return _told(Path(out), wanted)

    def fits(place: Path) -> bool:
        known = _known(place)
        return known.get("settings") == wanted and "scores" not in known

    return numbered(asked, fits)


def _told(folder: Path, wanted: dict[str, Any]) -> Path:
    known = _known(folder)
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


def _known(folder: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((folder / "repeat.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


# --- what they came to ----------------------------------------------------------------------------


def _summed(asked: TrainingRequest, folder: Path, done: list[Run]) -> dict[str, Any]:
    names = list(done[0].scores["scores"])
    scores = {
        name: _spread([run.scores["scores"][name]["value"] for run in done]) for name in names
    }
    headline = done[0].scores["headline"]
    return {
        "schema": SCHEMA,
        "task": asked.task,
        "folder": str(folder),
        "headline": headline,
        "scores": scores,
        "baselines": _baselines([run.scores["baselines"] for run in done]),
        "runs": [
            {
                "run": str(run.folder),
                "seed": asked.plan.seed + number,
                headline: run.scores["scores"][headline]["value"],
                "seconds": run.scores["seconds"]["total"],
            }
            for number, run in enumerate(done)
        ],
    }


def _spread(values: list[float]) -> dict[str, Any]:
    """Mean over seeds, its 95 % interval (Student's t), standard deviation, each value."""
    mean, deviation = statistics.mean(values), statistics.stdev(values)
    half = float(special.stdtrit(len(values) - 1, 0.975)) * deviation / len(values) ** 0.5
    found = {"mean": mean, "low": mean - half, "high": mean + half, "deviation": deviation}
    return {name: round(value, 6) for name, value in found.items()} | {"values": values}


def _baselines(each: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Means of what trivial methods reach on the same rows."""
    return {
        name: {
            metric: round(statistics.mean(one[name][metric] for one in each), 6)
            for metric in each[0][name]
        }
        for name in each[0]
    }


def _text(content: dict[str, Any]) -> str:
    headline = content["headline"]
    lines = [f"{content['task']}: {len(content['runs'])} runs in {content['folder']}", ""]
    for name, one in content["scores"].items():
        lines.append(
            f"  {name:18}{one['mean']:8.4f}   95 % {one['low']:.4f} to {one['high']:.4f}"
            f"   deviation {one['deviation']:.4f}{'  <- headline' if name == headline else ''}"
        )
    for baseline, values in content["baselines"].items():
        if headline in values:
            lines.append(f"  baseline: {baseline}, {headline} {values[headline]:.4f}")
    lines += ["", *(f"  {one['run']}  {headline} {one[headline]:.4f}" for one in content["runs"])]
    return "\n".join(lines)
