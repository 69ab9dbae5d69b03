"""How to learn, apart from what: seed, device, precision, budget, batch, folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from tenfold.core.columns import Parts

__all__ = ["Plan"]


@dataclass(frozen=True)
class Plan:
    """No task has these as settings; every value is as the person gave it (None = decide).

    `facts` are those of the task. `minutes` is what is left of the whole command's budget
    when fitting starts. `folder` is the run folder, None to learn in memory alone without
    checkpoints. Under a `dry` plan (`check`, `train --plan`) the loop and `candidates.fit` decide
    everything, time a few steps and raise Estimated; a task never reads it.

    `fixed` is the `fitted` of a first fit, for a second one on more rows with everything already
    chosen (`--refit`, `--folds`): the selected candidate alone is fitted, for as many steps, and
    no row of validation is looked at. Give the second fit a `folder` of its own.

    `prune(share of the planned steps done, validation loss)` gets every row of the log before
    the plan's end; what it raises ends learning there (a search gives up a poor trial so). It
    decides nothing else, and is no setting.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    device: str = "auto"
    precision: str = "auto"
    minutes: float | None = None
    epochs: float | None = None
    batch: int | None = None
    folder: Path | None = None
    checkpoint_seconds: float = 60.0
    checkpoint_steps: int = 1000
    dry: bool = False
    prune: Callable[[float, float], None] | None = None
    fixed: dict[str, Any] | None = None

    def visible(self, parts: Parts) -> Parts:
        """The rows that a fit may look at: with `fixed`, the training rows alone."""
        if self.fixed is None:
            return parts
        nothing = parts.train.view(np.zeros(0, np.int64))
        return replace(parts, selection=nothing, calibration=nothing)

    def settings(self) -> dict[str, Any]:
        """What decides the result, as JSON: a run continues only where these agree."""
        return {
            name: getattr(self, name)
            for name in ("seed", "device", "precision", "minutes", "epochs", "batch")
        }
