"""Rows: labelled data as a reader gives them; and as a run is scored on them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tenfold.core.columns import Columns

__all__ = ["Judged", "Rows"]


@dataclass(frozen=True)
class Rows:
    """A table of labelled rows with what its reader found out about the source.

    `table` has the columns of the inputs and of the truth, `source` (a name for people) and
    `problem` (None, or why the row cannot be used), and may have split, group, time and weight.
    A task completes what its reader gives with `answer`, the kind of answer (an
    `answers.kind.AnswerKind`), and `inputs`, the columns that `encode` reads (`media.input.Input`
    by name): all that happens before `learn` asks these two.
    """

    table: pd.DataFrame
    root: Path | None = None
    """The folder that sources are relative to; None for a DataFrame."""
    ignored: list[str] = field(default_factory=list)
    """Names in the source that are no data at all."""
    lines: int | None = None
    """Lines that were read, where one row is made of several."""
    split: str = ""
    """How the reader made the parts, as a sentence; empty where they stand in the source."""
    extra: dict[str, Any] = field(default_factory=dict)
    """What `learn` needs beside the table, such as titles of items."""
    reading: Any = None
    """How the source was read (a `media.reading.Reading`): stored, and used again by `test`."""
    answer: Any = None
    inputs: dict[str, Any] = field(default_factory=dict)

    def with_table(self, table: pd.DataFrame) -> Rows:
        """The same with another table."""
        return replace(self, table=table)

    def part(self, name: str) -> Rows:
        """The rows of one part of the split."""
        return self.with_table(self.table[self.table["split"] == name])

    def completed(self, answer: Any, inputs: dict[str, Any], reading: Any) -> Rows:
        """The same with the kind of answer, the encoded inputs and how the source was read."""
        return replace(self, answer=answer, inputs=inputs, reading=reading)


@dataclass(frozen=True)
class Judged:
    """Labelled rows that a run is scored on, encoded, beside the rows it learnt from."""

    rows: Rows
    columns: Columns
    """The encoded inputs of `rows`, one a row."""
    train: pd.DataFrame
    """Truths of the training rows, for baselines."""

    @property
    def table(self) -> pd.DataFrame:
        """The rows."""
        return self.rows.table

    def only(self, kept: np.ndarray) -> Judged:
        """The rows at these positions."""
        table = self.table.iloc[kept].reset_index(drop=True)
        return replace(self, rows=self.rows.with_table(table), columns=self.columns.view(kept))
