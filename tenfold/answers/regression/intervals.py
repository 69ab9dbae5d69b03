"""Intervals of predicted numbers by split conformal prediction, as functions of arrays.

The ends of an interval are moved by an offset that is taken from calibration rows, which no other
choice has used. The interval of a new row, drawn like these, then contains its true value with at
least the probability `level`, whatever the distribution and the model. Without predicted ends, it
is split conformal prediction (J. Lei et al. 2018, Journal of the American Statistical Association
113), with the predicted quantiles as ends it is conformalized quantile regression (Y. Romano et
al. 2019, arXiv 1905.03222).

Shapes: N calibration rows.
"""

from __future__ import annotations

import numpy as np

__all__ = ["LEVEL", "coverage", "moved", "offsets", "quantile"]

LEVEL = 0.9
"""Probability with which an interval contains the true value."""


def offsets(
    truth: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    level: float = LEVEL,
    weights: np.ndarray | None = None,
    each_end: bool = False,
) -> tuple[float, float] | None:
    """Returns what to subtract from the lower ends and to add to the upper ends.

    `low` and `high` (N,) are the predicted ends, both the predicted value where a model predicts no
    ends. The two offsets are equal; with `each_end`, each end is corrected on its own and missed
    with half of the error rate, which suits skewed errors and makes intervals slightly wider.
    An offset is negative where the predicted intervals are too wide. Returns None where the rows
    are too few for any finite interval: fewer than 9 for a level of 0.9, or 19 with `each_end`.
    """
    below, above = low - truth, truth - high
    if not each_end:
        both = _conformal(np.maximum(below, above), level, weights)
        return None if both is None else (both, both)
    side = (1 + level) / 2
    down, up = (_conformal(scores, side, weights) for scores in (below, above))
    return None if down is None or up is None else (down, up)


def moved(
    value: np.ndarray, low: np.ndarray, high: np.ndarray, found: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Returns both ends (N,) after the offsets; the interval always contains the value."""
    return np.minimum(low - found[0], value), np.maximum(high + found[1], value)


def coverage(
    truth: np.ndarray, low: np.ndarray, high: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """Returns the share of true values inside of their interval, its ends included."""
    inside = (low <= truth) & (truth <= high)
    return float(np.average(inside, weights=weights)) if len(inside) else 0.0


def quantile(values: np.ndarray, share: float, weights: np.ndarray | None = None) -> float:
    """Returns the smallest of the values (N,) that have at least this share of the weight."""
    order = np.argsort(values, kind="stable")
    total = np.cumsum(np.ones(len(values)) if weights is None else weights[order])
    place = np.searchsorted(total, share * total[-1] * (1 - 1e-12))
    return float(values[order[min(int(place), len(values) - 1)]])


def _conformal(scores: np.ndarray, level: float, weights: np.ndarray | None) -> float | None:
    """Returns the quantile of the scores (N,) and of +inf for a further row of mean weight.

    Without weights it is the score of rank ceil(level x (N + 1)), the small-sample correction.
    """
    order = np.argsort(scores, kind="stable")
    each = np.ones(len(scores)) if weights is None else np.asarray(weights, float)[order]
    total = np.cumsum(each)
    needed = level * (float(each.sum()) + float(each.mean())) if len(scores) else np.inf
    place = int(np.searchsorted(total, needed * (1 - 1e-12)))
    return float(scores[order[place]]) if place < len(scores) else None
