"""The answer kind of token tagging: a tag for each token, such as its part of speech.

The interval of the accuracy resamples whole texts, the interval of macro F1 single tokens; if the
texts come in groups, both resample whole groups. Rows have `text`, `places` (character positions of
the tokens) and `tags`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from tenfold.answers.intervals import Sampling, Weighted
from tenfold.answers.kind import Answer, AnswerKind, Change, MetricValues, Recalled
from tenfold.answers.metric import ACCURACY, MACRO_F1, Metric
from tenfold.answers.sections import matrix_pieces
from tenfold.answers.spans import (
    Marked,
    calibrated,
    marked_names,
    only,
    precision_recall,
    ratio,
    surest,
    true_marks,
)
from tenfold.core.results import Prediction
from tenfold.core.text import natural

__all__ = ["TAGS", "Tags", "TagsKind"]


@dataclass(frozen=True)
class Tags(Prediction):
    """A predicted tag for each token of a text, in order; one probability for each token."""

    columns: ClassVar[tuple[str, ...]] = ("tags",)
    tags: tuple[Marked, ...]
    probabilities: tuple[float, ...]

    @property
    def line(self) -> str:
        """One line for the terminal: the tags separated by spaces."""
        return " ".join(tag for tag, *_ in self.tags) or "-"

    @property
    def cells(self) -> tuple[str, ...]:
        """Values of `columns` in a table of predictions."""
        return (json.dumps(self.tags, ensure_ascii=False),)

    @property
    def chances(self) -> dict[str, float]:
        """The highest probability of each tag, by tag."""
        return surest((name for name, *_ in self.tags), self.probabilities)


def _tags(answers: Sequence[Answer], table: pd.DataFrame) -> list[list[tuple[str, str]]]:
    """Returns (true tag, predicted tag) of each token of each row; "" = no prediction."""
    found = []
    for one, tags, places in zip(answers, table["tags"], table["places"], strict=True):
        told = {(start, end): tag for tag, start, end in one.tags} if isinstance(one, Tags) else {}
        found.append(
            [(tag, told.get(tuple(place), "")) for tag, place in zip(tags, places, strict=True)]
        )
    return found


def _shares(pairs: list[list[tuple[str, str]]]) -> np.ndarray:
    """Returns (N, 2) the number of correct tokens and of all tokens."""
    rows = [(sum(truth == said for truth, said in row), len(row)) for row in pairs]
    return np.array(rows, np.int64).reshape(-1, 2)


def _confusion(pairs: list[list[tuple[str, str]]]) -> tuple[list[str], np.ndarray]:
    """Returns the K tags in the order of `natural` and the confusion matrix (K + 1, K + 1).

    Rows are true tags, columns predicted tags; the last column counts tokens without a prediction.
    """
    names, cells = _cells(pairs)
    size = len(names) + 1
    return names, np.bincount(cells, minlength=size**2).reshape(size, size)


def _cells(pairs: list[list[tuple[str, str]]]) -> tuple[list[str], np.ndarray]:
    """Returns the K tags, and the cell of each of M tokens (M,) in the flat confusion matrix."""
    names = sorted({tag for row in pairs for pair in row for tag in pair if tag}, key=natural)
    place = {name: number for number, name in enumerate(names)} | {"": len(names)}
    size = len(place)
    found = [place[truth] * size + place[said] for row in pairs for truth, said in row]
    return names, np.array(found, np.int64)


def _per_tag(names: list[str], counts: np.ndarray) -> list[dict[str, Any]]:
    hit, said, there = counts.diagonal(), counts.sum(0), counts.sum(1)
    return [
        {"class": name, **precision_recall(hit[at], said[at], there[at]), "support": int(there[at])}
        for at, name in enumerate(names)
    ]


def _metrics(answers: Sequence[Answer], table: pd.DataFrame, sampling: Sampling) -> MetricValues:
    pairs = _tags(answers, table)
    shares, (tags, cells) = _shares(pairs), _cells(pairs)
    size, tokens = len(tags) + 1, sampling.at(np.repeat(np.arange(len(shares)), shares[:, 1]))

    def accuracy(weights: np.ndarray) -> float:
        return float(ratio(shares, weights))

    def macro(flat: np.ndarray) -> float:
        f1 = [one["f1"] for one in _per_tag(tags, flat.reshape(size, size)) if one["support"]]
        return float(np.mean(f1)) if f1 else 0.0

    return {
        "accuracy": sampling.resampled(accuracy, len(shares)),
        "macro_f1": tokens.resampled(macro, size**2, cells),
    }


def _constant(train: pd.DataFrame) -> Tags:
    """Returns the most frequent tag, which the baseline predicts for every token."""
    counts = Counter(tag for tags in train["tags"] for tag in tags)
    tag, times = max(counts.items(), key=lambda item: (item[1], item[0]), default=("", 0))
    return Tags(((tag, 0, 0),), (times / max(1, counts.total()),))


def _broadcast_tokens(constant: Tags, table: pd.DataFrame) -> list[Tags]:
    (tag, *_), share = constant.tags[0], constant.probabilities[0]
    return [
        Tags(tuple((tag, start, end) for start, end in places), (share,) * len(places))
        for places in table["places"]
    ]


def _retained(before: Tags, after: Tags) -> float:
    now = dict(zip(after.tags, after.probabilities, strict=True))
    return float(np.mean([now.get(tag, 0.0) for tag in before.tags])) if before.tags else 1.0


def _details(answers: Sequence[Answer], table: pd.DataFrame, sampling: Sampling) -> dict[str, Any]:
    names, counts = _confusion(_tags(answers, table))
    return {"classes": _per_tag(names, counts), "confusion": counts.tolist()}


def _recalled(answers: Sequence[Answer], table: pd.DataFrame) -> Recalled:
    found = [
        (row, truth, truth == said)
        for row, pairs in enumerate(_tags(answers, table))
        for truth, said in pairs
    ]
    rows = np.array([row for row, _, _ in found], np.int64)
    hits = np.array([hit for _, _, hit in found], bool)
    return Recalled(rows, [name for _, name, _ in found], hits)


def _worst(answers: Sequence[Answer], table: pd.DataFrame) -> list[int]:
    shares = _shares(_tags(answers, table))
    wrong = shares[:, 1] - shares[:, 0]
    return [int(row) for row in np.argsort(-wrong, kind="stable") if wrong[row]]


def _bootstrap(answers: Sequence[Answer], table: pd.DataFrame) -> Weighted:
    return _shares(_tags(answers, table)), ratio


def _calibration(answers: Sequence[Answer], table: pd.DataFrame, change: Change) -> dict[str, Any]:
    sure, right = list[float](), list[bool]()
    for one, tags, places in zip(answers, table["tags"], table["places"], strict=True):
        gold = {tuple(place): tag for tag, place in zip(tags, places, strict=True)}
        if isinstance(one, Tags):
            sure += one.probabilities
            right += [gold.get((start, end)) == tag for tag, start, end in one.tags]
    return calibrated(change(np.array(sure, float)[:, None])[:, 0], np.array(right, bool))


def _same_decision(before: Tags, after: Tags, tolerance: float) -> bool:
    one = dict(zip(before.tags, before.probabilities, strict=True))
    other = dict(zip(after.tags, after.probabilities, strict=True))
    moved = one.keys() ^ other.keys()
    chances = [one.get(tag, other.get(tag, 1.0)) for tag in moved]
    return not moved or (tolerance > 0 and max(chances) < 0.5 + tolerance)


# --- answer kind ----------------------------------------------------------------------------------


class TagsKind(AnswerKind):
    """A tag for each token; the true label is a tag for each token, in the column `tags`."""

    name = "tags"
    prediction = Tags
    truths = ("tags",)
    headline = "accuracy"
    metrics: ClassVar[dict[str, Metric]] = {"accuracy": ACCURACY, "macro_f1": MACRO_F1}

    def strata(self, table: pd.DataFrame) -> list[tuple[str, ...]]:
        return [tuple(sorted({*row})) for row in table["tags"]]

    def counts(self, table: pd.DataFrame) -> Counter[str]:
        return Counter(name for row in table.get("tags", ()) for name in {*row})

    def classes_in(self, table: pd.DataFrame) -> set[str]:
        return {name for row in table["tags"] for name in row}

    def renamed(
        self, table: pd.DataFrame, names: Mapping[str, str | None]
    ) -> tuple[pd.DataFrame, np.ndarray]:
        """Renames tags; a text that contains a dropped tag is dropped as a whole."""
        rows = [tuple(names.get(tag, tag) or "" for tag in row) for row in table["tags"]]
        gone = np.array(["" in row for row in rows], bool)
        return table.assign(tags=pd.Series(rows, table.index, dtype=object)), gone

    def truth_text(self, table: pd.DataFrame, row: int) -> str:
        return marked_names(true_marks(table, row)) if "tags" in table else ""

    measure = staticmethod(_metrics)
    constant = staticmethod(_constant)

    def baseline(self, train: pd.DataFrame, table: pd.DataFrame) -> Sequence[Answer]:
        return _broadcast_tokens(_constant(train), table)

    retained = staticmethod(_retained)
    worst = staticmethod(_worst)
    bootstrap = staticmethod(_bootstrap)
    same_decision = staticmethod(_same_decision)
    details = staticmethod(_details)
    recalled = staticmethod(_recalled)
    calibration = staticmethod(_calibration)

    def words(self, answer: Tags, truth: str = "") -> dict[str, Any]:
        least = min(answer.probabilities, default=None)
        return {"said": marked_names(answer.tags), "sure": least, "right": None}

    def explainable(self, truths: Mapping[str, Any]) -> list[str]:
        return list(truths["tags"])

    def about(self, answer: Tags, name: str) -> Tags:
        return Tags(*only(answer.tags, answer.probabilities, name))

    def marks(self, answer: Tags) -> list[Marked]:
        return sorted(answer.tags, key=lambda one: one[1])

    true_marks = staticmethod(true_marks)
    pieces = staticmethod(matrix_pieces)


TAGS = TagsKind()
