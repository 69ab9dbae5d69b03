"""The recipe of the network for tables: bins, targets, weights, and the same bytes again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from learning import as_bytes, terminate, watching

from tenfold.core.columns import Columns, Parts
from tenfold.core.errors import Stopped
from tenfold.core.plan import Plan
from tenfold.networks.derived import Derived
from tenfold.networks.table_model import TableModel
from tenfold.recipes.tables import network
from tenfold.recipes.tables.network import NetworkSettings

TINY = NetworkSettings(members=4, width=32, blocks=1, embedding=4, bins=8, dropout=0.0, batch=32)
PLAN = Plan(device="cpu", precision="float32", epochs=15)
LEVELS = (5, 4)


def table(rows: int, seed: int = 0, classes: bool = False, **more: np.ndarray) -> Columns:
    """Numbers with missing ones, levels, and a truth that depends on both."""
    random = np.random.default_rng(seed)
    numbers = random.normal(5, 2, (rows, 3)).astype(np.float32)
    levels = random.integers(0, LEVELS, (rows, 2)).astype(np.int32)
    value = 100 * (np.sin(numbers[:, 0]) + numbers[:, 1] + levels[:, 0])
    numbers[::5, 2] = np.nan
    truth = {"label": (value > np.median(value)).astype(np.int64)} if classes else {}
    truth = truth or {"value": value.astype(np.float32)}
    return Columns({"numbers": numbers, "levels": levels, **truth, **more})


def parts(train: Columns, valid: Columns | None = None) -> Parts:
    none = train.view(np.zeros(0, np.int64))
    return Parts(train, valid or none, none)


def untrained(train: Columns, settings: NetworkSettings = TINY, derived=None):
    torch.manual_seed(0)
    numbers = torch.from_numpy(np.asarray(train["numbers"]))
    bins = network.bins_of((derived(numbers) if derived else numbers).numpy(), settings)
    return network.build(bins, LEVELS, 2 if "label" in train else 0, settings)


def learnt(train: Columns, settings: NetworkSettings = TINY, plan: Plan = PLAN, derived=None):
    net, whole = untrained(train, settings, derived), None
    if derived is not None:
        whole = TableModel(derived, {"network": net}, {"network": {"network": 1.0}}, net.classes)
    return network.fit(net, parts(train), plan, settings, whole).net


def answers(net, rows: Columns, name: str = "value") -> np.ndarray:
    with torch.no_grad():
        found = net(torch.from_numpy(rows["numbers"]), torch.from_numpy(rows["levels"]))[name]
    return found.numpy()


@pytest.mark.parametrize("classes", [False, True])
def test_one_batch_is_learnt_by_heart_and_new_rows_are_predicted(classes: bool):
    few = table(32, classes=classes)
    net = learnt(few, plan=replace(PLAN, epochs=200))
    if classes:
        assert (answers(net, few, "probabilities").argmax(1) == few["label"]).all()
    else:
        assert np.abs(answers(net, few) - few["value"]).max() < 0.2 * few["value"].std()
    many, other = table(640, classes=classes), table(200, seed=1, classes=classes)
    net = learnt(many)
    if classes:
        assert (answers(net, other, "probabilities").argmax(1) == other["label"]).mean() > 0.85
        return
    assert np.std(answers(net, other) - other["value"]) < 0.3 * other["value"].std()
    inside = (answers(net, other, "low") <= other["value"]) & (
        other["value"] <= answers(net, other, "high")
    )
    assert 0.6 < inside.mean() < 1, "bounds follow the data"


def test_wide_tables_have_small_embeddings_and_few_bins():
    for size, whole in network.SIZES.items():
        assert network.sized(size, 20, 0) == network.sized(size, 0, 0) == whole
        wide = network.sized(size, 20_000, 0)
        assert (wide.embedding, wide.bins) == (2, 2)
        assert replace(wide, embedding=whole.embedding, bins=whole.bins) == whole
        classes = network.sized(size, 20, 2)
        assert (classes.dropout, classes.passes) == (2 * whole.dropout, 0.75 * whole.passes)


def test_edges_and_scales_come_from_known_training_rows():
    values = np.array([0.0] * 900 + [*range(1, 101)], np.float32)
    random = np.random.default_rng(0).normal(50, 3, 1000).astype(np.float32)
    none, same = np.full(1000, np.nan, np.float32), np.full(1000, 7, np.float32)
    two = np.where(np.arange(1000) % 2, 1, 3e38).astype(np.float32)
    numbers = np.stack([values, random, none, same, two], 1)
    numbers[1::2, 1] = np.nan
    settings = replace(TINY, bins=16)
    bins = network.bins_of(numbers, settings)
    assert bins[2:] == [0, 0, 1]
    assert 8 <= bins[1] <= 16
    assert bins[0] >= 8, "rare values have bins beside the value that fills the column"
    net = network.build(bins, (), 0, settings)
    target = np.array([1.0, 3.0, np.nan], np.float32)
    network.prepare(net, numbers, target, settings)
    assert (net.shift.item(), net.spread.item()) == (2, 1)
    assert all(bool(value.isfinite().all()) for value in net.buffers())
    assert net.numbers.center[1].item() == pytest.approx(50, abs=0.5)
    assert net.numbers.scale[3].item() == 0
    network.prepare(net, numbers + np.arange(1000)[:, None], None, settings)
    assert net.numbers.slope.isfinite().all(), "a second fit on rows with more distinct values"
    network.prepare(net, numbers, np.full(3, 5.0, np.float32), settings)
    assert net.spread.item() > 0, "a constant target"


@pytest.mark.parametrize("classes", [False, True])
def test_rows_without_truth_or_weight_teach_nothing(classes: bool):
    rows = table(40, classes=classes)
    name = "label" if classes else "value"
    spoilt = np.array(rows[name])
    spoilt[::2] = -1 if classes else np.nan
    weight = np.ones(40, np.float32)
    weight[::2] = 0
    net = untrained(rows)
    network.prepare(net, rows["numbers"], None, TINY)
    batches = [
        rows.view(np.arange(1, 40, 2)),
        rows.also({name: spoilt}),
        rows.also({"weight": weight}),
    ]
    taken = [{key: torch.from_numpy(np.asarray(one[key])) for key in one} for one in batches]
    found = [network.loss(net, one).item() for one in taken]
    assert found == pytest.approx([found[0]] * 3, rel=1e-5)
    uneven = taken[0] | {"weight": taken[0]["numbers"][:, 0]}
    assert network.loss(net, uneven).item() != pytest.approx(found[0], rel=1e-4), "weights act"
    nothing = taken[1] | {name: torch.full_like(taken[1][name], -1 if classes else torch.nan)}
    assert network.loss(net, nothing).item() == 0
    measured = [network.measure(net, one)["valid_loss"].item() for one in taken]
    assert measured == pytest.approx([measured[0]] * 3, rel=1e-5)


def test_weights_move_the_answers():
    """Rows alike in all inputs have two values: the answer is their weighted mean."""
    count = 64
    value = np.tile([0.0, 10.0], count // 2).astype(np.float32)
    heavy = np.tile([1.0, 9.0], count // 2).astype(np.float32)
    same = {"numbers": np.ones((count, 3), np.float32), "levels": np.full((count, 2), 2, np.int32)}
    for weight, expected in ((np.ones_like(heavy), 5.0), (heavy, 9.0)):
        rows = Columns({**same, "value": value, "weight": weight})
        net = learnt(rows, plan=replace(PLAN, epochs=50))
        assert answers(net, rows)[0] == pytest.approx(expected, abs=0.5)


def test_derived_columns_are_learnt_from():
    """The truth is a ratio; given as a column, it is learnt better."""
    rows = table(400)
    ratio = (rows["numbers"][:, 0] / rows["numbers"][:, 1]).clip(-5, 5)
    rows = rows.also({"value": ratio.astype(np.float32)})

    plain, derived = learnt(rows), learnt(rows, derived=Derived([(0, 1, "ratio")], [0, 1, 2, 3]))
    errors = [np.std(answers(net, rows) - ratio) for net in (plain, derived)]
    assert errors[1] < 0.7 * errors[0]


@pytest.mark.parametrize("classes", [False, True])
def test_a_training_that_was_stopped_gives_the_same_bytes(classes: bool, tmp_path: Path):
    rows, settings = table(200, classes=classes), replace(TINY, dropout=0.2)
    plan = replace(PLAN, epochs=6)
    whole = as_bytes(learnt(rows, settings, replace(plan, folder=tmp_path / "whole")))
    plan = replace(plan, folder=tmp_path / "stopped")
    with watching({17: terminate}), pytest.raises(Stopped):
        learnt(rows, settings, plan)
    assert as_bytes(learnt(rows, settings, plan)) == whole
    assert as_bytes(learnt(rows, settings, replace(PLAN, epochs=6, seed=1))) != whole


@pytest.mark.parametrize("classes", [False, True])
def test_the_loss_runs_without_values(classes: bool):
    rows = table(8, classes=classes)
    net = untrained(rows).to("meta").train()
    batch = {name: torch.from_numpy(np.asarray(rows[name])).to("meta") for name in rows}
    assert network.loss(net, batch).shape == ()
