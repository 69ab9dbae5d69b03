"""Ways from encoded columns to outputs: a torch network, or an ONNX session without torch.

Both eat the same columns, in the same batches, and give the same outputs by name; what serves
requests or covers parts of an input asks either without knowing which it is.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold import system
from tenfold.data import Batch, Columns, Ragged, batches
from tenfold.errors import EnvironmentRefused, UsageError
from tenfold.feed import at_once, tensors
from tenfold.lazy import lazy
from tenfold.sealing import refused

if TYPE_CHECKING:
    from torch import nn

torch, onnxruntime = lazy("torch"), lazy("onnxruntime")

__all__ = ["Infer", "Outputs", "by_onnx", "by_torch", "session_of"]

Outputs = dict[str, np.ndarray]
Infer = Callable[[Columns], Outputs]

EXTERNAL = b"\x0a\x08location"
"""How the format writes that a tensor lies in another file: an export of ours never does."""


def by_torch(net: nn.Module, size: int = 128) -> Infer:
    """Inference with a torch network, in batches, on the device it lies on."""
    net.eval()

    def call(batch: Batch) -> Outputs:
        place = next(net.parameters()).device
        with torch.inference_mode():
            outputs = net(**tensors(batch, place))
            return {name: value.cpu().numpy() for name, value in outputs.items()}

    return _in_batches(call, size)


def by_onnx(session: Any, size: int = 128) -> Infer:
    """Inference with an ONNX session (see `session_of`), in batches; no torch."""
    names = [one.name for one in session.get_outputs()]

    def call(batch: Batch) -> Outputs:
        return dict(zip(names, session.run(names, batch), strict=True))

    return _in_batches(call, size)


def _in_batches(call: Callable[[Batch], Outputs], size: int) -> Infer:
    def infer(columns: Columns) -> Outputs:
        first = next(iter(columns.arrays.values()))
        lengths = first.lengths if isinstance(first, Ragged) and columns.index is None else None
        order = batches(columns.rows, at_once(columns, size), lengths)
        found = [call(columns.take(rows)) for rows in order]
        return found[0] if len(order) == 1 else _in_row_order(found, np.concatenate(order))

    return infer


def _in_row_order(found: list[Outputs], order: np.ndarray) -> Outputs:
    back = np.argsort(order)
    return {name: np.concatenate([one[name] for one in found])[back] for name in found[0]}


def session_of(path: Path, device: str = "auto") -> Any:
    """An ONNX session of a file, on the processor unless told and able to use another device.

    Raises ArtefactRefused where the file is no model that stands alone, EnvironmentRefused where
    the device is not here.
    """
    content = path.read_bytes()
    if EXTERNAL in content:  # such a tensor names a path, which a stranger may choose
        raise refused(path.parent, "has a network that reads other files", "network")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = system.cores()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    options.log_severity_level = 4  # what goes wrong is raised
    try:
        return onnxruntime.InferenceSession(content, options, providers=_providers(device))
    except (EnvironmentRefused, UsageError):
        raise
    except Exception as error:  # the library raises its own kinds; any is the end
        reason = str(error).split("\n")[0][:200]
        raise refused(
            path.parent, f"has a network that cannot be loaded ({reason})", "network"
        ) from error


def _providers(device: str) -> list[Any]:
    cpu = "CPUExecutionProvider"
    if device in ("auto", "cpu"):
        return [cpu]
    if not device.startswith("cuda"):
        raise UsageError(
            f"device must be auto, cpu, cuda or cuda:0, cuda:1 ..., got {device!r}",
            code="bad-setting",
            where="device",
        )
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        raise EnvironmentRefused(
            f"There is no device {device!r} for an exported run here",
            code="no-device",
            fix="Leave --device out, or install onnxruntime-gpu.",
        )
    number = device.partition(":")[2] or "0"
    return [("CUDAExecutionProvider", {"device_id": number}), cpu]
