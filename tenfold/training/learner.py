"""The state of a training and the operations of one step; a checkpoint holds all of this state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenfold.core import device
from tenfold.core.lazy import lazy
from tenfold.core.message import Message
from tenfold.core.progress import tell
from tenfold.training.optimizers import Flat, Recipe, make

if TYPE_CHECKING:
    from torch import Tensor, nn

torch = lazy("torch")

__all__ = ["Augment", "Learner", "Loss", "TensorBatch"]

TensorBatch = dict[str, Any]
Loss = Callable[[Any, TensorBatch], Any]
Augment = Callable[[TensorBatch, float], TensorBatch]


@dataclass(frozen=True)
class Work:
    """What every training step uses: loss function, augmentation, precision."""

    loss: Loss
    augment: Augment | None
    precision: Any


class Learner:
    """Weights, optimizer, weight average and loss sum of a network trained for `steps` steps.

    `broken` is the number (from 1) of the last step whose gradient was not finite, 0 = none.
    `broken` and `sum` (of losses) stay on the device until they are read. With `keeps_best` a copy
    of the best weights is part of the state.
    """

    def __init__(
        self, net: nn.Module, recipe: Recipe, work: Work, steps: int, keeps_best: bool = False
    ) -> None:
        self.net, self.recipe, self.work, self.steps = net, recipe, work, steps
        self.averaged_from = int(steps * (1 - recipe.average))
        self.flat = Flat(net)
        self.optimizer = make(recipe, self.flat)
        self.place = self.flat.values.device
        self.sum = torch.zeros((), device=self.place)
        self.broken = torch.zeros((), device=self.place)
        averaged = recipe.average > 0
        self.average = torch.zeros_like(self.flat.values if averaged else self.sum)
        self.average_buffers = torch.zeros_like(self.flat.buffers)
        kept = [self.flat.values, self.flat.buffers] if keeps_best else []
        self.best = [value.clone() for value in kept]
        self.micro, self.rate = 1, 1.0

    def step(
        self, step: int, batch: TensorBatch, factor: float, share: float | None = None
    ) -> None:
        """Makes one step on `batch` at `factor` times the learning rate.

        `share` is the part of the schedule that is done, 0 to 1, for the augmentation; by default
        `step` / `steps`. Where memory runs out, the batch is split into twice as many pieces and
        the step is tried again.
        """
        while True:
            try:
                self.flat.grads.zero_()
                value = self._gradients(batch, step / self.steps if share is None else share)
                break
            except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
                if not _out_of_memory(error) or self.micro >= _rows(batch):
                    raise
            self.micro *= 2
            tell(
                Message("Memory ran out: each batch is split into {count} parts.", count=self.micro)
            )
        self.sum.add_(value)
        self._update(step, factor)

    def _gradients(self, batch: TensorBatch, share: float) -> Tensor:
        """Accumulates the gradients of the batch, piece by piece, and returns its loss.

        `share` is the share of the steps done, for augmentation.
        """
        work = self.work
        total: Any = 0
        if work.augment is not None:
            batch = work.augment(batch, share)
        for piece, weight in _pieces(batch, self.micro):
            if work.precision == torch.float32:
                value = work.loss(self.net, piece)
            else:
                with device.autocast(self.place, work.precision):
                    value = work.loss(self.net, piece)
            if weight != 1:
                value = value * weight
            value.backward()
            total = total + value.detach()
        return total

    def _update(self, step: int, factor: float) -> None:
        """Updates the weights; skips the update on the device where a gradient is not finite.

        The squared length of the gradient minus itself is 0 where it is finite, else NaN. The test
        needs no synchronization with the device.
        """
        length = torch.dot(self.flat.grads, self.flat.grads)
        broken = length.sub_(length).nan_to_num_(nan=1.0)
        torch.maximum(self.broken, broken * (step + 1), out=self.broken)
        self.optimizer.step(factor * self.rate, broken)
        if self.recipe.average:
            self._average(step + 1)

    def _average(self, done: int) -> None:
        """Updates the weight average at every `average_every`-th step after `averaged_from`.

        The last step is included in any case.
        """
        begun = done - self.averaged_from
        number, rest = divmod(begun, self.recipe.average_every)
        if begun <= 0 or (rest and done < self.steps):
            return
        share = 1 / max(1, number + bool(rest))
        self.average.lerp_(self.flat.values, share)
        self.average_buffers.lerp_(self.flat.buffers, share)

    def tensors(self) -> dict[str, Tensor]:
        """All tensors that determine how training continues; they are updated in place."""
        state = {f"optimizer.{name}": value for name, value in self.optimizer.tensors().items()}
        own = {"sum": self.sum, "broken": self.broken, "average": self.average}
        own |= {f"best.{number}": value for number, value in enumerate(self.best)}
        return self.flat.tensors() | state | own | {"average_buffers": self.average_buffers}

    def take(self, tensors: dict[str, Tensor]) -> None:
        """Restores the tensors that `tensors` returned."""
        with torch.no_grad():
            for name, value in self.tensors().items():
                value.copy_(tensors[name])

    def keep_best(self) -> None:
        """Copies the current weights as the best ones; does nothing without `keeps_best`."""
        for kept, now in zip(self.best, (self.flat.values, self.flat.buffers), strict=True):
            kept.copy_(now)

    def end_after(self, steps: int, averaged_from: int) -> None:
        """Ends training after `steps` steps; weights are averaged after step `averaged_from`."""
        self.steps, self.averaged_from = steps, averaged_from

    def take_best(self) -> None:
        """Restores the weights that `keep_best` copied."""
        with torch.no_grad():
            for kept, now in zip(self.best, (self.flat.values, self.flat.buffers), strict=True):
                now.copy_(kept)

    def finish(self) -> None:
        """Replaces the last weights by the averaged ones and frees the gradients."""
        with torch.no_grad():
            if self.recipe.average:
                self.flat.values.copy_(self.average)
                self.flat.buffers.copy_(self.average_buffers)
        for entry in self.net.parameters():
            entry.grad = None


def _rows(batch: TensorBatch) -> int:
    return len(next(iter(batch.values())))


def _pieces(batch: TensorBatch, micro: int) -> Iterator[tuple[TensorBatch, float]]:
    if micro == 1:
        yield batch, 1
        return
    rows = _rows(batch)
    for part in torch.arange(rows).tensor_split(min(micro, rows)):
        first, last = int(part[0]), int(part[-1]) + 1
        yield {name: value[first:last] for name, value in batch.items()}, (last - first) / rows


def _out_of_memory(error: BaseException) -> bool:
    kinds = (torch.OutOfMemoryError, MemoryError)
    return isinstance(error, kinds) or "can't allocate memory" in str(error)
