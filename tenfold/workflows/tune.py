"""The search for better settings: trials judged on validation, the best trained anew and tested.

<folder>/trials.jsonl          what was tried, as Optuna keeps it
<folder>/tune.json             what was asked for, what was decided, and at the end the document
<folder>/trial-000/ ...        runs like any other, judged on validation alone
<folder>/best/                 the winner, trained anew, judged on the test part once

Nothing here knows a task: what may vary is declared with its settings (`core.settings.setting`).
One half of validation chooses among the trials. The best of many flatters itself there, so whether
it beats the default is asked of the other half, which chose nothing.
"""

from __future__ import annotations

import dataclasses
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from tenfold.answers.kind import AnswerKind
from tenfold.core import system
from tenfold.core.document import Document
from tenfold.core.errors import DataRefused, TrainingFailed, UsageError
from tenfold.core.lazy import lazy
from tenfold.core.progress import clock, tell
from tenfold.core.results import SCHEMA
from tenfold.core.settings import settings_of
from tenfold.core.version import __version__
from tenfold.data.prepare import Prepared
from tenfold.reporting import comparison, tuning, words
from tenfold.run import compare
from tenfold.run import folder as run_folder
from tenfold.run.compare import Compared
from tenfold.run.manifest import pretty
from tenfold.run.run import Run, open_run
from tenfold.task import Answer
from tenfold.tasks.registry import class_of
from tenfold.workflows import trials
from tenfold.workflows.train import TrainingRequest, numbered, once, ready, refuse_changed
from tenfold.workflows.trials import Field, Pruned, Trial, Trials

torch = lazy("torch")

__all__ = ["Tuned", "search"]

FINAL = 0.25
"""Of the minutes, kept for the run that is trained anew."""
SHORT = 15
"""Seconds of a trial below which it is said that they are few."""
FEW = 50
"""Rows that choose below which it is said that they are few."""

Content = dict[str, Any]


class Tuned(Document):
    """The document of `tune`; `run` is the winner, trained anew and tested."""

    def __init__(self, content: Content, text: str, run: Run) -> None:
        super().__init__(content, text)
        self.run = run


@dataclass(frozen=True)
class _Search:
    """What was asked for, and where it is done; `minutes` are those of one trial."""

    asked: TrainingRequest
    count: int
    folder: Path
    minutes: float | None
    began: float

    def place(self, number: int) -> Path:
        """The run folder of a trial."""
        return self.folder / f"trial-{number:03d}"

    def of(self, settings: Content, **more: Any) -> TrainingRequest:
        """A training with these settings beside those that are held."""
        return replace(self.asked, settings=self.asked.settings | settings, **more)


def search(asked: TrainingRequest, count: int, out: str | Path | None) -> Tuned:
    """`count` trials and the winner trained anew; the plan's minutes are those of all together.

    The same call again goes on where it was left. Raises UsageError where nothing may vary,
    EnvironmentRefused without Optuna, DataRefused where no row of validation is left to choose by,
    ArtefactRefused where the folder holds a search with other settings or data.
    """
    began = time.perf_counter()
    fields = _fields(asked)
    version = trials.version()
    task, prepared = ready(asked)
    _look_at(prepared)
    wanted = _settings(asked, count, settings_of(task), fields, prepared, version)
    folder = _folder(out, asked, wanted)
    minutes = asked.plan.minutes
    each = (1 - FINAL) * minutes / count if minutes else None
    with system.locked(folder):
        begun = _Search(asked, count, folder, each, began)
        if (known := _known(folder)).get("content"):
            return _tuned(known["content"], open_run(folder / "best", asked.plan.device))
        if not known:
            _store(folder, {"schema": SCHEMA, "settings": wanted})
        found = Trials(folder / "trials.jsonl", asked.plan.seed, fields, settings_of(task))
        if "decided" not in known:
            _try_all(begun, found)
            known = _note(folder, decided=_decided(begun, found.done))
        run = _run(_final(begun, found.done, known["decided"]), folder / "best")
        content = _content(begun, found.done, known["decided"], run, prepared)
        _note(folder, content=content)
    return _tuned(content, run)


def _fields(asked: TrainingRequest) -> list[Field]:
    """The settings that may vary: declared so by the task, not given by the person."""
    fields = dataclasses.fields(class_of(asked.task))  # type: ignore[arg-type]
    declared = [entry for entry in fields if entry.metadata.get("search")]
    found = [entry for entry in declared if entry.name not in asked.settings]
    if not found:
        names = ", ".join(f"--{entry.name.replace('_', '-')}" for entry in declared)
        raise UsageError(
            f"There is nothing to vary: {asked.task} "
            + (f"lets {names} vary, and all are given" if names else "declares no setting for it"),
            code="nothing-to-tune",
            fix="Leave one of them out." if names else "Use `tenfold train`.",
        )
    return found


def _look_at(prepared: Prepared) -> None:
    """Raises DataRefused where no row can choose; says so where they are few."""
    rows = len(prepared.rows("selection"))
    if not rows:
        raise DataRefused(
            "No row of validation is left to choose settings by",
            code="no-validation-rows",
            fix="Add examples: a tenth of them or more becomes validation.",
        )
    if rows < FEW:
        tell(
            f"{words.plural(rows, 'validation row')} to choose by: among so few, what is best is "
            "mostly chance."
        )


# --- the folder -----------------------------------------------------------------------------------


def _settings(
    asked: TrainingRequest,
    count: int,
    settings: Content,
    fields: list[Field],
    prepared: Prepared,
    version: str,
) -> Content:
    """What must agree for the same call to go on."""
    told = {
        "task": asked.task,
        "trials": count,
        "plan": asked.plan.settings(),
        **asked.choices,
        "settings": settings,
        "varied": [entry.name for entry in fields],
        "data": prepared.fingerprint,
        "versions": {"tenfold": __version__, "torch": str(torch.__version__), "optuna": version},
    }
    found: Content = json.loads(json.dumps(told))
    return found


def _folder(out: str | Path | None, asked: TrainingRequest, wanted: Content) -> Path:
    """As told, else the newest unfinished one that was asked for alike, else a new number."""
    if out is not None:
        return _told(Path(out), wanted)

    def fits(place: Path) -> bool:
        known = _known(place)
        return known.get("settings") == wanted and "content" not in known

    return numbered(asked, fits)


def _told(folder: Path, wanted: Content) -> Path:
    known = _known(folder)
    if known:
        refuse_changed(folder, "A search", known.get("settings", {}), wanted)
    else:
        run_folder.refuse_others(folder, "The folder for the search")
    return folder


def _known(folder: Path) -> Content:
    try:
        found: Content = json.loads((folder / "tune.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def _note(folder: Path, **more: Any) -> Content:
    """Adds to what is stored; all of it."""
    content = _known(folder) | more
    _store(folder, content)
    return content


def _store(folder: Path, content: Content) -> None:
    system.write_atomically(folder / "tune.json", pretty(content))


# --- the trials -----------------------------------------------------------------------------------


def _try_all(begun: _Search, found: Trials) -> None:
    """Trials until there are as many as asked for, or their share of the minutes is used."""
    if begun.minutes and 60 * begun.minutes < SHORT:
        tell(f"A trial has {clock(60 * begun.minutes)}: fewer --trials would have more each.")
    started = time.perf_counter() - begun.began
    while (number := len(found.done)) < begun.count:
        if begun.minutes and number > 1:
            spent = started + _seconds(found.done)
            if spent + 30 * begun.minutes > 60 * begun.minutes * begun.count:
                tell(f"{number} of {begun.count} trials: their share of the minutes is used.")
                return
        _try(begun, found, found.next())


def _seconds(done: list[Content]) -> float:
    return float(sum(one["seconds"] for one in done))


def _try(begun: _Search, found: Trials, trial: Trial) -> None:
    """One trial from its settings to its end."""
    settings, place, began = trial.draw(), begun.place(trial.number), time.perf_counter()
    tell(f"Trial {trial.number} ({trial.number + 1} of {begun.count}): {tuning.said(settings)}")
    for one in found.done:
        if one["settings"] == settings and one["ended"] == "finished":
            tell(f"These are the settings of trial {one['trial']}: nothing is trained twice.")
            noted = {name: one[name] for name in ("settings", "headline", "value", "run")}
            return trial.tell("finished", _signed(one), noted | {"seconds": 0.0})
    plan = replace(begun.asked.plan, minutes=begun.minutes, prune=trial.prune)
    asked = begun.of(settings, plan=plan, tuned={"trial": trial.number})
    ended, noted = _trained(asked, place, trial.number)
    spent = round(time.perf_counter() - began, 3)
    noted = {"settings": settings, "run": place.name, "seconds": spent} | noted
    trial.tell(ended, _signed(noted) if ended == "finished" else None, noted)


def _signed(one: Content) -> float:
    """The value of a trial such that higher is better."""
    lower = words.metric(one["headline"]).better == "lower"
    return float(-one["value"] if lower else one["value"])


def _trained(asked: TrainingRequest, place: Path, number: int) -> tuple[str, Content]:
    """How a trial ended, and what there is to note of it; the first must be finished."""
    if known := run_folder.ended(place):
        return known["ended"], {"message": known["message"]}
    try:
        run = _run(asked, place)
    except Pruned as error:
        ended, message = "pruned", str(error)
    except (TrainingFailed, UsageError, MemoryError) as error:
        if number == 0 or getattr(error, "code", "") == "run-exists":
            raise
        ended, message = "failed", str(error) or "memory ran out"
    else:
        name = run.scores["headline"]
        value = run.scores["scores"][name]["value"]
        tell(f"{words.metric(name).title} {value:.4f} on validation.")
        seconds = run.scores["seconds"]["total"]  # also where it was finished before a kill
        return "finished", {"headline": name, "value": value, "seconds": seconds}
    tell(f"The trial {'ends early' if ended == 'pruned' else 'failed'}: {message}")
    run_folder.end(place, {"ended": ended, "message": message})
    return ended, {"message": message}


def _run(asked: TrainingRequest, place: Path) -> Run:
    """The run in its folder: opened where it is finished, else begun or continued."""
    if (place / "manifest.json").exists():
        return open_run(place, asked.plan.device)
    return once(asked, place)


# --- the winner -----------------------------------------------------------------------------------


def _decided(begun: _Search, done: list[Content]) -> Content:
    """Which trial won, whether it beats the default, and how long the winner may learn anew."""
    finished = [one for one in done if one["ended"] == "finished"]
    winner = max(finished, key=lambda one: (_signed(one), -one["trial"]))
    default = done[0]
    found = _compared(begun, winner, default) if winner["trial"] else None
    won = found is not None and comparison.better(found) == "first"
    minutes = begun.asked.plan.minutes
    if minutes is not None and begun.minutes is not None:
        minutes = round(max(minutes - _so_far(begun, done) / 60, begun.minutes), 4)
    return {
        "trials": len(done),
        "winner": winner["trial"],
        "selected": "winner" if won else "default",
        "gain": _gain(found),
        "verdict": tuning.verdict(winner, default, found, won),
        "minutes": minutes,
    }


def _so_far(begun: _Search, done: list[Content]) -> float:
    """Seconds of the command, those before it was interrupted with them."""
    return max(_seconds(done), time.perf_counter() - begun.began)


def _compared(begun: _Search, winner: Content, default: Content) -> Compared | None:
    """Both on the half of validation that chose nothing; None where it has no rows."""
    first, second = (_answers(begun, trial) for trial in (winner, default))
    (kind, table, said), (_, other, usual) = first, second
    common = [source for source in table["source"] if source in usual]
    if not common:
        return None
    both = [[answers[source] for source in common] for answers in (said, usual)]
    table = table[table["source"].isin(common)].reset_index(drop=True)
    missing = len(other) - len(common)
    return compare.of_answers(kind, both, table, missing, "reserved validation rows")


def _answers(begun: _Search, trial: Content) -> tuple[AnswerKind, pd.DataFrame, dict[str, Answer]]:
    """The kind of answer, the reserved rows of validation, and a trial's answers by source."""
    _, prepared = ready(begun.of(trial["settings"], tuned={"trial": trial["trial"]}))
    table = prepared.table("calibration")
    run = open_run(begun.folder / trial["run"], begun.asked.plan.device)
    said = run.answer(prepared.inputs("calibration"))
    return run.answer_kind, table, dict(zip(table["source"], said, strict=True))


def _gain(found: Compared | None) -> Content:
    if found is None:
        return {"value": None, "low": None, "high": None, "rows": 0}
    pair = found.paired
    told = {"value": pair.difference, "low": pair.low, "high": pair.high}
    return {name: round(value, 6) for name, value in told.items()} | {"rows": found.rows}


def _final(begun: _Search, done: list[Content], decided: Content) -> TrainingRequest:
    """What to train at full length: the winner's settings where they surely are the better ones."""
    kept = decided["winner"] if decided["selected"] == "winner" else 0
    names = ("trials", "winner", "selected", "gain")
    plan = replace(begun.asked.plan, minutes=decided["minutes"])
    told = {name: decided[name] for name in names}
    tell(f"Trained anew and tested: {tuning.said(done[kept]['settings'])}")
    return begun.of(done[kept]["settings"], plan=plan, tuned=told)


# --- the document ---------------------------------------------------------------------------------


def _content(
    begun: _Search, done: list[Content], decided: Content, run: Run, prepared: Prepared
) -> Content:
    parts = ("train", "selection", "calibration", "test")
    names = ("headline", "protocol", "scores", "baselines", "report")
    return {
        "schema": SCHEMA,
        "task": begun.asked.task,
        "folder": str(begun.folder),
        "run": str(run.folder),
        "rows": {part: len(prepared.rows(part)) for part in parts},
        "trials": [_row(begun, one) for one in done],
        **{name: decided[name] for name in ("winner", "selected", "gain", "verdict")},
        **{name: run.scores[name] for name in names},
        "seconds": {
            "trials": round(_seconds(done), 3),
            "total": round(_so_far(begun, done), 3),
        },
    }


def _row(begun: _Search, one: Content) -> Content:
    """What the document says of a trial."""
    told = {name: one.get(name) for name in ("trial", "ended", "settings", "value", "seconds")}
    return told | {"run": str(begun.folder / one["run"]), "message": one.get("message", "")}


def _tuned(content: Content, run: Run) -> Tuned:
    return Tuned(content, tuning.text(content, run.scores), run)
