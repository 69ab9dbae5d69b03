"""The laws of learning, for every task that learns by the loop.

Killed at any step and continued is as undisturbed, with tolerance 0; one batch can be learnt by
heart; nothing waits for the device between two log rows.
"""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from learning import (
    HERE,
    Killed,
    as_bytes,
    checkpoints,
    count_waits,
    die,
    shift,
    terminate,
    watching,
)
from refitting import assert_repeats
from subjects import SEED, Call, Subject, handed_over
from subjects import subject as subject

from tenfold.core.columns import Columns, Parts
from tenfold.core.errors import Stopped
from tenfold.training import loop
from tenfold.training.batches import tensors
from tenfold.training.budget import Estimated
from tenfold.training.inference import by_torch


def test_one_batch_can_be_learnt_by_heart(subject: Subject, monkeypatch: pytest.MonkeyPatch):
    call = handed_over(subject, monkeypatch)
    rows = subject.prepared.rows("train")[:12]
    batch = call.parts.train.view(np.arange(12))
    nothing = batch.view(np.zeros(0))
    plan = subject.plan(epochs=80)
    first = worth(call, batch)
    loop.fit(call.net, Parts(batch, nothing, nothing), call.loss, plan, call.recipe)
    assert worth(call, batch) < subject.world.floor + 0.1 < first
    run = dataclasses.replace(subject.run, net=call.net, infer=by_torch(call.net))
    answers = run.answer(subject.prepared.columns.only(subject.prepared.eaten).view(rows))
    used = subject.prepared.used.iloc[subject.prepared.rows("train")[:12]]
    kind = subject.prepared.answer
    best = kind.score(answers, used, used).best
    if kind.metrics[kind.headline].better == "lower":
        assert best.baseline is not None
        assert best.value <= (1 - subject.world.by_heart) * best.baseline
    else:
        assert best.value >= subject.world.by_heart


def worth(call: Call, batch: Columns) -> float:
    call.net.eval()
    with torch.no_grad():
        return float(call.loss(call.net, tensors(batch.take(np.arange(12)), HERE)))


def test_loss_and_augmentation_run_on_the_meta_device(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
):
    call = handed_over(subject, monkeypatch)
    net = copy.deepcopy(call.net).to("meta").train()
    batch = tensors(call.parts.train.take(np.arange(4)), torch.device("meta"))
    if call.augment is not None:
        changed = call.augment(batch, 0.5)
        assert {name: len(value) for name, value in changed.items()} == dict.fromkeys(batch, 4)
        batch = changed
    value = call.loss(net, batch)
    value.backward()
    assert value.shape == () and value.device.type == "meta"
    assert all(entry.grad is not None for entry in net.parameters() if entry.requires_grad)


def test_steps_wait_for_nobody(subject: Subject, monkeypatch: pytest.MonkeyPatch):
    """Between two log rows nothing is read from the device."""
    waits = count_waits(monkeypatch)
    marks: dict[int, int] = {}
    rows = subject.prepared.parts.train.rows
    at = {step: (lambda step=step: marks.setdefault(step, len(waits))) for step in range(1, 13)}
    with watching(at):
        plan = subject.plan(epochs=6, batch=rows // 2)
        subject.task.fit(subject.net(), subject.prepared.parts, plan)
    if not marks:
        pytest.skip(f"{subject.name} does not learn by the loop")
    quiet = [marks[step + 1] - marks[step] for step in range(1, 12, 2)]
    noisy = [marks[step + 1] - marks[step] for step in range(2, 12, 2)]
    assert quiet == [0] * len(quiet)
    assert min(noisy) > 0, "the counter does not see what the log reads"


STEPS, EVERY = 12, 4


def learn(
    subject: Subject, folder: Path | None, at: dict[int, Any] | None = None, **more: Any
) -> Any:
    """The weights after twelve steps, with something done to the process after some of them."""
    parts = subject.prepared.parts
    size = parts.train.rows // 3
    settings = {"epochs": STEPS / 3, "batch": size, "checkpoint_steps": EVERY, "folder": folder}
    with watching(at):
        found = subject.task.fit(subject.net(), parts, subject.plan(**settings | more))
    return as_bytes(found.net), found.facts


@pytest.fixture(scope="module")
def undisturbed(subject: Subject) -> Any:
    return learn(subject, None)


@pytest.fixture
def by_steps(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    """Skips a task that does not learn by the loop: it has no step to stop at."""
    handed_over(subject, monkeypatch)


@pytest.mark.usefixtures("by_steps")
@pytest.mark.parametrize("step", [1, 7, 11, 12])
def test_stopped_and_continued_is_as_undisturbed(
    subject: Subject, undisturbed: Any, tmp_path: Path, step: int
):
    with pytest.raises(Stopped) as stopped:
        learn(subject, tmp_path, {step: terminate})
    assert stopped.value.exit_code == 143
    assert checkpoints(tmp_path)[-1] == f"step-{step:09d}"
    assert learn(subject, tmp_path) == undisturbed


@pytest.mark.usefixtures("by_steps")
def test_killed_and_continued_is_as_undisturbed(subject: Subject, undisturbed: Any, tmp_path: Path):
    """Killed twice, between checkpoints: what was not saved is done again."""
    for step in (7, 11):
        with pytest.raises(Killed):
            learn(subject, tmp_path, {step: die})
        assert checkpoints(tmp_path)[-1] == f"step-{step // EVERY * EVERY:09d}"
    assert learn(subject, tmp_path) == undisturbed


@pytest.mark.usefixtures("by_steps")
def test_continued_one_step_off_differs(subject: Subject, undisturbed: Any, tmp_path: Path):
    """The negative control: the comparison does see a single step."""
    with pytest.raises(Stopped):
        learn(subject, tmp_path, {7: terminate})
    shift(tmp_path, 7)
    assert learn(subject, tmp_path)[0] != undisturbed[0]


def test_the_seed_decides_everything(subject: Subject, undisturbed: Any):
    assert learn(subject, None) == undisturbed
    assert learn(subject, None, seed=SEED + 1)[0] != undisturbed[0]


def test_a_second_fit_repeats_what_the_first_chose(subject: Subject):
    """As `--refit` and `--folds` do it: validation only adds rows, and nobody looks at it."""
    parts = subject.prepared.parts
    plan = subject.plan(epochs=2, batch=parts.train.rows // 3)
    first = subject.task.fit(subject.net(), parts, plan)
    for selected in ("", *first.candidates):
        assert_repeats(subject.task, parts, plan, first, selected)


def test_a_dry_plan_ends_before_training(subject: Subject):
    with watching() as heard, pytest.raises(Estimated) as ended:
        subject.task.fit(subject.net(), subject.prepared.parts, subject.plan(dry=True))
    assert heard.steps == []
    assert not heard.told("is kept") and not heard.told("is selected")
    assert ended.value.facts.keys() & {"seconds_a_step", "more"}
