"""Descriptions of how parts of an input are covered (hidden) or replaced for explanations.

Parts are covered either in a cell, before encoding, or in a row of an encoded column. The fields of
a cell, such as the columns of a row of a table, are replaced by those of another cell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.core.columns import Column

if TYPE_CHECKING:
    from tenfold.media.input import Input

__all__ = ["CellCover", "ColumnCover", "CoverParts", "FieldCover"]


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


@dataclass(frozen=True)
class FieldCover:
    """How the fields of a cell are read and replaced, for a medium whose inputs have `fields`.

    All functions keep the order of the fields of a cell. `values` returns a number, a text, or None
    where the value is missing; `texts` the same values as pages show them. `typical` returns the
    cell of the typical values that the input declares, None where it declares none. `mixed` returns
    the cell with the fields of the second cell where the mask is False.
    """

    names: Callable[[Any], Sequence[str]]
    values: Callable[[Any], Sequence[Any]]
    texts: Callable[[Any], Sequence[str]]
    typical: Callable[[Any, Input], Any]
    mixed: Callable[[Any, Any, Sequence[bool]], Any]
