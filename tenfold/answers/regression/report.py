"""Details of scored numbers, and the report sections made of them.

Shapes: N rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tenfold.answers.intervals import Interval, Sampling
from tenfold.answers.metric import NO_INTERVAL, number, share
from tenfold.answers.regression import chart
from tenfold.answers.regression.intervals import quantile
from tenfold.answers.regression.scores import Errors, signed_mean
from tenfold.answers.sections import Cell, Section, SectionTable, class_pieces
from tenfold.core.language import say
from tenfold.core.results import rounded

__all__ = ["details", "distribution_section", "pieces"]

MAX_POINTS, BINS = 500, 40
"""Up to MAX_POINTS rows are drawn as points, more as a density of BINS x BINS cells."""
TENTHS, MIN_TENTH_ROWS = 10, 10
"""Rows are divided into tenths by their prediction; into fewer parts where a tenth would have fewer
than MIN_TENTH_ROWS different predictions."""
SHARES = (0.5, 0.75, 0.9, 0.95, 0.99)
PARTS = {"train": "training", "valid": "validation", "test": "test"}


def details(found: Errors, sampling: Sampling) -> dict[str, Any]:
    """Returns predicted against true, residuals by size of the prediction, sizes of errors."""
    rows = found.answered
    if not rows.any():
        return {}
    kept = Errors(found.truth[rows], found.value[rows], found.low[rows], found.high[rows])
    some = sampling.at(rows)
    size = np.abs(kept.off)
    ends = {f"{part:g}": rounded(quantile(size, part, some.weights)) for part in SHARES}
    errors = {"quantiles": ends, "largest": rounded(float(size.max()))}
    content = {
        "predicted": _predicted(kept),
        "tenths": _tenths(kept, some),
        "errors": errors | {"bias": _json(signed_mean(kept.off, some))},
    }
    return content | (
        {"intervals": _intervals(kept, found.level, some.weights)} if kept.bounded.any() else {}
    )


def _json(three: Interval) -> dict[str, float | None]:
    return dict(zip(("value", "low", "high"), map(rounded, three), strict=True))


def _predicted(found: Errors) -> dict[str, Any]:
    """Returns points, or a grid of counts where there are many rows (see `chart`)."""
    both = np.stack([found.value, found.truth])
    low, high = float(both.min()), float(both.max())
    if high <= low:
        low, high = low - 0.5, high + 0.5
    content: dict[str, Any] = {"range": [rounded(low), rounded(high)]}
    if both.shape[1] <= MAX_POINTS:
        return content | {"points": [[rounded(one) for one in pair] for pair in both.T]}
    places = np.clip(((both - low) / (high - low) * BINS).astype(int), 0, BINS - 1)
    cells, counts = np.unique(places, axis=1, return_counts=True)
    rows = [[*map(int, cell), int(count)] for cell, count in zip(cells.T, counts, strict=True)]
    return content | {"bins": BINS, "cells": rows}


def _tenths(found: Errors, sampling: Sampling) -> list[dict[str, Any]]:
    """Returns bias, errors and coverage of the tenths of the rows by their prediction."""
    count = int(np.clip(len(np.unique(found.value)) // MIN_TENTH_ROWS, 1, TENTHS))
    order = np.argsort(found.value, kind="stable")
    tenths = []
    for rows in np.array_split(order, count):
        off, some = found.off[rows], sampling.at(rows)
        covered = found.covered[rows] if found.bounded[rows].all() else None
        tenths.append(
            {
                "least": rounded(float(found.value[rows].min())),
                "most": rounded(float(found.value[rows].max())),
                "rows": len(rows),
                "bias": _json(signed_mean(off, some)),
                "rmse": rounded(some.mean(off**2)[0] ** 0.5),
                "mae": rounded(some.mean(np.abs(off))[0]),
                "coverage": None if covered is None else _json(some.share(covered)),
                "width": None if covered is None else _width(found, rows, sampling.weights),
            }
        )
    return tenths


def _width(found: Errors, rows: np.ndarray, weights: np.ndarray | None) -> float | None:
    return rounded(_mean(found.high[rows] - found.low[rows], rows, weights))


def _mean(values: np.ndarray, rows: np.ndarray, weights: np.ndarray | None) -> float:
    """Returns the mean of values (M,) of these rows (M,), weighted by the weights (N,)."""
    each = None if weights is None or not weights[rows].any() else weights[rows]
    return float(np.average(values, weights=each))


def _intervals(found: Errors, level: float, weights: np.ndarray | None) -> dict[str, Any]:
    """Returns the promised coverage, the shares of values outside at each end, and the width."""
    rows = np.flatnonzero(found.bounded)
    below, above = found.truth[rows] < found.low[rows], found.truth[rows] > found.high[rows]
    return {
        "level": level,
        "below": rounded(_mean(below, rows, weights)),
        "above": rounded(_mean(above, rows, weights)),
        "width": _width(found, rows, weights),
    }


# --- sections -------------------------------------------------------------------------------------


def pieces(details: dict[str, Any]) -> dict[str, Any]:
    """Returns the parts of the report that are made from the details (see `answers/sections`)."""
    sections = []
    if "predicted" in details:
        sections += [_predicted_section(details), _tenths_section(details)]
    if details.get("drift"):
        sections.append(_drift_section(details["drift"]))
    return class_pieces({}) | {"sections": sections}


def _predicted_section(content: dict[str, Any]) -> Section:
    errors = content["errors"]
    rows = [
        [Cell(share(float(part))), Cell(number(value))]
        for part, value in errors["quantiles"].items()
    ]
    rows.append([Cell(share(1)), Cell(number(errors["largest"]))])
    sizes = SectionTable(say("Errors by size"), [say("share of rows"), say("error at most")], rows)
    bias = errors["bias"]
    remark = say(
        "Exact predictions are on the line. On average, predictions are {bias} above the true "
        "values (95 % interval {interval}).",
        bias=number(bias["value"]),
        interval=_ends(bias, number),
    )
    charts = [chart.predicted_against_true(content["predicted"])]
    return Section("predicted", say("Predicted against true"), (), remark, [sizes], charts)


def _tenths_section(content: dict[str, Any]) -> Section:
    intervals = content.get("intervals")
    head = [say("predicted"), say("rows"), say("mean error"), say("95 % interval"), "RMSE", "MAE"]
    if intervals:
        head += [say("coverage"), say("95 % interval"), say("mean width")]
    rows = []
    for one in content["tenths"]:
        span = say("{low} to {high}", low=number(one["least"]), high=number(one["most"]))
        cells = [span, f"{one['rows']:,}", number(one["bias"]["value"])]
        cells += [_ends(one["bias"], number), number(one["rmse"]), number(one["mae"])]
        if intervals and one["coverage"]:
            cells += [share(one["coverage"]["value"]), _ends(one["coverage"], share)]
            cells.append(number(one["width"]))
        rows.append([Cell(text) for text in cells + [""] * (len(head) - len(cells))])
    table = SectionTable(say("By size of the prediction"), head, rows)
    remark = say(
        "Rows ordered by their prediction. A mean error above 0: predictions are too high."
    )
    figures = []
    if intervals:
        figures = [
            (share(intervals["level"]), say("intended coverage of the intervals")),
            (share(intervals["below"]), say("true values below the interval")),
            (share(intervals["above"]), say("true values above the interval")),
            (number(intervals["width"]), say("mean width of an interval")),
        ]
    return Section("residuals", say("Errors and intervals"), figures, remark, [table])


def _ends(found: dict[str, Any], text: Any) -> str:
    if found["low"] is None or found["high"] is None:
        return NO_INTERVAL
    return say("{low} to {high}", low=text(found["low"]), high=text(found["high"]))


def _drift_section(found: dict[str, Any]) -> Section:
    remark = (
        say(
            "The values of the scored rows differ from those of the training rows by more than "
            "chance explains: the distance of their distributions is {distance}.",
            distance=number(found["distance"]),
        )
        if found["significant"]
        else say(
            "No difference is shown between the values of the training and the scored rows: the "
            "distance of their distributions is {distance}.",
            distance=number(found["distance"]),
        )
    )
    names = {"train": say("training"), "scored": say("scored rows")}
    table = _summaries({names[part]: found[part] for part in names})
    return Section("drift", say("True values in training and test"), (), remark, [table])


def distribution_section(found: dict[str, Any]) -> Section:
    """Returns the histogram of the values to predict and their summary by part."""
    names = [say(PARTS[part]) for part in found["parts"]]
    table = _summaries(dict(zip(names, found["parts"].values(), strict=True)))
    charts = [chart.histogram(found["edges"], found["counts"], names)]
    return Section("target", say("Values to predict"), (), "", [table], charts)


def _summaries(parts: dict[str, dict[str, Any]]) -> SectionTable:
    """Returns a table with a row for each part, from the results of `distribution.summary`."""
    keys = ("mean", "deviation", "smallest", "quarter", "median", "three_quarters", "largest")
    head = [
        say("part"),
        say("rows"),
        say("mean"),
        say("standard deviation"),
        say("smallest"),
        say("first quarter up to"),
        say("median"),
        say("third quarter up to"),
        say("largest"),
    ]
    rows = [
        [Cell(name), Cell(f"{one['rows']:,}"), *(Cell(number(one[key])) for key in keys)]
        for name, one in parts.items()
    ]
    return SectionTable(say("By part"), head, rows)
