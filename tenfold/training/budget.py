"""The plan's decisions: how many steps, of which size, in which precision. Made once, stored."""

from __future__ import annotations

import copy
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.core import device, system
from tenfold.core.columns import Batch, Columns
from tenfold.core.errors import ArtefactRefused
from tenfold.core.lazy import lazy
from tenfold.core.plan import Plan
from tenfold.core.progress import tell
from tenfold.training.batches import Batches, tensors
from tenfold.training.learner import Augment, Learner, Loss, Work
from tenfold.training.optimizers import Recipe
from tenfold.training.schedule import PATIENCE

if TYPE_CHECKING:
    from torch import nn

torch = lazy("torch")

__all__ = [
    "Budget",
    "Estimated",
    "agreed",
    "batch_and_length",
    "decide",
    "own_steps",
    "pace",
    "seconds_a_step",
    "stored",
    "tried",
]


class Estimated(Exception):
    """Ends a fit under a dry plan: what training would take, and the network that would learn.

    `facts` are those of `tried`; `more` beside them is what closed forms take: seconds, bytes.
    `net` is None where the network that was handed to fit is the one to show.
    """

    def __init__(self, net: Any, facts: dict[str, Any]) -> None:
        super().__init__("a dry plan ends before training")
        self.net, self.facts = net, facts


@dataclass(frozen=True)
class Budget:
    """What the plan came to. `length` is the number of steps of one pass.

    `patience` is the number of steps without improvement that end learning early, 0 = never.
    """

    steps: int
    batch: int
    length: int
    precision: str
    threads: int
    decided: str
    patience: int = 0

    @property
    def epochs(self) -> float:
        """Passes over the training rows."""
        return self.steps / self.length

    def to_json(self) -> dict[str, Any]:
        """What a finished run says of it."""
        facts = {name: getattr(self, name) for name in ("steps", "batch", "precision", "decided")}
        return facts | {"epochs": round(self.epochs, 4)}


def decide(
    net: nn.Module, train: Columns, loss: Loss, plan: Plan, recipe: Recipe, augment: Augment | None
) -> Budget:
    """Decides, or reads back what a continued run once decided."""
    path = plan.folder / "checkpoints" / "plan.json" if plan.folder else None
    if path and path.exists():
        budget: Budget = stored(path, Budget)
        torch.set_num_threads(budget.threads)
        return budget
    if plan.fixed is None:
        budget = _decided(net, train, loss, plan, recipe, augment)
    else:
        budget = _fixed(plan.fixed, train.rows)
    if path:
        system.write_atomically(path, json.dumps(vars(budget)))
    return budget


def _decided(
    net: nn.Module, train: Columns, loss: Loss, plan: Plan, recipe: Recipe, augment: Augment | None
) -> Budget:
    batch, length = batch_and_length(plan, recipe, train.rows)
    work = Work(loss, augment, agreed(net, train, loss, plan))
    steps, decided = _steps(net, train, plan, recipe, work, batch, length)
    precision = str(work.precision).removeprefix("torch.")
    threads = torch.get_num_threads()
    patience = _patience(plan, recipe, steps, length)
    return Budget(steps, batch, length, precision, threads, decided, patience)


def _fixed(fitted: dict[str, Any], rows: int) -> Budget:
    """As many steps as the first training made, of the same batch and precision, to the end."""
    batch = max(1, min(fitted["batch"], rows))
    steps = fitted.get("ended_early", fitted["steps"])
    decided, threads = "the steps of the first training", torch.get_num_threads()
    return Budget(steps, batch, max(1, rows // batch), fitted["precision"], threads, decided)


def _patience(plan: Plan, recipe: Recipe, steps: int, length: int) -> int:
    """A quarter of the steps where minutes leave room for more than the recipe asks for."""
    room = plan.minutes is not None and steps > 1.5 * own_steps(recipe, length)
    return round(PATIENCE * steps) if room else 0


def own_steps(recipe: Recipe, length: int) -> int:
    """How long the recipe itself would learn, in steps."""
    return max(round(recipe.epochs * length), recipe.least_steps)


def batch_and_length(plan: Plan, recipe: Recipe, rows: int) -> tuple[int, int]:
    """Rows of a step, and steps of a pass."""
    batch = max(1, min(plan.batch or recipe.batch, rows))
    return batch, max(1, rows // batch)


def stored(path: Path, make: Callable[..., Any] = dict) -> Any:
    """`make(**JSON)` of what was decided when the run was begun.

    Raises ArtefactRefused where the file is damaged.
    """
    try:
        return make(**json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise ArtefactRefused(
            f"What was decided at the start cannot be read: {path.name} is damaged ({error})",
            code="damaged-checkpoint",
            where=str(path.parent),
            fix="Remove the run folder and train again.",
        ) from error


def agreed(net: nn.Module, train: Columns, loss: Loss, plan: Plan) -> Any:
    """The chosen precision, once it gives nearly the loss that float32 gives."""
    place = next(net.parameters()).device
    precision = device.choose_precision(plan.precision, place)
    if precision == torch.float32 or plan.precision != "auto":
        return precision
    batch = tensors(train.take(np.arange(min(train.rows, 32))), place)
    was = net.training
    net.eval()
    full, half = (_loss_in(kind, net, batch, loss) for kind in (torch.float32, precision))
    net.train(was)
    if abs(full - half) <= 0.02 * abs(full) + 0.01:
        return precision
    tell("bfloat16 does not agree with float32 on this network here: float32 is used.")
    return torch.float32


def _loss_in(kind: Any, net: nn.Module, batch: dict[str, Any], loss: Loss) -> float:
    with torch.no_grad(), device.autocast(next(net.parameters()).device, kind):
        return float(loss(net, batch))


def _steps(
    net: nn.Module,
    train: Columns,
    plan: Plan,
    recipe: Recipe,
    work: Work,
    batch: int,
    length: int,
) -> tuple[int, str]:
    if plan.epochs is not None:
        return max(1, round(plan.epochs * length)), "epochs as asked"
    if plan.minutes is None:
        return own_steps(recipe, length), "the recipe's epochs"
    began, budget = time.perf_counter(), plan.minutes * 60
    second = pace(net, train, recipe, work, batch, most=min(4.0, 0.1 * budget))
    room = max(0.5, (budget - (time.perf_counter() - began)) * 0.95)
    return max(1, int(room / second)), f"{plan.minutes:.2f} minutes left for learning"


def pace(
    net: nn.Module, train: Columns, recipe: Recipe, work: Work, batch: int, most: float = 4.0
) -> float:
    """Seconds of a step here: with all threads or, where another process is in their way, one.

    Threads that wait for each other make steps up to a hundred times slower; learning goes to one
    thread then (see watch), so that is what it will take.
    """
    many = torch.get_num_threads()
    place = next(net.parameters()).device
    together = seconds_a_step(net, train, recipe, work, batch, most)
    if many == 1 or place.type != "cpu" or most < 2:
        return together
    torch.set_num_threads(1)
    try:
        return min(together, seconds_a_step(net, train, recipe, work, batch, most / 4))
    finally:
        torch.set_num_threads(many)


def seconds_a_step(
    net: nn.Module, train: Columns, recipe: Recipe, work: Work, batch: int, most: float = 4.0
) -> float:
    """Mean seconds of a step over the whole schedule, from a few on a copy that is thrown away.

    Spread over the schedule, as augmentation may change with it; takes about `most` seconds.
    """
    learner = Learner(copy.deepcopy(net).train(), recipe, work, 8)
    some = train.view(np.arange(min(train.rows, 8 * batch)))
    feed, times = Batches(some, batch, 0, learner.place), dict[int, list[float]]()
    began = time.perf_counter()
    for number, step in enumerate([0, *(0, 4, 2, 6, 1, 5, 3, 7) * 5]):
        start = time.perf_counter()
        device.seed(learner.place, number)
        learner.step(step, feed.batch(number), 1e-6)
        device.wait(learner.place)
        if number:  # the first also prepares kernels
            times.setdefault(step, []).append(time.perf_counter() - start)
        if number >= 4 and time.perf_counter() - began > most:
            break
    return statistics.mean(statistics.median(one) for one in times.values())


def tried(
    net: nn.Module, train: Columns, recipe: Recipe, work: Work, budget: Budget
) -> dict[str, Any]:
    """What a dry plan gives: the budget, how long its steps take here, some changed rows."""
    seconds = pace(net, train, recipe, work, budget.batch)
    facts = budget.to_json() | {"seconds_a_step": seconds}
    return facts | ({"views": _views(net, train, work)} if work.augment else {})


def _views(net: nn.Module, train: Columns, work: Work) -> dict[str, Batch]:
    """Rows spread over the training rows, as they are and as augmentation changes them midway."""
    place = next(net.parameters()).device
    before = train.take(np.linspace(0, train.rows - 1, min(train.rows, 8)).astype(np.int64))
    device.seed(place, 0)
    after = work.augment(tensors(before, place), 0.5) if work.augment else {}
    return {"before": before, "after": {name: x.cpu().numpy() for name, x in after.items()}}
