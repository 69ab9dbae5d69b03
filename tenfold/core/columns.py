"""Columns of encoded data: arrays, ragged arrays, views of rows, and batches.

Shapes: N rows of a column, B rows of a batch, T the length of a ragged row.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tenfold.core.language import say
from tenfold.core.message import EMPTY, Message, translate, values_of

__all__ = [
    "Batch",
    "Column",
    "Columns",
    "Encoded",
    "Parts",
    "Problem",
    "Ragged",
    "batches",
]

Batch = dict[str, np.ndarray]


@dataclass(frozen=True)
class Problem:
    """Why one row cannot be used, and how to fix it.

    `reason` is a sentence without its subject, such as "has no label".
    """

    code: str
    reason: Message
    fix: Message = EMPTY
    uncounted: bool = False
    """True if the number of affected rows is unknown, as for a folder that cannot be read."""

    def __str__(self) -> str:
        """Returns reason and fix in the current language."""
        return f"{translate(self.reason)}{say('. ')}{translate(self.fix)}".rstrip()

    def to_json(self) -> dict[str, Any]:
        """Returns the problem as an object of JSON documents."""
        values = values_of(self.reason, self.fix)
        return {"code": self.code, "message": self.reason, "fix": self.fix, "values": values}


@dataclass(frozen=True)
class Ragged:
    """Rows of different lengths, stored one after another in the array `values`.

    Row i is `values[offsets[i] : offsets[i + 1]]`. `values` has the shape (sum of lengths, ...),
    `offsets` (N + 1,) int64.
    """

    values: np.ndarray
    offsets: np.ndarray

    @staticmethod
    def of(rows: list[Any], dtype: Any, tail: tuple[int, ...] = ()) -> Ragged:
        """Builds a ragged array from rows, each of shape (T, *tail)."""
        parts = [np.asarray(row, dtype).reshape(-1, *tail) for row in rows]
        values = np.concatenate(parts) if parts else np.zeros((0, *tail), dtype)
        return Ragged(values, np.cumsum([0, *map(len, parts)], dtype=np.int64))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def nbytes(self) -> int:
        """Size of values and offsets in bytes."""
        return int(self.values.nbytes + self.offsets.nbytes)

    @property
    def lengths(self) -> np.ndarray:
        """Length of each row, (N,)."""
        return np.diff(self.offsets)

    def take(self, index: np.ndarray, grid: int = 8) -> tuple[np.ndarray, np.ndarray]:
        """Returns the rows at `index`, zero-padded to (B, T, ...), and their lengths (B,).

        T is the length of the longest of these rows, rounded up by `bucket`.
        """
        lengths = (self.offsets[index + 1] - self.offsets[index]).astype(np.int64)
        longest = bucket(int(lengths.max(initial=0)), grid)
        out = np.zeros((len(index), max(longest, 1), *self.values.shape[1:]), self.values.dtype)
        row, place, where = self._spread(index, lengths)
        out[row, place] = self.values[where]
        return out, lengths

    def _spread(
        self, index: np.ndarray, lengths: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns for each value: its row, its position in that row, and its index in `values`."""
        row = np.repeat(np.arange(len(index)), lengths)
        place = np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return row, place, np.repeat(self.offsets[index], lengths) + place

    def rows(self, index: np.ndarray) -> Ragged:
        """Returns the rows at `index`, in that order."""
        lengths = self.offsets[index + 1] - self.offsets[index]
        values = self.values[self._spread(index, lengths)[2]]
        return Ragged(values, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yields the rows, each (T, ...)."""
        for start, end in itertools.pairwise(self.offsets.tolist()):
            yield self.values[start:end]


Column = np.ndarray | Ragged


def bucket(length: int, grid: int) -> int:
    """Rounds `length` up to one of a few sizes, so that batches have few different shapes.

    There are `grid` sizes between a power of two and the next; padding adds at most 1/grid of the
    length.
    """
    if grid < 2 or length < 2:
        return length
    step = max(1, 2 ** (length - 1).bit_length() // (2 * grid))
    return -(-length // step) * step


@dataclass(frozen=True)
class Columns(Mapping[str, Column]):
    """Encoded columns by name; a view of the rows at `index` (None = all rows).

    The arrays may be memory-mapped; a view does not copy them. `targets` names the columns that
    only the loss uses; their lengths do not influence how batches are formed.
    """

    arrays: dict[str, Column]
    index: np.ndarray | None = field(default=None)
    targets: frozenset[str] = frozenset()

    def __getitem__(self, name: str) -> Column:
        column = self.arrays[name]
        if self.index is None:
            return column
        return column.rows(self.index) if isinstance(column, Ragged) else column[self.index]

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)

    @property
    def rows(self) -> int:
        """Number of rows in the view."""
        if self.index is not None:
            return len(self.index)
        return len(next(iter(self.arrays.values()))) if self.arrays else 0

    @property
    def nbytes(self) -> int:
        """Size of the rows in the view in bytes, estimated from the mean size of a row."""
        whole = max(1, len(next(iter(self.arrays.values()), ())))
        return sum(column.nbytes for column in self.arrays.values()) * self.rows // whole

    @property
    def lengths(self) -> np.ndarray | None:
        """Number of values in each row's longest ragged input, (N,); None if no input is ragged."""
        found = [
            (one.lengths if self.index is None else one.lengths[self.index])
            * int(np.prod(one.values.shape[1:], dtype=np.int64))
            for name, one in self.arrays.items()
            if isinstance(one, Ragged) and name not in self.targets
        ]
        return np.max(found, 0) if found else None

    def view(self, positions: np.ndarray) -> Columns:
        """Returns a view of the rows at `positions` of this view, in that order."""
        return replace(self, index=self._rows(np.asarray(positions, np.int64)))

    def take(self, positions: np.ndarray, grid: int = 8) -> Batch:
        """Returns a batch of the rows at `positions`.

        A ragged column x becomes x, zero-padded (B, T, ...), and x_length (B,).
        """
        rows, batch = self._rows(np.asarray(positions, np.int64)), {}
        for name, column in self.arrays.items():
            if isinstance(column, Ragged):
                batch[name], batch[f"{name}_length"] = column.take(rows, grid)
            else:
                batch[name] = np.ascontiguousarray(column[rows])
        return batch

    def ragged(self, name: str) -> Ragged:
        """Returns the rows of a ragged column.

        Raises TypeError if the column is not ragged.
        """
        column = self[name]
        if not isinstance(column, Ragged):
            raise TypeError(f"{name} is not ragged")
        return column

    def only(self, names: Iterator[str] | list[str]) -> Columns:
        """Returns the same rows with only the columns `names`."""
        return replace(self, arrays={name: self.arrays[name] for name in names})

    def also(self, more: dict[str, Column]) -> Columns:
        """Returns the same rows with more columns.

        `more` must hold all rows of the arrays, not only those of the view.
        """
        return replace(self, arrays=self.arrays | more)

    def _rows(self, positions: np.ndarray) -> np.ndarray:
        return positions if self.index is None else self.index[positions]


@dataclass(frozen=True)
class Encoded:
    """The result of `Task.encode`: columns for all rows, and the problems of rows that failed.

    `problems` maps the position of a row that could not be encoded to its Problem; the columns of
    such a row hold zeros.
    """

    columns: dict[str, Column]
    problems: dict[int, Problem] = field(default_factory=dict)


@dataclass(frozen=True)
class Parts:
    """The rows that training may use; the test part is not included.

    `selection` is the half of validation used for model selection (epochs, settings);
    `calibration` is the half used after training to fit calibration and thresholds.
    """

    train: Columns
    selection: Columns
    calibration: Columns


def batches(
    rows: int, size: int, lengths: np.ndarray | None = None, most: int = 1 << 19
) -> list[np.ndarray]:
    """Returns the positions of the rows of each batch, at most `size` rows a batch.

    Without `lengths`, the batches are consecutive. With `lengths`, rows are sorted by length, so
    that a batch holds rows of similar length. Each batch then has at most `most` values after
    padding, or a single row.
    """
    if lengths is None:
        return [np.arange(start, min(start + size, rows)) for start in range(0, rows, size)]
    order = np.argsort(lengths, kind="stable")
    found, start = [], 0
    while start < rows:
        end = min(start + size, rows)
        padded = np.arange(1, end - start + 1) * np.maximum(1, lengths[order[start:end]])
        end = start + max(1, int(np.searchsorted(padded, most, "right")))
        found.append(order[start:end])
        start = end
    return found


def join(many: list[dict[str, Column]]) -> dict[str, Column]:
    """Concatenates the columns of several tables, row after row."""
    return {name: _end_to_end([one[name] for one in many]) for name in many[0]}


def _end_to_end(parts: list[Column]) -> Column:
    if isinstance(parts[0], Ragged):
        ragged = [part for part in parts if isinstance(part, Ragged)]
        lengths = np.concatenate([part.lengths for part in ragged])
        values = np.concatenate([part.values for part in ragged])
        return Ragged(values, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))
    return np.concatenate([np.asarray(part) for part in parts])
