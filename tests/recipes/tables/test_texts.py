"""Scores of texts: of texts never seen, the same in every company, and kept where they help."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import linear_model, metrics

import tenfold
from tenfold.media.tables import encode
from tenfold.media.tables.schema import TableColumn, TableRow, TableSchema
from tenfold.media.text.ngrams import grams
from tenfold.recipes.tables import derived, texts
from tenfold.recipes.tables.arrays import TableArrays

SCHEMA = TableSchema((TableColumn("size", "number"), TableColumn("note", "text")))
GOOD, BAD = ("sturdy", "lovely", "charming"), ("broken", "cracked", "leaking")


def notes(rows: int, seed: int, telling: bool = True) -> tuple[list[str], np.ndarray]:
    """Notes of one of six words and five made ones, and classes (N,) that the word may tell."""
    random = np.random.default_rng(seed)
    label = random.integers(0, 2, rows)
    shown = label if telling else random.integers(0, 2, rows)
    made = random.choice([*"abcdefghijklmnopqrstuvwxyz"], (rows, 5, 4))
    words = [[random.choice((BAD, GOOD)[one]), *map("".join, cell)]
             for one, cell in zip(shown, made, strict=True)]  # fmt: skip
    return [" ".join(random.permutation(one)) for one in words], label


def table(rows: int, seed: int, telling: bool = True) -> tuple[list[TableRow], np.ndarray]:
    cells, label = notes(rows, seed, telling)
    size = np.random.default_rng(seed).normal(size=rows)
    return [TableRow(SCHEMA, one) for one in zip(size, cells, strict=True)], label


def learnt(rows: list[TableRow], truths: texts.Truths) -> dict:
    return encode.facts_of(rows, lambda places: texts.learnt(places, truths))


def scores(rows: list[TableRow], data: dict) -> np.ndarray:
    at = [place for place, one in enumerate(data["numbers"]) if one["part"] == encode.SCORE]
    return np.asarray(encode.encoded(rows, data).columns["numbers"])[:, at]


@pytest.mark.parametrize("telling", [True, False])
def test_scores_of_training_rows_are_as_good_as_those_of_new_ones(telling: bool):
    rows, label = table(500, 0, telling)
    data = learnt(rows, texts.Truths(label, ("no", "yes")))
    new, answers = table(500, 1, telling)
    both = [
        metrics.roc_auc_score(truth, scores(some, data)[:, 0])
        for some, truth in ((rows, label), (new, answers))
    ]
    assert all(one > 0.95 if telling else 0.4 < one < 0.6 for one in both), both
    encoded = encode.encoded(rows, data).columns
    arrays = TableArrays(encoded["numbers"], encoded["levels"], label)
    kept = derived.choose(data["numbers"], [], arrays, True, 0)
    assert ("note: n-grams" in kept.names) == telling
    alone = np.concatenate([scores([row], data) for row in new[:9]])
    assert np.array_equal(alone, scores(new[:9], data)), "the same alone and among others"


def test_a_model_of_a_fold_is_the_ridge_regression_of_the_other_folds():
    cells, _ = notes(120, 2)
    weight = np.random.default_rng(3).choice([0.0, 1.0, 3.0], 120)
    value = np.array([len(one) for one in cells], float)
    value[5] = np.nan
    ((names, weights),) = texts.learnt({0: cells}, texts.Truths(value, weight=weight)).values()
    assert names == [""] and weights.shape == (grams.FOLDS, grams.BUCKETS, 1)
    used = np.isfinite(value) & (weight > 0)
    row, bucket, size = grams.hashed(cells)
    design = np.zeros((120, grams.BUCKETS))
    np.add.at(design, (row, bucket), size)
    others = used & (grams.folds_of(cells) != 2)
    mean = np.average(value[others], weights=weight[others])
    model = linear_model.Ridge(alpha=weight[used].mean(), fit_intercept=False, solver="lsqr", tol=0)
    model.fit(design[others], (value - mean)[others], sample_weight=weight[others])
    assert weights[2, :, 0] * value[used].std() == pytest.approx(model.coef_, abs=2e-3)


def test_classes_and_few_texts():
    cells, label = notes(200, 4)
    wanted = texts.Truths(label + 2 * (np.arange(200) % 3 == 0), ("a", "b", "c", "d"))
    data = learnt([TableRow(SCHEMA, (0.0, one)) for one in cells], wanted)
    named = [one["name"] for one in data["numbers"] if one["part"] == encode.SCORE]
    assert named == [f"note: n-grams ({one})" for one in "abcd"]
    many = texts.Truths(np.arange(200) % 30, tuple(map(str, range(30))))
    assert texts.learnt({1: cells}, many)[1][1].shape[2] == texts.OUTPUTS
    assert texts.learnt({1: [*cells[:40]] * 5}, wanted) == {}


def test_a_run_keeps_the_scores_and_its_export_gives_them(tmp_path: Path):
    cells, label = notes(300, 5)
    frame = pd.DataFrame(
        {
            "size": np.random.default_rng(5).normal(size=300).round(3),
            "note": [f"{one} {at}" for at, one in enumerate(cells)],
            "good": np.where(label, "yes", "no"),
        }
    )
    told = {"target": "good", "types": "note=text", "model": "linear", "device": "cpu"}
    run = tenfold.train("tabular-classification", frame, out=tmp_path / "run", **told)
    assert "note: n-grams" in run.facts["fitted"]["kept"]
    assert run.scores["scores"]["accuracy"]["value"] > 0.9
    tenfold.export(tmp_path / "run", frame[:40], out=tmp_path / "export")
    asked = frame.drop(columns="good")[:20]
    first, second = (
        [one.answer.probabilities["yes"] for one in tenfold.predict(tmp_path / way, asked)]
        for way in ("run", "export")
    )
    assert first == pytest.approx(second, abs=1e-5) and np.ptp(first) > 0.5
