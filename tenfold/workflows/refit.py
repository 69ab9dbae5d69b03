"""Refit: a second fit on train and validation, with all choices made by the first fit.

<run>/checkpoints/refit/   checkpoints of the second fit, during training

The candidate, its steps and its hyperparameters come from the first fit's `fitted` (see
`Plan.fixed`). Tensors that were calibrated on validation are copied from the first network to the
second: a network names them in its class attribute `calibrated`, such as ("temperature",).
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.core.columns import Parts
from tenfold.core.errors import UsageError
from tenfold.core.fitted import Fitted
from tenfold.core.lazy import lazy
from tenfold.core.message import Message
from tenfold.core.plan import Plan
from tenfold.core.progress import tell
from tenfold.data.prepare import Prepared
from tenfold.task import Task

if TYPE_CHECKING:
    from torch import nn

torch = lazy("torch")

__all__ = ["FIRST_SHARE", "first", "fitted", "folder_of", "keep_calibration", "refuse"]

FIRST_SHARE = 0.5
"""Share of the minutes for the first fit; the second makes as many steps."""


def refuse(prepared: Prepared) -> None:
    """Raises UsageError where a refit would leave no held-out row to score."""
    if prepared.answer.fits_all(prepared.used):
        raise UsageError(
            Message(
                "These data are used for training and scoring without a held-out part, so there "
                "is nothing to refit on"
            ),
            code="bad-setting",
            fix=Message("Leave out --refit."),
        )
    if prepared.judged != "test":
        raise UsageError(
            Message(
                "The data have no test part, so a refit on validation would leave no row to score"
            ),
            code="bad-setting",
            fix=Message("Give more rows or a test part, or leave out --refit."),
        )


def first(plan: Plan) -> Plan:
    """The plan of the first fit, with its share of the minutes."""
    return plan if plan.minutes is None else replace(plan, minutes=FIRST_SHARE * plan.minutes)


def folder_of(run: Path) -> Path:
    """Creates and returns the checkpoint folder of the second fit of a run."""
    folder = run / "checkpoints" / "refit"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def fitted(
    task: Task,
    net: nn.Module,
    prepared: Prepared,
    plan: Plan,
    fixed: dict[str, Any],
    calibrated: nn.Module,
) -> Fitted:
    """Fits the untrained `net` on all rows but the test part, with the choices in `fixed`.

    The calibration is copied from `calibrated`, the network of the first fit, because no rows are
    held out here to fit it. `plan.folder` must not be the folder of that first fit.
    `seconds` of the result holds the time of the whole refit as `refit`.
    """
    began, rows = time.perf_counter(), prepared.learnt()
    tell(
        Message(
            "Training again on {count} rows, train and validation, with the choices of the first "
            "training.",
            count=len(rows),
        )
    )
    nothing = prepared.columns.view(np.zeros(0, np.int64))
    parts = Parts(prepared.columns.view(rows), nothing, nothing)
    plan = replace(plan, minutes=None, epochs=None, batch=None, prune=None, fixed=fixed)
    found = task.fit(net, parts, plan)
    keep_calibration(calibrated, found.net)
    return replace(found, seconds={"refit": round(time.perf_counter() - began, 2)})


def keep_calibration(first: nn.Module, second: nn.Module) -> None:
    """Copies the tensors that `second.calibrated` names from `first` to `second`."""
    names: tuple[str, ...] = getattr(second, "calibrated", ())
    before, after = first.state_dict(), second.state_dict()
    with torch.no_grad():
        for name in names:
            after[name].copy_(before[name])
