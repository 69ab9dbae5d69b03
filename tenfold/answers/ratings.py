"""The answer kind of rating prediction. Rows have `next`: pairs of an item and its true rating.

Every rating has the same weight. Intervals resample rows, which are users, or groups of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from tenfold.answers.intervals import Sampling, Weighted
from tenfold.answers.kind import Answer, AnswerKind, MetricValues
from tenfold.answers.metric import MAE, RMSE, Metric
from tenfold.answers.ranking import known_table
from tenfold.answers.sections import Section, class_pieces
from tenfold.core.language import say
from tenfold.core.results import Prediction, rounded
from tenfold.core.settings import setting

__all__ = ["RATINGS", "Ratings", "RatingsKind"]


@dataclass(frozen=True)
class Ratings(Prediction):
    """Predicted ratings of a user: `items` are (item, rating) in the order of the request.

    If no item was requested, they are the items with the highest predicted ratings. `otherwise` is
    the rating predicted for unknown items. `given` is the number of the user's entries in the
    input, `known` is how many of them are in the catalogue.
    """

    columns: ClassVar[tuple[str, ...]] = ("ratings",)
    items: tuple[tuple[str, float], ...]
    otherwise: float
    known: int = 0
    given: int = 0
    titles: dict[str, str] = field(default_factory=dict)

    @property
    def line(self) -> str:
        """One line for the terminal, with cells separated by tabs."""
        said = [f"{self.titles.get(name, name)} {rating:.2f}" for name, rating in self.items]
        return "\t".join([*said, say("(any other {rating:.2f})", rating=self.otherwise)])

    @property
    def cells(self) -> tuple[str, ...]:
        """Values of `columns` in a table of predictions."""
        return ("|".join(f"{name}={rating:.4f}" for name, rating in self.items),)

    @property
    def chances(self) -> dict[str, float]:
        """Empty: ratings have no probabilities."""
        return {}


def _errors(answers: Sequence[Answer], table: pd.DataFrame) -> np.ndarray:
    """Returns (N, 3): sum of squared errors, sum of absolute errors, number of ratings."""
    rows = np.zeros((len(answers), 3))
    for row, (one, after) in enumerate(zip(answers, table["next"], strict=True)):
        known = dict(one.items) if isinstance(one, Ratings) else {}
        other = one.otherwise if isinstance(one, Ratings) else 0.0
        off = np.array([known.get(name, other) - mark for name, mark in after], float)
        rows[row] = (off**2).sum(), np.abs(off).sum(), len(off)
    return rows


def _metrics(answers: Sequence[Answer], table: pd.DataFrame, sampling: Sampling) -> MetricValues:
    rows = _errors(answers, table)

    def mae(counts: np.ndarray) -> float:
        return float(counts @ rows[:, 1] / max(1.0, counts @ rows[:, 2]))

    return {
        "rmse": sampling.resampled(partial(_once, rows), len(rows), share=False),
        "mae": sampling.resampled(mae, len(rows), share=False),
    }


def _once(rows: np.ndarray, counts: np.ndarray) -> float:
    return float(_rmse(rows, counts[None])[0])


def _rmse(rows: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Returns the RMSE (R,) of rows (U, 3 or 2), given how often each row counts (R, U).

    The first column holds the sum of squared errors, the last the number of ratings.
    """
    total = counts @ rows
    return np.asarray(np.sqrt(total[:, 0] / np.maximum(1, total[:, -1])))


def _constant(train: pd.DataFrame) -> Ratings:
    """Predicts the mean of all ratings in the training rows, in `next` and in `items`."""
    marks = [float(mark) for row in train.get("next", ()) for _, mark in row]
    for row in train.get("items", ()):
        told = (entry.rpartition("=")[2] for entry in row)
        marks += [float(text) for text in told if text != "?"]
    return Ratings((), round(float(np.mean(marks)), 6) if marks else 0.0)


def _retained(before: Ratings, after: Ratings) -> float:
    """Returns the mean rating in `after` of the items in `before`.

    The drop from the mean in `before` is the contribution of the hidden part of the input.
    """
    now = dict(after.items)
    marks = [now.get(name, after.otherwise) for name, _ in before.items]
    return float(np.mean(marks)) if marks else after.otherwise


def _details(answers: Sequence[Answer], table: pd.DataFrame, sampling: Sampling) -> dict[str, Any]:
    """Returns the RMSE by the number of known ratings of a row."""
    rows = _errors(answers, table)
    known = np.array([one.known if isinstance(one, Ratings) else 0 for one in answers], np.int64)
    groups = []
    for least, most in ((0, 0), (1, 9), (10, 49), (50, None)):
        inside = (known >= least) & (known <= (most if most is not None else known.max(initial=0)))
        if inside.any():
            count, part = int(inside.sum()), sampling.at(inside)
            three = part.resampled(partial(_once, rows[inside]), count, share=False)
            value, low, high = map(rounded, three)
            group = {"least": least, "most": most, "rows": count, "value": value}
            groups.append(group | {"low": low, "high": high})
    return {"by_known": groups}


def _worst(answers: Sequence[Answer], table: pd.DataFrame) -> list[int]:
    rows = _errors(answers, table)
    off = rows[:, 0] / np.maximum(1, rows[:, 2])
    return [int(row) for row in np.argsort(-off, kind="stable") if off[row] > 0.25]


def _same_decision(before: Ratings, after: Ratings, tolerance: float) -> bool:
    if len(before.items) != len(after.items):
        return False
    pairs = zip(before.items, after.items, strict=True)
    near = max(10 * tolerance, 1e-3)
    return all(abs(one[1] - other[1]) <= near for one, other in pairs)


@dataclass(frozen=True)
class RatingsOptions:
    """Prediction options of ratings."""

    top: int = setting(10, "number of items to list", low=1, high=100)


class RatingsKind(AnswerKind):
    """Ratings of items; the true label is (item, rating) pairs in the column `next`."""

    name = "ratings"
    prediction = Ratings
    truths = ("next",)
    options = RatingsOptions
    baseline_columns = ("items",)
    headline = "rmse"
    metrics: ClassVar[dict[str, Metric]] = {"rmse": RMSE, "mae": MAE}

    def truth_text(self, table: pd.DataFrame, row: int) -> str:
        pairs = table["next"].iloc[row] if "next" in table else ()
        return " + ".join(f"{name}={mark:g}" for name, mark in pairs)

    measure = staticmethod(_metrics)
    constant = staticmethod(_constant)
    retained = staticmethod(_retained)
    worst = staticmethod(_worst)

    def bootstrap(self, answers: Sequence[Answer], table: pd.DataFrame) -> Weighted:
        return _errors(answers, table)[:, [0, 2]], _rmse

    same_decision = staticmethod(_same_decision)
    details = staticmethod(_details)

    def words(self, answer: Ratings, truth: str = "") -> dict[str, Any]:
        first = [f"{answer.titles.get(name, name)}={mark:.2f}" for name, mark in answer.items[:3]]
        said = " + ".join(first) or f"{answer.otherwise:.2f}"
        return {"said": said, "sure": None, "right": None}

    def pieces(self, details: dict[str, Any]) -> dict[str, Any]:
        tables = [known_table(details.get("by_known", []), RMSE)]
        return class_pieces({}) | {
            "sections": [Section("catalogue", say("Catalogue"), tables=tables)]
        }


RATINGS = RatingsKind()
