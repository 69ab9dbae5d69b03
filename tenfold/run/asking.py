"""What a task may ask of its run in `predict`, and the pieces in which rows are answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tenfold.core.columns import Columns, Problem, batches
from tenfold.core.message import Message
from tenfold.task import Answer, Table
from tenfold.training.batches import at_once
from tenfold.training.inference import BATCH, OutputColumns, finite

__all__ = ["NOT_FINITE", "Asked", "Problems", "pieces"]

Problems = dict[int, Problem]
"""The Problem of each row that has one, by its position."""
NOT_FINITE = Problem(
    "answer-not-finite",
    Message("has no answer: the network computes a value that is not a finite number"),
    Message("Use another run; the weights of this one are damaged or far too large."),
)
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
        """The outputs of the network for rows, and the Problem of each row that has none.

        The outputs have only the rows without a Problem.
        """
        encoded = self.run.encode(table, self.options)
        columns = Columns(encoded.columns)
        fine = np.array([row for row in range(columns.rows) if row not in encoded.problems], int)
        if not len(fine):
            return {}, encoded.problems
        outputs, bad = finite(self.run.infer(columns.view(fine)), len(fine))
        return outputs, encoded.problems | dict.fromkeys(fine[bad].tolist(), NOT_FINITE)


def pieces(columns: Columns) -> list[np.ndarray]:
    """The positions of the rows that are inferred and decoded together.

    Outputs can be many times larger than inputs, as those of segmentation are. So rows of equal
    length are taken in pieces of a few batches; the batches are the same as without pieces.
    """
    if columns.lengths is not None:
        return [np.arange(columns.rows)] if columns.rows else []
    return batches(columns.rows, BATCHES * at_once(columns, BATCH))
