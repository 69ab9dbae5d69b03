"""Hyperparameter search: trials scored on validation, then a final run that is also tested.

<folder>/trials.jsonl          the trials, in Optuna's journal format
<folder>/tune.json             the request, the decision, and at the end the document
<folder>/trial-000/ ...        ordinary runs, scored on validation alone
<folder>/best/                 the final run with the selected settings, tested once

This module knows no task: which settings may vary is declared with them (`core.settings.setting`).
One half of validation selects the best trial. Its score there is too optimistic, so whether it
beats the default is tested on the other half, which was not used for selection.
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
from tenfold.core.errors import DataRefused, TenfoldError, TrainingFailed, UsageError
from tenfold.core.language import counted
from tenfold.core.lazy import lazy
from tenfold.core.message import Message, as_message, restored
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
from tenfold.workflows import trials, tune_document
from tenfold.workflows.places import numbered, outside, refuse_changed
from tenfold.workflows.train import TrainingRequest, once, ready
from tenfold.workflows.trials import Field, Pruned, Trial, Trials
from tenfold.workflows.tune_document import Content, Tuned

torch = lazy("torch")

__all__ = ["Tuned", "search"]

FINAL = 0.25
"""Share of the minutes reserved for the final run."""
SHORT = 15
"""Seconds of a trial below which a notice is printed."""
FEW = 50
"""Number of selection rows below which a notice is printed."""


@dataclass(frozen=True)
class _Search:
    """The request, the number of trials, the folder, and the minutes of one trial."""

    asked: TrainingRequest
    count: int
    folder: Path
    minutes: float | None
    began: float

    def place(self, number: int) -> Path:
        """The run folder of a trial."""
        return self.folder / f"trial-{number:03d}"

    def of(self, settings: Content, **more: Any) -> TrainingRequest:
        """A training request with these settings besides the fixed ones."""
        return replace(self.asked, settings=self.asked.settings | settings, **more)


def search(asked: TrainingRequest, count: int, out: str | Path | None) -> Tuned:
    """Runs `count` trials and the final run; the minutes of the plan are shared among them.

    The same call again continues an unfinished search. Raises UsageError where no setting may vary,
    EnvironmentRefused without Optuna, DataRefused where no validation row is left for selection,
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
            return Tuned(known["content"], open_run(folder / "best", asked.plan.device))
        if not known:
            _store(folder, {"schema": SCHEMA, "settings": wanted})
        found = Trials(folder / "trials.jsonl", asked.plan.seed, fields, settings_of(task))
        if "decided" not in known:
            _try_all(begun, found)
            known = _note(folder, decided=_decided(begun, found.done))
        run = _run(_final(begun, found.done, known["decided"]), folder / "best")
        content = tune_document.content_of(
            asked, folder, found.done, known["decided"], run, prepared
        )
        content["seconds"]["total"] = round(_so_far(begun, found.done), 3)
        _note(folder, content=content)
    return Tuned(content, run)


def _fields(asked: TrainingRequest) -> list[Field]:
    """Returns the settings to search: those that the task declares and the user did not give."""
    fields = dataclasses.fields(class_of(asked.task))  # type: ignore[arg-type]
    declared = [entry for entry in fields if entry.metadata.get("search")]
    found = [entry for entry in declared if entry.name not in asked.settings]
    if not found:
        names = ", ".join(f"--{entry.name.replace('_', '-')}" for entry in declared)
        raise UsageError(
            Message(
                "Nothing to search: all searchable settings of {task} ({names}) are given",
                task=asked.task,
                names=names,
            )
            if names
            else Message("Nothing to search: {task} has no searchable settings", task=asked.task),
            code="nothing-to-tune",
            fix=Message("Leave out at least one.") if names else Message("Use `tenfold train`."),
        )
    return found


def _look_at(prepared: Prepared) -> None:
    """Raises DataRefused without selection rows; prints a notice where there are few."""
    rows = len(prepared.rows("selection"))
    if not rows:
        raise DataRefused(
            Message("No validation row is left to compare settings on"),
            code="no-validation-rows",
            fix=Message("Add examples: at least a tenth of them becomes validation."),
        )
    if rows < FEW:
        tell(
            Message(
                "{rows} to select on: with so few rows the best trial is mostly chance.",
                rows=counted(rows, "validation row"),
            )
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
    """The settings that must be equal for the same call to continue, as JSON."""
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
    """Returns `out`, else the newest unfinished search with equal settings, else a new folder."""
    if out is not None:
        return _told(outside(out, asked.data), wanted)

    def fits(place: Path) -> bool:
        known = _known(place)
        return known.get("settings") == wanted and "content" not in known

    return numbered(asked.task, asked.data, fits)


def _told(folder: Path, wanted: Content) -> Path:
    known = _known(folder)
    if known:
        refuse_changed(folder, Message("A search"), known.get("settings", {}), wanted)
    else:
        run_folder.refuse_others(folder, Message("The folder for the search"))
    return folder


def _known(folder: Path) -> Content:
    try:
        found = restored(json.loads((folder / "tune.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}
    return found


def _note(folder: Path, **more: Any) -> Content:
    """Adds entries to tune.json and returns its whole content."""
    content = _known(folder) | more
    _store(folder, content)
    return content


def _store(folder: Path, content: Content) -> None:
    system.write_atomically(folder / "tune.json", pretty(content))


# --- the trials -----------------------------------------------------------------------------------


def _try_all(begun: _Search, found: Trials) -> None:
    """Runs trials until `count` are done or the time for trials is used up."""
    if begun.minutes and 60 * begun.minutes < SHORT:
        tell(
            Message(
                "A trial has {time}: fewer --trials give each more time.",
                time=clock(60 * begun.minutes),
            )
        )
    started = time.perf_counter() - begun.began
    while (number := len(found.done)) < begun.count:
        if begun.minutes and number > 1:
            spent = started + _seconds(found.done)
            if spent + 30 * begun.minutes > 60 * begun.minutes * begun.count:
                tell(
                    Message(
                        "The time for trials is used up after {number} of {count} trials.",
                        number=number,
                        count=begun.count,
                    )
                )
                return
        _try(begun, found, found.next())


def _seconds(done: list[Content]) -> float:
    return float(sum(one["seconds"] for one in done))


def _try(begun: _Search, found: Trials, trial: Trial) -> None:
    """Runs one trial, from drawing its settings to storing its result."""
    settings, place, began = trial.draw(), begun.place(trial.number), time.perf_counter()
    tell(
        Message(
            "Trial {trial} ({number} of {count}): {settings}",
            trial=trial.number,
            number=trial.number + 1,
            count=begun.count,
            settings=tuning.said(settings),
        )
    )
    for one in found.done:
        if one["settings"] == settings and one["ended"] == "finished":
            tell(
                Message(
                    "These are the settings of trial {trial}: they are not trained again.",
                    trial=one["trial"],
                )
            )
            noted = {name: one[name] for name in ("settings", "headline", "value", "run")}
            return trial.tell("finished", _signed(one), noted | {"seconds": 0.0})
    plan = replace(begun.asked.plan, minutes=begun.minutes, prune=trial.prune)
    asked = begun.of(settings, plan=plan, tuned={"trial": trial.number})
    ended, noted = _trained(asked, place, trial.number)
    spent = round(time.perf_counter() - began, 3)
    noted = {"settings": settings, "run": place.name, "seconds": spent} | noted
    trial.tell(ended, _signed(noted) if ended == "finished" else None, noted)


def _signed(one: Content) -> float:
    """The value of a trial, negated where a lower value is better."""
    lower = words.metric(one["headline"]).better == "lower"
    return float(-one["value"] if lower else one["value"])


def _trained(asked: TrainingRequest, place: Path, number: int) -> tuple[str, Content]:
    """How a trial ended, and the notes to store; a failure of the first trial is raised."""
    if known := run_folder.ended(place):
        return known["ended"], {"message": known["message"]}
    try:
        run = _run(asked, place)
    except Pruned as error:
        ended, message = "pruned", error.message
    except (TrainingFailed, UsageError, MemoryError) as error:
        if number == 0 or getattr(error, "code", "") == "run-exists":
            raise
        ended, message = "failed", _message_of(error)
    else:
        name = run.scores["headline"]
        value = run.scores["scores"][name]["value"]
        tell(
            Message(
                "{metric} on validation: {value:.4f}.",
                metric=words.title(name),
                value=value,
            )
        )
        seconds = run.scores["seconds"]["total"]  # also of a run finished before an interruption
        return "finished", {"headline": name, "value": value, "seconds": seconds}
    if ended == "pruned":
        tell(Message("The trial ends early: {message}", message=message))
    else:
        tell(Message("The trial failed: {message}", message=message))
    run_folder.end(place, {"ended": ended, "message": message})
    return ended, {"message": message}


def _message_of(error: Exception) -> Message:
    """Why a trial failed, without the advice to the user of a single training."""
    if isinstance(error, TenfoldError):
        return error.message
    return as_message(str(error)) if str(error) else Message("Memory ran out")


def _run(asked: TrainingRequest, place: Path) -> Run:
    """The run in its folder: opened where it is finished, else begun or continued."""
    if (place / "manifest.json").exists():
        return open_run(place, asked.plan.device)
    return once(asked, place)


# --- the final run --------------------------------------------------------------------------------


def _decided(begun: _Search, done: list[Content]) -> Content:
    """The best trial, whether it beats the default, and the minutes of the final run."""
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
        "gain": tune_document.gain(found),
        "verdict": tuning.verdict(winner, default, found, won),
        "minutes": minutes,
    }


def _so_far(begun: _Search, done: list[Content]) -> float:
    """Seconds of the search so far, including those before an interruption."""
    return max(_seconds(done), time.perf_counter() - begun.began)


def _compared(begun: _Search, winner: Content, default: Content) -> Compared | None:
    """Both trials compared on the reserved half of validation; None where it has no rows."""
    first, second = (_answers(begun, trial) for trial in (winner, default))
    (kind, table, said), (_, other, usual) = first, second
    common = [source for source in table["source"] if source in usual]
    if not common:
        return None
    both = [[answers[source] for source in common] for answers in (said, usual)]
    table = table[table["source"].isin(common)].reset_index(drop=True)
    missing = len(other) - len(common)
    return compare.of_answers(
        kind, both, table, missing, Message("validation rows held out from the search")
    )


def _answers(begun: _Search, trial: Content) -> tuple[AnswerKind, pd.DataFrame, dict[str, Answer]]:
    """The answer kind, the reserved validation rows, and a trial's answers by source."""
    _, prepared = ready(begun.of(trial["settings"], tuned={"trial": trial["trial"]}))
    table = prepared.table("calibration")
    run = open_run(begun.folder / trial["run"], begun.asked.plan.device)
    said = run.answer_to_score(prepared.inputs("calibration"))
    return run.answer_kind, table, dict(zip(table["source"], said, strict=True))


def _final(begun: _Search, done: list[Content], decided: Content) -> TrainingRequest:
    """The request of the final run, with the winner's settings only if significantly better."""
    kept = decided["winner"] if decided["selected"] == "winner" else 0
    names = ("trials", "winner", "selected", "gain")
    plan = replace(begun.asked.plan, minutes=decided["minutes"])
    told = {name: decided[name] for name in names}
    tell(
        Message(
            "The final run is trained and tested with these settings: {settings}",
            settings=tuning.said(done[kept]["settings"]),
        )
    )
    return begun.of(done[kept]["settings"], plan=plan, tuned=told)
