"""Learn from a folder: check it, train, test, report."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenfold import __version__, checkpoint, device, evidence, system
from tenfold import run as runs
from tenfold.app import App, asked_back, find, names, settings_of
from tenfold.errors import ArtefactRefused, UsageError
from tenfold.lazy import lazy
from tenfold.plan import Plan
from tenfold.prepare import Prepared, prepare
from tenfold.progress import tell
from tenfold.reporting import write as write_report
from tenfold.run import Run

if TYPE_CHECKING:
    import pandas as pd

torch = lazy("torch")

__all__ = ["train"]

_AFTER = 4.0  # seconds of --minutes kept for starting up, testing and the report


def train(
    kind: str,
    data: str | Path | pd.DataFrame,
    *,
    out: str | Path | None = None,
    minutes: float | None = None,
    epochs: float | None = None,
    batch: int | None = None,
    seed: int = 0,
    limit: int | None = None,
    classes: str | Path | dict[str, str | None] | None = None,
    on_bad: str = "stop",
    start: str | Path | None = None,
    device: str = "auto",
    precision: str = "auto",
    **knobs: Any,
) -> Run:
    """Learn from a folder: check it, train, test, report.

    Args:
        kind: What kind of work, such as image-classification.
        data: A folder, IDX files, a CSV, TSV or Parquet manifest, a zip, or a DataFrame.
        out: Run folder; by default runs/<data>-<kind>-<n>.
        minutes: Time for the whole command, turned into epochs once.
        epochs: Passes over the training rows.
        batch: Rows of one step.
        seed: Number that decides everything random.
        limit: At most this many rows of each part.
        classes: File that merges, drops or renames classes (CSV from,to or JSON).
        on_bad: Unusable files: stop = beyond 5 %, fail = at the first, skip = never.
        start: Finished run whose weights to begin with.
        device: auto, cpu, cuda, cuda:1 ...
        precision: auto, float32 or bfloat16.
        knobs: Settings of the kind of work.

    Returns the finished Run. The same call again continues an unfinished one.

    Example:
        tenfold train image-classification photos/ --minutes 5
    """
    began = time.perf_counter()
    if kind not in names():
        raise asked_back(kind, data, "train")
    app = find(kind, **knobs)
    plan = _checked_plan(seed, device, precision, minutes, epochs, batch, limit, on_bad)
    prepared = prepare(app, data, seed=seed, limit=limit, mapping=classes, on_bad=on_bad)
    if refusal := prepared.refusal(on_bad):
        raise refusal
    _say_data(prepared)
    choices = {"limit": limit, "classes": _json(classes), "on_bad": on_bad, "start": _json(start)}
    settings = _settings(app, kind, plan, prepared, choices)
    folder = _folder(out, data, kind, settings)
    with system.locked(folder):
        _begin(folder, app, prepared, settings)
        if isinstance(data, (str, Path)):
            runs.remember_data(folder, Path(data))
        spent = time.perf_counter() - began
        run = _learn(app, prepared, plan, folder, start, spent)
        learnt = time.perf_counter() - began - spent
        _judge(run, prepared, {**prepared.seconds, "train": round(learnt, 3)}, began)
        checkpoint.remove(folder / "checkpoints")
    return run


def _checked_plan(
    seed: int,
    wanted: str,
    precision: str,
    minutes: float | None,
    epochs: float | None,
    batch: int | None,
    limit: int | None,
    on_bad: str,
) -> Plan:
    """Refuses what cannot be before any file is read."""
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


def _say_data(prepared: Prepared) -> None:
    counts = {part: len(prepared.rows(part)) for part in ("train", "valid", "test")}
    tell(
        f"{len(prepared.used)} rows: {counts['train']} train, {counts['valid']} validation, "
        f"{counts['test']} test ({prepared.split_line})"
    )
    if prepared.quarantined:
        first = prepared.quarantined[0]
        tell(
            f"{len(prepared.quarantined)} files left out; the first: "
            f"{first['source']} {first['reason']}. All are in quarantine.jsonl."
        )
    for sources in prepared.conflicts[:3]:
        tell(f"The same content stands under different labels: {', '.join(sources[:4])}")


def _settings(
    app: App, kind: str, plan: Plan, prepared: Prepared, choices: dict[str, Any]
) -> dict[str, Any]:
    """All that decides the result: an unfinished run continues only where every value agrees."""
    return {
        "kind": kind,
        "knobs": settings_of(app),
        "plan": plan.settings(),
        **choices,
        "data": prepared.fingerprint,
        "versions": {"tenfold": __version__, "torch": str(torch.__version__)},
    }


def _json(value: Any) -> Any:
    """A path as text; a mapping or None as it is."""
    return str(value) if isinstance(value, Path) else value


def _folder(out: str | Path | None, data: Any, kind: str, settings: dict[str, Any]) -> Path:
    """Where the run goes: as told, else the newest unfinished equal run, else a new number."""
    if out is not None:
        return _told(Path(out), settings)
    name = "data" if not isinstance(data, (str, Path)) else Path(data).resolve().name.split(".")[0]
    stem, number = f"{name}-{kind}", 1
    while (folder := Path("runs") / f"{stem}-{number}").exists():
        number += 1
    for older in reversed(range(1, number)):
        place = Path("runs") / f"{stem}-{older}"
        if runs.unfinished(place) and runs.plan_of(place) == settings:
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
    if runs.unfinished(folder):
        if changed := _changed(runs.plan_of(folder), settings):
            name, then, now = changed
            raise ArtefactRefused(
                f"An unfinished run with another {name} is there: {then!r} then, {now!r} now",
                code="run-differs",
                where=str(folder),
                fix="Choose another --out, or give the same settings and data.",
            )
    elif folder.exists() and any(path.name[0] != "." for path in folder.iterdir()):
        raise UsageError(
            "The folder for the run holds other files",
            code="run-exists",
            where=str(folder),
            fix="Choose a new --out.",
        )
    return folder


def _changed(then: dict[str, Any], now: dict[str, Any]) -> tuple[str, Any, Any] | None:
    """The first setting that differs, with both values; the innermost name says it best."""
    for name, value in now.items():
        old = then.get(name)
        if isinstance(old, dict) and isinstance(value, dict):
            if inner := _changed(old, value):
                return inner
        elif old != value:
            return name, old, value
    return None


def _begin(folder: Path, app: App, prepared: Prepared, settings: dict[str, Any]) -> None:
    runs.begin(folder, app, prepared.facts, settings)
    runs.rows(folder, prepared.used, prepared.root, prepared.quarantined)


def _learn(
    app: App,
    prepared: Prepared,
    plan: Plan,
    folder: Path,
    start: str | Path | None,
    spent: float,
) -> Run:
    torch.manual_seed(plan.seed)
    net = app.build(prepared.facts)
    if start is not None:
        _warm(net, runs.open_run(start, "cpu").net)
    left = None if plan.minutes is None else max(plan.minutes - (spent + _AFTER) / 60, 0.02)
    told = {
        name: getattr(plan, name) for name in ("seed", "device", "precision", "epochs", "batch")
    }
    plan = Plan(**told, facts=prepared.facts, minutes=left, folder=folder)
    net, settled = app.fit(net, prepared.parts, plan)
    run = Run(folder, app, prepared.facts | {"settled": settled}, runs.by_torch(net), net)
    runs.save(run)
    return run


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


def _judge(run: Run, prepared: Prepared, seconds: dict[str, float], began: float) -> None:
    """Scores on validation and test, the report, the manifest."""
    started = time.perf_counter()
    found = evidence.gather(run, prepared)
    seconds["test"] = round(time.perf_counter() - started, 3)
    seconds["total"] = round(time.perf_counter() - began, 3)
    run.scores = evidence.document(run, found, prepared, seconds)
    write_report(run, found)
    runs.seal(run)
