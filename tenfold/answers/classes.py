"""What tasks share whose answers are classes: what is learnt of them, targets, answers.

Shapes: N rows, K classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tenfold.answers.label import Label
from tenfold.answers.multilabel import Labels
from tenfold.answers.scoring import natural
from tenfold.core.results import Prediction

__all__ = ["answers", "answers_of", "targets"]


def answers(train: pd.DataFrame) -> dict[str, Any]:
    """`classes` in natural order, their `counts` among training rows, `several` = many a row."""
    several = "labels" in train
    names = train["labels"].explode().dropna() if several else train["label"]
    counts = names.value_counts()
    classes = sorted(map(str, counts.index), key=natural)
    return {
        "classes": classes,
        "counts": [int(counts[name]) for name in classes],
        "several": several,
    }


def targets(table: pd.DataFrame, answers: dict[str, Any]) -> dict[str, np.ndarray]:
    """`label` (N,) with -1 for a class never learnt, or `labels` (N, K) of zeros and ones."""
    place = {name: number for number, name in enumerate(answers["classes"])}
    if answers["several"]:
        rows = [[name in row for name in place] for row in table["labels"]]
        return {"labels": np.array(rows, np.uint8).reshape(len(table), len(place))}
    return {"label": table["label"].map(place).fillna(-1).to_numpy(np.int64)}


def answers_of(
    probabilities: np.ndarray, answers: dict[str, Any], top: int, threshold: float
) -> list[Prediction]:
    """One answer for each row of probabilities (N, K); `top` classes are listed, 0 = all."""
    classes, several = answers["classes"], answers["several"]
    return [_answer(row, classes, several, top, threshold) for row in probabilities]


def _answer(
    row: np.ndarray, classes: list[str], several: bool, top: int, threshold: float
) -> Prediction:
    order = np.argsort(-row, kind="stable")
    kept = order[:top] if top else order
    chances = {classes[number]: round(float(row[number]), 6) for number in kept}
    if several:
        said = tuple(classes[number] for number in order if row[number] >= threshold)
        return Labels(said, chances)
    return Label(classes[order[0]], chances)
