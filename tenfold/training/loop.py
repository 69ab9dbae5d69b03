"""The one training loop. Everything random is a function of (seed, step); resuming is bit-exact.

A loss takes (net, batch) and returns a scalar. An augmentation takes (batch, share of the steps
done) and returns a batch; it draws from the default random generator of its device.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenfold.core import device, system
from tenfold.core.columns import Columns, Parts
from tenfold.core.errors import TrainingFailed
from tenfold.core.fitted import Fitted
from tenfold.core.lazy import lazy
from tenfold.core.message import EMPTY, Message
from tenfold.core.plan import Plan
from tenfold.core.progress import advance, tell
from tenfold.training import checkpoint, interrupts
from tenfold.training.batches import Batches, in_order
from tenfold.training.budget import Budget, Estimated, decide, tried
from tenfold.training.deadline import Deadline
from tenfold.training.learner import Augment, Learner, Loss, TensorBatch, Work
from tenfold.training.optimizers import Recipe
from tenfold.training.schedule import Schedule

if TYPE_CHECKING:
    from torch import Tensor, nn

torch = lazy("torch")

__all__ = ["Recipe", "evaluate", "fit"]

Measure = Callable[[Any, TensorBatch], dict[str, Any]]


def fit(
    net: nn.Module,
    parts: Parts,
    loss: Loss,
    plan: Plan,
    recipe: Recipe,
    augment: Augment | None = None,
    measure: Measure | None = None,
) -> Fitted:
    """Trains `net` as the plan states and returns it in eval mode, with the decisions made.

    `measure(net, batch)` returns sums over rows, which are logged as means over validation (see
    `evaluate`). Raises Stopped after a signal (the state is saved where there is a run folder),
    TrainingFailed where the gradient is still not finite after three retries, and Estimated before
    training under a dry plan.
    """
    plan, parts = plan.now(), plan.visible(parts)
    place = device.choose_device(plan.device)
    deadline = Deadline(plan)
    looked = parts.selection.rows
    budget = decide(net.to(place), parts.train, loss, plan, recipe, augment, looked)
    work = Work(loss, augment, getattr(torch, budget.precision))
    if plan.dry:
        raise Estimated(net.eval(), tried(net, parts.train, recipe, work, budget))
    patience = budget.patience if parts.selection.rows else 0
    learner = Learner(net, recipe, work, budget.steps, keeps_best=patience > 0)
    course = Schedule(budget.steps, patience, recipe, budget.cuts)
    journal = _Journal(learner, budget, plan, parts.selection, measure or _mean_of(loss), course)
    feed = Batches(parts.train, budget.batch, plan.seed, place)
    busy = interrupts.Contention(budget.threads, place.type == "cpu")
    step = journal.begin()
    net.train()
    with interrupts.signals() as stopped, device.repeatable(place):
        while step < course.end:
            began = time.perf_counter()
            device.seed(place, (plan.seed << 40) + step)
            share = course.planned(step) / course.steps if course.cuts else None
            learner.step(step, feed.batch(step), course.rate(step), share)
            step += 1
            busy.step(time.perf_counter() - began)
            if end := deadline.end(step, course):
                budget = deadline.cut(budget, course, step, end)
                learner.end_after(end, course.averaged_from)
            advance(Message("training"), step, course.end, journal.note)
            if stopped or journal.due_at(step) or began > journal.due:
                step = journal.stop(step, stopped)
                busy.look_again()
    learner.finish()
    early = {"ended_early": course.end} if course.turned or course.cuts else {}
    return Fitted(net.eval(), budget.to_json() | early)


class _Journal:
    """Work between steps: logging, checkpoints, early stopping, return to an earlier state."""

    def __init__(
        self,
        learner: Learner,
        budget: Budget,
        plan: Plan,
        choose: Columns,
        measure: Measure,
        course: Schedule,
    ) -> None:
        self.learner, self.budget, self.plan = learner, budget, plan
        self.choose, self.measure, self.course = choose, measure, course
        self.folder = plan.folder / "checkpoints" if plan.folder else None
        self.first = {name: value.clone() for name, value in learner.tensors().items()}
        if self.folder:
            size = sum(value.nbytes for value in self.first.values())
            system.need_disk(self.folder, (checkpoint.KEEP + 1) * size, Message("Checkpoints"))
        passes = budget.length * max(1, math.ceil(budget.epochs / 20))
        self.logs = frozenset([*range(passes, budget.steps, passes), budget.steps])
        every = plan.checkpoint_steps if plan.folder else budget.steps
        self.stops = self.logs | frozenset(range(every, budget.steps, every))
        self.rows: list[dict[str, Any]] = []
        self._beginning = {"step": 0, "logged": 0, "rows": [], "course": course.state()}
        self.retries, self.logged, self.note = 0, 0, EMPTY
        self._restart_clocks()

    def _restart_clocks(self) -> None:
        self.began = time.perf_counter()
        self.due = self.began + self.plan.checkpoint_seconds if self.folder else math.inf

    def begin(self) -> int:
        """Loads the newest valid checkpoint and returns its step; 0 without a checkpoint."""
        found = checkpoint.load(self.folder) if self.folder else None
        if found is None:
            return 0
        step = self._take(*found)
        self.learner.micro, self.learner.rate = found[0]["micro"], found[0]["rate"]
        self.retries = found[0]["retries"]
        tell(Message("Continuing at step {step} of {steps}.", step=step, steps=self.budget.steps))
        self._ask_judge(step)
        return step

    def due_at(self, step: int) -> bool:
        """True after steps that are logged or saved."""
        return step in self.stops or step == self.course.end

    def stop(self, step: int, stopped: list[int]) -> int:
        """Logs, saves a checkpoint and stops early if due; returns the step to continue with.

        After a gradient that was not finite, it restores the last checkpoint and returns its step.
        Raises TrainingFailed after three such attempts, and Stopped after a signal.
        """
        if broken := int(self.learner.broken):
            return self._go_back(broken)
        if step in self.logs or step == self.course.end:
            self._log(step)
            self._end_early(step)
            if not stopped:  # else `begin` calls it when the run continues
                self._ask_judge(step)
        if self.folder and (stopped or (step < self.course.end and self._worth_saving(step))):
            self._save(self.folder, step)
        if stopped:
            raise interrupts.stop(stopped[0], self.plan.folder, step)
        return step

    def _end_early(self, step: int) -> None:
        """Copies the weights if they are the best so far; restores the best to stop early."""
        course = self.course
        if course.patience and course.better(step, self.rows[-1].get("valid_loss", math.inf)):
            self.learner.keep_best()
        if course.turn(step):
            self.learner.take_best()
            self.learner.end_after(course.end, course.averaged_from)
            tell(
                Message(
                    "Validation has not improved since step {best}: training returns to the "
                    "weights of that step and ends at step {end} of {steps}.",
                    best=course.best_at,
                    end=course.end,
                    steps=self.budget.steps,
                )
            )

    def _ask_judge(self, step: int) -> None:
        """Gives the newest validation loss to `plan.prune`, which may raise to end a poor trial.

        Does nothing after early stopping has begun: the learning rate then falls faster than in
        other trials, so that the losses are not comparable.
        """
        row, end = (self.rows or [{}])[-1], self.budget.steps
        told = row.get("step") == step and "valid_loss" in row
        if self.plan.prune and told and step < self.course.end == end:
            self.plan.prune(step / end, row["valid_loss"])

    def _worth_saving(self, step: int) -> bool:
        every = self.plan.checkpoint_steps
        return step % every == 0 or time.perf_counter() > self.due

    def _log(self, step: int) -> None:
        seconds = time.perf_counter() - self.began
        steps = max(1, step - self.logged)
        row = {
            "step": step,
            "epoch": round(step / self.budget.length, 4),
            "loss": round(float(self.learner.sum) / steps, 6),
            "seconds": round(seconds, 3),
            "threads": torch.get_num_threads(),
            "rows_per_second": round(steps * self.budget.batch / seconds),
            **evaluate(self.learner.net, self.choose, self.measure, self.budget.batch),
        }
        self.note, self.logged = Message("loss {value:.3f}", value=row["loss"]), step
        self.learner.sum.zero_()
        self.rows.append(row)
        self._write()
        self.began = time.perf_counter()

    def _write(self) -> None:
        """Writes the whole log again, so that repeated steps do not appear twice."""
        if self.plan.folder:
            text = "".join(json.dumps(row) + "\n" for row in self.rows)
            (self.plan.folder / "log.jsonl").write_text(text)

    def _save(self, folder: Path, step: int) -> None:
        names = ("retries", "logged", "rows")
        facts = {name: getattr(self, name) for name in names}
        facts |= {"micro": self.learner.micro, "rate": self.learner.rate}
        facts["course"] = self.course.state()
        checkpoint.save(folder, step, facts, self.learner.tensors())
        self.due = time.perf_counter() + self.plan.checkpoint_seconds

    def _go_back(self, broken: int) -> int:
        self.retries += 1
        if self.retries > 3:
            raise TrainingFailed(
                Message(
                    "The gradient is not finite at step {step}, after three attempts with lower "
                    "learning rates",
                    step=broken,
                ),
                where=f"step {broken} of {self.budget.steps}",
                fix=Message(
                    "Give a smaller --learning-rate, or check the data with `tenfold check`."
                ),
            )
        self.learner.rate /= 2
        tell(
            Message(
                "The gradient is not finite at step {step}: training continues from the last "
                "checkpoint at half the learning rate.",
                step=broken,
            )
        )
        found = checkpoint.load(self.folder) if self.folder else None
        return self._take(*(found or (self._beginning, self.first)))

    def _take(self, facts: dict[str, Any], state: dict[str, Tensor]) -> int:
        self.learner.take(state)
        self.course.take(facts["course"])
        self.learner.end_after(self.course.end, self.course.averaged_from)
        self.logged, self.rows = facts["logged"], list(facts["rows"])
        self._write()
        self._restart_clocks()
        return int(facts["step"])


def _mean_of(loss: Loss) -> Measure:
    def measure(net: Any, batch: TensorBatch) -> dict[str, Any]:
        return {"valid_loss": loss(net, batch) * len(next(iter(batch.values())))}

    return measure


def evaluate(net: nn.Module, columns: Columns, measure: Measure, batch: int) -> dict[str, float]:
    """Returns the mean over all rows of each value of `measure`, by name; {} without rows.

    `measure(net, batch)` returns sums over the rows of a batch. Of sums (2, K), numerators and
    denominators of K ratios, the mean ratio is returned, without those of denominator 0. The
    network runs in eval mode.
    """
    was, place = net.training, next(net.parameters()).device
    totals: dict[str, Any] = {}
    net.eval()
    with torch.no_grad():
        for piece in in_order(columns, batch, place):
            for name, value in measure(net, piece).items():
                totals[name] = totals.get(name, 0.0) + value
    net.train(was)
    return {name: round(_mean(total, columns.rows), 6) for name, total in totals.items()}


def _mean(total: Any, rows: int) -> float:
    if getattr(total, "ndim", 0) == 0:
        return float(total) / rows
    above, below = total.double()
    known = below > 0
    return float((above[known] / below[known]).mean()) if known.any() else 0.0


def log_of(folder: Path) -> list[dict[str, Any]]:
    """The rows of a run's log."""
    path = folder / "log.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
