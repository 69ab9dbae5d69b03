"""`train --folds`: a run a fold, all answers scored together, and a last run on all rows."""

from __future__ import annotations

import json
import shutil
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from commands import tenfold as command
from latin import latin_words
from sharing import keep_the_table_of_operators
from subjects import TASKS, world_of

import tenfold
import worlds
from tenfold.core.errors import ArtefactRefused, UsageError
from tenfold.run import manifest

TASK = "image-classification"
SMALL = {"size": "tiny", "augment": "none", "epochs": 2, "batch": 24, "device": "cpu"}


def rows_of(run: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run.folder / "rows.jsonl").read_text().splitlines()]


def named(run: Any, *parts: str) -> list[tuple[str, str]]:
    return [(row["source"], row["digest"]) for row in rows_of(run) if row["split"] in parts]


# --- every task, with a given test part ---


QUICK_TASKS = {TASK, "recommendation"}
"""Rows of their own, and a person with a row in each part; the other tasks take longer."""


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=() if name in QUICK_TASKS else pytest.mark.slow) for name in TASKS
    ],
)
def done(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    world, home = world_of(request.param), tmp_path_factory.mktemp("folds")
    data = world.make(home / "data", 3)
    plan = {"seed": 3, "device": "cpu", **world.plan, "epochs": 4, **world.settings}
    return tenfold.train(request.param, data, out=home / "run", folds=3, **plan)


def test_each_row_outside_the_test_part_is_tested_once(done: Any):
    final = tenfold.open_run(done["final"]["run"], "cpu")
    outside, held = named(final, "train", "valid"), named(final, "test")
    tested = [row for run in done.runs for row in named(run, "test")]
    assert sorted(tested) == sorted(outside) and held
    for run in done.runs:
        assert set(named(run, "test")).isdisjoint(named(run, "train", "valid"))
        if "recommendation" not in run.task_name:  # there a person has a row in each part
            assert set(named(run, "train", "valid", "test")).isdisjoint(held)


def test_the_scores_are_those_of_all_answers_together(done: Any):
    final = tenfold.open_run(done["final"]["run"], "cpu")
    counts = [one["rows"] for one in done["runs"]]
    assert sum(counts) == final.scores["refit"]["rows"] == done["final"]["rows"]
    headline = done["headline"]
    values = [run.scores["scores"][headline]["value"] for run in done.runs]
    if headline in ("accuracy", "ndcg@10"):  # means over rows
        whole = np.average(values, weights=counts)
        assert done["scores"][headline]["value"] == pytest.approx(whole, abs=1e-5)
    assert done["scores"][headline]["low"] <= done["scores"][headline]["value"]
    assert done["folds"]["values"] == values
    assert done["folds"]["mean"] == pytest.approx(statistics.mean(values), abs=1e-6)
    assert done["folds"]["deviation"] == pytest.approx(statistics.stdev(values), abs=1e-6)
    stored = json.loads((Path(done["folder"]) / "folds.json").read_text())
    assert stored["scores"] == done["scores"] and stored["final"] == done["final"]


def test_the_last_run_has_the_choices_of_the_median_fold(done: Any):
    headline = done["headline"]
    final = tenfold.open_run(done["final"]["run"], "cpu")
    chosen = next(run for run in done.runs if run.folder.name == done["final"]["chosen_by"])
    values = sorted(one[headline] for one in done["runs"])
    assert chosen.scores["scores"][headline]["value"] == values[1]
    first, last = chosen.facts["fitted"], final.facts["fitted"]
    for name in ("selected", "augment", "temperature"):
        assert last.get(name) == first.get(name), name
    if "steps" in last:
        steps = {**first, **first.get("budgets", {}).get(first.get("selected"), {})}
        assert last["steps"] == steps.get("ended_early", steps["steps"])
    assert done["final"]["scores"] == final.scores["scores"]
    assert final.scores["protocol"].endswith("trained on all other rows")


# --- without a given test part ---


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return worlds.shapes(tmp_path_factory.mktemp("shapes") / "data", 3, {"": 14})


@pytest.fixture(scope="module")
def pictures(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    out = tmp_path_factory.mktemp("pictures") / "run"
    return tenfold.train(TASK, data, out=out, folds=3, lang="zh", **SMALL)


def test_the_last_run_shows_the_scores_of_the_folds(pictures: Any, tmp_path: Path):
    final = tenfold.open_run(pictures["final"]["run"], "cpu")
    assert final.scores["scores"] == pictures["scores"] and pictures["final"]["scores"] == {}
    assert final.scores["fold"] == {"number": None, "count": 3, "pooled": True}
    assert final.scores["rows"] == {"train": 42, "valid": 0, "test": 0, "quarantined": 0}
    assert "in 3 folds, each tested by the run that was not trained on it" in str(final)
    page = (final.folder / "report.html").read_text("utf-8")
    assert latin_words(page) <= {"circle", "cross", "triangle", "final"} and "3 折" in page
    one = (pictures.runs[0].folder / "report.html").read_text("utf-8")
    assert (
        latin_words(one) <= {"circle", "cross", "triangle", "fold-0", "fold"} and "--folds 3" in one
    )
    assert tenfold.test(final)["protocol"] == "42 rows of the run's own training part"
    keep_the_table_of_operators()
    tenfold.export(final, out=tmp_path / "export")
    assert (tmp_path / "export" / "net.onnx").exists()


def test_the_same_call_goes_on_where_it_was_left(pictures: Any, data: Path, tmp_path: Path):
    """Of three folds one is finished, one was begun, the last run is gone."""
    out = shutil.copytree(pictures["folder"], tmp_path / "run")
    (out / "fold-1" / "manifest.json").unlink()
    shutil.rmtree(out / "fold-2")
    shutil.rmtree(out / "final")
    kept = (out / "fold-0" / "manifest.json").stat().st_mtime_ns
    again = tenfold.train(TASK, data, out=out, folds=3, lang="zh", **SMALL)
    assert (out / "fold-0" / "manifest.json").stat().st_mtime_ns == kept
    assert again["scores"] == pictures["scores"]
    for name in ("fold-1", "fold-2", "final"):
        weights = [
            (Path(place) / name / "weights.safetensors").read_bytes()
            for place in (out, pictures["folder"])
        ]
        assert weights[0] == weights[1], name
        assert manifest.read(out / name / "facts.json")


def test_other_settings_are_refused(pictures: Any, data: Path):
    for changed in ({"folds": 4}, {"folds": 3, "epochs": 3}):
        with pytest.raises(ArtefactRefused) as caught:
            tenfold.train(TASK, data, out=pictures["folder"], lang="zh", **(SMALL | changed))
        assert (caught.value.code, caught.value.where) == ("run-differs", pictures["folder"])


def test_the_limit_holds_for_all_folds_together(data: Path, tmp_path: Path):
    found = tenfold.train(TASK, data, out=tmp_path / "run", folds=2, limit=30, **SMALL)
    assert sum(one["rows"] for one in found["runs"]) == found["final"]["rows"] == 30


def test_one_run_a_group_and_refitted_folds(data: Path, tmp_path: Path):
    """A DataFrame of persons; each fold is trained again before it is tested."""
    paths = sorted(data.rglob("*.png"))
    table = pd.DataFrame({"path": [str(path) for path in paths]})
    table = table.assign(label=[path.parent.name for path in paths])
    table["group"] = [f"person {number % 3}" for number in range(len(paths))]
    found = tenfold.train(TASK, table, out=tmp_path / "run", folds="each", refit=True, **SMALL)
    assert [one["group"] for one in found["runs"]] == ["person 0", "person 1", "person 2"]
    for run in found.runs:
        groups = {row["group"] for row in rows_of(run) if row["split"] == "test"}
        assert groups == {run.scores["fold"]["group"]}
        assert run.scores["refit"]["rows"] == 28
    assert "person 1" in str(found)
    values = [one["accuracy"] for one in found["runs"]]
    assert values == [run.scores["scores"]["accuracy"]["value"] for run in found.runs]
    for one in (found, *(run.scores for run in found.runs)):
        assert one["scores"]["accuracy"]["low"] is None and "no interval" in str(found)
        count = 3 if one is found else 1
        assert f"the number of groups is {count} and at least 5 are needed" in one["protocol"]


@pytest.mark.parametrize("folds", [1, 0, -2, 21, "all", "2.5"])
def test_a_number_out_of_range_is_refused(data: Path, tmp_path: Path, folds: Any):
    with pytest.raises(UsageError) as caught:
        tenfold.train(TASK, data, out=tmp_path / "run", folds=folds)
    assert caught.value.code == "bad-setting"
    assert caught.value.message.values == {"limit": 20, "folds": folds}


def test_beside_repeat_or_plan_it_is_refused(data: Path, tmp_path: Path):
    for flag, more in (("--repeat", {"repeat": 2}), ("--plan", {"plan": True})):
        with pytest.raises(UsageError) as caught:
            tenfold.train(TASK, data, out=tmp_path / "run", folds=2, **more)
        assert caught.value.code == "bad-setting"
        assert caught.value.message.values == {"flag": flag}
    assert not (tmp_path / "run").exists()


def test_on_the_command_line(data: Path, tmp_path: Path):
    told = ["--size", "tiny", "--epochs", "1", "--batch", "24", "--device", "cpu", "--json"]
    refused = command("train", TASK, data, "--folds", "each", *told, cwd=tmp_path)
    assert refused.code == 2 and "--group" in refused.err
    found = command("train", TASK, data, "--folds", "2", *told, cwd=tmp_path)
    assert found.code == 0, found.err
    assert json.loads(found.out)["folder"] == f"runs/data-{TASK}-1"
    listed = json.loads(command("runs", "--json", cwd=tmp_path).out)
    assert [Path(one["run"]).name for one in listed["runs"]] == ["fold-0", "fold-1", "final"]
