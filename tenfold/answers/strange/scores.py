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
    def ordered(self) -> tuple[np.ndarray, Ordered]:
        """The rows (M,) whose truth is known, and their order by score.

        A row without an answer is ordered as wrong as possible.
        """
        rows = np.flatnonzero(self.truth >= 0)
        strange = self.truth[rows] == 1
        worst = np.where(strange, -np.inf, np.inf)
        scores = self.score[rows]
        return rows, Ordered.of(np.where(np.isnan(scores), worst, scores), strange)


def measure(found: Strangeness, sampling: Sampling) -> dict[str, Interval]:
    """Computes ROC AUC, average precision, false alarms and the share of strange rows found.

    Metrics that need strange rows, or good ones, are left out where there are none. Rows of unknown
    truth count as good in the share of false alarms where no truth is known at all.
    """
    values: dict[str, Interval] = {}
    good, strange = found.truth == 0, found.truth == 1
    if good.any() and strange.any():
        rows, ordered = found.ordered
        some = sampling.at(rows)
        for name, metric in (
            ("roc_auc", mean_roc_auc),
            ("average_precision", mean_average_precision),
        ):
            values[name] = some.resampled(partial(metric, [ordered]), len(rows))
    if not (good | strange).any():
        good = found.truth < 0
    if strange.any():
        values["sensitivity"] = sampling.at(strange).share(found.alarm[strange])
    if good.any():
        values["false_alarm_rate"] = sampling.at(good).share(found.alarm[good])
    return values
