"""How the rate goes over the steps, and when learning ends: as planned, or early.

Planned is a triangle: up, then straight down. Where the plan has room and validation has not
improved for a quarter of it, learning goes back to the weights that were best and takes the rate
from there straight to zero in a tenth of the plan.
"""

from __future__ import annotations

import math
from typing import Any

from tenfold.training.optimizers import Recipe, slope

__all__ = ["PATIENCE", "Schedule"]

PATIENCE = 0.25  # share of the plan without a better validation loss
DESCENT = 0.1  # share of the plan that an early end takes


class Schedule:
    """Steps from 0 to `end`. `patience` steps without improvement end it early, 0 = never.

    `state` and `take` are for checkpoints.
    """

    def __init__(self, steps: int, patience: int, recipe: Recipe) -> None:
        self.steps, self.patience, self.recipe = steps, patience, recipe
        self.end, self.turned = steps, 0
        self.best, self.best_at = math.inf, 0

    def rate(self, step: int) -> float:
        """Share of the recipe's rate at a step."""
        planned = min(step, self.turned) if self.turned else step
        share = (planned + 1) / (self.steps + 1)
        height = slope(share, self.recipe.warm, self.recipe.last)
        if not self.turned:
            return height
        return height * max(0, self.end - step) / (self.end - self.turned)

    def better(self, step: int, loss: float) -> bool:
        """Notes a validation loss; True where it is the best so far."""
        if self.turned or not loss < self.best:
            return False
        self.best, self.best_at = loss, step
        return True

    def turn(self, step: int) -> bool:
        """True where learning must now go back to its best and end early.

        The descent is long enough for the average of the last weights to begin in it.
        """
        if not self.patience or self.turned or step - self.best_at < self.patience:
            return False
        average = min(self.recipe.average, 0.9)
        least = math.ceil(step * average / (1 - average)) + 1 if average else 1
        end = step + max(math.ceil(DESCENT * self.steps), least)
        if end >= self.steps:
            return False
        self.turned, self.end = step, end
        return True

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps of it, as JSON."""
        best = self.best if math.isfinite(self.best) else None
        return {"end": self.end, "turned": self.turned, "best": best, "best_at": self.best_at}

    def take(self, state: dict[str, Any]) -> None:
        """Puts back what `state` once gave."""
        self.turned = int(state["turned"])
        self.end = int(state["end"]) if self.turned else self.steps
        self.best = math.inf if state["best"] is None else float(state["best"])
        self.best_at = int(state["best_at"])
