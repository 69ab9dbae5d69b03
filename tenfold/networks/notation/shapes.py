"""The layers of a line fitted to a picture: shapes, weights, and what cannot be.

Layers are counted as they are computed: every round of a repetition, every layer inside a residual
block, then the block's projection where it has one. Nothing is allocated.

Shapes: (C, H, W) a map, (N,) a row of values; rows of a batch are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tenfold.networks.notation.parse import Layer, parse, plain, refused

__all__ = [
    "WINDOWS",
    "Shape",
    "ShapedLayer",
    "fit",
    "flat",
    "groups_of",
    "nested",
    "shape_text",
    "stride_of",
    "window",
]

Shape = tuple[int, ...]

MOST_WEIGHTS = 10**9
MOST_VALUES = 10**8  # of one map, for one picture


@dataclass(frozen=True)
class ShapedLayer:
    """A layer in its place: number, shapes, weights that are learnt; a residual block's inside.

    `number` of a block is that of its first layer. `shortcut` is a block's projection.
    """

    number: int
    layer: Layer
    inputs: Shape
    outputs: Shape
    weights: int = 0
    body: tuple[ShapedLayer, ...] = ()
    shortcut: ShapedLayer | None = None

    @property
    def name(self) -> str:
        """The canonical name of the layer."""
        return self.layer.name

    @property
    def size(self) -> int:
        """The whole number attached to the name."""
        return int(self.layer.sizes[0])

    def __str__(self) -> str:
        return f"layer {self.number} {self.layer.text!r}"


def nested(line: str, channels: int, height: int, width: int, classes: int) -> list[ShapedLayer]:
    """Every layer of a line with its shapes, residual blocks whole; the last gives the classes.

    Raises UsageError (network-line) naming the first layer that does not fit, with both shapes.
    """
    return fit(parse(line), (channels, height, width), classes, plain(line))


def fit(layers: Sequence[Layer], shape: Shape, classes: int, line: str = "") -> list[ShapedLayer]:
    """As `nested`, of layers; `line` is what complaints show."""
    return _Fitting(line).all(layers, shape, classes)


def flat(many: Iterable[ShapedLayer]) -> Iterator[ShapedLayer]:
    """Residual blocks opened: their layers, then the projection. In the order of computing."""
    for one in many:
        if one.body:
            yield from flat(one.body)
            yield from [one.shortcut] if one.shortcut else []
        else:
            yield one


def shape_text(shape: Shape) -> str:
    """`64 x 7 x 7`, or `512 values`."""
    if len(shape) == 1:
        return f"{shape[0]:,} value{'s' * (shape[0] > 1)}"
    return " x ".join(map(str, shape))


# --- shapes ---------------------------------------------------------------------------------------


class _Misfit(Exception):
    """What a layer needs or gives, as the end of a sentence, and the mend."""

    def __init__(self, said: str, fix: str = "") -> None:
        super().__init__(said)
        self.said, self.fix = said, fix


class _Fitting:
    """Goes along a line, layer by layer; knows how many there were and what they weigh."""

    def __init__(self, line: str) -> None:
        self.line, self.count, self.weights = line, 0, 0

    def all(self, layers: Sequence[Layer], shape: Shape, classes: int) -> list[ShapedLayer]:
        found = self.many(layers, shape)
        ends = found[-1].outputs
        if len(ends) == 3:
            said = f"The last one, {found[-1]}, gives a map of {shape_text(ends)}, and the layer "
            said += "to the classes needs one row of values"
            raise refused(said, self.line, found[-1].layer.place, _row(ends, "after"))
        head = Layer(f"dense{classes}", len(self.line), "dense", (classes,), {"nobias": 0})
        return [*found, self.one(head, ends)]

    def many(self, layers: Sequence[Layer], shape: Shape) -> list[ShapedLayer]:
        found: list[ShapedLayer] = []
        for layer in layers:
            found.append(self.one(layer, found[-1].outputs if found else shape))
        return found

    def one(self, layer: Layer, inputs: Shape) -> ShapedLayer:
        number = self.count + 1
        try:
            if layer.body:
                return self._residual(layer, inputs, number)
            self.count += 1
            outputs = _outputs(layer, inputs)
            weights = _weights(layer, inputs, outputs)
            self._bear(weights, inputs, outputs)
        except _Misfit as wrong:
            upto = f" to {self.count}" if self.count > number else ""
            said = f"Layer {number}{upto} {layer.text[:60]!r} {wrong.said}"
            raise refused(said, self.line, layer.place, wrong.fix) from None
        return ShapedLayer(number, layer, inputs, outputs, weights)

    def _bear(self, weights: int, inputs: Shape, outputs: Shape) -> None:
        """Refuses what no machine holds, before anything is allocated."""
        self.weights += weights
        between = f"from {shape_text(inputs)} to {shape_text(outputs)}"
        if self.weights > MOST_WEIGHTS:
            said = (
                f"brings the network to {self.weights:,} weights ({between} it takes {weights:,})"
            )
            raise _Misfit(f"{said}; at most {MOST_WEIGHTS:,} are built", "Give smaller widths.")
        if math.prod(outputs) > MOST_VALUES:
            said = f"makes {math.prod(outputs):,} values of each picture ({between})"
            raise _Misfit(f"{said}; at most {MOST_VALUES:,} are built", "Give smaller widths.")

    def _residual(self, layer: Layer, inputs: Shape, number: int) -> ShapedLayer:
        body = tuple(self.many(layer.body, inputs))
        outputs, shortcut = body[-1].outputs, None
        if outputs != inputs:
            shortcut = self.one(_projection(layer, body, inputs, outputs), inputs)
        return ShapedLayer(number, layer, inputs, outputs, 0, body, shortcut)


def _projection(
    layer: Layer, body: tuple[ShapedLayer, ...], inputs: Shape, outputs: Shape
) -> Layer:
    """The layer that brings a block's input to the shape that its inside gives."""
    if len(inputs) == len(outputs) == 1:
        return Layer(f"dense{outputs[0]}", layer.place, "dense", outputs, {"nobias": 1})
    stride = math.prod(stride_of(one) for one in body)
    gives = (outputs[0], *(-(-side // stride) for side in inputs[1:]))
    if len(outputs) < 3 or gives != outputs:
        said = f"gives {shape_text(outputs)} and cannot be added to its input {shape_text(inputs)}"
        fix = "Inside, only the number of maps and whole strides may change: no valid, no view."
        if stride > 1 and len(outputs) == 3:
            said += f": a projection of stride {stride} gives {shape_text(gives)}"
            fix = f"Give a convolution :stride{stride} in place of a pool, or pool outside."
        raise _Misfit(said, fix)
    text = f"conv{outputs[0]}:kernel1" + f":stride{stride}" * (stride > 1)
    options = {"kernel": 1, "stride": stride, "same": 0, "valid": 0, "nobias": 1}
    return Layer(text, layer.place, "conv", outputs[:1], options)


def stride_of(one: ShapedLayer) -> int:
    """By how much the sides shrink, apart from borders."""
    if one.body:
        return math.prod(stride_of(inner) for inner in one.body)
    return window(one.layer)[0][1] if one.name in WINDOWS else 1


WINDOWS = ("conv", "maxpool", "averagepool")
Window = tuple[int, int, int]  # kernel, stride, border


def window(layer: Layer) -> tuple[Window, Window]:
    """Kernel, stride and border down and across, of a layer in WINDOWS."""
    options = layer.options
    if layer.name == "conv":
        kernel = options["kernel"]
        down = kernel, options["stride"], 0 if options["valid"] else kernel // 2
        return down, down
    tall, wide = int(layer.sizes[0]), int(layer.sizes[-1])
    return (tall, options["stride"] or tall, 0), (wide, options["stride"] or wide, 0)


def _outputs(layer: Layer, inputs: Shape) -> Shape:
    """What the layer gives; _Misfit where it cannot take what it gets."""
    on_maps = (*WINDOWS, "flatten", "globalaverage", "globalmax", "view")
    if layer.name in on_maps and len(inputs) == 1:
        said = f"needs a map and gets {shape_text(inputs)}"
        raise _Misfit(said, "Put it before flatten or global pooling, or leave it out.")
    if layer.name == "dense":
        if len(inputs) == 3:
            said = f"needs one row of values and gets a map of {shape_text(inputs)}"
            raise _Misfit(said, _row(inputs, "before"))
        return (int(layer.sizes[0]),)
    if layer.name in WINDOWS:
        return _slid(layer, inputs)
    if layer.name == "view":
        return _cut(layer, inputs)
    if layer.name == "groupnorm":
        _refuse_groups(layer, inputs)
    if layer.name == "flatten":
        return (math.prod(inputs),)
    return inputs[:1] if layer.name in ("globalaverage", "globalmax") else inputs


def _row(shape: Shape, where: str) -> str:
    """How a map becomes one row of values."""
    flattened, averaged = shape_text((math.prod(shape),)), shape_text(shape[:1])
    return f"Put flatten ({flattened}) or globalaverage ({averaged}) {where} it."


def _slid(layer: Layer, inputs: Shape) -> Shape:
    """The map that a sliding window gives."""
    kernel = layer.options.get("kernel", 1)
    if layer.name == "conv" and kernel % 2 == 0 and not layer.options["valid"]:
        said = f"has the even kernel {kernel}, with which no border keeps the size"
        raise _Misfit(said, f"Give kernel{kernel + 1}, or :valid.")
    sides = [
        (side + 2 * border - wide) // stride + 1
        for side, (wide, stride, border) in zip(inputs[1:], window(layer), strict=True)
    ]
    if min(sides) < 1:
        least = " x ".join(str(wide - 2 * border) for wide, _, border in window(layer))
        said = f"needs a map of at least {least} and gets {shape_text(inputs)}"
        raise _Misfit(said, "Leave it out, give a smaller window, or pool less before it.")
    return (int(layer.sizes[0]) if layer.name == "conv" else inputs[0], *sides)


def _cut(layer: Layer, inputs: Shape) -> Shape:
    wanted = int(layer.sizes[0]), int(layer.sizes[-1])
    if wanted[0] > inputs[1] or wanted[1] > inputs[2]:
        said = f"needs a map of at least {wanted[0]} x {wanted[1]} and gets {shape_text(inputs)}"
        raise _Misfit(said, "Give a smaller view, or leave it out.")
    return (inputs[0], *wanted)


def _refuse_groups(layer: Layer, inputs: Shape) -> None:
    groups = groups_of(layer, inputs[0])
    if inputs[0] % groups:
        said = f"needs a number of maps that {groups} divides and gets {shape_text(inputs)}"
        raise _Misfit(said, "Leave the number out: the most that divide are taken.")
    if math.prod(inputs) == groups:
        said = f"needs several values in a group and gets {shape_text(inputs)} in {groups} groups"
        raise _Misfit(said, "Give fewer groups, such as groupnorm1, or batchnorm.")


def groups_of(layer: Layer, channels: int) -> int:
    """The groups of a group norm: as told, else the most that divide, 32 at most."""
    told, most = int(layer.sizes[0]), min(32, channels)
    return told or next(some for some in range(most, 0, -1) if channels % some == 0)


def _weights(layer: Layer, inputs: Shape, outputs: Shape) -> int:
    """Numbers that are learnt."""
    if layer.name in ("batchnorm", "groupnorm"):
        return 2 * inputs[0]
    if layer.name not in ("conv", "dense"):
        return 0
    bias = 0 if layer.options["nobias"] else outputs[0]
    return inputs[0] * layer.options.get("kernel", 1) ** 2 * outputs[0] + bias
