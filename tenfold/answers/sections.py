"""What a report shows of an answer kind: the table of classes, confusions, sections of its own.

`AnswerKind.pieces` gives a dictionary that the report's template draws: `classes` (with
`classes_cut` and the chart `support`), `matrix`, `confused`, and `sections`, which are drawn alike
for every kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tenfold.answers import charts
from tenfold.core.language import say

__all__ = ["Cell", "Section", "SectionTable", "class_pieces", "matrix_pieces"]

MAX_MATRIX_CLASSES = 30
MAX_TABLE_CLASSES, MAX_CONFUSED_PAIRS = 200, 12


@dataclass(frozen=True)
class Cell:
    """One cell of a table: its text, and a share from 0 to 1 where a bar is drawn beside it."""

    text: str
    share: float | None = None


@dataclass(frozen=True)
class SectionTable:
    """A table under its title; the columns from `numbers` on are numbers, set to the right."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    numbers: int = 1


@dataclass(frozen=True)
class Section:
    """A section of the report: figures with their names, a remark, tables, charts (SVG)."""

    id: str
    title: str
    figures: Sequence[tuple[str, str]] = ()
    remark: str = ""
    tables: Sequence[SectionTable] = field(default=())
    charts: Sequence[str] = ()


def class_pieces(details: dict[str, Any]) -> dict[str, Any]:
    """Precision, recall, F1 and support; of very many classes those with the lowest F1."""
    classes = details.get("classes", [])
    found: dict[str, Any] = {"classes": classes, "classes_cut": 0, "confused": [], "sections": []}
    if len(classes) > MAX_TABLE_CLASSES:
        lowest = sorted(classes, key=lambda one: float(one["f1"]))[:MAX_TABLE_CLASSES]
        found |= {"classes": lowest, "classes_cut": len(classes) - MAX_TABLE_CLASSES}
    if len([one for one in classes if one["support"]]) > 10:
        found["support"] = charts.support(classes)
    return found


def matrix_pieces(details: dict[str, Any]) -> dict[str, Any]:
    """The table of classes with the confusion matrix and the pairs confused most often."""
    found = class_pieces(details)
    names = [one["class"] for one in details.get("classes", [])]
    if counts := details.get("confusion"):
        found["confused"] = _confused(names, np.array(counts))
        if len(names) <= MAX_MATRIX_CLASSES:
            found["matrix"] = _matrix(names, np.array(counts))
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
    order = np.argsort(-errors, axis=None, kind="stable")[:MAX_CONFUSED_PAIRS]
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
