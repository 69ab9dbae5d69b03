"""Descriptions of how parts of an input are covered (hidden) for occlusion explanations.

Parts are covered either in a cell, before encoding, or in a row of an encoded column.
"""

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
    """How the rows of an encoded column are covered for occlusion.

    `fits` returns True for a column whose rows `covers` can cover. `covers` returns (M, ...) copies
    of a row, each with one part covered, and the shape of the grid of parts.
    """

    fits: Callable[[Column], bool]
    covers: Callable[[np.ndarray], tuple[np.ndarray, tuple[int, ...]]]


@dataclass(frozen=True)
class CellCover:
    """How a cell is covered for occlusion, before encoding.

    `parts` returns the parts of a cell, `without` the cell with one of them removed or blanked, and
    `places` the (start, end) characters of the parts in the text that pages show for the cell.
    """

    parts: Callable[[Any], CoverParts]
    without: Callable[[Any, int, int], Any]
    places: Callable[[Any, CoverParts], CoverParts]
