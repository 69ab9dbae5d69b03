"""Columns: what a table becomes once encoded. Arrays, ragged arrays, views of rows, batches.

Shape legend: N rows of a column, B rows of a batch, T the length of a ragged row.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

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
        lengths = (self.offsets[index + 1] - self.offsets[index]).astype(np.int64)
        longest = bucket(int(lengths.max(initial=0)), grid)
        out = np.zeros((len(index), max(longest, 1), *self.values.shape[1:]), self.values.dtype)
        row, place, where = self._spread(index, lengths)
        out[row, place] = self.values[where]
        return out, lengths

    def _spread(
        self, index: np.ndarray, lengths: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of every value of the rows: its row among them, its place in it, where it lies."""
        row = np.repeat(np.arange(len(index)), lengths)
        place = np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return row, place, np.repeat(self.offsets[index], lengths) + place

    def rows(self, index: np.ndarray) -> Ragged:
        """The rows at `index`, in that order."""
        lengths = self.offsets[index + 1] - self.offsets[index]
        values = self.values[self._spread(index, lengths)[2]]
        return Ragged(values, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))

    def __iter__(self) -> Iterator[np.ndarray]:
        """The rows, each (T, ...)."""
        for start, end in itertools.pairwise(self.offsets.tolist()):
            yield self.values[start:end]


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

    The arrays may be memory-mapped and are never copied by a view. `targets` names the columns
    that only the loss sees: their lengths steer no batch.
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
    def lengths(self) -> np.ndarray | None:
        """(N,) values of the longest ragged input of each row shown; None without ragged inputs."""
        found = [
            (one.lengths if self.index is None else one.lengths[self.index])
            * int(np.prod(one.values.shape[1:], dtype=np.int64))
            for name, one in self.arrays.items()
            if isinstance(one, Ragged) and name not in self.targets
        ]
        return np.max(found, 0) if found else None

    def view(self, positions: np.ndarray) -> Columns:
        """The rows at `positions` of this view, in that order."""
        return replace(self, index=self._rows(np.asarray(positions, np.int64)))

    def take(self, positions: np.ndarray, grid: int = 8) -> Batch:
        """A batch; a ragged column x becomes x (B, T, ...) zero-padded and x_length (B,)."""
        rows, batch = self._rows(np.asarray(positions, np.int64)), {}
        for name, column in self.arrays.items():
            if isinstance(column, Ragged):
                batch[name], batch[f"{name}_length"] = column.take(rows, grid)
            else:
                batch[name] = np.ascontiguousarray(column[rows])
        return batch

    def ragged(self, name: str) -> Ragged:
        """The rows shown of a ragged column.

        Raises TypeError for any other.
        """
        column = self[name]
        if not isinstance(column, Ragged):
            raise TypeError(f"{name} is not ragged")
        return column

    def only(self, names: Iterator[str] | list[str]) -> Columns:
        """The same rows with these columns alone."""
        return replace(self, arrays={name: self.arrays[name] for name in names})

    def also(self, more: dict[str, Column]) -> Columns:
        """The same rows with further columns, given for all rows of the arrays."""
        return replace(self, arrays=self.arrays | more)

    def _rows(self, positions: np.ndarray) -> np.ndarray:
        return positions if self.index is None else self.index[positions]


@dataclass(frozen=True)
class Encoded:
    """What `Task.encode` gives: columns for every row (zeros where a row failed), the failures."""

    columns: dict[str, Column]
    problems: dict[int, Problem] = field(default_factory=dict)


@dataclass(frozen=True)
class Parts:
    """The rows that learning may see. The test part is not among them.

    `selection` is the half of validation that chooses (epochs, settings); `calibration` is the half
    kept for what is fitted after learning: calibration, thresholds.
    """

    train: Columns
    selection: Columns
    calibration: Columns


def batches(
    rows: int, size: int, lengths: np.ndarray | None = None, most: int = 1 << 19
) -> list[np.ndarray]:
    """Positions of consecutive batches of a fixed order; long rows meet rows of their length.

    A batch of ragged rows holds at most `most` values once padded, or one row.
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
    """Columns of several tables, one after the other."""
    return {name: _end_to_end([one[name] for one in many]) for name in many[0]}


def _end_to_end(parts: list[Column]) -> Column:
    if isinstance(parts[0], Ragged):
        ragged = [part for part in parts if isinstance(part, Ragged)]
        lengths = np.concatenate([part.lengths for part in ragged])
        values = np.concatenate([part.values for part in ragged])
        return Ragged(values, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))
    return np.concatenate([np.asarray(part) for part in parts])
