"""The rate over the steps, and the early end where validation no longer improves."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from learning import (
    PLAN,
    SGD,
    Plain,
    as_bytes,
    columns,
    die,
    loss,
    network,
    on_a_clock_of_steps,
    terminate,
    watching,
)

from tenfold.core.columns import Parts
from tenfold.core.errors import Stopped
from tenfold.training import loop
from tenfold.training.budget import decide
from tenfold.training.optimizers import slope
from tenfold.training.schedule import DESCENT, PATIENCE, Schedule

STEPS = 100


def course(patience: int = 25, **recipe) -> Schedule:
    return Schedule(STEPS, patience, replace(SGD, **recipe))


def test_the_planned_rate_is_the_triangle():
    planned = course()
    rates = [planned.rate(step) for step in range(STEPS)]
    assert rates == [slope((step + 1) / 101, SGD.warm, SGD.last) for step in range(STEPS)]


def test_it_turns_after_a_quarter_without_improvement_and_goes_straight_to_zero():
    one = course()
    assert one.better(5, 1.0) and one.better(10, 0.5) and not one.better(15, 0.6)
    assert not one.turn(34) and one.end == STEPS
    height = one.rate(35)
    assert one.turn(35) and one.end == 35 + DESCENT * STEPS
    rates = [one.rate(step) for step in range(35, 45)]
    assert rates[0] == pytest.approx(height) and np.allclose(np.diff(rates), -height / 10)
    assert rates[-1] > 0 == one.rate(45)
    assert not one.better(40, 0.1) and not one.turn(80), "there is one end"


def test_without_patience_or_without_room_it_never_turns():
    never = course(patience=0)
    never.better(1, 1.0)
    assert not never.turn(99)
    late = course()
    late.better(70, 1.0)
    assert not late.turn(96), "the planned end is nearer"
    assert not course().better(5, float("nan"))


def test_the_average_of_the_last_weights_begins_in_the_descent():
    one = course(average=0.2)
    one.better(10, 1.0)
    assert one.turn(60) and int(one.end * 0.8) >= 60


def test_a_checkpoint_brings_it_back():
    one, other = course(), course()
    other.take(json.loads(json.dumps(one.state())))
    assert other.state() == one.state()
    one.better(10, 0.5)
    one.turn(40)
    other.take(json.loads(json.dumps(one.state())))
    assert [other.rate(step) for step in range(100)] == [one.rate(step) for step in range(100)]


# --- in the loop ---

MANY = replace(SGD, epochs=1, least_steps=1)


def overfitting() -> Parts:
    """Answers of validation that have nothing to do with its rows: learning makes it worse."""
    every = columns(24)
    wrong = every.also({"label": np.roll(np.asarray(every["label"]), 1)})
    return Parts(every, wrong, wrong)


def settled_by_minutes(folder: Path, steps: int = 240, patience: int | None = None) -> None:
    """What a plan by minutes with much room comes to, stored as `decide` stores it."""
    told = {"steps": steps, "batch": 8, "length": 3, "precision": "float32"}
    told |= {"threads": 1, "decided": "0.10 minutes left for learning"}
    told["patience"] = round(PATIENCE * steps) if patience is None else patience
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    (folder / "checkpoints" / "plan.json").write_text(json.dumps(told))


def learn(folder: Path, at=None, **plan) -> tuple[torch.nn.Module, dict, list[str]]:
    told = replace(PLAN, epochs=None, minutes=0.1, folder=folder, checkpoint_steps=10, **plan)
    with watching(at) as heard:
        found = loop.fit(network(), overfitting(), loss, told, MANY)
    return found.net, found.facts, heard.sentences


def test_learning_that_makes_validation_worse_ends_early_at_its_best(tmp_path: Path):
    settled_by_minutes(tmp_path)
    _, fitted, said = learn(tmp_path)
    assert fitted["ended_early"] < 240 and fitted["steps"] == 240
    assert any("Validation has not improved since step" in one for one in said)
    rows = loop.log_of(tmp_path)
    assert rows[-1]["step"] == fitted["ended_early"]
    settled_by_minutes(tmp_path / "whole", patience=0)
    _, late, _ = learn(tmp_path / "whole")
    assert "ended_early" not in late
    assert rows[-1]["valid_loss"] < loop.log_of(tmp_path / "whole")[-1]["valid_loss"]


@pytest.mark.parametrize("stop", [15, 70, 90])
@pytest.mark.parametrize("end", [die, terminate])
def test_an_early_end_is_the_same_after_a_kill(tmp_path: Path, stop: int, end):
    settled_by_minutes(tmp_path / "whole")
    whole, fitted, _ = learn(tmp_path / "whole")
    assert fitted["ended_early"] > 90, "the kill must fall before, in and after the turn"
    settled_by_minutes(tmp_path / "killed")
    with pytest.raises(BaseException) as caught:
        learn(tmp_path / "killed", {stop: end})
    assert isinstance(caught.value, Stopped) == (end is terminate)
    again, settled_again, _ = learn(tmp_path / "killed")
    assert as_bytes(again) == as_bytes(whole)
    assert settled_again == fitted
    logs = [
        [{k: v for k, v in row.items() if "second" not in k} for row in loop.log_of(place)]
        for place in (tmp_path / "whole", tmp_path / "killed")
    ]
    assert logs[0] == logs[1]


@pytest.mark.parametrize(
    "plan, recipe, patient",
    [
        ({"minutes": 0.03}, MANY, True),
        ({"minutes": 0.03}, replace(MANY, least_steps=10**8), False),
        ({"epochs": 5.0}, MANY, False),
        ({}, MANY, False),
    ],
)
def test_only_minutes_with_room_to_spare_end_early(
    plan: dict, recipe, patient: bool, monkeypatch: pytest.MonkeyPatch
):
    slow = on_a_clock_of_steps(monkeypatch, 0.001)
    told = replace(PLAN, epochs=None, minutes=None)
    found = decide(Plain(), columns(), slow, replace(told, **plan), recipe, None)
    assert (found.patience > 0) == patient
    if patient:
        assert found.patience == round(PATIENCE * found.steps)
