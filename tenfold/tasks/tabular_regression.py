"""Predicts a number of a row of a table, such as a price, from its other columns.

Data:
    houses.csv              a table with a column of numbers to learn (--target); also TSV, Parquet,
                            Excel, ARFF, JSON lines, SQLite (file.db#table), as .gz or in a zip
    or  train.csv  valid.csv  test.csv, where the data are already split
Predicts: Number with an interval that holds 90 % of the true values.

Candidates: a linear model, boosted trees, a network (an ensemble in one network on piecewise-linear
embeddings of numbers), and their blend; the best on validation is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenfold.answers import number
from tenfold.answers.kind import AnswerKind
from tenfold.answers.number import NUMBER
from tenfold.core.columns import Column, Encoded, Parts
from tenfold.core.fitted import Fitted
from tenfold.core.plan import Plan
from tenfold.core.results import Prediction
from tenfold.core.rows import Rows
from tenfold.media.input import Input
from tenfold.media.reading import AS_FOUND, Reading
from tenfold.media.tables import encode, read
from tenfold.media.tables.declared import INPUTS, declared
from tenfold.media.tables.joins.joined import RowOptions, asked
from tenfold.media.tables.medium import ROW
from tenfold.recipes import tables
from tenfold.recipes.tables import settings
from tenfold.task import Facts, Outputs, Table, Task

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class TabularRegression(Task):
    """The task of predicting numbers of rows; the module's docstring describes it."""

    size: str = settings.size()
    model: str = settings.model()
    derived: bool = settings.derived()
    learning_rate: float = settings.learning_rate()

    answers = (NUMBER,)
    roles = ROW.roles
    options = RowOptions

    def read(self, source: Any, reading: Reading = AS_FOUND) -> Rows:
        rows = read.read(source, reading, numeric=True, other="tabular-classification")
        return rows.completed(NUMBER, INPUTS, reading)

    def learn(self, train: Rows) -> Facts:
        truths = number.answers(train)
        known = tables.Truths.of(number.targets(train.table, truths), train.table)
        facts = tables.learnt(list(train.table["row"]), self.size, self.derived, known)
        return {**facts, "truths": truths}

    def inputs(self, facts: Facts) -> dict[str, Input]:
        return declared(facts)

    def answer(self, facts: Facts) -> AnswerKind:
        return NUMBER

    def ask(self, table: Table, facts: Facts, options: Any) -> Table:
        return asked(table, facts.get("reading"), options.with_)

    def encode(self, table: Table, facts: Facts) -> Encoded:
        return encode.encoded(list(table["row"]), facts["data"])

    def targets(self, table: Table, facts: Facts) -> dict[str, Column]:
        return {**number.targets(table, facts["truths"])}

    def build(self, facts: Facts) -> nn.Module:
        return tables.build(facts)

    def fit(self, net: Any, parts: Parts, plan: Plan) -> Fitted:
        return tables.fit(parts, plan, self.model, self.learning_rate)

    def decode(self, outputs: Outputs, facts: Facts, options: Any) -> list[Prediction]:
        return [*number.answers_of(outputs, facts["truths"], options)]
