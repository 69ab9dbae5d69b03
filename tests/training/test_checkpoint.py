"""Damaged checkpoints are passed over; other settings and other data are refused by name."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from learning import PLAN, as_bytes, checkpoints, learn, result, terminate, watching

import tenfold
import worlds
from tenfold.core.errors import ArtefactRefused, EnvironmentRefused, Stopped, UsageError

TASK = "image-classification"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return worlds.shapes(tmp_path_factory.mktemp("resume") / "shapes", 1)


# --- damaged ---


def flip(path: Path, place: float = 0.5) -> None:
    """Changes one bit of one byte."""
    content = bytearray(path.read_bytes())
    content[int(place * (len(content) - 1))] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a bit of the weights": lambda place: flip(place / "state.safetensors", 0.9),
    "a bit of the header": lambda place: flip(place / "state.safetensors", 0.001),
    "a bit of the facts": lambda place: flip(place / "state.json"),
    "weights cut short": lambda place: cut(place / "state.safetensors"),
    "no weights": lambda place: (place / "state.safetensors").unlink(),
    "no facts": lambda place: (place / "state.json").unlink(),
    "no manifest": lambda place: (place / "manifest.json").unlink(),
    "an empty manifest": lambda place: (place / "manifest.json").write_text("{}"),
    "a manifest of one file": lambda place: (place / "manifest.json").write_text(
        json.dumps({"state.json": json.loads((place / "manifest.json").read_text())["state.json"]})
    ),
    "a manifest that is a list": lambda place: (place / "manifest.json").write_text("[1]"),
    "a manifest of noise": lambda place: (place / "manifest.json").write_bytes(os.urandom(99)),
    "nothing in it": lambda place: [path.unlink() for path in place.iterdir()],
}


@pytest.fixture(scope="module")
def whole() -> dict[str, bytes]:
    return as_bytes(learn()[0])


def stopped_at_13(folder: Path) -> Path:
    """A run with checkpoints of steps 12 and 13."""
    plan = replace(PLAN, folder=folder, checkpoint_steps=12)
    with pytest.raises(Stopped), watching({13: terminate}):
        learn(plan)
    assert checkpoints(folder) == ["step-000000012", "step-000000013"]
    return folder / "checkpoints"


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_checkpoint_is_passed_over(
    tmp_path: Path, whole: dict[str, bytes], damage: Callable[[Path], object]
):
    damage(stopped_at_13(tmp_path) / "step-000000013")
    with watching() as heard:
        net, _ = learn(replace(PLAN, folder=tmp_path))
    assert heard.told("step-000000013 is damaged") and heard.told("Continuing at step 12")
    assert heard.steps[0] == 13 and as_bytes(net) == whole


def test_when_all_are_damaged_it_does_not_begin_afresh(tmp_path: Path):
    folder = stopped_at_13(tmp_path)
    for name in checkpoints(tmp_path):
        flip(folder / name / "state.safetensors")
    with pytest.raises(ArtefactRefused) as refused, watching() as heard:
        learn(replace(PLAN, folder=tmp_path))
    assert refused.value.code == "damaged-checkpoint"
    assert refused.value.message.values == {"count": 2}
    assert refused.value.exit_code == 6 and heard.steps == []


def test_the_newest_is_by_step_and_not_by_clock(tmp_path: Path, whole: dict[str, bytes]):
    folder = stopped_at_13(tmp_path)
    os.utime(folder / "step-000000012")
    os.utime(folder / "step-000000013", (0, 0))
    with watching() as heard:
        net, _ = learn(replace(PLAN, folder=tmp_path))
    assert heard.told("Continuing at step 13") and as_bytes(net) == whole


def test_a_damaged_plan_is_refused(tmp_path: Path):
    (stopped_at_13(tmp_path) / "plan.json").write_text('{"steps": 24')
    with pytest.raises(ArtefactRefused) as refused:
        learn(replace(PLAN, folder=tmp_path))
    assert refused.value.code == "damaged-checkpoint" and refused.value.exit_code == 6
    assert refused.value.message.values["name"] == "plan.json"


# --- other settings, other data ---


def train(data: Path, out: Path | None, **changed: Any) -> Any:
    settings = {"size": "tiny", "augment": "shift", "epochs": 2, "batch": 24, "device": "cpu"}
    return tenfold.train(TASK, data, out=out, **settings | changed)


@pytest.fixture(scope="module")
def unfinished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("unfinished") / "run"
    with pytest.raises(Stopped), watching({4: terminate}):
        train(data, out)
    return out


@pytest.mark.parametrize(
    "changed, before",
    [
        ({"seed": 7}, 0),
        ({"epochs": 3}, 2),
        ({"batch": 12}, 24),
        ({"learning_rate": 0.5}, 0.0),
        ({"limit": 50}, None),
        ({"precision": "float32"}, "auto"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_other_settings_are_refused_by_name(
    data: Path, unfinished: Path, changed: dict[str, Any], before: Any
):
    ((name, after),), kept = changed.items(), checkpoints(unfinished)
    with pytest.raises(ArtefactRefused) as refused:
        train(data, unfinished, **changed)
    assert refused.value.exit_code == 6 and refused.value.code == "run-differs"
    told = {"name": name, "before": before, "after": after}
    assert told.items() <= refused.value.message.values.items()
    assert kept == checkpoints(unfinished)


def test_other_data_are_refused(data: Path, unfinished: Path, tmp_path: Path):
    other = shutil.copytree(data, tmp_path / "data")
    (other / "train" / "circle" / "000.png").unlink()
    with pytest.raises(ArtefactRefused) as refused:
        train(other, unfinished)
    assert refused.value.exit_code == 6 and refused.value.code == "run-differs"
    assert refused.value.message.values["name"] == "data"


def test_the_same_data_elsewhere_continue(data: Path, unfinished: Path, tmp_path: Path):
    copy = shutil.copytree(unfinished, tmp_path / "run")
    with watching() as heard:
        train(shutil.copytree(data, tmp_path / "data"), copy)
    assert heard.told("Continuing at step 4")


def test_without_out_the_unfinished_run_continues_and_others_get_a_number(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Stopped), watching({4: terminate}):
        train(data, None)
    other = train(data, None, epochs=1)
    with watching() as heard:
        same = train(data, None)
    assert heard.told("Continuing the unfinished run") and heard.told("Continuing at step 4")
    assert [run.folder.name for run in (same, other)] == [f"shapes-{TASK}-1", f"shapes-{TASK}-2"]
    assert train(data, None, epochs=1).folder.name == f"shapes-{TASK}-3"


def test_an_unfinished_run_whose_data_changed_is_named(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    other = shutil.copytree(data, tmp_path / "shapes")
    with pytest.raises(Stopped), watching({4: terminate}):
        train(other, None)
    with watching() as heard:
        train(other, None, epochs=1)
    assert not heard.told("The data have changed")
    (other / "train" / "circle" / "000.png").unlink()
    with watching() as heard:
        run = train(other, None)
    assert run.folder.name == f"shapes-{TASK}-3"
    assert heard.told("The data have changed") and not heard.told("Continuing at step")


def test_a_finished_run_and_a_strange_folder_are_left_alone(data: Path, tmp_path: Path):
    out = tmp_path / "run"
    train(data, out, epochs=1)
    before = result(out)
    with pytest.raises(UsageError) as refused:
        train(data, out, epochs=1)
    assert (refused.value.code, refused.value.where) == ("run-exists", str(out))
    assert result(out) == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(UsageError) as refused:
        train(data, tmp_path / "mine", epochs=1)
    assert (refused.value.code, refused.value.where) == ("run-exists", str(tmp_path / "mine"))
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]


# --- the disk ---


def test_too_small_a_disk_is_seen_before_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage._replace(free=2000))
    with pytest.raises(EnvironmentRefused) as refused, watching() as heard:
        learn(replace(PLAN, folder=tmp_path))
    assert refused.value.exit_code == 4 and refused.value.code == "disk-full"
    assert refused.value.message.values["what"] == "Checkpoints"
    assert heard.steps == []
