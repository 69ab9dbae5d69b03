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
from tenfold.media.tables.medium import ROW
from tenfold.recipes import tables
from tenfold.task import Facts, Outputs, Table, Task

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class TabularClassification(Task):
    """The task of classifying rows of tables; the module's docstring describes it."""

    size: str = setting("small", "model size of the network", choices=tables.SIZES)
    model: str = setting("auto", "model, auto = best on validation", choices=tables.MODELS)
    derived: bool = setting(
        True, "columns derived from others, kept where they lower the validation loss"
    )

    answers = (LABEL,)
    roles = ROW.roles

    def read(self, source: Any, reading: Reading = AS_FOUND) -> Rows:
        rows = read.read(source, reading, numeric=False, other="tabular-regression")
        return rows.completed(LABEL, INPUTS, reading)

    def learn(self, train: Rows) -> Facts:
        cells = list(train.table["row"])
        data = encode.facts_of(cells)
        net = {"size": self.size} | tables.proposed(cells, data, self.derived)
        return {"data": data, "truths": class_answers.answers(train), "net": net}

    def inputs(self, facts: Facts) -> dict[str, Input]:
        return declared(facts)

    def answer(self, facts: Facts) -> AnswerKind:
        return LABEL

    def encode(self, table: Table, facts: Facts) -> Encoded:
        return encode.encoded(list(table["row"]), facts["data"])

    def targets(self, table: Table, facts: Facts) -> dict[str, Column]:
        return {**class_answers.targets(table, facts["truths"])}

    def build(self, facts: Facts) -> nn.Module:
        return tables.build(facts, classes=len(facts["truths"]["classes"]))

    def fit(self, net: Any, parts: Parts, plan: Plan) -> Fitted:
        return tables.fit(parts, plan, self.model, classes=len(plan.facts["truths"]["classes"]))

    def decode(self, outputs: Outputs, facts: Facts, options: Any) -> list[Prediction]:
        return class_answers.answers_of(outputs["probabilities"], facts["truths"], options)
