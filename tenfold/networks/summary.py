"""Summary table of a network's layers: output shapes, parameters, floating-point operations."""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from tenfold.core.lazy import lazy
from tenfold.core.message import Message

if TYPE_CHECKING:
    from torch import nn

torch, flop_counter = lazy("torch"), lazy("torch.utils.flop_counter")

__all__ = ["table", "totals"]

_USUAL = frozenset(
    "stride=1x1 padding=0 padding=0x0 dilation=1 ceil_mode=False bias=True inplace=False "
    "approximate='none' start_dim=1 end_dim=-1 affine=True momentum=0.1 scale=True".split()
)


def table(net: nn.Module, batch: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Summary of a network: one row for each module without submodules, in the order of calls.

    `batch` holds arrays or tensors by name; those that are not parameters of `net.forward` are
    ignored. A copy of the network runs in training mode on the meta device, so nothing is computed.
    If the forward pass depends on actual values, the copy runs on the CPU with those of `batch`.
    The network itself is not changed.

    A row has `number` (from 1), `name` (path in the network), `layer` (class and arguments),
    `shape` (of the output, without the batch), `parameters`, and `flops` of the forward pass for
    one row of the batch. Only convolutions and matrix products are counted; a multiplication and an
    addition are two operations. A module called several times has one row, with the operations of
    its first call. Shared parameters are counted once. Parameters and operations outside of these
    modules are in a last row without a name.
    """
    known = inspect.signature(net.forward).parameters
    inputs = {name: torch.as_tensor(value) for name, value in batch.items() if name in known}
    try:
        place = torch.device("meta")
        return _rows(_copy(net, place), {name: x.to(place) for name, x in inputs.items()})
    except (RuntimeError, NotImplementedError):  # the network needs values
        return _rows(_copy(net, torch.device("cpu")), {name: x.cpu() for name, x in inputs.items()})


def totals(rows: list[dict[str, Any]]) -> dict[str, int]:
    """Sums of `parameters` and `flops` over all rows."""
    return {name: sum(row[name] for row in rows) for name in ("parameters", "flops")}


# --- running a copy -------------------------------------------------------------------------------


def _copy(net: nn.Module, place: Any) -> nn.Module:
    """A copy of the network in training mode on the device `place`.

    Each weight is copied directly to that device; on the meta device the copy needs no memory.
    """
    memo: dict[int, Any] = {}
    for value in [*net.parameters(), *net.buffers()]:
        same = value.detach().to(place, copy=True)
        learnt = isinstance(value, torch.nn.Parameter)
        memo[id(value)] = torch.nn.Parameter(same, value.requires_grad) if learnt else same
    return copy.deepcopy(net, memo).train()


class _Meeting:
    """Forward hooks that record each module's first output shape and operations.

    `inside` sums the operations of all calls.
    """

    def __init__(self, count: Callable[[], int], rows: int) -> None:
        self.count, self.batch = count, rows
        self.found: dict[nn.Module, dict[str, Any]] = {}
        self.begun = self.inside = 0

    def before(self, module: nn.Module, *_: Any) -> None:
        self.begun = self.count()

    def after(self, name: str) -> Callable[..., None]:
        def meet(module: nn.Module, _: Any, output: Any) -> None:
            spent = self.count() - self.begun
            self.inside += spent
            flops, shape = spent // self.batch, _shape(output)
            self.found.setdefault(module, {"name": name, "shape": shape, "flops": flops})

        return meet


def _rows(net: nn.Module, inputs: dict[str, Any]) -> list[dict[str, Any]]:
    size = max(1, len(next(iter(inputs.values()), ())))
    with ExitStack() as stack, torch.no_grad():
        counter = stack.enter_context(flop_counter.FlopCounterMode(display=False))
        meeting = _Meeting(counter.get_total_flops, size)
        for name, module in _leaves(net):
            for handle in (
                module.register_forward_pre_hook(meeting.before),
                module.register_forward_hook(meeting.after(name)),
            ):
                stack.callback(handle.remove)
        net(**inputs)
        rest = max(0, counter.get_total_flops() - meeting.inside) // size
    return list(_numbered(net, meeting.found, rest))


def _leaves(net: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yields name and module of each module without submodules, except identity modules."""
    for name, module in net.named_modules():
        if not list(module.children()) and not isinstance(module, torch.nn.Identity):
            yield name, module


def _numbered(
    net: nn.Module, found: dict[nn.Module, dict[str, Any]], rest: int
) -> Iterator[dict[str, Any]]:
    """Yields the rows of the table with their numbers and parameters.

    Parameters and operations that belong to no module without submodules are in a last row.
    """
    counted: set[int] = set()
    number = 0
    for number, (module, one) in enumerate(found.items(), 1):
        row = {"number": number, "name": one["name"], "layer": _what(module), "shape": one["shape"]}
        yield row | {"parameters": _weights(module, counted), "flops": one["flops"]}
    beside = _weights(net, counted)
    if beside or rest:
        row = {
            "number": number + 1,
            "name": "",
            "layer": Message("outside of modules"),
            "shape": [],
        }
        yield row | {"parameters": beside, "flops": rest}


def _weights(module: nn.Module, counted: set[int]) -> int:
    """Number of parameters that are not in `counted` yet; adds them to `counted`."""
    new = [value for value in module.parameters() if id(value) not in counted]
    counted.update(map(id, new))
    return sum(value.numel() for value in new)


def _shape(output: Any) -> list[int]:
    """Shape of the first output tensor, without the batch."""
    if isinstance(output, Mapping):
        output = list(output.values())
    if isinstance(output, (list, tuple)):
        return _shape(output[0]) if output else []
    return list(output.shape[1:]) if hasattr(output, "shape") else []


def _what(module: nn.Module) -> str:
    """Description of a module, such as `Conv2d 3, 32, kernel_size=3x3`, without default values."""
    said = re.sub(r"\((\d+), (\d+)\)", r"\1x\2", module.extra_repr().split("\n")[0])
    words = ", ".join(word for word in said.split(", ") if word not in _USUAL)
    return f"{type(module).__name__} {words}".strip()
