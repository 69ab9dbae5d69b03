"""Calibration of probabilities: temperature scaling, calibration error and reliability bins.

C. Guo et al. 2017, "On calibration of modern neural networks" (arXiv 1706.04599).

Shapes: N rows, K classes, M decisions that are each right or wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tenfold.core.lazy import lazy

optimize = lazy("scipy.optimize")
special = lazy("scipy.special")

__all__ = [
    "certainty",
    "error",
    "level",
    "log_loss",
    "mixed",
    "reliability",
    "temperature",
    "undone",
]

PRIOR = 4.0
"""Penalty in nats for a temperature of e or 1/e; with few rows, it keeps the fit near 1."""
BINS = 15
FURTHEST = 3.0
"""Maximum absolute value that `level` adds to a logit."""
CHANCE = 3.0
"""Standard errors up to which the share of a class is taken to differ by chance."""


def temperature(
    logits: np.ndarray,
    truth: np.ndarray,
    centre: np.ndarray | float = 0.0,
    weights: np.ndarray | None = None,
) -> float:
    """Fits the softmax temperature, from 1/5 to 5, that minimizes the penalized log loss.

    `logits` (N, K); `truth` (N,) class numbers, -1 = a class not in training, or (N, K) zeros
    and ones for multi-label data. `centre` (K,) is not scaled: the temperature divides the
    difference between the logits and it. `weights` (N,) are the weights of the rows, None = all
    the same. Returns 1.0 if there are no rows, or none with a weight.
    """
    if truth.ndim == 1:
        known = truth >= 0
        weights = None if weights is None else weights[known]
        logits, truth = logits[known], truth[known]
    if not len(truth) or (weights is not None and not weights.sum()):
        return 1.0
    each = None if weights is None else weights / weights.mean()
    loss = _exclusive if truth.ndim == 1 else _independent
    tried = np.exp(np.linspace(-np.log(5), np.log(5), 161))
    costs = [
        loss((logits - centre) / one + centre, truth, each) + PRIOR * np.log(one) ** 2
        for one in tried
    ]
    return float(tried[int(np.argmin(costs))])


def level(
    logits: np.ndarray, truth: np.ndarray, shares: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
    """Fits a number for each class (K,), with mean 0, to be added to the logits (N, K).

    With it the mean probability of each class over the rows is its share in the population, as far
    as FURTHEST allows. `truth` (N,) are class numbers, -1 = unknown, `shares` (K,) those of the
    classes among many other rows, `weights` (N,) those of the rows. See `_population`.
    """
    known = truth >= 0
    logits, truth = logits[known].astype(np.float64), truth[known]
    each = np.ones(len(truth)) if weights is None else np.asarray(weights, float)[known]
    if not each.sum():
        return np.zeros(logits.shape[1])
    each = each / each.sum()
    wanted = _population(_softmax(logits), truth, shares, each)

    def cost(added: np.ndarray) -> tuple[float, np.ndarray]:
        moved = logits + added
        top = moved.max(1)
        value = each @ (np.log(np.exp(moved - top[:, None]).sum(1)) + top) - wanted @ added
        return float(value), each @ _softmax(moved) - wanted

    found = optimize.minimize(
        cost,
        np.zeros(logits.shape[1]),
        jac=True,
        method="L-BFGS-B",
        bounds=[(-FURTHEST, FURTHEST)] * logits.shape[1],
        options={"ftol": 1e-15, "gtol": 1e-8, "maxiter": 500},
    ).x
    return np.asarray(found - found.mean())


def _population(
    chances: np.ndarray, truth: np.ndarray, shares: np.ndarray, each: np.ndarray
) -> np.ndarray:
    """Estimates the shares (K,) of the classes that the mean of `chances` (N, K) should have.

    Few rows have by chance more or fewer of a class than the population. The more the chances tell
    the rows apart, the more of this they explain, and the shares among the rows themselves count;
    the less they do, the more `shares` count. Both estimates are weighed by their variances. If
    the shares among the rows differ by more than chance, they are used alone. `each` (N,) are
    weights with sum 1.
    """
    found: np.ndarray = np.bincount(truth, each, len(shares))
    wide = CHANCE * np.sqrt(shares * (1 - shares) * (each @ each))
    if (np.abs(found - shares) > wide).any():
        wanted = found
    else:
        mean = each @ chances
        total = max(float((mean * (1 - mean)).sum()), 1e-12)
        explained = min(1.0, float((each @ (chances - mean) ** 2).sum()) / total)
        wanted = explained * found + (1 - explained) * shares
    wanted = np.maximum(wanted, 0.5 * each.mean() / len(shares))
    return np.asarray(wanted / wanted.sum())


def _softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(weights / weights.sum(1, keepdims=True))


def log_loss(logits: np.ndarray, truth: np.ndarray) -> float:
    """Returns the mean log loss over rows with a known class; arguments as in `temperature`.

    For multi-label data, the loss of a row is the sum of the binary log losses of all classes.
    """
    if truth.ndim == 1:
        logits, truth = logits[truth >= 0], truth[truth >= 0]
    total = (_exclusive if truth.ndim == 1 else _independent)(logits, truth)
    return total / max(1, len(truth))


def _exclusive(logits: np.ndarray, truth: np.ndarray, weights: np.ndarray | None = None) -> float:
    each = _log_sum_exp(logits) - logits[np.arange(len(truth)), truth]
    return float(each.sum() if weights is None else each @ weights)


def _log_sum_exp(logits: np.ndarray) -> np.ndarray:
    """Returns the logarithm (N,) of the sum of the exponentials of each row.

    The values are those of `scipy.special.logsumexp` to the last bit. That function, which also
    serves other array libraries, takes ten times as long for few rows.
    """
    top = logits.max(1, keepdims=True)
    highest = logits == top
    with np.errstate(invalid="ignore"):  # infinity minus infinity, where `highest` is True
        rest = np.where(highest, 0, np.exp(logits - top)).sum(1)
    many = highest.sum(1, dtype=logits.dtype)
    return np.asarray(np.log1p(rest / many) + np.log(many) + top[:, 0])


def _independent(logits: np.ndarray, truth: np.ndarray, weights: np.ndarray | None = None) -> float:
    each = np.logaddexp(0, logits) - logits * truth
    return float(each.sum() if weights is None else each.sum(1) @ weights)


def mixed(branches: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Fits non-negative weights (B,) for summing the logits (B, N, K) of B models.

    The weights minimize the log loss. Each model is first scaled by its own best temperature; the
    weights then start at 1/B, and a penalty keeps them near 1/B if there are few rows. The
    returned weights include the scales.
    """
    known = truth >= 0 if truth.ndim == 1 else np.ones(len(truth), bool)
    branches, truth = branches[:, known].astype(np.float64), truth[known]
    scales = np.array([1 / temperature(one, truth) for one in branches])
    branches = branches * scales[:, None, None]
    loss = _exclusive if truth.ndim == 1 else _independent
    start = np.full(len(branches), 1 / len(branches))

    def cost(weights: np.ndarray) -> float:
        away = PRIOR * ((weights - start) ** 2).sum()
        return loss(np.tensordot(weights, branches, 1), truth) + float(away)

    found = optimize.minimize(cost, start, bounds=[(0, 5)] * len(start), method="L-BFGS-B")
    return np.asarray(found.x * scales, np.float32)


def undone(
    chances: np.ndarray, temperature: float, exclusive: bool, bias: Sequence[float] = ()
) -> np.ndarray:
    """Returns the probabilities (N, K) from before the logits were calibrated.

    The logits were divided by a temperature, then `bias` (K,) was added, () = zeros.

    For exclusive classes, log p times the temperature is the original logit up to a constant;
    otherwise, the logit of p times the temperature is the original logit. A probability that was
    rounded to 0 stays 0.
    """
    added = np.array(bias) if len(bias) else np.zeros(1)
    with np.errstate(divide="ignore"):
        logs = np.log(chances.astype(np.float64)) - added
        if not exclusive:
            logits = temperature * (logs - np.log1p(-chances.astype(np.float64)))
            return np.asarray(special.expit(logits))
    top = logs.max(1, keepdims=True)
    weights = np.exp(temperature * (logs - np.where(np.isfinite(top), top, 0.0)))
    return np.asarray(weights / np.maximum(weights.sum(1, keepdims=True), 1e-300))


def certainty(
    sure: np.ndarray, right: np.ndarray, loss: float, weights: np.ndarray | None = None
) -> dict[str, Any]:
    """Returns expected calibration error, log loss and reliability bins of M decisions as JSON.

    The keys are `ece`, `log_loss` and `reliability`. `sure` (M,) is the confidence, `right` (M,)
    True for correct decisions, `loss` the value for `log_loss`, `weights` (M,) those of the
    decisions as of `weights_of` (None = all the same).
    """
    bins = [[round(one, 6) for one in row] for row in reliability(sure, right, weights)]
    found = error(sure, right)(np.ones(len(sure)) if weights is None else weights)
    return {"ece": round(found, 6), "log_loss": round(loss, 6), "reliability": bins}


def error(sure: np.ndarray, right: np.ndarray) -> Callable[[np.ndarray], float]:
    """Returns a function that computes the expected calibration error of bootstrap resamples.

    The function takes how often each decision occurs in the resample (M,). `sure` (M,) is the
    confidence, `right` (M,) True for correct decisions.
    """
    place = np.minimum((sure * BINS).astype(int), BINS - 1)
    gap = sure - right

    def found(counts: np.ndarray) -> float:
        return float(np.abs(np.bincount(place, gap * counts, BINS)).sum() / max(1, counts.sum()))

    return found


def reliability(
    sure: np.ndarray, right: np.ndarray, weights: np.ndarray | None = None
) -> list[list[float]]:
    """Returns [mean confidence, accuracy, number of decisions] of each non-empty bin.

    Confidence and accuracy are weighted by `weights` (M,); None = all the same.
    """
    place = np.minimum((sure * BINS).astype(int), BINS - 1)
    rows = np.bincount(place, minlength=BINS)
    held = rows if weights is None else np.bincount(place, weights, BINS)
    total = np.bincount(place, sure if weights is None else sure * weights, BINS)
    hits = np.bincount(place, right if weights is None else right * weights, BINS)
    kept = [n for n in range(BINS) if held[n]]
    return [[float(total[n] / held[n]), float(hits[n] / held[n]), int(rows[n])] for n in kept]
