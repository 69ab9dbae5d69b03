"""Strange rows of tables: which label is strange, what sets the threshold, odd input."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import betabinom
from sklearn.ensemble import IsolationForest

import tenfold
from tenfold.core.errors import DataRefused, TenfoldError, UsageError
from tenfold.data.prepare import prepare
from tenfold.networks.strange.answer import threshold_of
from tenfold.recipes.strange import heads
from tenfold.run.run import Run
from tenfold.tasks import registry

SETTINGS: dict[str, Any] = {"device": "cpu", "seed": 0, "model": "neighbours"}
INPUTS = ("temp", "bar", "rpm", "mm_s", "db")


def units(good: int, strange: int, seed: int = 0) -> pd.DataFrame:
    """Units with five measurements; `status` is 1 for good ones, -1 for faulty ones."""
    random = np.random.default_rng(seed)
    rows = good + strange
    faulty = random.permutation(rows) < strange
    cells = random.normal([45, 2, 1475, 0.8, 55], [5, 0.3, 12, 0.1, 1.5], (rows, 5))
    cells[faulty, 0] += 60
    cells[faulty, 1] -= 1.8
    table = pd.DataFrame(cells.round(3), columns=[*INPUTS])
    table.insert(0, "unit", [f"U{row:04}" for row in range(rows)])
    return table.assign(status=np.where(faulty, -1, 1))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, pd.DataFrame]:
    table = units(376, 24)
    out = tmp_path_factory.mktemp("units") / "run"
    settings = SETTINGS | {"target": "status", "false_alarms": 0.05}
    return tenfold.train("anomaly-detection", table, out=out, **settings), table


def answered(run: Any, table: pd.DataFrame) -> list[Any]:
    return [one.answer for one in tenfold.predict(run, table)]


def test_minus_one_is_strange_and_no_input(trained: tuple[Run, pd.DataFrame]):
    run, table = trained
    assert run.facts["reading"]["found"]["good"] == "1"
    assert {*next(iter(run.task.inputs(run.facts).values())).fields} == {*INPUTS}
    rows = [json.loads(line) for line in (run.folder / "rows.jsonl").open(encoding="utf-8")]
    parts = [row["split"] for row in rows if row["strange"]]
    assert sorted(parts) == ["test"] * 12 + ["valid"] * 12, "no strange row trains"
    assert all(row["strange"] == (row["label"] == "-1") for row in rows)
    assert run.scores["headline"] == "roc_auc" and run.scores["scores"]["roc_auc"]["value"] > 0.99
    bare = table.drop(columns="status")
    found = answered(run, bare)
    faulty = table["status"].to_numpy() == -1
    called = np.array([one.strange for one in found])
    scores = np.array([one.score for one in found])
    assert called[faulty].sum() >= 20 and called[~faulty].sum() <= 45
    assert scores[faulty].min() > np.median(scores[~faulty])
    named = [one.parts[0][0] for one, bad in zip(found, faulty, strict=True) if bad]
    assert {*named} <= {"temp", "bar"}
    assert answered(run, bare[~faulty].reset_index(drop=True)) == [
        one for one, bad in zip(found, faulty, strict=True) if not bad
    ], "what is called strange is decided by the row, not by those beside it"


def test_tested_rows_may_lack_good_ones(trained: tuple[Run, pd.DataFrame]):
    """The label of good rows is the one of training, also where no tested row has it."""
    run, _ = trained
    fresh = units(40, 20, seed=5)
    faulty = fresh[fresh["status"] == -1].reset_index(drop=True)
    found = tenfold.test(run, faulty)
    assert found["headline"] == "sensitivity" and found["scores"]["sensitivity"]["value"] > 0.8


def test_a_table_without_labels_has_false_alarms_alone(
    trained: tuple[Run, pd.DataFrame], tmp_path: Path
):
    run, table = trained
    bare = table.drop(columns="status").assign(temp=table["temp"] + 0.001)
    scores = tenfold.test(run.folder, bare).to_json()
    assert scores["headline"] == "false_alarm_rate" and [*scores["scores"]] == ["false_alarm_rate"]
    own = tenfold.train("anomaly-detection", bare, out=tmp_path / "run", **SETTINGS)
    assert own.scores["headline"] == "false_alarm_rate"
    assert own.facts["fitted"]["selected"] == "neighbours"


def test_labels_that_do_not_show_which_is_good_are_asked_back():
    table = units(60, 50)
    task = registry.find("anomaly-detection", model="neighbours")
    for status, code in (
        (table["status"].map({1: "a", -1: "b"}), "two-readings"),
        (table["status"].map({1: "ok", -1: "normal"}), "two-readings"),
    ):
        with pytest.raises(UsageError) as caught:
            task.read(table.assign(target=status).drop(columns="status"))
        assert caught.value.code == code and "--good" in str(caught.value.fix)
    labelled = table.rename(columns={"status": "target"})
    with pytest.raises(UsageError) as caught:
        registry.find("anomaly-detection", good="2").read(labelled)
    assert caught.value.code == "unknown-class"
    rows = registry.find("anomaly-detection", good="-1").read(labelled).table
    assert (rows["strange"] == (table["status"] == 1)).all()


def test_the_threshold_holds_the_share_of_false_alarms():
    """On fresh good rows, within the 99 % interval of the beta-binomial distribution."""
    fresh = 2000
    for calibrated, rate in ((100, 0.05), (399, 0.05), (999, 0.01)):
        for seed in range(3):
            random = np.random.default_rng([calibrated, seed])
            scores = torch.from_numpy(random.gamma(2.0, size=calibrated))
            alarms = (random.gamma(2.0, size=fresh) >= threshold_of(scores, rate)).sum()
            above = int(rate * (calibrated + 1))
            law = betabinom(fresh, above, calibrated + 1 - above)
            assert law.ppf(0.005) <= alarms <= law.ppf(0.995)
    few = torch.tensor([3.0, 1.0, 2.0])
    assert 3.0 < threshold_of(few, 0.01) < 3.001, "just above the largest"


@pytest.mark.slow
def test_the_measured_rate_of_false_alarms_is_that_asked(tmp_path: Path):
    table = units(2000, 0).drop(columns="status")
    settings = SETTINGS | {"false_alarms": 0.05}
    run = tenfold.train("anomaly-detection", table, out=tmp_path / "run", **settings)
    (calibration,) = run.facts["fitted"]["calibration"].values()
    alarms = sum(one.strange for one in answered(run, units(1000, 0, 1).drop(columns="status")))
    above = int(0.05 * (len(calibration) + 1))
    law = betabinom(1000, above, len(calibration) + 1 - above)
    assert law.ppf(0.005) <= alarms <= law.ppf(0.995)


def test_odd_tables_are_refused_or_trained(tmp_path: Path):
    table = units(40, 6).drop(columns="unit").rename(columns={"status": "target"})
    strange = table.assign(target="faulty")
    with pytest.raises(TenfoldError) as caught:
        prepare(registry.find("anomaly-detection", good="ok"), strange)
    assert caught.value.code == "unknown-class"
    marked = pd.concat([table.assign(target="bad"), table.head(1).assign(target="ng")])
    with pytest.raises(DataRefused) as refused:
        prepare(registry.find("anomaly-detection"), marked)
    assert refused.value.code == "no-good-rows" and refused.value.fix
    bare = table.drop(columns="target")
    for name, odd in {
        "constant": bare.assign(rpm=1500.0, db=55.0),
        "gaps": pd.concat([bare, bare.head(1) * np.nan], ignore_index=True),
    }.items():
        run = tenfold.train("anomaly-detection", odd, out=tmp_path / name, **SETTINGS)
        found = answered(run, odd.drop(columns=[c for c in odd if odd[c].nunique() < 2]))
        assert all(np.isfinite([one.score, one.threshold]).all() for one in found)


@pytest.mark.parametrize(
    "model", ["mixture", "robust-covariance", "isolation-forest", "autoencoder"]
)
def test_each_candidate_finds_faulty_units(model: str, tmp_path: Path):
    table = units(150, 20).drop(columns="unit").rename(columns={"status": "target"})
    settings = SETTINGS | {"model": model, "false_alarms": 0.1}
    run = tenfold.train("anomaly-detection", table, out=tmp_path / "run", epochs=20, **settings)
    assert run.facts["fitted"]["selected"].replace(" ", "-") == model
    assert run.scores["scores"]["roc_auc"]["value"] > 0.95
    faulty = table[table["target"] == -1].drop(columns="target").reset_index(drop=True)
    found = answered(run, faulty)
    assert sum(one.strange for one in found) > 15
    assert sum(one.parts[0][0] in ("temp", "bar") for one in found) > 10


def test_an_isolation_forest_scores_as_scikit_learn_does():
    random = np.random.default_rng(1)
    x, asked = (random.normal(size=(rows, 4)).round(2).astype(np.float32) for rows in (300, 50))
    sizes, state = heads.CLOSED[heads.FOREST](x, 7)
    head = heads.build(heads.FOREST, 4, sizes)
    head.load_state_dict(state)
    forest = IsolationForest(n_estimators=heads.TREES, max_samples=heads.SAMPLE, random_state=7)
    want = -forest.fit(x).score_samples(asked)
    np.testing.assert_allclose(head(torch.from_numpy(asked))[0], want, atol=1e-5)
