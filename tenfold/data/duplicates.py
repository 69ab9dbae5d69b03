"""Duplicates: exact copies, near copies, conflicting labels, and leaks between parts of a split.

Copies of test rows are removed from the training and validation parts, never from the test part.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from tenfold.answers.kind import AnswerKind
from tenfold.core.message import Message
from tenfold.core.progress import tell
from tenfold.media.medium import Medium

__all__ = ["Copies", "found", "near_groups", "without_leaks"]

MOST = 0.05
"""Maximum share of training and validation rows that are removed as near copies of held-out rows.

If the share is larger, no near copy is removed, and a message states this.
"""


@dataclass(frozen=True)
class Copies:
    """Sources of duplicate rows, in groups.

    `duplicates` are exact copies with the same label, `conflicts` are exact copies with different
    labels, `near` are near copies.
    """

    duplicates: list[list[str]] = field(default_factory=list)
    conflicts: list[list[str]] = field(default_factory=list)
    near: list[list[str]] = field(default_factory=list)


def found(
    table: pd.DataFrame, answer: AnswerKind, media: Mapping[str, Medium]
) -> tuple[pd.DataFrame, Copies]:
    """Finds exact and near copies; returns the table and the groups of copies.

    Where there are near copies, the returned table has a column `near` that names the group of each
    row. `media` maps the input columns to their media.
    """
    twice = table[table["digest"].duplicated(keep=False)]
    copies = Copies()
    for _, group in twice.groupby("digest", sort=False):
        first, *others = group[[name for name in answer.truths if name in group]].to_dict(
            orient="records"
        )
        same = all(answer.same(first, one) for one in others)
        (copies.duplicates if same else copies.conflicts).append(list(group["source"]))
    groups = near_groups(table, media)
    if not groups:
        return table, copies
    names = pd.Series(None, table.index, dtype=object)
    for rows in groups:
        names.iloc[rows] = f"near {table['digest'].iloc[rows].min()}"
        copies.near.append(list(table["source"].iloc[rows]))
    return table.assign(near=names), copies


def near_groups(table: pd.DataFrame, media: Mapping[str, Medium]) -> list[list[int]]:
    """Positions of rows that are near copies, but not exact copies, of each other, in groups.

    Two rows are near copies if any of their inputs is a near copy.
    """
    found = [pair for name, medium in media.items() for pair in medium.near_pairs(table[name])]
    digest = table["digest"].to_numpy()
    joined = _joined((one, other) for one, other in found if digest[one] != digest[other])
    return sorted(sorted(rows) for rows in joined)


def _joined(pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Connected components of a graph of pairs (union-find)."""
    above: dict[int, int] = {}

    def top(row: int) -> int:
        while above.setdefault(row, row) != row:
            above[row] = row = above[above[row]]
        return row

    for one, other in pairs:
        above[top(one)] = top(other)
    members: dict[int, list[int]] = {}
    for row in above:
        members.setdefault(top(row), []).append(row)
    return list(members.values())


def without_leaks(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Removes copies of test rows from train and validation, and of validation rows from train.

    Returns the remaining rows and the sources of the removed rows. Near copies are removed too,
    unless there are more than MOST allows.
    """
    leaks = _leaks(table, table["digest"])
    if leaks.any():
        tell(
            Message(
                "Rows left out of training because a copy is in validation or test: {count}.",
                count=int(leaks.sum()),
            )
        )
    if "near" in table:
        also = _leaks(table, table["near"]) & ~leaks
        learning = max(1, int((table["split"] != "test").sum()))
        few = also.sum() <= MOST * learning
        if also.any():
            tell(_near_sentence(int(also.sum()), few))
        leaks |= also & few
    return table[~leaks], list(table["source"][leaks])


def _near_sentence(count: int, few: bool) -> Message:
    """States how many training rows have near copies in other parts, and whether they stay."""
    if few:
        return Message(
            "Rows left out of training because a near copy is in validation or test: {count}.",
            count=count,
        )
    return Message(
        "Training rows with a near copy in validation or test: {count}. They are more than 5 % "
        "and stay in training; the report lists them.",
        count=count,
    )


def _leaks(table: pd.DataFrame, names: pd.Series) -> pd.Series:
    """Returns (N,) True for rows to remove; copies of one row have the same name in `names`.

    These are train and validation rows with a copy in the test part, and train rows with a copy in
    the validation part.
    """
    split = table["split"]
    test, valid = (set(names[split == part].dropna()) for part in ("test", "valid"))
    return (names.isin(test) & (split != "test")) | (names.isin(valid) & (split == "train"))
