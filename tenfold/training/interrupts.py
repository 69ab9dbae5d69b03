"""What may disturb a run from outside: signals, and other processes on the same cores."""

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
from tenfold.core.progress import tell

torch = lazy("torch")

__all__ = ["Contention", "crowded", "signals", "stop"]


@contextlib.contextmanager
def signals() -> Iterator[list[int]]:
    """A list that gets the number of every SIGINT or SIGTERM; nothing is interrupted by them."""
    seen: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        seen.append(number)

    try:
        old = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread: signals never come here
        yield seen
        return
    try:
        yield seen
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def stop(number: int, folder: Path | None, step: int) -> Stopped:
    """The error to raise for a signal, saying whether the state is saved."""
    if folder is None:
        return Stopped("Stopped; nothing was saved, as there is no run folder", signal=number)
    return Stopped(
        f"Stopped at step {step}; the state is saved",
        signal=number,
        where=str(folder),
        fix="Give the same command again to continue.",
    )


class Contention:
    """Goes to one thread while another process takes a core and barriers make steps collapse.

    OpenMP threads wait for each other several times a step; with a core taken away a step costs
    5 to 100 times as much on several threads, and only the missing share on one.
    """

    STEPS, SECONDS, COLLAPSE = 20, 1.0, 3.0

    def __init__(self, threads: int, watching: bool) -> None:
        self._threads, self._watching = threads, watching and threads > 1
        self._times: list[float] = []
        self._best, self._left = math.inf, False
        if self._watching and crowded(threads):
            self._alone()

    def step(self, seconds: float) -> bool:
        """Notes the seconds of a step; True where it has just set torch to one thread."""
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
        """Takes all threads back once the others have gone; for a moment between steps."""
        if not self._left:
            return
        if crowded(self._threads):
            torch.set_num_threads(1)
            return
        self._left, self._watching, self._best = False, True, math.inf
        tell("The processor is free again: training takes all threads back.")

    def _alone(self) -> None:
        self._watching, self._left = False, True
        torch.set_num_threads(1)
        tell("Another process is taking a processor: training goes on with one thread.")


def crowded(threads: int) -> bool:
    """True where `threads` threads are much slower than one on the same work.

    A quiet machine is hardly ever slower with more threads; a crowded one is by an order of
    magnitude. Takes some hundredths of a second; leaves torch at `threads`.
    """
    alone = _seconds_each(1)
    return _seconds_each(threads) > 2.0 * alone


def _seconds_each(threads: int, repeats: int = 400, most: float = 0.2) -> float:
    """Mean seconds of one addition over half a million numbers, for at most `most` seconds."""
    torch.set_num_threads(threads)
    values = torch.ones(1 << 19)
    start, done = time.perf_counter(), 0
    while done < repeats and time.perf_counter() - start < most:
        values.add_(1.0)
        done += 1
    return (time.perf_counter() - start) / done
