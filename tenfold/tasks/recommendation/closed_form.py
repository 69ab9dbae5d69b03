"""Fits closed-form models, and keeps the fewest weights that rank nearly as well as all of them.

Shapes: R rows (users), N items.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tenfold.core.lazy import lazy
from tenfold.core.plan import Plan
from tenfold.tasks.recommendation import item_models
from tenfold.tasks.recommendation.item_models import Kept
from tenfold.tasks.recommendation.selection import Evaluator, mean
from tenfold.training.candidates import Cost
from tenfold.training.shares import affordable

torch = lazy("torch")
networks = lazy("tenfold.networks.rankers")

__all__ = ["cost", "empty", "fitted", "fixed", "key"]

KEPT = (200, 400, 800)
"""Numbers of weights per item to compare; the first that ranks nearly as well as all is used."""
NEARLY = 0.995  # minimum NDCG of fewer weights, as a share of the NDCG of all weights
AT_FIRST, CLEARLY = 1024, 0.97
"""Number of rows evaluated first, and the minimum ratio of their NDCG to that with all weights.

Below that ratio the remaining rows are not evaluated.
"""
FADINGS = (1.0, 0.8, 0.6)
POWERS = (0.5, 0.7)  # of `item_models.cosine`
SMALL = 5_000
"""Maximum number of items for which all of DAMPINGS are compared, otherwise FEW_DAMPINGS."""
DAMPINGS = ((20.0, 0.0), (100.0, 0.0), (500.0, 0.0), (20.0, 0.25), (100.0, 0.25))
FEW_DAMPINGS = ((100.0, 0.0), (40.0, 0.25))  # (l2, power) of `item_models.ease`


@dataclass(frozen=True)
class _Tried:
    """A fitted variant: `weights` (N, N), `fading`, its settings `told`, and NDCG per row `each`.

    `fading` is the factor by which each older item of a row weighs less; `each` is (R,).
    """

    weights: np.ndarray
    fading: float
    told: dict[str, float]
    each: np.ndarray

    @property
    def value(self) -> float:
        return mean(self.each)


def fitted(
    name: str,
    pairs: np.ndarray,
    evaluator: Evaluator,
    ordered: bool,
    l2: float,
    plan: Plan,
    weighted: Callable[[], np.ndarray] | None = None,
) -> tuple[Any, dict[str, Any], float]:
    """Fits variants of a closed-form model; returns the best ranker, its settings and its NDCG.

    `name` is "ease" or "item-knn"; `pairs` (N, N) counts the users who have both items. Where rows
    are `ordered` in time, smaller weights for older items are compared too. With `l2` 0, several
    values of the L2 regularization are compared. `weighted` returns `pairs` in which counts weigh
    the interactions: the best variant is fitted with these too, and kept if it ranks better. Only
    variants for which the minutes of the plan suffice are fitted. Raises ValueError where no
    variant was fitted.
    """
    best: _Tried | None = None
    variants = _neighbours(pairs) if name == "item-knn" else _solved(pairs, l2)
    if weighted is not None and evaluator.rows:
        variants["counts"] = lambda: _with_counts(name, weighted(), best.told if best else {})
    for _, fit in affordable(plan, name, variants):
        weights, told = fit()
        before = -1.0
        for fading in FADINGS if ordered else FADINGS[:1]:
            one = _Tried(weights, fading, told, evaluator.linear(weights, fading))
            best = one if best is None or one.value > best.value else best
            if one.value <= before or not evaluator.rows:
                break  # stronger fading would be worse
            before = one.value
    if best is None:
        raise ValueError("nothing was tried")
    kept, value = _smallest(best, evaluator)
    part = _linear(kept, best.weights, best.fading)
    told = best.told | {"fading": best.fading, "weights_an_item": part.weights.shape[1]}
    return part, {key(name): told}, value


def fixed(name: str, pairs: np.ndarray, chosen: dict[str, Any]) -> Any:
    """Fits the closed form `name` with the settings `chosen` by an earlier call of `fitted`.

    `pairs` (N, N) counts the users who have both items, here of other rows than in that call; with
    weights where `chosen` has "counts".
    """
    weights = _weights(name, pairs, chosen)
    most, kept = chosen["weights_an_item"], None
    if most in KEPT and 2 * most < len(weights):
        kept = item_models.largest(weights, most)
    return _linear(kept, weights, chosen["fading"])


def key(name: str) -> str:
    """The key of a closed form's settings in the facts: item_knn for item-knn."""
    return name.replace("-", "_")


def _weights(name: str, pairs: np.ndarray, chosen: dict[str, Any]) -> np.ndarray:
    if name == "item-knn":
        return item_models.cosine(pairs, chosen["power"])
    return item_models.ease(pairs, chosen["l2"], chosen["power"])


def _with_counts(
    name: str, pairs: np.ndarray, chosen: dict[str, float]
) -> tuple[np.ndarray, dict[str, float]]:
    return _weights(name, pairs, chosen), chosen | {"counts": 1.0}


FitVariant = Callable[[], tuple[np.ndarray, dict[str, float]]]
"""A function that fits a variant and returns its weights (N, N) and its settings."""


def _neighbours(pairs: np.ndarray) -> dict[str, FitVariant]:
    return {f"{power:g}": functools.partial(_cosine, pairs, power) for power in (0.5, 0.7)}


def _cosine(pairs: np.ndarray, power: float) -> tuple[np.ndarray, dict[str, float]]:
    return item_models.cosine(pairs, power), {"power": power}


def _solved(pairs: np.ndarray, l2: float) -> dict[str, FitVariant]:
    return {
        f"{held:g} {power:g}": functools.partial(_ease, pairs, held, power)
        for held, power in _dampings(len(pairs), l2)
    }


def _ease(pairs: np.ndarray, l2: float, power: float) -> tuple[np.ndarray, dict[str, float]]:
    return item_models.ease(pairs, l2, power), {"l2": l2, "power": power}


def _dampings(items: int, l2: float) -> tuple[tuple[float, float], ...]:
    if l2:
        return ((l2, 0.0),)
    return DAMPINGS if items <= SMALL else FEW_DAMPINGS


def cost(name: str, items: int, l2: float, counts_pairs: bool, weighted: bool = False) -> Cost:
    """Estimates the seconds and bytes of fitting, which works on matrices of all pairs of items.

    `counts_pairs` adds one second for counting the users of each pair, `weighted` a variant.
    """
    times = 1 + (len(_dampings(items, l2)) if name == "ease" else 0) + weighted
    seconds = times * (2 * items**3 / 2e11 + items**2 * 3e-8)
    return Cost(
        counts_pairs + seconds, 4.0 * (4 + weighted) * items**2, counts_pairs + seconds / times
    )


def empty(items: int) -> Any:
    """Returns an unfitted linear ranker with the smallest number of weights per item."""
    return networks.LinearRanker(items, min(KEPT[0], items))


def _smallest(best: _Tried, evaluator: Evaluator) -> tuple[Kept | None, float]:
    """Returns the fewest weights per item that rank nearly as well as all, and their NDCG.

    Returns None instead of weights where all weights are used: in small catalogues, where fewer
    would rank worse or save no memory.
    """
    items, kept = len(best.weights), None
    if 2 * KEPT[0] >= items:
        return None, best.value
    found = item_models.largest(best.weights, KEPT[-1])
    for most in (one for one in KEPT if 2 * one < items):
        kept = Kept(found.targets[:, :most], found.weights[:, :most])
        weights = item_models.spread(kept)
        each = evaluator.linear(weights, best.fading, 0, AT_FIRST)
        if mean(each) >= CLEARLY * mean(best.each[:AT_FIRST]):  # else skip the rest
            each = np.concatenate([each, evaluator.linear(weights, best.fading, AT_FIRST)])
        if len(each) == len(best.each) and mean(each) >= NEARLY * best.value:
            return kept, mean(each)
    if kept is None or items <= networks.WHOLE:
        return None, best.value
    return kept, mean(
        evaluator.linear(item_models.spread(kept), best.fading)
    )  # on all rows, like the other models


def _linear(kept: Kept | None, weights: np.ndarray, fading: float) -> Any:
    """Returns a linear ranker with the weights `kept`, or with all `weights` if `kept` is None."""
    items = len(weights)
    part = networks.LinearRanker(items, items if kept is None else kept.targets.shape[1])
    with torch.no_grad():
        if kept is not None:
            part.targets[1:] = torch.from_numpy(kept.targets)
        part.weights[1:] = torch.from_numpy(weights if kept is None else kept.weights)
        part.fading.fill_(fading)
    return part
