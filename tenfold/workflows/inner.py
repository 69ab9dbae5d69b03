"""Inner runs: trainings that a task needs before its own, stored in RUN/inner/NAME.

An inner run is a run like any other. It is trained on rows that the task makes from its own split
rows, and only `predict` and `score` of the task use it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from tenfold.core.errors import UsageError
from tenfold.core.lazy import lazy
from tenfold.core.message import Message
from tenfold.core.plan import Plan
from tenfold.core.progress import tell
from tenfold.core.rows import without_reported
from tenfold.data.prepare import Prepared, prepare
from tenfold.data.splits import PARTS
from tenfold.run import evaluate, store
from tenfold.run import rows as run_rows
from tenfold.run.evaluate import Evidence
from tenfold.run.folder import INNER, plan_of
from tenfold.run.run import Run, open_run
from tenfold.task import Task
from tenfold.training.inference import by_torch

torch = lazy("torch")

__all__ = ["inner_evidence", "trained_inner"]


def trained_inner(task: Task, prepared: Prepared, plan: Plan, folder: Path) -> dict[str, Run]:
    """The inner runs of a task by name, each trained and sealed, or opened if finished.

    The minutes of the plan are divided among them and the training of the task. An interrupted
    training continues. Raises UsageError for a name that is not an identifier.
    """
    asked = task.inner(prepared.split_rows)
    found: dict[str, Run] = {}
    for name, (inner, rows) in asked.items():
        if not name.isidentifier():
            raise UsageError(
                Message("The name {name!r} of an inner run is not a valid identifier", name=name),
                code="bad-setting",
            )
        place = folder / INNER / name
        if (place / "manifest.json").exists():
            found[name] = open_run(place, plan.device)
            continue
        tell(Message("Training the inner run {name!r}.", name=name))
        share = None if plan.minutes is None else plan.minutes / (1 + len(asked))
        found[name] = _trained(inner, prepare(inner, rows, seed=prepared.seed), plan, share, place)
    return found


def _trained(
    task: Task, prepared: Prepared, plan: Plan, minutes: float | None, folder: Path
) -> Run:
    """One inner run: trained, scored and sealed."""
    if refusal := prepared.refusal("skip"):
        raise refusal
    folder.mkdir(parents=True, exist_ok=True)
    own = replace(plan, facts=prepared.facts, folder=folder, minutes=minutes, given=0.0, prune=None)
    store.begin(folder, task, prepared.facts, {"plan": own.settings(), "inner": True})
    store.rows(folder, prepared.used, prepared.answer, prepared.quarantined)
    torch.manual_seed(plan.seed)
    fitted = task.fit(task.build(prepared.facts), prepared.parts, own)
    facts = prepared.facts | {"fitted": fitted.facts}
    if memory := task.memory(without_reported(prepared.used), prepared.facts):
        facts |= {"memory": memory}
    run = Run(folder, task, facts, by_torch(fitted.net), fitted.net)
    store.save(run)
    found = evaluate.gather(run, prepared)
    run.scores = evaluate.document(run, found, prepared, {**prepared.seconds, **fitted.seconds})
    store.seal(run)
    return run


def inner_evidence(run: Run, data: Any) -> dict[str, tuple[Run, Evidence]]:
    """The inner runs of an open run by name, each with its evidence on its own held-out rows.

    Raises UsageError where the data of the run are no longer there.
    """
    if not run.inner:
        return {}
    source = run_rows.place_of(run, data, "export RUN DATA")
    rows, _ = run_rows.read_again(run, source)
    known = run_rows.rows_of(run)
    parts = [run_rows.own_rows(run, rows.table, known, part).assign(split=part) for part in PARTS]
    rows = rows.with_table(pd.concat(parts, ignore_index=True))
    seed = int(plan_of(run.home)["plan"]["seed"])
    found = {}
    for name, (task, inner_rows) in run.task.inner(rows).items():
        prepared = prepare(task, inner_rows, seed=seed)
        found[name] = run.inner[name], evaluate.gather(run.inner[name], prepared)
    return found
