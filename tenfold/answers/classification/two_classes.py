"""What the probabilities of two classes are worth: calibration, decisions and gains.

Every result is a dictionary of plain numbers, for the JSON documents and the report.

Shapes: N rows, D thresholds or distinct probabilities, G points of a curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tenfold.answers.classification.costs import Costs
from tenfold.answers.classification.positive import TwoClasses
from tenfold.answers.intervals import Interval, Sampling
from tenfold.answers.kind import Answer
from tenfold.answers.metrics.discrimination import Ordered
from tenfold.core.lazy import lazy
from tenfold.core.results import rounded

special = lazy("scipy.special")

__all__ = ["details", "gains", "logistic", "net_benefit", "recalibration", "smooth_curve"]

THRESHOLDS = np.arange(1, 100) / 100
MAX_POINTS = 200
"""Largest number of points of a ROC or precision-recall curve."""
CURVE_POINTS, SPAN = 41, 2 / 3
"""Number of points of the smooth curve, and the share of rows that each point is computed from."""
MIN_CURVE_ROWS = 20
STEPS, TOLERANCE = 100, 1e-10
MAX_SLOPE = 1e3
"""A slope or an intercept beyond this is that of separated classes: it has no finite value."""


def details(
    answers: Sequence[Answer],
    table: pd.DataFrame,
    train: pd.DataFrame,
    positive: str = "",
    costs: Costs | None = None,
) -> dict[str, Any]:
    """Returns calibration, net benefit, gains and curves as JSON; {} if classes are not two.

    The positive class is `positive` if it is given, else that of `positive_class`. With `costs`,
    profit and mean costs are added. Rows without an answer or of another class are left out.
    """
    found = TwoClasses.of(answers, table, train, positive)
    if found is None or not len(found.rows) or not found.weights.sum():
        return {}
    sampling = Sampling.of(table).at(found.rows)
    brier = (found.probability - found.truth) ** 2
    result = {
        "positive": found.positive,
        "negative": found.negative,
        "rows": len(found.rows),
        "left_out": found.others,
        "share": rounded(found.share),
        "mean_probability": rounded(float(np.average(found.probability, weights=found.weights))),
        "brier": _ends(sampling.mean(brier)),
        "calibration": recalibration(found, sampling),
        "net_benefit": net_benefit(found),
        "gains": gains(found, costs),
        **_curves(found),
    }
    return result | ({"costs": costs.spent(found)} if costs else {})


# --- calibration ----------------------------------------------------------------------------------


def recalibration(found: TwoClasses, sampling: Sampling) -> dict[str, Any]:
    """Returns the calibration intercept and slope with intervals, and the smooth curve.

    Both are those of a logistic regression of the truth on the logit of the probability, without
    penalty: the intercept with the logit as offset (0 = the mean probability is right), the slope
    beside an intercept of its own (1 = right, below 1 = too extreme). They are None where they have
    no finite value: one class only, a constant probability, or classes that are separated.
    Source: D. Cox 1958; B. Van Calster et al. 2019, BMC Medicine 17:230.
    """
    ones = np.ones((len(found.rows), 1))
    offset = logistic(ones, found.truth, found.weights, found.logit)
    both = np.column_stack([ones, found.logit])
    slope = logistic(both, found.truth, found.weights) if np.ptp(found.logit) > 1e-9 else None
    return {
        "intercept": _interval(offset, 0, sampling),
        "slope": _interval(slope, 1, sampling),
        "curve": smooth_curve(found),
    }


def logistic(
    columns: np.ndarray, truth: np.ndarray, weights: np.ndarray, offset: np.ndarray | float = 0.0
) -> tuple[np.ndarray, np.ndarray] | None:
    """Fits a logistic regression without penalty by Newton's method.

    `columns` (N, P) are the inputs, a constant included. Returns the P coefficients, and how much
    each row changes them (N, P), its influence. Returns None where the largest likelihood has no
    finite place: one class only, or classes that the inputs separate.
    """
    if truth.all() or not truth.any():
        return None
    found = np.zeros(columns.shape[1])
    loss = _loss(columns @ found + offset, truth, weights)
    for _ in range(STEPS):
        slope, inverse = _step(columns, truth, weights, columns @ found + offset)
        if inverse is None:
            return None
        step, before = inverse @ slope.sum(0), loss
        for _ in range(30):  # halves a step that goes too far
            loss = _loss(columns @ (found + step) + offset, truth, weights)
            if loss <= before + 1e-12 * abs(before):
                break
            step = step / 2
        found = found + step
        if np.abs(found).max() > MAX_SLOPE:
            return None
        if np.abs(step).max() < TOLERANCE * max(1.0, float(np.abs(found).max())):
            slope, inverse = _step(columns, truth, weights, columns @ found + offset)
            return None if inverse is None else (found, slope @ inverse)
    return None


def _step(
    columns: np.ndarray, truth: np.ndarray, weights: np.ndarray, logits: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
    """Returns the gradient of each row (N, P) and the inverse Hessian, None if it is singular."""
    chance = special.expit(logits)
    slope = columns * (weights * (truth - chance))[:, None]
    hessian = (columns * (weights * chance * (1 - chance))[:, None]).T @ columns
    if np.linalg.cond(hessian) > 1e14 or not hessian.trace() > 1e-9:
        return slope, None
    return slope, np.linalg.inv(hessian)


def _loss(logits: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> float:
    return float(weights @ (np.logaddexp(0, logits) - logits * truth))


def _interval(
    fitted: tuple[np.ndarray, np.ndarray] | None, place: int, sampling: Sampling
) -> dict[str, float | None]:
    if fitted is None:
        return {"value": None, "low": None, "high": None}
    return _ends(sampling.linear(float(fitted[0][place]), fitted[1][:, place]))


def _ends(found: Interval) -> dict[str, float | None]:
    return dict(zip(("value", "low", "high"), map(rounded, found), strict=True))


def smooth_curve(found: TwoClasses) -> list[list[float]]:
    """Returns [probability, observed share] of the smooth calibration curve; [] for few rows.

    The observed share at a probability is a local line through the nearest two thirds of the rows
    with tricube weights (W. Cleveland 1979, without its robust steps), kept within 0 and 1.
    """
    chance, rows = found.probability, len(found.rows)
    if rows < MIN_CURVE_ROWS or np.ptp(chance) < 1e-6:
        return []
    near = min(rows, max(2, int(np.ceil(SPAN * rows)))) - 1
    places = np.unique(np.quantile(chance, np.linspace(0, 1, CURVE_POINTS)))
    curve = []
    for place in places:
        distance = np.abs(chance - place)
        reach = max(float(np.partition(distance, near)[near]) * 1.0001, 1e-6)
        weight = found.weights * np.clip(1 - (distance / reach) ** 3, 0, None) ** 3
        total = weight.sum()
        if not total > 0:
            continue
        middle, mean = weight @ chance / total, weight @ found.truth / total
        spread = weight @ (chance - middle) ** 2
        slope = weight @ ((chance - middle) * (found.truth - mean)) / spread if spread > 1e-9 else 0
        curve.append([round(float(place), 6), round(float(mean + slope * (place - middle)), 6)])
    return [[place, min(1.0, max(0.0, share))] for place, share in curve]


# --- decisions ------------------------------------------------------------------------------------


def net_benefit(found: TwoClasses) -> list[list[float]]:
    """Returns [threshold, net benefit of the run, that of "all"] for thresholds of 1 % to 99 %.

    The net benefit counts the share of rows that are predicted positive rightly, less the share
    that is predicted so wrongly times the odds of the threshold; predicting none has 0. Source:
    A. Vickers and E. Elkin 2006, Medical Decision Making 26.
    """
    total, odds = found.weights.sum(), THRESHOLDS / (1 - THRESHOLDS)
    reached = np.searchsorted(THRESHOLDS - 1e-12, found.probability, side="right")
    hits, alarms = (
        np.bincount(reached, found.weights * rows, len(THRESHOLDS) + 1)[:0:-1].cumsum()[::-1]
        / total
        for rows in (found.truth, ~found.truth)
    )
    every = found.share - (1 - found.share) * odds
    lines = zip(THRESHOLDS, hits - alarms * odds, every, strict=True)
    return [[round(float(one), 6) for one in line] for line in lines]


def gains(found: TwoClasses, costs: Costs | None = None) -> list[dict[str, float]]:
    """Returns for each tenth of the rows, the most probable first, the gains up to it.

    `rows` is their share, `found` the share of all positive rows among them, `lift` how many times
    more there are than in as many rows drawn at random; with `costs`, `profit` is what acting on
    these rows saves compared with acting on none. Equal probabilities share their positive rows.
    """
    ordered = Ordered.of(found.probability, found.truth)
    hits, alarms = (np.concatenate([[0], part]) for part in ordered.counted(found.weights))
    rows, lines = hits + alarms, []
    for tenth in range(1, 11):
        there = tenth / 10 * rows[-1]
        hit = float(np.interp(there, rows, hits))
        line = {"rows": tenth / 10, "found": hit / hits[-1] if hits[-1] else 0.0}
        line["lift"] = line["found"] / line["rows"]
        if costs:
            line["profit"] = costs.missed * hit - costs.false * (float(there) - hit)
        lines.append({name: round(float(value), 6) for name, value in line.items()})
    return lines


def _curves(found: TwoClasses) -> dict[str, Any]:
    """Returns the points [false positive rate, recall] and [recall, precision] of both curves.

    They are empty if the rows have only one class.
    """
    hits, alarms = Ordered.of(found.probability, found.truth).counted(found.weights)
    if not hits[-1] > 0 or not alarms[-1] > 0:
        return {"roc": [], "precision_recall": []}
    kept = np.unique(np.linspace(0, len(hits) - 1, min(len(hits), MAX_POINTS)).astype(int))
    hits, alarms = hits[kept], alarms[kept]
    some = hits + alarms > 0
    recall = hits / hits[-1]
    roc = [[0.0, 0.0], *zip(alarms / alarms[-1], recall, strict=True)]
    precise = zip(recall[some], (hits / np.maximum(hits + alarms, 1e-12))[some], strict=True)
    return {"roc": _rounded(roc), "precision_recall": _rounded(precise)}


def _rounded(points: Any) -> list[list[float]]:
    return [[round(float(one), 6) for one in point] for point in points]
