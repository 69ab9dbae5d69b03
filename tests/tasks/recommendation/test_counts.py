"""Counts of plays and repeated lines as weights of interactions in the closed forms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

import tenfold
from tenfold.core.columns import Columns, Ragged
from tenfold.tasks.recommendation import item_models
from tenfold.tasks.registry import find

TASK = "recommendation"


def played(users: int = 240, plays: bool = True) -> pd.DataFrame:
    """Each user plays eight songs of one of six styles often, and twelve other songs once.

    Without `plays`, the same numbers are in the wrong places.
    """
    random, rows = np.random.default_rng(0), []
    style = np.arange(90) % 6
    for user in range(users):
        loved = style == random.integers(6)
        often, once = (random.permutation(np.flatnonzero(of)) for of in (loved, ~loved))
        counts = [*random.integers(30, 400, 8).tolist(), *[1] * 12]
        counts = counts if plays else counts[::-1]
        rows += [
            (f"u{user}", f"s{at}", n)
            for at, n in zip([*often[:8], *once[:12]], counts, strict=True)
        ]
    return pd.DataFrame(rows, columns=["user", "song", "plays"])


def repeated(frame: pd.DataFrame) -> pd.DataFrame:
    """A line for every thirty plays, without the column."""
    return frame.loc[frame.index.repeat(1 + frame["plays"] // 30), ["user", "song"]]


def settings_of(frame: pd.DataFrame, out: Path, model: str = "ease") -> dict[str, float]:
    run = tenfold.train(TASK, frame, model=model, out=out, device="cpu")
    found: dict[str, float] = run.facts["fitted"][model.replace("-", "_")]
    return found


@pytest.mark.parametrize("model", ["ease", "item-knn"])
def test_counts_weigh_where_validation_ranks_better(model: str, tmp_path: Path):
    frame = played()
    assert settings_of(frame, tmp_path / "a", model)["counts"] == 1
    assert "counts" not in settings_of(played(plays=False), tmp_path / "b", model)
    assert "counts" not in settings_of(frame.drop(columns="plays"), tmp_path / "c", model)
    scores = [tenfold.open_run(tmp_path / run).facts["fitted"] for run in "ac"]
    with_counts, without = (one["validation_scores"] for one in scores)
    best = max(with_counts, key=with_counts.get)
    assert with_counts[best] > without[best]


def test_repeated_lines_weigh_as_counts_do(tmp_path: Path):
    assert settings_of(repeated(played()), tmp_path / "run")["counts"] == 1


def test_rows_keep_one_interaction_a_pair_with_the_sum_of_its_part():
    lines = [("u", "a", 2), ("u", "b", 1), ("u", "a", 5), ("u", "a", -1), ("u", "c", np.nan)]
    frame = pd.DataFrame([*lines, ("v", "a", 1), ("v", "b", 1)], columns=["user", "item", "plays"])
    table = find(TASK).read(frame).table.set_index("group")
    assert {*table["items"]["u"], *table["next"]["u"]} == {"b", "c"}, "the last line of a says no"
    frame = frame[frame["plays"] != -1]
    table = find(TASK).read(frame).table.set_index("group")
    names = (*table["items"]["u"], *table["next"]["u"])
    assert dict(zip(names, table["counts"]["u"], strict=True)) == {"a": 7, "b": 1, "c": 1}
    assert "counts" not in find(TASK).read(frame.drop(columns="plays").iloc[3:]).table
    assert "counts" not in find(TASK, output="ratings").read(frame.assign(rating=1.0)).table


def test_truths_do_not_depend_on_counts():
    frame = played(60)
    with_counts, without = (
        find(TASK).read(one).table for one in (frame, frame.drop(columns="plays"))
    )
    for name in ("items", "next", "split", "group"):
        assert list(with_counts[name]) == list(without[name])


def test_weights_are_logarithms_of_counts_with_a_mean_square_of_one():
    rows = scipy.sparse.csr_matrix(np.array([[1, 1, 0], [0, 1, 1]], np.float32))
    had, often = [[1, 2], [3]], [[9, 0], [3]]
    columns = Columns({"had": Ragged.of(had, np.int32), "often": Ragged.of(often, np.float32)})
    found = item_models.weighted(rows, columns).toarray()
    wanted = np.log1p(np.array([[9, 0, 0], [0, 1, 3]]))
    np.testing.assert_allclose(found, wanted / np.sqrt((wanted**2).sum() / 4), rtol=1e-5)


@pytest.mark.parametrize("pairs", [0, 1e9])
def test_weighted_pairs_are_sums_of_products(pairs: float, monkeypatch: pytest.MonkeyPatch):
    random = np.random.default_rng(3)
    dense = (random.random((300, 41)) * (random.random((300, 41)) < 0.3)).astype(np.float32)
    monkeypatch.setattr(item_models, "DENSE_PAIRS", pairs)
    monkeypatch.setattr(item_models, "ROWS", 128)
    found = item_models.gram(scipy.sparse.csr_matrix(dense))
    np.testing.assert_allclose(found, dense.T @ dense, rtol=1e-4)
