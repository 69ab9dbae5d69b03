"""Columns that give the answer away: known only afterwards, or a copy of the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tenfold.core.message import Message
from tenfold.media.tables.schema import CATEGORY, TEXT, TableRow

__all__ = ["telling_columns"]

MIN_ROWS, MAX_ROWS = 50, 20_000
"""Least number of rows that show it, and most rows that are examined, evenly over the table."""
LEAST = 0.99
"""Least accuracy, or area under the ROC curve, of a column alone."""
LEAST_RANKS = 0.999
"""Least rank correlation with a number to predict."""
OF_CONSTANT = 0.05
"""Most errors of a column alone, as a share of those of the most frequent answer."""


def telling_columns(rows: Sequence[TableRow], truths: Sequence[Any]) -> list[Message]:
    """Returns a note for each column that alone gives nearly every answer.

    `truths` are classes (texts) or numbers, one for each row.
    """
    if len(rows) < MIN_ROWS:
        return []
    chosen = np.unique(np.linspace(0, len(rows) - 1, min(MAX_ROWS, len(rows))).astype(int))
    chosen = np.random.default_rng(0).permutation(chosen)  # a sorted file tells nothing
    answers = [truths[at] for at in chosen]
    columns = zip(*(rows[at].values for at in chosen), strict=True)
    numeric = not isinstance(answers[0], str)
    truth = np.array(answers, float) if numeric else pd.factorize(np.array(answers, object))[0]
    notes = list[Message]()
    for column, cells in zip(rows[0].schema.columns, columns, strict=True):
        if column.type == TEXT:
            continue
        if column.type == CATEGORY:
            codes = pd.factorize(np.array(cells, object), use_na_sentinel=False)[0]
            said = None if numeric else _accurate(codes, truth)
        else:
            values = np.array(cells, float)
            said = _ranked(values, truth) if numeric else _separated(values, truth)
        if said is not None:
            notes.append(
                Message(
                    "Column {name} alone gives the answer ({measure}): if it is known only "
                    "afterwards, leave it out (--ignore).",
                    name=column.name,
                    measure=said,
                )
            )
    return notes


def _accurate(codes: np.ndarray, truth: np.ndarray) -> Message | None:
    """Returns the accuracy of predicting the most frequent answer of the rows with the same code.

    The row itself is left out. `codes` and `truth` are (N,). None where the accuracy is too low to
    suspect leakage.
    """
    counts = np.zeros((codes.max() + 1, truth.max() + 1), np.int64)
    np.add.at(counts, (codes, truth), 1)
    ordered = np.sort(counts, 1)
    sure = ordered[:, -1] - 1 > (ordered[:, -2] if counts.shape[1] > 1 else 0)
    return _enough(float(ordered[sure, -1].sum()) / len(truth), truth)


def _enough(accuracy: float, truth: np.ndarray) -> Message | None:
    constant = np.bincount(truth).max() / len(truth)
    if accuracy < LEAST or 1 - accuracy > OF_CONSTANT * (1 - constant):
        return None
    return Message("accuracy {value}", value=f"{accuracy:.6f}")


def _separated(values: np.ndarray, truth: np.ndarray) -> Message | None:
    """Returns how well numbers (N,) separate the classes; None where they do not.

    By whether the number is missing, by its order (ROC AUC), or by ranges of it (accuracy).
    """
    known = np.isfinite(values)
    if found := _accurate(known.astype(int), truth):
        return found
    values, truth = values[known], truth[known]
    if len(values) < MIN_ROWS or len(np.unique(truth)) < 2:
        return None
    if truth.max() == 1:
        ranks, first = pd.Series(values).rank().to_numpy(), truth == 1
        ones, zeros = int(first.sum()), int((~first).sum())
        area = (ranks[first].sum() - ones * (ones + 1) / 2) / (ones * zeros)
        area = max(area, 1 - area)
        return Message("ROC AUC {value}", value=f"{area:.6f}") if area >= LEAST else None
    inside = truth[np.argsort(values, kind="stable")]
    changes = int((inside[1:] != inside[:-1]).sum()) - int(truth.max())
    return _enough(1 - max(0, changes) / len(inside), truth)


def _ranked(values: np.ndarray, truth: np.ndarray) -> Message | None:
    """Returns the rank correlation of numbers (N,) with the true values; None where it is low."""
    known = np.isfinite(values) & np.isfinite(truth)
    if known.sum() < max(MIN_ROWS, 0.9 * len(values)):
        return None
    pair = pd.DataFrame({"column": values[known], "answer": truth[known]}).rank()
    found = abs(pair["column"].corr(pair["answer"]))
    return (
        Message("rank correlation {value}", value=f"{found:.6f}") if found >= LEAST_RANKS else None
    )
