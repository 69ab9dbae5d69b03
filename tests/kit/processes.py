"""Processes of tenfold to be killed: real ones, forked from one that has imported everything.

What runs in the child is what `python -m tenfold` runs.
"""

from __future__ import annotations

import contextlib
import functools
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from forking import forks

PATIENCE = 120


def command(words: list[str], said: Path, steps: int | None = None, bytes_: int = 0) -> None:
    """`tenfold` with these words; both streams go to a file; more checkpoints, smaller files."""
    with said.open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    import torch

    from tenfold import cli
    from tenfold.core.plan import Plan
    from tenfold.workflows import train

    torch.set_num_threads(1)
    if steps is not None:
        train.Plan = functools.partial(Plan, checkpoint_steps=steps)
    if bytes_:
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, resource.RLIM_INFINITY))
    sys.argv = ["tenfold", *words]
    cli.main()


def without(package: str, words: list[str], said: Path) -> None:
    """`tenfold` with these words where a package is not installed."""
    sys.modules[package] = None  # type: ignore[assignment]
    command(words, said)


def save_for_ever(folder: Path) -> None:
    """One checkpoint after the other, each full of its own number."""
    import torch

    from tenfold.training import checkpoint

    newest = checkpoint.load(folder)
    step = newest[0]["step"] if newest else 0
    while True:
        step += 1
        tensors = {str(n): torch.full((250_000,), float(step)) for n in range(4)}
        checkpoint.save(folder, step, {"rows": [step]}, tensors)


@contextlib.contextmanager
def started(target: Callable[..., None], *args: Any) -> Iterator[ForkServerProcess]:
    """A process that does `target(*args)`, killed at the end of the block if it is not done."""
    process = forks().Process(target=target, args=args)
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join(PATIENCE)


def tenfold(words: list[str], said: Path, **settings: Any) -> int:
    """The exit code of the command, waited for."""
    with started(functools.partial(command, words, said, **settings)) as process:
        return ended(process)


def ended(process: ForkServerProcess) -> int:
    """The exit code of a process that comes to its own end."""
    process.join(PATIENCE)
    assert process.exitcode is not None, "it does not end"
    return process.exitcode


def send(process: ForkServerProcess, number: signal.Signals) -> None:
    assert process.pid is not None
    os.kill(process.pid, number)


def wait_for(what: Callable[[], object], process: ForkServerProcess | None = None) -> None:
    """Until something is so, as long as the process runs."""
    begun = time.monotonic()
    while not what():
        assert process is None or process.exitcode is None, "it ended before"
        assert time.monotonic() - begun < PATIENCE, "waited in vain"
        time.sleep(0.005)
