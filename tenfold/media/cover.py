"""How parts of an input are covered: in a cell before encoding, or in an encoded column."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tenfold.core.columns import Column

__all__ = ["CellCover", "ColumnCover", "CoverParts"]


CoverParts = list[tuple[int, int]]
"""(start, end) of each part; the end is exclusive."""


@dataclass(frozen=True)
class ColumnCover:
    """How the rows of an encoded column are covered.

    `fits` accepts a column. `covers` returns (M, ...) copies of a row, each with one part covered,
    and the shape of the grid of parts.
    """

    fits: Callable[[Column], bool]
    covers: Callable[[np.ndarray], tuple[np.ndarray, tuple[int, ...]]]


@dataclass(frozen=True)
class CellCover:
    """How a cell is covered before encoding.

    `parts` returns the parts of a cell, `without` the cell with one of them removed or blanked, and
    `places` the positions of the parts in the text that is shown.
    """

    parts: Callable[[Any], CoverParts]
    without: Callable[[Any, int, int], Any]
    places: Callable[[Any, CoverParts], CoverParts]
