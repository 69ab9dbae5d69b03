"""Runs a function over many files in threads, in order, with progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tenfold.core import system
from tenfold.core.message import Message
from tenfold.core.progress import advance

__all__ = ["in_threads"]

T = TypeVar("T")
R = TypeVar("R")
PIECE = 16
"""Items that a thread takes at once."""


def in_threads(work: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
    """Yields the result of each item, in order."""

    def piece(start: int) -> list[R]:
        return [work(one) for one in items[start : start + PIECE]]

    pool = ThreadPoolExecutor(system.cores())
    try:
        done = 0
        for found in pool.map(piece, range(0, len(items), PIECE)):
            yield from found
            done += len(found)
            advance(Message("reading masks"), done, len(items))
    finally:  # pending work is cancelled, so that Ctrl-C stops at once
        pool.shutdown(cancel_futures=True)
