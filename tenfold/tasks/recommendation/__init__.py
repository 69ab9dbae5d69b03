"""Recommends items to users from their own history and that of other users.

Folder:
    ratings.csv    user, item and optionally rating and time; also TSV, Parquet, "::"
    movies.csv     optional: item, title, genres; titles are shown, genres can restrict the items
    or  train.csv  valid.csv  test.csv, where the data are already split
    or lines of "user item item item ...", in order of time
Predicts: Ranking, the best items of the catalogue for a list of items; with --output ratings,
Ratings.

Sources: H. Steck 2019, arXiv 1905.03375 (EASE), D. Liang et al. 2018, arXiv 1802.05814 (Mult-VAE),
W.-C. Kang and J. McAuley 2018, arXiv 1808.09781 (SASRec; ours is trained with the full softmax), B.
Sarwar et al. 2001 (item-kNN), Y. Koren et al. 2009 (biased matrix factorisation).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tenfold.answers.kind import AnswerKind
from tenfold.answers.ranking import RANKING
from tenfold.answers.ratings import RATINGS
from tenfold.core.columns import Column, Encoded, Parts, Problem, Ragged
from tenfold.core.fitted import Fitted
from tenfold.core.message import Message
from tenfold.core.plan import Plan
from tenfold.core.results import Prediction
from tenfold.core.rows import Rows
from tenfold.core.settings import Range, setting
from tenfold.media.input import Input
from tenfold.media.interactions import read as interactions
from tenfold.media.interactions.medium import ITEMS
from tenfold.media.reading import AS_FOUND, Reading, refuse_roles
from tenfold.task import Facts, Outputs, Table, Task
from tenfold.tasks.recommendation import catalogue, histories, ranking, rating
from tenfold.tasks.recommendation.mode import FitRequest, Mode

if TYPE_CHECKING:
    from torch import nn

MODELS = ("auto", "popularity", "item-knn", "ease", "mult-vae", "sasrec")
OFFERED = 20_000
"""Maximum number of items that the input lists as choices, for auto-completion."""
WITHHELD = Problem(
    "people-withheld",
    Message("names a user, and the histories of users are not available here"),
    Message(
        "List the items of the user; or use the run, or an export made without --without-people."
    ),
)
"""The problem of a row with "user=ID" where the facts hold no histories."""


@dataclass(frozen=True)
class _Options:
    """Options at prediction time."""

    again: bool = setting(False, "items that the user already has are listed as well")
    only: str = setting("", "attribute that items must have, such as genres=Comedy")


@dataclass(frozen=True)
class Recommendation(Task):
    """The task of recommendation; the module's docstring describes it."""

    model: str = setting("auto", "model, auto = best on validation", choices=MODELS)
    output: str = setting(
        "ranking", "output: ranked items or predicted ratings", choices=("ranking", "ratings")
    )
    holdout: str = setting(
        "auto", "hold-out method of validation and test", choices=histories.HOLDOUTS
    )
    liked: str = setting(
        "auto", "threshold of ratings that mean liked; auto = middle of the scale, all = none"
    )
    size: str = setting(
        "small", "model size", choices=(*ranking.MODE.widths,), search=("tiny", "medium")
    )
    l2: float = setting(0.0, "L2 regularization of EASE, 0 = best on validation", low=0.0, high=1e6)
    learning_rate: float = setting(
        0.003, "learning rate", low=1e-6, high=1.0, search=Range(0.001, 0.01)
    )
    dropout: float = setting(0.4, "dropout rate", low=0.0, high=0.9, search=(0.2, 0.5))

    answers = (RANKING, RATINGS)
    roles = ITEMS.roles
    options = _Options

    def _mode(self, facts: Facts | None = None) -> Mode:
        """Returns the mode, ranking or rating: from the facts, or without facts from `output`."""
        rated = self.output == "ratings" if facts is None else facts["data"]["rated"]
        return rating.MODE if rated else ranking.MODE

    def read(self, source: Any, reading: Reading = AS_FOUND) -> Rows:
        mode, where = self._mode(), str(source)[:200]
        why = Message("all events of a user stay together")
        refuse_roles(reading, ("group",), why, where, table=False)
        if not mode.rated:
            why = Message("a ranking has no target column (--output ratings has one)")
            refuse_roles(reading, ("target",), why, where, table=False)
        found = interactions.read(source, reading)
        rows = histories.rows_of(found, self.holdout, mode.rated, self.liked)
        return rows.completed(mode.answer, {"items": Input("items")}, reading)

    def learn(self, train: Rows) -> Facts:
        mode, table = self._mode(), train.table
        rows = [mode.names(*pair) for pair in zip(table["items"], table["next"], strict=True)]
        names = sorted({name for row in rows for name in row})
        net = {
            "items": len(names),
            "width": mode.widths[self.size],
            "dropout": self.dropout,
            "ordered": bool(train.extra["ordered"]),
            "positions": int(np.clip(np.mean([len(row) for row in rows]) - 1, 4, 32)),
        }
        data = {"rated": mode.rated} | _catalogue(train.extra["catalogue"], names)
        if train.extra["least"] is not None:
            data["least"] = train.extra["least"]
        return {"data": data, "net": net}

    def inputs(self, facts: Facts) -> dict[str, Input]:
        titles = catalogue.titles(facts["data"]["titles"])
        names = catalogue.listed(facts["data"]["items"])[:OFFERED]
        return {"items": Input("items", tuple(titles.get(name, name) for name in names))}

    def answer(self, facts: Facts) -> AnswerKind:
        return self._mode(facts).answer

    def encode(self, table: Table, facts: Facts) -> Encoded:
        rows, problems = _entries(table["items"])
        encoded = self._mode(facts).encode(rows, table, facts["data"])
        return Encoded(encoded.columns, problems | encoded.problems)

    def targets(self, table: Table, facts: Facts) -> dict[str, Column]:
        if "next" not in table:
            return {}
        numbers = _numbers(facts)
        return self._mode(facts).targets(table["next"], numbers) | histories.amounts(table, numbers)

    def build(self, facts: Facts) -> nn.Module:
        return self._mode(facts).build(facts["net"], facts.get("fitted", {}))

    def fit(self, net: Any, parts: Parts, plan: Plan) -> Fitted:
        of_rows = {name: plan.facts["net"][name] for name in ("items", "ordered", "positions")}
        request = FitRequest(self.model, self.l2, self.learning_rate, **of_rows)
        return self._mode(plan.facts).fit(net, parts, plan, request)

    def decode(self, outputs: Outputs, facts: Facts, options: Any) -> list[Prediction]:
        return self._mode(facts).decode(outputs, facts["data"], options.top)

    def memory(self, table: Table, facts: Facts) -> Facts:
        last = table.drop_duplicates("group", keep="last")
        rows = zip(last["items"], last["next"], strict=True)
        others = last.get("disliked")
        return self._mode(facts).memory(last["group"], rows, _numbers(facts), others)

    def ask(self, table: Table, facts: Facts, options: Any) -> Table:
        names, memory = catalogue.listed(facts["data"]["items"]), facts.get("memory", {})
        mode = self._mode(facts)
        rows = [_resolved(cell, mode, memory, names) for cell in table["items"]]
        asked = {"items": pd.Series(rows, table.index, dtype=object)}
        return table.assign(**asked, again=options.again, only=options.only)

    def show(self, table: Table, facts: Facts) -> Table:
        titles, mode = catalogue.shown(facts["data"]), self._mode(facts)
        columns = {
            name: pd.Series(
                [mode.show(cell, titles) for cell in table[name]], table.index, dtype=object
            )
            for name in ("items", "next")
            if name in table
        }
        return table.assign(**columns)

    def reference(self, facts: Facts) -> Table | None:
        names = catalogue.listed(facts["data"]["items"])
        titles = catalogue.titles(facts["data"]["titles"])
        rows = {"items": [(name,) for name in names], "source": [*names]}
        shown = {"title": [titles.get(name, name) for name in names]} if titles else {}
        return pd.DataFrame(rows | shown, dtype=object)


def _catalogue(about: interactions.Catalogue, names: list[str]) -> Facts:
    """The facts about items for `encode`: ids in the order of their numbers, titles, attributes."""
    numbers = {name: number for number, name in enumerate(names, 1)}
    titles = {name: title for name, title in about.titles.items() if name in numbers}
    return {
        "items": json.dumps(names, ensure_ascii=False),
        "titles": json.dumps(titles, ensure_ascii=False),
        "attributes": {name: _packed(of, numbers) for name, of in about.attributes.items()},
    }


def _numbers(facts: Facts) -> dict[str, int]:
    """The numbers of the items by id."""
    return catalogue.known(facts["data"]).numbers


def _packed(values: dict[str, list[str]], numbers: dict[str, int]) -> dict[str, str]:
    """The packed numbers of the items that have each value of an attribute."""
    rows = {
        value: [numbers[item] for item in items if item in numbers]
        for value, items in values.items()
    }
    return {value: catalogue.packed(Ragged.of([row], np.int32)) for value, row in rows.items()}


def _resolved(cell: Any, mode: Mode, memory: Facts, names: tuple[str, ...]) -> Any:
    """The entries of one row with the history of a user in place of "user=ID".

    Where `memory` holds no histories, each row that names a user becomes the Problem WITHHELD,
    whether the user is known or not.
    """
    entries = _listed(cell)
    if isinstance(entries, Problem):
        return cell
    if not memory and any(map(catalogue.is_person, entries)):
        return WITHHELD
    return tuple(one for entry in entries for one in mode.resolve(entry, memory, names))


def _entries(cells: Any) -> tuple[list[list[str]], dict[int, Problem]]:
    """The entries of all rows, and a problem for each row that is not a list."""
    rows = [_listed(cell) for cell in cells]
    problems = {number: row for number, row in enumerate(rows) if isinstance(row, Problem)}
    return [[] if isinstance(row, Problem) else row for row in rows], problems


def _listed(cell: Any) -> list[str] | Problem:
    """The entries of one row, or a Problem where it is not a list of items."""
    if isinstance(cell, Problem):
        return cell
    if isinstance(cell, (list, tuple, np.ndarray, pd.Series)):
        return [str(one) for one in cell]
    if isinstance(cell, (str, int)) and not isinstance(cell, bool):
        return [str(cell)]
    return Problem(
        "no-items",
        Message("is not a list of items"),
        Message("Give ids or titles, separated by |."),
    )
