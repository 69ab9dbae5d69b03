"""The plan of a training: seed, device, precision, budget, batch size and folder."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from tenfold.core.columns import Parts

__all__ = ["LEAST_MINUTES", "Plan"]

LEAST_MINUTES = 0.02
"""Minimum time of a fit in minutes, even if the time budget is used up."""


@dataclass(frozen=True)
class Plan:
    """Options of training common to all tasks, as the user gave them (None = automatic).

    `facts` are the values that the task computed from the training rows. `minutes` is the time left
    for fitting, counted from `given`, a time of `time.perf_counter` (0 = from the start of a fit).
    If `shortens` is true, this time can only reduce the recipe's number of steps, not increase it.
    `folder` is the run folder; None = train in memory without checkpoints. With `dry` (`check`,
    `train --plan`), the training loop and `candidates.fit` choose all settings, time a few steps
    and raise Estimated instead of training; a task never reads `dry`.

    `fixed` is `facts["fitted"]` of an earlier fit. It is given for a second fit on more rows
    without any selection (`--refit`, `--folds`): only the selected candidate is fitted, for the
    same number of steps, and validation rows are not used. Give the second fit another `folder`.

    `prune(share of the planned steps done, validation loss)` is called for each row of the log
    before the planned end. It may raise to stop training, as a hyperparameter search does for a
    poor trial; it changes nothing else, and it is not a setting.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    device: str = "auto"
    precision: str = "auto"
    minutes: float | None = None
    given: float = 0.0
    shortens: bool = False
    epochs: float | None = None
    batch: int | None = None
    folder: Path | None = None
    checkpoint_seconds: float = 60.0
    checkpoint_steps: int = 1000
    dry: bool = False
    prune: Callable[[float, float], None] | None = None
    fixed: dict[str, Any] | None = None

    def now(self) -> Plan:
        """Returns the plan with the minutes that are left now."""
        if self.minutes is None:
            return self
        now = time.perf_counter()
        spent = (now - self.given) / 60 if self.given else 0.0
        return replace(self, minutes=max(self.minutes - spent, LEAST_MINUTES), given=now)

    def visible(self, parts: Parts) -> Parts:
        """Returns the rows that a fit may use; with `fixed`, only the training rows."""
        if self.fixed is None:
            return parts
        nothing = parts.train.view(np.zeros(0, np.int64))
        return replace(parts, selection=nothing, calibration=nothing)

    def settings(self) -> dict[str, Any]:
        """Returns the values that determine the result, as JSON.

        An unfinished run continues only if they are the same.
        """
        return {
            name: getattr(self, name)
            for name in ("seed", "device", "precision", "minutes", "epochs", "batch")
        }
