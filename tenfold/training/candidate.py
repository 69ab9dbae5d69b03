"""One candidate model of a task: how it is fitted, what that costs, and what it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tenfold.core.fitted import Fitted
from tenfold.core.plan import Plan

__all__ = ["FREE", "Candidate", "Cost", "Fits"]


@dataclass(frozen=True)
class Cost:
    """Cost of fitting a closed form, which is any candidate that the training loop does not train.

    `seconds` is the duration of the fit, `bytes` the memory needed during the fit, and `least` the
    seconds of its cheapest variant (0 = the same as `seconds`).
    """

    seconds: float = 0.0
    bytes: float = 0.0
    least: float = 0.0


FREE = Cost()
"""Cost of a candidate that is fitted so fast that estimates ignore it."""


@dataclass
class Fits:
    """Results so far, by the candidates' names: fitted networks and their validation scores."""

    nets: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Candidate:
    """One model to fit and compare.

    `fit(plan, fits)` returns the network that predicts with this candidate and the choices made, or
    None where it combines candidates that were not fitted. `cost` is None where the training loop
    fits it: the loop estimates its cost itself. `needs` names candidates that must be fitted
    before. A candidate with `always` is also fitted and compared where another one was requested by
    name. One that `combines` whatever was fitted comes last.
    """

    name: str
    fit: Callable[[Plan, Fits], Fitted | None]
    cost: Cost | None = None
    needs: tuple[str, ...] = ()
    always: bool = False
    combines: bool = False

    @property
    def setting(self) -> str:
        """The name as the value of a setting, such as naive-bayes for "naive Bayes"."""
        return self.name.lower().replace(" ", "-")
