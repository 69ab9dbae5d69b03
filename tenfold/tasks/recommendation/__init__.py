"""Recommend items to people: what suits next, from what they had and what others had.

Folder:
    ratings.csv    user, item and, where there are such, rating and time; also TSV, Parquet, "::"
    movies.csv     item, title, genres, if you like: titles are shown, genres can be asked for
    or  train.csv  valid.csv  test.csv, if you have parts
    or lines of "user item item item ...", in order of time
Predicts: Ranking, the catalogue's best for a list of items; Ratings with --output ratings.
Sources: H. Steck 2019, arXiv 1905.03375 (EASE), D. Liang et al. 2018, arXiv 1802.05814 (Mult-VAE),
W.-C. Kang and J. McAuley 2018, arXiv 1808.09781 (SASRec; ours learns by the full softmax), B.
Sarwar et al. 2001 (item-kNN), Y. Koren et al. 2009 (biased matrix factorisation).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tenfold.answers.kind import AnswerKind
from tenfold.answers.ranking import RANKING, Ranking
from tenfold.answers.ratings import RATINGS
from tenfold.core.columns import Column, Encoded, Parts, Problem, Ragged
from tenfold.core.fitted import Fitted
from tenfold.core.plan import Plan
from tenfold.core.results import Prediction
from tenfold.core.rows import Rows
from tenfold.core.settings import Range, setting
from tenfold.media.input import Input
from tenfold.media.interactions import read as interactions
from tenfold.media.reading import AS_FOUND, Reading, refuse_roles
from tenfold.task import Facts, Outputs, Table, Task
from tenfold.tasks.recommendation import catalogue, histories, rating
from tenfold.tasks.recommendation import ranking as rankings

if TYPE_CHECKING:
    from torch import nn

# R rows, N items of the catalogue

WIDTHS = {"tiny": 16, "small": 64, "medium": 96, "large": 128}
MODELS = ("auto", "popularity", "item-knn", "ease", "mult-vae", "sasrec")
LATEST = 1024
"""Of longer lists so many of the latest items count; all of them are left out of the answer."""
OFFERED = 20_000
"""Items that are offered for completion."""


@dataclass(frozen=True)
class _Options:
    """Choices at prediction time."""

    again: bool = setting(False, "list what the person had already, too")
    only: str = setting("", "an attribute that items must have, such as genres=Comedy")


@dataclass(frozen=True)
class Recommendation(Task):
    """See the module."""

    model: str = setting("auto", "which model answers, auto = best on validation", choices=MODELS)
    output: str = setting("ranking", "what is answered", choices=("ranking", "ratings"))
    holdout: str = setting("auto", "how the test is held out", choices=histories.HOLDOUTS)
    size: str = setting("small", "how much network", choices=(*WIDTHS,), search=("tiny", "medium"))
    l2: float = setting(
        0.0, "how much EASE is held back, 0 = best on validation", low=0.0, high=1e6
    )
    learning_rate: float = setting(
        0.003, "learning rate", low=1e-6, high=1.0, search=Range(0.001, 0.01)
    )
    dropout: float = setting(
        0.4, "share of values left out at random", low=0.0, high=0.9, search=(0.2, 0.5)
    )

    answers = (RANKING, RATINGS)
    options = _Options

    def read(self, source: Any, reading: Reading = AS_FOUND) -> Rows:
        ratings = self.output == "ratings"
        refuse_roles(reading, ("group",), "all that a person had stays together", str(source)[:200])
        if not ratings:
            why = "a ranking learns from which items people had (--output ratings has a target)"
            refuse_roles(reading, ("target",), why, str(source)[:200])
        rows = histories.rows_of(interactions.read(source, reading), self.holdout, ratings)
        return rows.completed(RATINGS if ratings else RANKING, {"items": Input("items")}, reading)

    def learn(self, train: Rows) -> Facts:
        ratings, table = train.answer is RATINGS, train.table
        rows = [_told(*pair) for pair in zip(table["items"], table["next"], strict=True)]
        names = sorted({name for row in rows for name in row})
        about = train.extra["catalogue"]
        net = {
            "items": len(names),
            "width": (rating.WIDTHS if ratings else WIDTHS)[self.size],
            "dropout": self.dropout,
            "ordered": bool(train.extra["ordered"]),
            "positions": int(np.clip(np.mean([len(row) for row in rows]) - 1, 4, 32)),
        }
        return {"data": {"rated": ratings} | _catalogue(about, names), "net": net}

    def inputs(self, facts: Facts) -> dict[str, Input]:
        titles = catalogue.titles(facts["data"]["titles"])
        names = catalogue.listed(facts["data"]["items"])[:OFFERED]
        return {"items": Input("items", tuple(titles.get(name, name) for name in names))}

    def answer(self, facts: Facts) -> AnswerKind:
        return RATINGS if facts["data"]["rated"] else RANKING

    def encode(self, table: Table, facts: Facts) -> Encoded:
        data, known = facts["data"], catalogue.known(facts["data"])
        every, problems = _every(table["items"])
        if data["rated"]:
            return Encoded(rating.encoded(every, known), problems)
        latest, seen, given = [], [], []
        for told in every:
            numbers, count = known.latest_first(told)
            latest.append(numbers[:LATEST])
            seen.append(numbers)
            given.append(count)
        if "again" in table:
            seen = [[] if again else row for again, row in zip(table["again"], seen, strict=True)]
        among = list[Any]()
        for row, text in enumerate(_column(table, "only", "")):
            fits = _among(data, text)
            if isinstance(fits, Problem):
                problems[row], fits = fits, []
            among.append(fits)
        columns: dict[str, Column] = {
            "items": Ragged.of(latest, np.int32),
            "seen": Ragged.of(seen, np.int32),
            "among": Ragged.of(among, np.int32),
            "given": np.array(given, np.int32),
        }
        return Encoded(columns, problems)

    def targets(self, table: Table, facts: Facts) -> dict[str, Column]:
        if "next" not in table:
            return {}
        numbers = _numbers(facts)
        if facts["data"]["rated"]:
            return rating.targets(table["next"], numbers)
        rows = [[numbers[name] for name in row if name in numbers] for row in table["next"]]
        return {"next": Ragged.of(rows, np.int32)}

    def build(self, facts: Facts) -> nn.Module:
        if facts["data"]["rated"]:
            return rating.network(facts["net"])
        return rankings.network(facts["net"], facts.get("fitted", {}))

    def fit(self, net: Any, parts: Parts, plan: Plan) -> Fitted:
        if plan.facts["data"]["rated"]:
            return rating.fit(net, parts, plan)
        about, names = plan.facts["net"], ("items", "ordered", "positions")
        known = {name: about[name] for name in names}
        wanted = rankings.RankingRequest(self.model, self.l2, self.learning_rate, **known)
        return rankings.fit(net, parts, plan, wanted)

    def decode(self, outputs: Outputs, facts: Facts, options: Any) -> list[Prediction]:
        top = options.top
        if facts["data"]["rated"]:
            return [*rating.answers(outputs, facts["data"], top)]
        names = catalogue.listed(facts["data"]["items"])
        titles = catalogue.titles(facts["data"]["titles"])
        ranking, scores = (
            outputs["ranking"][:, :top],
            outputs["scores"][:, :top].astype(np.float64).round(6),
        )
        found: list[Prediction] = []
        for row in range(len(ranking)):
            there = np.flatnonzero(outputs["scores"][row, :top] > 0)
            said = [names[number - 1] for number in ranking[row, there].tolist()]
            items = tuple(zip(said, scores[row, there].tolist(), strict=True))
            counts = int(outputs["known"][row]), int(outputs["told"][row])
            told = {name: titles[name] for name in said if name in titles}
            found.append(Ranking(items, *counts, told))
        return found

    def memory(self, table: Table, facts: Facts) -> Facts:
        last = table.drop_duplicates("group", keep="last")
        had, numbers = zip(last["items"], last["next"], strict=True), _numbers(facts)
        if facts["data"]["rated"]:
            return rating.people(last["group"], had, numbers)
        rows = ([*items, *after] for items, after in had)
        known = ([numbers[name] for name in row if name in numbers] for row in rows)
        return catalogue.people(last["group"], known)

    def ask(self, table: Table, facts: Facts, options: Any) -> Table:
        names, memory = catalogue.listed(facts["data"]["items"]), facts.get("memory", {})
        resolved = rating.resolved if facts["data"]["rated"] else _resolved
        rows = [
            cell
            if isinstance(entries := _listed(cell), Problem)
            else tuple(one for entry in entries for one in resolved(entry, memory, names))
            for cell in table["items"]
        ]
        asked = {"items": pd.Series(rows, table.index, dtype=object)}
        return table.assign(**asked, again=options.again, only=options.only)

    def show(self, table: Table, facts: Facts) -> Table:
        titles = catalogue.shown(facts["data"])
        named = rating.named if facts["data"]["rated"] else _named
        told = {
            name: pd.Series(
                [named(cell, titles) for cell in table[name]], table.index, dtype=object
            )
            for name in ("items", "next")
            if name in table
        }
        return table.assign(**told)

    def reference(self, facts: Facts) -> Table | None:
        names = catalogue.listed(facts["data"]["items"])
        titles = catalogue.titles(facts["data"]["titles"])
        rows = {"items": [(name,) for name in names], "source": [*names]}
        told = {"label": [titles.get(name, name) for name in names]} if titles else {}
        return pd.DataFrame(rows | told, dtype=object)


def _told(items: Any, after: Any) -> list[str]:
    """The items of a training row, in order; of ratings without these."""
    if after and not isinstance(after[0], str):
        known = [rating.parsed(entry) for entry in items]
        return [*(name for name, mark in known if mark is not None), *(name for name, _ in after)]
    return [*items, *after]


def _catalogue(about: interactions.Catalogue, names: list[str]) -> Facts:
    """What `encode` knows: items by number, their titles and attributes."""
    numbers = {name: number for number, name in enumerate(names, 1)}
    titles = {name: title for name, title in about.titles.items() if name in numbers}
    return {
        "items": json.dumps(names, ensure_ascii=False),
        "titles": json.dumps(titles, ensure_ascii=False),
        "attributes": {name: _packed(of, numbers) for name, of in about.attributes.items()},
    }


def _numbers(facts: Facts) -> dict[str, int]:
    """Numbers of the items, by id."""
    return catalogue.known(facts["data"]).numbers


def _packed(values: dict[str, list[str]], numbers: dict[str, int]) -> dict[str, str]:
    """Numbers of the items that have each value of an attribute."""
    found = {
        value: [numbers[item] for item in items if item in numbers]
        for value, items in values.items()
    }
    return {value: catalogue.packed(Ragged.of([row], np.int32)) for value, row in found.items()}


def _resolved(entry: str, memory: Facts, names: tuple[str, ...]) -> list[str]:
    """What an entry stands for: itself, or all that a person had."""
    found = catalogue.history(memory, entry)
    return [entry] if found is None else [names[number - 1] for number in found.tolist()]


def _named(cell: Any, titles: dict[str, str]) -> Any:
    """Titles for ids."""
    return tuple(titles.get(one, one) for one in cell) if isinstance(cell, tuple) else cell


def _every(cells: Any) -> tuple[list[list[str]], dict[int, Problem]]:
    """Entries of all rows, and the rows that are no lists."""
    found, problems = list[list[str]](), dict[int, Problem]()
    for row, cell in enumerate(cells):
        told = _listed(cell)
        if isinstance(told, Problem):
            problems[row] = told
        found.append([] if isinstance(told, Problem) else told)
    return found, problems


def _column(table: Table, name: str, default: str) -> list[str]:
    return list(table[name]) if name in table else [default] * len(table)


def _listed(cell: Any) -> list[str] | Problem:
    """Entries of one row."""
    if isinstance(cell, Problem):
        return cell
    if isinstance(cell, (list, tuple, np.ndarray, pd.Series)):
        return [str(one) for one in cell]
    if isinstance(cell, (str, int)) and not isinstance(cell, bool):
        return [str(cell)]
    return Problem("no-items", "is no list of items", "Give ids or titles, with | between them.")


def _among(data: Facts, text: str) -> np.ndarray | Problem | list[int]:
    """Numbers of the items that have an attribute; none where nothing was asked for."""
    if not text.strip():
        return []
    name, _, value = (one.strip() for one in text.partition("="))
    values = data["attributes"].get(name, {})
    if value not in values:
        there = values or data["attributes"]
        what = f"The values of {name} are" if values else "The attributes are"
        listed = ", ".join(sorted(there)[:20]) or "none"
        return Problem(
            "no-such-attribute", f"cannot be answered: no item has {text!r}", f"{what}: {listed}."
        )
    return catalogue.unpacked(values[value]).values
