"""Closed forms tried on validation, and the fewest weights kept that rank nearly as well as all.

Shapes: R rows (persons), N items.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tenfold.core.lazy import lazy
from tenfold.tasks.recommendation import item_models
from tenfold.tasks.recommendation.item_models import Kept
from tenfold.tasks.recommendation.selection import Evaluator, mean
from tenfold.training.candidates import Cost

torch = lazy("torch")
networks = lazy("tenfold.networks.rankers")

__all__ = ["cost", "empty", "fitted", "fixed", "key"]

KEPT = (200, 400, 800)
"""How many weights of an item may be kept; the first that is nearly as good as all, if any."""
NEARLY = 0.995
AT_FIRST, CLEARLY = 1024, 0.97
"""Rows that are asked first, and the share of what all weights reach below which these suffice."""
FADINGS = (1.0, 0.8, 0.6)
SMALL = 5_000
"""Items up to which several dampings of the closed form are tried."""
DAMPINGS = ((20.0, 0.0), (100.0, 0.0), (500.0, 0.0), (20.0, 0.25), (100.0, 0.25))
FEW_DAMPINGS = ((100.0, 0.0), (40.0, 0.25))


@dataclass(frozen=True)
class _Tried:
    """Weights (N, N), how they fade, what was chosen for them, NDCG of each row that judges."""

    weights: np.ndarray
    fading: float
    told: dict[str, float]
    each: np.ndarray

    @property
    def value(self) -> float:
        return mean(self.each)


def fitted(
    name: str, pairs: np.ndarray, evaluator: Evaluator, ordered: bool, l2: float
) -> tuple[Any, dict[str, Any], float]:
    """The best of several weights as a part of a network, what was chosen, and NDCG.

    `name` is ease or item-knn, `pairs` (N, N) how many persons had both; older items fade where
    rows are `ordered`; `l2` 0 = best on validation.
    """
    best: _Tried | None = None
    for weights, told in _neighbours(pairs) if name == "item-knn" else _solved(pairs, l2):
        before = -1.0
        for fading in FADINGS if ordered else FADINGS[:1]:
            one = _Tried(weights, fading, told, evaluator.linear(weights, fading))
            best = one if best is None or one.value > best.value else best
            if one.value <= before or not evaluator.rows:
                break  # fading more would be worse still
            before = one.value
    if best is None:
        raise ValueError("nothing was tried")
    kept, value = _smallest(best, evaluator)
    part = _linear(kept, best.weights, best.fading)
    told = best.told | {"fading": best.fading, "weights_an_item": part.weights.shape[1]}
    return part, {key(name): told}, value


def fixed(name: str, pairs: np.ndarray, chosen: dict[str, Any]) -> Any:
    """The part of a network with weights of other counts, `chosen` as by `fitted` before."""
    if name == "item-knn":
        weights = item_models.cosine(pairs, chosen["power"])
    else:
        weights = item_models.ease(pairs, chosen["l2"], chosen["power"])
    most, kept = chosen["weights_an_item"], None
    if most in KEPT and 2 * most < len(weights):
        kept = item_models.largest(weights, most)
    return _linear(kept, weights, chosen["fading"])


def key(name: str) -> str:
    """Where facts hold what was chosen for a closed form: item_knn of item-knn."""
    return name.replace("-", "_")


def _neighbours(pairs: np.ndarray) -> Iterator[tuple[np.ndarray, dict[str, float]]]:
    for power in (0.5, 0.7):
        yield item_models.cosine(pairs, power), {"power": power}


def _solved(pairs: np.ndarray, l2: float) -> Iterator[tuple[np.ndarray, dict[str, float]]]:
    for held, power in _dampings(len(pairs), l2):
        yield item_models.ease(pairs, held, power), {"l2": held, "power": power}


def _dampings(items: int, l2: float) -> tuple[tuple[float, float], ...]:
    if l2:
        return ((l2, 0.0),)
    return DAMPINGS if items <= SMALL else FEW_DAMPINGS


def cost(name: str, items: int, l2: float, counts_pairs: bool) -> Cost:
    """Seconds and bytes that fitting takes, about: matrices of all pairs, counted once."""
    times = 1 + (len(_dampings(items, l2)) if name == "ease" else 0)
    seconds = times * (2 * items**3 / 2e11 + items**2 * 3e-8)
    return Cost(counts_pairs + seconds, 4.0 * 4 * items**2)


def empty(items: int) -> Any:
    """The part before it is fitted, with as many weights as it may come to keep at least."""
    return networks.LinearRanker(items, min(KEPT[0], items))


def _smallest(best: _Tried, evaluator: Evaluator) -> tuple[Kept | None, float]:
    """The fewest weights an item that rank nearly as well as all of them, and how well.

    None = all: of few items where fewer would not do, or would be no less to hold.
    """
    items, kept = len(best.weights), None
    if 2 * KEPT[0] >= items:
        return None, best.value
    found = item_models.largest(best.weights, KEPT[-1])
    for most in (one for one in KEPT if 2 * one < items):
        kept = Kept(found.targets[:, :most], found.weights[:, :most])
        weights = item_models.spread(kept)
        each = evaluator.linear(weights, best.fading, 0, AT_FIRST)
        if mean(each) >= CLEARLY * mean(best.each[:AT_FIRST]):  # else the rest need not be asked
            each = np.concatenate([each, evaluator.linear(weights, best.fading, AT_FIRST)])
        if len(each) == len(best.each) and mean(each) >= NEARLY * best.value:
            return kept, mean(each)
    if kept is None or items <= networks.WHOLE:
        return None, best.value
    return kept, mean(
        evaluator.linear(item_models.spread(kept), best.fading)
    )  # all rows, as all models


def _linear(kept: Kept | None, weights: np.ndarray, fading: float) -> Any:
    """The part of a network with the weights that are kept, or all."""
    items = len(weights)
    part = networks.LinearRanker(items, items if kept is None else kept.targets.shape[1])
    with torch.no_grad():
        if kept is not None:
            part.targets[1:] = torch.from_numpy(kept.targets)
        part.weights[1:] = torch.from_numpy(weights if kept is None else kept.weights)
        part.fading.fill_(fading)
    return part
