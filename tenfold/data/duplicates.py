"""The same content more than once: exact copies, near copies, other answers, both sides of a split.

Whatever stands in the test part is taken out of learning, never the other way round.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from tenfold.answers.kind import AnswerKind
from tenfold.core.progress import tell
from tenfold.media.medium import Medium

__all__ = ["Copies", "found", "near_groups", "without_leaks"]

MOST = 0.05
"""Share of the training rows: where more are near copies of test rows, all stay, and it is said."""


@dataclass(frozen=True)
class Copies:
    """Sources, group by group: exact `duplicates`, `conflicts` of their answers, `near` copies."""

    duplicates: list[list[str]] = field(default_factory=list)
    conflicts: list[list[str]] = field(default_factory=list)
    near: list[list[str]] = field(default_factory=list)


def found(
    table: pd.DataFrame, answer: AnswerKind, media: Mapping[str, Medium]
) -> tuple[pd.DataFrame, Copies]:
    """The copies in a table, which gets a column `near` naming each row's group of near copies.

    `media` are the input columns with their media.
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
    """Positions of rows that are near copies of each other and not exact ones, group by group.

    Rows are near where one of their inputs is.
    """
    found = [pair for name, medium in media.items() for pair in medium.near_pairs(table[name])]
    digest = table["digest"].to_numpy()
    joined = _joined((one, other) for one, other in found if digest[one] != digest[other])
    return sorted(sorted(rows) for rows in joined)


def _joined(pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Groups of whatever is connected."""
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
    """Leaves out of learning what the test holds too, and out of train what validation holds.

    The sources of the rows left out come with it.
    """
    leaks = _leaks(table, table["digest"])
    if leaks.any():
        tell(f"{leaks.sum()} training rows stand in validation or test as well: left out.")
    if "near" in table:
        also = _leaks(table, table["near"]) & ~leaks
        learning = max(1, int((table["split"] != "test").sum()))
        few = also.sum() <= MOST * learning
        if also.any():
            what = "left out" if few else "more than 5 %, so they stay; see the report"
            tell(f"{also.sum()} training rows are near copies of rows judged: {what}.")
        leaks |= also & few
    return table[~leaks], list(table["source"][leaks])


def _leaks(table: pd.DataFrame, names: pd.Series) -> pd.Series:
    """True for rows whose name stands in a part that judges them."""
    split = table["split"]
    test, valid = (set(names[split == part].dropna()) for part in ("test", "valid"))
    return (names.isin(test) & (split != "test")) | (names.isin(valid) & (split == "train"))
