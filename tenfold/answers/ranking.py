"""Scores where the answer is a ranking of a catalogue. Rows have `items` and `next`.

Over the whole catalogue, never a sample of it (W. Krichene and S. Rendle, 2020). With one item
that came next, recall and hit rate are one number, and so are MRR and MAP.

Shapes: N rows, K places of a ranking.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from tenfold.answers import calibration
from tenfold.answers.intervals import Weighted, mean
from tenfold.answers.kind import Answer, AnswerKind, Change, MetricValues
from tenfold.answers.metrics.ranking import measures
from tenfold.core.results import Prediction

__all__ = ["RANKING", "Ranking", "popular"]


@dataclass(frozen=True)
class Ranking(Prediction):
    """What suits best first: `items` are (item, score); scores of a catalogue add up to one.

    `known` of the `given` items it was asked with are in the catalogue; where none is, the answer
    is what is most popular. `titles` are those of the items that have one.
    """

    columns: ClassVar[tuple[str, ...]] = ("items",)
    items: tuple[tuple[str, float], ...]
    known: int = 0
    given: int = 0
    titles: dict[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The items, best first."""
        return tuple(name for name, _ in self.items)

    @property
    def line(self) -> str:
        """On a terminal, cells with tabs between."""
        said = [f"{self.titles.get(name, name)} {score:.4f}" for name, score in self.items]
        few = f"{self.known} of {self.given} items known" if self.known < self.given else ""
        basis = few if self.known else "most popular" + (f", {few}" if few else "")
        return "\t".join([*said, f"({basis})"] if basis else said) or "-"

    @property
    def cells(self) -> tuple[str, ...]:
        """What stands in `columns` of a table of answers."""
        return ("|".join(self.names),)

    @property
    def chances(self) -> dict[str, float]:
        """The score of each item, by name."""
        return dict(self.items)

    def about(self, name: str) -> Ranking:
        """The same, as if that item alone had been recommended."""
        return replace(self, items=tuple(one for one in self.items if one[0] == name))

    def weighed_by(self, other: Any) -> Ranking:
        """The same: each item has a score of its own."""
        return self


PLACES = 10
DEEP = 2_000
"""Most popular items that a guess holds, from which those a person had are taken out."""


def _hits(answers: Sequence[Answer], table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    hits = np.zeros((len(answers), PLACES), bool)
    wanted = np.array([len(one) for one in table["next"]], np.int64)
    for row, (one, after) in enumerate(zip(answers, table["next"], strict=True)):
        if isinstance(one, Ranking):
            right = {*after}
            said = [name in right for name, _ in one.items[:PLACES]]
            hits[row, : len(said)] = said
    return hits, wanted


def _metrics(answers: Sequence[Answer], table: pd.DataFrame, times: int) -> MetricValues:
    return {name: mean(values) for name, values in measures(*_hits(answers, table)).items()}


def popular(train: pd.DataFrame) -> Counter[str]:
    """How many training rows hold each item."""
    counts: Counter[str] = Counter()
    for name in ("items", "next"):
        if name in train:
            for row in train[name]:
                counts.update(row)
    return counts


def _constant(train: pd.DataFrame) -> Ranking:
    """What is most popular, in order."""
    counts = popular(train)
    most, total = counts.most_common(DEEP), max(1, counts.total())
    ordered = sorted(most, key=lambda one: (-one[1], one[0]))
    return Ranking(tuple((name, round(count / total, 6)) for name, count in ordered))


def _broadcast(constant: Ranking, table: pd.DataFrame) -> list[Ranking]:
    """What is most popular, without what the person had."""
    had = table["items"] if "items" in table else [()] * len(table)
    found = []
    for row in had:
        seen, kept = {*row}, []
        for one in constant.items:
            if one[0] not in seen:
                kept.append(one)
                if len(kept) == PLACES:
                    break
        found.append(Ranking(tuple(kept)))
    return found


def _retained(before: Ranking, after: Ranking) -> float:
    """The share of what was said for the items that is still said for them."""
    whole, now = sum(score for _, score in before.items), after.chances
    return sum(now.get(name, 0.0) for name in before.names) / whole if whole else 1.0


def _details(answers: Sequence[Answer], table: pd.DataFrame) -> dict[str, Any]:
    """How much of what could be said is said, and how rows with few known items fare."""
    hits, wanted = _hits(answers, table)
    said = Counter(
        name for one in answers if isinstance(one, Ranking) for name in one.names[:PLACES]
    )
    found = measures(hits, wanted)[f"ndcg@{PLACES}"]
    known = np.array([getattr(one, "known", 0) for one in answers], np.int64)
    groups = []
    for least, most in ((0, 0), (1, 4), (5, 9), (10, 49), (50, None)):
        inside = (known >= least) & (known <= (most if most is not None else known.max(initial=0)))
        if inside.any():
            value, low, high = mean(found[inside])
            group = {"least": least, "most": most, "rows": int(inside.sum())}
            groups.append(group | {"value": value, "low": low, "high": high})
    titles = {name: title for one in answers for name, title in getattr(one, "titles", {}).items()}
    top = [
        {"item": name, "title": titles.get(name, name), "rows": count}
        for name, count in said.most_common(10)
    ]
    return {"recommended": len(said), "by_known": groups, "most_recommended": top}


def _extras(answers: Sequence[Answer], table: pd.DataFrame, train: pd.DataFrame) -> dict[str, Any]:
    """Coverage: the share of known items that is recommended at all. Novelty: bits of surprise.

    Novelty is the mean of -log2 of the share of people who had what is recommended (M. Zhou et al.
    2010); people who had it are counted in training.
    """
    counts = popular(train)
    people = max(1, len(train))
    said = [one.names[:PLACES] for one in answers if isinstance(one, Ranking)]
    surprise = [np.log2(people / max(1, counts[name])) for names in said for name in names]
    known = sum(name in counts for name in {name for names in said for name in names})
    return {
        "items": len(counts),
        "coverage": round(known / max(1, len(counts)), 6),
        "novelty": round(float(np.mean(surprise)) if surprise else 0.0, 4),
    }


def _worst(answers: Sequence[Answer], table: pd.DataFrame) -> list[int]:
    """Rows of which nothing was found, those with the most known items first."""
    missed = ~np.asarray(_hits(answers, table)[0].any(1))
    known = np.array([getattr(one, "known", 0) for one in answers], np.int64)
    return [int(row) for row in np.argsort(-known, kind="stable") if missed[row]]


def _bootstrap(answers: Sequence[Answer], table: pd.DataFrame) -> Weighted:
    return measures(*_hits(answers, table))[f"ndcg@{PLACES}"][:, None], _mean


def _mean(rows: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.asarray(counts @ rows[:, 0] / np.maximum(1, counts.sum(1)))


def _calibration(answers: Sequence[Answer], table: pd.DataFrame, change: Change) -> dict[str, Any]:
    """Of what was said first."""
    rows = [one.items[0][1] if isinstance(one, Ranking) and one.items else 0.0 for one in answers]
    sure = change(np.array(rows, float)[:, None])[:, 0]
    right = _hits(answers, table)[0][:, 0]
    loss = -np.log(np.where(right, sure, 1 - sure).clip(1e-7, 1.0))
    return calibration.certainty(sure, right, float(loss.mean()) if len(loss) else 0.0)


def _same_decision(before: Ranking, after: Ranking, tolerance: float) -> bool:
    """Places change only between items that are nearer than the tolerance."""
    if before.names == after.names:
        return True
    pairs = list(zip(before.items, after.items, strict=False))
    near = all(abs(one[1] - other[1]) < tolerance for one, other in pairs if one[0] != other[0])
    return tolerance > 0 and len(before.items) == len(after.items) and near


RANKING = AnswerKind(
    f"ndcg@{PLACES}",
    _metrics,
    _constant,
    _retained,
    _details,
    _worst,
    _bootstrap,
    _calibration,
    _same_decision,
    broadcast=_broadcast,
    extras=_extras,
)
