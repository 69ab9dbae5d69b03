"""Converts the group, weight and split columns of a manifest from text."""

from __future__ import annotations

import pandas as pd

from tenfold.core.errors import DataRefused
from tenfold.core.message import Message
from tenfold.media.files.parts import part_of_folder

__all__ = ["CONVERTED"]


def _weights(column: pd.Series) -> pd.Series:
    weights = pd.to_numeric(column, errors="coerce")
    bad = weights.index[weights.isna() | (weights < 0)]
    if len(bad):
        raise DataRefused(
            Message(
                "{count} weights are not numbers of 0 or more; the first is {first!r}",
                count=len(bad),
                first=column[bad[0]],
            ),
            code="bad-weight",
            where=f"{bad.name} {bad[0]}",
            fix=Message("Write a number such as 1 or 0.5."),
        )
    return weights.astype(float)


def _parts(column: pd.Series) -> pd.Series:
    names = column.astype(object).where(column.notna(), "").astype(str).str.strip()
    parts = names.map(lambda name: part_of_folder(name) if name else "")
    bad = names[parts.isna()]
    if len(bad):
        raise DataRefused(
            Message("The split {value!r} is not one of train, valid, test", value=bad.iloc[0]),
            code="bad-split",
            where=f"{bad.index.name} {bad.index[0]}",
            fix=Message("Write train, valid or test, or leave the cell empty."),
        )
    return parts


def _groups(column: pd.Series) -> pd.Series:
    return column.astype(object).where(column.notna() & (column.astype(str) != ""), None)


CONVERTED = {"group": _groups, "weight": _weights, "split": _parts}
"""Functions that convert a column, by role; each raises DataRefused for an invalid cell."""
