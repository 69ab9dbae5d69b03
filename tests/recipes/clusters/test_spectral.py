"""Shapes that k-means cannot part, the same groups for any order, duplicates, odd inputs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import make_moons
from sklearn.metrics import adjusted_rand_score as ari

from tenfold.recipes.clusters.graph import DENSE_ROWS, Graph, eigengaps
from tenfold.recipes.clusters.neighbours import nearest
from tenfold.recipes.clusters.spectral import best_view, partition


def moons(rows: int = 600) -> tuple[torch.Tensor, np.ndarray]:
    points, truth = make_moons(rows, noise=0.06, random_state=0)
    return torch.from_numpy(points).float(), truth


def rings(rows: int = 1200) -> tuple[torch.Tensor, np.ndarray]:
    """Three rings, of more rows than the dense method takes, in ten dimensions."""
    draw = np.random.default_rng(0)
    truth = np.arange(rows) % 3
    angle, radius = draw.random(rows) * 2 * np.pi, 1 + 2 * truth + draw.normal(0, 0.1, rows)
    flat = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)
    turn = np.linalg.qr(draw.normal(size=(10, 2)))[0].T
    return torch.from_numpy(flat @ turn).float(), truth


def blobs(rows: int, count: int) -> torch.Tensor:
    """Tight groups, far from each other and from their centre."""
    draw = torch.Generator().manual_seed(0)
    return torch.cat([torch.randn(rows, 2, generator=draw) * 1e-3 + 9 * i for i in range(count)])


@pytest.mark.parametrize("make", [moons, rings])
def test_groups_follow_shape_and_not_order_or_seed(make) -> None:
    rows, truth = make()
    count = truth.max() + 1
    found = partition(rows, count)
    assert ari(truth, found.groups) > 0.98
    assert found.trials[0].cut == min(one.cut for one in found.trials)
    assert partition(rows, count).groups.equal(found.groups)
    shuffled = torch.randperm(len(rows), generator=torch.Generator().manual_seed(1))
    assert ari(found.groups[shuffled], partition(rows[shuffled], count, seed=5).groups) > 0.98


def test_the_same_rows_in_any_order_have_the_same_groups() -> None:
    rows = torch.randn(300, 4, generator=torch.Generator().manual_seed(0))  # nothing to find
    found = partition(rows, 5)
    shuffled = torch.randperm(300, generator=torch.Generator().manual_seed(1))
    assert partition(rows[shuffled], 5).groups.equal(found.groups[shuffled])
    sizes = found.groups.bincount(minlength=5)
    assert sizes.min() > 0 and sizes.tolist() == sorted(sizes.tolist(), reverse=True)


def test_training_rows_and_new_rows_are_assigned() -> None:
    rows = moons()[0]
    rows = torch.cat([rows, rows[:100], rows[:100]])  # duplicates
    found = partition(rows, 2)
    assert found.groups[600:700].equal(found.groups[:100])
    assert len(found.rows) == 600
    for part in (slice(None), slice(0, 1), slice(5, 8)):
        assert found.shares(rows[part]).argmax(1).equal(found.groups[part])
    points, fresh = make_moons(200, noise=0.06, random_state=9)
    shares = found.shares(torch.from_numpy(points).float())
    assert ari(fresh, shares.argmax(1)) > 0.95
    torch.testing.assert_close(shares.sum(1), torch.ones(200))


@pytest.mark.parametrize(
    ("rows", "count"),
    [
        (torch.tensor([[0.0], [1.0], [5.0]]), 3),  # as many groups as rows
        (torch.tensor([[0.0], [1.0]]), 1),
        (torch.tensor([[0.0], [1.0], [3.0], [9.0]]), 3),  # a complete graph
        (torch.ones(20, 3), 1),  # one distinct row
        (torch.eye(40), 4),  # all rows at the same distance
        (torch.arange(9.0).repeat_interleave(5)[:, None] ** 4, 3),  # duplicates, far rows
        (blobs(450, 6), 2),  # 6 components
        (blobs(30, 2), 8),
    ],
)
def test_odd_rows_are_grouped(rows, count) -> None:
    found = partition(rows, count)
    assert len(found.groups.unique()) == count
    assert found.shares(rows).argmax(1).equal(found.groups)


def test_more_groups_than_distinct_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="4 groups of 3 distinct rows"):
        partition(torch.tensor([[0.0], [1.0], [1.0], [2.0], [2.0]]), 4)


def test_cut_spectrum_and_eigengap() -> None:
    draw = torch.Generator().manual_seed(0)
    blobs = torch.cat([torch.randn(150, 2, generator=draw) + 12 * i for i in range(4)])
    assert len(blobs) > DENSE_ROWS
    near = nearest(blobs, blobs, 9)
    apart, joined = Graph.of(blobs, near, 8, 4), Graph.of(blobs, near, 8, 1)
    truth = np.arange(600) // 150
    assert apart.cut(truth, 4) == pytest.approx(0)
    assert 0 < joined.cut(truth, 4) < 0.01 < joined.cut(np.roll(truth, 20), 4)
    assert joined.cut(joined.refined(np.roll(truth, 20), 4), 4) < 0.01
    assert joined.cut(np.zeros(600, np.int64), 3) == pytest.approx(6)  # two empty groups
    for graph in (apart, joined):
        values, vectors = graph.spectrum(8)
        scale = np.sqrt(np.outer(graph.degrees, graph.degrees))
        normal = graph.weights.toarray() / scale
        np.testing.assert_allclose(values, np.linalg.eigvalsh(normal)[::-1][:8], atol=1e-4)
        np.testing.assert_allclose(normal @ vectors, vectors * values, atol=5e-3)
        assert eigengaps(values).argmax() + 1 == 4


def test_view_is_chosen_by_the_cut() -> None:
    rows, _ = rings(600)
    noise = torch.randn(600, 10, generator=torch.Generator().manual_seed(0))
    views = {
        "noise": lambda sample: noise[: len(sample)],
        "given": lambda sample: sample,
        "constant": lambda sample: sample * 0,
    }
    name, cuts = best_view(rows, 3, views)
    assert name == "given" and set(cuts) == {"noise", "given"}
