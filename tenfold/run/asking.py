"""What a task may ask of its run in `predict`, and the pieces in which rows are answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tenfold.core.columns import Columns, Problem, batches
from tenfold.task import Answer, Table
from tenfold.training.batches import at_once
from tenfold.training.inference import BATCH, OutputColumns

__all__ = ["Asked", "Problems", "pieces"]

Problems = dict[int, Problem]
"""The Problem of each row that has one, by its position."""
BATCHES = 16
"""Number of batches of inference whose outputs are in memory together."""


@dataclass(frozen=True)
class Asked:
    """A run (`run.Run`) with the options of one prediction: a `task.AnswersOf`."""

    run: Any
    options: Any

    def __call__(self, table: Table) -> list[Answer]:
        found: list[Answer] = self.run.answers_of(table, self.options)
        return found

    def outputs(self, table: Table) -> tuple[OutputColumns, Problems]:
        """The outputs of the network, see `Run.outputs_of`."""
        found: tuple[OutputColumns, Problems] = self.run.outputs_of(table, self.options)
        return found


def pieces(columns: Columns) -> list[np.ndarray]:
    """The positions of the rows that are inferred and decoded together.

    Outputs can be many times larger than inputs, as those of segmentation are. So rows of equal
    length are taken in pieces of a few batches; the batches are the same as without pieces.
    """
    if columns.lengths is not None:
        return [np.arange(columns.rows)] if columns.rows else []
    return batches(columns.rows, BATCHES * at_once(columns, BATCH))
