"""One training from what was asked to a sealed run: data, folder, learning, judging, report."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tenfold.core import device, language, system
from tenfold.core.errors import ArtefactRefused, UsageError
from tenfold.core.fitted import Fitted
from tenfold.core.lazy import lazy
from tenfold.core.plan import Plan
from tenfold.core.progress import tell
from tenfold.core.results import Scores
from tenfold.core.settings import settings_of
from tenfold.core.version import __version__
from tenfold.data.folds import Fold, FoldedParts
from tenfold.data.prepare import Prepared, prepare
from tenfold.media.reading import AS_FOUND, Reading
from tenfold.reporting import write as write_report
from tenfold.run import evaluate
from tenfold.run import folder as run_folder
from tenfold.run import run as runs
from tenfold.run.evaluate import Evidence
from tenfold.run.run import Run
from tenfold.task import Task
from tenfold.tasks.registry import find
from tenfold.training import checkpoint
from tenfold.training.inference import by_torch
from tenfold.workflows import refit
from tenfold.workflows.inner import trained_inner

torch = lazy("torch")

__all__ = [
    "LastRun",
    "Trained",
    "TrainingRequest",
    "checked",
    "left",
    "numbered",
    "once",
    "ready",
    "refuse_changed",
    "trained",
]

_AFTER = 4.0  # seconds of --minutes kept for starting up, testing and the report


@dataclass(frozen=True)
class TrainingRequest:
    """What the person asked for; `plan` holds seed, device, precision and budget.

    `tuned` is what a search says of a run of its own. A trial (`{"trial": number}`) is judged on
    the half of validation that chooses, and the test part is not looked at. `fold` makes a run of
    a cross-validation, `last` its last one.
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

    @property
    def choices(self) -> dict[str, Any]:
        """All that decides the result beside plan, settings and data, as JSON."""
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
    """How the last run of a cross-validation learns, and how it is scored without a test part.

    It takes the choices of the run `chosen`; `pooled(run, prepared)` is the evidence of all folds.
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
    """The plan, once everything has been refused that cannot be, before any file is read."""
    ranges = {"minutes": minutes, "epochs": epochs, "batch": batch, "limit": limit}
    for name, value in ranges.items():
        if value is not None and not 0 < value < 1e9:
            raise UsageError(f"{name} must be more than 0, got {value!r}", code="bad-setting")
    if not 0 <= seed < 2**23:
        raise UsageError(f"seed must be from 0 to {2**23 - 1}, got {seed!r}", code="bad-setting")
    if minutes is not None and epochs is not None:
        raise UsageError("Give --minutes or --epochs, not both", code="bad-setting")
    if on_bad not in ("stop", "fail", "skip"):
        raise UsageError(
            f"on_bad must be one of stop, fail, skip, got {on_bad!r}", code="bad-setting"
        )
    device.prepare()
    device.choose_precision(precision, device.choose_device(wanted))
    return Plan(
        seed=seed, device=wanted, precision=precision, minutes=minutes, epochs=epochs, batch=batch
    )


def ready(asked: TrainingRequest) -> tuple[Task, Prepared]:
    """The task and its data, read, checked, split and encoded.

    Raises DataRefused where the data cannot be learnt from.
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
    if "trial" not in asked.tuned:  # a search has said it once
        _say_data(prepared)
    return task, prepared


def once(asked: TrainingRequest, out: str | Path | None) -> Run:
    """One run, trained, judged and sealed, in `out` or a folder of a new number."""
    return trained(asked, out).run


def trained(asked: TrainingRequest, out: str | Path | None) -> Trained:
    """What `once` makes, with the data and the evidence."""
    began = time.perf_counter()
    task, prepared = ready(asked)
    settings = _settings(task, asked, prepared)
    folder = _folder(out, asked, settings)
    with system.locked(folder):
        _begin(folder, task, prepared, settings)
        if isinstance(asked.data, (str, Path)):
            run_folder.remember_data(folder, Path(asked.data))
        spent = time.perf_counter() - began
        after = _AFTER if "trial" not in asked.tuned else 0.2 * 60 * (asked.plan.minutes or 0)
        plan = left(asked.plan, spent, min(after, _AFTER))
        run, each, valid = _learn(task, prepared, plan, folder, asked)
        learnt = time.perf_counter() - began - spent
        with language.speaking(asked.lang):
            seconds = {**prepared.seconds, **each, "train": round(learnt, 3)}
            found = _evaluate(run, prepared, seconds, began, asked, valid)
        checkpoint.remove(folder / "checkpoints")
    return Trained(run, prepared, found)


def left(plan: Plan, spent: float, after: float = _AFTER) -> Plan:
    """The plan with the minutes that are left for learning, `after` seconds of them kept."""
    if plan.minutes is None:
        return plan
    return replace(plan, minutes=max(plan.minutes - (spent + after) / 60, 0.02))


def _say_data(prepared: Prepared) -> None:
    counts = {part: len(prepared.rows(part)) for part in ("train", "valid", "test")}
    tell(
        f"{len(prepared.used)} rows: {counts['train']} train, {counts['valid']} validation, "
        f"{counts['test']} test ({prepared.split_line})"
    )
    if prepared.quarantined:
        first = prepared.quarantined[0]
        tell(
            f"{len(prepared.quarantined)} {prepared.units} left out; the first: "
            f"{first['source']} {first['reason']}. All are in quarantine.jsonl."
        )
    for sources in prepared.conflicts[:3]:
        tell(f"The same content stands under different labels: {', '.join(sources[:4])}")


def _settings(task: Task, asked: TrainingRequest, prepared: Prepared) -> dict[str, Any]:
    """All that decides the result: an unfinished run continues only where every value agrees."""
    return {
        "task": asked.task,
        "settings": settings_of(task),
        "plan": asked.plan.settings(),
        **asked.choices,
        "data": prepared.fingerprint,
        "versions": {"tenfold": __version__, "torch": str(torch.__version__)},
    }


def _json(value: Any) -> Any:
    """A path as text; a mapping or None as it is."""
    return str(value) if isinstance(value, Path) else value


def _folder(out: str | Path | None, asked: TrainingRequest, settings: dict[str, Any]) -> Path:
    """Where the run goes: as told, else the newest unfinished equal run, else a new number."""
    if out is not None:
        return _told(Path(out), settings)
    return numbered(
        asked, lambda place: run_folder.unfinished(place) and run_folder.plan_of(place) == settings
    )


def numbered(asked: TrainingRequest, fits: Callable[[Path], bool]) -> Path:
    """runs/<data>-<task>-<n>: the newest that is unfinished and `fits`, else the first free one."""
    named = isinstance(asked.data, (str, Path))
    name = Path(asked.data).resolve().name.split(".")[0] if named else "data"
    stem, number = f"{name}-{asked.task}-", 1
    while (folder := Path("runs") / f"{stem}{number}").exists():
        number += 1
    for older in reversed(range(1, number)):
        if fits(place := folder.with_name(f"{stem}{older}")):
            tell(f"Continuing the unfinished run {place}")
            return place
    return folder


def _told(folder: Path, settings: dict[str, Any]) -> Path:
    if (folder / "manifest.json").exists():
        raise UsageError(
            "There is a finished run already",
            code="run-exists",
            where=str(folder),
            fix="Choose another --out, or remove it with `tenfold runs --remove`.",
        )
    if run_folder.unfinished(folder):
        refuse_changed(folder, "An unfinished run", run_folder.plan_of(folder), settings)
    else:
        run_folder.refuse_others(folder, "The folder for the run")
    return folder


def refuse_changed(folder: Path, what: str, then: dict[str, Any], now: dict[str, Any]) -> None:
    """Raises ArtefactRefused where what was begun there was asked for otherwise."""
    if differs := _changed(then, now):
        name, before, after = differs
        raise ArtefactRefused(
            f"{what} with another {name} is there: {before!r} then, {after!r} now",
            code="run-differs",
            where=str(folder),
            fix="Choose another --out, or give the same settings and data.",
        )


def _changed(then: dict[str, Any], now: dict[str, Any]) -> tuple[str, Any, Any] | None:
    """The first setting that differs, with both values; the innermost name says it best."""
    for name in {**now, **then}:
        old, value = then.get(name), now.get(name)
        if isinstance(old, dict) and isinstance(value, dict):
            if inner := _changed(old, value):
                return inner
        elif old != value:
            return name, old, value
    return None


def _begin(folder: Path, task: Task, prepared: Prepared, settings: dict[str, Any]) -> None:
    runs.begin(folder, task, prepared.facts, settings)
    runs.rows(folder, prepared.used, prepared.answer, prepared.quarantined)


def _learn(
    task: Task, prepared: Prepared, plan: Plan, folder: Path, asked: TrainingRequest
) -> tuple[Run, dict[str, float], Scores | None]:
    """The run, saved; the seconds of each candidate; validation scores from before a refit."""
    plan = replace(plan, facts=prepared.facts, folder=folder)
    inner, valid = trained_inner(task, prepared, plan, folder), None
    net = _network(task, prepared, asked)  # after the inner runs, which draw random numbers
    if inner and plan.minutes is not None:
        plan = replace(plan, minutes=plan.minutes / (1 + len(inner)))
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
    runs.save(run)
    return run, fitted.seconds, valid


def _run(
    task: Task, prepared: Prepared, folder: Path, fitted: Fitted, inner: dict[str, Run]
) -> Run:
    facts = prepared.facts | {"fitted": fitted.facts}
    if memory := task.memory(prepared.used, prepared.facts):
        facts |= {"memory": memory}
    net = fitted.net
    return Run(folder, task, facts, by_torch(net), net, candidates=fitted.candidates, inner=inner)


def _network(task: Task, prepared: Prepared, asked: TrainingRequest) -> Any:
    """The untrained network, with the weights of an earlier run where one was given."""
    torch.manual_seed(asked.plan.seed)
    net = task.build(prepared.facts)
    if asked.start is not None:
        _warm(net, runs.open_run(asked.start, "cpu").net)
    return net


def _warm(net: Any, old: Any) -> None:
    """Weights of another run wherever name and size agree."""
    state, wanted = old.state_dict(), net.state_dict()
    same = {
        name: value
        for name, value in state.items()
        if name in wanted and wanted[name].shape == value.shape
    }
    net.load_state_dict(wanted | same)
    tell(f"{len(same)} of {len(wanted)} tensors taken from the earlier run.")


def _evaluate(
    run: Run,
    prepared: Prepared,
    seconds: dict[str, float],
    began: float,
    asked: TrainingRequest,
    valid: Scores | None,
) -> Evidence:
    """Scores on validation and test (of a trial, on what chooses), the report, the manifest."""
    started = time.perf_counter()
    pooled = asked.last is not None and prepared.judged != "test"
    if asked.last is not None and pooled:
        found = asked.last.pooled(run, prepared)
    else:
        part = "selection" if "trial" in asked.tuned else ""
        found = evaluate.gather(run, prepared, part, valid)
    seconds["test"] = round(time.perf_counter() - started, 3)
    seconds["total"] = round(time.perf_counter() - began, 3)
    run.scores = evaluate.document(run, found, prepared, seconds)
    run.scores |= {"tuned": asked.tuned} if asked.tuned else {}
    if asked.refit or asked.last is not None:
        run.scores["refit"] = {"rows": len(prepared.learnt())}
    if prepared.folded is not None:
        run.scores["fold"] = _fold(prepared.folded, asked.fold, pooled)
    write_report(run, found)
    runs.seal(run)
    return found


def _fold(folded: FoldedParts, fold: Fold | None, pooled: bool) -> dict[str, Any]:
    """Number and count of folds, and whether the scores are those of all folds together."""
    number = fold.number if fold else None
    found: dict[str, Any] = {"number": number, "count": folded.count, "pooled": pooled}
    return found | ({"group": folded.group} if folded.group else {})
