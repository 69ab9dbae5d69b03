"""Scores where answers are spans of a text, or a tag for each of its tokens.

A span is right where type and both ends are (exact match, as CoNLL's evaluation counts it).
Intervals resample whole texts. Rows have `text`, `places` and `tags`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from tenfold.answers import calibration
from tenfold.answers.intervals import Weighted, resampled
from tenfold.answers.kind import Answer, AnswerKind, Change, MetricValues, natural
from tenfold.core.results import Prediction
from tenfold.media.text import tag_schemes

__all__ = ["SPANS", "TAGS", "Marked", "Spans", "Tags"]


Marked = tuple[str, int, int]
"""A name, the first character and the one behind the last, in the text as it was given."""


@dataclass(frozen=True)
class Spans(Prediction):
    """Parts of a text with their types, in order; `probabilities` one a span."""

    columns: ClassVar[tuple[str, ...]] = ("spans",)
    spans: tuple[Marked, ...]
    probabilities: tuple[float, ...]

    @property
    def line(self) -> str:
        """On a terminal, cells with tabs between."""
        return "\t".join(f"{kind} {start}-{end}" for kind, start, end in self.spans) or "-"

    @property
    def cells(self) -> tuple[str, ...]:
        """What stands in `columns` of a table of answers."""
        return (json.dumps(self.spans, ensure_ascii=False),)

    @property
    def chances(self) -> dict[str, float]:
        """The surest of each name, by name."""
        pairs = zip(self.spans, self.probabilities, strict=True)
        return {name: chance for chance, name in sorted((one, name) for (name, *_), one in pairs)}

    def about(self, name: str) -> Spans:
        """The spans of one type."""
        pairs = zip(self.spans, self.probabilities, strict=True)
        kept = [(span, chance) for span, chance in pairs if span[0] == name]
        return Spans(tuple(span for span, _ in kept), tuple(chance for _, chance in kept))

    def weighed_by(self, other: Any) -> Spans:
        """The same: each span has a probability of its own."""
        return self


@dataclass(frozen=True)
class Tags(Prediction):
    """A tag for each token of a text, in order; `probabilities` one a token."""

    columns: ClassVar[tuple[str, ...]] = ("tags",)
    tags: tuple[Marked, ...]
    probabilities: tuple[float, ...]

    @property
    def line(self) -> str:
        """On a terminal."""
        return " ".join(tag for tag, *_ in self.tags) or "-"

    @property
    def cells(self) -> tuple[str, ...]:
        """What stands in `columns` of a table of answers."""
        return (json.dumps(self.tags, ensure_ascii=False),)

    @property
    def chances(self) -> dict[str, float]:
        """The surest of each name, by name."""
        pairs = zip(self.tags, self.probabilities, strict=True)
        return {name: chance for chance, name in sorted((one, name) for (name, *_), one in pairs)}

    def about(self, name: str) -> Tags:
        """The tokens of one tag."""
        pairs = zip(self.tags, self.probabilities, strict=True)
        kept = [(tag, chance) for tag, chance in pairs if tag[0] == name]
        return Tags(tuple(tag for tag, _ in kept), tuple(chance for _, chance in kept))

    def weighed_by(self, other: Any) -> Tags:
        """The same: each tag has a probability of its own."""
        return self


SpanTuple = tuple[str, int, int]

# --- what was there, what was said ----------------------------------------------------------------


def _gold(table: pd.DataFrame) -> list[set[SpanTuple]]:
    return [
        set(tag_schemes.spans_of(tags, places))
        for tags, places in zip(table["tags"], table["places"], strict=True)
    ]


def _told(answers: Sequence[Answer]) -> list[dict[SpanTuple, float]]:
    """Spans with their probabilities; nothing where a row could not be read."""
    return [
        dict(zip(one.spans, one.probabilities, strict=True)) if isinstance(one, Spans) else {}
        for one in answers
    ]


def _counts(answers: Sequence[Answer], table: pd.DataFrame) -> np.ndarray:
    """(N, 3) spans that are right, said, there."""
    pairs = zip(_told(answers), _gold(table), strict=True)
    rows = [(len(gold & told.keys()), len(told), len(gold)) for told, gold in pairs]
    return np.array(rows, np.int64).reshape(-1, 3)


def _each(right: float, told: float, there: float) -> dict[str, float]:
    return {
        "precision": right / told if told else 0.0,
        "recall": right / there if there else 0.0,
        "f1": 2 * right / (told + there) if told + there else 0.0,
    }


def _by_type(answers: Sequence[Answer], table: pd.DataFrame) -> list[dict[str, Any]]:
    """Precision, recall, F1 and support of every type."""
    right, said, there = Counter[str](), Counter[str](), Counter[str]()
    for told, gold in zip(_told(answers), _gold(table), strict=True):
        right.update(kind for kind, *_ in gold & told.keys())
        said.update(kind for kind, *_ in told)
        there.update(kind for kind, *_ in gold)
    return [
        {"class": kind, **_each(right[kind], said[kind], there[kind]), "support": there[kind]}
        for kind in sorted(said | there, key=natural)
    ]


# --- spans ----------------------------------------------------------------------------------------


def _metrics(answers: Sequence[Answer], table: pd.DataFrame, times: int) -> MetricValues:
    counts = _counts(answers, table)
    ones = np.ones(len(counts), np.int64)

    def metric(name: str, weights: np.ndarray) -> float:
        return _each(*(weights @ counts))[name]

    named = {"entity_f1": "f1", "precision": "precision", "recall": "recall"}
    found = {name: resampled(partial(metric, key), ones, times) for name, key in named.items()}
    types = [one["f1"] for one in _by_type(answers, table) if one["support"]]
    mean = float(np.mean(types)) if types else 0.0
    half = 1.96 * float(np.std(types)) / max(1, len(types)) ** 0.5
    return found | {"macro_f1": (mean, max(0.0, mean - half), min(1.0, mean + half))}


def _constant(train: pd.DataFrame) -> Spans:
    """No span: whatever else is said of every text is hardly ever right."""
    return Spans((), ())


def _retained(before: Spans, after: Spans) -> float:
    now = _told([after])[0]
    return float(np.mean([now.get(span, 0.0) for span in before.spans])) if before.spans else 1.0


def _details(answers: Sequence[Answer], table: pd.DataFrame) -> dict[str, Any]:
    return {"classes": _by_type(answers, table)}


def _worst(answers: Sequence[Answer], table: pd.DataFrame) -> list[int]:
    counts = _counts(answers, table)
    wrong = counts[:, 1] + counts[:, 2] - 2 * counts[:, 0]
    return [int(row) for row in np.argsort(-wrong, kind="stable") if wrong[row]]


def _bootstrap(answers: Sequence[Answer], table: pd.DataFrame) -> Weighted:
    counts = _counts(answers, table)
    return np.stack([2 * counts[:, 0], counts[:, 1] + counts[:, 2]], 1), _ratio


def _ratio(rows: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.asarray(counts @ rows[:, 0] / np.maximum(1, counts @ rows[:, 1]))


def _calibration(answers: Sequence[Answer], table: pd.DataFrame, change: Change) -> dict[str, Any]:
    """Of every span that was said."""
    pairs = list(zip(_told(answers), _gold(table), strict=True))
    sure = np.array([chance for told, _ in pairs for chance in told.values()], float)
    right = np.array([span in gold for told, gold in pairs for span in told], bool)
    return _sure(change(sure[:, None])[:, 0], right)


def _sure(sure: np.ndarray, right: np.ndarray) -> dict[str, Any]:
    loss = -np.log(np.where(right, sure, 1 - sure).clip(1e-7, 1.0))
    return calibration.certainty(sure, right, float(loss.mean()) if len(loss) else 0.0)


def _same_decision(before: Spans, after: Spans, tolerance: float) -> bool:
    """Ties are between ways through the tags of which none is more probable than a half."""
    one, other = _told([before])[0], _told([after])[0]
    moved = one.keys() ^ other.keys()
    chances = [one.get(span, other.get(span, 1.0)) for span in moved]
    return not moved or (tolerance > 0 and max(chances) < 0.5 + tolerance)


SPANS = AnswerKind(
    "entity_f1",
    _metrics,
    _constant,
    _retained,
    _details,
    _worst,
    _bootstrap,
    _calibration,
    _same_decision,
)


# --- a tag for each token -------------------------------------------------------------------------


def _tags(answers: Sequence[Answer], table: pd.DataFrame) -> list[list[tuple[str, str]]]:
    """(truth, said) of every token of every row; "" where nothing was said at its place."""
    found = []
    for one, tags, places in zip(answers, table["tags"], table["places"], strict=True):
        told = {(start, end): tag for tag, start, end in one.tags} if isinstance(one, Tags) else {}
        found.append(
            [(tag, told.get(tuple(place), "")) for tag, place in zip(tags, places, strict=True)]
        )
    return found


def _shares(pairs: list[list[tuple[str, str]]]) -> np.ndarray:
    """(N, 2) tokens that are right, and all."""
    rows = [(sum(truth == said for truth, said in row), len(row)) for row in pairs]
    return np.array(rows, np.int64).reshape(-1, 2)


def _confusion(pairs: list[list[tuple[str, str]]]) -> tuple[list[str], np.ndarray]:
    """Tags in order, and (K + 1, K + 1) counts, truth down, said across; the last = neither."""
    names = sorted({tag for row in pairs for pair in row for tag in pair if tag}, key=natural)
    place = {name: number for number, name in enumerate(names)} | {"": len(names)}
    counts = np.zeros((len(names) + 1, len(names) + 1), np.int64)
    for (truth, said), times in Counter(pair for row in pairs for pair in row).items():
        counts[place[truth], place[said]] = times
    return names, counts


def _per_tag(names: list[str], counts: np.ndarray) -> list[dict[str, Any]]:
    hit, said, there = counts.diagonal(), counts.sum(0), counts.sum(1)
    return [
        {"class": name, **_each(hit[at], said[at], there[at]), "support": int(there[at])}
        for at, name in enumerate(names)
    ]


def _tag_metrics(answers: Sequence[Answer], table: pd.DataFrame, times: int) -> MetricValues:
    pairs = _tags(answers, table)
    shares, cells = _shares(pairs), _confusion(pairs)[1]

    def accuracy(weights: np.ndarray) -> float:
        return float(_ratio(shares, weights))

    def macro(flat: np.ndarray) -> float:
        counts = flat.reshape(cells.shape)
        names = [str(at) for at in range(len(cells) - 1)]
        f1 = [one["f1"] for one in _per_tag(names, counts) if one["support"]]
        return float(np.mean(f1)) if f1 else 0.0

    ones = np.ones(len(shares), np.int64)
    return {
        "accuracy": resampled(accuracy, ones, times),
        "macro_f1": resampled(macro, cells.ravel(), times),
    }


def _tag_guess(train: pd.DataFrame) -> Tags:
    """The most frequent tag, to be laid over the tokens of every row."""
    counts = Counter(tag for tags in train["tags"] for tag in tags)
    tag, times = max(counts.items(), key=lambda item: (item[1], item[0]), default=("", 0))
    return Tags(((tag, 0, 0),), (times / max(1, counts.total()),))


def _broadcast_tokens(constant: Tags, table: pd.DataFrame) -> list[Tags]:
    ((tag, *_),), (share,) = constant.tags, constant.probabilities
    return [
        Tags(tuple((tag, start, end) for start, end in places), (share,) * len(places))
        for places in table["places"]
    ]


def _tag_survives(before: Tags, after: Tags) -> float:
    now = dict(zip(after.tags, after.probabilities, strict=True))
    return float(np.mean([now.get(tag, 0.0) for tag in before.tags])) if before.tags else 1.0


def _tag_details(answers: Sequence[Answer], table: pd.DataFrame) -> dict[str, Any]:
    names, counts = _confusion(_tags(answers, table))
    return {"classes": _per_tag(names, counts), "confusion": counts.tolist()}


def _tag_worst(answers: Sequence[Answer], table: pd.DataFrame) -> list[int]:
    shares = _shares(_tags(answers, table))
    wrong = shares[:, 1] - shares[:, 0]
    return [int(row) for row in np.argsort(-wrong, kind="stable") if wrong[row]]


def _tag_weighed(answers: Sequence[Answer], table: pd.DataFrame) -> Weighted:
    return _shares(_tags(answers, table)), _ratio


def _tag_certainty(
    answers: Sequence[Answer], table: pd.DataFrame, change: Change
) -> dict[str, Any]:
    sure, right = list[float](), list[bool]()
    for one, tags, places in zip(answers, table["tags"], table["places"], strict=True):
        gold = {tuple(place): tag for tag, place in zip(tags, places, strict=True)}
        if isinstance(one, Tags):
            sure += one.probabilities
            right += [gold.get((start, end)) == tag for tag, start, end in one.tags]
    return _sure(change(np.array(sure, float)[:, None])[:, 0], np.array(right, bool))


def _tag_alike(before: Tags, after: Tags, tolerance: float) -> bool:
    one = dict(zip(before.tags, before.probabilities, strict=True))
    other = dict(zip(after.tags, after.probabilities, strict=True))
    moved = one.keys() ^ other.keys()
    chances = [one.get(tag, other.get(tag, 1.0)) for tag in moved]
    return not moved or (tolerance > 0 and max(chances) < 0.5 + tolerance)


TAGS = AnswerKind(
    "accuracy",
    _tag_metrics,
    _tag_guess,
    _tag_survives,
    _tag_details,
    _tag_worst,
    _tag_weighed,
    _tag_certainty,
    _tag_alike,
    broadcast=_broadcast_tokens,
)
