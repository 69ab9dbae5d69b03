"""A second fit on train and validation, with everything chosen by the first.

<run>/checkpoints/refit/   checkpoints of the second fit, while it learns

The candidate, its steps and hyperparameters stand in the first fit's `fitted` (see `Plan.fixed`).
What was calibrated on validation is copied from the first network to the second: a network names
these tensors of its state in its class attribute `calibrated`, such as ("temperature",).
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
from tenfold.core.plan import Plan
from tenfold.core.progress import tell
from tenfold.data.prepare import Prepared
from tenfold.task import Task

if TYPE_CHECKING:
    from torch import nn

torch = lazy("torch")

__all__ = ["FIRST_SHARE", "first", "fitted", "folder_of", "keep_calibration", "refuse"]

FIRST_SHARE = 0.5
"""Share of the minutes for the first fit: the second makes as many steps."""


def refuse(prepared: Prepared) -> None:
    """Raises UsageError where no row would be left to score."""
    if prepared.answer.fits_all(prepared.used):
        raise UsageError(
            "All rows are learnt from and scored here, none held out: there is nothing to refit on",
            code="bad-setting",
            fix="Leave out --refit.",
        )
    if prepared.judged != "test":
        raise UsageError(
            "There is no test part: after a refit on validation no row would be left to score",
            code="bad-setting",
            fix="Give more rows or a test part, or leave out --refit.",
        )


def first(plan: Plan) -> Plan:
    """The plan of the first fit, which leaves time for the second."""
    return plan if plan.minutes is None else replace(plan, minutes=FIRST_SHARE * plan.minutes)


def folder_of(run: Path) -> Path:
    """Where the second fit of a run keeps its checkpoints."""
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
    """The untrained `net` fitted on all rows but the test part, as `fixed` says.

    `calibrated` is the first network; `plan.folder` must not be that of its fit. `seconds` has the
    whole as `refit`.
    """
    began, rows = time.perf_counter(), prepared.learnt()
    tell(f"Training again on {len(rows)} rows, train and validation, with the choices made.")
    nothing = prepared.columns.view(np.zeros(0, np.int64))
    parts = Parts(prepared.columns.view(rows), nothing, nothing)
    plan = replace(plan, minutes=None, epochs=None, batch=None, prune=None, fixed=fixed)
    found = task.fit(net, parts, plan)
    keep_calibration(calibrated, found.net)
    return replace(found, seconds={"refit": round(time.perf_counter() - began, 2)})


def keep_calibration(first: nn.Module, second: nn.Module) -> None:
    """Copies the tensors that `second` names as calibrated from `first`."""
    names: tuple[str, ...] = getattr(second, "calibrated", ())
    before, after = first.state_dict(), second.state_dict()
    with torch.no_grad():
        for name in names:
            after[name].copy_(before[name])
