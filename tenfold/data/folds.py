"""Cross-validation: every row outside a given test part is tested once, by a run that never saw it.

A row's fold depends on its own content (or its group's name) and the seed, so files added later
move nobody. Only where a class would be missing from a fold is the nearest row moved.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tenfold.core.errors import UsageError
from tenfold.core.rows import Rows
from tenfold.data import splits

__all__ = ["EACH", "Fold", "FoldedParts", "assign", "basis"]

EACH = "each"
"""In place of a number of folds: one fold a group."""


@dataclass(frozen=True)
class Fold:
    """One run of a cross-validation of `of` folds ("each" = one a group).

    The run of fold `number` tests the rows of that fold and learns from the others. `number` None
    is the last run: it learns from all rows, and a given test part stays its test.
    """

    number: int | None
    of: int | str

    def to_json(self) -> dict[str, Any]:
        """Number and count as they stand in the plan of a run."""
        return {"number": self.number, "of": self.of}


@dataclass(frozen=True)
class FoldedParts:
    """The part of every row, "" for rows that the run does not use; `count` is that of folds."""

    parts: pd.Series
    line: str
    count: int
    group: str = ""


def basis(rows: Rows) -> pd.Series:
    """(N,) `test` for the rows of a given test part, `train` for all others.

    Where no test part is given, a given validation part is the test, as without folds.
    """
    table = rows.table
    given = table["split"] if "split" in table else pd.Series("", index=table.index, dtype=object)
    given = given.fillna("").replace("", "train")
    named = [name for name in ("test", "valid") if (given == name).any()]
    found = pd.Series("train", table.index, dtype=object)
    if not named or not (given == "train").any():
        return found
    return found.mask(given == named[0], "test")


def assign(rows: Rows, seed: int, fold: Fold) -> FoldedParts:
    """The parts of one run; the column `split` of the rows is their `basis`.

    Of the rows that a run learns from, 10 % are drawn for validation. Raises UsageError where
    there are fewer whole units than folds, or no groups for one run a group.
    """
    table = rows.table
    others = table[table["split"] == "train"]
    if fold.of == EACH:
        named, names = _by_group(others)
    else:
        named, names = _by_place(rows.with_table(others), seed, int(fold.of))
    parts, count = table["split"].copy(), len(names)
    if fold.number is None:
        return FoldedParts(parts, _last_line(parts), count)
    own = named == names[fold.number]
    parts.loc[:] = ""
    parts.loc[others.index[own.to_numpy()]] = "test"
    learnt = others[~own.to_numpy()]
    parts.loc[learnt.index] = splits.drawn(rows.with_table(learnt), seed, (0.9, 0.1, 0.0))
    group = names[fold.number] if fold.of == EACH else ""
    line = f"fold {fold.number + 1} of {count}, validation drawn from 10 % of the other rows"
    return FoldedParts(parts, line, count, group)


def _last_line(parts: pd.Series) -> str:
    if (parts == "test").any():
        return "the given test part; all other rows were learnt from"
    return "all rows were learnt from, none held out"


def _by_place(rows: Rows, seed: int, count: int) -> tuple[pd.Series, list[str]]:
    """The fold of each row, by the hash of its unit."""
    keys = rows.answer.units(rows.table)
    if (units := keys.nunique()) < count:
        raise UsageError(
            f"There are {units} rows or groups of rows to fold, fewer than {count} folds",
            code="bad-setting",
            fix=f"Give --folds {max(2, units)} or less, or more rows.",
        )
    places = pd.Series(splits.places(keys, f"fold {seed}"), rows.table.index)
    names = [str(number) for number in range(count)]
    found = (places * count).astype(int).astype(str).astype(object)

    def nearest(place: pd.Series, missing: str) -> pd.Series:
        return (place - (int(missing) + 0.5) / count).abs()

    anything: list[tuple[str, ...]] = [("",)] * len(found)
    for classes in (anything, rows.answer.strata(rows.table)):  # no fold without rows, or a class
        splits.fill_gaps(classes, keys, places, found, names, nearest)
    return found, names


def _by_group(table: pd.DataFrame) -> tuple[pd.Series, list[str]]:
    """The group of each row, and the groups in the order of their names."""
    group = table["group"] if "group" in table else pd.Series(None, table.index, dtype=object)
    if group.isna().any() or not len(group):
        what = "None" if group.isna().all() else f"Not all: {int(group.isna().sum())}"
        rows = "of the rows has a group" if what == "None" else "of the rows have no group"
        raise UsageError(
            f"--folds each makes one run a group. {what} {rows}",
            code="bad-setting",
            fix="Name the column of the groups with --group, or give a number of folds.",
        )
    found = group.astype(str).astype(object)
    names = sorted(map(str, np.unique(found.to_numpy(str))))
    if len(names) < 2:
        raise UsageError(
            f"--folds each makes one run a group, and there is one group only: {names[0]!r}",
            code="bad-setting",
            fix="Name another column with --group, or give a number of folds.",
        )
    return found, names
