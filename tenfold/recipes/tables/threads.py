"""Threads of scikit-learn and of linear algebra: one where more would be slower."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tenfold.core.lazy import lazy
from tenfold.training.interrupts import crowded

torch, threadpoolctl = lazy("torch"), lazy("threadpoolctl")

__all__ = ["few"]

MANY = 200_000
"""Number of cells of a table from which several threads are faster."""


@contextlib.contextmanager
def few(cells: int) -> Iterator[None]:
    """Limits the threads of numpy, scipy and scikit-learn to those that are useful for a table.

    Threads wait for each other: where another process uses a core, all of them take up to a hundred
    times as long as one. A small table, and a crowded machine, get one thread; others get those
    that torch has.
    """
    threads = torch.get_num_threads()
    if threads > 1 and (cells < MANY or crowded(threads)):
        threads = 1
    with threadpoolctl.threadpool_limits(limits=threads):
        yield
