"""Which labels mean good and which strange."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pandas as pd

from tenfold.core.errors import UsageError, nearest
from tenfold.core.message import Message
from tenfold.core.progress import tell
from tenfold.core.rows import Rows

__all__ = ["with_truths"]

GOOD = frozenset("good ok okay normal pass passed fine healthy inlier 正常 良品 合格".split())
"""Labels that mean a good row, in lower case."""
STRANGE = frozenset(
    "bad ng nok defect defective anomaly anomalous abnormal faulty fail failed outlier strange "
    "异常 次品 不合格 缺陷".split()
)
"""Labels that mean a strange row, in lower case."""


def with_truths(rows: Rows, given: str, learnt: str = "") -> Rows:
    """Returns the rows with the column `strange`, from their labels; None without a label.

    `given` is the label of good rows as the user gave it, "" = found; `learnt` is that of the
    training rows, for other rows, which may lack it. Raises UsageError where a given one is not a
    label, or where the labels do not show which rows are good.
    """
    labels = rows.table["label"].fillna("").astype(str)
    counts = Counter(label for label in labels if label)
    if not counts:
        return rows.with_table(rows.table.assign(strange=None))
    name = learnt or (_given(given, counts) if given else _found(counts))
    strange = pd.Series([None if not one else one != name for one in labels], dtype=object)
    others = ", ".join(f"{one!r} {count}" for one, count in counts.most_common() if one != name)
    line = Message(
        "Good rows have the label {good!r} ({count}); strange ones: {others}. --good names "
        "another label.",
        good=name,
        count=counts[name],
        others=others or "-",
    )
    if not name:
        line = Message(
            "All labels mean strange rows: {others}. Rows without a label are used as good ones; "
            "--good names a label of good rows.",
            others=others,
        )
    rows.taken.note(line)
    tell(line)
    table = rows.table.assign(strange=strange.to_numpy())
    reading = rows.reading.finding(good=name) if rows.reading else rows.reading
    return replace(rows, table=table, reading=reading)


def _given(good: str, counts: Counter[str]) -> str:
    if good in counts:
        return good
    raise UsageError(
        Message("No row has the label {name!r}", name=good),
        code="unknown-class",
        where="good",
        fix=nearest(good, [*counts]),
    )


def _found(counts: Counter[str]) -> str:
    """Returns the label that means good: a usual word, else the most frequent of two labels.

    "" where all labels are words for strange rows.
    """
    usual = [name for name in counts if name.strip().lower() in GOOD]
    if len(usual) == 1:
        return usual[0]
    strange = [name for name in counts if name.strip().lower() in STRANGE]
    if not usual and len(counts) - len(strange) == 1 and strange:
        return next(name for name in counts if name not in strange)
    if len(strange) == len(counts):
        return ""
    if len(counts) == 1:
        return next(iter(counts))
    often = counts.most_common(2)
    if not usual and len(counts) == 2 and often[0][1] > 2 * often[1][1]:
        return often[0][0]
    listed = ", ".join(f"{name!r} {count}" for name, count in counts.most_common(12))
    raise UsageError(
        Message("The labels do not show which rows are good: {labels}", labels=listed),
        code="two-readings",
        fix=Message("Name the label of good rows, such as --good {name!r}.", name=often[0][0]),
    )
