"""The search for a way to change examples: only with room, only for a clear gain, repeatable."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from learning import (
    PLAN,
    SGD,
    as_bytes,
    columns,
    die,
    loss,
    network,
    on_a_clock_of_steps,
    parts,
    watching,
)

from tenfold.core.errors import ArtefactRefused
from tenfold.training import augment_search
from tenfold.training.augment_search import choose

MINUTES = replace(PLAN, epochs=None, minutes=0.05)
ROOM = replace(SGD, epochs=1, least_steps=4)


def spoil(batch: dict, share: float) -> dict:
    """Answers that have nothing to do with their rows."""
    return batch | {"label": batch["label"].roll(1)}


def same(batch: dict, share: float) -> dict:
    return batch


def validation_loss(net: torch.nn.Module, policy: str) -> float:
    """The loss on rows that were not learnt from."""
    every = columns(90)
    with torch.no_grad():
        x, label = (torch.from_numpy(every[name][48:]) for name in ("x", "label"))
        return float(torch.nn.functional.cross_entropy(net(x), label))


def many() -> object:
    """With enough rows of validation to choose by."""
    found = parts()
    every = columns(90)
    return replace(found, selection=every.view(range(60)))


@pytest.fixture(autouse=True)
def slow(monkeypatch: pytest.MonkeyPatch):
    """Steps of four milliseconds on a clock that nothing else moves."""
    monkeypatch.setitem(globals(), "loss", on_a_clock_of_steps(monkeypatch, 0.004))


def chosen(policies: dict, plan=MINUTES, recipe=ROOM, some=None):
    net = network()
    before = as_bytes(net)
    found = choose(net, some or many(), policies, loss, plan, recipe, validation_loss)
    assert as_bytes(net) == before, "the network itself learns nothing"
    return found


def test_a_way_that_is_clearly_better_is_kept():
    with watching() as heard:
        found = chosen({"spoilt": spoil, "plain": same})
    assert found.policy == "plain" and found.losses["plain"] < 0.97 * found.losses["spoilt"]
    assert found.plan.minutes < MINUTES.minutes
    assert heard.told("augmentation spoilt for") and heard.told("plain is selected")


def test_without_a_clear_gain_the_usual_way_stays():
    found = chosen({"usual": same, "spoilt": spoil, "none": None})
    assert found.policy == "usual" and set(found.losses) == {"usual", "spoilt", "none"}


@pytest.mark.parametrize(
    "plan, recipe",
    [
        (PLAN, ROOM),
        (replace(PLAN, epochs=None), ROOM),
        (replace(MINUTES, dry=True), ROOM),
        (MINUTES, replace(ROOM, least_steps=10**8)),
    ],
    ids=["epochs", "the recipe's length", "check", "no room"],
)
def test_without_room_nothing_is_tried(plan, recipe):
    found = chosen({"spoilt": spoil, "plain": same}, plan, recipe)
    assert (found.policy, found.losses, found.plan) == ("spoilt", {}, plan)


def test_a_second_fit_keeps_the_policy_of_the_first():
    first = {"augment": "plain", "validation_scores": {"spoilt": 2.0, "plain": 1.0}}
    with watching() as heard:
        found = chosen({"spoilt": spoil, "plain": same}, replace(MINUTES, fixed=first))
    assert found.policy == "plain" and found.facts == first and not heard.sentences


def test_few_rows_choose_nothing():
    few = parts()
    assert few.selection.rows < augment_search.LEAST_ROWS
    assert chosen({"spoilt": spoil, "plain": same}, some=few).losses == {}
    assert chosen({"spoilt": spoil}).losses == {}, "one way is no choice"


def test_a_killed_search_chooses_the_same(tmp_path: Path):
    plan = replace(MINUTES, folder=tmp_path)
    policies = {"spoilt": spoil, "plain": same}
    path = tmp_path / "checkpoints" / "choice.json"
    with pytest.raises(BaseException), watching({3: die}):  # noqa: B017
        chosen(policies, plan)
    decided = json.loads(path.read_text())
    assert set(decided) == {"steps"}
    found = chosen(policies, plan)
    stored = json.loads(path.read_text())
    assert stored == {"steps": decided["steps"], "policy": "plain", "losses": found.losses}
    with watching() as heard:
        again = chosen(policies, plan)
    assert (again.policy, again.losses) == (found.policy, found.losses)
    assert not heard.steps, "what was decided is not tried again"


def test_a_damaged_choice_is_said(tmp_path: Path):
    path = tmp_path / "checkpoints" / "choice.json"
    path.parent.mkdir()
    path.write_text('{"steps": 12, "wa')
    with pytest.raises(ArtefactRefused) as caught:
        chosen({"spoilt": spoil, "plain": same}, replace(MINUTES, folder=tmp_path))
    assert caught.value.code == "damaged-checkpoint"
    assert caught.value.message.values["name"] == "choice.json"
