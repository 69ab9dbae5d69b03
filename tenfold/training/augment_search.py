"""Which of a few ways to change the examples learns best here: each learns a little, one is kept.

A search this small can only tell large differences, so the first way, the usual one, stays unless
another is better by more than chance would make it. What was decided is stored beside the
checkpoints: a run that is continued chooses the same.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.core import device, system
from tenfold.core.columns import Parts
from tenfold.core.plan import Plan
from tenfold.core.progress import tell
from tenfold.training import loop
from tenfold.training.budget import agreed, batch_and_length, own_steps, pace, stored
from tenfold.training.learner import Augment, Loss, Work
from tenfold.training.optimizers import Recipe

if TYPE_CHECKING:
    from torch import nn

__all__ = ["LEAST_ROWS", "Chosen", "choose"]

SHARE = 0.3  # of the minutes may go into choosing
LEAST_ROWS = 50  # of the half of validation that chooses
MARGIN = 0.03  # how much lower, as a share, the loss of another way must be


@dataclass(frozen=True)
class Chosen:
    """The name of the way, the loss of each that was tried ({} where none was), what is left."""

    policy: str
    losses: dict[str, float]
    plan: Plan

    @property
    def facts(self) -> dict[str, Any]:
        """What is stored of the choice: `augment`, and the losses where several were tried."""
        found: dict[str, Any] = {"augment": self.policy}
        return found | ({"validation_scores": self.losses} if self.losses else {})


def choose(
    net: nn.Module,
    parts: Parts,
    policies: Mapping[str, Augment | None],
    loss: Loss,
    plan: Plan,
    recipe: Recipe,
    validation_loss: Callable[[Any, str], float],
) -> Chosen:
    """The way to change examples: the first of `policies` unless another is clearly better.

    Tried only where the plan's minutes leave room beside the recipe's own length.
    `validation_loss(net, policy)` is that of the half of validation that chooses. `net` is left as
    it is. With `plan.fixed` the policy of the first fit is kept.
    """
    if plan.fixed is not None:
        return Chosen(plan.fixed["augment"], plan.fixed.get("validation_scores", {}), plan)
    first = next(iter(policies))
    path = plan.folder / "checkpoints" / "choice.json" if plan.folder else None
    told = stored(path) if path and path.exists() else {}
    if "policy" in told:
        return Chosen(told["policy"], told["losses"], plan)
    began = time.perf_counter()
    steps = told.get("steps") or _steps(
        net, parts, policies[first], loss, plan, recipe, len(policies)
    )
    if not steps:
        return Chosen(first, {}, plan)
    _store(path, {"steps": steps})
    losses = {}
    for name, policy in policies.items():
        tell(f"Trying {name} for {steps} steps.")
        losses[name] = round(
            validation_loss(_learnt(net, parts, policy, loss, plan, recipe, steps), name), 6
        )
    best = min(losses, key=lambda name: losses[name])
    kept = best if losses[best] < (1 - MARGIN) * losses[first] else first
    tell(f"{kept} is kept: {', '.join(f'{name} {value:.3f}' for name, value in losses.items())}")
    _store(path, {"steps": steps, "policy": kept, "losses": losses})
    spent = (time.perf_counter() - began) / 60
    return Chosen(kept, losses, replace(plan, minutes=max((plan.minutes or 0) - spent, 0.02)))


def _store(path: Path | None, content: dict[str, Any]) -> None:
    if path:
        system.write_atomically(path, json.dumps(content))


def _steps(
    net: nn.Module,
    parts: Parts,
    policy: Augment | None,
    loss: Loss,
    plan: Plan,
    recipe: Recipe,
    many: int,
) -> int:
    """Steps for each way, 0 where there is no room: the recipe's own length comes first."""
    if plan.minutes is None or plan.dry or many < 2 or parts.selection.rows < LEAST_ROWS:
        return 0
    net.to(device.choose_device(plan.device))
    batch, length = batch_and_length(plan, recipe, parts.train.rows)
    own = own_steps(recipe, length)
    work = Work(loss, policy, agreed(net, parts.train, loss, plan))
    second = pace(net, parts.train, recipe, work, batch, most=2.0)
    seconds = 60 * plan.minutes
    each = int(SHARE * seconds / second / many)
    return min(each, own) if (1 - SHARE) * seconds > own * second and each > own / 4 else 0


def _learnt(
    net: nn.Module,
    parts: Parts,
    policy: Augment | None,
    loss: Loss,
    plan: Plan,
    recipe: Recipe,
    steps: int,
) -> Any:
    """A copy of the network after a short training of its own."""
    _, length = batch_and_length(plan, recipe, parts.train.rows)
    short = replace(plan, minutes=None, epochs=steps / length, folder=None, prune=None)
    alone = replace(parts, selection=parts.selection.view(np.zeros(0, np.int64)))
    return loop.fit(copy.deepcopy(net), alone, loss, short, recipe, policy).net
