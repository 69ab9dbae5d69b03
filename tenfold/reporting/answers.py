"""What a page shows of answers, for each kind of Prediction: one function a kind.

Each takes the JSON details of its scores and gives what the template knows: `classes` (a table),
`matrix`, `confused`, charts. A later kind adds its own function here and nothing elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from tenfold.answers import charts
from tenfold.answers.label import Label
from tenfold.answers.multilabel import Labels
from tenfold.answers.ranking import Ranking
from tenfold.answers.ratings import Ratings
from tenfold.answers.spans import Spans, Tags
from tenfold.core.language import say
from tenfold.reporting import texts

__all__ = ["PIECES", "nothing", "said", "truth"]

LARGEST_MATRIX = 30
MOST_CLASSES, MOST_PAIRS = 200, 12

Details = dict[str, Any]


def nothing(details: Details) -> dict[str, Any]:
    """What the template asks every kind for, empty."""
    return {"classes": [], "confused": []}


def _label(details: Details) -> dict[str, Any]:
    found = _table(details)
    names = [one["class"] for one in details.get("classes", [])]
    if counts := details.get("confusion"):
        found["confused"] = _confused(names, np.array(counts))
        if len(names) <= LARGEST_MATRIX:
            found["matrix"] = _matrix(names, np.array(counts))
    return found


def _labels(details: Details) -> dict[str, Any]:
    return _table(details)


def _ranking(details: Details) -> dict[str, Any]:
    return nothing(details) | {"ranking": details}


PIECES: dict[type, Callable[[Details], dict[str, Any]]] = {
    Label: _label,
    Labels: _labels,
    Spans: _labels,
    Tags: _label,
    Ranking: _ranking,
    Ratings: _ranking,
}


def _table(details: Details) -> dict[str, Any]:
    """Precision, recall, F1 and support; of very many classes those with the lowest F1."""
    classes = details.get("classes", [])
    found = nothing(details) | {"classes": classes, "classes_cut": 0}
    if len(classes) > MOST_CLASSES:
        lowest = sorted(classes, key=lambda one: float(one["f1"]))[:MOST_CLASSES]
        found |= {"classes": lowest, "classes_cut": len(classes) - MOST_CLASSES}
    if len([one for one in classes if one["support"]]) > 10:
        found["support"] = charts.support(classes)
    return found


def _matrix(names: list[str], counts: np.ndarray) -> dict[str, Any]:
    """Rows of cells with a heat of 0 to 1; right answers and errors are of different colour."""
    down = [*names, say("never learnt")] if counts[-1].any() else names
    across = [*names, say("no answer")] if counts[:, -1].any() else names
    shares = counts / np.maximum(1, counts.sum(1, keepdims=True))
    errors = shares * (1 - np.eye(len(counts)))
    peak = max(float(errors.max()), 0.05)
    rows = []
    for number, name in enumerate(down):
        cells = [
            {
                "count": int(counts[number, other]),
                "share": float(shares[number, other]),
                "right": number == other,
                "heat": float(shares[number, other] / (1.0 if number == other else peak)),
            }
            for other in range(len(across))
        ]
        rows.append({"name": name, "cells": cells, "total": int(counts[number].sum())})
    return {"across": across, "rows": rows}


def _confused(names: list[str], counts: np.ndarray) -> list[dict[str, Any]]:
    """The pairs (truth, answer) that were confused most often."""
    down, across = [*names, say("a class never learnt")], [*names, say("no answer")]
    errors = counts * (1 - np.eye(len(counts), dtype=counts.dtype))
    order = np.argsort(-errors, axis=None, kind="stable")[:MOST_PAIRS]
    places = [divmod(int(place), len(counts)) for place in order]
    return [
        {
            "truth": down[row],
            "said": across[column],
            "count": int(errors[row, column]),
            "share": float(errors[row, column] / max(1, counts[row].sum())),
        }
        for row, column in places
        if errors[row, column]
    ]


# --- one row --------------------------------------------------------------------------------------


def truth(table: pd.DataFrame, row: int) -> str:
    """The right answer of a row, in words."""
    if "labels" in table:
        return " + ".join(table["labels"].iloc[row]) or say("none")
    if "tags" in table:
        return _names(texts.true(table, row))
    if "next" in table:
        return " + ".join(
            one if isinstance(one, str) else "{}={:g}".format(*one)
            for one in table["next"].iloc[row]
        )
    return str(table["label"].iloc[row]) if "label" in table else ""


def _names(parts: list[tuple[str, int, int]]) -> str:
    """The names of parts of a text, each once."""
    return " + ".join(sorted({name for name, _, _ in parts})) or say("none")


def said(answer: Any, right: str = "") -> dict[str, Any]:
    """An answer in words: what, how sure, and how probable the right one was."""
    if isinstance(answer, Label):
        chance = answer.probabilities.get(right)
        return {"said": answer.label, "sure": answer.probability, "right": chance}
    if isinstance(answer, Labels):
        chances = [answer.probabilities.get(name, 0.0) for name in answer.labels]
        sure = min(chances) if chances else 1 - max(answer.probabilities.values(), default=0.0)
        return {"said": " + ".join(answer.labels) or say("none"), "sure": sure, "right": None}
    if isinstance(answer, Ratings):
        told = [f"{answer.titles.get(name, name)}={mark:.2f}" for name, mark in answer.items[:3]]
        return {"said": " + ".join(told) or f"{answer.otherwise:.2f}", "sure": None, "right": None}
    if isinstance(answer, Ranking):
        names = [answer.titles.get(name, name) for name in answer.names[:3]]
        first = answer.items[0][1] if answer.items else None
        return {"said": " + ".join(names) or say("none"), "sure": first, "right": None}
    if (parts := texts.answered(answer)) is not None:
        least = min(getattr(answer, "probabilities", ()), default=None)
        return {"said": _names(parts), "sure": least, "right": None}
    return {"said": say("no answer"), "sure": None, "right": None}
