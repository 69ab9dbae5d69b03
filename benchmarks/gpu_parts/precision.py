"""float32 against bfloat16 on the device, for every task: the same network asked in both, and one
trained in each.

What a network decides must be the same in both but for near ties; scores are only reported.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import torch

import tenfold
from gpu_parts.job import Job
from tenfold.core import device
from tenfold.core.columns import Column, Columns, Ragged
from tenfold.data.prepare import prepare
from tenfold.run.run import Run, open_run
from tenfold.tasks import registry
from tenfold.training.inference import OutputColumns, by_torch

SEED = 3
TIE = 0.05
"""Probabilities (or scores) so near that either answer may come first."""
MAX_DIFFERENT_SHARE = 0.02
"""Share of the test rows that may be decided otherwise beyond ties: one of fifty."""


def measure(job: Job) -> None:
    """Notes for each task how far both precisions agree."""
    job.kit()
    worlds = importlib.import_module("worlds").WORLDS
    chosen = device.choose_device(job.device)
    job.note("auto", _name(device.choose_precision("auto", chosen)))
    documents: dict[str, Any] = {}
    for name in sorted(set(registry.names()) & set(worlds)):
        if job.left < 0:
            job.skip(name, "no time was left")
            continue
        world, folder = worlds[name], job.folder / name
        data = world.make(folder / "data", SEED)
        settings = {"seed": SEED, "device": job.device, **world.plan, **world.settings}
        scores = {}
        for precision in ("float32", "bfloat16"):
            run = tenfold.train(name, data, out=folder / precision, precision=precision, **settings)
            scores[precision] = run.scores["scores"][run.scores["headline"]]["value"]
        documents[name] = _asked_in_both(job, name, folder / "float32", data) | {
            "headline": run.scores["headline"],
            "score": scores,
            "difference": round(scores["bfloat16"] - scores["float32"], 6),
        }
        job.note("tasks", documents)


def _asked_in_both(job: Job, name: str, folder: Path, data: Path) -> dict[str, Any]:
    """How many test rows a run decides alike in both precisions."""
    run = open_run(folder, job.device)
    columns = prepare(run.task, data, seed=SEED).inputs("test")
    outputs = [_outputs(run, columns, kind) for kind in (torch.float32, torch.bfloat16)]
    pairs = [list(run.task.decode(one, run.facts, run.options())) for one in outputs]
    alike = [
        (kind.decides_alike(one, other, 0.0), kind.decides_alike(one, other, TIE))
        for kind in [run.answer_kind]
        for one, other in zip(*pairs, strict=True)
    ]
    equal, tied = (int(np.sum([pair[place] for pair in alike])) for place in (0, 1))
    different = len(alike) - tied
    share = different / max(1, len(alike))
    job.law(
        share <= MAX_DIFFERENT_SHARE,
        f"{name}: bfloat16 decides {different} of {len(alike)} rows otherwise than float32",
    )
    return {
        "rows": len(alike),
        "equal": equal,
        "tied": tied - equal,
        "different": different,
        "largest_difference": _furthest(*outputs),
    }


def _outputs(run: Run, columns: Columns, precision: torch.dtype) -> OutputColumns:
    """Outputs of a network whose heavy operators run in `precision`."""
    network: Any = run.net

    def outputs(**batch: torch.Tensor) -> dict[str, torch.Tensor]:
        with device.autocast(next(network.parameters()).device, precision):
            values = network(**batch)
        return {
            name: value.float() if value.is_floating_point() else value
            for name, value in values.items()
        }

    return by_torch(network, ask=outputs)(columns)


def _furthest(one: OutputColumns, other: OutputColumns) -> dict[str, float]:
    """The largest difference of each output of numbers with fractions."""
    pairs = {name: (_values(one[name]), _values(other[name])) for name in one}
    return {
        name: float(f"{np.abs(before - after).max(initial=0.0):.3g}")
        for name, (before, after) in pairs.items()
        if np.issubdtype(before.dtype, np.inexact)
    }


def _values(column: Column) -> np.ndarray:
    return np.asarray(column.values if isinstance(column, Ragged) else column)


def _name(precision: torch.dtype) -> str:
    return str(precision).removeprefix("torch.")
