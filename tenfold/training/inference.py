"""Inference from encoded columns to outputs, with a torch network or with an ONNX session.

Both take the same columns in the same batches and return the same outputs by name, so that serving
and explaining use either one. ONNX inference needs no torch.
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
from tenfold.core.message import Message
from tenfold.core.progress import advance_batches
from tenfold.training import onnx_file
from tenfold.training.batches import at_once, tensors

if TYPE_CHECKING:
    from torch import nn

torch, onnxruntime = lazy("torch"), lazy("onnxruntime")

__all__ = ["BATCH", "Infer", "OutputColumns", "by_onnx", "by_torch", "finite", "session_of"]

BATCH = 128
"""Number of rows of a batch at most; fewer where rows are large."""
OutputColumns = dict[str, Column]
Infer = Callable[[Columns], OutputColumns]


def finite(outputs: OutputColumns, rows: int) -> tuple[OutputColumns, np.ndarray]:
    """Removes the rows whose outputs contain NaN or plus infinity.

    Returns the outputs of the other rows, and a mask (N,) that is True for the removed rows. Minus
    infinity is valid: it is the score of excluded classes or items.
    """
    bad = np.zeros(rows, bool)
    for column in outputs.values():
        values = column.values if isinstance(column, Ragged) else np.asarray(column)
        if not np.issubdtype(values.dtype, np.inexact) or not values.size:
            continue
        if np.isfinite(values.max()):  # NaN and infinity pass through the maximum
            continue
        wrong = np.isnan(values) | np.isposinf(values)
        wrong = wrong.reshape(len(values), -1).any(1)
        if isinstance(column, Ragged):
            bad[np.repeat(np.arange(rows), column.lengths)[wrong]] = True
        else:
            bad |= wrong
    if not bad.any():
        return outputs, bad
    fine = np.flatnonzero(~bad)
    kept = {
        name: column.rows(fine) if isinstance(column, Ragged) else column[fine]
        for name, column in outputs.items()
    }
    return kept, bad


def by_torch(net: nn.Module, size: int = BATCH, ask: Callable[..., Any] | None = None) -> Infer:
    """Returns a function that runs a torch network in batches, on the device of its parameters.

    A batch has at most `size` rows. `ask(**tensors)`, if given, is called instead of the network.
    """
    net.eval()

    def call(batch: Batch) -> Batch:
        place = next(net.parameters()).device
        with torch.inference_mode():
            outputs = (ask or net)(**tensors(batch, place))
            return {name: value.cpu().numpy() for name, value in outputs.items()}

    return _in_batches(call, size)


def by_onnx(session: Any, size: int = BATCH) -> Infer:
    """Returns a function that runs an ONNX session (see `session_of`) in batches, without torch."""
    names = [one.name for one in session.get_outputs()]
    taken = {one.name for one in session.get_inputs()}  # inputs without effect are absent

    def call(batch: Batch) -> Batch:
        eaten = {name: value for name, value in batch.items() if name in taken}
        return dict(zip(names, session.run(names, eaten), strict=True))

    return _in_batches(call, size)


def _in_batches(call: Callable[[Batch], Batch], size: int) -> Infer:
    def infer(columns: Columns) -> OutputColumns:
        order = batches(columns.rows, at_once(columns, size), columns.lengths)
        found = []
        for rows in order:
            found.append(_cut(call(columns.take(rows))))
            advance_batches(len(found), len(order))
        if columns.lengths is None:
            return found[0] if len(found) == 1 else join(found)
        back = np.argsort(np.concatenate(order))
        return {
            name: column.rows(back) if isinstance(column, Ragged) else column[back]
            for name, column in join(found).items()
        }

    return infer


def _cut(outputs: Batch) -> OutputColumns:
    """Removes padding: converts each output `y` (B, T, ...) with lengths `y_length` to a Ragged.

    The lengths (B,) are not outputs of their own afterwards.
    """
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


def _refuse_other_files(folder: Path, content: bytes) -> None:
    """Raises ArtefactRefused for an ONNX network that refers to other files.

    The file may come from an untrusted source, and the reference could be any path.
    """
    try:
        outside = onnx_file.refers_to_files(content)
    except ValueError as error:
        raise run_refused(
            folder,
            Message("has a network that cannot be loaded ({reason})", reason=error),
            "network",
        ) from error
    if outside:
        raise run_refused(
            folder,
            Message("has a network that stores weights in other files, which is not allowed"),
            "network",
        )


def session_of(path: Path, device: str = "auto") -> Any:
    """Opens an ONNX file as a session, on the CPU unless `device` names a GPU.

    Raises ArtefactRefused where the file cannot be loaded or refers to other files, UsageError
    where the name of the device is invalid, and EnvironmentRefused where the device is not
    available.
    """
    content = path.read_bytes()
    _refuse_other_files(path.parent, content)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = system.cores()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    options.log_severity_level = 4  # errors are raised instead
    try:
        return onnxruntime.InferenceSession(content, options, providers=_providers(device))
    except (EnvironmentRefused, UsageError):
        raise
    except Exception as error:  # the library has its own error classes; any of them is fatal
        reason = str(error).split("\n")[0][:200]
        raise run_refused(
            path.parent,
            Message("has a network that cannot be loaded ({reason})", reason=reason),
            "network",
        ) from error


def _providers(device: str) -> list[Any]:
    cpu = "CPUExecutionProvider"
    if device in ("auto", "cpu"):
        return [cpu]
    if not device.startswith("cuda"):
        raise UsageError(
            Message(
                "device must be auto, cpu, cuda or cuda:0, cuda:1 ..., got {device!r}",
                device=device,
            ),
            code="bad-setting",
            where="device",
        )
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        raise EnvironmentRefused(
            Message(
                "Device {device!r} is not available for exported runs on this machine",
                device=device,
            ),
            code="no-device",
            fix=Message("Leave out --device, or install onnxruntime-gpu."),
        )
    number = device.partition(":")[2] or "0"
    return [("CUDAExecutionProvider", {"device_id": number}), cpu]
