"""Finds groups of similar rows of a table without labels.

Data:
    grains.csv              a table; also TSV, Parquet, Excel, ARFF, JSON lines, SQLite
Predicts: Group with the probability of each group.

A column of labels (--target) is used for scores alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenfold.answers.group import GROUP, answers_of
from tenfold.answers.kind import AnswerKind
from tenfold.core.columns import Column, Encoded, Parts
from tenfold.core.fitted import Fitted
from tenfold.core.plan import Plan
from tenfold.core.results import Prediction
from tenfold.core.rows import Rows
from tenfold.core.settings import setting
from tenfold.media.image.medium import IMAGE
from tenfold.media.input import Input
from tenfold.media.reading import AS_FOUND, Reading
from tenfold.media.tables.medium import ROW
from tenfold.media.text.medium import TEXT
from tenfold.recipes import subjects
from tenfold.recipes.clusters import candidates
from tenfold.task import Facts, Outputs, Table, Task

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Clustering(Task):
    """The task of clustering; the module's docstring describes it."""

    clusters: int = setting(0, "number of groups, 0 = chosen from the data", low=0, high=1000)
    model: str = setting("auto", "model, auto = best by silhouette", choices=candidates.CHOICES)

    answers = (GROUP,)
    roles = (*IMAGE.roles, *TEXT.roles, *ROW.roles)

    def read(self, source: Any, reading: Reading = AS_FOUND) -> Rows:
        subject = subjects.recognised(source, reading)
        rows = subject.read(source, reading)
        return rows.completed(GROUP, subject.inputs({}), reading)

    def learn(self, train: Rows) -> Facts:
        subject = next(iter(train.inputs))
        candidates.refuse_too_many(self.clusters, train.table["digest"].nunique())
        data = subjects.find(subject).learn(train.table)
        return {"data": data, "truths": {}, "net": {}}

    def inputs(self, facts: Facts) -> dict[str, Input]:
        return _subject(facts).inputs(facts)

    def answer(self, facts: Facts) -> AnswerKind:
        return GROUP

    def encode(self, table: Table, facts: Facts) -> Encoded:
        return _subject(facts).encode(table, facts["data"])

    def targets(self, table: Table, facts: Facts) -> dict[str, Column]:
        return {}

    def build(self, facts: Facts) -> nn.Module:
        return candidates.build(_subject(facts), facts)

    def fit(self, net: nn.Module, parts: Parts, plan: Plan) -> Fitted:
        return candidates.fit(_subject(plan.facts), net, parts, plan, self.model, self.clusters)

    def decode(self, outputs: Outputs, facts: Facts, options: Any) -> list[Prediction]:
        return [*answers_of(outputs, candidates.chosen(facts)["names"])]


def _subject(facts: Facts) -> subjects.Subject:
    return subjects.find(facts["data"]["subject"])
