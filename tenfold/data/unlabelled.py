"""Rows without a true label: whole parts of them are left out, single ones are listed."""

from __future__ import annotations

import pandas as pd

from tenfold.core.errors import DataRefused
from tenfold.core.message import Message
from tenfold.core.progress import tell
from tenfold.core.rows import Rows

__all__ = ["refuse_unlabelled", "with_problems", "without_unlabelled"]


def without_unlabelled(rows: Rows) -> tuple[Rows, list[str]]:
    """Returns the rows that can be learnt from or scored, and the sources of the others.

    A validation or test part in which nothing is labelled is left out, and a sentence states so;
    test rows without a label are left out too.
    """
    table = rows.table
    if "split" not in table:
        return rows, []
    read = table["problem"].isna().to_numpy()
    blank = rows.answer.blank(table) & read
    gone = blank & (table["split"] == "test").to_numpy()
    for part, name in (("valid", Message("validation")), ("test", Message("test"))):
        inside = (table["split"] == part).to_numpy() & read
        if inside.any() and blank[inside].all():
            gone |= inside
            tell(
                Message(
                    "Nothing in the {part} part has a label: its {count} rows are not used and "
                    "not scored.",
                    part=name,
                    count=int(inside.sum()),
                )
            )
    kept = rows.with_table(table[~gone].reset_index(drop=True))
    return kept, list(table["source"][gone])


def with_problems(rows: Rows) -> pd.DataFrame:
    """Returns the table with a problem on every row that has no label."""
    table, blank = rows.table, rows.answer.blank(rows.table)
    if not blank.any():
        return table
    problems = [
        rows.answer.blank_truth if empty and problem is None else problem
        for empty, problem in zip(blank, table["problem"], strict=True)
    ]
    return table.assign(problem=pd.Series(problems, table.index, dtype=object))


def refuse_unlabelled(rows: Rows, where: str) -> None:
    """Raises DataRefused where rows can be read and none of them has a label."""
    read = rows.table["problem"].isna().to_numpy()
    if read.any() and rows.answer.blank(rows.table)[read].all():
        raise DataRefused(
            Message("Nothing in these data has a label, so nothing can be scored"),
            code="no-labels",
            where=where,
            fix=Message("Add the true labels; `tenfold predict` needs none."),
        )
