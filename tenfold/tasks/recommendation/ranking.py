"""The ranking mode: encodes lists of items, and predicts the best items of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tenfold.answers.ranking import RANKING, Ranking
from tenfold.core.columns import Column, Encoded, Parts, Problem, Ragged
from tenfold.core.fitted import Fitted
from tenfold.core.message import Message
from tenfold.core.plan import Plan
from tenfold.core.results import Prediction
from tenfold.task import Facts, Outputs, Table
from tenfold.tasks.recommendation import catalogue, ranking_candidates
from tenfold.tasks.recommendation.mode import FitRequest, Mode

if TYPE_CHECKING:
    from torch import nn

__all__ = ["MODE", "RankingMode"]

LATEST = 1024
"""Maximum number of items of a row that the network uses: the latest ones.

The ranking leaves out all items of the row by default, not only these.
"""


class RankingMode(Mode):
    """Ranks the items of the catalogue that a user does not have yet."""

    answer = RANKING
    rated = False
    widths: ClassVar = {"tiny": 16, "small": 64, "medium": 96, "large": 128}

    def names(self, items: Any, after: Any) -> list[str]:
        return [*items, *after]

    def encode(self, rows: list[list[str]], table: Table, data: Facts) -> Encoded:
        """Encodes, for each row, its items, those to leave out, and the number of entries.

        `among` holds the items to which `only` restricts the ranking; empty = no restriction.
        """
        known, problems = catalogue.known(data), dict[int, Problem]()
        parted = [_parted(row, known, data.get("least")) for row in rows]
        pairs = [known.latest_first(row) for row, _ in parted]
        seen = [numbers for numbers, _ in pairs]
        if "again" in table:
            seen = [[] if again else row for again, row in zip(table["again"], seen, strict=True)]
        seen = [
            [*row, *(one for one in other if one not in row)] if other else row
            for row, (_, other) in zip(seen, parted, strict=True)
        ]
        among = list[Any]()
        for row, text in enumerate(table["only"] if "only" in table else [""] * len(table)):
            numbers = _with_attribute(data, text)
            if isinstance(numbers, Problem):
                problems[row], numbers = numbers, []
            among.append(numbers)
        columns: dict[str, Column] = {
            "items": Ragged.of([numbers[:LATEST] for numbers, _ in pairs], np.int32),
            "seen": Ragged.of(seen, np.int32),
            "among": Ragged.of(among, np.int32),
            "given": np.array([given for _, given in pairs], np.int32),
        }
        return Encoded(columns, problems)

    def targets(self, after: Iterable[Any], numbers: dict[str, int]) -> dict[str, Column]:
        return {"next": Ragged.of([_numbered(row, numbers) for row in after], np.int32)}

    def build(self, net: Facts, fitted: Facts) -> nn.Module:
        return ranking_candidates.network(net, fitted)

    def fit(self, net: Any, parts: Parts, plan: Plan, request: FitRequest) -> Fitted:
        return ranking_candidates.fit(net, parts, plan, request)

    def decode(self, outputs: Outputs, data: Facts, top: int) -> list[Prediction]:
        names, titles = catalogue.listed(data["items"]), catalogue.titles(data["titles"])
        ranking, scores = outputs["ranking"][:, :top], outputs["scores"][:, :top]
        shares = scores.astype(np.float64).round(6)
        answers: list[Prediction] = []
        for row in range(len(ranking)):
            kept = np.flatnonzero(scores[row] > 0)
            listed = [names[number - 1] for number in ranking[row, kept].tolist()]
            items = tuple(zip(listed, shares[row, kept].tolist(), strict=True))
            counts = int(outputs["known"][row]), int(outputs["told"][row])
            shown = {name: titles[name] for name in listed if name in titles}
            answers.append(Ranking(items, *counts, shown))
        return answers

    def memory(
        self,
        persons: Iterable[str],
        rows: Iterable[tuple[Any, Any]],
        numbers: dict[str, int],
        disliked: Iterable[Any] | None = None,
    ) -> Facts:
        """Packs the items of each user, and those not liked with their marks, in thousandths."""
        histories = (_numbered((*items, *after), numbers) for items, after in rows)
        facts = catalogue.people(persons, histories)
        if disliked is None:
            return facts
        others, marks = [], []
        for row in disliked:
            pairs = [one.rpartition("=")[::2] for one in row]
            pairs = [pair for pair in pairs if pair[0] in numbers]
            others.append([numbers[name] for name, _ in pairs])
            marks.append([round(1000 * float(mark)) for _, mark in pairs])
        packed = {"disliked": others, "marks": marks}
        return facts | {
            name: catalogue.packed(Ragged.of(values, np.int32)) for name, values in packed.items()
        }

    def resolve(self, entry: str, memory: Facts, names: tuple[str, ...]) -> list[str]:
        items = catalogue.history(memory, entry)
        if items is None:
            return [entry]
        found = [names[number - 1] for number in items.tolist()]
        if "disliked" in memory:
            others = catalogue.history(memory, entry, "disliked")
            marks = catalogue.history(memory, entry, "marks")
            if others is not None and marks is not None:
                pairs = zip(others.tolist(), (marks / 1000).tolist(), strict=True)
                found = [*(f"{names[number - 1]}={mark:g}" for number, mark in pairs), *found]
        return found

    def show(self, cell: Any, titles: dict[str, str]) -> Any:
        return tuple(titles.get(one, one) for one in cell) if isinstance(cell, tuple) else cell


MODE = RankingMode()


def _parted(
    row: list[str], known: catalogue.Known, least: float | None
) -> tuple[list[str], list[int]]:
    """Returns the entries that the user likes, and the numbers of the items with lower ratings."""
    if least is None:
        return row, []
    numbers = {entry: known.disliked(entry, least) for entry in row if "=" in entry}
    others = list(dict.fromkeys(number for number in numbers.values() if number))
    return [entry for entry in row if not numbers.get(entry)], others


def _numbered(names: Iterable[str], numbers: dict[str, int]) -> list[int]:
    """The numbers of the known items among `names`."""
    return [numbers[name] for name in names if name in numbers]


def _with_attribute(data: Facts, text: str) -> np.ndarray | Problem | list[int]:
    """Returns the numbers of the items with the attribute `text`, "name=value"; [] if blank.

    Returns a Problem where no item has that value.
    """
    if not text.strip():
        return []
    name, _, value = (one.strip() for one in text.partition("="))
    values = data["attributes"].get(name, {})
    if value not in values:
        choices = values or data["attributes"]
        what = Message("Values of {name}", name=name) if values else Message("Attributes")
        listed = ", ".join(sorted(choices)[:20]) or "none"
        return Problem(
            "no-such-attribute",
            Message("cannot be answered: no item has {text!r}", text=text),
            Message("{what}: {listed}.", what=what, listed=listed),
        )
    return catalogue.unpacked(values[value]).values
