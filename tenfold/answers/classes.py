"""Functions shared by classification tasks: facts about classes, targets and predictions.

Shapes: N rows, K classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tenfold.answers.classification.costs import EQUAL, cost_matrix
from tenfold.answers.kind import AnswerKind
from tenfold.answers.label import LABEL, Label
from tenfold.answers.labels import LABELS, Labels
from tenfold.core.results import Prediction
from tenfold.core.rows import Rows
from tenfold.core.text import natural

__all__ = ["answers", "answers_of", "kind_in", "kind_of", "targets"]


def kind_in(table: pd.DataFrame) -> AnswerKind:
    """Returns the answer kind of rows: LABELS if they are multi-label, else LABEL."""
    return LABELS if LABELS.truths[0] in table else LABEL


def kind_of(truths: dict[str, Any]) -> AnswerKind:
    """Returns the answer kind of a run, from the facts that `answers` returned."""
    return LABELS if truths["several"] else LABEL


def answers(train: Rows) -> dict[str, Any]:
    """Returns facts about the classes of the training rows.

    `classes` are their names in the order of `natural`, `counts` are the numbers of their training
    rows, and `several` is True for multi-label data.
    """
    counts = train.answer.counts(train.table)
    classes = sorted(counts, key=natural)
    return {
        "classes": classes,
        "counts": [counts[name] for name in classes],
        "several": train.answer is LABELS,
    }


def targets(table: pd.DataFrame, answers: dict[str, Any]) -> dict[str, np.ndarray]:
    """Returns the targets of the loss: `label` (N,), or `labels` (N, K) for multi-label data.

    A label is a class number, -1 for a class not in training; `labels` holds zeros and ones.
    """
    place = {name: number for number, name in enumerate(answers["classes"])}
    if answers["several"]:
        rows = [[name in row for name in place] for row in table["labels"]]
        return {"labels": np.array(rows, np.uint8).reshape(len(table), len(place))}
    return {"label": table["label"].map(place).fillna(-1).to_numpy(np.int64)}


def answers_of(
    probabilities: np.ndarray, answers: dict[str, Any], options: Any
) -> list[Prediction]:
    """Converts probabilities (N, K) to one prediction for each row.

    `options` are the options of the answer kind.
    """
    classes, several = answers["classes"], answers["several"]
    costs = None if several or options.costs == EQUAL else cost_matrix(options.costs, classes)
    return [_answer(row, classes, several, options, costs) for row in probabilities]


def _answer(
    row: np.ndarray, classes: list[str], several: bool, options: Any, costs: np.ndarray | None
) -> Prediction:
    """Returns the prediction of a row; with `costs` (K, K), that of the lowest expected cost."""
    order = np.argsort(-row, kind="stable")
    kept = order[: options.top] if options.top else order
    if not several and options.threshold:
        kept = kept[row[kept] >= options.threshold]
    chances = {classes[number]: round(float(row[number]), 6) for number in kept}
    if several:
        chosen = tuple(classes[number] for number in order if row[number] >= options.threshold)
        return Labels(chosen, chances)
    best = order[0] if costs is None else int(np.argmin(row.astype(np.float64) @ costs))
    return Label(classes[best], chances)
