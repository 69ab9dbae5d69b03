"""Handles outside disturbances of a training: signals, and other processes on the same cores."""

from __future__ import annotations

import contextlib
import math
import signal
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from tenfold.core.errors import Stopped
from tenfold.core.lazy import lazy
from tenfold.core.message import Message
from tenfold.core.progress import tell

torch = lazy("torch")

__all__ = ["Contention", "crowded", "signals", "stop"]


@contextlib.contextmanager
def signals() -> Iterator[list[int]]:
    """Collects the number of every SIGINT or SIGTERM in a list instead of interrupting the program.

    Outside the main thread the list stays empty.
    """
    seen: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        seen.append(number)

    try:
        old = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread: signals never arrive here
        yield seen
        return
    try:
        yield seen
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def stop(number: int, folder: Path | None, step: int) -> Stopped:
    """The error to raise after a signal; it states whether the training state is saved."""
    if folder is None:
        return Stopped(
            Message("Stopped; nothing was saved, because there is no run folder"), signal=number
        )
    return Stopped(
        Message("Stopped at step {step}; the state is saved", step=step),
        signal=number,
        where=str(folder),
        fix=Message("Run the same command again to continue."),
    )


class Contention:
    """Reduces torch to one thread while another process uses the cores and steps become very slow.

    OpenMP threads wait for each other several times a step. Where another process uses one core, a
    step takes 5 to 100 times as long with several threads. With one thread no waiting is needed.
    """

    STEPS, SECONDS, COLLAPSE = 20, 1.0, 3.0

    def __init__(self, threads: int, watching: bool) -> None:
        self._threads, self._watching = threads, watching and threads > 1
        self._times: list[float] = []
        self._best, self._left = math.inf, False
        if self._watching and crowded(threads):
            self._alone()

    def step(self, seconds: float) -> bool:
        """Records the duration of a step; returns True if this call reduced torch to one thread."""
        if not self._watching:
            return False
        self._times.append(seconds)
        enough = len(self._times) >= 3 and sum(self._times) > self.SECONDS
        if len(self._times) < self.STEPS and not enough:
            return False
        mean = statistics.mean(self._times)
        self._times.clear()
        collapsed = mean > self.COLLAPSE * self._best
        self._best = min(self._best, mean)
        if collapsed:
            self._alone()
        return collapsed

    def look_again(self) -> None:
        """Restores all threads once the cores are free again; for use between steps."""
        if not self._left:
            return
        if crowded(self._threads):
            torch.set_num_threads(1)
            return
        self._left, self._watching, self._best = False, True, math.inf
        tell(Message("The processor is free again: training uses all threads."))

    def _alone(self) -> None:
        self._watching, self._left = False, True
        torch.set_num_threads(1)
        tell(Message("Another process uses a processor: training continues with one thread."))


def crowded(threads: int) -> bool:
    """True where `threads` threads take over twice as long as one thread for the same work.

    On an idle machine several threads are hardly ever slower than one; on a crowded machine they
    are slower by an order of magnitude. Takes a few hundredths of a second. Afterwards torch uses
    `threads` threads.
    """
    alone = _seconds_each(1)
    return _seconds_each(threads) > 2.0 * alone


def _seconds_each(threads: int, repeats: int = 400, most: float = 0.2) -> float:
    """The mean seconds of adding 1 to half a million numbers; takes up to `most` seconds."""
    torch.set_num_threads(threads)
    values = torch.ones(1 << 19)
    start, done = time.perf_counter(), 0
    while done < repeats and time.perf_counter() - start < most:
        values.add_(1.0)
        done += 1
    return (time.perf_counter() - start) / done
