"""A network in one line: what is read, what is refused and how, and what is warned of."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from documents import ROOT
from torch import nn

from tenfold.core.errors import UsageError
from tenfold.networks.notation import parse, ready
from tenfold.networks.notation.network import Lined


def refusal(line: str, channels: int = 1, height: int = 28, width: int = 28) -> UsageError:
    with pytest.raises(UsageError) as refused:
        ready.fitted(line, channels, height, width, 10)
    assert refused.value.code == "network-line" and refused.value.exit_code == 2
    return refused.value


def warned(line: str, side: int = 28, rows: int = 60_000, channels: int = 1) -> list[str]:
    return ready.waste(line, channels, side, side, 10, rows)


# --- reading ---


def test_reading_a_line_loads_no_torch():
    code = "import sys; from tenfold.networks.notation.ready import waste; "
    code += "waste('flatten', 1, 9, 9, 2, 5)"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; sys.exit('torch' in sys.modules)"], cwd=ROOT
    )
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("line", "same"),
    [
        ("Conv32 RELU, Max-Pool2; flatten", "conv32 relu maxpool2 flatten"),
        ("convolution32:kernel=3 pool batch_norm gap", "conv32 maxpool2 batchnorm globalaverage"),
        ("conv2d32:k5:s2 gn drop fc9", "conv32:kernel5:stride2 groupnorm dropout0.5 dense9"),
        ("２×（ｃｏｎｖ３，relu） flatten", "conv3 relu conv3 relu flatten"),
        ("2 x (conv3 relu) flatten", "2x(conv3 relu) flatten"),
        ("2*(conv3 relu) flatten", "2x(conv3 relu) flatten"),
        ("2x(2x(relu) tanh) flatten", "relu relu tanh relu relu tanh flatten"),
        ("dropout.5 flatten", "dropout0.5 flatten"),
    ],
)
def test_lines_that_mean_the_same(line: str, same: str):
    def bare(layers: tuple[parse.Layer, ...]) -> list:
        return [(one.name, one.sizes, one.options, bare(one.body)) for one in layers]

    assert bare(ready.parse(line)) == bare(ready.parse(same))


def test_residual_blocks_get_the_projection_that_fits():
    def shortcut(inside: str, before: str = "conv8") -> str | None:
        line = f"{before} residual({inside}) globalaverage"
        block = ready.nested(line, 3, 29, 32, 5)[1]
        return block.shortcut.layer.text if block.shortcut else None

    assert shortcut("conv8 relu conv8") is None
    assert shortcut("conv9 relu conv9") == "conv9:kernel1"
    assert shortcut("conv8:stride2 relu conv8") == "conv8:kernel1:stride2"
    assert shortcut("conv8:stride2 residual(conv8:stride2) relu") == "conv8:kernel1:stride4"
    (_, _, block, _, _) = ready.nested("flatten dense9 residual(dense8) relu", 1, 4, 4, 3)
    assert block.shortcut and block.shortcut.weights == 72


# --- refusing ---


@pytest.mark.parametrize(
    ("line", "said", "fix"),
    [
        ("", "description is empty", "A small network: conv32"),
        (" , ", "description is empty", "A small network: conv32"),
        ("conv32 rleu flatten", "Layer 2 'rleu' is not a known layer", "Did you mean 'relu'?"),
        ("cnv32", "Layer 1 'cnv32' is not a known layer", "Did you mean 'conv'?"),
        ("lisitng", "Layer 1 'lisitng' is not a known layer", "Did you mean 'listing'?"),
        ("残差", "Layer 1 '残差' is not a known layer", "Known names: averagepool"),
        ("<b>", "Layer 1 '<b>' is not a known layer", "Known names: averagepool"),
        ("flatten softmax", "Layer 2 'softmax' is not a known layer", "Leave it out"),
        ("conv0", "Layer 1 'conv0' has 0 as its number of maps", "a whole number from 1 to 65,536"),
        ("conv-3", "Layer 1 'conv-3' has -3 as its number of maps", "1 to 65,536"),
        ("conv3.5", "Layer 1 'conv3.5' has 3.5 as its number of maps", "whole number"),
        ("flatten dense99999999999999999999999", "Layer 2 'dense999", "to 65,536"),
        ("conv", "Layer 1 'conv' needs its number of maps", "example conv64"),
        ("relu3", "Layer 1 'relu3' takes no number, got 3", "Write relu"),
        ("dropout50", "Layer 1 'dropout50' has 50 as its share", "0 to 0.99"),
        ("maxpool2x3x4", "'maxpool2x3x4' has more numbers than height x width", "maxpool2x3"),
        ("conv32:kernl5", "Layer 1 'conv32:kernl5' has no option 'kernl5'", "mean 'kernel'?"),
        ("relu:same", "Layer 1 'relu:same' has no option 'same'", "Write relu without"),
        ("conv32:stride0", "has 0 as its stride", "a whole number from 1 to 99"),
        ("conv32:nobias2", "the option 'nobias', which takes no number", ""),
        ("conv32:same:valid", "cannot have the option 'valid' as well", ""),
        ("conv32:kernel3:k5", "cannot have the option 'k5' as well", ""),
        ("conv32:kernel4", "the even kernel size 4", "Give kernel5, or :valid"),
        ("conv(32)", "Layer 1 'conv' takes no brackets", "conv64"),
        ("3x(relu", "bracket after '3x' is not closed", ""),
        ("relu)", "closing bracket has no opening one", "Remove it"),
        ("(relu)", "opening bracket must follow a word", "3x(conv64 relu)"),
        ("residual(relu)(relu)", "opening bracket must follow a word", "3x(conv64 relu)"),
        ("3x() flatten", "'3x' needs layers in brackets", "3x(conv64 relu)"),
        ("residual flatten", "'residual' needs layers in brackets", "residual(conv64"),
        ("0x(relu) flatten", "'0x' must be 1x or more", "1x or more"),
        ("2x(" * 9 + "relu" + ")" * 9, "more than 8 deep", ""),
        ("relu " * 201, "Layer 201 'relu' is one layer too many: at most 200", ""),
        ("99999999999999x(200x(relu))", "Layer 201 'relu' is one layer too many", ""),
        ("x" * 10_001, "has 10001 characters", ""),
    ],
)
def test_what_cannot_be_read_is_refused(line: str, said: str, fix: str):
    error = refusal(line)
    assert said in error.message and fix in error.fix


@pytest.mark.parametrize(
    ("line", "said", "fix"),
    [
        (
            "40x(conv64:valid relu) flatten",
            "Layer 27 'conv64:valid' needs a feature map of at least 3 x 3, got 64 x 2 x 2",
            "fewer pooling layers",
        ),
        (
            "5x(maxpool2) flatten",
            "Layer 5 'maxpool2' needs a feature map of at least 2 x 2",
            "smaller",
        ),
        ("maxpool30 flatten", "of at least 30 x 30, got 1 x 28 x 28", "smaller window"),
        (
            "view30 flatten",
            "Layer 1 'view30' needs a feature map of at least 30 x 30, got",
            "smaller",
        ),
        (
            "conv64 dense512",
            "Layer 2 'dense512' needs a vector, got a feature map of 64 x 28 x 28",
            "flatten (50,176 values) or globalaverage (64 values) before",
        ),
        (
            "flatten conv32",
            "Layer 2 'conv32' needs a feature map, got 784 values",
            "before flatten",
        ),
        (
            "flatten flatten",
            "Layer 2 'flatten' needs a feature map, got 784 values",
            "before flatten",
        ),
        ("flatten dense9 globalmax", "Layer 3 'globalmax' needs a feature map, got 9 values", ""),
        (
            "conv64 relu",
            "layer 2 'relu', gives a feature map of 64 x 28 x 28",
            "globalaverage (64 values) after",
        ),
        (
            "conv32 residual(conv64:valid) flatten",
            "gives 64 x 26 x 26 and cannot be added to its input 32 x 28 x 28",
            "do not use valid",
        ),
        (
            "conv8 2x(maxpool2) residual(maxpool2 relu) flatten",
            "gives 8 x 3 x 3 and cannot be added to its input 8 x 7 x 7: a projection of stride 2 "
            "gives 8 x 4 x 4",
            ":stride2 in place of",
        ),
        ("residual(flatten)", "gives 784 values and cannot be added to its input 1 x 28", ""),
        ("conv64 groupnorm5 gap", "divisible by 5, got 64 x 28 x 28", "Leave out the number"),
        (
            "conv32 gap groupnorm",
            "more than one value in each group, got 32 values in 32",
            "fewer groups",
        ),
        (
            "flatten dense60000 relu dense60000",
            "Layer 4 'dense60000' brings the network to 3,647,160,000 weights (from 60,000 values "
            "to 60,000 values",
            "narrower layers",
        ),
        ("conv3 residual(dense5)", "needs a vector, got a feature map of 3 x 28 x 28", ""),
    ],
)
def test_what_does_not_fit_is_refused_with_both_shapes(line: str, said: str, fix: str):
    error = refusal(line)
    assert said in error.message and fix in error.fix


def test_a_map_that_no_memory_holds_is_refused():
    with pytest.raises(UsageError, match="Layer 1 'conv60000' gives 62,914,560,000 values"):
        ready.fitted("conv60000 globalaverage", 1, 1024, 1024, 2)


def test_the_place_in_a_long_line_is_shown():
    error = refusal("relu " * 60 + "conv3\x1b2 " + "relu " * 60)
    assert "conv3?2" in error.where and len(error.where) < 130
    assert error.where.startswith("...") and error.where.endswith("...")


def test_a_number_is_that_of_the_order_of_computing():
    """A projection counts, after what is inside of its block."""
    line = "residual(conv8:stride2 relu) 2x(relu) flatten flatten"
    assert "Layer 7 'flatten' needs a feature map" in refusal(line).message


@pytest.mark.parametrize(
    ("line", "smaller", "taken"),
    [
        ("conv8 maxpool2 relu globalaverage", 20, True),
        ("3x(conv8:valid maxpool2 relu) globalaverage", 28, True),
        ("3x(conv8:valid maxpool2 relu) globalaverage", 20, False),
        ("conv8 maxpool2 relu flatten", 20, False),
        ("view22 conv8 relu globalaverage", 20, False),
    ],
)
def test_a_network_may_serve_smaller_pictures(line: str, smaller: int, taken: bool):
    assert ready.serves(line, (3, 32, 32), (3, smaller, smaller)) is taken
    net, x = Lined(line, 3, 2, 32, 32), torch.rand(2, 3, smaller, smaller)
    if taken:
        assert net(x).shape == (2, 2)
    elif not line.startswith("view"):  # a slice beyond the picture is no error to torch
        with pytest.raises(RuntimeError):
            net(x)


# --- warning ---


def test_lines_that_waste_nothing():
    assert warned("conv32 maxpool2 relu conv64 maxpool2 relu flatten dense64 relu") == []
    for name in ready.NAMES:
        for size in ("tiny", "large"):
            for side in (8, 28, 32, 128):
                line = ready.line_of(name, 3, side, side, size)
                assert warned(line, side, 10**6, 3) == [], (name, side)


def test_borders_that_are_never_seen():
    """Of 28 pixels the classic three stages see 22; both mends were tried."""
    stages = " ".join(f"conv{n}:valid maxpool2 relu" for n in (32, 64, 128))
    (said,) = warned(f"{stages} flatten dense512 relu")
    assert said.startswith("Only 22 of 28 pixels a side reach the output: the windows of layers 5")
    assert "`view22` as the first word" in said and "`same` in place" in said
    assert not warned(f"view22 {stages} flatten dense512 relu")
    assert not warned(f"{stages.replace(':valid', '')} flatten dense64 relu")
    wide = ready.waste(f"{stages} flatten dense512 relu", 1, 28, 24, 10, 10**6)
    assert wide[0].startswith("Only 22 of 28 x 24 pixels reach") or "22 x 22 of" in wide[0]


def seen_by_gradient(line: str, height: int, width: int) -> tuple[int, int]:
    """Rows and columns of pixels that move the last map."""
    net = Lined(line, 1, 2, height, width).double()
    for value in net.parameters():
        nn.init.uniform_(value, 0.1, 1.0)
    x = torch.rand(1, 1, height, width, dtype=torch.float64, requires_grad=True)
    net(x).sum().backward()
    moved = x.grad[0, 0].abs() > 0
    return int(moved.any(1).sum()), int(moved.any(0).sum())


@pytest.mark.parametrize(
    "line",
    [
        "averagepool3 conv4:valid averagepool2 flatten",
        "conv4:valid averagepool4:stride5 globalaverage",
        "averagepool2 residual(conv4:stride2 conv4:k1) averagepool2 globalaverage",
        "conv4:stride3:kernel1 conv4 flatten",
        "conv4 averagepool2 conv4 averagepool3 conv4:valid flatten",
    ],
)
@pytest.mark.parametrize(("height", "width"), [(31, 28), (23, 41)])
def test_what_is_seen_is_what_gradients_reach(line: str, height: int, width: int):
    from tenfold.networks.notation.advice import _seen

    down, across = _seen(ready.parse(line), (1, height, width), 2)
    assert (len(down), len(across)) == seen_by_gradient(line, height, width)


def test_a_dense_layer_wider_than_the_data_deserve():
    (said,) = warned("conv64 maxpool2 relu flatten dense512 relu", rows=5000)
    assert said.startswith(
        "Layer 5 'dense512' has 6,423,040 weights for 5,000 training rows, 1,285"
    )
    assert "`globalaverage` in place of `flatten` (a map of 64 x 14 x 14), or `dense39`" in said
    assert warned("conv64 maxpool2 relu flatten dense39 relu", rows=5000) == []
    assert warned("conv64 maxpool2 relu flatten dense512 relu", rows=65_000) == []


def test_pooling_after_the_activation():
    (said,) = warned("conv32 relu maxpool2 conv64 elu maxpool2 globalaverage")
    assert said.endswith("4 times fewer to work on: layers 3 and 6.") and "before `relu`" in said
    assert warned("conv32 gelu maxpool2 globalaverage") == [], "gelu falls before it rises"
    assert warned("conv32 relu averagepool2 globalaverage") == []


def test_layers_that_are_one_linear_layer():
    (said,) = warned("conv32 batchnorm conv64 relu globalaverage")
    assert "between layer 1 'conv32' and layer 3 'conv64'" in said
    (said,) = warned("conv32 relu conv10 globalaverage")
    assert "between layer 3 'conv10' and layer 5, the one to the classes" in said
    (said,) = warned("conv8 relu residual(conv8 conv8) relu globalaverage")
    assert "between layer 3 'conv8' and layer 4 'conv8'" in said
    assert warned("conv32 maxpool2 conv64 relu globalaverage") == []


def test_maps_that_stay_large():
    line = "conv8 relu conv8 relu globalaverage"
    (said,) = warned(line, 64)
    assert "still 8 x 64 x 64" in said
    assert warned(line, 32) == []
