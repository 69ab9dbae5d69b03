"""How parts of an input are covered: before encoding (Cells) or as encoded columns (Form)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tenfold.core.columns import Column

__all__ = ["CellCover", "ColumnCover", "CoverParts"]


CoverParts = list[tuple[int, int]]
"""(first, behind the last) of each part."""


@dataclass(frozen=True)
class ColumnCover:
    """A form of encoded column: `covers` gives (M, ...) covered copies of a row and their grid."""

    fits: Callable[[Column], bool]
    covers: Callable[[np.ndarray], tuple[np.ndarray, tuple[int, ...]]]


@dataclass(frozen=True)
class CellCover:
    """A kind of cell: its `parts`, itself `without` one of them, their `places` as it is shown."""

    parts: Callable[[Any], CoverParts]
    without: Callable[[Any, int, int], Any]
    places: Callable[[Any, CoverParts], CoverParts]
