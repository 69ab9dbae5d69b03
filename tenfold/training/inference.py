"""Ways from encoded columns to outputs: a torch network, or an ONNX session without torch.

Both eat the same columns, in the same batches, and give the same outputs by name; what serves
requests or covers parts of an input asks either without knowing which it is.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.core import system
from tenfold.core.columns import Batch, Column, Columns, Ragged, batches, join
from tenfold.core.errors import EnvironmentRefused, UsageError, run_refused
from tenfold.core.lazy import lazy
from tenfold.training.batches import at_once, tensors

if TYPE_CHECKING:
    from torch import nn

torch, onnxruntime = lazy("torch"), lazy("onnxruntime")

__all__ = ["Infer", "OutputColumns", "by_onnx", "by_torch", "session_of"]

OutputColumns = dict[str, Column]
Infer = Callable[[Columns], OutputColumns]

EXTERNAL = b"\x0a\x08location"
"""How the format writes that a tensor lies in another file: an export of ours never does."""


def by_torch(net: nn.Module, size: int = 128, ask: Callable[..., Any] | None = None) -> Infer:
    """Inference with a torch network, in batches, on the device it lies on.

    `ask(**tensors)` may give other outputs of it than a call would.
    """
    net.eval()

    def call(batch: Batch) -> Batch:
        place = next(net.parameters()).device
        with torch.inference_mode():
            outputs = (ask or net)(**tensors(batch, place))
            return {name: value.cpu().numpy() for name, value in outputs.items()}

    return _in_batches(call, size)


def by_onnx(session: Any, size: int = 128) -> Infer:
    """Inference with an ONNX session (see `session_of`), in batches; no torch."""
    names = [one.name for one in session.get_outputs()]
    taken = {one.name for one in session.get_inputs()}  # what no output needs is not there

    def call(batch: Batch) -> Batch:
        eaten = {name: value for name, value in batch.items() if name in taken}
        return dict(zip(names, session.run(names, eaten), strict=True))

    return _in_batches(call, size)


def _in_batches(call: Callable[[Batch], Batch], size: int) -> Infer:
    def infer(columns: Columns) -> OutputColumns:
        order = batches(columns.rows, at_once(columns, size), columns.lengths)
        found = [_cut(call(columns.take(rows))) for rows in order]
        if columns.lengths is None:
            return found[0] if len(found) == 1 else join(found)
        back = np.argsort(np.concatenate(order))
        return {
            name: column.rows(back) if isinstance(column, Ragged) else column[back]
            for name, column in join(found).items()
        }

    return infer


def _cut(outputs: Batch) -> OutputColumns:
    """Outputs with `y_length` beside `y` (B, T, ...) become ragged: what was padded goes."""
    lengths = {name.removesuffix("_length") for name in outputs if name.endswith("_length")}
    found: OutputColumns = {}
    for name in outputs.keys() - {f"{name}_length" for name in lengths}:
        value = outputs[name]
        if name in lengths:
            length = outputs[f"{name}_length"]
            there = np.arange(value.shape[1]) < length[:, None]
            found[name] = Ragged(value[there], np.concatenate([[0], np.cumsum(length)]))
        else:
            found[name] = value
    return {name: found[name] for name in outputs if name in found}


def session_of(path: Path, device: str = "auto") -> Any:
    """An ONNX session of a file, on the processor unless told and able to use another device.

    Raises ArtefactRefused where the file is no model that stands alone, EnvironmentRefused where
    the device is not here.
    """
    content = path.read_bytes()
    if EXTERNAL in content:  # such a tensor names a path, which a stranger may choose
        raise run_refused(path.parent, "has a network that reads other files", "network")
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
        raise run_refused(
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
