"""Shortens a training whose steps take longer than measured at its start, so that it ends in time.

Steps may take longer because another process begins to use the processor. A cut of the schedule
(see `schedule`) is stored before it takes effect. A continued training applies the stored cuts and
makes no further ones.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import replace

from tenfold.core import system
from tenfold.core.message import Message
from tenfold.core.plan import Plan
from tenfold.core.progress import tell
from tenfold.training.budget import Budget, path_of
from tenfold.training.schedule import Schedule

__all__ = ["Deadline"]


class Deadline:
    """The time at which a training must end, `plan.minutes` after this object was made."""

    FIRST, CHECK = 3.0, 1.0
    """Seconds of training before the first check, and between two checks."""
    LATE = 0.03
    """Minimum delay, as a share of the time left, at which training is shortened."""

    def __init__(self, plan: Plan) -> None:
        self._path = path_of(plan)
        continued = self._path is not None and self._path.exists()
        free = plan.minutes is None or plan.fixed is not None or continued
        self._due = math.inf if free else time.perf_counter() + 60 * (plan.minutes or 0)
        self._begun, self._first, self._check = 0.0, 0, 0.0

    def end(self, step: int, course: Schedule) -> int:
        """Returns the step after which training must end to be in time; 0 if nothing changes."""
        if math.isinf(self._due):
            return 0
        now = time.perf_counter()
        if not self._first:
            self._begun, self._first, self._check = now, step, now + self.FIRST
        if now < self._check or step == self._first:
            return 0
        self._check = now + self.CHECK
        pace = (now - self._begun) / (step - self._first)
        left = course.end - step
        if left < 2 or course.turned or left * pace <= (1 + self.LATE) * (self._due - now):
            return 0
        return step + max(1, min(left - 1, int((self._due - now) / pace)))

    def cut(self, budget: Budget, course: Schedule, step: int, end: int) -> Budget:
        """Shortens the schedule at `step` so that training ends at step `end`.

        Stores the cut beside the checkpoints and returns the budget with it.
        """
        if not course.cuts:
            tell(
                Message(
                    "Steps take longer than measured before: training is shortened to end in time, "
                    "at step {end} instead of {steps}.",
                    end=end,
                    steps=course.end,
                )
            )
        course.cut(step, end)
        budget = replace(budget, cuts=tuple(course.cuts))
        if self._path:
            system.write_atomically(self._path, json.dumps(vars(budget)))
        return budget
