"""Derived columns of tables: proposed from the training rows, kept where validation is better.

Ratios of counts, sums and differences of coordinates, parts of dates, and columns joined from a
second table. The network computes the pairs from the encoded numbers, so that every export does.

Shapes: N rows, D numbers, P pairs.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tenfold.core.lazy import lazy
from tenfold.core.message import Message
from tenfold.core.progress import tell
from tenfold.core.text import short

__all__ = ["Kept", "choose", "pairs_of", "with_pairs"]

ensemble = lazy("sklearn.ensemble")

COUNTS = 5
"""Maximum number of columns of counts whose ratios are tried."""
FOLDS, ROWS, TREES = 4, 6_000, 60
"""Folds of the training rows, rows and trees with which a derived column is tried."""
SURE = 1.0
"""Standard errors over the folds by which the loss must fall for a column to be kept."""
_COORDINATES = (
    (r"lat(itude)?", r"(lon|lng|long)(gitude|itude)?"),
    (r"x", r"y"),
    (r"easting", r"northing"),
    ("纬度", "经度"),
)


@dataclass(frozen=True)
class Kept:
    """Positions of the columns that models use, of the D numbers and then the P pairs.

    `gains` is the relative reduction of the loss by each column or group of joined columns that was
    tried, by name; `better` are the names of those that are kept.
    """

    places: list[int]
    gains: dict[str, float]
    better: tuple[str, ...] = ()

    def tell(self) -> None:
        """States what each column that was tried gained, and which are kept."""
        if not self.gains:
            return
        order = sorted(self.gains, key=lambda name: -self.gains[name])
        kept, left = (
            [f"{name} {self.gains[name]:+.1%}" for name in order if (name in self.better) == wanted]
            for wanted in (True, False)
        )
        tell(
            Message(
                "Derived and joined columns, with what each alone gains on the loss: kept {kept}; "
                "left out {left}",
                kept=short(", ".join(kept), 400) or "-",
                left=short(", ".join(left), 400) or "-",
            )
        )


def pairs_of(numbers: Sequence[dict[str, Any]], values: np.ndarray) -> list[dict[str, Any]]:
    """Returns the pairs of columns to try: name, `left`, `right` and `op` (ratio, sum, difference).

    `numbers` describe the columns (see `media.tables.encode`), `values` are (N, D).
    """
    raw = [at for at, one in enumerate(numbers) if not one["part"] and not one["centre"]]
    raw = [at for at in raw if not numbers[at]["tried"]]
    counts = sorted((at for at in raw if _counts(values[:, at])), key=lambda at: -_mean(values, at))
    found = []
    for left, right in itertools.combinations(counts[:COUNTS], 2):
        found.append(_pair("{left} / {right}", numbers, left, right, "ratio"))
    for first, second in itertools.combinations(raw, 2):
        if _coordinates(numbers[first]["name"], numbers[second]["name"]):
            found.append(_pair("{left} + {right}", numbers, first, second, "sum"))
            found.append(_pair("{left} - {right}", numbers, first, second, "difference"))
    return found


def _mean(values: np.ndarray, at: int) -> float:
    return float(np.nanmean(values[:, at]))


def _pair(name: str, numbers: Any, left: int, right: int, op: str) -> dict[str, Any]:
    shown = name.format(left=numbers[left]["name"], right=numbers[right]["name"])
    return {"name": shown, "left": left, "right": right, "op": op}


def _counts(values: np.ndarray) -> bool:
    """Returns True for whole numbers of 0 or more with many distinct values."""
    known = values[np.isfinite(values)]
    if len(known) < 2 or known.min() < 0 or (known != np.floor(known)).any():
        return False
    return len(np.unique(known)) > 50


def _coordinates(first: str, second: str) -> bool:
    """Returns True for the names of two coordinates of one place, such as latitude, longitude."""
    for one, other in _COORDINATES:
        for pair in ((first, second), (second, first)):
            ends = [re.fullmatch(rf"(.*?)[ _.]?({form})", name.strip().lower())
                    for form, name in zip((one, other), pair, strict=True)]  # fmt: skip
            if all(ends) and ends[0].group(1) == ends[1].group(1):  # type: ignore[union-attr]
                return True
    return False


def with_pairs(values: np.ndarray, pairs: Sequence[dict[str, Any]]) -> np.ndarray:
    """Returns the numbers and the pairs (N, D + P) float32; a ratio with 0 below is NaN."""
    made = [values.astype(np.float32)]
    for one in pairs:
        left, right = values[:, one["left"]], values[:, one["right"]]
        if one["op"] == "ratio":
            with np.errstate(divide="ignore", invalid="ignore"):
                column = np.where(right == 0, np.float32(np.nan), left / right)
        else:
            column = left + right if one["op"] == "sum" else left - right
        made.append(column[:, None].astype(np.float32))
    return np.concatenate(made, 1)


def choose(
    numbers: Sequence[dict[str, Any]],
    pairs: Sequence[dict[str, Any]],
    values: np.ndarray,
    levels: np.ndarray,
    truth: np.ndarray,
    classes: bool,
    seed: int,
) -> Kept:
    """Returns the columns to use: all plain numbers of the table, and what lowers the loss.

    Each derived column, or what is tried together with it (`tried`), is tried alone: with boosted
    trees on folds of at most 6,000 training rows. It is kept where the loss falls by more than a
    standard error over the folds.
    """
    trials = _trials(numbers, pairs)
    tried = [at for places in trials.values() for at in places]
    base = [at for at in range(len(numbers)) if at not in tried]
    if not tried or len(values) < 10 * FOLDS:
        return Kept(sorted([*base, *tried]), {})
    order = np.random.default_rng(seed).permutation(len(values))[:ROWS]
    every, truth = with_pairs(values[order], pairs), truth[order]
    losses = _Losses(every, levels[order].astype(np.float32), truth, classes)
    before = losses.of(base)
    gains: dict[str, float] = {}
    better: dict[str, list[int]] = {}
    for name, places in trials.items():
        falls = (before - losses.of([*base, *places])) / before.mean()
        gains[name] = round(float(falls.mean()), 4)
        if falls.mean() > SURE * falls.std(ddof=1) / np.sqrt(FOLDS):
            better[name] = places
    kept = [at for places in better.values() for at in places]
    return Kept(sorted([*base, *kept]), gains, tuple(better))


def _trials(
    numbers: Sequence[dict[str, Any]], pairs: Sequence[dict[str, Any]]
) -> dict[str, list[int]]:
    """Returns the positions of the columns that are tried together, by name."""
    found: dict[str, list[int]] = {}
    for at, one in enumerate([*numbers, *pairs]):
        if name := one.get("tried", one["name"]):  # a pair is tried alone
            found.setdefault(name, []).append(at)
    return found


@dataclass(frozen=True)
class _Losses:
    """Losses of boosted trees on each fold, from chosen columns."""

    values: np.ndarray
    levels: np.ndarray
    truth: np.ndarray
    classes: bool

    def of(self, places: list[int]) -> np.ndarray:
        """Returns the loss of each fold (FOLDS,): log loss, or root mean squared error."""
        features = np.concatenate([self.values[:, places], self.levels], 1)
        fold = np.arange(len(features)) % FOLDS
        return np.array([self._loss(features, fold == one) for one in range(FOLDS)])

    def _loss(self, features: np.ndarray, held: np.ndarray) -> float:
        kind = "Classifier" if self.classes else "Regressor"
        model = getattr(ensemble, f"HistGradientBoosting{kind}")(
            max_iter=TREES, early_stopping=False, random_state=0
        )
        model.fit(features[~held], self.truth[~held])
        if not self.classes:
            return float(np.sqrt(np.mean((model.predict(features[held]) - self.truth[held]) ** 2)))
        chances = model.predict_proba(features[held])
        column = np.searchsorted(model.classes_, self.truth[held])
        known = np.isin(self.truth[held], model.classes_)
        return float(-np.log(np.maximum(chances[known, column[known]], 1e-12)).mean())
