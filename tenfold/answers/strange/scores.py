"""Scores of how strange rows are: ordering, false alarms, share of the strange rows found.

Shapes: N rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from tenfold.answers.intervals import Interval, Sampling
from tenfold.answers.metrics.discrimination import Ordered, mean_average_precision, mean_roc_auc
from tenfold.answers.strange.prediction import Oddity

__all__ = ["Strangeness", "measure"]


@dataclass(frozen=True)
class Strangeness:
    """N rows as arrays: score, whether it reaches the threshold, and the truth.

    `truth` is 1 for a strange row, 0 for a good one, -1 where it is unknown. `kind` is the label of
    the row. `score` is NaN for a row without an answer.
    """

    score: np.ndarray
    alarm: np.ndarray
    truth: np.ndarray
    kind: list[str]

    @staticmethod
    def of(answers: Sequence[Any], table: pd.DataFrame) -> Strangeness:
        """Returns the arrays of predictions and of the columns `strange` and `label`."""
        known = [one if isinstance(one, Oddity) else None for one in answers]
        blank = pd.Series([None] * len(table), dtype=object)
        truths, labels = (table.get(name, blank) for name in ("strange", "label"))
        return Strangeness(
            np.array([one.score if one else np.nan for one in known], float),
            np.array([bool(one and one.strange) for one in known], bool),
            np.array([-1 if pd.isna(one) else int(bool(one)) for one in truths], np.int64),
            ["" if pd.isna(one) else str(one) for one in labels],
        )

    @property
    def alarms(self) -> np.ndarray:
        """(N,) True for rows above the threshold, and for rows without an answer."""
        return self.alarm | np.isnan(self.score)

    @property
    def filled(self) -> np.ndarray:
        """The scores (N,); a row without an answer is ordered as wrong as possible."""
        worst = np.where(self.truth == 1, -np.inf, np.inf)
        return np.where(np.isnan(self.score), worst, self.score)

    @property
    def ordered(self) -> tuple[np.ndarray, Ordered]:
        """The rows (M,) whose truth is known, and their order by score."""
        rows = np.flatnonzero(self.truth >= 0)
        return rows, Ordered.of(self.filled[rows], self.truth[rows] == 1)

    @property
    def rows_of_shares(self) -> dict[str, np.ndarray]:
        """(N,) True for the rows of each metric that is a share; one without rows is left out.

        Rows of unknown truth count as good in the share of false alarms where no truth is known at
        all.
        """
        good, strange = self.truth == 0, self.truth == 1
        if not (good | strange).any():
            good = self.truth < 0
        shares = {"sensitivity": strange} if strange.any() else {}
        return shares | ({"false_alarm_rate": good} if good.any() or not shares else {})


def measure(found: Strangeness, sampling: Sampling) -> dict[str, Interval]:
    """Computes ROC AUC, average precision, false alarms and the share of strange rows found.

    Metrics that need strange rows, or good ones, are left out where there are none (see
    `rows_of_shares`). A row without an answer is a false alarm if it is good, else it is missed.
    """
    values: dict[str, Interval] = {}
    shares = found.rows_of_shares
    if len(shares) == 2:
        rows, ordered = found.ordered
        some = sampling.at(rows)
        for name, metric in (
            ("roc_auc", mean_roc_auc),
            ("average_precision", mean_average_precision),
        ):
            values[name] = some.resampled(partial(metric, [ordered]), len(rows))
    decided = {"sensitivity": found.alarm, "false_alarm_rate": found.alarms}
    for name, rows in shares.items():
        values[name] = sampling.at(rows).share(decided[name][rows])
    return values
