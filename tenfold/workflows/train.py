"""One training from the request to a sealed run: data, folder, fit, evaluation, report."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tenfold.core import device, language, system
from tenfold.core.errors import UsageError
from tenfold.core.fitted import Fitted
from tenfold.core.lazy import lazy
from tenfold.core.message import Message
from tenfold.core.plan import LEAST_MINUTES, Plan
from tenfold.core.progress import advance, tell
from tenfold.core.results import Scores
from tenfold.core.rows import without_reported
from tenfold.core.settings import settings_of
from tenfold.core.version import __version__
from tenfold.data.folds import Fold, FoldedParts
from tenfold.data.prepare import Prepared, prepare
from tenfold.data.refusals import refuse_choices
from tenfold.media.reading import AS_FOUND, Reading
from tenfold.reporting import write as write_report
from tenfold.run import evaluate, store
from tenfold.run import folder as run_folder
from tenfold.run.evaluate import Evidence
from tenfold.run.run import Run, open_run
from tenfold.task import Task
from tenfold.tasks.registry import find
from tenfold.training import checkpoint
from tenfold.training.inference import by_torch
from tenfold.workflows import refit
from tenfold.workflows.estimate import testing
from tenfold.workflows.inner import trained_inner
from tenfold.workflows.places import folder_for

torch = lazy("torch")

__all__ = [
    "LastRun",
    "Trained",
    "TrainingRequest",
    "checked",
    "left",
    "once",
    "ready",
    "trained",
]

_AFTER = 4.0  # seconds of --minutes reserved for the report
_TESTING = 0.4  # largest share of --minutes reserved for the test


@dataclass(frozen=True)
class TrainingRequest:
    """The request of the user; `plan` holds seed, device, precision and budget.

    `tuned` is set for a run of a hyperparameter search. A trial (`{"trial": number}`) is scored on
    the selection half of validation, never on the test part. `fold` is set for a run of a
    cross-validation, `last` for its final run. `began` is the time (of `time.perf_counter`) at
    which the command began; with 0, the time from the call of `trained` counts.
    """

    task: str
    data: Any
    plan: Plan
    limit: int | None = None
    classes: Any = None
    on_bad: str = "stop"
    start: str | Path | None = None
    lang: str = "en"
    settings: dict[str, Any] = field(default_factory=dict)
    tuned: dict[str, Any] = field(default_factory=dict)
    reading: Reading = AS_FOUND
    refit: bool = False
    fold: Fold | None = None
    last: LastRun | None = None
    began: float = 0.0

    @property
    def choices(self) -> dict[str, Any]:
        """The choices that decide the result, besides plan, settings and data, as JSON."""
        found = {
            "limit": self.limit,
            "classes": _json(self.classes),
            "on_bad": self.on_bad,
            "start": _json(self.start),
        }
        if given := self.reading.to_json():
            found["reading"] = given
        found |= {"tuned": self.tuned} if self.tuned else {}
        found |= {"refit": True} if self.refit else {}
        return found | ({"fold": self.fold.to_json()} if self.fold else {})


@dataclass(frozen=True)
class LastRun:
    """How the final run of a cross-validation is trained, and scored without a test part.

    It uses the choices of the run `chosen`; `pooled(run, prepared)` is the evidence of all folds.
    """

    chosen: Run
    pooled: Callable[[Run, Prepared], Evidence]


@dataclass(frozen=True)
class Trained:
    """A run that has just been trained, its data, and the evidence behind its scores."""

    run: Run
    prepared: Prepared
    evidence: Evidence


def checked(
    seed: int,
    wanted: str,
    precision: str,
    minutes: float | None,
    epochs: float | None,
    batch: int | None,
    limit: int | None,
    on_bad: str,
) -> Plan:
    """Checks all arguments that can be checked without a file, and returns the plan.

    Raises UsageError for a value out of range, and for minutes together with epochs.
    """
    ranges = {"minutes": minutes, "epochs": epochs, "batch": batch, "limit": limit}
    for name, value in ranges.items():
        if value is not None and not 0 < value < 1e9:
            raise UsageError(
                Message("{name} must be more than 0, got {value!r}", name=name, value=value),
                code="bad-setting",
            )
    refuse_choices(seed, on_bad)
    if minutes is not None and epochs is not None:
        raise UsageError(Message("Give --minutes or --epochs, not both"), code="bad-setting")
    advance(Message("starting"), 0, 0)
    device.prepare()
    device.choose_precision(precision, device.choose_device(wanted))
    return Plan(
        seed=seed, device=wanted, precision=precision, minutes=minutes, epochs=epochs, batch=batch
    )


def ready(asked: TrainingRequest) -> tuple[Task, Prepared]:
    """The task and its data: read, checked, split and encoded.

    Raises DataRefused where the data cannot be used for training, UsageError where a requested
    refit would leave no row to score.
    """
    task = find(asked.task, **asked.settings)
    prepared = prepare(
        task,
        asked.data,
        seed=asked.plan.seed,
        limit=asked.limit,
        mapping=asked.classes,
        on_bad=asked.on_bad,
        reading=asked.reading,
        fold=asked.fold,
    )
    if asked.refit:
        refit.refuse(prepared)
    if refusal := prepared.refusal(asked.on_bad):
        raise refusal
    if "trial" not in asked.tuned:  # a search prints this once
        _say_data(prepared)
    return task, prepared


def once(asked: TrainingRequest, out: str | Path | None) -> Run:
    """Trains, scores and seals one run, in `out` or in a numbered folder."""
    return trained(asked, out).run


def trained(asked: TrainingRequest, out: str | Path | None) -> Trained:
    """Trains, scores and seals one run; returns it with its data and the evidence."""
    began = asked.began or time.perf_counter()
    task, prepared = ready(asked)
    settings = _settings(task, asked, prepared)
    folder = folder_for(out, settings, asked.task, asked.data)
    with system.locked(folder):
        _begin(folder, task, prepared, settings)
        if isinstance(asked.data, (str, Path)):
            run_folder.remember_data(folder, Path(asked.data))
        after = _after(task, prepared, asked, folder)
        spent = time.perf_counter() - began
        plan = left(asked.plan, spent, after)
        run, each, valid = _learn(task, prepared, plan, folder, asked)
        learnt = time.perf_counter() - began - spent
        with language.speaking(asked.lang):
            seconds = {**prepared.seconds, **each, "train": round(learnt, 3)}
            found = _evaluate(run, prepared, seconds, began, asked, valid)
        checkpoint.remove(folder / "checkpoints")
    return Trained(run, prepared, found)


def _after(task: Task, prepared: Prepared, asked: TrainingRequest, folder: Path) -> float:
    """Returns how many seconds of the time limit to reserve for evaluation and report."""
    if asked.plan.minutes is None:
        return 0.0
    whole = 60 * asked.plan.minutes
    if "trial" in asked.tuned:
        return min(0.2 * whole, _AFTER)
    tests = testing(task, prepared, folder, asked.plan.seed)
    return _AFTER + min(tests, _TESTING * whole)


def left(plan: Plan, spent: float, after: float = _AFTER) -> Plan:
    """The plan with the minutes left for training; `after` seconds are reserved."""
    if plan.minutes is None:
        return plan
    minutes = max(plan.minutes - (spent + after) / 60, LEAST_MINUTES)
    return replace(plan, minutes=minutes, given=time.perf_counter())


def _say_data(prepared: Prepared) -> None:
    counts = {part: len(prepared.rows(part)) for part in ("train", "valid", "test")}
    tell(
        Message(
            "{rows} rows: {train} training, {valid} validation, {test} test. Split: {split}.",
            rows=len(prepared.used),
            split=prepared.split_line,
            **counts,
        )
    )
    if prepared.quarantined:
        first = prepared.quarantined[0]
        tell(
            Message(
                "Unusable {units}: {count}, listed in quarantine.jsonl. The first: {source} "
                "{reason}.",
                count=len(prepared.quarantined),
                units=prepared.units,
                source=first["source"],
                reason=first["reason"],
            )
        )
    for sources in prepared.conflicts[:3]:
        tell(
            Message(
                "The same content has different labels: {sources}", sources=", ".join(sources[:4])
            )
        )


def _settings(task: Task, asked: TrainingRequest, prepared: Prepared) -> dict[str, Any]:
    """All settings that decide the result: a run continues only where every value is equal."""
    return {
        "task": asked.task,
        "settings": settings_of(task),
        "plan": asked.plan.settings(),
        **asked.choices,
        "data": prepared.fingerprint,
        "versions": {"tenfold": __version__, "torch": str(torch.__version__)},
    }


def _json(value: Any) -> Any:
    """A path as text; any other value as it is."""
    return str(value) if isinstance(value, Path) else value


def _begin(folder: Path, task: Task, prepared: Prepared, settings: dict[str, Any]) -> None:
    store.begin(folder, task, prepared.facts, settings)
    store.rows(folder, prepared.used, prepared.answer, prepared.quarantined)


def _learn(
    task: Task, prepared: Prepared, plan: Plan, folder: Path, asked: TrainingRequest
) -> tuple[Run, dict[str, float], Scores | None]:
    """Trains and saves a run; returns it, the seconds of each candidate, and validation scores.

    The scores are those of the first fit of a refit; None without a refit.
    """
    plan = replace(plan, facts=prepared.facts, folder=folder)
    inner, valid = trained_inner(task, prepared, plan, folder), None
    net = _network(task, prepared, asked)  # after the inner runs, which draw random numbers
    if inner and plan.minutes is not None:
        plan = plan.now()
    if asked.last is not None:
        chosen = asked.last.chosen
        fixed = chosen.facts.get("fitted", {})
        fitted = refit.fitted(task, net, prepared, plan, fixed, chosen.net)
    elif asked.refit:
        fitted = task.fit(net, prepared.parts, refit.first(plan))
        valid = evaluate.on_validation(_run(task, prepared, folder, fitted, inner), prepared)
        net, apart = _network(task, prepared, asked), replace(plan, folder=refit.folder_of(folder))
        again = refit.fitted(task, net, prepared, apart, fitted.facts, fitted.net)
        seconds = fitted.seconds | again.seconds
        fitted = replace(again, candidates=fitted.candidates, seconds=seconds)
    else:
        fitted = task.fit(net, prepared.parts, plan)
    run = _run(task, prepared, folder, fitted, inner)
    store.save(run)
    return run, fitted.seconds, valid


def _run(
    task: Task, prepared: Prepared, folder: Path, fitted: Fitted, inner: dict[str, Run]
) -> Run:
    facts = prepared.facts | {"fitted": fitted.facts}
    if memory := task.memory(without_reported(prepared.used), prepared.facts):
        facts |= {"memory": memory}
    net = fitted.net
    return Run(folder, task, facts, by_torch(net), net, candidates=fitted.candidates, inner=inner)


def _network(task: Task, prepared: Prepared, asked: TrainingRequest) -> Any:
    """The network before training, with the weights of an earlier run where one is given."""
    torch.manual_seed(asked.plan.seed)
    net = task.build(prepared.facts)
    if asked.start is not None:
        _warm(net, open_run(asked.start, "cpu").net)
    return net


def _warm(net: Any, old: Any) -> None:
    """Copies the weights of another run wherever name and shape are equal."""
    state, wanted = old.state_dict(), net.state_dict()
    same = {
        name: value
        for name, value in state.items()
        if name in wanted and wanted[name].shape == value.shape
    }
    net.load_state_dict(wanted | same)
    tell(
        Message(
            "Weight tensors taken from the earlier run: {count} of {total}.",
            count=len(same),
            total=len(wanted),
        )
    )


def _evaluate(
    run: Run,
    prepared: Prepared,
    seconds: dict[str, float],
    began: float,
    asked: TrainingRequest,
    valid: Scores | None,
) -> Evidence:
    """Scores the run (a trial on the selection rows), writes the report and the manifest."""
    started = time.perf_counter()
    pooled = asked.last is not None and prepared.judged != "test"
    if asked.last is not None and pooled:
        found = asked.last.pooled(run, prepared)
    else:
        part = "selection" if "trial" in asked.tuned else ""
        due = began + 60 * asked.plan.minutes - _AFTER if asked.plan.minutes else math.inf
        found = evaluate.gather(run, prepared, part, valid, due)
    seconds["test"] = round(time.perf_counter() - started, 3)
    seconds["total"] = round(time.perf_counter() - began, 3)
    run.scores = evaluate.document(run, found, prepared, seconds)
    run.scores |= {"tuned": asked.tuned} if asked.tuned else {}
    if asked.refit or asked.last is not None:
        run.scores["refit"] = {"rows": len(prepared.learnt())}
    if prepared.folded is not None:
        run.scores["fold"] = _fold(prepared.folded, asked.fold, pooled)
    advance(Message("writing the report"), 0, 0)
    write_report(run, found)
    store.seal(run)
    return found


def _fold(folded: FoldedParts, fold: Fold | None, pooled: bool) -> dict[str, Any]:
    """Returns number of the fold, count of folds, and whether scores are pooled over all folds."""
    number = fold.number if fold else None
    found: dict[str, Any] = {"number": number, "count": folded.count, "pooled": pooled}
    return found | ({"group": folded.group} if folded.group else {})
