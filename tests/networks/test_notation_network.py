"""A network built from its line: every layer as the line says, and the ready networks."""

from __future__ import annotations

import re

import pytest
import torch
from documents import ROOT
from torch import Tensor, nn

from tenfold.core import device
from tenfold.core.errors import UsageError
from tenfold.networks import modules
from tenfold.networks.modules import View, activation, convolution, dense, flatten
from tenfold.networks.notation import parse, ready
from tenfold.networks.notation.network import Lined

CLASSIC = "conv32 relu maxpool2 conv64 relu maxpool2 flatten dense512 relu dropout0.5"
ALL = (
    "view20 convolution8:kernel5:nobias bn silu pool3:s2 conv16:k3:stride2:same gn4 gelu "
    "2x(residual(conv16 batchnorm elu conv16 groupnorm) leaky) avgpool2:stride1 dropout0.1 tanh "
    "residual(conv24:stride2) globalmax dense12:nobias sigmoid residual(dense12 relu dense20) relu"
)
SIDES = [(1, 1, 1), (1, 20, 3), (2, 2, 1), (3, 5, 3), (8, 8, 1), (21, 40, 1), (22, 22, 1)]
SIDES += [(28, 28, 1), (28, 33, 1), (32, 32, 3), (50, 31, 3), (64, 96, 1)]


# --- building ---


def test_shapes_and_weights_of_the_classic_line():
    found = ready.fitted(CLASSIC, 1, 28, 28, 10)
    assert [one.number for one in found] == list(range(1, 12))
    assert [one.outputs for one in found] == [
        *[(32, 28, 28)] * 2,
        (32, 14, 14),
        *[(64, 14, 14)] * 2,
        (64, 7, 7),
        (3136,),
        *[(512,)] * 3,
        (10,),
    ]
    weights = {one.number: one.weights for one in found if one.weights}
    assert weights == {1: 320, 4: 18_496, 8: 1_606_144, 11: 5130}
    assert found[-1].layer.text == "dense10", "the layer to the classes is added"


@pytest.mark.parametrize("line", [CLASSIC, ALL, "flatten", "globalmax dense9 relu"])
def test_the_network_is_what_the_line_says(line: str):
    """Shapes of every layer, weights and numbers, as the modules really have them."""
    net = Lined(line, 2, 7, 28, 30).eval()
    found, met = ready.fitted(line, 2, 28, 30, 7), []

    def meet(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        weights = sum(value.numel() for value in module.parameters())
        met.append((tuple(inputs[0].shape[1:]), tuple(output.shape[1:]), weights))

    leaves = [one for one in net.modules() if not list(one.children())]
    for module in leaves:
        if not isinstance(module, nn.Identity):
            module.register_forward_hook(meet)
    with torch.no_grad():
        out = net(torch.rand(3, 2, 28, 30))
        alone = net(torch.rand(1, 2, 28, 30))
    assert out.shape == (3, 7) and alone.shape == (1, 7)
    assert met[: len(found)] == [(one.inputs, one.outputs, one.weights) for one in found]
    assert [one.number for one in found] == list(range(1, len(found) + 1))


@pytest.mark.parametrize("line", [CLASSIC, ALL])
def test_a_line_learns_in_any_place_and_precision(line: str):
    with torch.device("meta"):
        net = Lined(line, 1, 3, 28, 28)
        assert net(torch.rand(2, 1, 28, 28)).shape == (2, 3)
    net = Lined(line, 1, 3, 28, 28).train()
    for rows in (1, 4):
        x = torch.rand(rows, 28, 28, 1).permute(0, 3, 1, 2)
        with device.autocast(torch.device("cpu"), torch.bfloat16):
            loss = net(x).float().square().sum()
        loss.backward()
    assert all(torch.isfinite(value.grad).all() for value in net.parameters())
    assert any(value.grad.abs().sum() > 0 for value in net.parameters())


def test_the_head_sees_the_embedding_and_maps_are_named():
    net, x = Lined(CLASSIC, 1, 3, 28, 28).eval(), torch.rand(2, 1, 28, 28)
    assert net.embed(x).shape == (2, 512)
    assert torch.equal(net.answer(net.embed(x)), net(x))
    assert net.last_map is net.layers[5]
    last = "conv4 residual(conv8 relu) batchnorm globalaverage dense5 relu"
    assert isinstance(Lined(last, 1, 3, 9, 9).last_map, modules.BatchNorm)
    for line in ("flatten dense9 relu", "view5 relu flatten"):
        assert Lined(line, 1, 3, 9, 9).last_map is None


def test_every_word_is_built():
    assert tuple(modules.ACTIVATIONS) == parse.ACTIVATIONS
    numbers = {"conv": 2, "dense": 2, "groupnorm": 1, "view": 3}
    for name in parse.WORDS:
        inside = "(conv2)" if name == "residual" else numbers.get(name, "")
        row = "flatten " if name == "dense" else "conv2 "
        end = "" if name in ("flatten", "dense", "globalaverage", "globalmax") else " flatten"
        assert Lined(f"{row}{name}{inside}{end}", 1, 2, 6, 6)(torch.rand(2, 1, 6, 6)).shape == (
            2,
            2,
        )


def test_the_page_lists_every_word():
    page = (ROOT / "docs/networks.md").read_text("utf-8").split("## Examples")[0]
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| `")]
    told = {name: row for row in rows for name in re.findall(r"`([a-z]+)[\d.x(`]", row[0])}
    assert set(parse.WORDS) <= set(told)
    for name, word in parse.WORDS.items():
        assert all(other in told[name][1] for other in word.also), name
        same = "maxpool" if name == "averagepool" else name
        assert all(f"`{option}" in told[same][3] for option in word.options), name


# --- ready networks ---


class Listing(nn.Module):
    """The classic network as it was before it was a line: the weights and outputs to reproduce."""

    def __init__(self, channels: int, classes: int, height: int, width: int) -> None:
        super().__init__()
        valid = min(height, width) >= 22
        height, width = (seen(side) if valid else side for side in (height, width))
        self.view, self.features = View(height, width), nn.Sequential()
        for inputs, outputs in ((channels, 32), (32, 64), (64, 128)):
            self.features.append(convolution(inputs, outputs, same=not valid))
            height, width = (side - 2 if valid else side for side in (height, width))
            window = (min(height, 2), min(width, 2))
            self.features.append(nn.MaxPool2d(window) if max(window) > 1 else nn.Identity())
            self.features.append(activation("relu"))
            height, width = height // window[0], width // window[1]
        self.hidden = nn.Sequential(flatten(), dense(128 * height * width, 512), activation("relu"))
        self.head = dense(512, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.hidden(self.features(self.view(x))))


def seen(side: int) -> int:
    for _ in range(3):
        side = (side - 2) // 2
    for _ in range(3):
        side = 2 * side + 2
    return side


@pytest.mark.parametrize(("height", "width", "channels"), SIDES)
def test_the_listing_is_what_it_was_bit_by_bit(height: int, width: int, channels: int):
    line = ready.line_of("listing", channels, height, width, "small")
    torch.manual_seed(5)
    before = Listing(channels, 4, height, width)
    torch.manual_seed(5)
    now = Lined(line, channels, 4, height, width)
    pairs = zip(before.parameters(), now.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)
    x = torch.rand(3, height, width, channels).permute(0, 3, 1, 2)
    for net in (before, now):
        net(x).square().sum().backward()
    assert torch.equal(before(x), now(x))
    pairs = zip(before.parameters(), now.parameters(), strict=True)
    assert all(torch.equal(one.grad, other.grad) for one, other in pairs)


@pytest.mark.parametrize(("height", "width", "channels"), [*SIDES, (128, 128, 3), (64, 1024, 3)])
def test_residual_networks_of_every_size(height: int, width: int, channels: int):
    counts = []
    for size in ("tiny", "small", "medium", "large"):
        line = ready.line_of("residual", channels, height, width, size)
        found = ready.fitted(line, channels, height, width, 10)
        counts.append(sum(one.weights for one in found))
        first = next(one for one in ready.nested(line, channels, height, width, 10) if one.body)
        assert (first.inputs[1] * first.inputs[2]) ** 0.5 < 48
    assert counts == sorted(set(counts))
    with torch.device("meta"):
        net = Lined(line, channels, 2, height, width)
        assert net(torch.rand(2, channels, height, width)).shape == (2, 2)


@pytest.mark.parametrize(("name", "size"), [("residul", "small"), ("residual", "huge")])
def test_a_ready_network_that_there_is_not(name: str, size: str):
    with pytest.raises(UsageError) as refused:
        ready.line_of(name, 1, 28, 28, size)
    assert refused.value.code == "network-line" and refused.value.fix
