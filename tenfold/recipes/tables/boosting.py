"""Gradient boosting by scikit-learn in portions: stopped by given validation rows, or by time.

HistGradientBoosting of scikit-learn keeps all trees up to the end of its patience and knows no
time limit. Here it grows a portion of trees at a time (`warm_start`), each iteration is scored on
the validation rows, and the trees after the best iteration are dropped.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tenfold.core.lazy import lazy
from tenfold.recipes.tables.arrays import LevelColumn, TableArrays

ensemble, special = lazy("sklearn.ensemble"), lazy("scipy.special")

__all__ = ["Boosted", "Boosting", "boost", "loss_of"]

PORTION = 25
"""Iterations of the first portion; later ones are a quarter of what there is, if that is more."""
PATIENCE = 40
"""Iterations without a better validation loss before a fit ends, for a learning rate of 0.1."""


@dataclass(frozen=True)
class Boosting:
    """Settings of one fit. `quantile` 0 is the mean (squared error)."""

    learning_rate: float = 0.1
    leaves: int = 31
    rows_a_leaf: int = 20
    l2: float = 0.0
    features: float = 1.0
    depth: int | None = None
    iterations: int = 2000
    quantile: float = 0.0

    def patience(self) -> int:
        """Returns the iterations without improvement after which a fit ends."""
        return max(PATIENCE, round(PATIENCE * 0.1 / self.learning_rate / 2))


@dataclass(frozen=True)
class Boosted:
    """A fitted booster: trees of scikit-learn by iteration and output, constants, losses.

    `columns` are the columns made of categories that come before the numbers. `losses[i]` is the
    validation loss after i iterations; empty without validation rows. `raw` are the raw scores
    (M, K) of the validation rows.
    """

    trees: list[list[Any]]
    base: np.ndarray
    columns: list[LevelColumn]
    losses: list[float]
    raw: np.ndarray | None
    seconds: float

    @property
    def iterations(self) -> int:
        """Returns the number of iterations that are kept."""
        return len(self.trees)


def design(rows: TableArrays, columns: list[LevelColumn]) -> np.ndarray:
    """Returns the inputs of scikit-learn (N, columns + D): columns of categories, then numbers."""
    derived = [column.of(rows.levels)[:, None] for column in columns]
    return np.concatenate([*derived, rows.numbers.astype(np.float64)], 1)


def boost(
    settings: Boosting,
    train: TableArrays,
    valid: TableArrays | None,
    columns: list[LevelColumn],
    classes: int,
    seed: int,
    iterations: int | None = None,
    deadline: float | None = None,
) -> Boosted:
    """Fits one booster; `classes` is 0 for values.

    With `iterations` it has exactly that many. Otherwise validation decides, and the fit ends
    early where the next portion would pass `deadline` (of `time.perf_counter`). A second fit with
    the iterations of a first one has the same trees: portions begin at the same iterations, where
    scikit-learn begins its random numbers anew; a portion cut short by the time is the last one.
    """
    began = time.perf_counter()
    model = _model(settings, columns, train.numbers.shape[1], classes, seed)
    inputs, truth = design(train, columns), _truth(train, classes)
    watch = _Watch(valid, columns, classes, settings) if iterations is None and valid else None
    limit = settings.iterations if iterations is None else max(1, iterations)
    done, rate, short = 0, 0.0, False
    while done < limit and not short:
        portion = min(max(PORTION, done // 4), limit - done)
        if deadline is not None and iterations is None and done:
            left = int((deadline - time.perf_counter()) / rate)
            portion, short = min(portion, left), left < portion
            if portion < 1:
                break
        start = time.perf_counter()
        model.max_iter = done + portion
        model.fit(inputs, truth, sample_weight=train.weight)
        rate = (time.perf_counter() - start) / portion
        if watch and watch.ends(model, done):
            break
        done += portion
    kept = watch.best if watch else done if iterations is None else iterations
    trees = model._predictors[:kept]
    base = model._baseline_prediction.ravel().astype(np.float64)
    losses, raw = (watch.losses, watch.raw) if watch else ([], None)
    return Boosted(trees, base, columns, losses, raw, time.perf_counter() - began)


class _Watch:
    """The validation loss after each iteration, and the raw scores at the best one."""

    def __init__(
        self, valid: TableArrays, columns: list[LevelColumn], classes: int, settings: Boosting
    ) -> None:
        self.inputs, self.valid = design(valid, columns), valid
        self.loss = loss_of(classes, settings.quantile)
        self.patience = settings.patience()
        self.losses: list[float] = []
        self.best = 0
        self.raw: np.ndarray | None = None
        self.now = np.zeros((len(valid), 0))

    def ends(self, model: Any, begin: int) -> bool:
        """Scores the iterations from `begin` on; returns whether the patience is at its end."""
        known, places = model._bin_mapper.make_known_categories_bitsets()
        if not self.losses:
            self.now = np.repeat(model._baseline_prediction.astype(np.float64), len(self.valid), 0)
            self._score(0)
        for at in range(begin, len(model._predictors)):
            for output, tree in enumerate(model._predictors[at]):
                self.now[:, output] += tree.predict(self.inputs, known, places, 1)
            self._score(at + 1)
        return len(self.losses) - 1 - self.best >= self.patience

    def _score(self, iterations: int) -> None:
        loss = self.loss(self.now, self.valid.truth, self.valid.weight)
        if not self.losses or loss < self.losses[self.best]:
            self.best, self.raw = iterations, self.now.copy()
        self.losses.append(loss)


def loss_of(
    classes: int, quantile: float = 0.0
) -> Callable[[np.ndarray, np.ndarray, np.ndarray | None], float]:
    """Returns the weighted mean loss of raw scores (N, K): log loss, squared error or pinball."""

    def loss(raw: np.ndarray, truth: np.ndarray, weight: np.ndarray | None) -> float:
        if classes == 2:
            signed = np.where(truth == 1, raw[:, 0], -raw[:, 0])
            each = np.logaddexp(0, -signed)
        elif classes:
            each = -special.log_softmax(raw, 1)[np.arange(len(truth)), truth]
        else:
            error = truth - raw[:, 0]
            each = np.maximum(quantile * error, (quantile - 1) * error) if quantile else error**2
        return float(np.average(each, weights=weight))

    return loss


def probabilities(raw: np.ndarray) -> np.ndarray:
    """Returns the probabilities (N, classes) of raw scores (N, K); K = 1 for two classes."""
    if raw.shape[1] == 1:
        right = special.expit(raw[:, 0])
        return np.stack([1 - right, right], 1)
    return np.exp(special.log_softmax(raw, 1))


def _truth(rows: TableArrays, classes: int) -> np.ndarray:
    return rows.truth if classes else rows.truth.astype(np.float64)


def _model(
    settings: Boosting, columns: list[LevelColumn], numbers: int, classes: int, seed: int
) -> Any:
    grouped = [column.grouped for column in columns] + [False] * numbers
    common = {
        "learning_rate": settings.learning_rate,
        "max_leaf_nodes": settings.leaves,
        "min_samples_leaf": settings.rows_a_leaf,
        "l2_regularization": settings.l2,
        "max_features": settings.features,
        "max_depth": settings.depth,
        "categorical_features": grouped if any(grouped) else None,
        "early_stopping": False,
        "warm_start": True,
        "random_state": seed,
    }
    if classes:
        return ensemble.HistGradientBoostingClassifier(**common)
    if settings.quantile:
        return ensemble.HistGradientBoostingRegressor(
            loss="quantile", quantile=settings.quantile, **common
        )
    return ensemble.HistGradientBoostingRegressor(**common)
