"""Finds rows of a table that are unlike the good ones: faults, frauds, defects.

Data:
    units.csv               a table of good rows, or of good and strange ones with a label
Predicts: Oddity, a score with a threshold, and the columns that make a row strange.

Strange rows are never fitted: half of them choose the candidate, the others test it. The threshold
holds a stated share of false alarms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.answers.kind import AnswerKind
from tenfold.answers.oddity import ODDITY, answers_of
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
from tenfold.recipes import subjects
from tenfold.recipes.strange import candidates, truths
from tenfold.task import Facts, Outputs, Table, Task

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class AnomalyDetection(Task):
    """The task of anomaly detection; the module's docstring describes it."""

    good: str = setting("", "class of good rows, as labelled; default: found from the labels")
    false_alarms: float = setting(
        0.01, "maximum share of good rows that are called strange", low=0.0001, high=0.5
    )
    model: str = setting("auto", "model, auto = best on validation", choices=candidates.MODELS)

    answers = (ODDITY,)
    roles = (*IMAGE.roles, *ROW.roles)

    def read(self, source: Any, reading: Reading = AS_FOUND) -> Rows:
        subject = subjects.recognised(source, reading)
        rows = subject.read(source, reading)
        rows = truths.with_truths(rows, self.good, str(reading.found.get("good") or ""))
        return rows.completed(ODDITY, subject.inputs({}), reading)

    def learn(self, train: Rows) -> Facts:
        subject = subjects.find(next(iter(train.inputs)))
        return {"data": subject.learn(train.table), "truths": {}, "net": {}}

    def inputs(self, facts: Facts) -> dict[str, Input]:
        return _subject(facts).inputs(facts)

    def answer(self, facts: Facts) -> AnswerKind:
        return ODDITY

    def encode(self, table: Table, facts: Facts) -> Encoded:
        return _subject(facts).encode(table, facts["data"])

    def targets(self, table: Table, facts: Facts) -> dict[str, Column]:
        strange = [-1 if one is None or one != one else int(bool(one)) for one in table["strange"]]
        return {"strange": np.array(strange, np.int64)}

    def build(self, facts: Facts) -> nn.Module:
        return candidates.build(_subject(facts), facts)

    def fit(self, net: nn.Module, parts: Parts, plan: Plan) -> Fitted:
        return candidates.fit(_subject(plan.facts), parts, plan, self.model, self.false_alarms)

    def decode(self, outputs: Outputs, facts: Facts, options: Any) -> list[Prediction]:
        return [*answers_of(outputs, _subject(facts).owners(facts)[0])]


def _subject(facts: Facts) -> subjects.Subject:
    return subjects.find(facts["data"]["subject"])
