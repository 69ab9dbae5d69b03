"""Other processes on the same cores: training goes on with one thread, and takes all back."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch
from learning import watching
from rooms import KIT

from tenfold.training import interrupts


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch):
    """Two threads, and a machine that is as crowded as the test says; as before after it."""
    state, before = {"crowded": False}, torch.get_num_threads()
    monkeypatch.setattr(interrupts, "crowded", lambda threads: state["crowded"])
    torch.set_num_threads(2)
    yield state
    torch.set_num_threads(before)


def test_collapsing_steps_are_answered_with_one_thread(machine: dict[str, bool]):
    busy, window = interrupts.Contention(2, True), interrupts.Contention.STEPS
    with watching() as heard:
        assert not any(busy.step(0.010) for _ in range(2 * window))
        assert not any(busy.step(0.025) for _ in range(window)), (
            "two and a half times is no collapse"
        )
        assert torch.get_num_threads() == 2
        assert [busy.step(0.050) for _ in range(window)] == [False] * (window - 1) + [True]
    assert torch.get_num_threads() == 1 and heard.told("one thread")


def test_all_threads_come_back_when_the_others_have_gone(machine: dict[str, bool]):
    machine["crowded"] = True
    busy = interrupts.Contention(2, True)
    assert torch.get_num_threads() == 1
    busy.look_again()
    assert torch.get_num_threads() == 1
    machine["crowded"] = False
    with watching() as heard:
        torch.set_num_threads(2)  # as a look at a quiet machine leaves it
        busy.look_again()
    assert torch.get_num_threads() == 2 and heard.told("uses all threads")


def test_one_thread_or_another_device_is_not_watched(machine: dict[str, bool]):
    machine["crowded"] = True
    for busy in (interrupts.Contention(1, True), interrupts.Contention(2, False)):
        assert not any(busy.step(seconds) for seconds in [0.01] * 20 + [1.0] * 40)
    assert torch.get_num_threads() == 2


CROWDED = """
import subprocess, sys, torch
from torch import nn
from learning import watching
from tenfold.training import loop
from tenfold.core.columns import Columns, Parts
from tenfold.training.optimizers import Recipe
from tenfold.core.plan import Plan
import numpy as np

torch.set_num_threads(2)
random = np.random.default_rng(0)
rows = Columns({"x": random.normal(0, 1, (256, 3, 32, 32)).astype(np.float32)})
net = nn.Sequential(nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3))
loss = lambda net, batch: net(batch["x"]).square().mean()
neighbours = []

def crowd():
    spin = [sys.executable, "-c", "while True: pass"]
    neighbours.extend(subprocess.Popen(spin) for _ in range(4))

try:
    with watching({60: crowd}) as heard:
        plan = Plan(device="cpu", precision="float32", epochs=20, batch=32)
        loop.fit(net, Parts(rows, rows.view(np.arange(0)), rows.view(np.arange(0))), loss,
                 plan, Recipe("sgd", 1e-3))
finally:
    for process in neighbours:
        process.kill()
print("threads", torch.get_num_threads(), heard.sentences)
"""


@pytest.mark.slow
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two processors")
def test_with_busy_neighbours_training_goes_on_with_one_thread():
    """Four processes that spin, on the cores of two threads."""
    environment = os.environ | {"OMP_NUM_THREADS": "2", "PYTHONPATH": pythonpath()}
    cores = sorted(os.sched_getaffinity(0))[:2]
    done = subprocess.run(
        [sys.executable, "-c", CROWDED],
        env=environment,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert "training continues with one thread" in done.stdout


def pythonpath() -> str:
    return os.pathsep.join([str(KIT), os.environ.get("PYTHONPATH", "")])
