"""How a run was made: its plan, the command to repeat it, its cost, and its environment."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from tenfold.core.language import say
from tenfold.core.message import translate
from tenfold.core.settings import settings_of
from tenfold.data.prepare import Prepared
from tenfold.reporting import words
from tenfold.run import folder
from tenfold.run.evaluate import environment as environment_now
from tenfold.run.run import Run
from tenfold.task import Task

__all__ = ["changed", "command", "cost", "environment", "flags", "network", "plan"]

WordedRows = list[tuple[str, str]]
_OUTSIDE = "outside of modules"


def plan(run: Run) -> WordedRows:
    """Returns the choices made in training and the changed settings, as (name, value) texts."""
    fitted, begun = run.facts.get("fitted", {}), folder.plan_of(run.folder)
    found: dict[str, Any] = dict(fitted)
    if tried := fitted.get("validation_scores"):
        took = run.scores.get("seconds", {})
        each = (
            f"{words.named(name)} {value:.3f}" + (f" ({took[name]:.1f} s)" if name in took else "")
            for name, value in tried.items()
        )
        found["validation_scores"] = say(", ").join(each)
    if isinstance(found.get("selected"), str):
        found["selected"] = words.named(found["selected"])
    told = begun.get("plan", {})
    found |= {name: told[name] for name in ("seed", "device") if name in told}
    if "data" in begun:
        found["data"] = str(begun["data"])[:16]
    plain = {name: value for name, value in found.items() if _plain(value)}
    own = settings_of(run.task)
    listed = {
        _flag(name) if name in own else words.named(name): words.listed(value)
        for name, value in plain.items()
    }
    return [
        *(listed | {_flag(name): words.listed(v) for name, v in changed(run.task).items()}).items()
    ]


def _plain(value: Any) -> bool:
    return isinstance(value, (int, float, str))


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def changed(task: Task) -> dict[str, Any]:
    """Settings that differ from their defaults."""
    fields = dataclasses.fields(task)  # type: ignore[arg-type]
    values = {entry.name: (getattr(task, entry.name), entry.default) for entry in fields}
    return {name: value for name, (value, default) in values.items() if value != default}


def command(run: Run, prepared: Prepared | None) -> str:
    """The command line that trains the same run again.

    `--minutes` is replaced by the number of epochs trained in that time, unless training ended
    early or the run is a refit or a fold. Settings that were selected on validation have their
    selected values. For a fold, the command trains all folds.
    """
    told = folder.plan_of(run.folder)
    plan, fitted = dict(told.get("plan", {})), run.facts.get("fitted", {})
    refit, folds = told.get("refit"), told.get("fold", {}).get("of")
    again = "ended_early" in fitted or refit or folds
    if plan.get("minutes") is not None and not again:
        plan |= {"minutes": None, "epochs": fitted.get("epochs")}
    plan |= {name: told.get(name) for name in ("limit", "start", "classes", "on_bad")}
    plan |= {"folds": folds}
    usual = {"device": "auto", "precision": "auto", "on_bad": "stop", "seed": 0}
    given = {name: value for name, value in plan.items() if value not in (None, usual.get(name))}
    where = prepared.root if prepared and prepared.root else folder.data_of(run.folder)
    parts = ["tenfold", "train", run.task_name, where.name if where else "DATA"]
    own = settings_of(run.task)
    plain = {name: value for name, value in fitted.items() if _plain(value)}
    chosen = {name: plain[name] for name in own if name in plain and "validation_scores" in fitted}
    parts += flags(run.reading.given | given | changed(run.task) | chosen)
    parts += ["--refit"] if refit else []
    return shlex.join(parts)


def flags(values: Mapping[str, Any]) -> Iterator[str]:
    """Yields the words of a command line that give these values, by name of setting or role.

    A value that the command line cannot take, such as a dictionary, is a word in capitals.
    """
    for name, value in values.items():
        if isinstance(value, bool):
            yield _flag(name if value else f"no_{name}")
            continue
        for one in value if isinstance(value, tuple) else (value,):
            text = name.upper() if isinstance(one, dict) else str(one)
            yield from [f"{_flag(name)}={text}"] if text.startswith("-") else [_flag(name), text]


def cost(document: dict[str, Any]) -> WordedRows:
    """Returns the time of each stage, and where known the cost of a prediction, size and memory."""
    stages = [
        (say("time: {stage}", stage=words.named(stage)), words.span(value))
        for stage, value in document["seconds"].items()
    ]
    known = document["cost"]
    rows = [
        (
            say("prediction time per row, without reading or decoding the input"),
            "milliseconds_a_row",
            _milliseconds,
        ),
        (say("FLOPs per row, without test-time augmentation"), "flops_a_row", _many),
        (say("parameters"), "parameters", _many),
        (say("weights on disk"), "weights", words.amount),
        (say("peak process memory"), "memory", words.amount),
        (say("peak device memory"), "device_memory", words.amount),
    ]
    return stages + [(word, made(known[key])) for word, key, made in rows if known.get(key)]


def _milliseconds(value: float) -> str:
    return f"{value:.3g} ms"


def _many(value: float) -> str:
    """A large count as text: whole below a million, else with M or G."""
    for size, unit in ((1e9, "G"), (1e6, "M")):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:,.0f}"


def network(layers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The layers as table rows, with the totals as the last row; [] where they are not known."""
    rows = [
        {
            "number": one["number"],
            "name": say("outside of modules") if one["layer"] == _OUTSIDE else one["layer"],
            "path": one["name"],
            "shape": " x ".join(map(str, one["shape"])),
            "parameters": f"{one['parameters']:,}" if one["parameters"] else "",
            "flops": f"{one['flops']:,}" if one["flops"] else "",
            "total": False,
        }
        for one in layers
    ]
    if not rows:
        return []
    whole = {key: f"{sum(one[key] for one in layers):,}" for key in ("parameters", "flops")}
    total = {"number": "", "name": "", "path": "", "shape": "", "total": True}
    return [*rows, total | whole]


def environment(run: Run, document: dict[str, Any]) -> WordedRows:
    """Where and when the run was trained; if it is not known, the environment of this report."""
    known = document["environment"] or environment_now(run)
    return [(words.named(name), translate(value)) for name, value in known.items()]
