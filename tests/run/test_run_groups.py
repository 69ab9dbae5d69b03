"""Runs on rows with groups: what is scored, compared and stated draws whole groups."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import tenfold
from tenfold.answers.intervals import Sampling
from tenfold.reporting import comparison, tuning
from tenfold.run import compare, evaluate
from tenfold.run.rows import rows_of
from tenfold.run.run import Run

TASK = "image-classification"
QUICK = {"size": "tiny", "batch": 16, "augment": "none", "device": "cpu"}
GROUPS = {"train": 20, "valid": 6, "test": 8}


def clinics(folder: Path, groups: dict[str, int], seed: int = 0) -> Path:
    """Dark and light pictures of clinics that photograph more or less darkly, and their table."""
    random, lines = np.random.default_rng(seed), ["path,label,split,clinic"]
    folder.mkdir(parents=True)
    for part, count in groups.items():
        for clinic in range(count):
            shift = random.integers(0, 60)
            for row in range(4 + clinic % 3):
                label = ("dark", "light")[row % 2]
                low = 60 * (row % 2) + shift
                pixels = random.integers(low, low + 100, (10, 10), np.uint8)
                name = f"{part}-{clinic}-{row}.png"
                Image.fromarray(pixels).save(folder / name)
                lines.append(f"{name},{label},{part},{part} {clinic}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("groups")


@pytest.fixture(scope="module")
def data(home: Path) -> Path:
    return clinics(home / "clinics", GROUPS)


@pytest.fixture(scope="module")
def run(home: Path, data: Path) -> Run:
    return tenfold.train(TASK, data, out=home / "run", epochs=6, group="clinic", **QUICK)


@pytest.fixture(scope="module")
def alone(home: Path, data: Path) -> Run:
    """The same data, and nobody said that they come from clinics."""
    return tenfold.train(TASK, data, out=home / "alone", epochs=1, **QUICK)


@pytest.fixture(scope="module")
def few(home: Path) -> Path:
    return clinics(home / "few", {"test": 3}, seed=7)


def test_the_scores_of_a_run_draw_groups(run: Run, alone: Run):
    assert run.scores["protocol"].endswith("; 95 % intervals over 8 groups")
    assert "group" not in alone.scores["protocol"]
    found, _ = evaluate.again(run, None)
    right = np.array([one.label for one in found.answers]) == found.table["label"].to_numpy()
    value, low, high = Sampling.of(found.table).share(right)
    stated = run.scores["scores"]["accuracy"]
    assert Sampling.of(found.table).count == 8
    assert [stated[name] for name in ("value", "low", "high")] == [
        round(one, 6) for one in (value, low, high)
    ]
    assert (stated["low"], stated["high"]) != pytest.approx(Sampling().share(right)[1:], abs=1e-6)
    assert run.scores["valid"]["accuracy"]["low"] is not None
    assert "95 % intervals over 8 groups" in str(run)


def test_the_groups_are_stored_with_the_rows(run: Run, alone: Run):
    groups = {(row["split"], row["group"]) for row in rows_of(run)}
    assert len(groups) == sum(GROUPS.values())
    assert not any("group" in row for row in rows_of(alone))


def test_of_few_groups_it_is_said_that_there_is_no_interval(run: Run, few: Path, tmp_path: Path):
    found = tenfold.test(run, few)
    score = found["scores"]["accuracy"]
    assert score["low"] is score["high"] is None and 0 <= score["value"] <= 1
    assert "the number of groups is 3 and at least 5 are needed" in found["protocol"]
    assert "no interval" in str(found) and "None" not in str(found)
    assert all(one["low"] is None for one in found["by_examples"])
    json.dumps(found.to_json(), allow_nan=False)
    for lang, words in (("en", "no 95 % interval"), ("zh", "没有 95% 置信区间")):
        out = tmp_path / f"{lang}.html"
        card = tenfold.report(run, data=few, out=out, lang=lang)["card"]
        page = out.read_text("utf-8")
        assert words in page and "None" not in page and "too few groups" in str(card["limits"])
        assert card["tested"]["low"] is None
        assert lang == "en" or "too few groups" not in page


# --- two runs ---


def test_a_comparison_draws_the_groups_that_either_run_knows(run: Run, alone: Run, few: Path):
    for first, second in ((run, alone), (alone, run)):
        found = compare.compare(first, second)
        assert found.groups == 8 and "95 % intervals over 8 groups" in found.protocol
        given = compare.compare(first, second, few)
        assert given.groups == 3 and given.paired.low is None
    assert compare.compare(alone, alone_again(alone)).groups is None


def alone_again(run: Run) -> Run:
    """Another run on the same rows, without groups."""
    folder = run.folder.with_name("again")
    data = run.folder.with_name("clinics")
    return tenfold.train(TASK, data, out=folder, epochs=1, seed=0, learning_rate=1e-6, **QUICK)


def test_of_few_groups_no_run_is_called_better(run: Run, alone: Run, few: Path, tmp_path: Path):
    out = tmp_path / "compared.html"
    found = tenfold.report([run, alone], compare=True, data=few, out=out)
    assert found["better"] == "" and found["resamples"]["count"] == 0
    assert found["difference"]["low"] is found["difference"]["high"] is None
    assert found["verdict"] == (
        "No significant difference can be shown: the rows are from 3 groups, and at least 5 are "
        "needed."
    )
    assert "at least 5" in found["protocol"] and "None" not in str(found)
    page = out.read_text("utf-8")
    assert "None" not in page and "paired bootstrap" not in page and "–" in page
    json.dumps(found.to_json(), allow_nan=False)


# --- verdicts ---


def told(groups: int, better: int) -> tuple[Any, Any]:
    """Two runs on ten rows each of so many groups; the first is right in `better` of them alone."""
    from tenfold.answers.label import LABEL, Label

    group = np.repeat(np.arange(groups), 10)
    table = pd.DataFrame({"label": ["cat"] * len(group), "group": group})
    right = Label("cat", {"cat": 0.9, "dog": 0.1})
    wrong = Label("dog", {"cat": 0.1, "dog": 0.9})
    second = [wrong if one < better else right for one in group]
    both = [[right] * len(group), second]
    grouped = compare.of_answers(LABEL, both, table, 0, evaluate.EMPTY)
    rows = compare.of_answers(LABEL, both, table.drop(columns="group"), 0, evaluate.EMPTY)
    return grouped, rows


def test_a_few_groups_do_not_make_a_run_better():
    grouped, rows = told(groups=30, better=3)
    assert comparison.better(rows) == "first" and comparison.better(grouped) == ""
    sentence = comparison.verdict(grouped, ("A", "B"))
    assert sentence.endswith("different numbers of correct predictions in only 3 groups.")
    many, _ = told(groups=30, better=12)
    assert comparison.better(many) == "first"


@pytest.mark.parametrize(("groups", "better"), [(4, 4), (30, 3)])
def test_a_search_does_not_count_rows_of_a_group(groups: int, better: int):
    found, rows = told(groups, better)
    trials = [{"headline": "accuracy", "trial": n, "value": 0.9} for n in (1, 0)]
    assert comparison.better(rows) == "first" and not comparison.better(found)
    said = tuning.verdict(*trials, found, won=False)
    assert f"rows of {groups} groups not used to select" in said and "None" not in said


# --- folds ---


def test_pooled_folds_draw_groups(data: Path, tmp_path: Path):
    table = pd.read_csv(data / "labels.csv").drop(columns="split")
    table = table[table["clinic"].str.startswith("test")]
    table = table.assign(path=[str(data / name) for name in table["path"]])
    plan = {**QUICK, "epochs": 1, "group": "clinic"}
    found = tenfold.train(TASK, table, out=tmp_path / "folds", folds=2, **plan)
    assert found["protocol"].endswith("; 95 % intervals over 8 groups")
    low, high = (found["scores"]["accuracy"][name] for name in ("low", "high"))
    assert low < found["scores"]["accuracy"]["value"] <= high or low == 0
    assert "over 8 groups" in tenfold.open_run(found["final"]["run"]).scores["protocol"]
