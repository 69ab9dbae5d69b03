"""Compares a few augmentations by short trainings and selects one on validation.

Short trainings show only large differences. Therefore the first augmentation, the default, stays
selected unless another one has a clearly lower validation loss. The decision is stored beside the
checkpoints, so that a continued run makes the same choice.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.core import device, system
from tenfold.core.columns import Parts
from tenfold.core.message import Message
from tenfold.core.plan import Plan
from tenfold.core.progress import tell
from tenfold.training import loop
from tenfold.training.budget import agreed, batch_and_length, own_steps, pace, stored
from tenfold.training.learner import Augment, Loss, Work
from tenfold.training.optimizers import Recipe

if TYPE_CHECKING:
    from torch import nn

__all__ = ["LEAST_ROWS", "Chosen", "choose"]

SHARE = 0.3  # maximum share of the minutes for the comparison
LEAST_ROWS = 50  # minimum rows in the selection half of validation
MARGIN = 0.03  # relative decrease of the loss that another augmentation must reach


@dataclass(frozen=True)
class Chosen:
    """The selected augmentation, the validation loss of each one compared, and the remaining plan.

    `losses` is {} where nothing was compared. `plan.minutes` is the time left.
    """

    policy: str
    losses: dict[str, float]
    plan: Plan

    @property
    def facts(self) -> dict[str, Any]:
        """The facts to store: `augment`, and `validation_scores` where several were compared."""
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
    """Selects the augmentation: the first of `policies` unless another has a clearly lower loss.

    Augmentations are compared only where the plan's minutes leave time after the recipe's own
    number of steps. `validation_loss(net, policy)` returns the loss on the selection half of
    validation. `net` is not changed. With `plan.fixed` the augmentation of the first fit is used
    again.
    """
    if plan.fixed is not None:
        return Chosen(plan.fixed["augment"], plan.fixed.get("validation_scores", {}), plan)
    first = next(iter(policies))
    path = plan.folder / "checkpoints" / "choice.json" if plan.folder else None
    told = stored(path) if path and path.exists() else {}
    if "policy" in told:
        return Chosen(told["policy"], told["losses"], plan)
    given, plan = plan, plan.now()
    steps = told.get("steps") or _steps(
        net, parts, policies[first], loss, plan, recipe, len(policies)
    )
    if not steps:
        return Chosen(first, {}, given)
    _store(path, {"steps": steps})
    losses = {}
    for name, policy in policies.items():
        tell(Message("Trying augmentation {name} for {steps} steps.", name=name, steps=steps))
        losses[name] = round(
            validation_loss(_learnt(net, parts, policy, loss, plan, recipe, steps), name), 6
        )
    best = min(losses, key=lambda name: losses[name])
    kept = best if losses[best] < (1 - MARGIN) * losses[first] else first
    tell(
        Message(
            "Augmentation {name} is selected. Validation loss: {losses}.",
            name=kept,
            losses=", ".join(f"{name} {value:.3f}" for name, value in losses.items()),
        )
    )
    _store(path, {"steps": steps, "policy": kept, "losses": losses})
    return Chosen(kept, losses, plan.now())


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
    """The number of steps to train each augmentation; 0 where there is not enough time.

    It is 0 without `minutes`, with fewer than two augmentations, or with too few validation rows.
    Most of the time is reserved for the final training with the recipe's own number of steps.
    """
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
    """A copy of the network after a short training with this augmentation."""
    _, length = batch_and_length(plan, recipe, parts.train.rows)
    short = replace(plan, minutes=None, epochs=steps / length, folder=None, prune=None)
    alone = replace(parts, selection=parts.selection.view(np.zeros(0, np.int64)))
    return loop.fit(copy.deepcopy(net), alone, loss, short, recipe, policy).net
