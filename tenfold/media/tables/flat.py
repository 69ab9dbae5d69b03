"""Cells of tables in plain form: nested columns laid out flat, values of files as Python values."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from tenfold.core.message import Message

__all__ = ["flat", "headed", "of_frame", "plain"]

_PLAIN = frozenset((str, int, float, type(None)))
_LISTS = (list, tuple, set, frozenset)
_Columns = dict[str, list[Any]]


def flat(columns: _Columns) -> tuple[_Columns, list[tuple[str, Message]]]:
    """Returns the columns without nesting, and those left out, each with the reason.

    Fields of objects become columns such as `size.width`; a list of texts becomes one text.
    """
    found, left = _Columns(), list[tuple[str, Message]]()
    for name, cells in columns.items():
        kinds = {*map(type, cells)}
        if dict in kinds:
            inner, more = flat(_fields(name, cells, [*columns, *found]))
            found, left = found | inner, left + more
        elif any(issubclass(kind, (bytes, bytearray)) for kind in kinds):
            left.append((name, Message("holds bytes")))
        elif any(issubclass(kind, _LISTS) for kind in kinds):
            items = {type(item) for cell in cells if isinstance(cell, _LISTS) for item in cell}
            if items <= {str, type(None)}:
                found[name] = [_joined(cell) for cell in cells]
            else:
                left.append((name, Message("holds lists of values other than texts")))
        else:
            found[name] = plain(cells)
    return found, left


def _fields(name: str, cells: Sequence[Any], taken: Sequence[str]) -> _Columns:
    """Returns a column for each key of the objects in a column; the new names are free."""
    keys = list(dict.fromkeys(key for cell in cells if isinstance(cell, dict) for key in cell))
    found = _Columns()
    for key in keys:
        called = f"{name}.{key}"
        while called in found or called in taken:
            called += "."
        found[called] = [cell.get(key) if isinstance(cell, dict) else None for cell in cells]
    return found


def _joined(cell: Any) -> Any:
    return ", ".join(filter(None, cell)) if isinstance(cell, _LISTS) else cell


def plain(cells: list[Any]) -> list[Any]:
    """Returns the cells as texts, integers, floats or None; dates as ISO 8601."""
    if {*map(type, cells)} <= _PLAIN:
        return cells
    return [_plain(cell) for cell in cells]


def _plain(cell: Any) -> Any:
    if type(cell) in _PLAIN:
        return cell
    if cell is pd.NaT or cell is pd.NA:
        return None
    if isinstance(cell, datetime.datetime):
        midnight = cell.time() == datetime.time() and cell.tzinfo is None
        return cell.date().isoformat() if midnight else cell.isoformat(sep=" ")
    if isinstance(cell, (datetime.date, datetime.time)):
        return cell.isoformat()
    if isinstance(cell, decimal.Decimal):
        return str(cell)
    if isinstance(cell, bool):
        return str(cell)
    return cell.item() if hasattr(cell, "item") else str(cell)


def headed(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Any]]:
    """Returns a DataFrame and the headers of its columns; those of several levels are joined.

    An index with a name is the first column.
    """
    if frame.index.name is not None and frame.index.name not in frame.columns:
        frame = frame.reset_index()
    return frame, [" ".join(map(str, one)) if isinstance(one, tuple) else one for one in frame]


def of_frame(frame: pd.DataFrame) -> Iterator[list[Any]]:
    """Yields the cells of each column of a DataFrame as Python values, None where missing."""
    for at in range(frame.shape[1]):
        column = frame.iloc[:, at]
        gone = column.isna()
        cells = column.astype(object)
        yield (cells.where(~gone, None) if gone.any() else cells).tolist()
