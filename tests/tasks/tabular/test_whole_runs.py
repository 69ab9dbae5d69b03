"""Runs on tables from the files to the answers: unanswered parts, copies, formulas, killed runs."""

import csv
import functools
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tables_made
from learning import Killed, die, result, watching
from sharing import once

import tenfold
from tenfold.core.errors import Stopped, UsageError
from tenfold.core.plan import Plan
from tenfold.data.prepare import Prepared, prepare
from tenfold.media.reading import Reading
from tenfold.tasks import registry

SETTINGS = {"model": "linear", "device": "cpu", "derived": False, "seed": 0}
FIRST = 401234567890124876
ASKED = 16


def parcels(rows: int, start: int) -> pd.DataFrame:
    """Parcels with ids of 18 digits, classes and a column name that a spreadsheet would run."""
    random = np.random.default_rng(start)
    weight = random.normal(5, 1, rows).round(3)
    late = weight + 2 * random.normal(size=rows) > 5
    return pd.DataFrame(
        {
            "id": [str(FIRST + 467 * (start + at)) for at in random.permutation(rows)],
            "@weight": weight,
            "courier": random.choice(["van", "bike"], rows),
            "returned": np.where(late, "=1+2", "+no"),
        }
    )


@pytest.fixture(scope="module")
def parcels_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`run` learnt from `parcels` with its three files, as contests hand them out."""

    def make(place: Path) -> None:
        (folder := place / "parcels").mkdir()
        parcels(100, 0).to_csv(folder / "train.csv", index=False)
        asked = parcels(ASKED, 1000).assign(returned="")
        asked.loc[3:5, "courier"] = "=boat"
        asked.to_csv(folder / "test.csv", index=False)
        form = asked[["id"]].assign(returned="+no")
        form.to_csv(folder / "sample_submission.csv", index=False)
        task = "tabular-classification"
        tenfold.train(task, folder, target="returned", out=place / "run", **SETTINGS)

    return once(tmp_path_factory, "parcels", make)


def test_a_test_table_without_answers_and_a_form_are_not_learnt_from(parcels_run: Path):
    run = tenfold.open_run(parcels_run / "run", "cpu")
    rows = [run.scores["rows"][part] for part in ("train", "valid", "test")]
    assert sum(rows) == 100 and min(rows) >= 14
    names = [one["name"] for one in run.facts["reading"]["found"]["schema"]["columns"]]
    assert names == ["@weight", "courier"]
    with watching() as heard:
        found = list(tenfold.predict(run, parcels_run / "parcels" / "test.csv"))
    assert {*found[0].answer.probabilities} == {"=1+2", "+no"}
    asked = pd.read_csv(parcels_run / "parcels" / "test.csv", dtype=str)
    assert [one.source for one in found] == [*asked["id"]]
    assert sum("'=boat'" in one and "3" in one for one in heard.sentences) == 1
    alone = list(tenfold.predict(run, asked[asked["courier"] != "=boat"]))
    known = [one for one, courier in zip(found, asked["courier"], strict=True)
             if courier != "=boat"]  # fmt: skip
    assert [one.answer for one in alone] == [one.answer for one in known]


def test_formulas_are_escaped_in_what_is_written(parcels_run: Path, tmp_path: Path):
    out = tmp_path / "answers.csv"
    list(tenfold.predict(parcels_run / "run", parcels_run / "parcels" / "test.csv", csv=out))
    head, *rows = csv.reader(out.open(encoding="utf-8-sig", newline=""))
    assert "'@weight" in head and "'=1+2" in head and "'+no" in head and len(rows) == ASKED
    cells = {cell for row in [head, *rows] for cell in row}
    assert "'=boat" in cells and {"'=1+2", "'+no"} & {row[head.index("label")] for row in rows}
    assert not [cell for cell in cells if cell[:1] in ("=", "@", "+", "\t", "\r")]


def test_a_finished_run_is_never_overwritten(parcels_run: Path):
    run = parcels_run / "run"
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with pytest.raises(UsageError) as caught:
        tenfold.train(
            "tabular-classification",
            parcels_run / "parcels",
            target="returned",
            out=run,
            **SETTINGS,
        )
    assert caught.value.code == "run-exists" and caught.value.fix
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


# --- copies ---------------------------------------------------------------------------------------


def bulbs() -> pd.DataFrame:
    """360 rows, 240 distinct: 60 stand three times; 6 pairs differ in the answer alone."""
    random = np.random.default_rng(3)
    own = pd.DataFrame({"volt": random.normal(7, 1, 234).round(3),
                        "lumen": random.integers(100, 999, 234).astype(float),
                        "socket": random.choice(["a", "b", "c"], 234),
                        "state": random.choice(["good", "bad"], 234)})  # fmt: skip
    other = own[:6].assign(state=np.where(own["state"][:6] == "good", "bad", "good"))
    whole = pd.concat([own, other, own[100:160], own[100:160]])
    return whole.iloc[random.permutation(len(whole))].reset_index(drop=True)


def prepared(source: Path, seed: int) -> Prepared:
    task = registry.find("tabular-classification")
    return prepare(task, source, seed=seed, reading=Reading(target="state"))


@pytest.mark.parametrize("seed", range(3))
def test_copies_of_a_row_lie_in_one_part(seed: int, tmp_path: Path):
    frame = bulbs()
    frame.to_csv(tmp_path / "bulbs.csv", index=False)
    frame.to_csv(tmp_path / "other.csv", index=False, sep=";", decimal=",")
    found = prepared(tmp_path / "bulbs.csv", seed)
    used = found.used
    assert len(used) == 360 and {*used["split"]} == {"train", "valid", "test"}
    content = used["row"].map(lambda row: repr(row.values))
    assert content.nunique() == 234 and (used.groupby(content)["split"].nunique() == 1).all()
    assert [len(one) for one in found.duplicates] == [3] * 60
    assert [len(one) for one in found.conflicts] == [2] * 6
    assert found.fingerprint == prepared(tmp_path / "other.csv", seed).fingerprint


# --- killed ---------------------------------------------------------------------------------------


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint every third step."""
    real = Plan.__init__
    monkeypatch.setattr(
        Plan,
        "__init__",
        lambda self, *args, **words: real(self, *args, **{**words, "checkpoint_steps": 3}),
    )


@pytest.mark.usefixtures("often")
def test_stopped_and_killed_it_ends_byte_equal(tmp_path: Path):
    """All candidates, a blend and intervals: Ctrl-C, a kill, and the same command again."""
    rows = {"train": 60, "valid": 24, "test": 20}
    data = tables_made.pots(tables_made.price, tmp_path / "pots", 2, rows)
    told = {"target": "target", "size": "tiny", "epochs": 4, "batch": 20, "device": "cpu"}
    train = functools.partial(tenfold.train, "tabular-regression", data, seed=2, **told)
    whole, out = train(out=tmp_path / "whole"), tmp_path / "run"
    interrupt = functools.partial(signal.raise_signal, signal.SIGINT)
    with watching({5: interrupt}), pytest.raises(Stopped) as stopped:
        train(out=out)
    assert stopped.value.exit_code == 130
    with watching({10: die}), pytest.raises(Killed):
        train(out=out)
    with watching() as heard:
        train(out=out)
    assert heard.told("Continuing at step 9 of 12")
    assert result(out) == result(whole.folder)
    scores = whole.facts["fitted"]["validation_scores"]
    assert {*scores} == {"linear", "boosted trees", "network", "blend"}
