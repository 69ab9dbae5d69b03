"""A training whose steps get slower is shortened, to end in time, the same way when continued."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from learning import PLAN, as_bytes, die, loss, network, parts, terminate, watching

from tenfold.training import deadline, loop
from tenfold.training.optimizers import Recipe
from tenfold.training.schedule import Schedule

RECIPE = Recipe("sgd", 0.05, momentum=0.9, batch=8, epochs=3, least_steps=1, average=0.3)
STEPS = 240


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock on which every look of the deadline takes a tenth of a second."""
    now = [50.0]

    def tick() -> float:
        now[0] += 0.1
        return now[0]

    monkeypatch.setattr(deadline, "time", SimpleNamespace(perf_counter=tick))
    return now


def planned(folder: Path, monkeypatch, at=None, seconds: float = 12.0):
    """A plan of 240 steps in 12 seconds; on the slow clock they take 24."""
    monkeypatch.setattr("tenfold.training.budget._steps", lambda *_: (STEPS, "minutes left"))
    monkeypatch.setattr("tenfold.training.budget._patience", lambda *_: 0)
    plan = replace(PLAN, epochs=None, minutes=seconds / 60, folder=folder, checkpoint_steps=10)
    with watching(at) as heard:
        found = loop.fit(network(norm=True), parts(), loss, plan, RECIPE)
    return found.net, found.facts, heard.sentences


def test_slow_steps_shorten_the_training_to_end_in_time(slow, tmp_path, monkeypatch):
    _, fitted, said = planned(tmp_path, monkeypatch)
    assert 0.8 * STEPS / 2 < fitted["ended_early"] < 1.1 * STEPS / 2 and fitted["steps"] == STEPS
    assert slow[0] - 50 < 12 * 1.2
    assert len([one for one in said if one.startswith("Steps take longer than measured")]) == 1
    rows = loop.log_of(tmp_path)
    assert rows[-1]["step"] == fitted["ended_early"]


def test_steps_in_time_are_left_alone(slow, tmp_path, monkeypatch):
    _, fitted, said = planned(tmp_path, monkeypatch, seconds=30)
    assert "ended_early" not in fitted and not said


@pytest.mark.parametrize("stop", [15, 45, 95])
@pytest.mark.parametrize("end", [die, terminate])
def test_a_shortened_training_is_the_same_after_a_kill(slow, tmp_path, monkeypatch, stop, end):
    """Continued on a machine with all time in the world, it keeps the cuts that were stored."""
    whole, fitted, _ = planned(tmp_path / "whole", monkeypatch)
    cuts = json.loads((tmp_path / "whole/checkpoints/plan.json").read_text())["cuts"]
    slow[0] = 50.0
    with pytest.raises(BaseException):  # noqa: B017 - it is killed or stopped
        planned(tmp_path / "killed", monkeypatch, {stop: end})
    path = tmp_path / "killed/checkpoints/plan.json"
    stored = json.loads(path.read_text())
    known = [cut for cut in cuts if cut[0] <= stop]
    assert stored["cuts"] == known
    path.write_text(json.dumps(stored | {"cuts": cuts}))  # as if killed after the last cut
    again, refitted, _ = planned(tmp_path / "killed", monkeypatch)
    assert refitted == fitted and as_bytes(again) == as_bytes(whole)


def test_the_rest_of_the_schedule_is_compressed():
    plain, cut = Schedule(100, 0, RECIPE), Schedule(100, 0, RECIPE)
    assert [plain.planned(step) for step in range(100)] == [*range(100)]
    cut.cut(40, 70)
    assert cut.end == 70 and cut.planned(40) == 40 and cut.planned(70) == 100
    assert [cut.rate(step) for step in range(41)] == [plain.rate(step) for step in range(41)]
    assert cut.rate(55) == pytest.approx(plain.rate(70)) and cut.rate(69) < 0.05
    assert plain.averaged_from == 70 and cut.averaged_from == 55
    cut.cut(60, 65)  # the average has begun: it goes on
    assert cut.averaged_from == 55 and cut.planned(65) == 100
    assert Schedule(100, 0, RECIPE, cut.cuts).rate(62) == cut.rate(62)
