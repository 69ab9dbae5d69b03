"""Read the position of a dial from a signal.

Folder:   dials.csv with the columns path,dial beside files *.signal
Predicts: Dial
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.answers.dial import DIAL, Dial, DialKind
from tenfold.core.columns import Column, Encoded, Parts
from tenfold.core.fitted import Fitted
from tenfold.core.lazy import lazy
from tenfold.core.plan import Plan
from tenfold.core.results import Prediction
from tenfold.core.rows import Rows
from tenfold.core.settings import setting
from tenfold.media.input import Input
from tenfold.media.reading import AS_FOUND, Reading
from tenfold.media.signal import decode
from tenfold.media.signal.medium import SIGNAL
from tenfold.task import Facts, Outputs, Table, Task
from tenfold.tasks.signal_dial import read
from tenfold.training import loop

if TYPE_CHECKING:
    from torch import Tensor, nn

network = lazy("tenfold.tasks.signal_dial.network")

INPUTS = {"signal": Input("signal")}


@dataclass(frozen=True)
class SignalDial(Task):
    """See the module."""

    width: int = setting(32, "values that a signal is resampled to", low=4, high=256)

    answers = (DIAL,)
    roles = SIGNAL.roles

    def read(self, source: Any, reading: Reading = AS_FOUND) -> Rows:
        return read.rows(source, reading).completed(DIAL, INPUTS, reading)

    def learn(self, train: Rows) -> Facts:
        peak = float(train.table["dial"].max())
        return {"data": {"width": self.width}, "truths": {"peak": peak}, "net": {}}

    def inputs(self, facts: Facts) -> dict[str, Input]:
        return INPUTS

    def answer(self, facts: Facts) -> DialKind:
        return DIAL

    def encode(self, table: Table, facts: Facts) -> Encoded:
        values, problems = decode.encode(list(table["signal"]), facts["data"]["width"])
        return Encoded({"signal": values}, problems)

    def targets(self, table: Table, facts: Facts) -> dict[str, Column]:
        return {"dial": table["dial"].to_numpy(np.float32)}

    def build(self, facts: Facts) -> nn.Module:
        return network.Dial(facts["data"]["width"])

    def fit(self, net: nn.Module, parts: Parts, plan: Plan) -> Fitted:
        return loop.fit(
            net, parts, _loss, plan, loop.Recipe("adamw", learning_rate=0.02, epochs=30)
        )

    def decode(self, outputs: Outputs, facts: Facts, options: Any) -> list[Prediction]:
        return [Dial(_rounded(float(one), options.step)) for one in outputs["dial"]]


def _loss(net: Any, batch: dict[str, Tensor]) -> Tensor:
    found: Tensor = (net(batch["signal"])["dial"] - batch["dial"]).square().mean()
    return found


def _rounded(value: float, step: float) -> float:
    return round(round(value / step) * step if step else value, 6)
