"""Say when the dial of a long signal is high.

Folder:   dials.csv with the columns path,dial beside files *.signal
Predicts: Label, one a window of the signal

An inner run learns from windows; the run itself knows the whole signal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tenfold.answers.dial import DIAL, DialKind
from tenfold.answers.kind import Answer
from tenfold.answers.label import LABEL, Label, LabelKind
from tenfold.core.columns import Column, Encoded, Parts, Problem
from tenfold.core.fitted import Fitted
from tenfold.core.plan import Plan
from tenfold.core.results import Prediction, Scores
from tenfold.core.rows import Judged, Rows
from tenfold.core.settings import setting
from tenfold.media.files.references import Unreadable, fetch
from tenfold.media.input import Input
from tenfold.media.reading import AS_FOUND, Reading
from tenfold.media.signal import decode
from tenfold.task import AnswersOf, Facts, InnerRun, Outputs, Table, Task
from tenfold.tasks import signal_dial

if TYPE_CHECKING:
    from torch import nn

WIDTH = 32
"""Numbers of a window."""
WHOLE = signal_dial.SignalDial(width=64)
CUT = 0.5
CLASSES = ["high", "low"]


@dataclass(frozen=True)
class WatchOptions:
    """Choices at prediction time."""

    cut: float = setting(CUT, "position from which the dial is high", low=0.0, high=1.0)


@dataclass(frozen=True)
class DialWatch(Task):
    """See the module."""

    answers = (DIAL, LABEL)
    options = WatchOptions

    def read(self, source: Any, reading: Reading = AS_FOUND) -> Rows:
        return WHOLE.read(source, reading)

    def learn(self, train: Rows) -> Facts:
        facts = WHOLE.learn(train)
        return facts | {"truths": facts["truths"] | {"classes": CLASSES}}

    def inputs(self, facts: Facts) -> dict[str, Input]:
        return WHOLE.inputs(facts)

    def answer(self, facts: Facts) -> DialKind:
        return DIAL

    def result(self, facts: Facts) -> LabelKind:
        return LABEL

    def encode(self, table: Table, facts: Facts) -> Encoded:
        return WHOLE.encode(table, facts)

    def targets(self, table: Table, facts: Facts) -> dict[str, Column]:
        return WHOLE.targets(table, facts)

    def build(self, facts: Facts) -> nn.Module:
        return WHOLE.build(facts)

    def fit(self, net: nn.Module, parts: Parts, plan: Plan) -> Fitted:
        return WHOLE.fit(net, parts, plan)

    def decode(self, outputs: Outputs, facts: Facts, options: Any) -> list[Prediction]:
        return WHOLE.decode(outputs, facts, options)

    def inner(self, rows: Rows) -> dict[str, tuple[Task, Rows]]:
        windows = [
            window.assign(dial=row["dial"], split=row["split"], problem=None)
            for row in rows.table.to_dict("records")
            for window in [_windows(row["signal"], row["source"])]
        ]
        table = pd.concat(windows, ignore_index=True)
        task = signal_dial.SignalDial(width=WIDTH)
        made = Rows(table).completed(DIAL, signal_dial.INPUTS, AS_FOUND)
        return {"window": (task, made)}

    def predict(
        self,
        tables: Iterator[Table],
        answers_of: AnswersOf,
        facts: Facts,
        options: Any,
        inner: Mapping[str, InnerRun],
    ) -> Iterator[tuple[str, Answer]]:
        for table in tables:
            for cell, source in zip(table["signal"], table["source"], strict=True):
                try:
                    windows = _windows(cell, source)
                except Unreadable as error:
                    yield source, error.problem
                    continue
                answers = inner["window"].answers_of(windows)
                for name, answer in zip(windows["source"], answers, strict=True):
                    yield name, _label(answer, options.cut)

    def score(self, run: Any, judged: Judged) -> Scores | None:
        table = judged.table
        handed = table[["signal", "source"]].reset_index(drop=True)
        found = list(run.predict(iter([handed])))
        high = dict(zip(table["source"], table["dial"] >= CUT, strict=True))
        names = [source.rpartition("#")[0] for source, _ in found]
        truths = pd.DataFrame({"label": ["high" if high[name] else "low" for name in names]})
        if "group" in table:  # the windows of a signal belong to the group of the signal
            groups = dict(zip(table["source"], table["group"], strict=True))
            truths["group"] = [groups[name] for name in names]
        return LABEL.score([answer for _, answer in found], truths, truths)


def _windows(cell: Any, source: str) -> pd.DataFrame:
    """The windows of one signal as rows.

    Raises Unreadable.
    """
    values = decode.numbers(fetch(cell))
    starts = range(0, max(1, len(values) - WIDTH + 1), WIDTH)
    cells = [np.array(values[start : start + WIDTH]) for start in starts]
    names = [f"{source}#t={start},{start + WIDTH}" for start in starts]
    return pd.DataFrame({"signal": pd.Series(cells, dtype=object), "source": names})


def _label(answer: Any, cut: float) -> Answer:
    if isinstance(answer, Problem):
        return answer
    chances = {"high": answer.dial, "low": round(1 - answer.dial, 6)}
    return Label("high" if answer.dial >= cut else "low", chances)
