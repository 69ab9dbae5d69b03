"""Every task on its world: prepared, trained once for all tests, and what it hands the loop."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sharing import once

import tenfold
from tenfold.core.columns import Parts
from tenfold.core.plan import Plan
from tenfold.data.prepare import Prepared, prepare
from tenfold.run.folder import remember_data
from tenfold.run.run import Run, open_run
from tenfold.task import Task
from tenfold.tasks import registry
from tenfold.training import loop
from worlds import WORLDS, World

TASKS = sorted(registry.names())
HELD_OUT = [
    task
    for task in TASKS
    if not any(kind.fits_all(pd.DataFrame()) for kind in registry.class_of(task).answers)
]
"""Tasks whose rows are divided into parts."""
BY_STEPS = "image-classification"
"""A task that is trained by the loop, for what does not depend on the task."""
SEED = 3


@dataclass(frozen=True)
class Subject:
    """One task on its world: what was prepared, and a run trained on it."""

    name: str
    world: World
    data: Path
    prepared: Prepared
    run: Run

    @property
    def task(self) -> Task:
        return self.run.task

    @property
    def facts(self) -> dict[str, Any]:
        return self.prepared.facts

    @property
    def part(self) -> str:
        """The part that is scored: test, or train where nothing is held out."""
        return self.prepared.judged

    def net(self) -> torch.nn.Module:
        """The untrained network."""
        torch.manual_seed(SEED)
        return self.task.build(self.facts)

    def plan(self, **settings: Any) -> Plan:
        return Plan(**{"facts": self.facts, "seed": SEED, "device": "cpu", **settings})


def world_of(name: str) -> World:
    if name not in WORLDS:
        pytest.fail(f"{name} has no world: add one to tests/kit/worlds.py")
    return WORLDS[name]


_TRAINED: dict[str, Subject] = {}


def trained(name: str, folders: pytest.TempPathFactory) -> Subject:
    """The task trained on its world, by the verb; a copy for each process. Leave it as it is."""
    if name not in _TRAINED:
        world = world_of(name)
        home = once(folders, name, lambda place: learn(name, place))
        folder = shutil.copytree(home / "run", folders.mktemp(name) / "run")
        run, data = open_run(folder, "cpu"), home / "data"
        remember_data(folder, data)
        _TRAINED[name] = Subject(name, world, data, prepare(run.task, data, seed=SEED), run)
    return _TRAINED[name]


def learn(name: str, place: Path) -> None:
    """`data` and `run` in that folder."""
    world = world_of(name)
    settings = {"seed": SEED, "device": "cpu", **world.plan, **world.settings}
    tenfold.train(name, world.make(place / "data", SEED), out=place / "run", **settings)


@pytest.fixture(scope="module", params=TASKS)
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return trained(request.param, tmp_path_factory)


class _Enough(Exception):
    """All that was wanted is known."""


@dataclass
class Call:
    """What a task hands to the loop."""

    net: torch.nn.Module
    parts: Parts
    loss: Any
    plan: Plan
    recipe: Any
    augment: Any = None
    measure: Any = None


def handed_over(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> Call:
    """What the task hands to loop.fit; skips where it learns in another way."""
    seen: list[Call] = []

    def capture(*args: Any, **words: Any) -> None:
        seen.append(Call(*args, **words))
        raise _Enough

    with monkeypatch.context() as patch:
        patch.setattr(loop, "fit", capture)
        try:
            subject.task.fit(subject.net(), subject.prepared.parts, subject.plan(epochs=1))
        except _Enough:
            return seen[0]
    pytest.skip(f"{subject.name} does not learn by the loop")


def some(subject: Subject, rows: int = 9) -> pd.DataFrame:
    """Rows spread over all parts."""
    used = subject.prepared.used
    return used.iloc[np.linspace(0, len(used) - 1, rows).astype(int)].reset_index(drop=True)
