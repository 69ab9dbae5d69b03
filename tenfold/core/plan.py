"""How to learn, apart from what: seed, device, precision, budget, batch, folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Plan"]


@dataclass(frozen=True)
class Plan:
    """No task has these as settings; every value is as the person gave it (None = decide).

    `facts` are those of the task. `minutes` is what is left of the whole command's budget
    when fitting starts. `folder` is the run folder, None to learn in memory alone without
    checkpoints. A `dry` plan settles everything, times a few steps and learns nothing (`check`):
    fit says what it found.

    `prune(share of the planned steps done, validation loss)` is told every row of the log before
    the plan's end; what it raises ends learning there (a search gives up a poor trial so). It
    decides nothing else, and is no setting. `seconds` is told by fit what each of several parts
    took, beside what was fitted, which is the same whenever it is done again.
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
    seconds: dict[str, float] = field(default_factory=dict, compare=False)

    def settings(self) -> dict[str, Any]:
        """What decides the result, as JSON: a run continues only where these agree."""
        return {
            name: getattr(self, name)
            for name in ("seed", "device", "precision", "minutes", "epochs", "batch")
        }
