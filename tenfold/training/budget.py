"""Decides steps, batch size and precision of a training once, and stores them."""

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
from tenfold.core.message import Message
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
    "path_of",
    "seconds_a_step",
    "stored",
    "tried",
]


LOOK, LOOKS = 0.6, 20
"""Time of a validation row relative to a training row; maximum number of logged validations."""


class Estimated(Exception):
    """Raised to end a fit under a dry plan; holds the network and the estimated cost of training.

    `facts` are those that `tried` returns; `facts["more"]` holds the seconds and bytes of closed
    forms. `net` is None where the network that was given to `fit` is the one to show.
    """

    def __init__(self, net: Any, facts: dict[str, Any]) -> None:
        super().__init__("a dry plan ends before training")
        self.net, self.facts = net, facts


@dataclass(frozen=True)
class Budget:
    """Number of steps, batch size, precision and threads of a training.

    `length` is the number of steps of one epoch. `decided` states in words where `steps` comes
    from. Training stops early after `patience` steps without improvement, 0 = never. `cuts` are
    those of the schedule, made where steps took longer than planned.
    """

    steps: int
    batch: int
    length: int
    precision: str
    threads: int
    decided: str
    patience: int = 0
    cuts: tuple[tuple[int, int], ...] = ()

    @property
    def epochs(self) -> float:
        """Number of epochs over the training rows."""
        return self.steps / self.length

    def to_json(self) -> dict[str, Any]:
        """The facts that a finished run stores about its budget."""
        facts = {name: getattr(self, name) for name in ("steps", "batch", "precision", "decided")}
        return facts | {"epochs": round(self.epochs, 4)}


def decide(
    net: nn.Module,
    train: Columns,
    loss: Loss,
    plan: Plan,
    recipe: Recipe,
    augment: Augment | None,
    looked: int = 0,
) -> Budget:
    """Decides the budget of a training, or reads the one stored by the run that is continued.

    `looked` is the number of validation rows whose loss is logged. With `plan.fixed` it repeats the
    budget of the first training. Raises ArtefactRefused where the stored budget is damaged.
    """
    path = path_of(plan)
    if path and path.exists():
        budget: Budget = stored(path, Budget)
        torch.set_num_threads(budget.threads)
        return budget
    if plan.fixed is None:
        budget = _decided(net, train, loss, plan, recipe, augment, looked)
    else:
        budget = _fixed(plan.fixed, train.rows)
    if path:
        system.write_atomically(path, json.dumps(vars(budget)))
    return budget


def path_of(plan: Plan) -> Path | None:
    """The file beside the checkpoints that holds the budget; None without a run folder."""
    return plan.folder / "checkpoints" / "plan.json" if plan.folder else None


def _decided(
    net: nn.Module,
    train: Columns,
    loss: Loss,
    plan: Plan,
    recipe: Recipe,
    augment: Augment | None,
    looked: int,
) -> Budget:
    batch, length = batch_and_length(plan, recipe, train.rows)
    work = Work(loss, augment, agreed(net, train, loss, plan))
    steps, decided = _steps(net, train, plan, recipe, work, batch, length, looked)
    precision = str(work.precision).removeprefix("torch.")
    threads = torch.get_num_threads()
    patience = _patience(plan, recipe, steps, length)
    return Budget(steps, batch, length, precision, threads, decided, patience)


def _fixed(fitted: dict[str, Any], rows: int) -> Budget:
    """The steps, batch and precision of the first training, without early stopping."""
    batch = max(1, min(fitted["batch"], rows))
    steps = fitted.get("ended_early", fitted["steps"])
    decided, threads = "the steps of the first training", torch.get_num_threads()
    return Budget(steps, batch, max(1, rows // batch), fitted["precision"], threads, decided)


def _patience(plan: Plan, recipe: Recipe, steps: int, length: int) -> int:
    """The steps without improvement that stop training early; 0 = no early stopping.

    It is a quarter of the steps where the minutes allow over 1.5 times the recipe's own steps.
    """
    room = plan.minutes is not None and steps > 1.5 * own_steps(recipe, length)
    return round(PATIENCE * steps) if room else 0


def own_steps(recipe: Recipe, length: int) -> int:
    """The number of steps of the recipe: its epochs, but at least `least_steps`."""
    return max(round(recipe.epochs * length), recipe.least_steps)


def batch_and_length(plan: Plan, recipe: Recipe, rows: int) -> tuple[int, int]:
    """The batch size and the number of steps of one epoch."""
    batch = max(1, min(plan.batch or recipe.batch, rows))
    return batch, max(1, rows // batch)


def stored(path: Path, make: Callable[..., Any] = dict) -> Any:
    """Reads a JSON file that was written when the run began, and returns `make(**content)`.

    Raises ArtefactRefused where the file is damaged.
    """
    try:
        return make(**json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise ArtefactRefused(
            Message(
                "The plan of the unfinished run cannot be read: {name} is damaged ({error})",
                name=path.name,
                error=error,
            ),
            code="damaged-checkpoint",
            where=str(path.parent),
            fix=Message("Remove the run folder and train again."),
        ) from error


def agreed(net: nn.Module, train: Columns, loss: Loss, plan: Plan) -> Any:
    """Returns the precision of the plan, or float32 if an automatic bfloat16 changes the loss.

    The losses of both precisions on one batch may differ by 2 % plus 0.01.
    """
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
    tell(Message("bfloat16 and float32 give different losses here: float32 is used."))
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
    looked: int,
) -> tuple[int, str]:
    if plan.epochs is not None:
        return max(1, round(plan.epochs * length)), "epochs as given"
    if plan.minutes is None:
        return own_steps(recipe, length), "the recipe's epochs"
    began, budget = time.perf_counter(), plan.minutes * 60
    second = pace(net, train, recipe, work, batch, most=min(4.0, 0.1 * budget))
    room = max(0.5, (budget - (time.perf_counter() - began)) * 0.95)
    steps, look = room / second, LOOK * looked / batch
    steps = max(steps / (1 + look / length), steps - LOOKS * look)
    if plan.shortens:
        steps = min(steps, own_steps(recipe, length))
    return max(1, int(steps)), "minutes left for training"


def pace(
    net: nn.Module, train: Columns, recipe: Recipe, work: Work, batch: int, most: float = 4.0
) -> float:
    """Measures the seconds per step on this machine with all threads or one, whichever is faster.

    Only a CPU with at least two threads is measured with one thread too. Where another process uses
    the cores, threads that wait for each other can make steps a hundred times slower; the loop then
    continues with one thread (see `interrupts.Contention`).
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
    """Measures the mean seconds per step over the whole schedule, on a copy of the network.

    The measured steps are spread over the schedule because augmentation may change with it. Takes
    about `most` seconds.
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
        if number:  # the first step also prepares kernels
            times.setdefault(step, []).append(time.perf_counter() - start)
        if number >= 4 and time.perf_counter() - began > most:
            break
    return statistics.mean(statistics.median(one) for one in times.values())


def tried(
    net: nn.Module, train: Columns, recipe: Recipe, work: Work, budget: Budget
) -> dict[str, Any]:
    """The result of a dry run: budget, seconds per step, and a few augmented examples."""
    seconds = pace(net, train, recipe, work, budget.batch)
    facts = budget.to_json() | {"seconds_a_step": seconds}
    return facts | ({"views": _views(net, train, work)} if work.augment else {})


def _views(net: nn.Module, train: Columns, work: Work) -> dict[str, Batch]:
    """Up to 8 training rows before and after augmentation at half of the schedule."""
    place = next(net.parameters()).device
    before = train.take(np.linspace(0, train.rows - 1, min(train.rows, 8)).astype(np.int64))
    device.seed(place, 0)
    after = work.augment(tensors(before, place), 0.5) if work.augment else {}
    return {"before": before, "after": {name: x.cpu().numpy() for name, x in after.items()}}
