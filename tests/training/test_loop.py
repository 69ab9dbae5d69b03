"""The loop: broken gradients, memory, averages, the plan, the log, and who waits."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from learning import (
    HERE,
    PLAN,
    ROWS,
    SGD,
    SIZE,
    as_bytes,
    checkpoints,
    columns,
    count_waits,
    learn,
    loss,
    network,
    on_a_clock_of_steps,
    parts,
    terminate,
    watching,
)
from torch import Tensor, nn

from tenfold.core.errors import Stopped, TrainingFailed
from tenfold.training import loop
from tenfold.training.batches import Batches
from tenfold.training.budget import seconds_a_step
from tenfold.training.learner import Learner, Work

# --- gradients that are not finite ---


def broken_at(times: dict[int, int]) -> Callable[..., Tensor]:
    """A loss not finite in these steps (from 0), so often; a step is known by its rows."""
    feed = Batches(columns(), SIZE, PLAN.seed, HERE)
    rows = {step: frozenset(feed.batch(step)["row"].tolist()) for step in range(24)}
    left = dict(times)

    def broken(net: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        value = loss(net, batch)
        here = frozenset(batch["row"].tolist())
        for step, count in left.items():
            if net.training and count and here == rows[step]:
                left[step] -= 1
                return value * float("inf")
        return value

    return broken


def test_a_gradient_that_is_not_finite_goes_back_and_learns_at_half_the_rate():
    """Without checkpoints: back to the beginning, so all of it is as at half the rate."""
    with watching() as heard:
        net, _ = learn(what=broken_at({7: 1}))
    half, _ = learn(recipe=replace(SGD, learning_rate=SGD.learning_rate / 2))
    assert as_bytes(net) == as_bytes(half)
    assert heard.told("not finite at step 8")
    assert heard.steps == [*range(1, 13), *range(1, 25)], "noticed at the end of the pass"


def test_it_goes_back_to_the_newest_checkpoint_and_no_further(tmp_path: Path):
    plan = replace(PLAN, folder=tmp_path, checkpoint_steps=5)
    with watching() as heard:
        learn(plan, what=broken_at({7: 1}))
    assert heard.steps == [*range(1, 11), *range(6, 25)], "noticed before step 10 is saved"
    assert all(math.isfinite(row["loss"]) for row in loop.log_of(tmp_path))
    state = tmp_path / "checkpoints" / checkpoints(tmp_path)[-1] / "state.json"
    assert json.loads(state.read_text())["rate"] == 0.5
    assert json.loads(state.read_text())["retries"] == 1


@pytest.mark.parametrize("folder", [True, False])
def test_a_gradient_that_is_never_finite_ends_after_three_tries(tmp_path: Path, folder: bool):
    plan = replace(PLAN, folder=tmp_path if folder else None, checkpoint_steps=5)
    with watching() as heard, pytest.raises(TrainingFailed) as failed:
        learn(plan, what=broken_at({7: 4}))
    assert failed.value.exit_code == 5 and "step 8 of 24" in failed.value.where
    assert failed.value.message.values == {"step": 8}
    assert sum("half the learning rate" in sentence for sentence in heard.sentences) == 3


def test_three_tries_are_enough():
    net, _ = learn(what=broken_at({7: 3}))
    eighth, _ = learn(recipe=replace(SGD, learning_rate=SGD.learning_rate / 8))
    assert as_bytes(net) == as_bytes(eighth)


def test_a_run_that_went_back_and_was_stopped_goes_on_at_its_lower_rate(tmp_path: Path):
    plan = replace(PLAN, folder=tmp_path, checkpoint_steps=5)
    with pytest.raises(Stopped), watching({15: terminate}):
        learn(plan, what=broken_at({7: 1}))
    net, _ = learn(plan)
    whole, _ = learn(replace(plan, folder=tmp_path / "whole"), what=broken_at({7: 1}))
    assert as_bytes(net) == as_bytes(whole) != as_bytes(learn()[0])


def test_tries_are_counted_over_stops(tmp_path: Path):
    plan = replace(PLAN, folder=tmp_path, checkpoint_steps=5)
    with pytest.raises(Stopped), watching({9: terminate}):
        learn(plan, what=broken_at({2: 2}))
    with pytest.raises(TrainingFailed):
        learn(plan, what=broken_at({17: 2}))


@pytest.mark.parametrize("name", ["sgd", "adamw", "muon"])
def test_the_update_is_skipped_where_the_gradient_is_not_finite(name: str):
    """On the device: weights and optimiser stay, and the step is noted."""
    work = Work(lambda net, batch: loss(net, batch) * batch["scale"], None, torch.float32)
    learner = Learner(network(), replace(SGD, optimizer=name, decay=0.1), work, 100)
    batch = Batches(columns(), SIZE, 0, HERE).batch(0)
    learner.step(0, batch | {"scale": torch.tensor(1.0)}, 1.0)
    before = {key: value.clone() for key, value in learner.tensors().items()}
    learner.step(1, batch | {"scale": torch.tensor(math.inf)}, 1.0)
    learner.step(2, batch | {"scale": torch.tensor(math.nan)}, 1.0)
    changed = {key for key, value in learner.tensors().items() if not value.equal(before[key])}
    assert changed == {"broken", "sum"}
    assert int(learner.broken) == 3, "the last such step, counted from 1"


# --- memory ---


def narrow(most: int) -> Callable[..., Tensor]:
    """A loss for which more than `most` rows are too many, and once the second piece of a batch."""
    calls: list[int] = []

    def small(net: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        if net.training:
            calls.append(len(batch["x"]))
            second_piece = most > 1 and calls[-2:] == [most, most] and calls.count(most) == 2
            if calls[-1] > most or second_piece:
                raise MemoryError
        return loss(net, batch)

    return small


@pytest.mark.parametrize("most, pieces", [(8, 2), (4, 4), (3, 4), (1, 8)])
def test_smaller_pieces_give_the_same_update(most: int, pieces: int, tmp_path: Path):
    plan = replace(PLAN, folder=tmp_path, checkpoint_steps=10)
    with watching() as heard:
        net, _ = learn(plan, what=narrow(most))
    whole, _ = learn(replace(PLAN, folder=tmp_path / "whole"))
    for a, b in zip(net.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
    assert heard.told(f"split into {pieces} parts")
    state = tmp_path / "checkpoints" / checkpoints(tmp_path)[-1] / "state.json"
    assert json.loads(state.read_text())["micro"] == pieces
    told, plain = (loop.log_of(folder) for folder in (tmp_path, tmp_path / "whole"))
    for left, right in zip(told, plain, strict=True):
        assert left["loss"] == pytest.approx(right["loss"], abs=1e-4)


def test_a_row_that_does_not_fit_alone_is_the_end():
    with pytest.raises(MemoryError):
        learn(what=narrow(0))


def test_another_error_is_not_taken_for_memory():
    def wrong(net: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        raise RuntimeError("sizes do not fit")

    with pytest.raises(RuntimeError, match="sizes"):
        learn(what=wrong)


# --- averages ---


@pytest.mark.parametrize("share, every", [(0.5, 1), (0.5, 5), (0.2, 5), (1.0, 7), (0.01, 5)])
def test_the_average_is_the_plain_mean_of_the_right_steps(share: float, every: int):
    net, seen = network(norm=True), {}

    def note(step: int) -> None:
        seen[step] = {name: value.double() for name, value in net.state_dict().items()}

    recipe = replace(SGD, average=share, average_every=every)
    with watching({step: (lambda step=step: note(step)) for step in range(1, 25)}):
        loop.fit(net, parts(), loss, PLAN, recipe)
    first = 24 - math.ceil(24 * share)
    steps = {step for step in range(first + every, 25, every)} | {24}
    for name, value in net.state_dict().items():
        if value.is_floating_point():
            mean = torch.stack([seen[step][name] for step in sorted(steps)]).mean(0)
            torch.testing.assert_close(value.double(), mean, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["sgd", "adamw", "muon"])
@pytest.mark.parametrize("step", [12, 17, 24])
def test_stopped_within_the_average_it_goes_on_as_undisturbed(tmp_path: Path, name: str, step: int):
    """With everything that has a state: momentum, averages, running statistics."""
    recipe = replace(SGD, optimizer=name, decay=0.01, average=0.5, average_every=2)
    whole, _ = learn(recipe=recipe, norm=True)
    plan = replace(PLAN, folder=tmp_path)
    with pytest.raises(Stopped), watching({step: terminate}):
        learn(plan, recipe, norm=True)
    net, _ = learn(plan, recipe, norm=True)
    assert as_bytes(net) == as_bytes(whole)


# --- the plan ---


def test_epochs_become_steps():
    _, fitted = learn(replace(PLAN, epochs=2.5))
    assert fitted["steps"] == 15 and fitted["epochs"] == 2.5


def test_without_a_plan_the_recipe_decides_but_small_data_do_not_starve():
    _, fitted = learn(replace(PLAN, epochs=None))
    assert fitted["steps"] == 18
    _, fitted = learn(replace(PLAN, epochs=None), replace(SGD, least_steps=30))
    assert fitted["steps"] == 30


def test_a_batch_larger_than_the_data_is_all_of_it():
    _, fitted = learn(replace(PLAN, batch=1000))
    assert fitted["steps"] == 4 and fitted["batch"] == ROWS


@pytest.mark.parametrize("seconds", [0.004, 0.0125])
def test_minutes_become_as_many_steps_as_fit(monkeypatch: pytest.MonkeyPatch, seconds: float):
    """On a clock that only learning moves: they fill the budget, less what finding out took."""
    slow = on_a_clock_of_steps(monkeypatch, seconds)
    _, fitted = learn(replace(PLAN, epochs=None, minutes=0.02), what=slow)
    assert 0.5 * 1.2 < fitted["steps"] * seconds < 1.2


def test_what_minutes_came_to_is_stored_and_read_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    slow = on_a_clock_of_steps(monkeypatch, 0.004)
    plan = replace(PLAN, epochs=None, minutes=0.02, folder=tmp_path)
    with pytest.raises(Stopped), watching({9: terminate}):
        learn(plan, what=slow)
    path = tmp_path / "checkpoints" / "plan.json"
    stored = json.loads(path.read_text())
    assert stored["steps"] > 24
    path.write_text(json.dumps(stored | {"steps": 30}))
    with watching() as heard:
        _, fitted = learn(plan)
    assert fitted["steps"] == 30 and heard.steps == [*range(10, 31)]


def test_measuring_a_step_changes_nothing():
    net = network(norm=True)
    before = as_bytes(net)
    seconds = seconds_a_step(net, columns(), SGD, Work(loss, None, torch.float32), SIZE)
    assert as_bytes(net) == before and seconds > 0


@pytest.mark.parametrize("settings", [{"checkpoint_seconds": 0}, {"checkpoint_steps": 1}])
def test_checkpoints_come_by_time_and_by_steps_and_two_stay(tmp_path: Path, settings: Any):
    learn(replace(PLAN, folder=tmp_path, **settings))
    assert checkpoints(tmp_path) == ["step-000000022", "step-000000023"]


# --- the log ---


def test_the_log_has_a_row_a_pass(tmp_path: Path):
    learn(replace(PLAN, folder=tmp_path))
    rows = loop.log_of(tmp_path)
    assert [row["step"] for row in rows] == [6, 12, 18, 24]
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    for row in rows:
        assert set(row) == {*("step epoch loss seconds rows_per_second threads valid_loss".split())}
    assert rows[-1]["loss"] < rows[0]["loss"] and rows[-1]["valid_loss"] < rows[0]["valid_loss"]


def test_the_loss_of_a_row_is_the_mean_since_the_row_before(tmp_path: Path):
    values = []

    def noted(net: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        value = loss(net, batch)
        if net.training:
            values.append(value.item())
        return value

    learn(replace(PLAN, folder=tmp_path), what=noted)
    means = np.array(values).reshape(4, 6).mean(1)
    assert [row["loss"] for row in loop.log_of(tmp_path)] == pytest.approx(means, abs=1e-5)


def test_a_long_run_has_about_twenty_rows(tmp_path: Path):
    learn(replace(PLAN, epochs=50, folder=tmp_path))
    assert 15 <= len(loop.log_of(tmp_path)) <= 20


def test_a_continued_run_cuts_off_what_it_does_again(tmp_path: Path):
    plan = replace(PLAN, folder=tmp_path, checkpoint_steps=5)

    def give_up() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), watching({14: give_up}):
        learn(plan)
    assert [row["step"] for row in loop.log_of(tmp_path)] == [6, 12]
    with watching({11: lambda: steps.extend(row["step"] for row in loop.log_of(tmp_path))}):
        steps: list[int] = []
        learn(plan)
    assert steps == [6], "step 12 is ahead again"
    learn(replace(plan, folder=tmp_path / "whole"))
    whole = [without_time(row) for row in loop.log_of(tmp_path / "whole")]
    assert [without_time(row) for row in loop.log_of(tmp_path)] == whole


def without_time(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if "second" not in name}


def test_evaluation_is_a_mean_over_rows_in_eval_mode():
    net = network(norm=True)
    net.train()
    before = as_bytes(net)
    found = loop.evaluate(net, columns(), loop._mean_of(loss), 7)
    with torch.no_grad():
        whole = loss(net.eval(), {k: torch.from_numpy(v) for k, v in columns().arrays.items()})
    assert found == {"valid_loss": pytest.approx(whole.item(), abs=1e-5)}
    assert as_bytes(net) == before
    assert loop.evaluate(net, columns().view(np.zeros(0)), loop._mean_of(loss), 7) == {}

    def ratios(net, batch):  # of a class in every row, of one in a row of label 1, of none
        own = (batch["label"] == 1).sum()
        every = torch.tensor(len(batch["label"]))
        return {
            "ratio": torch.stack(
                [torch.stack([every, own, 0 * own]), torch.stack([2 * every, own, 0 * own])]
            )
        }

    assert loop.evaluate(net, columns(), ratios, 7) == {"ratio": 0.75}


# --- who waits ---


@pytest.mark.parametrize("name", ["sgd", "adamw", "muon"])
@pytest.mark.parametrize("mapped", [False, True])
def test_within_a_pass_nobody_waits_for_the_device(
    monkeypatch: pytest.MonkeyPatch, name: str, mapped: bool
):
    if mapped:
        monkeypatch.setattr("tenfold.core.system.available_memory", lambda: 0)
    waits, marks = count_waits(monkeypatch), []
    recipe = replace(SGD, optimizer=name, average=0.5, average_every=2)
    with watching({step: lambda: marks.append(len(waits)) for step in range(1, 25)}):
        learn(replace(PLAN, checkpoint_seconds=0), recipe, norm=True)
    between = np.diff(marks)
    at_the_log = [6, 12, 18]
    quiet = [count for step, count in enumerate(between, 1) if step not in at_the_log]
    if mapped:  # the order of rows is read by the thread that fetches them, not from the device
        assert {waits[place] for place in range(marks[0], marks[4])} <= {"numpy"}
    else:
        assert quiet == [0] * len(quiet)
    assert all(between[step - 1] > 0 for step in at_the_log), "the counter sees nothing"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", ["sgd", "adamw", "muon"])
def test_on_cuda_nothing_synchronises_within_a_pass(name: str):
    """Steps 2 to 5 of a pass, with every synchronisation an error."""
    at: dict[int, Callable[[], object]] = {
        13: lambda: torch.cuda.set_sync_debug_mode("error"),
        17: lambda: torch.cuda.set_sync_debug_mode("default"),
    }
    try:
        with watching(at) as heard:
            learn(replace(PLAN, device="cuda"), replace(SGD, optimizer=name), norm=True)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert heard.steps[-1] == 24
