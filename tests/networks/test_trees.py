"""Trees on the meta device, by ONNX with any number of rows, and in blocks."""

from __future__ import annotations

import warnings

import numpy as np
import onnxruntime
import torch

from tenfold.networks import trees as network
from tenfold.networks.trees import Trees

TREES, DEPTH, NUMBERS, LEVELS = 40, 4, 3, (5, 8)


def complete(outputs: int = 2, trees: int = TREES, depth: int = DEPTH) -> Trees:
    """Complete trees of random nodes over numbers and one split by each category."""
    draw = np.random.default_rng(0)
    size, inner = 2 ** (depth + 1) - 1, 2**depth - 1
    net = Trees([trees] * outputs, outputs * trees * size, depth, NUMBERS, LEVELS, 2, sum(LEVELS))
    place = np.arange(outputs * trees * size)
    at, leaf = place % size, place % size >= inner
    feature = np.where(leaf, 0, draw.integers(0, 2 * NUMBERS + 2, len(place)))
    threshold = np.where(feature >= 2 * NUMBERS, 0.5, draw.normal(size=len(place)))
    parts = {
        "feature": feature.astype(np.int32),
        "threshold": np.where(leaf, np.inf, threshold).astype(np.float32),
        "left": np.where(leaf, place, place - at + 2 * at + 1).astype(np.int32),
        "value": draw.normal(size=len(place)).astype(np.float32),
        "root": np.arange(0, len(place), size, dtype=np.int32),
        "base": np.arange(outputs, dtype=np.float32),
        "split_column": np.array([0, 1], np.int32),
        "split_start": np.array([0, LEVELS[0]], np.int32),
        "members": draw.integers(0, 2, sum(LEVELS)).astype(np.uint8),
        "limits": np.array(LEVELS),
    }
    net.load_state_dict({name: torch.from_numpy(part) for name, part in parts.items()})
    return net.eval()


def rows(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    draw = np.random.default_rng(1)
    numbers = draw.normal(size=(count, NUMBERS)).astype(np.float32)
    numbers[draw.random(numbers.shape) < 0.2] = np.nan
    levels = np.stack([draw.integers(-2, size + 3, count) for size in LEVELS], 1)
    return torch.from_numpy(numbers), torch.from_numpy(levels.astype(np.int32))


def test_blocks_and_contributions_change_nothing(monkeypatch) -> None:
    net, (numbers, levels) = complete(), rows(200)
    whole = net(numbers, levels)
    monkeypatch.setattr(network, "BLOCK_VALUES", 1000)
    assert torch.equal(net(numbers, levels), whole) and whole.shape == (200, 2)
    parts, constants = net.contributions(numbers, levels)
    assert torch.allclose(parts.sum(2) + constants, whole, atol=1e-4)
    assert parts.abs().amax((0, 1)).min() > 0


def test_inputs_decide_by_missing_and_by_level() -> None:
    """One tree by hand: a number that is missing goes right, then two levels of a category."""
    net = Trees([1], 5, 2, 1, [4], 1, 4)
    parts = {
        "feature": [1, 2, 0, 0, 0],
        "left": [1, 3, 2, 3, 4],
        "root": [0],
        "split_column": [0],
        "split_start": [0],
        "threshold": [2.0, 0.5, np.inf, np.inf, np.inf],
        "value": [0.0, 0.0, 10.0, 20.0, 30.0],
        "base": [0.5],
        "members": [1, 0, 0, 1],
        "limits": [4],
    }
    state = net.state_dict()
    net.load_state_dict({k: torch.tensor(v, dtype=state[k].dtype) for k, v in parts.items()})
    numbers = torch.tensor([[torch.nan], [2.0], [2.0], [2.1], [-1.0], [-1.0]])
    levels = torch.tensor([[2], [2], [3], [2], [0], [77]], dtype=torch.int32)
    assert net(numbers, levels)[:, 0].tolist() == [10.5, 20.5, 30.5, 10.5, 30.5, 20.5]


def test_meta_device_and_no_columns() -> None:
    with torch.device("meta"):
        net = Trees([3, 3], 100, 5, NUMBERS, LEVELS, 2, sum(LEVELS))
        answers = net(torch.empty(7, NUMBERS), torch.empty(7, 2, dtype=torch.int32))
    assert answers.shape == (7, 2) and answers.is_meta
    bare = Trees([1], 1, 0, 0)
    bare.base += 3
    nothing = torch.zeros(2, 0)
    assert bare(nothing, nothing.int()).tolist() == [[3.0], [3.0]]


def test_onnx_answers_alike_for_any_number_of_rows(tmp_path) -> None:
    net = complete()
    count = torch.export.Dim("count")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            net, rows(3), dynamo=True, dynamic_shapes=({0: count}, {0: count}), verbose=False
        )
    program.save(tmp_path / "trees.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "trees.onnx")
    names = [one.name for one in session.get_inputs()]
    for size in (1, 3, 300):
        asked = rows(size)
        feed = {name: part.numpy() for name, part in zip(names, asked, strict=True)}
        answers = session.run(None, feed)[0]
        assert np.allclose(answers, net(*asked).numpy(), atol=1e-5)
