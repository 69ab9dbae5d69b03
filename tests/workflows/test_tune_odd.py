"""`tune` of odd settings and odd data: refused before a trial, or told and carried through."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest
from commands import tenfold as command
from learning import watching
from searches import TASK, TOLD, came_to, tune
from searches import data as data

import tenfold
import worlds
from tenfold.core.errors import DataRefused, EnvironmentRefused, UsageError
from tenfold.core.lazy import lazy
from tenfold.run import run
from tenfold.workflows import trials
from tenfold.workflows import tune as searching
from tenfold.workflows.train import TrainingRequest

# --- refused ---


@pytest.mark.parametrize("count", [1, 0, -3, 1001])
def test_a_number_of_trials_out_of_range_is_refused(data: Path, tmp_path: Path, count: int):
    with pytest.raises(UsageError) as caught:
        tune(data, tmp_path / "search", trials=count)
    assert caught.value.code == "bad-setting"
    assert caught.value.message.values == {"limit": 1000, "trials": count}


def test_nothing_left_to_vary_is_refused(data: Path, tmp_path: Path):
    held = {"learning_rate": 0.1, "augment": "none", "optimizer": "sgd"}
    with pytest.raises(UsageError) as caught:
        tune(data, tmp_path / "search", **held)
    assert caught.value.code == "nothing-to-tune" and "Leave out" in caught.value.fix
    assert not (tmp_path / "search").exists()


def test_without_optuna_it_is_said_before_data_are_read(tmp_path: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    monkeypatch.setattr(trials, "optuna", lazy("optuna"))
    with pytest.raises(EnvironmentRefused) as caught:
        tune(tmp_path / "nowhere", tmp_path / "search")
    assert caught.value.code == "missing-package" and "tenfold[tune]" in caught.value.fix
    assert caught.value.message.values == {"package": "optuna"}


def test_one_class_is_refused(tmp_path: Path):
    worlds.shapes(tmp_path / "data", 3, {"": 20})
    for name in ("cross", "triangle"):
        shutil.rmtree(tmp_path / "data" / name)
    with pytest.raises(DataRefused) as caught:
        tune(tmp_path / "data", tmp_path / "search")
    assert caught.value.code == "one-class"


def test_without_validation_nothing_can_choose(tmp_path: Path):
    worlds.shapes(tmp_path / "data", 3, {"train": 3, "test": 3})
    table = [
        {"image": str(path), "label": path.parent.name, "group": "one", "split": part}
        for part in ("train", "test")
        for path in sorted((tmp_path / "data" / part).rglob("*.png"))
    ]
    with pytest.raises(DataRefused) as caught:
        tune(pd.DataFrame(table), tmp_path / "search")
    assert caught.value.code == "no-validation-rows"


# --- odd data ---


def test_few_rows_are_said(tmp_path: Path):
    worlds.shapes(tmp_path / "data", 3, {"": 4})
    with watching() as heard:
        found = tune(tmp_path / "data", tmp_path / "search", trials=2, epochs=1)
    assert heard.told("to select on: with so few rows the best trial is mostly chance")
    assert found["selected"] == "default"


def test_a_trial_that_fails_is_noted_and_none_is_trained_twice(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Only the network may vary, and one of the three does not fit the pictures."""
    fields = searching._fields(TrainingRequest(TASK, data, None))
    entry = next(one for one in fields if one.name == "network")
    two = {"search": ("flatten dense8 relu", "dense16")}
    monkeypatch.setattr(entry, "metadata", dict(entry.metadata) | two)
    told = {key: value for key, value in TOLD.items() if key != "network"} | {"epochs": 2}
    held = {"learning_rate": 0.01, "augment": "none", "optimizer": "sgd"}
    with watching() as heard:
        found = tenfold.tune(TASK, data, out=tmp_path / "search", trials=8, **(told | held))
    failed = [one for one in found["trials"] if one["ended"] == "failed"]
    assert failed and all(one["settings"] == {"network": "dense16"} for one in failed)
    assert failed[0]["value"] is None and "Layer 1 'dense16'" in failed[0]["message"]
    assert heard.told("The trial failed: Layer 1 'dense16'") and "   failed " in str(found)
    assert run.ended(Path(failed[0]["run"]))["ended"] == "failed"
    assert heard.told("they are not trained again")
    assert len(list((tmp_path / "search").glob("trial-*/weights.safetensors"))) <= 2
    again = [one for one in found["trials"][1:] if not one["settings"]]
    assert all(one["run"] == found["trials"][0]["run"] for one in again)


def test_on_the_command_line_with_odd_names(tmp_path: Path):
    """Chinese and HTML in the names of classes; a number for the folder; a report in Chinese."""
    worlds.shapes(tmp_path / "图片", 3, {"": 12})
    (tmp_path / "图片" / "circle").rename(tmp_path / "图片" / "圆 <b>形")
    told = ["--trials", "2", "--size", "tiny", "--epochs", "1", "--device", "cpu", "--lang", "zh"]
    result = command("tune", TASK, "图片", *told, "--json", cwd=tmp_path)
    assert result.code == 0, result.err
    assert result.document["folder"] == f"runs/图片-{TASK}-1"
    assert len(result.document["trials"]) == 2
    page = (tmp_path / result.document["report"]).read_text()
    assert "&lt;b&gt;形" in page and "<b>形" not in page
    assert "沿用默认设置" in page or "验证集从" in page
    listed = command("runs", "--json", cwd=tmp_path).document["runs"]
    assert [one["run"] for one in listed] == [f"runs/图片-{TASK}-1/best"]
    other = command("tune", TASK, "图片", *told, "--json", cwd=tmp_path).document
    assert other["folder"] == f"runs/图片-{TASK}-2", "the first is finished"
    refused = command("tune", TASK, "图片", "--learning-rat", "3", cwd=tmp_path)
    assert refused.code == 2 and "--learning-rate" in refused.err


@pytest.mark.slow
def test_minutes_are_shared_by_the_trials_and_the_best(data: Path, tmp_path: Path):
    told = {key: value for key, value in TOLD.items() if key != "epochs"}
    found = tenfold.tune(TASK, data, out=tmp_path / "search", trials=3, minutes=0.5, **told)
    plans = [json.loads((Path(one["run"]) / "plan.json").read_text()) for one in found["trials"]]
    assert {plan["plan"]["minutes"] for plan in plans} == {0.125}
    last = json.loads((tmp_path / "search" / "best" / "plan.json").read_text())
    assert 0.125 <= last["plan"]["minutes"] <= 0.5
    assert came_to(tenfold.tune(TASK, data, out=tmp_path / "search", trials=3, minutes=0.5, **told))
