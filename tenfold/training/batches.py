"""Batches for the loop: resident bytes and one gather a step, or mapped bytes read one ahead.

The batch of a step is a pure function of (seed, step), so a resumed run skips nothing and stores
no sampler. Rows that do not fill the last batch of a pass turn up in the next.
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
    """`batch(step)` gives tensors on the device; `length` steps make one pass."""

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
        """The rows of a step."""
        if self._reader is not None:
            return self._reader.read(step)
        kept = self._kept(step)
        rows = self._order_there[kept]
        return {name: column.index_select(0, rows) for name, column in self._whole.items()}

    def _rows(self, step: int) -> np.ndarray:
        kept = self._kept(step)
        return self._order[kept]

    def _kept(self, step: int) -> slice:
        """Where the rows of a step stand in the order of its pass, which is made here."""
        epoch, number = divmod(step, self.length)
        if epoch != self._epoch:
            order = self._shuffled(np.random.default_rng([self.seed, epoch]))
            self._epoch, self._order = epoch, order
            if self._whole:
                self._order_there = torch.from_numpy(order).to(self.device)
        return slice(number * self.size, (number + 1) * self.size)

    def _shuffled(self, random: np.random.Generator) -> np.ndarray:
        """All rows at random; ragged ones so that a batch holds rows of about one length.

        They are sorted inside windows of many batches, and the batches shuffled again: little is
        padded, and what stands together still changes from pass to pass.
        """
        order = random.permutation(self.columns.rows)
        if self._lengths is None:
            return order
        # What fills no batch is left out before sorting: it must not be the longest rows each time.
        order, window = order[: self.length * self.size], WINDOW * self.size
        parts = [order[start : start + window] for start in range(0, len(order), window)]
        order = np.concatenate([part[np.argsort(self._lengths[part])] for part in parts])
        return order.reshape(self.length, self.size)[random.permutation(self.length)].ravel()


WINDOW = 20
"""Batches that are sorted by length together."""


class _Reader:
    """Batches from mapped columns, the next step's rows already on their way."""

    def __init__(self, columns: Columns, rows: Callable[[int], np.ndarray], device: Device) -> None:
        self._columns, self._rows, self._device = columns, rows, device
        self._pool = ThreadPoolExecutor(1)
        self._step, self._coming = -1, Future[Batch]()

    def read(self, step: int) -> dict[str, Tensor]:
        """The rows of a step."""
        if step != self._step:
            self._ask(step)
        found = self._coming.result()
        self._ask(step + 1)
        return tensors(found, self._device)

    def _ask(self, step: int) -> None:
        rows = self._rows(step)
        self._step, self._coming = step, self._pool.submit(self._columns.take, rows)


def tensors(batch: Batch, device: Device) -> dict[str, Tensor]:
    """A batch of arrays on the device."""
    return {name: torch.from_numpy(array).to(device) for name, array in batch.items()}


def in_order(columns: Columns, size: int, device: Device) -> Iterator[dict[str, Tensor]]:
    """All rows once, at most `size` at a time, fewer where rows are large.

    In their order, or where they are ragged in that of their lengths.
    """
    for rows in batches(columns.rows, at_once(columns, size), columns.lengths):
        yield tensors(columns.take(rows), device)


def at_once(columns: Columns, size: int) -> int:
    """How many rows to look at together: at most `size`, and about a megabyte.

    What a network makes of a row on its way takes a hundred times the room of the row.
    """
    each = max(1, columns.nbytes // max(1, columns.rows))
    return max(1, min(size, (1 << 20) // each))


def _resident(columns: Columns, device: Device) -> dict[str, Tensor] | None:
    """All rows as tensors on the device, where a third of its free memory holds them.

    Ragged targets are padded to the longest row of all, so that a batch is still one gather.
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
    """Bytes of the rows shown, every ragged row as long as the longest."""
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
    """A writable, contiguous array: memory-mapped columns are read into memory here, once."""
    return np.array(array, order="C", copy=not (array.flags.writeable and array.flags.owndata))
