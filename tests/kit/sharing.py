"""What is made once for all workers of a run of pytest, and what torch need make only once."""

from __future__ import annotations

import fcntl
import functools
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


def once(folders: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder that `make(folder)` has filled; the first worker makes it, the others wait.

    Leave it as it is, since other tests read it at the same time: copy what is to be changed.
    """
    base = folders.getbasetemp()
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared" / name
    place.parent.mkdir(exist_ok=True)
    whole = place.with_name(f"{name}.whole")
    with place.with_name(f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists():
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            make(place)
            whole.touch()
    return place


@functools.cache
def keep_the_table_of_operators() -> None:
    """From now on torch builds its table of ONNX operators once, not for each conversion.

    The table is the same each time, and building it takes longer than converting a small network.
    """
    from torch.onnx._internal.exporter import _registration

    table = _registration.ONNXRegistry.from_torchlib
    _registration.ONNXRegistry.from_torchlib = staticmethod(functools.cache(table))
