"""Boosted trees become tensors that decide every row as scikit-learn does."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from tenfold.recipes.tables import trees
from tenfold.recipes.tables.arrays import MISSING, UNSEEN, TableArrays, level_columns
from tenfold.recipes.tables.boosting import Boosting, boost, design, probabilities
from tenfold.recipes.tables.tree_nodes import flatten, round_down, trees_of

COUNTS = (9, 402)
ROWS = 500


def made(classes: int, seed: int = 0) -> TableArrays:
    """Rows whose truth depends on numbers, on a missing cell and on two categories."""
    draw = np.random.default_rng(seed)
    numbers = draw.normal(size=(ROWS, 4)).astype(np.float32)
    numbers[:, 1] = np.round(numbers[:, 1], 1)
    numbers[:, 2] *= np.float32(1e30)
    numbers[draw.random((ROWS, 4)) < 0.1] = np.nan
    levels = np.stack([draw.integers(0, 7, ROWS), 2 + draw.geometric(0.01, ROWS) % 400], 1)
    levels[levels[:, 0] == UNSEEN, 0] = MISSING
    signal = np.nan_to_num(numbers[:, 0]) + np.nan_to_num(numbers[:, 2] / 1e30, nan=1.0)
    signal += np.array([0.5, 0, 1, -1, 2, 0, -2, 1, 3])[levels[:, 0]] + np.sin(levels[:, 1])
    noise = signal + draw.normal(0, 0.3, ROWS)
    if not classes:
        return TableArrays(numbers, levels.astype(np.int32), noise * 100, draw.random(ROWS) + 0.5)
    cuts = np.quantile(noise, np.arange(1, classes) / classes)
    return TableArrays(numbers, levels.astype(np.int32), np.searchsorted(cuts, noise))


def hostile(boosted: object, rows: TableArrays) -> TableArrays:
    """Rows exactly at, just below and just above thresholds, missing, huge, and unknown levels."""
    draw = np.random.default_rng(1)
    numbers, levels = rows.numbers.copy(), rows.levels.copy()
    skipped = len(boosted.columns)
    for column in range(numbers.shape[1]):
        nodes = [tree.nodes for trees in boosted.trees for tree in trees]
        used = np.concatenate(
            [n["num_threshold"][n["feature_idx"] == skipped + column] for n in nodes]
        )
        near = used[np.isfinite(used)].astype(np.float32)
        edges = [np.nextafter(near, np.float32(side)) for side in (-np.inf, np.inf)]
        special = np.array([np.nan, 1e30, -1e30, 0.0, -0.0, 1e-45, 3e38, -3e38], np.float32)
        numbers[:, column] = draw.choice(np.concatenate([near, *edges, special]), ROWS)
    for column, count in enumerate(COUNTS):
        levels[:, column] = draw.integers(0, count + 3, ROWS)
    return TableArrays(numbers, levels, rows.truth)


@pytest.mark.parametrize("classes", [0, 2, 3])
def test_tensors_reach_the_leaves_of_scikit_learn(classes: int) -> None:
    rows, later = made(classes), made(classes, 1)
    columns = level_columns(rows.levels, COUNTS, frequencies=True)
    settings = Boosting(features=0.7, l2=1.0, iterations=12, rows_a_leaf=5)
    fitted = boost(settings, rows, later, columns, classes, seed=3)
    outputs = len(fitted.base)
    net = trees_of(flatten([fitted], 4, COUNTS, outputs))
    model_trees = [trees[k] for k in range(outputs) for trees in fitted.trees]
    assert net.splits and fitted.iterations > 3 and net.threshold.isfinite().all()
    for asked in (rows, later, hostile(fitted, rows)):
        inputs = design(asked, columns)
        expected = np.stack([_leaves(tree, inputs) for tree in model_trees], 1)
        numbers, levels = torch.from_numpy(asked.numbers), torch.from_numpy(asked.levels)
        assert np.array_equal(net.leaf_values(numbers, levels).numpy(), expected.astype(np.float32))
        whole = fitted.base + expected.reshape(ROWS, outputs, -1).sum(2)
        raw = net(numbers, levels).numpy()
        assert np.abs(raw - whole).max() <= 1e-5 * np.abs(whole).max()
        parts, constants = net.contributions(numbers, levels)
        assert parts.shape == (ROWS, outputs, 6)
        added = (parts.double().sum(2) + constants).numpy()
        assert np.abs(added - whole).max() <= 1e-5 * np.abs(whole).max()
        one = torch.cat([net(numbers[i : i + 1], levels[i : i + 1]) for i in range(20)])
        assert torch.equal(one, net(numbers[:20], levels[:20]))


def _leaves(tree: object, inputs: np.ndarray) -> np.ndarray:
    """Leaf values by the definition in scikit-learn's `_predictor.pyx`, a row at a time."""
    known = np.full((inputs.shape[1], 8), 0xFFFFFFFF, np.uint32)
    return tree.predict(inputs, known, np.arange(inputs.shape[1], dtype=np.uint32), 1)


def test_rounded_thresholds_decide_alike() -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=300).astype(np.float32)
    sides = [np.nextafter(x, np.float32(side)) for side in (-9, 9)]
    values = np.concatenate([x, *sides, np.array([1e38, -1e38, 0, 1e-45], np.float32)])
    double = values.astype(np.float64)
    middle = (double[:-1] + double[1:]) / 2
    around = [double, np.nextafter(double, -9), np.nextafter(double, 9), middle]
    exact = np.concatenate([*around, [np.inf, 1e300, 0.1]])
    rounded = round_down(exact)
    assert rounded.dtype == np.float32 and np.isfinite(rounded).all()
    assert ((values[:, None] <= exact) == (values[:, None] <= rounded)).all()


QUICK = {
    "plain": Boosting(leaves=8, iterations=40),
    "poor": Boosting(leaves=2, learning_rate=0.02, iterations=10),
}


def test_settings_are_compared_and_repeated_from_facts() -> None:
    rows, later = made(0), made(0, 1)
    parts = {"quantiles": (0.05, 0.95), "settings": QUICK}
    fitted = trees.fit(rows, later, COUNTS, 0, 5, bag=2, **parts)
    facts = json.loads(json.dumps(fitted.facts))
    assert facts["settings"] == "plain" and facts["losses"]["poor"] > facts["losses"]["plain"]
    assert facts["seeds"] == [5, 1005] and len(set(facts["iterations"])) == 1
    assert fitted.raw.shape == (ROWS, 3)
    error = ((fitted.raw[:, 0] - later.truth) ** 2 * later.weight).sum() / later.weight.sum()
    assert error < 1.05 * min(facts["losses"].values()) < 0.5 * np.var(later.truth)
    low, high = fitted.raw[:, 1], fitted.raw[:, 2]
    assert 0.7 < ((low <= later.truth) & (later.truth <= high)).mean() < 0.99
    again = trees.fit(rows, None, COUNTS, 0, 5, fixed=facts, **parts)
    assert again.facts == fitted.facts and again.raw is None
    for name, part in fitted.net.state_dict().items():
        assert torch.equal(again.net.state_dict()[name], part), name


def test_little_time_ends_the_comparison_with_a_first_fit() -> None:
    rows, later = made(2), made(2, 1)
    fitted = trees.fit(rows, later, COUNTS, 2, 0, seconds=0.0, bag=5, settings=QUICK)
    assert list(fitted.facts["losses"]) == ["plain"] and len(fitted.facts["seeds"]) == 1
    raw = fitted.raw[:, 0]
    assert (((raw > 0) == later.truth).mean()) > 0.8


def test_a_class_without_a_row_has_no_probability() -> None:
    rows, later = made(2), made(2, 1)
    fitted = trees.fit(rows, later, COUNTS, 3, 0, settings={"plain": Boosting(iterations=20)})
    said = probabilities(fitted.raw.astype(float))
    assert said.shape == (ROWS, 3) and said[:, 2].max() < 1e-3
    assert (said.argmax(1) == later.truth).mean() > 0.8
    alone = trees.fit(rows, None, COUNTS, 2, 0, settings={"plain": Boosting()})
    assert alone.facts["iterations"] == [trees.WITHOUT_ROWS] and alone.facts["losses"] == {}
