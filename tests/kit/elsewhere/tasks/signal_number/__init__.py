"""Measure the swing of a signal as a number with an interval.

Folder:   dials.csv with the columns path,value beside files *.signal
Predicts: Number
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.answers import number
from tenfold.answers.number import NUMBER, NumberKind
from tenfold.answers.regression.intervals import offsets
from tenfold.core.columns import Column, Columns, Encoded, Parts
from tenfold.core.errors import DataRefused
from tenfold.core.fitted import Fitted
from tenfold.core.lazy import lazy
from tenfold.core.message import Message
from tenfold.core.plan import Plan
from tenfold.core.results import Prediction
from tenfold.core.rows import Rows
from tenfold.core.settings import setting
from tenfold.media.input import Input
from tenfold.media.reading import AS_FOUND, Reading
from tenfold.media.signal import decode
from tenfold.task import Facts, Outputs, Table, Task
from tenfold.tasks.signal_dial import read
from tenfold.training import loop
from tenfold.training.inference import by_torch

if TYPE_CHECKING:
    from torch import Tensor, nn

network = lazy("tenfold.tasks.signal_number.network")

INPUTS = {"signal": Input("signal")}


@dataclass(frozen=True)
class SignalNumber(Task):
    """See the module."""

    width: int = setting(
        32, "values that a signal is resampled to", low=4, high=256, search=(16, 64)
    )

    answers = (NUMBER,)

    def read(self, source: Any, reading: Reading = AS_FOUND) -> Rows:
        rows = read.rows(source, reading)
        if "value" not in rows.table:
            raise DataRefused(Message("No column value"), code="no-labels", where=str(source))
        return rows.completed(NUMBER, INPUTS, reading)

    def learn(self, train: Rows) -> Facts:
        truths = number.answers(train, "mm")
        return {"data": {"width": self.width}, "truths": truths, "net": dict(truths)}

    def inputs(self, facts: Facts) -> dict[str, Input]:
        return INPUTS

    def answer(self, facts: Facts) -> NumberKind:
        return NUMBER

    def encode(self, table: Table, facts: Facts) -> Encoded:
        values, problems = decode.encode(list(table["signal"]), facts["data"]["width"])
        return Encoded({"signal": values}, problems)

    def targets(self, table: Table, facts: Facts) -> dict[str, Column]:
        return number.targets(table, facts["truths"])

    def build(self, facts: Facts) -> nn.Module:
        net = facts["net"]
        return network.Swing(facts["data"]["width"], net["mean"], net["scale"])

    def fit(self, net: nn.Module, parts: Parts, plan: Plan) -> Fitted:
        recipe = loop.Recipe("adamw", learning_rate=0.02, epochs=30)
        found = loop.fit(net, parts, _loss, plan, recipe)
        value = np.asarray(by_torch(net)(parts.calibration.only([*INPUTS]))["value"], float)
        ends = offsets(_truth(parts.calibration), value, value)
        net.get_buffer("offset").fill_(ends[0] if ends else float("nan"))
        return found

    def decode(self, outputs: Outputs, facts: Facts, options: Any) -> list[Prediction]:
        return [*number.answers_of(outputs, facts["truths"], options)]


def _truth(columns: Columns) -> np.ndarray:
    return np.asarray(columns.take(np.arange(columns.rows))["value"], float)


def _loss(net: Any, batch: dict[str, Tensor]) -> Tensor:
    off = (net(batch["signal"])["value"] - batch["value"]) / net.scale
    found: Tensor = (off.square() * batch.get("weight", 1.0)).mean()
    return found
