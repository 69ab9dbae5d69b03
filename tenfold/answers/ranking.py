"""The answer kind of recommendation: a ranking of the items of a catalogue.

Rows have `items` (the given items: those that a user has already) and `next` (the true next items).
Metrics are computed over the whole catalogue, never a sample of it (W. Krichene and S. Rendle,
2020). For rows with one next item, recall equals hit rate, and MRR equals MAP.

Shapes: N rows, K places of a ranking.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from tenfold.answers import calibration
from tenfold.answers.intervals import Sampling, Weighted
from tenfold.answers.kind import Answer, AnswerKind, Change, MetricValues
from tenfold.answers.metric import Metric, number, share
from tenfold.answers.metrics.ranking import measures
from tenfold.answers.sections import Cell, Section, SectionTable, class_pieces
from tenfold.core.language import say
from tenfold.core.results import Prediction
from tenfold.core.settings import setting

__all__ = ["RANKING", "Ranking", "RankingKind", "known_table", "popular"]


@dataclass(frozen=True)
class Ranking(Prediction):
    """Ranked `items` as (item, score), the best first; scores over the catalogue sum to one.

    `given` is the number of given items of the row, `known` is how many of them are in the
    catalogue. If none is known, the ranking is by popularity. `titles` holds the titles of items
    that have one.
    """

    columns: ClassVar[tuple[str, ...]] = ("items",)
    items: tuple[tuple[str, float], ...]
    known: int = 0
    given: int = 0
    titles: dict[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The items, the best first."""
        return tuple(name for name, _ in self.items)

    @property
    def line(self) -> str:
        """One line for the terminal, with cells separated by tabs."""
        said = [f"{self.titles.get(name, name)} {score:.4f}" for name, score in self.items]
        values = {"known": self.known, "given": self.given}
        few = say("{known} of {given} items known", **values) if self.known < self.given else ""
        basis = [few] if self.known else [say("most popular"), few]
        shown = ", ".join(filter(None, basis))
        return "\t".join([*said, f"({shown})"] if shown else said) or "-"

    @property
    def cells(self) -> tuple[str, ...]:
        """Values of `columns` in a table of predictions."""
        return ("|".join(self.names),)

    @property
    def chances(self) -> dict[str, float]:
        """Score of each item, by name."""
        return dict(self.items)


ROUNDING = 1e-6
"""Maximum difference of two scores that is due to their rounding to 6 digits."""
PLACES = 10
DEEP = 2_000
"""Number of popular items in the constant baseline, before the given items are removed."""


def _hits(answers: Sequence[Answer], table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    hits = np.zeros((len(answers), PLACES), bool)
    wanted = np.array([len(one) for one in table["next"]], np.int64)
    for row, (one, after) in enumerate(zip(answers, table["next"], strict=True)):
        if isinstance(one, Ranking):
            right = {*after}
            said = [name in right for name, _ in one.items[:PLACES]]
            hits[row, : len(said)] = said
    return hits, wanted


def popular(train: pd.DataFrame) -> Counter[str]:
    """Counts how often each item occurs in the training rows."""
    counts: Counter[str] = Counter()
    for name in ("items", "next"):
        if name in train:
            for row in train[name]:
                counts.update(row)
    return counts


def _constant(train: pd.DataFrame) -> Ranking:
    """Returns the most popular items in order of popularity."""
    counts = popular(train)
    most, total = counts.most_common(DEEP), max(1, counts.total())
    ordered = sorted(most, key=lambda one: (-one[1], one[0]))
    return Ranking(tuple((name, round(count / total, 6)) for name, count in ordered))


def _broadcast(constant: Ranking, table: pd.DataFrame) -> list[Ranking]:
    """Returns for each row the most popular items without the given items of the row."""
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
    """Returns the total score in `after` of the items of `before`, divided by that in `before`."""
    whole, now = sum(score for _, score in before.items), after.chances
    return sum(now.get(name, 0.0) for name in before.names) / whole if whole else 1.0


def _details(answers: Sequence[Answer], table: pd.DataFrame, sampling: Sampling) -> dict[str, Any]:
    """Returns details for the report.

    The number of different recommended items, NDCG by the number of known items of a row, and the
    items recommended most often.
    """
    hits, wanted = _hits(answers, table)
    said = Counter(
        name for one in answers if isinstance(one, Ranking) for name in one.names[:PLACES]
    )
    found = measures(hits, wanted)[f"ndcg@{PLACES}"]
    known = _known(answers)
    groups: list[dict[str, Any]] = []
    for least, most in ((0, 0), (1, 4), (5, 9), (10, 49), (50, None)):
        inside = (known >= least) & (known <= (most if most is not None else known.max(initial=0)))
        if inside.any():
            value, low, high = sampling.at(inside).mean(found[inside], share=True)
            three = {"value": value, "low": low, "high": high}
            groups.append({"least": least, "most": most, "rows": int(inside.sum()), **three})
    titles = {
        name: title
        for one in answers
        if isinstance(one, Ranking)
        for name, title in one.titles.items()
    }
    top = [
        {"item": name, "title": titles.get(name, name), "rows": count}
        for name, count in said.most_common(10)
    ]
    return {"recommended": len(said), "by_known": groups, "most_recommended": top}


def _extras(answers: Sequence[Answer], table: pd.DataFrame, train: pd.DataFrame) -> dict[str, Any]:
    """Returns the number of training items, the coverage and the novelty in bits.

    Coverage is the share of training items that are recommended at all. Novelty is the mean of
    -log2 of the share of users who have the recommended item, counted in the training rows (M. Zhou
    et al. 2010).
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
    """Returns rows without a hit, those with the most known items first."""
    missed = ~np.asarray(_hits(answers, table)[0].any(1))
    known = _known(answers)
    return [int(row) for row in np.argsort(-known, kind="stable") if missed[row]]


def _bootstrap(answers: Sequence[Answer], table: pd.DataFrame) -> Weighted:
    return measures(*_hits(answers, table))[f"ndcg@{PLACES}"][:, None], _mean


def _mean(rows: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.asarray(counts @ rows[:, 0] / np.maximum(1, counts.sum(1)))


def _calibration(answers: Sequence[Answer], table: pd.DataFrame, change: Change) -> dict[str, Any]:
    """Computes the calibration of the first item of each ranking."""
    rows = [one.items[0][1] if isinstance(one, Ranking) and one.items else 0.0 for one in answers]
    sure = change(np.array(rows, float)[:, None])[:, 0]
    right = _hits(answers, table)[0][:, 0]
    loss = -np.log(np.where(right, sure, 1 - sure).clip(1e-7, 1.0))
    return calibration.certainty(sure, right, float(loss.mean()) if len(loss) else 0.0)


def _same_decision(before: Ranking, after: Ranking, tolerance: float) -> bool:
    """Returns True if the rankings differ only at places where their scores are tied.

    Two scores are tied if they differ by at most `tolerance` times the larger one plus ROUNDING. A
    place that is missing in one ranking has a score of 0 there. If `tolerance` is 0, only equal
    rankings are the same.
    """
    if before.names == after.names or not tolerance:
        return before.names == after.names
    pairs = itertools.zip_longest(before.items, after.items, fillvalue=("", 0.0))
    return all(
        one == other or abs(mark - value) <= tolerance * max(mark, value) + ROUNDING
        for (one, mark), (other, value) in pairs
    )


def _known(answers: Sequence[Answer]) -> np.ndarray:
    """Returns the number of known items of each row (N,)."""
    return np.array([one.known if isinstance(one, Ranking) else 0 for one in answers], np.int64)


@dataclass(frozen=True)
class RankingOptions:
    """Prediction options of rankings."""

    top: int = setting(10, "number of items to list", low=1, high=100)


class RankingKind(AnswerKind):
    """A ranking of a catalogue; the true label is a tuple of items in the column `next`."""

    name = "ranking"
    prediction = Ranking
    truths = ("next",)
    options = RankingOptions
    baseline_columns = ("items",)
    headline = f"ndcg@{PLACES}"
    metrics: ClassVar[dict[str, Metric]] = {
        "ndcg@10": Metric("NDCG@10", "relevant items among the first ten, higher ranks weigh more"),
        "recall@10": Metric("Recall@10", "share of the relevant items found in the first ten"),
        "mrr@10": Metric(
            "MRR@10", "mean reciprocal rank of the first relevant item, among the first ten"
        ),
        "map@10": Metric("MAP@10", "mean of the average precision over the first ten items"),
        "hit@10": Metric("Hit rate@10", "share of rows with a relevant item among the first ten"),
    }

    def truth_text(self, table: pd.DataFrame, row: int) -> str:
        return " + ".join(table["next"].iloc[row]) if "next" in table else ""

    def measure(
        self, answers: Sequence[Answer], table: pd.DataFrame, sampling: Sampling
    ) -> MetricValues:
        found = measures(*_hits(answers, table))
        return {name: sampling.mean(values, share=True) for name, values in found.items()}

    constant = staticmethod(_constant)

    def baseline(self, train: pd.DataFrame, table: pd.DataFrame) -> Sequence[Answer]:
        return _broadcast(_constant(train), table)

    retained = staticmethod(_retained)
    worst = staticmethod(_worst)
    bootstrap = staticmethod(_bootstrap)
    same_decision = staticmethod(_same_decision)
    details = staticmethod(_details)
    extras = staticmethod(_extras)
    calibration = staticmethod(_calibration)

    def words(self, answer: Ranking, truth: str = "") -> dict[str, Any]:
        names = [answer.titles.get(name, name) for name in answer.names[:3]]
        first = answer.items[0][1] if answer.items else None
        return {"said": " + ".join(names) or say("none"), "sure": first, "right": None}

    def pieces(self, details: dict[str, Any]) -> dict[str, Any]:
        return class_pieces({}) | {"sections": _sections(details, self.metrics[self.headline])}


def _sections(details: dict[str, Any], metric: Metric) -> list[Section]:
    """Returns the section on the catalogue: coverage, scores by known items, frequent items."""
    if "coverage" not in details:
        return []
    figures = [
        (f"{details['items']:,}", say("items known")),
        (f"{details['recommended']:,}", say("items recommended")),
        (share(details["coverage"]), say("coverage")),
        (number(details["novelty"]), say("novelty (bits)")),
    ]
    remark = say(
        "Coverage: share of the catalogue that appears in the first ten items of any user. "
        "Novelty: mean of -log2 of the share of users who have the item."
    )
    most = [[Cell(one["title"]), Cell(f"{one['rows']:,}")] for one in details["most_recommended"]]
    tables = [
        known_table(details["by_known"], metric),
        SectionTable(say("Recommended most often"), [say("item"), say("rows")], most),
    ]
    return [Section("catalogue", say("Catalogue"), figures, remark, tables)]


def known_table(groups: list[dict[str, Any]], metric: Metric) -> SectionTable:
    """Returns a table of the main metric by the number of known items of a user."""
    head = [say("items known"), say("scored rows"), metric_title(metric), say("95 % interval")]
    rows = [
        [
            Cell(_range(one["least"], one["most"])),
            Cell(f"{one['rows']:,}"),
            Cell(metric.text_of(one["value"]), one["value"] if metric.share else None),
            Cell(metric.interval(one["low"], one["high"])),
        ]
        for one in groups
    ]
    return SectionTable(say("By number of known items per user"), head, rows)


def metric_title(metric: Metric) -> str:
    """Returns the title of a metric in the current language."""
    return say(metric.title)


def _range(least: int, most: int | None) -> str:
    if most is None:
        return say("more than {count}", count=least - 1)
    return say("{low} to {high}", low=least, high=most) if most else say("none")


RANKING = RankingKind()
