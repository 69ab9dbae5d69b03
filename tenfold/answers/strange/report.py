"""Details of scored strangeness, and the report sections made of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from tenfold.answers.charts.two_classes import curves
from tenfold.answers.intervals import Sampling
from tenfold.answers.metric import NO_INTERVAL, number, share
from tenfold.answers.sections import Cell, Section, SectionTable, class_pieces
from tenfold.answers.strange import chart
from tenfold.answers.strange.scores import Strangeness
from tenfold.core.language import say
from tenfold.core.results import rounded
from tenfold.core.text import natural

__all__ = ["details", "distribution", "distribution_section", "pieces"]

PARTS = ("train", "valid", "test")
BINS, MAX_POINTS = 40, 200
RATES = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
"""Shares of false alarms for which the report lists what a threshold would find."""


def details(found: Strangeness, threshold: float, sampling: Sampling) -> dict[str, Any]:
    """Returns the histogram of scores, the kinds of strange rows, curves, and other thresholds."""
    answered = ~np.isnan(found.score)
    if not answered.any():
        return {}
    content: dict[str, Any] = {
        "threshold": rounded(threshold),
        "histogram": _histogram(found, answered, threshold),
        "counts": {
            name: int((found.truth == value).sum())
            for name, value in (("good", 0), ("strange", 1), ("unknown", -1))
        },
    }
    strange, good = (answered & (found.truth == value) for value in (1, 0))
    if strange.any():
        content["kinds"] = _kinds(found, strange, sampling)
    if strange.any() and good.any():
        content |= _curves(found)
        content["thresholds"] = _thresholds(found.score[good], found.score[strange])
    return content


def _histogram(found: Strangeness, answered: np.ndarray, threshold: float) -> dict[str, Any]:
    """Returns the number of rows in each of BINS equal ranges of the score, by their truth.

    The ranges end at the 99.5 % quantile of the scores, or above the threshold.
    """
    scores = found.score[answered]
    low, high = float(scores.min()), float(np.quantile(scores, 0.995))
    high = max(high, threshold + 0.1 * abs(threshold - low), low + 1e-9)
    edges = np.linspace(low, high, BINS + 1)
    clipped = np.clip(scores, low, high)
    counts = {
        name: np.histogram(clipped[found.truth[answered] == value], edges)[0].tolist()
        for name, value in (("good", 0), ("strange", 1), ("unknown", -1))
    }
    return {"range": [rounded(low), rounded(high)], **counts}


def _kinds(found: Strangeness, strange: np.ndarray, sampling: Sampling) -> list[dict[str, Any]]:
    names = np.array(found.kind, object)
    result = []
    for name in sorted({*names[strange]}):
        rows = strange & (names == name)
        value, low, high = sampling.at(rows).share(found.alarm[rows])
        result.append(
            {
                "kind": str(name),
                "rows": int(rows.sum()),
                "found": {"value": rounded(value), "low": rounded(low), "high": rounded(high)},
            }
        )
    return result


def _curves(found: Strangeness) -> dict[str, Any]:
    rows, ordered = found.ordered
    hits, alarms = ordered.counted(np.ones(len(rows)))
    some = np.unique(np.linspace(0, len(hits) - 1, MAX_POINTS).astype(int))
    roc = [(0.0, 0.0), *zip(alarms[some] / alarms[-1], hits[some] / hits[-1], strict=True)]
    precision = zip(hits[some] / hits[-1], hits[some] / (hits + alarms)[some], strict=True)
    return {
        "roc": [[rounded(float(one)) for one in pair] for pair in roc],
        "precision_recall": [[rounded(float(one)) for one in pair] for pair in precision],
        "share": rounded(float(hits[-1] / (hits[-1] + alarms[-1]))),
    }


def _thresholds(good: np.ndarray, strange: np.ndarray) -> list[dict[str, Any]]:
    """Returns, for each rate of false alarms, the threshold and the share of strange rows found."""
    result = []
    for rate in RATES:
        if rate * len(good) < 1:
            continue
        threshold = float(np.quantile(good, 1 - rate, method="higher"))
        result.append(
            {
                "rate": rate,
                "threshold": rounded(threshold),
                "found": rounded(float((strange >= threshold).mean())),
            }
        )
    return result


def distribution(table: pd.DataFrame, strange: np.ndarray) -> dict[str, Any]:
    """Returns the number of good rows and of each kind of strange ones, by part."""
    if "split" not in table:
        return {}
    labels = table.get("label", pd.Series([""] * len(table))).fillna("").astype(str)
    counts = Counter(zip(np.where(strange, labels, ""), table["split"].astype(str), strict=True))
    kinds = sorted({kind for kind, _ in counts}, key=natural)
    parts = [part for part in PARTS if any(of == part for _, of in counts)]
    return {
        "parts": parts,
        "kinds": [{"kind": kind, "rows": [counts[kind, part] for part in parts]} for kind in kinds],
    }


# --- sections -------------------------------------------------------------------------------------


def pieces(details: dict[str, Any]) -> dict[str, Any]:
    """Returns the parts of the report that are made from the details (see `answers/sections`)."""
    sections = []
    if "histogram" in details:
        sections.append(_scores_section(details))
    if details.get("kinds"):
        sections.append(_kinds_section(details["kinds"]))
    if details.get("roc"):
        sections.append(_curves_section(details))
    return class_pieces({}) | {"sections": sections}


def distribution_section(found: dict[str, Any]) -> Section:
    """Returns `distribution` as a section of pages."""
    said = {"train": say("training"), "valid": say("validation"), "test": say("test")}
    head = [say("kind"), *(said[part] for part in found["parts"]), say("rows")]
    rows = [
        [
            Cell(one["kind"] or say("good or unknown")),
            *(Cell(f"{count:,}") for count in one["rows"]),
            Cell(f"{sum(one['rows']):,}"),
        ]
        for one in found["kinds"]
    ]
    return Section("kinds", say("Good and strange rows"), (), "", [SectionTable("", head, rows)])


def _scores_section(details: dict[str, Any]) -> Section:
    counts = details["counts"]
    names = {
        "good": say("good rows"),
        "strange": say("strange rows"),
        "unknown": say("rows without a label"),
    }
    figures = [(f"{counts[key]:,}", name) for key, name in names.items() if counts[key]]
    figures.append((number(details["threshold"]), say("threshold")))
    remark = say("Rows right of the line are called strange. The last bar holds all higher scores.")
    charts = [chart.scores(details["histogram"], details["threshold"])]
    tables = []
    if rows := details.get("thresholds"):
        head = [say("false alarms"), say("threshold"), say("strange rows found")]
        cells = [
            [
                Cell(share(one["rate"])),
                Cell(number(one["threshold"])),
                Cell(share(one["found"]), one["found"]),
            ]
            for one in rows
        ]
        tables.append(SectionTable(say("Other thresholds on these rows"), head, cells, 0))
    return Section("scores", say("Scores and threshold"), figures, remark, tables, charts)


def _kinds_section(kinds: list[dict[str, Any]]) -> Section:
    head = [say("kind"), say("rows"), say("found"), say("95 % interval")]
    rows = [
        [
            Cell(one["kind"]),
            Cell(f"{one['rows']:,}"),
            Cell(share(one["found"]["value"]), one["found"]["value"]),
            Cell(_ends(one["found"])),
        ]
        for one in kinds
    ]
    return Section("kinds", say("Found by kind"), (), "", [SectionTable("", head, rows)])


def _ends(found: dict[str, Any]) -> str:
    if found["low"] is None or found["high"] is None:
        return NO_INTERVAL
    return say("{low} to {high}", low=share(found["low"]), high=share(found["high"]))


def _curves_section(details: dict[str, Any]) -> Section:
    charts = [curves(details["roc"], details["precision_recall"], details["share"])]
    return Section("curves", say("ROC and precision-recall curves"), charts=charts)
