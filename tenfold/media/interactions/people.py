"""Tables that describe users: their columns can be reported by, and are used for nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from tenfold.media.interactions.columns import Grid
from tenfold.media.interactions.values import coded
from tenfold.media.reading import AS_FOUND, Reading, columns_of, reported_text

__all__ = ["People", "people_of", "reported_of", "without_people"]

MOVIELENS = ("user", "gender", "age", "occupation", "zip")
"""Columns of users.dat of MovieLens-1M; u.user of MovieLens-100K has the age before the gender."""

_TYPED = re.compile(r":(token|float)(_seq)?$")
"""The type of a column in the files of RecBole."""


@dataclass
class People:
    """A table that describes users: P users by columns of texts, None where blank.

    `users` maps the id of each user to its row.
    """

    name: str
    users: dict[str, int]
    columns: dict[str, list[str | None]]

    def named(self, name: str) -> str | None:
        """Returns the column with a name, ignoring letter case and spaces around it; else None."""
        found = columns_of(replace(AS_FOUND, found={"by": [name]}), "by", self.columns, self.name)
        return found[0] if found else None


def people_of(grid: Grid, key: Any) -> People:
    """Returns the users that a table describes; their ids are in the column `key`."""
    codes, names = coded(grid.frame[key])
    rows = {str(names[code]): row for row, code in enumerate(codes.tolist()) if code >= 0}
    titles = [_TYPED.sub("", str(one)) for one in grid.frame.columns]
    if not grid.header and len(titles) == len(MOVIELENS):
        titles = _movielens(grid.frame) or titles
    columns = {
        name: [reported_text(cell) for cell in grid.frame[one]]
        for name, one in zip(titles, grid.frame.columns, strict=True)
        if one != key
    }
    return People(grid.name, rows, columns)


def _movielens(frame: pd.DataFrame) -> list[str]:
    """Returns the names of the columns of users of MovieLens; [] for another table."""
    genders = [set(frame.iloc[:, at].map(str).str.strip()) <= {"M", "F"} for at in (1, 2)]
    if not any(genders):
        return []
    user, gender, age, *rest = MOVIELENS
    return [user, gender, age, *rest] if genders[0] else [user, age, gender, *rest]


def without_people(
    reading: Reading, people: Sequence[People], columns: Iterable[Iterable[Any]]
) -> Reading:
    """Returns the reading for tables of interactions, whose `columns` are given.

    It lacks the columns to report by that only tables of users have.
    """
    every = [list(one) for one in columns]
    own = []
    for name in reading.by:
        held = replace(AS_FOUND, found={"by": [name]})
        there = any(columns_of(held, "by", one, "") for one in every)
        if there or not any(one.named(name) for one in people):
            own.append(name)
    return replace(reading, by=tuple(own))


def reported_of(
    people: Sequence[People], reading: Reading, users: np.ndarray, user: np.ndarray
) -> dict[str, np.ndarray]:
    """Returns the `--by` columns that tables of users have, by name: a text for each interaction.

    `user` (E,) is the index of each interaction's user in `users`, the ids. The texts (E,) are None
    where the cell is empty or no table has the user.
    """
    found: dict[str, np.ndarray] = {}
    for name in reading.by or reading.found.get("by") or ():
        for one in people:
            if (column := one.named(str(name))) is not None and column not in found:
                cells = one.columns[column]
                rows = [one.users.get(str(who)) for who in users]
                texts = [cells[row] if row is not None else None for row in rows]
                found[column] = np.array(texts, dtype=object)[user]
    return found
