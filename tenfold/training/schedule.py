"""The learning rate schedule and early stopping.

The planned schedule is a linear warm-up, a constant rate where the recipe has one, and a linear
decay. Where early stopping is on and validation has not improved for a quarter of the planned
steps, training returns to the best weights, and the learning rate falls from there to zero within
about a tenth of the planned steps.

Where steps take longer than planned, the rest of the schedule is compressed into fewer steps. Such
a cut is a pair (at, end): the step at which it was made, and the new total number of steps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tenfold.training.optimizers import Recipe, slope

__all__ = ["PATIENCE", "Schedule"]

PATIENCE = 0.25  # share of the planned steps without a better validation loss
DESCENT = 0.1  # share of the planned steps that early stopping takes to reach a rate of 0


class Schedule:
    """Learning rate factors of the steps from 0 to `end`, and early stopping.

    Early stopping begins after `patience` steps without a better validation loss (0 = never).
    `state` and `take` save and restore the state for checkpoints.
    """

    def __init__(
        self, steps: int, patience: int, recipe: Recipe, cuts: Sequence[tuple[int, int]] = ()
    ) -> None:
        self.steps, self.patience, self.recipe = steps, patience, recipe
        self.cuts = [(at, end) for at, end in cuts]
        self.end, self.turned = self.cuts[-1][1] if self.cuts else steps, 0
        self.best, self.best_at = math.inf, 0

    def rate(self, step: int) -> float:
        """The factor of the recipe's learning rate at a step."""
        planned = min(step, self.turned) if self.turned else self.planned(step)
        share = (planned + 1) / (self.steps + 1)
        height = slope(share, self.recipe.warm, self.recipe.last, self.recipe.hold)
        if not self.turned:
            return height
        return height * max(0, self.end - step) / (self.end - self.turned)

    def planned(self, step: int) -> float:
        """Returns the position in the schedule without cuts that this step corresponds to.

        It is a number of steps, possibly fractional; without cuts it is `step` itself.
        """
        if not self.cuts:
            return step
        begun, place, end = 0, 0.0, self.steps
        for at, until in self.cuts:
            if step < at:
                break
            place += (self.steps - place) * (at - begun) / (end - begun)
            begun, end = at, until
        return place + (self.steps - place) * (step - begun) / (end - begun)

    def cut(self, step: int, end: int) -> None:
        """Ends training after `end` steps in total, compressing the schedule after `step`."""
        self.cuts.append((step, end))
        self.end = end

    @property
    def averaged_from(self) -> int:
        """The number of steps after which the average of the weights begins."""
        planned = int((self.end if self.turned else self.steps) * (1 - self.recipe.average))
        if self.turned or not self.cuts:
            return planned
        later = (step for step in range(self.end) if self.planned(step + 1) > planned)
        return next(later, self.end)

    def better(self, step: int, loss: float) -> bool:
        """Records the validation loss at a step; returns True where it is the lowest so far.

        Once early stopping has begun, nothing is recorded and the result is False.
        """
        if self.turned or not loss < self.best:
            return False
        self.best, self.best_at = loss, step
        return True

    def turn(self, step: int) -> bool:
        """Begins early stopping if it is due; returns True if it begins at this step.

        The caller must then restore the best weights. The new `end` leaves enough steps that weight
        averaging begins only after this step.
        """
        waits = self.patience and not self.turned and not self.cuts
        if not waits or step - self.best_at < self.patience:
            return False
        average = min(self.recipe.average, 0.9)
        least = math.ceil(step * average / (1 - average)) + 1 if average else 1
        end = step + max(math.ceil(DESCENT * self.steps), least)
        if end >= self.steps:
            return False
        self.turned, self.end = step, end
        return True

    def state(self) -> dict[str, Any]:
        """The state for a checkpoint, as JSON."""
        best = self.best if math.isfinite(self.best) else None
        return {"end": self.end, "turned": self.turned, "best": best, "best_at": self.best_at}

    def take(self, state: dict[str, Any]) -> None:
        """Restores the state that `state` returned."""
        self.turned = int(state["turned"])
        planned = self.cuts[-1][1] if self.cuts else self.steps
        self.end = int(state["end"]) if self.turned else planned
        self.best = math.inf if state["best"] is None else float(state["best"])
        self.best_at = int(state["best_at"])
