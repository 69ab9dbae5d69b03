"""Columns of numbers: values in the notation of the file, and cells that are not numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tenfold.media.tables.columns.cells import CellColumn, cells_of, is_number
from tenfold.media.tables.columns.figures import POINT, NumberForm

__all__ = ["NumberColumn", "number_column", "parsed"]

_ENDLESS = frozenset(
    f"{sign}{word}" for sign in ("", "+", "-") for word in ("inf", "infinity", "∞", "infinite")
)


@dataclass(frozen=True)
class NumberColumn:
    """The D distinct cells of a column, read as numbers.

    `values` (D,) are NaN where a cell is not a finite number. `endless` (D,) is True for infinities
    and numbers too large for a double, `numbers` (D,) for all other numbers. `units` counts the
    cells by the sign beside the number, "" for none.
    """

    cells: CellColumn
    values: np.ndarray
    endless: np.ndarray
    units: Counter[str]

    @property
    def numbers(self) -> np.ndarray:
        """Returns (D,) True where a distinct cell is a finite number."""
        return np.isfinite(self.values)

    @property
    def column(self) -> np.ndarray:
        """Returns the (N,) values of the cells."""
        found: np.ndarray = np.append(self.values, np.nan)[self.cells.place]
        return found

    @property
    def odd(self) -> np.ndarray:
        """Returns the positions of the cells that are filled and not a finite number."""
        return np.flatnonzero((self.cells.place >= 0) & ~np.isfinite(self.column))

    @property
    def unit(self) -> str:
        """Returns the one unit of the column; "" without a unit or with several."""
        units = [one for one in self.units if one]
        return units[0] if len(units) == 1 else ""


def number_column(
    column: Sequence[Any] | CellColumn, decimal: str = POINT, missing: Collection[str] = ()
) -> NumberColumn:
    """Returns the cells of a column as numbers with this decimal mark, a point or a comma.

    Cells written as one of `missing` are missing, even where they are numbers.
    """
    cells = cells_of(column)
    if cells.typed.all():
        values = np.fromiter(map(_typed, cells.distinct), float, len(cells.distinct))
        units: Counter[str] = Counter()
    else:
        values, units = parsed(cells, decimal)
    values = _without(cells, values, missing)
    endless = np.isinf(values)
    return NumberColumn(cells, np.where(endless, np.nan, values), endless, units)


def _without(cells: CellColumn, values: np.ndarray, missing: Collection[str]) -> np.ndarray:
    if not missing:
        return values
    lost = [at for at, text in enumerate(cells.texts) if text in missing]
    values = values.copy()
    values[lost] = np.nan
    return values


def _typed(cell: Any) -> float:
    """Returns a typed value as a float; NaN for dates."""
    if is_number(cell) or isinstance(cell, bool):
        try:
            return float(cell)
        except OverflowError:
            return math.inf
    return math.nan


def parsed(cells: CellColumn, decimal: str) -> tuple[np.ndarray, Counter[str]]:
    """Returns the (D,) numbers in the distinct texts, infinite where too large, and the units."""
    values = np.full(len(cells.distinct), np.nan)
    units: Counter[str] = Counter()
    for at in np.flatnonzero(cells.typed):
        values[at] = _typed(cells.distinct[at])
    codes, forms = cells.shaped
    order = np.argsort(codes, kind="stable")
    ends = np.searchsorted(codes[order], np.arange(len(forms) + 1))
    for code, form in enumerate(forms):
        places = order[ends[code] : ends[code + 1]]
        places = places[~cells.typed[places]]
        if not len(places):
            continue
        if form is None or decimal not in form.thousands:
            for at in places:
                values[at] = _endless(cells.plains[at])
            continue
        units[form.unit] += int(cells.counts[places].sum())
        values[places] = _read(form, [cells.plains[at] for at in places.tolist()], decimal)
    units += Counter()  # drops units without cells
    return values, units


def _read(form: NumberForm, texts: list[str], decimal: str) -> list[float] | np.ndarray:
    plain = form.unit == "" and decimal == POINT and not form.thousands[decimal]
    if plain and form.start <= 1 and not texts[0].startswith("("):
        try:
            return np.fromiter(map(float, texts), float, len(texts))
        except ValueError:  # a minus behind the figures
            return [form.number(text, decimal) for text in texts]
    return [form.number(text, decimal) for text in texts]


def _endless(text: str) -> float:
    """Returns inf or -inf for a text such as "inf" or "-Infinity", NaN for other texts."""
    if text.casefold() not in _ENDLESS:
        return math.nan
    return -math.inf if text.startswith("-") else math.inf
