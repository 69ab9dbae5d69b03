"""Predicts a class of a row of a table, such as yes or no, from its other columns.

Data:
    customers.csv           a table with a column to learn (--target); also TSV, Parquet, Excel,
                            ARFF, JSON lines, SQLite (file.db#table), each also as .gz or in a zip
    or  train.csv  valid.csv  test.csv, where the data are already split
Predicts: Label with calibrated probabilities of all classes.

Candidates: a linear model, boosted trees, a network (an ensemble in one network on piecewise-linear
embeddings of numbers), and their blend; the best on validation is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenfold.answers import classes as class_answers
from tenfold.answers.kind import AnswerKind
from tenfold.answers.label import LABEL
from tenfold.core.columns import Column, Encoded, Parts
from tenfold.core.fitted import Fitted
from tenfold.core.plan import Plan
from tenfold.core.results import Prediction
from tenfold.core.rows import Rows
from tenfold.core.settings import setting
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
class TabularClassification(Task):
    """The task of classifying rows of tables; the module's docstring describes it."""

    size: str = settings.size()
    model: str = settings.model()
    derived: bool = settings.derived()
    learning_rate: float = settings.learning_rate()
    balance: bool = setting(
        False,
        "class weights in the loss for rare classes; probabilities are corrected to the true class "
        "shares",
    )

    answers = (LABEL,)
    roles = ROW.roles
    options = RowOptions

    def read(self, source: Any, reading: Reading = AS_FOUND) -> Rows:
        rows = read.read(source, reading, numeric=False, other="tabular-regression")
        return rows.completed(LABEL, INPUTS, reading)

    def learn(self, train: Rows) -> Facts:
        truths = class_answers.answers(train)
        targets = class_answers.targets(train.table, truths)
        known = tables.Truths.of(targets, train.table, truths["classes"])
        facts = tables.learnt(list(train.table["row"]), self.size, self.derived, known)
        return {**facts, "truths": truths}

    def inputs(self, facts: Facts) -> dict[str, Input]:
        return declared(facts)

    def answer(self, facts: Facts) -> AnswerKind:
        return LABEL

    def ask(self, table: Table, facts: Facts, options: Any) -> Table:
        return asked(table, facts.get("reading"), options.with_)

    def encode(self, table: Table, facts: Facts) -> Encoded:
        return encode.encoded(list(table["row"]), facts["data"])

    def targets(self, table: Table, facts: Facts) -> dict[str, Column]:
        return {**class_answers.targets(table, facts["truths"])}

    def build(self, facts: Facts) -> nn.Module:
        return tables.build(facts, classes=len(facts["truths"]["classes"]))

    def fit(self, net: Any, parts: Parts, plan: Plan) -> Fitted:
        classes = len(plan.facts["truths"]["classes"])
        return tables.fit(parts, plan, self.model, self.learning_rate, classes, self.balance)

    def decode(self, outputs: Outputs, facts: Facts, options: Any) -> list[Prediction]:
        return class_answers.answers_of(outputs["probabilities"], facts["truths"], options)
