"""The network for tables: missing and unknown cells, rows by themselves, the exported graph."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch
from sharing import keep_the_table_of_operators
from torch import Tensor

from tenfold.networks.tables import CategoryEmbeddings, NumberEmbeddings, TableNetwork

EDGES = [[0.0, 1.0, 2.0, 4.0], [-5.0, 5.0], []]
"""Edges of the bins of three columns; the last is constant."""


def network(classes: int, bins: tuple[int, ...] = (3, 1, 0), levels: tuple[int, ...] = (4, 6)):
    torch.manual_seed(0)
    net = TableNetwork(bins, levels, classes, members=3, width=32, blocks=2, embedding=4, dropout=0)
    if bins:
        scale = torch.tensor([0.5, 0.1, 0.0])
        net.numbers.learn(torch.tensor([2.0, 0.0, 7.0]), scale, [torch.tensor(e) for e in EDGES])
    for value in net.parameters():
        value.data.add_(torch.randn_like(value), alpha=0.1)
    return net.eval()


def rows(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Numbers, a fifth of them missing, and levels with missing and unknown ones."""
    random = np.random.default_rng(seed)
    numbers = random.normal(2, 3, (count, 3)).astype(np.float32)
    numbers[random.random(numbers.shape) < 0.2] = np.nan
    levels = random.integers(0, [4, 6], (count, 2)).astype(np.int32)
    return torch.from_numpy(numbers), torch.from_numpy(levels)


def test_a_number_is_its_place_in_each_bin():
    """With a weight for one bin and no other, the embedding is the place in it, 0 to 1."""
    net = NumberEmbeddings((3, 1, 0), 1)
    scale = torch.tensor([0.5, 0.1, 0.0])
    net.learn(torch.tensor([2.0, 0.0, 7.0]), scale, [torch.tensor(e) for e in EDGES])
    for value in net.parameters():
        value.data.zero_()
    x = torch.tensor([-9.0, 0.0, 0.25, 1.5, 3.0, 99.0])
    places = [[0, 0, 0.25, 1, 1, 1], [0, 0, 0, 0.5, 1, 1], [0, 0, 0, 0, 0.5, 1]]
    for bin_at, expected in enumerate(places):
        net.pieces.data.zero_()
        net.pieces.data[bin_at] = 1
        found = net(torch.stack([x, x, x], 1))[:, 0, 0]
        assert found.tolist() == pytest.approx(expected)
    net.missing.data[:] = torch.tensor([3.0, 4.0, 5.0])
    found = net(torch.tensor([[float("nan"), 0.0, float("nan")]]))
    assert found.flatten().tolist() == [3, 0, 5]
    with pytest.raises(ValueError, match="3 bins for column 1, at most 1"):
        net.learn(net.center, net.scale, [torch.tensor(EDGES[0])] * 3)


def test_levels_that_were_not_learnt_are_alike():
    net = CategoryEmbeddings([4, 3], 2)
    found = net(torch.tensor([[1, 1], [-4, 3], [9, 1 << 30], [0, 0], [2, 2]]))
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])
    assert not found[:4].any()
    assert (found[4] != 0).all(), "learnt levels differ from unknown ones"


@pytest.mark.parametrize("classes", [0, 3])
def test_rows_are_answered_by_themselves(classes: int):
    net, (numbers, levels) = network(classes), rows(9)
    with torch.no_grad():
        together = net(numbers, levels)
        for row in range(9):
            alone = net(numbers[row : row + 1], levels[row : row + 1])
            for name, value in together.items():
                assert (value[row] - alone[name][0]).abs().max() < 1e-5, name
        changed = net(numbers + 1, levels)
    name = "probabilities" if classes else "value"
    assert (together[name] - changed[name]).abs().max() > 1e-4
    if classes:
        assert torch.allclose(together[name].sum(1), torch.ones(9))
    else:
        assert (together["low"] <= together["value"]).all()
        assert (together["value"] <= together["high"]).all()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 3.4e38, 1e-45])
def test_answers_are_finite_whatever_the_numbers(value: float):
    for classes in (0, 2):
        numbers = torch.full((2, 3), value)
        found = network(classes)(numbers, torch.tensor([[0, 1], [99, -1]]))
        assert all(bool(one.isfinite().all()) for one in found.values())


@pytest.mark.parametrize(("bins", "levels"), [((), (4, 6)), ((3, 1, 0), ()), ((), ())])
def test_tables_without_a_kind_of_column(bins: tuple[int, ...], levels: tuple[int, ...]):
    net = network(2, bins, levels)
    numbers, places = rows(5)
    found = net(numbers[:, : len(bins)], places[:, : len(levels)])
    assert found["probabilities"].shape == (5, 2)


@pytest.mark.parametrize("classes", [0, 3])
def test_shapes_are_known_without_values(classes: int):
    net = network(classes).to("meta").train()
    found = net(*(one.to("meta") for one in rows(4)))
    assert {len(one) for one in found.values()} == {4}
    assert found["embedding"].shape == (4, 32)


@pytest.mark.parametrize("classes", [0, 3])
def test_the_graph_answers_as_torch_does(classes: int, tmp_path):
    net, many = network(classes), torch.export.Dim("many", min=1)
    path = tmp_path / "net.onnx"
    keep_the_table_of_operators()
    torch.onnx.export(
        net,
        rows(2),
        path,
        input_names=["numbers", "levels"],
        dynamo=True,
        opset_version=20,
        dynamic_shapes={"numbers": {0: many}, "levels": {0: many}},
        verbose=False,
    )
    session = onnxruntime.InferenceSession(path)
    for count in (1, 2, 7):
        numbers, levels = rows(count, seed=count)
        found = session.run(None, {"numbers": numbers.numpy(), "levels": levels.numpy()})
        with torch.no_grad():
            expected = net(numbers, levels)
        assert len(found) == len(expected)
        for ours, theirs in zip(found, expected.values(), strict=True):
            assert np.abs(ours - theirs.numpy()).max() < 1e-5
