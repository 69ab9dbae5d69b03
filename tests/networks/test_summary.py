"""The table of layers of any network, and `train --plan`, which stops at it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from commands import tenfold as command
from documents import draw_photos
from torch import Tensor, nn

import tenfold
from tenfold.core.errors import UsageError
from tenfold.networks import summary
from tenfold.networks.fast import Fast
from tenfold.networks.image_classifier import PictureClassifier
from tenfold.networks.notation import ready
from tenfold.networks.notation.network import Lined
from tenfold.reporting import layers

TASK = "image-classification"


def pictures(body: nn.Module, side: int = 28) -> PictureClassifier:
    return PictureClassifier(body, 1, side, side, mirror=True, several=False)


def of_pictures(net: nn.Module, side: int = 28) -> list[dict]:
    batch = {"image": np.zeros((2, side, side, 1), np.uint8), "label": np.zeros(2)}
    return summary.table(net, batch)


@pytest.mark.parametrize(
    "line",
    [
        "view22 conv8:valid maxpool2 relu flatten dense16 relu dropout0.5",
        "conv4 2x(residual(conv8:stride2 batchnorm relu) relu) residual(conv8) gn4 globalaverage",
    ],
)
def test_numbers_shapes_and_weights_are_those_of_the_line(line: str):
    rows = of_pictures(pictures(Lined(line, 1, 3, 28, 28)))
    found = ready.fitted(line, 1, 28, 28, 3)
    assert [row["number"] for row in rows] == [one.number for one in found]
    assert [tuple(row["shape"]) for row in rows] == [one.outputs for one in found]
    assert [row["parameters"] for row in rows] == [one.weights for one in found]


def test_operations_are_counted_by_hand():
    rows = of_pictures(pictures(Lined("conv8:kernel5:stride2 relu flatten dense6", 1, 3, 28, 28)))
    convolution, dense = 2 * 25 * 8 * 14 * 14, 2 * 8 * 14 * 14 * 6
    assert [row["flops"] for row in rows] == [convolution, 0, 0, dense, 2 * 6 * 3]
    whole = summary.totals(rows)
    assert whole == {
        "flops": convolution + dense + 36,
        "parameters": 8 * 26 + (8 * 196 + 1) * 6 + 7 * 3,
    }


def test_the_network_is_left_as_it_was():
    net = pictures(Fast(1, 3, 28, 28, "tiny")).eval()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    rows = of_pictures(net)
    assert not net.training and not any(one._forward_hooks for one in net.modules())
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert next(net.parameters()).device.type == "cpu"
    assert sum(row["parameters"] for row in rows) == sum(p.numel() for p in net.parameters())
    assert [row["layer"].split()[0] for row in rows][:3] == ["Whitening", "GELU", "Conv2d"]


def test_large_weights_are_not_copied():
    with torch.device("meta"):
        net = Lined("flatten dense60000 relu dense10000 relu", 1, 9, 10, 10)
    rows = summary.table(net, {"x": torch.zeros(2, 1, 10, 10)})
    assert rows[1]["parameters"] == 101 * 60_000 and rows[3]["flops"] == 2 * 60_000 * 10_000


class Odd(nn.Module):
    """Operations and a weight outside of any module; a module called twice; outputs in a tuple."""

    def __init__(self, inside: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(5, 4))
        if inside:
            self.twice, self.pair = nn.Linear(4, 4), Pair()

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        if hasattr(self, "twice"):
            x = self.twice(self.twice(self.pair(x)[0]))
        return {"y": x @ self.weight.T}


class Pair(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x, x


def test_what_is_outside_of_modules_comes_last():
    rows = summary.table(Odd(inside=True), {"x": torch.zeros(2, 4), "other": np.zeros(3)})
    assert [row["layer"] for row in rows[:2]] == ["Pair", "Linear in_features=4, out_features=4"]
    assert rows[0]["shape"] == [4] and rows[1]["flops"] == 32, "twice called, once counted"
    assert rows[2]["layer"] == "outside of modules" and rows[2]["name"] == ""
    assert (rows[2]["parameters"], rows[2]["flops"]) == (20, 40)
    (only,) = summary.table(Odd(inside=False), {"x": torch.zeros(2, 4)})
    assert (only["number"], only["parameters"], only["flops"]) == (1, 20, 40)


class Asks(nn.Module):
    """Looks at values, which the meta device has not."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, x: Tensor, x_length: Tensor) -> Tensor:
        return self.layer(x[:, : int(x_length.max())].mean(1))


def test_a_network_that_asks_for_values():
    batch = {"x": np.ones((2, 7, 3), np.float32), "x_length": np.array([2, 5])}
    (row,) = summary.table(Asks(), batch)
    assert row["shape"] == [2] and row["parameters"] == 8


def test_shared_weights_are_counted_once():
    net = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    net[1].weight = net[0].weight
    rows = summary.table(net, {"input": torch.zeros(2, 4)})
    assert [row["parameters"] for row in rows] == [20, 4]


def test_the_text_is_a_table():
    lines = layers.text(of_pictures(pictures(Fast(1, 3, 28, 28, "tiny")))).split("\n")
    assert lines[0].split() == ["layer", "output", "parameters", "FLOPs"]
    assert lines[1].split()[:2] == ["1", "Whitening"] and "8 x 27 x 27" in lines[1]
    assert lines[-1].split()[0] == "all" and max(map(len, lines)) <= 100
    assert layers.text([]).split()[-3:] == ["all", "0", "0"]


# --- train --plan ---


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    data = tmp_path_factory.mktemp("plan") / "photos"
    draw_photos(data, each=12)
    return data


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_plan_writes_nothing(photos, here):
    found = tenfold.train(TASK, photos, plan=True, size="tiny", epochs=3, batch=8, out=here / "run")
    assert list(here.iterdir()) == []
    rows, took = found["rows"], found["estimate"]
    assert sum(rows.values()) == 36 and rows["quarantined"] == 0
    assert (took["steps"], took["batch"]) == (3 * (rows["train"] // 8), 8)
    assert found["parameters"] == sum(row["parameters"] for row in found["layers"]) > 70_000
    assert found["flops"] == sum(row["flops"] for row in found["layers"]) > 10**6
    assert json.loads(json.dumps(found.to_json(), allow_nan=False)) == found.to_json()
    assert "Training here: about" in str(found) and "Whitening" in str(found)


def test_a_plan_on_the_command_line(photos, here):
    words = ["train", TASK, photos, "--plan", "--epochs", "1", "--batch", "8"]
    line = "conv8 relu maxpool2 globalaverage"
    done = command(*words, "--network", line, cwd=here)
    assert done.code == 0, done.err
    assert "Max pooling before `relu`" in done.err and "Conv2d 3, 8" in done.out
    document = command(*words, "--network", line, "--json", cwd=here).document
    assert [row["number"] for row in document["layers"]] == [1, 2, 3, 4, 5]
    refused = command(*words, "--network", "conv8 rleu", cwd=here)
    assert refused.code == 2 and "Layer 2 'rleu'" in refused.last
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"minutes": 1, "epochs": 1}, "not both"),
        ({"network": "conv8 rleu"}, "Layer 2 'rleu'"),
        ({"network": "conv8 relu"}, "layer 2 'relu', gives a feature map of"),
        (
            {"network": "40x(conv8:valid) flatten"},
            "Layer 32 'conv8:valid' needs a feature map of at least 3 x 3",
        ),
        ({"network": ""}, "description is empty"),
    ],
)
def test_a_plan_refuses_what_cannot_be(photos, here, words, said):
    with pytest.raises(UsageError, match=said):
        tenfold.train(TASK, photos, plan=True, **words)
    assert list(here.iterdir()) == []


def test_minutes_are_planned_with(photos, here):
    found = tenfold.train(TASK, photos, plan=True, size="tiny", minutes=0.2)
    assert found["estimate"]["minutes"] < 0.5
