"""SGD with Nesterov momentum, AdamW and Muon over one flat vector of parameters.

Every parameter is a view into one vector and every gradient a view into another. So zeroing,
checking, averaging and updating take a few operations, however many layers there are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from tenfold.core import device
from tenfold.core.lazy import lazy

if TYPE_CHECKING:
    from torch import Tensor, nn

torch = lazy("torch")

__all__ = ["NAMES", "Flat", "Optimizer", "Recipe", "make", "slope"]

NAMES = ("sgd", "adamw", "muon")


@dataclass(frozen=True)
class Recipe:
    """Default optimizer, learning rates, schedule, length and batch size of a training.

    `learning_rate` is for Muon's matrices, or for all parameters of the other optimizers;
    `other_rate` is for the parameters that Muon leaves to AdamW (vectors, and the last matrix, the
    head). `decay` is the weight decay, `second` the beta2 of AdamW. `warm` is the share of warm-up
    steps; the learning rate then stays at its highest until the share `hold` of the steps, and
    falls to the share `last` of the highest. Training takes `epochs`, but at least `least_steps`.
    `average` is the share of steps, at the end, whose weights are averaged.
    """

    optimizer: str = "adamw"
    learning_rate: float = 2e-3
    other_rate: float = 3e-3
    decay: float = 0.0
    momentum: float = 0.9
    second: float = 0.95
    warm: float = 0.2
    hold: float = 0.0
    last: float = 0.0
    epochs: float = 10.0
    least_steps: int = 500
    batch: int = 128
    average: float = 0.0
    average_every: int = 5
    newton_schulz: int = 3


def slope(share: float, warm: float, last: float, hold: float = 0.0) -> float:
    """The learning rate factor: from 0 to 1 over `warm`, 1 until `hold`, then down to `last`.

    `share` is the share of the steps done; both slopes are linear. Without `hold` it is a triangle.
    """
    if share < warm:
        return share / warm
    return last + (1 - last) * min(1.0, (1 - share) / max(1 - max(warm, hold), 1e-9))


class Flat:
    """Parameters and gradients of a network as two vectors, and float buffers as a third.

    Order: hidden matrices, then other matrices, then vectors. `hidden` is the length of the first
    group, `matrices` that of the first two together. Convolution weights are stored in the order
    O H W I (channels last).
    """

    def __init__(self, net: nn.Module) -> None:
        learnt = [entry for entry in net.parameters() if entry.requires_grad]
        tall = [entry for entry in learnt if entry.ndim > 1]
        inner = tall[:-1]  # all matrices but the last, which is the head
        outer = [entry for entry in tall if not any(entry is other for other in inner)]
        flat = [entry for entry in learnt if entry.ndim < 2]
        self.shapes = [(len(entry), entry[0].numel()) for entry in inner]
        self.hidden = sum(entry.numel() for entry in inner)
        self.matrices = self.hidden + sum(entry.numel() for entry in outer)
        self.values = _gathered([*inner, *outer, *flat])
        self.grads = torch.zeros_like(self.values)
        for entry, value, grad in _slices([*inner, *outer, *flat], self.values, self.grads):
            entry.data, entry.grad = value, grad
        self.buffers = _flat_buffers(net)
        self.counts = [entry for entry in net.buffers() if not entry.is_floating_point()]

    def tensors(self) -> dict[str, Tensor]:
        """All tensors of the network that a checkpoint must hold."""
        counts = {f"count.{number}": count for number, count in enumerate(self.counts)}
        return {"values": self.values, "buffers": self.buffers, **counts}


def _gathered(entries: list[Tensor]) -> Tensor:
    """Concatenates parameters into one vector, convolution weights in the order O H W I."""
    rows = [_last(entry.detach()).reshape(-1) for entry in entries]
    return torch.cat(rows) if rows else torch.zeros(0)


def _last(entry: Tensor) -> Tensor:
    return entry.permute(0, 2, 3, 1) if entry.ndim == 4 else entry


def _slices(
    entries: list[Tensor], values: Tensor, grads: Tensor
) -> list[tuple[Tensor, Tensor, Tensor]]:
    at, found = 0, []
    for entry in entries:
        end = at + entry.numel()
        found.append((entry, _shaped(values[at:end], entry), _shaped(grads[at:end], entry)))
        at = end
    return found


def _shaped(part: Tensor, like: Tensor) -> Tensor:
    if like.ndim != 4:
        return part.view(like.shape)
    out, channels, height, width = like.shape
    return part.view(out, height, width, channels).permute(0, 3, 1, 2)


def _flat_buffers(net: nn.Module) -> Tensor:
    """Makes all float buffers, such as running statistics, views of one vector and returns it."""
    places = [
        (module, name, buffer)
        for module in net.modules()
        for name, buffer in module._buffers.items()
        if buffer is not None and buffer.is_floating_point()
    ]
    vector = torch.cat([b.reshape(-1).float() for *_, b in places]) if places else torch.zeros(0)
    at = 0
    for module, name, buffer in places:
        module._buffers[name] = vector[at : at + buffer.numel()].view(buffer.shape)
        at += buffer.numel()
    return vector


class Optimizer(Protocol):
    """An optimizer of the flat vector of parameters."""

    def step(self, factor: float, broken: Tensor) -> None:
        """Makes one update at `factor` times the learning rate; none where `broken` is 1.

        `broken` is a scalar tensor on the device: 1 if the gradient is not finite, else 0.
        """

    def tensors(self) -> dict[str, Tensor]:
        """The state by name; the tensors are updated in place."""


def make(recipe: Recipe, flat: Flat) -> Optimizer:
    """The optimizer that the recipe names."""
    if recipe.optimizer == "sgd":
        return _SGD(recipe, flat)
    if recipe.optimizer == "adamw":
        return _AdamW(recipe, flat, 0, recipe.learning_rate)
    return _Muon(recipe, flat)


class _Stretch:
    """A slice of the flat vectors with one weight decay."""

    def __init__(self, flat: Flat, first: int, last: int, decay: float) -> None:
        self.decay = decay
        self.values, self.grads = flat.values[first:last], flat.grads[first:last]


def _stretches(flat: Flat, start: int, decay: float) -> list[_Stretch]:
    """Splits the flat vectors into matrices, with weight decay, and vectors, without it.

    Without weight decay they stay one slice.
    """
    end = flat.values.numel()
    if not decay:
        return [_Stretch(flat, start, end, 0.0)]
    both = [_Stretch(flat, start, flat.matrices, decay), _Stretch(flat, flat.matrices, end, 0.0)]
    return [one for one in both if one.values.numel()]


class _AdamW:
    """AdamW (I. Loshchilov, F. Hutter, arXiv 1711.05101) with torch's fused kernel.

    The kernel is called directly: the overhead of torch.optim costs more than a small update.
    """

    def __init__(self, recipe: Recipe, flat: Flat, start: int, rate: float) -> None:
        self._recipe, self._rate = recipe, rate
        self._stretches = _stretches(flat, start, recipe.decay)
        self._count = torch.zeros((), device=flat.values.device)
        self._means = [torch.zeros_like(one.values) for one in self._stretches]
        self._squares = [torch.zeros_like(one.values) for one in self._stretches]

    def step(self, factor: float, broken: Tensor) -> None:
        """Makes one fused update and counts it; does neither where `broken` is 1."""
        self._count.add_(1 - broken)
        recipe, states = self._recipe, zip(self._stretches, self._means, self._squares, strict=True)
        for one, mean, square in states:
            torch._fused_adamw_(
                [one.values],
                [one.grads],
                [mean],
                [square],
                [],
                [self._count],
                lr=self._rate * factor,
                beta1=recipe.momentum,
                beta2=recipe.second,
                weight_decay=one.decay,
                eps=1e-8,
                amsgrad=False,
                maximize=False,
                found_inf=broken,
            )

    def tensors(self) -> dict[str, Tensor]:
        """The step count and the first and second moments."""
        means = {f"mean.{number}": value for number, value in enumerate(self._means)}
        squares = {f"square.{number}": value for number, value in enumerate(self._squares)}
        return {"count": self._count} | means | squares


class _SGD:
    """SGD with Nesterov momentum (I. Sutskever et al. 2013) with torch's fused kernel."""

    def __init__(self, recipe: Recipe, flat: Flat) -> None:
        self._recipe = recipe
        self._stretches = _stretches(flat, 0, recipe.decay)
        self._momenta = [torch.zeros_like(one.values) for one in self._stretches]

    def step(self, factor: float, broken: Tensor) -> None:
        """Makes one fused update."""
        recipe = self._recipe
        for one, momentum in zip(self._stretches, self._momenta, strict=True):
            torch._fused_sgd_(
                [one.values],
                [one.grads],
                [momentum],
                weight_decay=one.decay,
                momentum=recipe.momentum,
                lr=recipe.learning_rate * factor,
                dampening=0.0,
                nesterov=True,
                maximize=False,
                is_first_step=False,
                found_inf=broken,
            )

    def tensors(self) -> dict[str, Tensor]:
        """The momentum of every slice."""
        return {f"momentum.{number}": value for number, value in enumerate(self._momenta)}


class _Muon:
    """Muon, momentum with orthogonalized updates, for hidden matrices; AdamW for the rest.

    K. Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks". Matrices of
    the same shape are orthogonalized together.
    """

    def __init__(self, recipe: Recipe, flat: Flat) -> None:
        self._recipe, self._flat = recipe, flat
        self._rest = _AdamW(replace(recipe, decay=0.0), flat, flat.hidden, recipe.other_rate)
        self._momentum = torch.zeros_like(flat.grads[: flat.hidden])
        self._precision = device.choose_precision("auto", flat.values.device)
        self._groups: dict[tuple[int, int], list[tuple[int, int]]] = {}
        at = 0
        for rows, columns in flat.shapes:
            self._groups.setdefault((rows, columns), []).append((at, at + rows * columns))
            at += rows * columns

    def step(self, factor: float, broken: Tensor) -> None:
        """Makes one update of the hidden matrices and of the rest."""
        recipe, flat = self._recipe, self._flat
        self._rest.step(factor, broken)
        fine = broken == 0
        grads = flat.grads[: flat.hidden]
        momentum = torch.where(fine, self._momentum * recipe.momentum + grads, self._momentum)
        self._momentum.copy_(momentum)
        ahead = torch.where(fine, grads + recipe.momentum * momentum, 0.0)
        rate = recipe.learning_rate * factor
        if recipe.decay:
            flat.values[: flat.hidden].mul_(1 - rate * recipe.decay * fine)
        for (rows, columns), places in self._groups.items():
            stack = torch.stack([ahead[a:b].view(rows, columns) for a, b in places])
            update = orthogonal(stack, recipe.newton_schulz, self._precision)
            scale = rate * max(1.0, rows / columns) ** 0.5
            for (a, b), part in zip(places, update, strict=True):
                flat.values[a:b].sub_(part.reshape(-1), alpha=scale)

    def tensors(self) -> dict[str, Tensor]:
        """The momentum of the matrices and the state of the rest."""
        return {"momentum": self._momentum, **self._rest.tensors()}


def orthogonal(stack: Tensor, steps: int, precision: Any = None) -> Tensor:
    """Orthogonalizes K matrices (K, r, c): returns approximately U V' of each matrix U S V'.

    U S V' is the singular value decomposition. Uses the Newton-Schulz iteration with the quintic
    polynomial of Jordan et al. 2024. Large matrices are computed in `precision`, by default
    bfloat16; without instructions for it, a processor computes bfloat16 ten times slower.
    """
    wide = stack.shape[1] <= stack.shape[2]
    x = stack.to(precision or torch.bfloat16) if stack[0].numel() > 1 << 12 else stack
    x = x if wide else x.mT
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    a, b, c = 3.4445, -4.7750, 2.0315
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x if wide else x.mT).to(stack.dtype)
