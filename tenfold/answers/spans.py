"""The answer kind of span extraction: spans of a text with their types.

A span is correct if its type and both ends are correct (exact match, as in the CoNLL evaluation).
Intervals resample whole texts, or whole groups of texts; without groups, that of macro F1 is a
normal approximation over types. Rows have `text`, `places` (character positions of the tokens) and
`tags`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from tenfold.answers import calibration
from tenfold.answers.intervals import Sampling, Weighted
from tenfold.answers.kind import Answer, AnswerKind, Change, MetricValues, Recalled
from tenfold.answers.metric import MACRO_F1, Metric
from tenfold.answers.sections import class_pieces
from tenfold.core.language import say
from tenfold.core.results import Prediction
from tenfold.core.settings import setting
from tenfold.core.text import natural
from tenfold.media.text import tag_schemes

__all__ = [
    "SPANS",
    "Marked",
    "Spans",
    "SpansKind",
    "calibrated",
    "marked_names",
    "only",
    "precision_recall",
    "ratio",
    "surest",
    "true_marks",
]


Marked = tuple[str, int, int]
"""A name with start and end characters in the original text, end excluded."""


@dataclass(frozen=True)
class Spans(Prediction):
    """Predicted spans of a text with their types, in order; one probability for each span."""

    columns: ClassVar[tuple[str, ...]] = ("spans",)
    spans: tuple[Marked, ...]
    probabilities: tuple[float, ...]

    @property
    def line(self) -> str:
        """One line for the terminal, with cells separated by tabs."""
        return "\t".join(f"{kind} {start}-{end}" for kind, start, end in self.spans) or "-"

    @property
    def cells(self) -> tuple[str, ...]:
        """Values of `columns` in a table of predictions."""
        return (json.dumps(self.spans, ensure_ascii=False),)

    @property
    def chances(self) -> dict[str, float]:
        """The highest probability among the spans of each type, by type."""
        return surest((name for name, *_ in self.spans), self.probabilities)


SpanTuple = tuple[str, int, int]

# --- true and predicted spans ---------------------------------------------------------------------


def _gold(table: pd.DataFrame) -> list[set[SpanTuple]]:
    return [
        set(tag_schemes.spans_of(tags, places))
        for tags, places in zip(table["tags"], table["places"], strict=True)
    ]


def _told(answers: Sequence[Answer]) -> list[dict[SpanTuple, float]]:
    """Returns {span: probability} of each row; empty if the row could not be read."""
    return [
        dict(zip(one.spans, one.probabilities, strict=True)) if isinstance(one, Spans) else {}
        for one in answers
    ]


def true_marks(table: pd.DataFrame, row: int) -> list[Marked]:
    """Returns the marked parts of a labelled row; [] if the table has no tags.

    A B- tag and the I- tags that continue it are one part; O marks nothing.
    """
    found: list[Marked] = []
    if not {"tags", "places"} <= set(table):
        return found
    for tag, (start, end) in zip(table["tags"].iloc[row], table["places"].iloc[row], strict=True):
        name = tag[2:] if tag[:2] in ("B-", "I-") else tag
        if tag[:2] == "I-" and found and found[-1][0] == name:
            found[-1] = (name, found[-1][1], int(end))
        elif tag != "O":
            found.append((name, int(start), int(end)))
    return found


def marked_names(parts: Iterable[Marked]) -> str:
    """Returns the different names of parts of a text, joined to one text."""
    return " + ".join(sorted({name for name, _, _ in parts})) or say("none")


def only(
    parts: Iterable[Marked], probabilities: Iterable[float], name: str
) -> tuple[tuple[Marked, ...], tuple[float, ...]]:
    """Returns the parts with this name, and their probabilities."""
    pairs = zip(parts, probabilities, strict=True)
    kept = [(part, chance) for part, chance in pairs if part[0] == name]
    return tuple(part for part, _ in kept), tuple(chance for _, chance in kept)


def surest(names: Iterable[str], probabilities: Iterable[float]) -> dict[str, float]:
    """Returns the highest probability of each name."""
    pairs = zip(names, probabilities, strict=True)
    return {name: chance for chance, name in sorted((chance, name) for name, chance in pairs)}


def _counts(answers: Sequence[Answer], table: pd.DataFrame) -> np.ndarray:
    """Returns (N, 3) counts of correct, predicted and true spans."""
    pairs = zip(_told(answers), _gold(table), strict=True)
    rows = [(len(gold & told.keys()), len(told), len(gold)) for told, gold in pairs]
    return np.array(rows, np.int64).reshape(-1, 3)


def precision_recall(right: float, told: float, there: float) -> dict[str, float]:
    """Returns precision, recall and F1 from counts: correct, predicted (`told`), true (`there`)."""
    return {
        "precision": right / told if told else 0.0,
        "recall": right / there if there else 0.0,
        "f1": 2 * right / (told + there) if told + there else 0.0,
    }


def _by_type(answers: Sequence[Answer], table: pd.DataFrame) -> list[dict[str, Any]]:
    """Returns precision, recall, F1 and support of each type."""
    right, said, there = Counter[str](), Counter[str](), Counter[str]()
    for told, gold in zip(_told(answers), _gold(table), strict=True):
        right.update(kind for kind, *_ in gold & told.keys())
        said.update(kind for kind, *_ in told)
        there.update(kind for kind, *_ in gold)
    return [
        {
            "class": kind,
            **precision_recall(right[kind], said[kind], there[kind]),
            "support": there[kind],
        }
        for kind in sorted(said | there, key=natural)
    ]


# --- spans ----------------------------------------------------------------------------------------


def _metrics(answers: Sequence[Answer], table: pd.DataFrame, sampling: Sampling) -> MetricValues:
    counts = _counts(answers, table)

    def metric(name: str, weights: np.ndarray) -> float:
        return precision_recall(*(weights @ counts))[name]

    named = {"entity_f1": "f1", "precision": "precision", "recall": "recall"}
    found = {
        name: sampling.resampled(partial(metric, key), len(counts)) for name, key in named.items()
    }
    types = [one["f1"] for one in _by_type(answers, table) if one["support"]]
    macro_f1 = partial(_macro_f1, _type_counts(answers, table))
    return found | {"macro_f1": sampling.over_classes(types, macro_f1, len(counts))}


def _type_counts(answers: Sequence[Answer], table: pd.DataFrame) -> np.ndarray:
    """Returns (N, 3, K) counts of correct, predicted and true spans of each of K types."""
    pairs = list(zip(_told(answers), _gold(table), strict=True))
    names = sorted({kind for told, gold in pairs for kind, *_ in gold | told.keys()})
    place = {name: number for number, name in enumerate(names)}
    found = np.zeros((len(pairs), 3, len(names)), np.int64)
    for row, (told, gold) in enumerate(pairs):
        for column, spans in enumerate((gold & told.keys(), told, gold)):
            for kind, *_ in spans:
                found[row, column, place[kind]] += 1
    return found


def _macro_f1(counts: np.ndarray, weights: np.ndarray) -> float:
    """Returns the mean F1 of the types with true spans.

    `counts` (N, 3, K) is the result of `_type_counts`, `weights` (N,) how often each row is drawn.
    """
    right, told, there = np.tensordot(weights, counts, 1)
    scores = (2 * right / np.maximum(1, told + there))[there > 0]
    return float(scores.mean()) if len(scores) else 0.0


def _constant(train: pd.DataFrame) -> Spans:
    """Predicts no span; a constant non-empty prediction would almost never be correct."""
    return Spans((), ())


def _types(row: Any) -> set[str]:
    """Returns the types of the spans in a row of tags."""
    return {tag[2:] for tag in row if tag[:2] in ("B-", "I-")}


def _renamed(tag: str, names: Mapping[str, str | None]) -> str:
    """Returns the tag with the new name of its type; O if the type is dropped."""
    new = names.get(tag[2:], tag[2:]) if tag != "O" else None
    return f"{tag[:2]}{new}" if new else "O"


def _recalled(answers: Sequence[Answer], table: pd.DataFrame) -> Recalled:
    found = [
        (row, span[0], span in told)
        for row, (told, gold) in enumerate(zip(_told(answers), _gold(table), strict=True))
        for span in gold
    ]
    rows = np.array([row for row, _, _ in found], np.int64)
    hits = np.array([hit for _, _, hit in found], bool)
    return Recalled(rows, [name for _, name, _ in found], hits)


def _retained(before: Spans, after: Spans) -> float:
    now = _told([after])[0]
    return float(np.mean([now.get(span, 0.0) for span in before.spans])) if before.spans else 1.0


def _worst(answers: Sequence[Answer], table: pd.DataFrame) -> list[int]:
    counts = _counts(answers, table)
    wrong = counts[:, 1] + counts[:, 2] - 2 * counts[:, 0]
    return [int(row) for row in np.argsort(-wrong, kind="stable") if wrong[row]]


def _bootstrap(answers: Sequence[Answer], table: pd.DataFrame) -> Weighted:
    counts = _counts(answers, table)
    return np.stack([2 * counts[:, 0], counts[:, 1] + counts[:, 2]], 1), ratio


def ratio(rows: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Returns the sum of column 0 divided by the sum of column 1, (R,).

    `rows` (U, 2) are weighted by `counts` (R, U).
    """
    return np.asarray(counts @ rows[:, 0] / np.maximum(1, counts @ rows[:, 1]))


def _calibration(answers: Sequence[Answer], table: pd.DataFrame, change: Change) -> dict[str, Any]:
    """Computes the calibration over all predicted spans."""
    pairs = list(zip(_told(answers), _gold(table), strict=True))
    sure = np.array([chance for told, _ in pairs for chance in told.values()], float)
    right = np.array([span in gold for told, gold in pairs for span in told], bool)
    return calibrated(change(sure[:, None])[:, 0], right)


def calibrated(sure: np.ndarray, right: np.ndarray) -> dict[str, Any]:
    """Returns calibration error, log loss and reliability of M decisions as JSON.

    `sure` (M,) are probabilities; `right` (M,) is True for correct decisions.
    """
    loss = -np.log(np.where(right, sure, 1 - sure).clip(1e-7, 1.0))
    return calibration.certainty(sure, right, float(loss.mean()) if len(loss) else 0.0)


def _same_decision(before: Spans, after: Spans, tolerance: float) -> bool:
    """Returns True if both have the same spans, or if they are tied.

    They are tied if every span they disagree on has a probability below 0.5 + `tolerance`. With a
    tolerance of 0 there are no ties.
    """
    one, other = _told([before])[0], _told([after])[0]
    moved = one.keys() ^ other.keys()
    chances = [one.get(span, other.get(span, 1.0)) for span in moved]
    return not moved or (tolerance > 0 and max(chances) < 0.5 + tolerance)


# --- answer kind ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class SpansOptions:
    """Prediction options of spans."""

    threshold: float = setting(
        0.0, "threshold: smallest probability of a predicted span", low=0.0, high=1.0
    )


class SpansKind(AnswerKind):
    """Spans of a text; the true label is a B-, I- or O tag for each token, in the column `tags`."""

    name = "spans"
    prediction = Spans
    truths = ("tags",)
    options = SpansOptions
    headline = "entity_f1"
    metrics: ClassVar[dict[str, Metric]] = {
        "entity_f1": Metric("Entity F1", "F1 of spans with the correct type and boundaries"),
        "precision": Metric("Precision", "share of the predicted spans that are correct"),
        "recall": Metric("Recall", "share of the true spans that are found"),
        "macro_f1": MACRO_F1,
    }

    def strata(self, table: pd.DataFrame) -> list[tuple[str, ...]]:
        return [tuple(sorted(_types(row))) for row in table["tags"]]

    def counts(self, table: pd.DataFrame) -> Counter[str]:
        return Counter(name for row in table.get("tags", ()) for name in _types(row))

    def classes_in(self, table: pd.DataFrame) -> set[str]:
        return {name for row in table["tags"] for name in _types(row)}

    def renamed(
        self, table: pd.DataFrame, names: Mapping[str, str | None]
    ) -> tuple[pd.DataFrame, np.ndarray]:
        rows = [tuple(_renamed(tag, names) for tag in row) for row in table["tags"]]
        renamed = pd.Series(rows, table.index, dtype=object)
        return table.assign(tags=renamed), np.zeros(len(table), bool)

    def truth_text(self, table: pd.DataFrame, row: int) -> str:
        return marked_names(true_marks(table, row)) if "tags" in table else ""

    measure = staticmethod(_metrics)
    constant = staticmethod(_constant)
    retained = staticmethod(_retained)
    worst = staticmethod(_worst)
    bootstrap = staticmethod(_bootstrap)
    same_decision = staticmethod(_same_decision)

    def details(
        self, answers: Sequence[Answer], table: pd.DataFrame, sampling: Sampling
    ) -> dict[str, Any]:
        return {"classes": _by_type(answers, table)}

    recalled = staticmethod(_recalled)

    calibration = staticmethod(_calibration)

    def words(self, answer: Spans, truth: str = "") -> dict[str, Any]:
        least = min(answer.probabilities, default=None)
        return {"said": marked_names(answer.spans), "sure": least, "right": None}

    def explainable(self, truths: Mapping[str, Any]) -> list[str]:
        return sorted(_types(truths["tags"]), key=natural)

    def about(self, answer: Spans, name: str) -> Spans:
        return Spans(*only(answer.spans, answer.probabilities, name))

    def marks(self, answer: Spans) -> list[Marked]:
        return sorted(answer.spans, key=lambda one: one[1])

    true_marks = staticmethod(true_marks)
    pieces = staticmethod(class_pieces)


SPANS = SpansKind()
