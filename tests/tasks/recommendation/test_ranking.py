"""Scores of rankings against figures worked out by hand; closed forms against their formulas."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from tenfold.answers.ranking import RANKING, Ranking
from tenfold.core.columns import Columns, Ragged
from tenfold.tasks.recommendation import item_models


def ranking(*names: str, known: int = 3) -> Ranking:
    return Ranking(tuple((name, 1 / (2 + at)) for at, name in enumerate(names)), known, known)


TRAIN = pd.DataFrame({"items": [("a", "b"), ("a",)], "next": [("c",), ("b",)]})


def test_measures_by_hand():
    table = pd.DataFrame({"items": [("z",), ("a",)], "next": [("a", "b"), ("q",)]})
    answers = [ranking("x", "a", "y", "b"), ranking("q", "x")]
    found = RANKING.score(answers, table, TRAIN)
    gains = 1 / math.log2(3) + 1 / math.log2(5)
    ndcg = (gains / (1 + 1 / math.log2(3)) + 1) / 2
    assert found.best.value == pytest.approx(ndcg, abs=1e-6)
    values = {name: one.value for name, one in found.metrics.items()}
    assert values["recall@10"] == 1 and values["hit@10"] == 1
    assert values["mrr@10"] == pytest.approx((1 / 2 + 1) / 2)
    assert values["map@10"] == pytest.approx(((1 / 2 + 2 / 4) / 2 + 1) / 2)


def test_the_guess_is_what_is_popular_and_not_yet_had():
    table = pd.DataFrame({"items": [("a",), ()], "next": [("b",), ("a",)]})
    found = RANKING.score([ranking("x"), ranking("y")], table, TRAIN)
    assert found.best.value == 0 and found.best.baseline == pytest.approx(1.0)


def test_nobody_is_scored_higher_for_longer_lists():
    table = pd.DataFrame({"items": [()], "next": [("k",)]})
    long = ranking(*"abcdefghijk")
    assert RANKING.score([long], table, TRAIN).best.value == 0


def marked(**marks: float) -> Ranking:
    return Ranking(tuple(marks.items()))


def test_only_items_whose_scores_tie_may_change_places():
    """A tie is relative to the scores: in a large catalogue all of them are small."""
    alike = RANKING.same_decision
    first = marked(a=0.5, b=0.002, c=0.001)
    assert alike(first, marked(a=0.5002, b=0.002, c=0.001), 0.0), "the same items in order"
    assert alike(first, marked(a=0.5, b=0.002, d=0.001), 1e-4)
    assert not alike(first, marked(a=0.5, b=0.002, d=0.001), 0.0)
    assert not alike(first, marked(a=0.5, b=0.002, d=0.00105), 1e-4)
    assert not alike(first, marked(a=0.5, c=0.0019, b=0.0011), 1e-4)
    assert alike(marked(a=0.5, b=3e-6), marked(a=0.5, c=2e-6), 1e-4), "rounding"
    assert not alike(marked(a=0.5, b=9e-6), marked(a=0.5, c=2e-6), 1e-4)
    assert alike(marked(a=1.0, b=0.0), marked(a=1.0), 1e-4), "a score of almost 0 is no place"
    assert not alike(marked(a=0.9, b=0.1), marked(a=0.9), 1e-4)


def columns(rows: list[list[int]]) -> Columns:
    return Columns({"items": Ragged.of(rows, np.int32)})


def test_ease_is_the_least_squares_solution_without_itself():
    random = np.random.default_rng(0)
    rows = scipy.sparse.csr_matrix((random.random((60, 9)) < 0.4).astype(np.float32))
    weights = item_models.ease(item_models.gram(rows), 3.0)
    full = rows.toarray().astype(float)
    for item in range(9):
        others = [other for other in range(9) if other != item]
        left = full[:, others].T @ full[:, others] + 3.0 * np.eye(8)
        solved = np.linalg.solve(left, full[:, others].T @ full[:, item])
        np.testing.assert_allclose(weights[others, item], solved, atol=1e-4)
    assert np.abs(np.diag(weights)).max() == 0


def test_a_history_is_weighed_by_its_age():
    found = item_models.matrix(columns([[2, 1], [3]]), ("items",), 3, fading=0.5)
    np.testing.assert_allclose(found.toarray(), [[0.5, 1, 0], [0, 0, 1]])


def test_the_largest_weights_are_those_furthest_from_zero():
    kept = item_models.largest(
        np.array([[0, 0.1, -0.9], [0.3, 0, 0.2], [0, 0, 0.0]], np.float32), 1
    )
    assert kept.targets[:2, 0].tolist() == [2, 0]
    np.testing.assert_allclose(kept.weights[:2, 0], [-0.9, 0.3])


@pytest.mark.parametrize("way", ["pairs", "bytes", "floats"])
def test_counts_of_pairs_are_exact_in_every_way(way: str, monkeypatch: pytest.MonkeyPatch):
    random = np.random.default_rng(3)
    dense = (random.random((300, 41)) < 0.3).astype(np.float32)
    monkeypatch.setattr(item_models, "DENSE_PAIRS", 0 if way == "pairs" else 1e9)
    monkeypatch.setattr(item_models, "ROWS", 128)
    monkeypatch.setattr(item_models, "PAIRS", 41 * 7)
    monkeypatch.setattr(item_models.system, "multiplies_bytes", lambda: way == "bytes")
    found = item_models.gram(scipy.sparse.csr_matrix(dense))
    assert found.dtype == np.float32 and np.array_equal(found, dense.T @ dense)


@pytest.mark.parametrize("few", [0, 4096])
def test_vectors_of_items_that_stand_together_point_the_same_way(
    few: int, monkeypatch: pytest.MonkeyPatch
):
    """Two groups of items that never meet, counted densely and sparsely."""
    monkeypatch.setattr(item_models, "FEW", few)
    random = np.random.default_rng(0)
    rows = [random.permutation(6) + 1 + 6 * (person % 2) for person in range(80)]
    columns = Columns({"items": Ragged.of(rows, np.int32)})
    found = item_models.vectors(columns, ("items",), 12, 2)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    near = found @ found.T
    assert near[:6, :6].min() > 0.9 and near[6:, 6:].min() > 0.9
    assert np.abs(near[:6, 6:]).max() < 0.1


def test_sums_of_weights_are_a_sparse_product_in_blocks_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(item_models, "COLUMNS", 7)
    random = np.random.default_rng(5)
    weights = random.normal(size=(20, 20)).astype(np.float32)
    index, starts = random.integers(0, 20, 300), np.array([0, 0, 120, 299])
    says = random.random(300).astype(np.float32)
    ends = [*starts[1:], 300]
    expected = [
        (says[start:end, None] * weights[index[start:end]]).sum(0)
        for start, end in zip(starts, ends, strict=True)
    ]
    for sums, many in ((300, 3), (10, 1)):
        blocks = item_models.apart(weights, sums)
        found = item_models.summed(blocks, index, starts, says).numpy()
        assert len(blocks) == many
        np.testing.assert_allclose(found, expected, atol=1e-4)
