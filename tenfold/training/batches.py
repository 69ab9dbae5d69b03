"""Batches for the training loop, from columns in device memory or from memory-mapped columns.

Columns in device memory need one gather a step; for mapped columns a thread reads the next batch
ahead. The batch of a step is a pure function of (seed, step), so that a resumed run needs no stored
sampler and skips no rows. Rows that do not fill the last batch of an epoch are left out of this
epoch; each epoch has a new order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from tenfold.core import system
from tenfold.core.columns import Batch, Columns, Ragged, batches
from tenfold.core.lazy import lazy

if TYPE_CHECKING:
    from torch import Tensor
    from torch import device as Device

torch = lazy("torch")

__all__ = ["Batches", "at_once", "in_order", "tensors"]


class Batches:
    """Shuffled training batches: `batch(step)` returns tensors on the device.

    `size` is the number of rows of a batch, `length` the number of steps of one epoch.
    """

    def __init__(self, columns: Columns, size: int, seed: int, device: Device) -> None:
        self.columns, self.device, self.seed = columns, device, seed
        self.size = max(1, min(size, columns.rows))
        self.length = max(1, columns.rows // self.size)
        self._epoch, self._order = -1, np.zeros(0, np.int64)
        self._order_there = torch.zeros(0, dtype=torch.int64)
        self._whole = _resident(columns, device) or {}
        self._lengths = columns.lengths
        self._reader = None if self._whole else _Reader(columns, self._rows, device)

    def batch(self, step: int) -> dict[str, Tensor]:
        """The rows of a step as tensors on the device."""
        if self._reader is not None:
            return self._reader.read(step)
        kept = self._kept(step)
        rows = self._order_there[kept]
        return {name: column.index_select(0, rows) for name, column in self._whole.items()}

    def _rows(self, step: int) -> np.ndarray:
        kept = self._kept(step)
        return self._order[kept]

    def _kept(self, step: int) -> slice:
        """The slice of the epoch's order that holds the rows of a step.

        Shuffles the rows first where a new epoch begins.
        """
        epoch, number = divmod(step, self.length)
        if epoch != self._epoch:
            order = self._shuffled(np.random.default_rng([self.seed, epoch]))
            self._epoch, self._order = epoch, order
            if self._whole:
                self._order_there = torch.from_numpy(order).to(self.device)
        return slice(number * self.size, (number + 1) * self.size)

    def _shuffled(self, random: np.random.Generator) -> np.ndarray:
        """All row positions in random order; ragged rows in batches of similar length.

        Ragged rows are sorted by length inside windows of WINDOW batches, and then the batches are
        shuffled. This keeps padding small, and the rows of a batch still change from epoch to
        epoch.
        """
        order = random.permutation(self.columns.rows)
        if self._lengths is None:
            return order
        # Drop the rest before sorting: it must not be the longest rows in every epoch.
        order, window = order[: self.length * self.size], WINDOW * self.size
        parts = [order[start : start + window] for start in range(0, len(order), window)]
        order = np.concatenate([part[np.argsort(self._lengths[part])] for part in parts])
        return order.reshape(self.length, self.size)[random.permutation(self.length)].ravel()


WINDOW = 20
"""Number of batches that are sorted by length together."""


class _Reader:
    """Reads batches from mapped columns; a thread reads the rows of the next step ahead."""

    def __init__(self, columns: Columns, rows: Callable[[int], np.ndarray], device: Device) -> None:
        self._columns, self._rows, self._device = columns, rows, device
        self._pool = ThreadPoolExecutor(1)
        self._step, self._coming = -1, Future[Batch]()

    def read(self, step: int) -> dict[str, Tensor]:
        """The rows of a step as tensors on the device."""
        if step != self._step:
            self._ask(step)
        found = self._coming.result()
        self._ask(step + 1)
        return tensors(found, self._device)

    def _ask(self, step: int) -> None:
        rows = self._rows(step)
        self._step, self._coming = step, self._pool.submit(self._columns.take, rows)


def tensors(batch: Batch, device: Device) -> dict[str, Tensor]:
    """A batch of arrays as tensors on the device."""
    return {name: torch.from_numpy(array).to(device) for name, array in batch.items()}


def in_order(columns: Columns, size: int, device: Device) -> Iterator[dict[str, Tensor]]:
    """Yields all rows once, in batches of at most `size` rows, fewer where rows are large.

    Rows keep their order; ragged rows are sorted by length.
    """
    for rows in batches(columns.rows, at_once(columns, size), columns.lengths):
        yield tensors(columns.take(rows), device)


def at_once(columns: Columns, size: int) -> int:
    """The number of rows for one forward pass: at most `size` rows and about one megabyte.

    The activations of a network can need a hundred times the memory of its input.
    """
    each = max(1, columns.nbytes // max(1, columns.rows))
    return max(1, min(size, (1 << 20) // each))


def _resident(columns: Columns, device: Device) -> dict[str, Tensor] | None:
    """All rows as tensors on the device; None where they need over a third of its free memory.

    None also where an input is ragged. Ragged targets are padded to the longest row, so that a
    batch is still one gather.
    """
    if columns.lengths is not None:
        return None
    free = (
        torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else system.available_memory()
    )
    if _padded_bytes(columns) > free // 3:
        return None
    whole: Batch = {}
    for name, column in columns.items():
        if isinstance(column, Ragged):
            whole[name], whole[f"{name}_length"] = column.take(np.arange(len(column)), grid=0)
        else:
            whole[name] = _own(np.asarray(column))
    return tensors(whole, device)


def _padded_bytes(columns: Columns) -> int:
    """The bytes of the visible rows with every ragged row padded to the longest one."""
    total = 0
    for name, column in columns.arrays.items():
        if isinstance(column, Ragged):
            lengths = column.lengths if columns.index is None else column.lengths[columns.index]
            each = column.values[:1].nbytes // max(1, len(column.values[:1]))
            total += each * int(lengths.max(initial=0)) * columns.rows
        else:
            total += columns.only([name]).nbytes
    return total


def _own(array: np.ndarray) -> np.ndarray:
    """A writable, contiguous array; reads memory-mapped columns into memory once."""
    return np.array(array, order="C", copy=not (array.flags.writeable and array.flags.owndata))
