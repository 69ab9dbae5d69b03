"""What several tests of learning share: a small task, being stopped at a step, who waits."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tenfold.core import progress, system
from tenfold.core.columns import Columns, Parts
from tenfold.core.plan import Plan
from tenfold.training import loop
from tenfold.training.optimizers import Recipe

SGD = Recipe("sgd", 0.05, momentum=0.9, batch=8, epochs=3, least_steps=1)
ROWS, SIZE = 48, 8
PLAN = Plan(device="cpu", precision="float32", epochs=4, batch=SIZE)  # 24 steps, 6 a pass
HERE = torch.device("cpu")

torch.set_num_threads(1)  # weights are equal to the byte only where the threads are as many


class Plain(nn.Module):
    """Two layers; with `norm`, a batch norm between them."""

    def __init__(self, norm: bool = False) -> None:
        super().__init__()
        self.first = nn.Linear(5, 16)
        self.norm = nn.BatchNorm1d(16) if norm else nn.Identity()
        self.head = nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.norm(self.first(x)).relu())


def network(norm: bool = False) -> Plain:
    torch.manual_seed(2)
    return Plain(norm)


def columns(rows: int = ROWS) -> Columns:
    """Three classes that a line tells apart; `row` is each row's own number."""
    random = np.random.default_rng(4)
    label = np.arange(rows) % 3
    x = random.normal(0, 1, (rows, 5)).astype(np.float32)
    x[np.arange(rows), label] += 2
    return Columns({"x": x, "label": label, "row": np.arange(rows)})


def parts(rows: int = ROWS) -> Parts:
    every = columns(rows)
    return Parts(every, every.view(np.arange(min(rows, 10))), every.view(np.zeros(0)))


def loss(net: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    return nn.functional.cross_entropy(net(batch["x"]), batch["label"])


def learn(
    plan: Plan = PLAN, recipe: Recipe = SGD, what: Callable[..., Any] = loss, **more: Any
) -> tuple[nn.Module, dict[str, Any]]:
    found = loop.fit(network(more.pop("norm", False)), parts(), what, plan, recipe, **more)
    return found.net, found.facts


# --- what happens to a process ---


class Killed(BaseException):
    """The process is gone: nobody saves anything."""


@dataclass
class Watcher:
    """Hears how far learning is: keeps sentences and steps, and calls `at[step]()` after a step."""

    at: dict[int, Callable[[], object]] = field(default_factory=dict)
    sentences: list[str] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)

    def tell(self, sentence: str) -> None:
        self.sentences.append(sentence)

    def advance(self, stage: str, done: float, total: float, note: str = "") -> None:
        if stage == "training":
            self.steps.append(int(done))
            if done in self.at:
                self.at[int(done)]()

    def told(self, words: str) -> bool:
        return any(words in sentence for sentence in self.sentences)


@contextmanager
def watching(at: dict[int, Callable[[], object]] | None = None) -> Iterator[Watcher]:
    """Everything told and every step inside the block, with something done after some steps."""
    watcher = Watcher(at or {})
    with progress.listening(watcher):
        yield watcher


def terminate() -> None:
    """A real SIGTERM to this process, as `kill` sends it."""
    signal.raise_signal(signal.SIGTERM)


def die() -> None:
    """An end without any saving; a subprocess gets a real SIGKILL in test_resume."""
    raise Killed


def as_bytes(net: nn.Module) -> dict[str, bytes]:
    """Parameters and buffers, to be compared with tolerance 0."""
    return {name: value.numpy().tobytes() for name, value in net.state_dict().items()}


def on_a_clock_of_steps(monkeypatch: pytest.MonkeyPatch, seconds: float) -> Callable[..., Tensor]:
    """The loss, and a clock for plans by minutes that nothing but this loss moves."""
    now = [0.0]

    def slow(net: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        now[0] += seconds
        return loss(net, batch)

    clock = SimpleNamespace(perf_counter=lambda: now[0])
    monkeypatch.setattr("tenfold.training.budget.time", clock)
    return slow


def checkpoints(folder: Path) -> list[str]:
    """Names of the checkpoints of a run folder, oldest first."""
    return sorted(path.name for path in (folder / "checkpoints").glob("step-*"))


WAITS = "item tolist numpy cpu nonzero __bool__ __float__ __int__ __index__ __array__".split()


def count_waits(patch: pytest.MonkeyPatch) -> list[str]:
    """The list that names every call by which Python waits for the device from now on."""
    seen: list[str] = []

    def counted(name: str, real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **words: object) -> object:
            seen.append(name)
            return real(*args, **words)

        return call

    for name in WAITS:
        patch.setattr(torch.Tensor, name, counted(name, getattr(torch.Tensor, name)))
    return seen


def shift(folder: Path, step: int) -> None:
    """Makes the checkpoint of a step that of the next, in all it says of itself."""
    home = folder / "checkpoints"
    place = (home / f"step-{step:09d}").rename(home / f"step-{step + 1:09d}")
    facts = json.loads((place / "state.json").read_text())
    (place / "state.json").write_text(json.dumps(facts | {"step": step + 1}))
    manifest = {
        name: {"size": (place / name).stat().st_size, "sha256": system.digest_file(place / name)}
        for name in json.loads((place / "manifest.json").read_text())
    }
    (place / "manifest.json").write_text(json.dumps(manifest))


def result(run: Path) -> dict[str, bytes]:
    """All that a run came to, but for what tells of time and place."""
    names = "task.json facts.json plan.json rows.jsonl quarantine.jsonl weights.safetensors".split()
    rows = [
        {name: value for name, value in row.items() if "second" not in name}
        for row in loop.log_of(run)
    ]
    scores = json.loads((run / "scores.json").read_text())["scores"]
    told = {"log": json.dumps(rows).encode(), "scores": json.dumps(scores).encode()}
    return told | {name: (run / name).read_bytes() for name in names}
