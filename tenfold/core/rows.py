"""Labelled rows: as a reader returns them, and as a run is scored on them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tenfold.core.columns import Columns
from tenfold.core.message import EMPTY, Message
from tenfold.core.taken import Taken

__all__ = [
    "BY",
    "Judged",
    "Rows",
    "evenly",
    "plain_truth",
    "reported",
    "unit_keys",
    "without_reported",
]

BY = "by:"
"""Prefix of the columns of a table that scores are reported by, such as `by:site`."""


def reported(table: pd.DataFrame) -> dict[str, str]:
    """Returns the columns that scores are reported by: their names without the prefix, and with."""
    every = (name for name in table.columns if isinstance(name, str) and name.startswith(BY))
    return {name.removeprefix(BY): name for name in every}


def without_reported(table: pd.DataFrame) -> pd.DataFrame:
    """Returns the table as a task may use it: without the columns that are only reported by."""
    columns = [*reported(table).values()]
    return table.drop(columns=columns) if columns else table


def evenly(table: pd.DataFrame, most: int) -> pd.DataFrame:
    """Returns at most `most` rows of a table, evenly spaced, with a new index."""
    if len(table) > most:
        table = table.iloc[np.linspace(0, len(table) - 1, most).astype(int)]
    return table.reset_index(drop=True)


def unit_keys(table: pd.DataFrame) -> pd.Series:
    """Returns (N,) the group of each row, else its group of near duplicates, else its digest."""
    digest = table["digest"].astype(str)
    if "near" in table:
        digest = digest.where(table["near"].isna(), table["near"].astype(str))
    if "group" not in table:
        return digest
    group = table["group"]
    return digest.where(group.isna(), "group " + group.astype(str))


def plain_truth(cell: Any) -> Any:
    """Converts a true label to its JSON form: tuples become lists, a missing label None."""
    if isinstance(cell, (list, tuple)):
        return [plain_truth(one) for one in cell]
    return None if isinstance(cell, float) and cell != cell else cell


@dataclass(frozen=True)
class Rows:
    """A table of labelled rows, and facts about the source that the reader found.

    `table` has the columns of the inputs and of the true labels, `source` (a readable name) and
    `problem` (None, or why the row cannot be used), and may have split, group, time and weight.
    Columns `by:NAME` (texts, None where blank) are only reported by; no hook of a task sees them.
    The task adds `answer`, the answer kind (an `answers.kind.AnswerKind`), and `inputs`, the
    columns that `encode` reads (`media.input.Input` by name). All steps before `learn` use these
    two.
    """

    table: pd.DataFrame
    root: Path | None = None
    """The folder to which the sources are relative; None for a DataFrame."""
    ignored: list[str] = field(default_factory=list)
    """Names in the source that are not data."""
    lines: int | None = None
    """Number of lines read, if one row is made of several lines."""
    split: Message = EMPTY
    """How the reader split the rows into parts, a sentence; empty if the source has the parts."""
    extra: dict[str, Any] = field(default_factory=dict)
    """Data that `learn` needs in addition to the table, such as titles of items."""
    reading: Any = None
    """How the source was read (a `media.reading.Reading`): stored, and used again by `test`."""
    taken: Taken = field(default_factory=Taken)
    """What the reader took from the source, and what it left."""
    answer: Any = None
    inputs: dict[str, Any] = field(default_factory=dict)

    def with_table(self, table: pd.DataFrame) -> Rows:
        """Returns a copy with another table."""
        return replace(self, table=table)

    def part(self, name: str) -> Rows:
        """Returns the rows of one part of the split."""
        return self.with_table(self.table[self.table["split"] == name])

    def completed(self, answer: Any, inputs: dict[str, Any], reading: Any) -> Rows:
        """Returns a copy with the answer kind, the inputs for `encode` and the reading added.

        A reading that the reader has completed itself is kept.
        """
        return replace(self, answer=answer, inputs=inputs, reading=self.reading or reading)


@dataclass(frozen=True)
class Judged:
    """Labelled rows to score a run on, their encoded inputs, and the labels of training rows."""

    rows: Rows
    columns: Columns
    """The encoded inputs, one row for each row of `rows`."""
    train: pd.DataFrame
    """True labels of the training rows, for baselines."""

    @property
    def table(self) -> pd.DataFrame:
        """The table of `rows`."""
        return self.rows.table

    def only(self, kept: np.ndarray) -> Judged:
        """Returns the rows at these positions."""
        table = self.table.iloc[kept].reset_index(drop=True)
        return replace(self, rows=self.rows.with_table(table), columns=self.columns.view(kept))
