"""`train --repeat`: the same training with several seeds, each a run of its own."""

from __future__ import annotations

import json
import shutil
import statistics
from pathlib import Path

import numpy as np
import pytest
from commands import tenfold as command
from scipy import stats

import tenfold
import worlds
from tenfold.core.errors import ArtefactRefused, UsageError

TASK = "image-classification"
TOLD = {"size": "tiny", "epochs": 3, "batch": 24, "device": "cpu"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return worlds.shapes(tmp_path_factory.mktemp("repeat") / "data", 3, {"": 14})


def repeat(data: Path, out: Path, times: int = 3, **more):
    return tenfold.train(TASK, data, out=out, repeat=times, seed=4, **(TOLD | more))


@pytest.fixture(scope="module")
def done(data: Path, tmp_path_factory: pytest.TempPathFactory):
    return repeat(data, tmp_path_factory.mktemp("done") / "three")


def test_each_seed_is_a_run_of_its_own(done, data: Path, tmp_path: Path):
    folder = Path(done["folder"])
    assert [run.folder for run in done.runs] == [folder / f"seed-{seed}" for seed in (4, 5, 6)]
    assert [one["seed"] for one in done["runs"]] == [4, 5, 6]
    alone = tenfold.train(TASK, data, out=tmp_path / "alone", seed=5, **TOLD)
    weights = [place / "weights.safetensors" for place in (alone.folder, folder / "seed-5")]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    others = {(folder / f"seed-{seed}" / "weights.safetensors").read_bytes() for seed in (4, 5, 6)}
    assert len(others) == 3


def test_mean_and_spread_are_those_of_the_runs(done):
    headline = done["headline"]
    values = [run.scores["scores"][headline]["value"] for run in done.runs]
    found = done["scores"][headline]
    assert found["values"] == values
    assert found["mean"] == pytest.approx(statistics.mean(values), abs=1e-6)
    assert found["deviation"] == pytest.approx(statistics.stdev(values), abs=1e-6)
    low, high = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    assert (found["low"], found["high"]) == pytest.approx((low, high), abs=1e-5)
    stored = json.loads((Path(done["folder"]) / "repeat.json").read_text())
    assert stored["scores"] == done["scores"]
    assert "deviation" in str(done) and f"{found['mean']:.4f}" in str(done)


def test_the_same_call_goes_on_where_it_was_left(done, data: Path, tmp_path: Path):
    """Of three runs one is finished, one was begun; nothing is done twice."""
    out = tmp_path / "three"
    first = repeat(data, out)
    kept = (out / "seed-4" / "manifest.json").stat().st_mtime_ns
    (out / "seed-5" / "manifest.json").unlink()
    again = repeat(data, out)
    assert (out / "seed-4" / "manifest.json").stat().st_mtime_ns == kept
    assert again["scores"] == first["scores"] == done["scores"]


def test_changed_data_are_refused(data: Path, tmp_path: Path):
    """Of two runs one is finished; then a picture goes."""
    moved = shutil.copytree(data, tmp_path / "data")
    out = tmp_path / "two"
    repeat(moved, out, 2)
    (out / "seed-5" / "manifest.json").unlink()
    next(moved.rglob("*.png")).unlink()
    with pytest.raises(ArtefactRefused) as caught:
        repeat(moved, out, 2)
    assert (caught.value.code, caught.value.where) == ("run-differs", str(out / "seed-4"))


def test_other_settings_or_other_files_are_refused(done, data: Path, tmp_path: Path):
    with pytest.raises(ArtefactRefused) as caught:
        repeat(data, Path(done["folder"]), epochs=4)
    assert (caught.value.code, caught.value.where) == ("run-differs", done["folder"])
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError) as other:
        repeat(data, tmp_path)
    assert (other.value.code, other.value.where) == ("run-exists", str(tmp_path))
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("times", [0, -1, 101])
def test_a_number_out_of_range_is_refused(data: Path, tmp_path: Path, times: int):
    with pytest.raises(UsageError) as caught:
        repeat(data, tmp_path / "run", times)
    assert caught.value.code == "bad-setting"
    assert caught.value.message.values == {"repeat": times}


def test_on_the_command_line(data: Path, tmp_path: Path):
    """Without --out the folder gets a number; `runs` lists the single runs."""
    told = ["--size", "tiny", "--epochs", "1", "--batch", "24", "--device", "cpu", "--json"]
    result = command("train", TASK, data, "--repeat", "2", *told, cwd=tmp_path)
    assert result.code == 0, result.err
    content = json.loads(result.out)
    assert content["folder"] == f"runs/data-{TASK}-1"
    assert [one["run"] for one in content["runs"]] == [
        f"runs/data-{TASK}-1/seed-{seed}" for seed in (0, 1)
    ]
    listed = json.loads(command("runs", "--json", cwd=tmp_path).out)
    assert len(listed["runs"]) == 2 and all(one["finished"] for one in listed["runs"])
    other = command("train", TASK, data, "--repeat", "2", *told, cwd=tmp_path)
    assert json.loads(other.out)["folder"] == f"runs/data-{TASK}-2", "the first is finished"
