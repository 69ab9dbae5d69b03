"""Columns: what a table becomes once encoded. Arrays, ragged arrays, views of rows, batches.

Shape legend: N rows of a column, B rows of a batch, T the length of a ragged row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["Batch", "Column", "Columns", "Encoded", "Parts", "Problem", "Ragged", "batches"]

Batch = dict[str, np.ndarray]


@dataclass(frozen=True)
class Problem:
    """Why one row cannot be used: a sentence, and what to do about it."""

    code: str
    reason: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.reason}. {self.fix}".rstrip()

    def to_json(self) -> dict[str, str]:
        """The problem as it stands in JSON documents."""
        return {"code": self.code, "message": self.reason, "fix": self.fix}


@dataclass(frozen=True)
class Ragged:
    """Rows of different length: `values` (sum of lengths, ...), `offsets` (N + 1,) int64."""

    values: np.ndarray
    offsets: np.ndarray

    @staticmethod
    def of(rows: list[Any], dtype: Any, tail: tuple[int, ...] = ()) -> Ragged:
        """Rows, each (T, *tail), put end to end."""
        parts = [np.asarray(row, dtype).reshape(-1, *tail) for row in rows]
        values = np.concatenate(parts) if parts else np.zeros((0, *tail), dtype)
        return Ragged(values, np.cumsum([0, *map(len, parts)], dtype=np.int64))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def nbytes(self) -> int:
        """Bytes of values and offsets."""
        return int(self.values.nbytes + self.offsets.nbytes)

    @property
    def lengths(self) -> np.ndarray:
        """(N,) length of every row."""
        return np.diff(self.offsets)

    def take(self, index: np.ndarray, grid: int = 8) -> tuple[np.ndarray, np.ndarray]:
        """Rows padded with zeros to one length (B, T, ...), and their lengths (B,)."""
        lengths = self.lengths[index]
        longest = bucket(int(lengths.max(initial=0)), grid)
        out = np.zeros((len(index), max(longest, 1), *self.values.shape[1:]), self.values.dtype)
        for row, (start, length) in enumerate(zip(self.offsets[index], lengths, strict=True)):
            out[row, :length] = self.values[start : start + length]
        return out, lengths.astype(np.int64)


Column = np.ndarray | Ragged


def bucket(length: int, grid: int) -> int:
    """`length` rounded up to one of `grid` sizes an octave: few shapes, at most 1/grid waste."""
    if grid < 2 or length < 2:
        return length
    step = max(1, 2 ** (length - 1).bit_length() // (2 * grid))
    return -(-length // step) * step


@dataclass(frozen=True)
class Columns(Mapping[str, Column]):
    """Encoded columns by name, and which rows of them this view shows (`index`, None = all).

    The arrays may be memory-mapped and are never copied by a view.
    """

    arrays: dict[str, Column]
    index: np.ndarray | None = field(default=None)

    def __getitem__(self, name: str) -> Column:
        column = self.arrays[name]
        if self.index is None or isinstance(column, Ragged):
            return column
        return column[self.index]

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)

    @property
    def rows(self) -> int:
        """How many rows the view shows."""
        if self.index is not None:
            return len(self.index)
        return len(next(iter(self.arrays.values()))) if self.arrays else 0

    @property
    def nbytes(self) -> int:
        """Bytes of the rows shown (ragged columns by their mean row)."""
        whole = max(1, len(next(iter(self.arrays.values()), ())))
        return sum(column.nbytes for column in self.arrays.values()) * self.rows // whole

    @property
    def ragged(self) -> bool:
        """True where any column has rows of different length."""
        return any(isinstance(column, Ragged) for column in self.arrays.values())

    def view(self, positions: np.ndarray) -> Columns:
        """The rows at `positions` of this view, in that order."""
        return Columns(self.arrays, self._rows(np.asarray(positions, np.int64)))

    def take(self, positions: np.ndarray, grid: int = 8) -> Batch:
        """A batch; a ragged column x becomes x (B, T, ...) zero-padded and x_length (B,)."""
        rows, batch = self._rows(np.asarray(positions, np.int64)), {}
        for name, column in self.arrays.items():
            if isinstance(column, Ragged):
                batch[name], batch[f"{name}_length"] = column.take(rows, grid)
            else:
                batch[name] = np.ascontiguousarray(column[rows])
        return batch

    def only(self, names: Iterator[str] | list[str]) -> Columns:
        """The same rows with these columns alone."""
        return Columns({name: self.arrays[name] for name in names}, self.index)

    def also(self, more: dict[str, Column]) -> Columns:
        """The same rows with further columns, given for all rows of the arrays."""
        return Columns(self.arrays | more, self.index)

    def _rows(self, positions: np.ndarray) -> np.ndarray:
        return positions if self.index is None else self.index[positions]


@dataclass(frozen=True)
class Encoded:
    """What `App.encode` gives: columns for every row (zeros where a row failed), the failures."""

    columns: dict[str, Column]
    problems: dict[int, Problem] = field(default_factory=dict)


@dataclass(frozen=True)
class Parts:
    """The rows that learning may see. The test part is not among them.

    `choose` is the half of validation that chooses (epochs, settings); `reserve` is the half
    kept for what is fitted after learning: calibration, thresholds.
    """

    train: Columns
    choose: Columns
    reserve: Columns


def batches(rows: int, size: int, lengths: np.ndarray | None = None) -> list[np.ndarray]:
    """Positions of consecutive batches of a fixed order; long rows meet rows of their length."""
    order = np.arange(rows) if lengths is None else np.argsort(lengths, kind="stable")
    return [order[start : start + size] for start in range(0, rows, size)]


def join(many: list[dict[str, Column]]) -> dict[str, Column]:
    """Columns of several tables, one after the other."""
    return {name: _end_to_end([one[name] for one in many]) for name in many[0]}


def _end_to_end(parts: list[Column]) -> Column:
    if isinstance(parts[0], Ragged):
        ragged = [part for part in parts if isinstance(part, Ragged)]
        lengths = np.concatenate([part.lengths for part in ragged])
        values = np.concatenate([part.values for part in ragged])
        return Ragged(values, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))
    return np.concatenate([np.asarray(part) for part in parts])
