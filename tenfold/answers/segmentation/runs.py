"""Run lengths of arrays of numbers: pairs of a value and how often it is repeated, row by row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["decode", "encode", "totals"]


def encode(values: np.ndarray) -> tuple[int, ...]:
    """Returns the runs of an array of any shape in row-major order: value, length, value, ..."""
    flat = values.ravel()
    if not flat.size:
        return ()
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    lengths = np.diff(starts, append=flat.size)
    return tuple(np.stack([flat[starts].astype(np.int64), lengths], 1).ravel().tolist())


def decode(runs: Sequence[int], shape: Sequence[int], kind: type) -> np.ndarray:
    """Returns the array of this shape with these runs. Raises ValueError where they do not fit."""
    values, lengths = _pairs(runs)
    if lengths.sum() != np.prod(shape, dtype=np.int64):
        raise ValueError("the runs have another number of pixels than the size states")
    return np.repeat(values.astype(kind), lengths).reshape(tuple(shape))


def totals(runs: Sequence[int]) -> dict[int, int]:
    """Returns the number of pixels of each value, in ascending order of the values."""
    values, lengths = _pairs(runs)
    names, place = np.unique(values, return_inverse=True)
    sums = np.zeros(len(names), np.int64)
    np.add.at(sums, place, lengths)
    return dict(zip(names.tolist(), sums.tolist(), strict=True))


def _pairs(runs: Sequence[int]) -> np.ndarray:
    return np.asarray(runs, np.int64).reshape(-1, 2).T
