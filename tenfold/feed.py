"""Batches for the loop: resident bytes and one gather a step, or mapped bytes read one ahead.

The batch of a step is a pure function of (seed, step), so a resumed run skips nothing and stores
no sampler. Rows that do not fill the last batch of a pass turn up in the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from tenfold import system
from tenfold.data import Batch, Columns, batches
from tenfold.lazy import lazy

if TYPE_CHECKING:
    from torch import Tensor
    from torch import device as Device

torch = lazy("torch")

__all__ = ["Feed", "at_once", "in_order", "tensors"]


class Feed:
    """`batch(step)` gives tensors on the device; `length` steps make one pass."""

    def __init__(self, columns: Columns, size: int, seed: int, device: Device) -> None:
        self.columns, self.device, self.seed = columns, device, seed
        self.size = max(1, min(size, columns.rows))
        self.length = max(1, columns.rows // self.size)
        self._epoch, self._order = -1, torch.zeros(0, dtype=torch.int64)
        self._whole = _resident(columns, device) or {}
        self._reader = None if self._whole else _Reader(columns, self._rows, device)

    def batch(self, step: int) -> dict[str, Tensor]:
        """The rows of a step."""
        if self._reader is not None:
            return self._reader.read(step)
        rows = self._rows(step)
        return {name: column.index_select(0, rows) for name, column in self._whole.items()}

    def _rows(self, step: int) -> Tensor:
        epoch, number = divmod(step, self.length)
        if epoch != self._epoch:
            order = np.random.default_rng([self.seed, epoch]).permutation(self.columns.rows)
            place = self.device if self._whole else "cpu"
            self._epoch, self._order = epoch, torch.from_numpy(order).to(place)
        return self._order[number * self.size : (number + 1) * self.size]


class _Reader:
    """Batches from mapped columns, the next step's rows already on their way."""

    def __init__(self, columns: Columns, rows: Callable[[int], Tensor], device: Device) -> None:
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
        rows = self._rows(step).numpy().copy()
        self._step, self._coming = step, self._pool.submit(self._columns.take, rows)


def tensors(batch: Batch, device: Device) -> dict[str, Tensor]:
    """A batch of arrays on the device."""
    return {name: torch.from_numpy(array).to(device) for name, array in batch.items()}


def in_order(columns: Columns, size: int, device: Device) -> Iterator[dict[str, Tensor]]:
    """All rows once, in order, at most `size` at a time; fewer where rows are large."""
    for rows in batches(columns.rows, at_once(columns, size)):
        yield tensors(columns.take(rows), device)


def at_once(columns: Columns, size: int) -> int:
    """How many rows to look at together: at most `size`, and about a megabyte.

    What a network makes of a row on its way takes a hundred times the room of the row.
    """
    each = max(1, columns.nbytes // max(1, columns.rows))
    return max(1, min(size, (1 << 20) // each))


def _resident(columns: Columns, device: Device) -> dict[str, Tensor] | None:
    """All rows as tensors on the device, where a third of its free memory holds them."""
    if columns.ragged:
        return None
    free = (
        torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else system.available_memory()
    )
    if columns.nbytes > free // 3:
        return None
    return {name: torch.from_numpy(_own(np.asarray(columns[name]))).to(device) for name in columns}


def _own(array: np.ndarray) -> np.ndarray:
    """A writable, contiguous array: memory-mapped columns are read into memory here, once."""
    return np.array(array, order="C", copy=not (array.flags.writeable and array.flags.owndata))
