"""Fits the scores of texts of a table: ridge regressions on hashed n-grams, in folds of the texts.

The scores are derived columns: `recipes.tables.derived` keeps or leaves those of a column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.answers.intervals import weights_of
from tenfold.core.lazy import lazy
from tenfold.media.text.ngrams import grams

if TYPE_CHECKING:
    from scipy.sparse import csr_array

sparse, solvers = lazy("scipy.sparse"), lazy("scipy.sparse.linalg")

__all__ = ["Truths", "learnt"]

ROWS = 20_000
"""Maximum number of rows from which the scores of a column are learnt."""
LEAST_TEXTS = 50
"""Minimum number of distinct texts of a column for scores."""
OUTPUTS = 10
"""Maximum number of classes with a score of their own: the most frequent ones."""
PENALTY, STEPS = 1.0, 40
"""Penalty of the ridge regressions, as scikit-learn's default, and maximum steps of LSQR."""


@dataclass(frozen=True)
class Truths:
    """Truths (N,): class numbers (-1 unknown) of `classes`, or values (NaN unknown); weights."""

    truth: np.ndarray
    classes: Sequence[str] = ()
    weight: np.ndarray | None = None

    @staticmethod
    def of(targets: Mapping[str, Any], table: Any, classes: Sequence[str] = ()) -> Truths:
        """Returns the truths of rows from their target, `label` or `value`, and their table."""
        (truth,) = targets.values()
        return Truths(np.asarray(truth), classes, weights_of(table))

    def outputs(self) -> tuple[list[str], np.ndarray]:
        """Returns names of the outputs and what each is to be (N, K); "" = the only output.

        Values have the standard deviation 1. Rows that do not count are NaN.
        """
        known = self.truth >= 0 if self.classes else np.isfinite(self.truth)
        if self.weight is not None:
            known = known & (self.weight > 0)
        blank = np.where(known, 0.0, np.nan)[:, None]
        if not self.classes:
            spread = np.std(self.truth[known]) if known.any() else 0.0
            return [""], blank + np.nan_to_num(self.truth / (spread or 1.0))[:, None]
        counts = np.bincount(self.truth[known], minlength=len(self.classes))
        chosen = np.sort(np.argsort(-counts, kind="stable")[:OUTPUTS])
        if len(self.classes) <= 2:
            chosen = chosen[1:]
        names = ["" if len(self.classes) <= 2 else self.classes[at] for at in chosen]
        return names, blank + (self.truth[:, None] == chosen)


def learnt(places: Mapping[int, Sequence[str]], truths: Truths) -> dict[int, Any]:
    """Returns names of the outputs and weights (FOLDS, BUCKETS, K) by the position of the column.

    `places` are the columns of texts by position. A column of few texts has no scores.
    """
    names, wanted = truths.outputs()
    found = {}
    for place, texts in places.items():
        if names and len({*texts}) >= LEAST_TEXTS:
            found[place] = names, _weights(texts, wanted, truths.weight)
    return found


def _weights(texts: Sequence[str], wanted: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    usable = np.flatnonzero(np.isfinite(wanted).all(1))
    some = usable[:: max(1, -(-len(usable) // ROWS))]
    own, target = [texts[at] for at in some], wanted[some]
    row, bucket, value = grams.hashed(own)
    design = sparse.csr_array((value, (row, bucket)), (len(own), grams.BUCKETS))
    sure = np.ones(len(own)) if weight is None else weight[some] / weight[some].mean()
    fold, found = grams.folds_of(own), np.zeros((grams.FOLDS, grams.BUCKETS, wanted.shape[1]))
    for number in range(grams.FOLDS):
        others = np.flatnonzero(fold != number)
        if len(others):
            found[number] = _ridge(design[others], target[others], sure[others])
    return found.astype(np.float32)


def _ridge(design: csr_array, target: np.ndarray, sure: np.ndarray) -> np.ndarray:
    """Returns the weights (BUCKETS, K) for the difference of the target from its mean."""
    centred = target - np.average(target, axis=0, weights=sure)
    root = np.sqrt(sure)
    weighed = design.multiply(root[:, None]).tocsr()
    each = [
        solvers.lsqr(weighed, root * one, damp=np.sqrt(PENALTY), iter_lim=STEPS)[0]
        for one in centred.T
    ]
    return np.stack(each, 1)
