"""Lines of progress where there is no terminal: at most ten seconds of silence between reports."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch

from tenfold.core import progress
from tenfold.core.columns import Columns
from tenfold.core.progress import ON_PIPE, ProgressLine, Silent, listening, predicting
from tenfold.training.inference import by_torch


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which moves where a test moves it."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_short_stages_one_after_the_other_are_shown_too(clock: list[float]):
    """Each takes less than the time between two lines; together they take a minute."""
    line = ProgressLine(io.StringIO())
    for stage in range(15):
        line.advance(f"stage {stage}", 0, 2)
        clock[0] += 4
        line.advance(f"stage {stage}", 1, 2)
    lines = line.stream.getvalue().splitlines()
    assert 4 <= len(lines) <= 60 / ON_PIPE and all(text.startswith("stage") for text in lines)


def test_a_sentence_counts_as_a_line(clock: list[float]):
    line = ProgressLine(io.StringIO())
    clock[0] += ON_PIPE - 1
    line.tell("A sentence.")
    clock[0] += ON_PIPE - 1
    line.advance("stage", 1, 2)
    assert line.stream.getvalue() == "A sentence.\n"
    clock[0] += 1
    line.advance("stage", 1, 2)
    assert line.stream.getvalue().splitlines()[1].startswith("stage  50 %")


class Told(Silent):
    """Collects the reports of progress."""

    def __init__(self) -> None:
        self.found: list[tuple[str, float, float]] = []

    def advance(self, stage: str, done: float, total: float, note: str = "") -> None:
        self.found.append((stage, done, total))


class Twice(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one = torch.nn.Parameter(torch.ones(()))

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"y": 2 * x * self.one}


def test_batches_are_reported_only_where_a_stage_has_a_name():
    infer, columns = by_torch(Twice(), size=10), Columns({"x": np.arange(25, dtype=np.float32)})
    with listening(told := Told()):
        infer(columns)
        assert not told.found, "a server, or a stage of its own"
        with predicting("torch"):
            infer(columns)
    assert told.found == [("torch", 1, 3), ("torch", 2, 3), ("torch", 3, 3)]
