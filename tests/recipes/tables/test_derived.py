"""Derived columns: which are proposed, kept, and computed in the network."""

import numpy as np
import torch

from tenfold.networks.derived import Derived
from tenfold.recipes.tables import derived
from tenfold.recipes.tables.arrays import TableArrays


def described(*names: str, **parts: str) -> list[dict]:
    raw = [{"name": name, "part": "", "centre": 0.0, "tried": ""} for name in names]
    return raw + [
        {"name": name, "part": part, "centre": 0.0, "tried": name} for name, part in parts.items()
    ]


def test_ratios_of_counts_and_moves_of_coordinates_are_proposed():
    random = np.random.default_rng(0)
    counts = random.integers(0, 900, (300, 2))
    places = random.normal(size=(300, 3))
    values = np.concatenate([counts, places], 1).astype(np.float32)
    numbers = described("rooms", "people", "start_lat", "start_lon", "end_lat")
    found = [(one["name"], one["op"]) for one in derived.pairs_of(numbers, values)]
    ratio = {"rooms / people", "people / rooms"} & {name for name, _ in found}
    assert len(ratio) == 1 and [op for _, op in found] == ["ratio", "sum", "difference"]
    assert found[1][0] == "start_lat + start_lon"


def test_only_a_column_that_lowers_the_loss_is_kept():
    """A ratio that is the answer is kept; of six columns that tell nothing, at most one."""
    random = np.random.default_rng(1)
    values = random.integers(51, 900, (600, 8)).astype(np.float32)
    truth = values[:, 0] / values[:, 1] + 0.05 * random.normal(size=600)
    pairs = [{"name": "good", "left": 0, "right": 1, "op": "ratio"}]
    pairs += [{"name": f"none {at}", "left": at, "right": 1, "op": "sum"} for at in range(2, 8)]
    rows = TableArrays(values, np.zeros((600, 0), np.int32), truth)
    numbers = described(*"abcdefgh")
    kept = derived.choose(numbers, pairs, rows, False, 0)
    assert "good" in kept.names and len(kept.names) <= 2
    assert kept.gains["good"] > 0.1 > max(kept.gains[f"none {at}"] for at in range(2, 8))
    few = pairs[:2], rows.rows(np.arange(100))
    once, twice = (derived.choose(numbers, *few, False, 0) for _ in range(2))
    assert once == twice and once.gains
    places = derived.places_of(numbers, pairs, ["good"])
    assert places == [*range(8), 8] and derived.names_of(numbers, pairs)[0] == "good"


def test_the_network_computes_the_same_columns():
    values = np.array([[6, 3, 1], [1, 0, 2], [np.nan, 2, 5]], np.float32)
    pairs = [{"name": "", "left": 0, "right": 1, "op": op} for op in ("ratio", "sum", "difference")]
    wanted = derived.with_pairs(values, pairs)
    net = Derived([(one["left"], one["right"], one["op"]) for one in pairs], [1, 3, 4, 5])
    found = net(torch.from_numpy(values)).numpy()
    assert np.array_equal(found, wanted[:, [1, 3, 4, 5]], equal_nan=True)
    assert found[0].tolist() == [3, 2, 9, 3] and np.isnan(found[1, 1])
