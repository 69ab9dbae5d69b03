"""Which of two classes is the positive one, and the probabilities of both as arrays.

Shapes: N rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tenfold.answers.classification.prediction import Label
from tenfold.answers.intervals import weights_of
from tenfold.answers.kind import Answer
from tenfold.core.text import natural

__all__ = ["TwoClasses", "positive_class", "trained_rows"]

POSITIVE_NAMES = ("yes", "true", "1", "positive", "pos", "y", "t", "是", "有", "阳性", "正")
"""Names of a positive class, in any case; one of these is positive whatever its number of rows."""


def positive_class(counts: Mapping[str, float]) -> str:
    """Returns the positive class of two, from the number of training rows of each class.

    This is the class named like yes, true, 1 or positive; else the one with fewer rows, and of two
    with equally many rows the second in the order of `natural`.
    """
    names = sorted(counts, key=natural)
    named = [name for name in names if name.strip().casefold() in POSITIVE_NAMES]
    if len(named) == 1:
        return named[0]
    return min(reversed(names), key=lambda name: counts[name])


def trained_rows(train: pd.DataFrame, classes: Sequence[str]) -> dict[str, int]:
    """Returns the number of training rows of each class."""
    counts = Counter(train["label"].astype(str)) if "label" in train else Counter[str]()
    return {name: counts[name] for name in classes}


@dataclass(frozen=True)
class TwoClasses:
    """Predictions of two classes as arrays of the rows that have an answer and a known class.

    `probability` (N,) is that of the class `positive`, `logit` (N,) its log odds, `truth` (N,) True
    for positive rows, `weights` (N,) the weights of the rows (1 without weights), and `rows` (N,)
    their positions in the table. `others` is the number of rows that are left out.
    """

    positive: str
    negative: str
    probability: np.ndarray
    logit: np.ndarray
    truth: np.ndarray
    weights: np.ndarray
    rows: np.ndarray
    others: int

    @staticmethod
    def of(
        answers: Sequence[Answer], table: pd.DataFrame, train: pd.DataFrame, positive: str = ""
    ) -> TwoClasses | None:
        """Returns the arrays, or None if the predictions are not about two classes.

        The positive class is `positive` if it is given, else `positive_class` of the training rows.
        A probability of 0, as it is written with six decimals, counts as 5e-7 in the log odds.
        """
        classes = _two_classes(answers)
        if not classes:
            return None
        positive = positive or positive_class(trained_rows(train, classes))
        (negative,) = (name for name in classes if name != positive)
        truth = table["label"].astype(str).to_numpy()
        kept = [
            row
            for row, one in enumerate(answers)
            if isinstance(one, Label) and len(one.probabilities) == 2 and truth[row] in classes
        ]
        rows = np.array(kept, np.int64)
        both = np.array(
            [[_chance(answers[row], name) for name in (positive, negative)] for row in kept]
        ).reshape(-1, 2)
        weights = weights_of(table)
        weights = np.ones(len(table)) if weights is None else weights
        log_odds = np.log(both.clip(5e-7)) @ [1.0, -1.0]
        share = both[:, 0] / np.maximum(both.sum(1), 1e-12)
        return TwoClasses(
            positive, negative, share, log_odds, truth[rows] == positive, weights[rows], rows,
            len(answers) - len(rows),
        )  # fmt: skip

    @property
    def share(self) -> float:
        """Weighted share of positive rows."""
        return float(self.truth @ self.weights / max(self.weights.sum(), 1e-12))


def _two_classes(answers: Sequence[Answer]) -> list[str]:
    """Returns the names of the two classes of the predictions; [] if there are not two."""
    for one in answers:
        if isinstance(one, Label):
            return sorted(one.probabilities, key=natural) if len(one.probabilities) == 2 else []
    return []


def _chance(answer: Answer, name: str) -> float:
    return answer.probabilities.get(name, 0.0) if isinstance(answer, Label) else 0.0
