"""Columns of a table as distinct values with counts: texts as read, or typed values."""

from __future__ import annotations

import datetime
import decimal
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from tenfold.media.tables.columns.figures import NumberForm, form_of, shapes_of

__all__ = ["EDGE", "CellColumn", "cells_of", "is_date", "is_number", "plain", "taken", "written"]

_INVISIBLE = "\u200b\u2060\ufeff\0"
EDGE = "".join(chr(one) for one in range(0x3001) if chr(one).isspace()) + _INVISIBLE
"""Characters around a text that are not part of it: blanks, marks without width, NUL."""
MAX_WHOLE = 1e16
"""Whole floats below this are written without a decimal mark."""
FEW = 16
"""Number of cells below which pandas takes longer to tell them apart than a dictionary."""
MAX_BITS = 10_000
"""Whole numbers of more bits are written in hexadecimal digits; Python refuses decimal ones."""
_MINUS = dict.fromkeys(map(ord, "−–‒﹣－"), "-")


@dataclass(frozen=True)
class CellColumn:
    """The N cells of a column.

    `place` (N,) are positions in the D `distinct` values, -1 where the cell is empty, `counts` (D,)
    their numbers of cells. A distinct value is a text without blanks around it, a bool, an int, a
    float, a Decimal, a date or a datetime. `empty` cells have nothing, `blank` cells only blanks.
    """

    place: np.ndarray
    distinct: list[Any]
    counts: np.ndarray
    empty: int = 0
    blank: int = 0

    def __len__(self) -> int:
        return len(self.place)

    @cached_property
    def all_text(self) -> bool:
        """Returns True where all distinct values are texts."""
        return set(map(type, self.distinct)) <= {str}

    @cached_property
    def texts(self) -> list[str]:
        """Returns the D distinct values as texts."""
        return self.distinct if self.all_text else [written(one) for one in self.distinct]

    @cached_property
    def plains(self) -> list[str]:
        """Returns the D texts in ASCII digits and signs; see `plain`."""
        if "".join(self.texts).isascii():
            return self.texts
        return [text if text.isascii() else plain(text) for text in self.texts]

    @cached_property
    def typed(self) -> np.ndarray:
        """Returns (D,) True where a distinct value is not a text."""
        if self.all_text:
            return np.zeros(len(self.distinct), bool)
        return np.array([not isinstance(one, str) for one in self.distinct], bool)

    @cached_property
    def shaped(self) -> tuple[np.ndarray, list[NumberForm | None]]:
        """Returns (D,) positions in the forms of numbers that the texts have, and these forms.

        A form is None where the text is not a number in any notation.
        """
        codes, shapes = _factorized(shapes_of(self.plains))
        return codes, [form_of(shape) for shape in shapes]

    def count_of(self, where: np.ndarray) -> int:
        """Returns the number of cells of the distinct values that are True in `where` (D,)."""
        return int(self.counts[where].sum())


def plain(text: str) -> str:
    """Returns a text in ASCII digits and signs: full-width and Arabic digits, minus, blanks."""
    if any(one.isdigit() and not one.isdecimal() and one not in "²³" for one in text):
        return text  # circled and raised digits are marks, not figures
    text = unicodedata.normalize("NFKC", text).translate(_MINUS).strip(EDGE)
    text = text.replace("’", "'").replace("٫", ".").replace("٬", ",")
    return "".join(str(unicodedata.decimal(one)) if one.isdecimal() else one for one in text)


def is_number(cell: Any) -> bool:
    """Returns True for a typed number that is not a bool."""
    return isinstance(cell, (int, float, decimal.Decimal)) and not isinstance(cell, bool)


def is_date(cell: Any) -> bool:
    """Returns True for a typed date, with or without a time."""
    return isinstance(cell, datetime.date)


def written(cell: Any) -> str:
    """Returns a value as text: whole numbers without a decimal mark, 7.0 and Decimal("7") are 7."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < MAX_WHOLE else repr(cell)
    if isinstance(cell, decimal.Decimal):
        return format(cell.normalize(), "f") if cell.is_finite() else str(cell)
    if isinstance(cell, datetime.datetime) and cell.time() == datetime.time() and not cell.tzinfo:
        return str(cell.date())
    if isinstance(cell, int) and cell.bit_length() > MAX_BITS:
        return hex(cell)
    return str(cell)


def cells_of(column: Sequence[Any] | CellColumn) -> CellColumn:
    """Returns the distinct values of a column with their counts."""
    if isinstance(column, CellColumn):
        return column
    place, names = _factorized(column)
    counts = np.bincount(place[place >= 0], minlength=len(names))
    empty = int((place < 0).sum())
    stripped = _stripped(names)
    if stripped == names and "" not in names:
        return CellColumn(place, names, counts, empty)
    order = {one: at for at, one in enumerate(dict.fromkeys(map(_key, stripped)))}
    moved = np.array([order[_key(one)] for one in stripped], np.int64)
    distinct: list[Any] = [None] * len(order)
    for one in stripped:
        distinct[order[_key(one)]] = one
    blank = sum(int(counts[at]) for at, one in enumerate(stripped) if one == "" and names[at])
    empty += sum(int(counts[at]) for at, one in enumerate(names) if one == "")
    if (str, "") in order:
        nothing = order[str, ""]
        del distinct[nothing]
        moved = np.where(moved == nothing, -1, moved - (moved > nothing))
    place = np.append(moved, -1)[place]
    counts = np.bincount(place[place >= 0], minlength=len(distinct))
    return CellColumn(place, distinct, counts, empty, blank)


def _stripped(names: list[Any]) -> list[Any]:
    """Returns distinct values without blanks and marks without width around texts."""
    if set(map(type, names)) <= {str}:
        joined = "".join(names)
        if not any(mark in joined for mark in _INVISIBLE):
            return list(map(str.strip, names))
    return [one.strip(EDGE) if isinstance(one, str) else one for one in names]


def _key(one: Any) -> tuple[type, Any]:
    return type(one), one


def _factorized(column: Sequence[Any]) -> tuple[np.ndarray, list[Any]]:
    """Returns (N,) positions in the distinct values, -1 where missing, and these values."""
    given: Any = column
    if isinstance(given, (pd.Series, np.ndarray)) and given.dtype != object:
        place, names = pd.factorize(given)
        return np.asarray(place, np.int64), [_value(one) for one in names]
    array = np.fromiter(column, object, len(column))
    types = set(map(type, array))
    if not types <= {str, int, float, bool, type(None), datetime.datetime, datetime.date}:
        array = np.fromiter(map(_value, array), object, len(column))
        types = set(map(type, array))
    if len(array) < FEW or (bool in types and len(types) > 1):  # True equals 1
        memo: dict[tuple[type, Any], int] = {}
        missing = pd.isna(array)
        keys = (
            -1 if lost else memo.setdefault((type(one), one), len(memo))
            for one, lost in zip(array, missing, strict=True)
        )
        place = np.fromiter(keys, np.int64, len(array))
        return place, [value for _, value in memo]
    place, names = pd.factorize(array)
    return np.asarray(place, np.int64), list(names)


def _value(one: Any) -> Any:
    """Returns a cell as a text, bool, number, date or None."""
    if one is None or one is pd.NaT or one is pd.NA:
        return None
    if isinstance(one, np.datetime64):
        return None if np.isnat(one) else pd.Timestamp(one)
    if isinstance(one, (np.timedelta64, datetime.timedelta)):
        return pd.Timedelta(one).total_seconds()
    if isinstance(one, np.generic):
        return one.item()
    if isinstance(one, (bytes, bytearray)):
        return bytes(one).decode("utf-8", "replace")
    if isinstance(one, decimal.Decimal):
        return None if one.is_nan() else one
    if isinstance(one, (str, bool, int, float, datetime.date)):
        return one
    return str(one)


def taken(values: Sequence[Any] | np.ndarray, place: np.ndarray, nothing: Any) -> list[Any]:
    """Returns N values from the D values of the distinct cells; `nothing` where missing."""
    if isinstance(values, np.ndarray):
        found: list[Any] = np.append(values, nothing)[place].tolist()
        return found
    array = np.empty(len(values) + 1, object)
    array[: len(values)] = values
    array[-1] = nothing
    return list(array[place])
