"""Blocked neighbours equal a full distance matrix; votes give a row its own group."""

from __future__ import annotations

import pytest
import torch

from tenfold.recipes.clusters import neighbours
from tenfold.recipes.clusters.neighbours import distinct, nearest, votes


@pytest.mark.parametrize(
    ("queries", "rows", "size", "k", "block"),
    [(70, 333, 5, 9, 1000), (5, 3, 2, 8, 1), (1, 64, 1, 64, 1 << 20), (40, 500, 30, 1, 5000)],
)
def test_blocks_equal_a_full_matrix(monkeypatch, queries, rows, size, k, block) -> None:
    monkeypatch.setattr(neighbours, "BLOCK_VALUES", block)
    draw = torch.Generator().manual_seed(queries)
    known = 30 + torch.randn(rows, size, generator=draw)
    known[: rows // 3] = known[0] + 1e-3 * torch.randn(rows // 3, size, generator=draw)
    asked = torch.cat([known[:2], 30 + torch.randn(queries - 1, size, generator=draw)])
    full = torch.cdist(asked.double(), known.double())
    truth, order = full.sort(dim=1, stable=True)
    distances, places = nearest(asked, known, k)
    k = min(k, rows)
    assert distances.shape == places.shape == (len(asked), k)
    torch.testing.assert_close(distances.double(), truth[:, :k], rtol=1e-4, atol=1e-6)
    assert (places == order[:, :k]).double().mean() > 0.99  # others: equal but for rounding
    assert places[0, 0] == 0 and distances[0, 0] == 0


def test_equal_distances_are_in_the_order_of_the_rows() -> None:
    rows = torch.tensor([[1.0], [0.0], [1.0], [-1.0], [0.0]])
    distances, places = nearest(torch.zeros(1, 1), rows, 5)
    assert places.tolist() == [[1, 4, 0, 2, 3]]
    assert distances.tolist() == [[0, 0, 1, 1, 1]]


def test_votes_and_distinct_rows() -> None:
    draw = torch.Generator().manual_seed(0)
    rows = torch.randn(200, 3, generator=draw)
    groups = torch.randint(0, 4, (200,), generator=draw)  # neighbours mostly of other groups
    moved = rows * (1 + 1e-6)  # as much as rounding changes a code
    assert votes(moved, rows, groups, 4, 7).argmax(1).equal(groups)
    between = votes(
        torch.tensor([[0.5]]), torch.tensor([[0.0], [1.0], [9.0]]), torch.arange(3), 3, 2
    )
    torch.testing.assert_close(between, torch.tensor([[0.5, 0.5, 0.0]]))
    copies = torch.cat([rows, rows[:50], -torch.zeros(2, 3), torch.zeros(1, 3)])
    first, place = distinct(copies)
    assert len(first) == 201 and copies[first][place].equal(copies)
    assert place[200:250].equal(place[:50]) and len(place[250:].unique()) == 1
    shuffled = torch.randperm(len(copies), generator=draw)
    assert copies[shuffled][distinct(copies[shuffled])[0]].equal(copies[first])
