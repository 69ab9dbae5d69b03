"""Parts of the report that depend on the answer kind: tables of classes, confusions, sections.

`AnswerKind.pieces` returns a dictionary for the report's template: `classes` (with `classes_cut`
and the chart `support`), `matrix`, `confused`, and `sections`, which have the same form for every
kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tenfold.answers import charts
from tenfold.core.language import say

__all__ = ["Cell", "Section", "SectionTable", "class_pieces", "matrix_pieces"]

Others = tuple[str, str]

MAX_MATRIX_CLASSES = 30
MAX_TABLE_CLASSES, MAX_CONFUSED_PAIRS = 200, 12


@dataclass(frozen=True)
class Cell:
    """One cell of a table: its text, and a share from 0 to 1 if a bar is drawn next to it."""

    text: str
    share: float | None = None


@dataclass(frozen=True)
class SectionTable:
    """A table with a title; the columns from index `numbers` on are numbers, right-aligned."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    numbers: int = 1


@dataclass(frozen=True)
class Section:
    """A section of the report: figures as (value, name), a remark, tables and charts (SVG)."""

    id: str
    title: str
    figures: Sequence[tuple[str, str]] = ()
    remark: str = ""
    tables: Sequence[SectionTable] = field(default=())
    charts: Sequence[str] = ()


def class_pieces(details: dict[str, Any]) -> dict[str, Any]:
    """Returns the table of classes (precision, recall, F1, support) for the report.

    With more than MAX_TABLE_CLASSES classes, only those with the lowest F1 are listed.
    """
    classes = details.get("classes", [])
    found: dict[str, Any] = {"classes": classes, "classes_cut": 0, "confused": [], "sections": []}
    if len(classes) > MAX_TABLE_CLASSES:
        lowest = sorted(classes, key=lambda one: float(one["f1"]))[:MAX_TABLE_CLASSES]
        found |= {"classes": lowest, "classes_cut": len(classes) - MAX_TABLE_CLASSES}
    if len([one for one in classes if one["support"]]) > 10:
        found["support"] = charts.support(classes)
    return found


def matrix_pieces(details: dict[str, Any], others: Others | None = None) -> dict[str, Any]:
    """Returns the table of classes, the confusion matrix and the most confused pairs.

    `others` are the names of the last row and the last column of the matrix.
    """
    found = class_pieces(details)
    names = [one["class"] for one in details.get("classes", [])]
    if counts := details.get("confusion"):
        pair = others or (say("an unknown class"), say("no answer"))
        found["confused"] = _confused(names, np.array(counts), pair)
        if len(names) <= MAX_MATRIX_CLASSES:
            heads = others or (say("unknown class"), say("no answer"))
            found["matrix"] = _matrix(names, np.array(counts), heads)
    return found


def _matrix(names: list[str], counts: np.ndarray, others: Others) -> dict[str, Any]:
    """Returns the confusion matrix as cells with count, share and heat (colour strength, 0 to 1).

    `right` marks correct predictions, which get another colour than errors.
    """
    down = [*names, others[0]] if counts[-1].any() else names
    across = [*names, others[1]] if counts[:, -1].any() else names
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


def _confused(names: list[str], counts: np.ndarray, others: Others) -> list[dict[str, Any]]:
    """Returns the pairs (true class, predicted class) that were confused most often."""
    down, across = [*names, others[0]], [*names, others[1]]
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
