"""Train on a folder: check, split, train, test, report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from tenfold.core import language, system
from tenfold.core.document import Document
from tenfold.core.errors import UsageError
from tenfold.core.language import say
from tenfold.core.message import Message
from tenfold.core.progress import clock
from tenfold.core.results import SCHEMA
from tenfold.networks import summary
from tenfold.reporting import layers
from tenfold.reporting.words import amount
from tenfold.run.run import Run
from tenfold.workflows.choice import chosen
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
    """Train on a folder: check, split, train, test, report.

    Args:
        task: Task, such as image-classification.
        data: Data: a folder, IDX files, a CSV, TSV or Parquet manifest, an archive, or a DataFrame.
        out: Run folder; by default runs/<data>-<task>-<n>.
        minutes: Minutes for the whole command; they decide the number of epochs.
        epochs: Epochs: passes over the training rows.
        batch: Batch size: rows of one step.
        seed: Random seed.
        limit: Maximum number of rows of each part.
        classes: Class mapping: a file that merges, drops or renames classes (CSV from,to or JSON).
        on_bad: Unusable rows: stop = beyond 5 %, fail = at the first, skip = leave out all.
        start: Finished run to start from (its weights).
        device: Device: auto, cpu, cuda, cuda:1 ...
        precision: Precision: auto, float32 or bfloat16.
        repeat: Number of trainings with consecutive seeds; reports mean and spread.
        folds: Cross-validation folds: 2 to 20, or each = one per group; lastly a run on all rows.
        refit: Refit: train again on train and validation with the chosen settings, then test.
        plan: Dry run: show the network and what training would take, then stop.
        lang: Language of the report and of the output: en or zh.
        settings: Settings of the task.
            Also the roles of columns and the notation of files (`media.reading.Reading`).

    Returns the finished Run; with `repeat` or `folds` a document with the scores of all runs, and
    the runs as `runs`; with `plan` a document, and nothing is written. The same call again
    continues an unfinished run.

    Example:
        tenfold train image-classification photos/ --minutes 5
    """
    began = system.command_began()
    language.known(lang)
    _, reading, own = chosen(task, data, "train", settings)  # before anything is read
    many = _folds(folds, repeat, plan)
    told = checked(seed, device, precision, minutes, epochs, batch, limit, on_bad)
    asked = TrainingRequest(task, data, told, limit, classes, on_bad, start, lang, own)
    asked = replace(asked, reading=reading, refit=refit)
    if many is not None:
        return folded(asked, many, out)
    if plan:
        return _planned(asked)
    if repeat > 1:
        return repeated(asked, repeat, out)
    return once(replace(asked, began=began), out)


def _folds(folds: str | int | None, repeat: int, plan: bool) -> int | str | None:
    """The number of folds, "each", or None.

    Raises UsageError for folds together with repeat or plan, and for a number of repeats out of
    range.
    """
    if repeat < 1 or repeat > 100:
        raise UsageError(
            Message("repeat must be a whole number from 1 to 100, got {repeat!r}", repeat=repeat),
            code="bad-setting",
        )
    many = count_of(folds)
    for flag, given in (("--repeat", repeat > 1), ("--plan", plan)):
        if many is not None and given:
            raise UsageError(
                Message("Give --folds or {flag}, not both", flag=flag), code="bad-setting"
            )
    return many


def _planned(asked: TrainingRequest) -> Document:
    """The layers of the network and the cost of training; nothing is trained or written."""
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
    return Document(content, lambda: _plan_text(rows, took))


def _plan_text(rows: list[dict[str, Any]], took: dict[str, Any]) -> str:
    """The layers and the cost as text for the terminal, in the current language."""
    lines = [layers.text(rows), "", say("FLOPs are those of the forward pass of one row.")]
    if took:
        values = {name: amount(took[name]) for name in ("memory", "disk")}
        values["time"] = clock(60 * took["minutes"])
        text = say("Training here: about {time}, {memory} of memory, {disk} of disk", **values)
        if "steps" in took:
            text += say(", {steps:,} steps of {batch} rows", **took)
        lines.append(text)
    return "\n".join(lines)
