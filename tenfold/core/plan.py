"""The plan of a training: seed, device, precision, budget, batch size and folder."""

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
    """Options of training common to all tasks, as the user gave them (None = automatic).

    `facts` are those of the task. `minutes` is the rest of the time budget of the command when
    fitting starts. `folder` is the run folder; None = train in memory without checkpoints. With
    `dry` (`check`, `train --plan`), the loop and `candidates.fit` make all decisions, time a few
    steps and raise Estimated; a task never reads `dry`.

    `fixed` is the `fitted` of a first fit. It is given for a second fit on more rows without any
    selection (`--refit`, `--folds`): only the selected candidate is fitted, for the same number of
    steps, and validation rows are not used. Give the second fit another `folder`.

    `prune(share of the planned steps done, validation loss)` is called for each row of the log
    before the planned end. It may raise to stop training, as a hyperparameter search does for a
    poor trial; it changes nothing else, and it is not a setting.
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
