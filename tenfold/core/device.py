"""Selection of device and precision, random seeds, and the name of the device."""

from __future__ import annotations

import contextlib
import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenfold.core import system
from tenfold.core.errors import EnvironmentRefused, UsageError
from tenfold.core.lazy import lazy
from tenfold.core.message import Message

if TYPE_CHECKING:
    import torch as torch_types

torch = lazy("torch")

__all__ = [
    "autocast",
    "choose_device",
    "choose_precision",
    "name",
    "prepare",
    "repeatable",
    "seed",
    "wait",
]

PRECISIONS = ("auto", "float32", "bfloat16")


def prepare() -> None:
    """Sets memory and floating-point modes; call it before the first tensor is made.

    It is cheap and may be called again.
    """
    system.keep_memory()
    # Converged weights produce denormal numbers, which make fused updates ten times slower.
    torch.set_flush_denormal(True)
    # On a GPU: convolutions in float32 as on a processor, and the same bits each time.
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic = True
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when CUDA starts


def choose_device(option: str) -> torch_types.device:
    """Returns the torch device for `option`; for `auto`, the first GPU or, without one, the CPU.

    Raises UsageError where the device name is invalid, EnvironmentRefused where this machine has
    no such device.
    """
    if option == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if not re.fullmatch(r"cpu|cuda(:\d+)?", option):
        raise UsageError(
            Message(
                "device must be auto, cpu, cuda or cuda:0, cuda:1 ..., got {option!r}",
                option=option,
            ),
            code="bad-setting",
            where="device",
        )
    if option.startswith("cuda") and not _has(option):
        raise EnvironmentRefused(
            Message("Device {option!r} is not available on this machine", option=option),
            code="no-device",
            fix=Message("Leave out --device, or run `tenfold doctor` to list the devices."),
        )
    return torch.device(option)


def _has(option: str) -> bool:
    number = int(option.partition(":")[2] or 0)
    return bool(torch.cuda.is_available()) and number < torch.cuda.device_count()


def choose_precision(option: str, device: torch_types.device) -> torch_types.dtype:
    """Returns the torch dtype for `option`.

    `auto` selects bfloat16 if the hardware supports it (CUDA compute capability 8 or higher, AMX or
    AVX512-BF16), else float32. Raises UsageError where the option is unknown.
    """
    if option not in PRECISIONS:
        raise UsageError(
            Message(
                "precision must be one of {precisions}, got {option!r}",
                precisions=", ".join(PRECISIONS),
                option=option,
            ),
            code="bad-setting",
            where="precision",
        )
    if option == "auto":
        option = "bfloat16" if _fast_bfloat16(device) else "float32"
    return getattr(torch, option)


def _fast_bfloat16(device: torch_types.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.get_device_capability(device)[0] >= 8)
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:  # not Linux: float32 works everywhere
        return False
    return "amx_bf16" in flags or "avx512_bf16" in flags


def autocast(device: torch_types.device, precision: torch_types.dtype) -> Any:
    """Returns the torch autocast context for `precision`; float32 disables autocast."""
    half = precision != torch.float32
    return torch.autocast(device.type, precision if half else torch.bfloat16, enabled=half)


@contextlib.contextmanager
def repeatable(device: torch_types.device) -> Iterator[None]:
    """Uses deterministic implementations of GPU operators inside the block.

    On a CPU it does nothing, because operators are deterministic there. A GPU operator without a
    deterministic implementation runs as usual, without a warning. One of these is max pooling,
    which is deterministic anyway if its windows do not overlap.
    """
    if device.type != "cuda":
        yield
        return
    # The public function also imports torch's compiler, which takes two seconds.
    ask, filled = torch._C._set_deterministic_algorithms, torch.utils.deterministic
    before = torch.are_deterministic_algorithms_enabled(), filled.fill_uninitialized_memory
    only_warns = torch.is_deterministic_algorithms_warn_only_enabled()
    ask(True, warn_only=True)
    filled.fill_uninitialized_memory = False
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*does not have a deterministic implementation")
            yield
    finally:
        ask(before[0], warn_only=only_warns)
        filled.fill_uninitialized_memory = before[1]


def seed(device: torch_types.device, number: int) -> None:
    """Seeds the random generators of the CPU and of `device`.

    It sets each generator directly, because torch.manual_seed takes 110 times as long.
    """
    torch.default_generator.manual_seed(number)
    if device.type == "cuda":
        torch.cuda.default_generators[device.index or 0].manual_seed(number)


def name(device: torch_types.device) -> Message:
    """Returns the name of the GPU, or the name of the CPU and its number of cores."""
    if device.type == "cuda":
        return Message("{name}", name=torch.cuda.get_device_name(device))
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        text = ""
    model = re.search(r"model name\s*:\s*(.+)", text)
    return Message(
        "{processor}, {count} cores", processor=model[1] if model else "CPU", count=system.cores()
    )


def wait(device: torch_types.device) -> None:
    """Waits until the device has finished all queued work; used for timing only."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
