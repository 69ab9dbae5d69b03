"""Boosted trees for tables: a few settings compared on validation, kept as a network of tensors.

The settings are tried in a fixed order within a time limit; the one with the lowest validation loss
is kept and fitted `bag` times with different seeds, whose mean is the answer. What was chosen
stands in the facts; with these facts a second fit repeats the choice without validation rows.

The settings were chosen by benchmarks/trees.py on parts of the training rows (one half of the
validation part scores, two seeds; one seed for the three larger tables), columns slow, small,
large, plain: abalone RMSE 2.176 2.184 2.201 2.207, wine .668 .670 .664 .676, California .459 (not
tried) .461 .463, bike-sharing 31.1 (not tried) 30.9 30.7, log loss of student-dropout .578 .564
.567 .592, of titanic .461 .444 .439 .435, of Adult .305 .306 .309 .307; a fit takes 0.5 to 9 CPU s.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.core.lazy import lazy
from tenfold.recipes.tables.arrays import LevelColumn, TableArrays, level_columns
from tenfold.recipes.tables.boosting import Boosted, Boosting, boost
from tenfold.recipes.tables.tree_nodes import FlatTrees, flatten, joined, trees_of

if TYPE_CHECKING:
    from tenfold.networks.trees import Trees

torch = lazy("torch")

__all__ = ["SETTINGS", "FittedTrees", "answers", "fit", "raw_scores"]

SETTINGS = {
    "slow": Boosting(learning_rate=0.05, features=0.5, l2=1.0),
    "small": Boosting(learning_rate=0.05, leaves=12, features=0.5, l2=1.0, rows_a_leaf=10),
    "large": Boosting(learning_rate=0.05, leaves=63, features=0.5, l2=5.0, rows_a_leaf=10),
    "plain": Boosting(),
}
"""Settings by name, in the order of trial; the first is used where time or rows allow only one."""
SAFETY = 1.3
"""A further fit is begun where this many times the seconds of the longest one are left."""


@dataclass(frozen=True)
class FittedTrees:
    """The network, its sizes and choices as JSON (`facts`), and raw validation scores (M, K).

    facts = {"net": arguments of `Trees`, "settings": name, "seeds": [...], "iterations": [...],
    "losses": {name: validation loss}, "quantiles": {"0.05": iterations}}. The first outputs are the
    scores of the classes (one for two classes) or the value, then a value for each quantile.
    """

    net: Trees
    facts: dict[str, Any]
    raw: np.ndarray | None
    seconds: float


def fit(
    train: TableArrays,
    valid: TableArrays | None,
    counts: Sequence[int],
    classes: int,
    seed: int,
    *,
    seconds: float | None = None,
    bag: int = 1,
    quantiles: Sequence[float] = (),
    fixed: Mapping[str, Any] | None = None,
    settings: Mapping[str, Boosting] = SETTINGS,
    class_weights: np.ndarray | None = None,
) -> FittedTrees:
    """Fits the trees; `counts` are the numbers of codes of the categories, `classes` 0 for values.

    Without validation rows, or with `fixed` (the facts of an earlier fit), nothing is compared.
    `quantiles` add outputs, for values alone. The result depends on the time only through the
    choices in the facts. `class_weights` (K,) weigh the classes in the loss alone (see `boost`).
    """
    began = time.perf_counter()
    whole = _complete(train, classes)
    work = _Work(whole, valid, tuple(counts), classes, seed, settings, class_weights)
    deadline = None if seconds is None else began + seconds
    chosen = work.repeated(fixed) if fixed else work.chosen(deadline, bag)
    parts = [flatten(chosen.boosted, train.numbers.shape[1], counts, len(chosen.boosted[0].base))]
    facts = chosen.facts
    for quantile in quantiles:
        iterations = fixed["quantiles"][str(quantile)] if fixed else None
        one = work.quantile(quantile, facts["settings"], iterations, deadline)
        facts["quantiles"][str(quantile)] = one.iterations
        parts.append(flatten([one], train.numbers.shape[1], counts, 1))
    flat: FlatTrees = joined(parts)
    raw = None
    net = trees_of(flat)
    if valid is not None and len(valid):
        raw = answers(net, valid)
    return FittedTrees(net, facts | {"net": flat.sizes}, raw, time.perf_counter() - began)


def answers(net: Trees, rows: TableArrays) -> np.ndarray:
    """Returns the raw scores (N, K) float32 of the network."""
    with torch.inference_mode():
        numbers, levels = torch.from_numpy(rows.numbers), torch.from_numpy(rows.levels)
        found: np.ndarray = net(numbers, levels).numpy()
    return found


def raw_scores(boosted: Sequence[Boosted], rows: TableArrays, counts: Sequence[int]) -> np.ndarray:
    """Returns the raw scores (N, K) of the mean of boosters."""
    outputs = len(boosted[0].base)
    flat = flatten(boosted, rows.numbers.shape[1], counts, outputs)
    return answers(trees_of(flat), rows).astype(np.float64)


@dataclass(frozen=True)
class _Chosen:
    boosted: list[Boosted]
    facts: dict[str, Any]


@dataclass(frozen=True)
class _Work:
    train: TableArrays
    valid: TableArrays | None
    counts: tuple[int, ...]
    classes: int
    seed: int
    settings: Mapping[str, Boosting]
    class_weights: np.ndarray | None

    def columns(self) -> list[LevelColumn]:
        return level_columns(self.train.levels, self.counts)

    def fit(
        self, settings: Boosting, seed: int, iterations: int | None, deadline: float | None
    ) -> Boosted:
        valid = self.valid if self.valid is not None and len(self.valid) else None
        if valid is None and iterations is None:
            iterations = WITHOUT_ROWS
        return boost(
            settings, self.train, valid, self.columns(), self.classes, seed, iterations, deadline,
            self.class_weights,
        )  # fmt: skip

    def chosen(self, deadline: float | None, bag: int) -> _Chosen:
        """Compares the settings on validation, then fits the best with further seeds."""
        names = list(self.settings) if self.valid is not None and len(self.valid) else []
        fitted: dict[str, Boosted] = {}
        for name in names or [next(iter(self.settings))]:
            if fitted and not _fits(deadline, [one.seconds for one in fitted.values()]):
                break
            fitted[name] = self.fit(self.settings[name], self.seed, None, deadline)
        losses = {name: min(one.losses) for name, one in fitted.items() if one.losses}
        best = min(losses, key=lambda name: losses[name]) if losses else next(iter(fitted))
        boosted, seeds = [fitted[best]], [self.seed]
        while len(boosted) < bag and _fits(deadline, [boosted[0].seconds]):
            seeds.append(self.seed + 1000 * len(boosted))
            settings, iterations = self.settings[best], boosted[0].iterations
            boosted.append(self.fit(settings, seeds[-1], iterations, None))
        return _Chosen(boosted, _facts(best, seeds, boosted, losses))

    def repeated(self, fixed: Mapping[str, Any]) -> _Chosen:
        """Fits what the facts of an earlier fit name, without comparing."""
        settings, seeds = self.settings[fixed["settings"]], fixed["seeds"]
        pairs = zip(seeds, fixed["iterations"], strict=True)
        boosted = [self.fit(settings, seed, iterations, None) for seed, iterations in pairs]
        return _Chosen(boosted, _facts(fixed["settings"], seeds, boosted, dict(fixed["losses"])))

    def quantile(
        self, quantile: float, name: str, iterations: int | None, deadline: float | None
    ) -> Boosted:
        """Fits one quantile with the chosen settings."""
        settings = replace(self.settings[name], quantile=quantile)
        return self.fit(settings, self.seed, iterations, deadline)


WITHOUT_ROWS = 200
"""Iterations where no validation row can choose their number."""


def _facts(
    name: str, seeds: list[int], boosted: list[Boosted], losses: dict[str, float]
) -> dict[str, Any]:
    return {
        "settings": name,
        "seeds": list(seeds),
        "iterations": [one.iterations for one in boosted],
        "losses": losses,
        "quantiles": {},
    }


def _fits(deadline: float | None, seconds: list[float]) -> bool:
    """Returns whether a fit as long as the longest one ends before the deadline."""
    return deadline is None or time.perf_counter() + SAFETY * max(seconds) < deadline


def _complete(train: TableArrays, classes: int) -> TableArrays:
    """Adds a row of almost no weight for each class without a row: its trees need one."""
    absent = np.setdiff1d(np.arange(classes), train.truth)
    if not len(absent):
        return train
    weight = np.ones(len(train)) if train.weight is None else train.weight
    first = np.zeros(len(absent), np.int64)
    light = np.full(len(absent), 1e-6 * weight.mean())
    return TableArrays(
        np.concatenate([train.numbers, train.numbers[first]]),
        np.concatenate([train.levels, train.levels[first]]),
        np.concatenate([train.truth, absent]),
        np.concatenate([weight, light]),
    )
