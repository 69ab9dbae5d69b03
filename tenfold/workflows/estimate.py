"""Estimates what a training takes: minutes, memory and disk, by a dry fit of the real network."""

from __future__ import annotations

import contextlib
import math
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tenfold.core import device, system
from tenfold.core.errors import EnvironmentRefused
from tenfold.core.lazy import lazy
from tenfold.core.message import Message
from tenfold.core.plan import Plan
from tenfold.core.progress import advance
from tenfold.data.prepare import Prepared
from tenfold.run import evaluate
from tenfold.run.run import Run
from tenfold.task import Task
from tenfold.training.budget import Estimated
from tenfold.training.inference import by_torch

torch = lazy("torch")

__all__ = ["estimate", "testing", "tried"]

TRIAL = 128
"""Number of rows whose predictions and scores are timed."""
TIMES = 3
"""Number of models that are scored on the test rows, on average: the selected one and others."""


def tried(task: Task, prepared: Prepared, plan: Plan) -> tuple[dict[str, Any], Any]:
    """The facts of a dry fit of the real network, and that network; ({}, None) without torch."""
    with contextlib.suppress(EnvironmentRefused):
        device.prepare()
        torch.manual_seed(plan.seed)
        began = time.perf_counter()
        net, facts = task.build(prepared.facts), dict[str, Any]()
        dry = replace(plan, facts=prepared.facts, folder=None, dry=True)
        try:
            net = task.fit(net, prepared.parts, dry).net
        except Estimated as found:
            facts, net = found.facts, net if found.net is None else found.net
        weights = sum(value.nbytes for value in net.state_dict().values())
        place = device.name(next(net.parameters()).device)
        begun = time.perf_counter() - began
        return facts | {"weights": weights, "device": place, "begun": begun}, net
    return {}, None


def testing(task: Task, prepared: Prepared, folder: Path, seed: int) -> float:
    """Estimates the seconds that scoring on the test and validation rows will take.

    Measures the time in which the untrained network predicts and scores a few rows.
    """
    torch.manual_seed(seed)
    net = task.build(prepared.facts)
    run = Run(folder, task, prepared.facts, by_torch(net), net)
    judged = prepared.judged_rows(prepared.judged)
    rows = len(judged.table)
    some = judged.only(np.linspace(0, rows - 1, min(TRIAL, rows)).astype(np.int64))
    advance(Message("timing a test"), 0, 0)
    for _ in range(2):  # the first time also loads what is needed
        began = time.perf_counter()
        evaluate.scores_of(run, run.answer_to_score(some.columns), some)
    spent = time.perf_counter() - began
    return spent / len(some.table) * (TIMES * rows + len(prepared.rows("valid")))


def estimate(prepared: Prepared, fitted: dict[str, Any]) -> dict[str, Any]:
    """Estimates minutes, bytes of memory, and bytes of disk (cache, checkpoints) of a training.

    `fitted` holds the facts from `tried`; its `more` is the work besides training steps, in seconds
    and bytes. Returns {} where no step was timed and there is no other work.
    """
    more = fitted.get("more", {"seconds": 0.0, "bytes": 0})
    by_steps = "seconds_a_step" in fitted
    if not by_steps and not more["seconds"]:
        return {}
    parts = prepared.parts
    seconds = more["seconds"] + fitted["begun"] + prepared.seconds["read"] + 3
    told: dict[str, Any] = {}
    if by_steps:
        step, steps, batch = (fitted[name] for name in ("seconds_a_step", "steps", "batch"))
        looks = min(20, math.ceil(fitted["epochs"])) * parts.selection.rows
        looks += parts.calibration.rows + 2 * (len(prepared.used) - parts.train.rows)
        seconds += step * (steps + 0.6 * looks / batch)
        told = {"seconds_a_step": round(step, 6), "steps": steps, "batch": batch}
        told |= {"epochs": fitted["epochs"]}
    return {
        "minutes": round(seconds / 60, 3),
        "memory": system.peak_memory() + parts.train.nbytes + int(more["bytes"]),
        "disk": prepared.columns.nbytes + 13 * fitted["weights"] + 2_000_000,
        **told,
        "device": fitted["device"],
    }
