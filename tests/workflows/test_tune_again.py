"""`tune` where a search is already: killed it goes on and ends alike, another is refused."""

from __future__ import annotations

import functools
import json
import random
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import Running
from learning import Killed, die, watching
from processes import command, started, wait_for
from processes import tenfold as to_its_end
from searches import TASK, came_to, tune, weights
from searches import data as data
from searches import done as done
from searches import short as short

from tenfold.core import system
from tenfold.core.errors import ArtefactRefused, EnvironmentRefused, UsageError

# --- going on ---


def dies(trial: int, step: int) -> dict[int, Callable[[], object]]:
    """After that step of that trial."""
    begun: list[int] = []

    def maybe() -> None:
        if len(begun) > trial:
            die()

    return {1: lambda: begun.append(1), step: maybe}


def killed_it_goes_on(whole: Any, data: Path, out: Path, trial: int, step: int) -> None:
    trials = len(whole["trials"])
    with watching(dies(trial, step)), pytest.raises(Killed):
        tune(data, out, trials=trials)
    assert len(list(out.glob("trial-*"))) == trial + 1
    with watching() as heard:
        again = tune(data, out, trials=trials)
    assert heard.told(f"Trial {trial} (") and not heard.told(f"Trial {trial - 1} (")
    assert came_to(again) == came_to(whole)
    assert weights(out) == weights(Path(whole["folder"]))


def test_killed_it_goes_on_and_ends_alike(short, data: Path, tmp_path: Path):
    killed_it_goes_on(short, data, tmp_path / "search", 1, 8)


@pytest.mark.slow
@pytest.mark.parametrize("trial, step", [(0, 4), (2, 9), (5, 8), (6, 4)])
def test_killed_in_any_trial_it_goes_on(done, data: Path, tmp_path: Path, trial: int, step: int):
    killed_it_goes_on(done, data, tmp_path / "search", trial, step)


def test_the_same_call_on_a_finished_search_trains_nothing(done, data: Path):
    before = {path: path.stat().st_mtime_ns for path in Path(done["folder"]).rglob("*.*")}
    with watching() as heard:
        again = tune(data, Path(done["folder"]))
    assert again.to_json() == done.to_json() and not heard.steps
    assert {path: path.stat().st_mtime_ns for path in Path(done["folder"]).rglob("*.*")} == before


@pytest.mark.parametrize("gone", ["best", "best/manifest.json", "told"])
def test_what_is_missing_of_the_end_is_made_again(done, data: Path, tmp_path: Path, gone: str):
    out = shutil.copytree(Path(done["folder"]), tmp_path / "search")
    stored = json.loads((out / "tune.json").read_text())
    del stored["content"]
    (out / "tune.json").write_text(json.dumps(stored))
    if gone == "best":
        shutil.rmtree(out / "best")
    elif gone != "told":
        (out / gone).unlink()
    assert came_to(tune(data, out)) == came_to(done)


LONG = "--size tiny --network fast --batch 24 --device cpu --trials 8 --epochs 20".split()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_killed_again_and_again_it_ends_alike(data: Path, tmp_path: Path, seed: int):
    """Real SIGKILLs at any moment, some checkpoints behind."""
    whole, said = tmp_path / "whole", tmp_path / "said"
    words = ["tune", TASK, str(data), *LONG, "--json", "--out"]
    assert to_its_end([*words, str(whole)], said, steps=5) == 0, said.read_text()
    out, chance, hits = tmp_path / "search", random.Random(seed), 0
    for _ in range(12):
        run_ = functools.partial(command, [*words, str(out)], said, steps=5)
        with started(run_) as process:
            wait_for(lambda: (out / "tune.json").exists() or process.exitcode is not None)
            process.join(chance.uniform(0.1, 1.0))
            hits += process.exitcode is None
    assert hits >= 4
    assert to_its_end([*words, str(out)], said, steps=5) == 0, said.read_text()
    both = [json.loads((place / "tune.json").read_text())["content"] for place in (whole, out)]
    assert came_to(both[0]) == came_to(both[1])
    assert weights(whole) == weights(out)


def test_ctrl_c_leaves_a_search_that_goes_on(data: Path, tmp_path: Path):
    words = ["tune", TASK, data, "--size", "tiny", "--network", "fast", "--device", "cpu"]
    words += ["--trials", "2", "--epochs", "2000", "--batch", "24"]
    running = Running(words, tmp_path, terminal=True)
    running.read_until(b"training ")  # the stage, not the counts of rows
    running.signal(signal.SIGINT)
    stopped = running.wait()
    assert stopped.code == 130 and "the state is saved" in stopped.err
    folder = tmp_path / "runs" / f"data-{TASK}-1"
    assert list((folder / "trial-000" / "checkpoints").glob("step-*"))
    again = Running(words, tmp_path, terminal=True)
    again.read_until(b"Continuing at step")
    again.signal(signal.SIGTERM)
    assert again.wait().code == 143
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [folder.name]


# --- refused ---


@pytest.mark.parametrize(
    "more, before",
    [
        ({"epochs": 4}, 10),
        ({"seed": 3}, 0),
        ({"trials": 5}, 8),
        ({"size": "small"}, "tiny"),
        ({"augment": "shift"}, "auto"),
        ({"limit": 10}, None),
    ],
)
def test_other_settings_are_refused(done, data: Path, more: dict[str, Any], before: Any):
    ((name, after),) = more.items()
    with pytest.raises(ArtefactRefused) as caught:
        tune(data, Path(done["folder"]), **more)
    assert caught.value.code == "run-differs"
    values = {"what": "A search", "name": name, "before": before, "after": after}
    assert caught.value.message.values == values


def test_other_data_are_refused(done, data: Path, tmp_path: Path):
    moved = shutil.copytree(data, tmp_path / "data")
    next(moved.rglob("*.png")).unlink()
    with pytest.raises(ArtefactRefused) as caught:
        tune(moved, Path(done["folder"]))
    assert caught.value.code == "run-differs" and caught.value.message.values["name"] == "data"


def test_other_files_are_refused(data: Path, tmp_path: Path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError) as caught:
        tune(data, tmp_path)
    assert (caught.value.code, caught.value.where) == ("run-exists", str(tmp_path))
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_second_search_in_one_folder_is_refused(done, data: Path, tmp_path: Path):
    out = shutil.copytree(Path(done["folder"]), tmp_path / "search")
    with system.locked(out), pytest.raises(EnvironmentRefused) as caught:
        tune(data, out)
    assert (caught.value.code, caught.value.where) == ("locked", str(out))
