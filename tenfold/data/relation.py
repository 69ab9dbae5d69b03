"""How much of a true label one field of an input explains on its own.

Shapes: N rows, K numbers that stand for a true label: 0 or 1 for each class, or a single number.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["explained", "same_as"]

LEAVES, LEAST_LEAF = 8, 5
Predict = Callable[[np.ndarray], np.ndarray]
"""Predicts (N, K) from the values of a field (N,)."""


def explained(values: np.ndarray, truth: np.ndarray, number: bool) -> float:
    """Returns the share of the variance of `truth` (N, K) that a field (N,) explains, 0 to 1.

    `values` are numbers, or codes of categories; NaN = missing, which is a value of its own. A
    category predicts the mean of its rows. A number predicts by a tree of at most LEAVES leaves, by
    a line, or by a line over ranks; the best of the three counts. Each is fitted on one half of the
    rows and measured on the other, so that many categories do not explain by chance. For classes
    it is the share of the Gini impurity.
    """
    if len(values) < 4 or not np.ptp(truth, axis=0).any():
        return 0.0
    order = np.random.default_rng(0).permutation(len(values))
    halves = np.array_split(order, 2)
    ways = (_tree, _line, _ranks) if number else (_means,)
    best = 0.0
    for way in ways:
        error = total = 0.0
        for fitted, measured in (halves, halves[::-1]):
            predict = way(values[fitted], truth[fitted])
            error += float(np.square(predict(values[measured]) - truth[measured]).sum())
            total += float(np.square(truth[measured] - truth[measured].mean(0)).sum())
        best = max(best, 1 - error / total if total else 0.0)
    return min(1.0, best)


def same_as(filled: np.ndarray, truth: np.ndarray) -> tuple[int, bool] | None:
    """Returns the class that a field is filled in for, and True; or left empty for, and False.

    `filled` (N,) is True where the field has a value. None where it is not exactly the rows of one
    class (column of `truth`) that are filled in or empty.
    """
    if filled.all() or not filled.any() or not np.isin(truth, (0, 1)).all():
        return None
    for present in (True, False):
        same = ((truth == 1) == (filled == present)[:, None]).all(0)
        if same.any():
            return int(same.argmax()), present
    return None


def _filled(values: np.ndarray, truth: np.ndarray, known: Predict) -> Predict:
    """Returns a function that predicts missing values by the mean of the missing values."""
    gone = ~np.isfinite(values)
    mean = truth[gone].mean(0) if gone.any() else truth.mean(0)

    def predict(asked: np.ndarray) -> np.ndarray:
        there = np.isfinite(asked)
        found = np.tile(mean, (len(asked), 1))
        if there.any():
            found[there] = known(asked[there])
        return found

    return predict


def _means(values: np.ndarray, truth: np.ndarray) -> Predict:
    there = np.isfinite(values)
    codes, places = np.unique(values[there], return_inverse=True)
    sums = np.stack([np.bincount(places, one, len(codes)) for one in truth[there].T], 1)
    means = sums / np.bincount(places, minlength=len(codes))[:, None]
    overall = truth.mean(0)

    def known(asked: np.ndarray) -> np.ndarray:
        if not len(codes):
            return np.tile(overall, (len(asked), 1))
        at = np.searchsorted(codes, asked).clip(0, len(codes) - 1)
        return np.where((codes[at] == asked)[:, None], means[at], overall)

    return _filled(values, truth, known)


def _line(values: np.ndarray, truth: np.ndarray) -> Predict:
    there = np.isfinite(values)
    x, y = values[there], truth[there]
    scale = float(x.std()) if len(x) else 0.0
    if not np.isfinite(scale) or scale == 0:
        return _filled(values, truth, lambda asked: np.tile(truth.mean(0), (len(asked), 1)))
    centre, level = float(x.mean()), y.mean(0)
    slope = ((x - centre) / scale) @ (y - level) / len(x)
    return _filled(values, truth, lambda asked: level + np.outer((asked - centre) / scale, slope))


def _ranks(values: np.ndarray, truth: np.ndarray) -> Predict:
    known = np.sort(values[np.isfinite(values)])

    def rank(asked: np.ndarray) -> np.ndarray:
        sides = (np.searchsorted(known, asked, side) for side in ("left", "right"))
        return np.where(np.isfinite(asked), sum(sides) / 2.0, np.nan)

    line = _line(rank(values), truth)
    return lambda asked: line(rank(asked))


def _tree(values: np.ndarray, truth: np.ndarray) -> Predict:
    """Fits a tree that divides the values where the squared error falls most, leaf by leaf."""
    there = np.isfinite(values)
    order = np.argsort(values[there], kind="stable")
    x, y = values[there][order], truth[there][order]
    sums = np.concatenate([np.zeros((1, truth.shape[1])), np.cumsum(y, 0)])
    open_, cuts = [_best(x, sums, 0, len(x))], list[int]()
    while len(cuts) < LEAVES - 1 and open_ and max(open_)[0] > 0:
        best = max(open_)
        open_.remove(best)
        _, cut, start, end = best
        cuts.append(cut)
        open_ += [_best(x, sums, start, cut), _best(x, sums, cut, end)]
    ends = [0, *sorted(cuts), len(x)]
    edges = np.array([(x[cut - 1] + x[cut]) / 2 for cut in ends[1:-1]])
    means = np.diff(sums[ends], axis=0) / np.maximum(1, np.diff(ends))[:, None]
    return _filled(values, truth, lambda asked: means[np.searchsorted(edges, asked, "right")])


def _best(x: np.ndarray, sums: np.ndarray, start: int, end: int) -> tuple[float, int, int, int]:
    """Returns (gain, cut, start, end) of the best cut of a leaf; the gain is 0 where none is."""
    cuts = np.arange(start + LEAST_LEAF, end - LEAST_LEAF + 1)
    cuts = cuts[x[cuts - 1] < x[cuts]] if len(cuts) else cuts
    if not len(cuts):
        return 0.0, start, start, end
    left, right = sums[cuts] - sums[start], sums[end] - sums[cuts]
    gains = (left**2).sum(1) / (cuts - start) + (right**2).sum(1) / (end - cuts)
    whole = float(((sums[end] - sums[start]) ** 2).sum()) / (end - start)
    at = int(gains.argmax())
    return float(gains[at]) - whole, int(cuts[at]), start, end
