"""Cross-validation: every row outside a given test part is a test row in exactly one fold.

The fold of a row depends on its content (or the name of its group) and the seed, so that files
added later do not change the folds of other rows. Only if a fold is empty or lacks a class, the row
(or group) of another fold whose hash is closest to that fold is moved there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tenfold.core.errors import UsageError
from tenfold.core.message import Message
from tenfold.core.rows import Rows
from tenfold.data import splits

__all__ = ["EACH", "Fold", "FoldedParts", "assign", "basis"]

EACH = "each"
"""Value in place of a number of folds: one fold per group."""


@dataclass(frozen=True)
class Fold:
    """One run of a cross-validation with `of` folds ("each" = one fold per group).

    The run of fold `number` is tested on the rows of that fold and trained on the others. If
    `number` is None, it is the final run: it is trained on all rows, except for a test part that
    the data give, and tested on that part.
    """

    number: int | None
    of: int | str

    def to_json(self) -> dict[str, Any]:
        """Returns fold number and number of folds, as stored in the plan of a run."""
        return {"number": self.number, "of": self.of}


@dataclass(frozen=True)
class FoldedParts:
    """The parts of one run of a cross-validation.

    `parts` holds the part of each row, "" for rows that the run does not use. `line` describes the
    split, `count` is the number of folds, `group` the name of the tested group, or "".
    """

    parts: pd.Series
    line: Message
    count: int
    group: str = ""


def basis(rows: Rows) -> pd.Series:
    """Returns (N,) `test` for rows that the data assign to a test part, `train` for all others.

    If the data give only a validation part, it is used as the test part. Where no row is left for
    training, all rows are `train`.
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
    """Assigns the parts of one run of a cross-validation.

    The column `split` of the rows must hold `basis(rows)`. In the run of a fold, 10 % of the rows
    outside of that fold are drawn for validation. Raises UsageError where there are fewer units
    (rows or groups) than folds, or, for one fold per group, rows without a group or only one group.
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
    line = Message(
        "fold {number} of {count}; validation: 10 % of the other rows, drawn at random",
        number=fold.number + 1,
        count=count,
    )
    return FoldedParts(parts, line, count, group)


def _last_line(parts: pd.Series) -> Message:
    if (parts == "test").any():
        return Message("the given test part; trained on all other rows")
    return Message("trained on all rows, none held out")


def _by_place(rows: Rows, seed: int, count: int) -> tuple[pd.Series, list[str]]:
    """Returns the fold of each row, chosen by a hash of its unit (row or group), and fold names.

    Raises UsageError where there are fewer units than folds.
    """
    keys = rows.answer.units(rows.table)
    if (units := keys.nunique()) < count:
        raise UsageError(
            Message(
                "{count} folds need at least {count} rows or groups, and there are {units}",
                units=units,
                count=count,
            ),
            code="bad-setting",
            fix=Message("Give --folds {units} or less, or more rows.", units=max(2, units)),
        )
    places = pd.Series(splits.places(keys, f"fold {seed}"), rows.table.index)
    names = [str(number) for number in range(count)]
    found = (places * count).astype(int).astype(str).astype(object)

    def nearest(place: pd.Series, missing: str) -> pd.Series:
        return (place - (int(missing) + 0.5) / count).abs()

    anything: list[tuple[str, ...]] = [("",)] * len(found)
    for classes in (anything, rows.answer.strata(rows.table)):  # empty folds, then missing classes
        splits.fill_gaps(classes, keys, places, found, names, nearest)
    return found, names


def _by_group(table: pd.DataFrame) -> tuple[pd.Series, list[str]]:
    """The group of each row, and the sorted group names.

    Raises UsageError where a row has no group or there is only one group.
    """
    group = table["group"] if "group" in table else pd.Series(None, table.index, dtype=object)
    if group.isna().any() or not len(group):
        raise UsageError(
            Message(
                "--folds each trains one run for each group, and {count} of {total} rows have no "
                "group",
                count=int(group.isna().sum()),
                total=len(group),
            ),
            code="bad-setting",
            fix=Message(
                "Use --group to give the column that holds the groups, or give a number of folds."
            ),
        )
    found = group.astype(str).astype(object)
    names = sorted(map(str, np.unique(found.to_numpy(str))))
    if len(names) < 2:
        raise UsageError(
            Message(
                "--folds each trains one run for each group, and there is only one group: "
                "{group!r}",
                group=names[0],
            ),
            code="bad-setting",
            fix=Message("Give another column with --group, or give a number of folds."),
        )
    return found, names
