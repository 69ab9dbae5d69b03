"""Derived columns of tables: proposed from the training rows, kept where validation is better.

Ratios of counts, sums and differences of coordinates, parts of dates and texts, and columns joined
from a second table. The network computes the pairs from the encoded numbers, so that every export
does.

Shapes: N rows, D numbers, P pairs.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.core.lazy import lazy
from tenfold.core.message import Message
from tenfold.core.progress import tell
from tenfold.core.text import short
from tenfold.recipes.tables.arrays import TableArrays
from tenfold.recipes.tables.boosting import learnable

if TYPE_CHECKING:
    from tenfold.networks.derived import Derived

__all__ = [
    "KeptColumns",
    "choose",
    "names_of",
    "network_of",
    "pairs_of",
    "places_of",
    "with_pairs",
]

torch, ensemble = lazy("torch"), lazy("sklearn.ensemble")
columns = lazy("tenfold.networks.derived")

COUNTS = 5
"""Maximum number of columns of counts whose ratios are tried."""
FOLDS, ROWS, TREES = 4, 6_000, 60
"""Folds of the training rows, rows and trees with which a derived column is tried."""
REPEATS = 2
"""Number of divisions of the rows into folds."""
SURE, LEAST = 2.0, 0.001
"""Standard errors over the folds, and share, by which the loss must fall to keep a column."""
_COORDINATES = (
    (r"lat(itude)?", r"(lon|lng|long)(gitude|itude)?"),
    (r"x", r"y"),
    (r"easting", r"northing"),
    ("纬度", "经度"),
)


@dataclass(frozen=True)
class KeptColumns:
    """Names of the derived columns that models use.

    `gains` is the relative reduction of the loss by each column that was tried, or by those that
    were tried together, by name.
    """

    names: list[str]
    gains: dict[str, float]

    def tell(self) -> None:
        """States what each column that was tried gained, and which are kept."""
        if not self.gains:
            return
        order = sorted(self.gains, key=lambda name: -self.gains[name])
        kept, left = (
            [f"{name} {self.gains[name]:+.1%}" for name in order if (name in self.names) == wanted]
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


def names_of(numbers: Sequence[dict[str, Any]], pairs: Sequence[dict[str, Any]]) -> list[str]:
    """Returns the names of all columns to try: see `tried` of `media.tables.encode`, and pairs."""
    tried = [one["tried"] for one in numbers if one["tried"]]
    return list(dict.fromkeys([*tried, *(one["name"] for one in pairs)]))


def places_of(
    numbers: Sequence[dict[str, Any]], pairs: Sequence[dict[str, Any]], kept: Sequence[str]
) -> list[int]:
    """Returns the positions, of the D numbers and then the P pairs, of the columns to use.

    These are the columns that are always used, and those whose name (`names_of`) is in `kept`.
    """
    wanted = {"", *kept}
    own = [at for at, one in enumerate(numbers) if one["tried"] in wanted]
    return own + [at for at, one in enumerate(pairs, len(numbers)) if one["name"] in wanted]


def pairs_of(numbers: Sequence[dict[str, Any]], values: np.ndarray) -> list[dict[str, Any]]:
    """Returns the pairs of columns to try: name, `left`, `right` and `op` (ratio, sum, difference).

    `numbers` describe the columns (see `media.tables.encode`), `values` are (N, D).
    """
    plain = [at for at, one in enumerate(numbers) if not one["part"] and not one["tried"]]
    raw = [at for at in plain if not numbers[at]["centre"]]
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


def with_pairs(
    values: np.ndarray, pairs: Sequence[dict[str, Any]], kept: Sequence[int] | None = None
) -> np.ndarray:
    """Returns the numbers and the pairs (N, D + P) float32, or the columns `kept` of them."""
    places = range(values.shape[1] + len(pairs)) if kept is None else kept
    made = network_of(pairs, places)
    with torch.no_grad():
        found: np.ndarray = made(torch.from_numpy(np.asarray(values, np.float32))).numpy()
    return found


def network_of(pairs: Sequence[dict[str, Any]], kept: Sequence[int]) -> Derived:
    """Returns the layer that computes the pairs and gives the columns `kept`."""
    found: Derived = columns.Derived(
        [(one["left"], one["right"], one["op"]) for one in pairs], [*kept]
    )
    return found


def choose(
    numbers: Sequence[dict[str, Any]],
    pairs: Sequence[dict[str, Any]],
    rows: TableArrays,
    classes: bool,
    seed: int,
) -> KeptColumns:
    """Returns the derived columns to use: each lowers the loss of boosted trees.

    Each is tried alone, beside all other columns, on folds of at most 6,000 training rows (`rows`
    without derived columns). It is kept where the loss falls, over all folds, by more than SURE
    standard errors and LEAST; a column that does not lower it in one division of the rows is not
    tried in another. With fewer than 40 rows all are kept.
    """
    names = names_of(numbers, pairs)
    if not names or len(rows) < 10 * FOLDS:
        return KeptColumns(names, {})
    order = np.random.default_rng(seed).permutation(len(rows))[:ROWS]
    some = rows.rows(order)
    losses = _Losses(replace(some, numbers=with_pairs(some.numbers, pairs)), classes, seed)
    base = places_of(numbers, pairs, [])
    before = [losses.of(base, repeat) for repeat in range(REPEATS)]
    whole = max(float(np.mean(before)), 1e-12)
    gains: dict[str, float] = {}
    better = []
    for name in names:
        places, falls = places_of(numbers, pairs, [name]), np.zeros(0)
        for repeat, loss in enumerate(before):
            if not repeat or falls.mean() > 0:
                falls = np.append(falls, (loss - losses.of(places, repeat)) / whole)
        gains[name] = round(float(falls.mean()), 4)
        if falls.mean() > max(LEAST, SURE * falls.std(ddof=1) / np.sqrt(len(falls))):
            better.append(name)
    return KeptColumns(better, gains)


@dataclass(frozen=True)
class _Losses:
    """Losses of boosted trees on each fold, from chosen columns."""

    rows: TableArrays
    classes: bool
    seed: int

    def of(self, places: list[int], repeat: int) -> np.ndarray:
        """Returns the loss of each fold (FOLDS,) of a division: log loss, or the RMSE."""
        features = np.concatenate([self.rows.numbers[:, places], self.rows.levels], 1)
        features = learnable(features)
        fold = np.random.default_rng([self.seed, repeat]).permutation(len(features)) % FOLDS
        return np.array([self._loss(features, fold == one) for one in range(FOLDS)])

    def _loss(self, features: np.ndarray, held: np.ndarray) -> float:
        truth, weight = self.rows.truth, self.rows.weight
        weights = [None, None] if weight is None else [weight[~held], weight[held]]
        if len(np.unique(truth[~held])) < 2:
            return 0.0
        kind = "Classifier" if self.classes else "Regressor"
        model = getattr(ensemble, f"HistGradientBoosting{kind}")(
            max_iter=TREES, early_stopping=False, random_state=0
        )
        model.fit(learnable(features[~held]), truth[~held], sample_weight=weights[0])
        if not self.classes:
            squares = (model.predict(features[held]) - truth[held]) ** 2
            return float(np.sqrt(np.average(squares, weights=weights[1])))
        chances = model.predict_proba(features[held])
        column = np.searchsorted(model.classes_, truth[held]).clip(max=chances.shape[1] - 1)
        right = np.where(
            np.isin(truth[held], model.classes_), chances[np.arange(len(column)), column], 0.0
        )
        return float(np.average(-np.log(np.maximum(right, 1e-12)), weights=weights[1]))
