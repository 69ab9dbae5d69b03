"""Learn from a folder: check it, train, test, report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from tenfold.core import language
from tenfold.core.document import Document
from tenfold.core.errors import UsageError
from tenfold.core.progress import clock
from tenfold.core.results import SCHEMA
from tenfold.media.reading import Reading
from tenfold.networks import summary
from tenfold.reporting.words import amount
from tenfold.run.run import Run
from tenfold.tasks.registry import asked_back, find, names
from tenfold.workflows.estimate import estimate, tried
from tenfold.workflows.folds import count_of, folded
from tenfold.workflows.repeat import repeated
from tenfold.workflows.train import TrainingRequest, checked, left, once, ready

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["train"]


@overload
def train(
    task: str, data: str | Path | pd.DataFrame, *, plan: Literal[False] = False, **settings: Any
) -> Run: ...


@overload
def train(
    task: str, data: str | Path | pd.DataFrame, *, plan: Literal[True], **settings: Any
) -> Document: ...


@overload
def train(
    task: str, data: str | Path | pd.DataFrame, *, repeat: int, **settings: Any
) -> Run | Document: ...


@overload
def train(
    task: str, data: str | Path | pd.DataFrame, *, folds: str | int, **settings: Any
) -> Document: ...


def train(
    task: str,
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
    target: str | None = None,
    group: str | None = None,
    time: str | None = None,
    start: str | Path | None = None,
    device: str = "auto",
    precision: str = "auto",
    repeat: int = 1,
    folds: str | int | None = None,
    refit: bool = False,
    plan: bool = False,
    lang: str = "en",
    **settings: Any,
) -> Run | Document:
    """Learn from a folder: check it, train, test, report.

    Args:
        task: Task, such as image-classification.
        data: A folder, IDX files, a CSV, TSV or Parquet manifest, a zip, or a DataFrame.
        out: Run folder; by default runs/<data>-<task>-<n>.
        minutes: Time for the whole command, turned into epochs once.
        epochs: Passes over the training rows.
        batch: Rows of one step.
        seed: Number that decides everything random.
        limit: At most this many rows of each part.
        classes: File that merges, drops or renames classes (CSV from,to or JSON).
        on_bad: Unusable files: stop = beyond 5 %, fail = at the first, skip = never.
        target: Column to learn, where the data have columns.
        group: Column of groups, such as persons, that stay on one side of the split.
        time: Column of times: the latest rows become the test, those before them validation.
        start: Finished run whose weights to begin with.
        device: auto, cpu, cuda, cuda:1 ...
        precision: auto, float32 or bfloat16.
        repeat: Train so many times, with this seed and those after it; mean and spread.
        folds: Folds: 2 to 20, or each = one a group; all rows are tested once, then all are learnt.
        refit: Refit: train again on train and validation with everything chosen, then test.
        plan: Stop before training: the network's layers, and what training would take.
        lang: Language of the report, en or zh.
        settings: Settings of the task.

    Returns the finished Run; with `repeat` and `folds` a document with the scores of all, and the
    `runs`; with `plan` a document, and nothing is written. The same call again continues
    an unfinished run.

    Example:
        tenfold train image-classification photos/ --minutes 5
    """
    if task not in names():
        raise asked_back(task, data, "train")
    language.known(lang)
    find(task, **settings)  # a mistyped setting is told before anything is read
    many = _folds(folds, repeat, plan)
    told = checked(seed, device, precision, minutes, epochs, batch, limit, on_bad)
    asked = TrainingRequest(task, data, told, limit, classes, on_bad, start, lang, settings)
    asked = replace(asked, reading=Reading(target or "", group or "", time or ""), refit=refit)
    if many is not None:
        return folded(asked, many, out)
    if plan:
        return _planned(asked)
    return repeated(asked, repeat, out) if repeat > 1 else once(asked, out)


def _folds(folds: str | int | None, repeat: int, plan: bool) -> int | str | None:
    """The number of folds, or "each".

    Raises UsageError beside what excludes them, and for a number of repeats out of range.
    """
    if repeat < 1 or repeat > 100:
        raise UsageError(
            f"repeat must be a whole number from 1 to 100, got {repeat!r}", code="bad-setting"
        )
    many = count_of(folds)
    for flag, given in (("--repeat", repeat > 1), ("--plan", plan)):
        if many is not None and given:
            raise UsageError(f"Give --folds or {flag}, not both", code="bad-setting")
    return many


def _planned(asked: TrainingRequest) -> Document:
    """The layers of the network, and what training would take; nothing is learnt or written."""
    began = perf_counter()
    task, prepared = ready(asked)
    two = prepared.parts.train.take(np.zeros(2, np.int64))
    fitted, net = tried(task, prepared, left(asked.plan, perf_counter() - began))
    rows = summary.table(net, two)
    counts = {part: len(prepared.rows(part)) for part in ("train", "valid", "test")}
    content = {
        "schema": SCHEMA,
        "task": asked.task,
        "rows": counts | {"quarantined": len(prepared.quarantined)},
        "layers": rows,
        **summary.totals(rows),
        "estimate": (took := estimate(prepared, fitted)),
    }
    lines = [summary.text(rows), "", "FLOPs are those of one row, forward."]
    if took:
        steps = f"{took['steps']:,} steps of {took['batch']} rows, " if "steps" in took else ""
        lines.append(
            f"Training here: about {clock(60 * took['minutes'])}, {steps}"
            f"{amount(took['memory'])} of memory, {amount(took['disk'])} of disk"
        )
    return Document(content, "\n".join(lines))
