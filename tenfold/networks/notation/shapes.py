"""Shape inference for network descriptions: shapes, numbers of weights, layers that do not fit.

Layers are numbered in the order of computation: each repetition, each layer inside a residual
block, then the block's projection if it has one. Nothing is allocated.

Shapes: (C, H, W) a feature map, (N,) a vector; without the batch dimension.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tenfold.core.message import EMPTY, Message
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
MOST_VALUES = 10**8  # maximum number of values of a layer's output for one image


@dataclass(frozen=True)
class ShapedLayer:
    """A layer with its number, its input and output shapes, and its number of trained weights.

    A residual block has the number of its first layer, the layers inside as `body`, and its
    projection, if any, as `shortcut`.
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
        """The number attached to the name, as an integer."""
        return int(self.layer.sizes[0])

    def __str__(self) -> str:
        return f"layer {self.number} {self.layer.text!r}"


def nested(line: str, channels: int, height: int, width: int, classes: int) -> list[ShapedLayer]:
    """All layers of a network description with shapes; a residual block is one entry.

    The last layer is the dense layer to the classes, which is added. Raises UsageError
    (network-line) naming the first layer that does not fit, with its shapes.
    """
    return fit(parse(line), (channels, height, width), classes, plain(line))


def fit(layers: Sequence[Layer], shape: Shape, classes: int, line: str = "") -> list[ShapedLayer]:
    """Fits parsed layers to the input shape and adds the dense layer to the classes.

    Error messages show `line`. Raises UsageError (network-line) where a layer does not fit.
    """
    return _Fitting(line).all(layers, shape, classes)


def flat(many: Iterable[ShapedLayer]) -> Iterator[ShapedLayer]:
    """All layers in the order of computation: a block's layers, then its projection."""
    for one in many:
        if one.body:
            yield from flat(one.body)
            yield from [one.shortcut] if one.shortcut else []
        else:
            yield one


def shape_text(shape: Shape) -> Message:
    """A shape as text: `64 x 7 x 7`, or `512 values`."""
    if len(shape) == 1 and shape[0] == 1:
        return Message("1 value")
    if len(shape) == 1:
        return Message("{count:,} values", count=shape[0])
    return Message("{sides}", sides=" x ".join(map(str, shape)))


# --- shapes ---------------------------------------------------------------------------------------


class _Misfit(Exception):
    """Raised if a layer does not fit its input.

    `said` is the part of the error sentence after the name of the layer, `fix` a suggestion.
    """

    def __init__(self, said: Message, fix: Message = EMPTY) -> None:
        super().__init__(said)
        self.said, self.fix = said, fix


class _Fitting:
    """Infers shapes layer by layer, counting layers and weights."""

    def __init__(self, line: str) -> None:
        self.line, self.count, self.weights = line, 0, 0

    def all(self, layers: Sequence[Layer], shape: Shape, classes: int) -> list[ShapedLayer]:
        found = self.many(layers, shape)
        ends = found[-1].outputs
        if len(ends) == 3:
            said = Message(
                "The last layer, layer {number} {text!r}, gives a feature map of {shape}; the "
                "classification layer needs a vector",
                number=found[-1].number,
                text=found[-1].layer.text,
                shape=shape_text(ends),
            )
            raise refused(said, self.line, found[-1].layer.place, _row(ends, after=True))
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
            values = {"number": number, "text": layer.text[:60], "said": wrong.said}
            said = Message("Layer {number} {text!r} {said}", **values)
            if self.count > number:
                said = Message(
                    "Layers {number} to {last} {text!r} {said}", last=self.count, **values
                )
            raise refused(said, self.line, layer.place, wrong.fix) from None
        return ShapedLayer(number, layer, inputs, outputs, weights)

    def _bear(self, weights: int, inputs: Shape, outputs: Shape) -> None:
        """Adds to the total weights; raises _Misfit where weights or values exceed the limit."""
        self.weights += weights
        between = Message(
            "from {input} to {output}", input=shape_text(inputs), output=shape_text(outputs)
        )
        if self.weights > MOST_WEIGHTS:
            said = Message(
                "brings the network to {total:,} weights ({between}, {own:,} weights)",
                total=self.weights,
                between=between,
                own=weights,
            )
            raise _Misfit(
                Message(
                    "{said}; at most {limit:,} are allowed",
                    said=said,
                    limit=MOST_WEIGHTS,
                ),
                Message("Use narrower layers."),
            )
        if math.prod(outputs) > MOST_VALUES:
            said = Message(
                "gives {count:,} values for each picture ({between})",
                count=math.prod(outputs),
                between=between,
            )
            raise _Misfit(
                Message("{said}; at most {limit:,} are allowed", said=said, limit=MOST_VALUES),
                Message("Use narrower layers."),
            )

    def _residual(self, layer: Layer, inputs: Shape, number: int) -> ShapedLayer:
        body = tuple(self.many(layer.body, inputs))
        outputs, shortcut = body[-1].outputs, None
        if outputs != inputs:
            shortcut = self.one(_projection(layer, body, inputs, outputs), inputs)
        return ShapedLayer(number, layer, inputs, outputs, 0, body, shortcut)


def _projection(
    layer: Layer, body: tuple[ShapedLayer, ...], inputs: Shape, outputs: Shape
) -> Layer:
    """The projection from a residual block's input to its output shape, without a bias.

    Raises _Misfit where a 1x1 convolution cannot give that shape.
    """
    if len(inputs) == len(outputs) == 1:
        return Layer(f"dense{outputs[0]}", layer.place, "dense", outputs, {"nobias": 1})
    stride = math.prod(stride_of(one) for one in body)
    gives = (outputs[0], *(-(-side // stride) for side in inputs[1:]))
    if len(outputs) < 3 or gives != outputs:
        said = Message(
            "gives {output} and cannot be added to its input {input}",
            output=shape_text(outputs),
            input=shape_text(inputs),
        )
        fix = Message(
            "Inside residual, only the number of maps and the stride may change; do not use "
            "valid or view."
        )
        if stride > 1 and len(outputs) == 3:
            said = Message(
                "{said}: a projection of stride {stride} gives {shape}",
                said=said,
                stride=stride,
                shape=shape_text(gives),
            )
            fix = Message(
                "Use a convolution with :stride{stride} in place of the pooling layer, or move "
                "the pooling layer outside the residual block.",
                stride=stride,
            )
        raise _Misfit(said, fix)
    text = f"conv{outputs[0]}:kernel1" + f":stride{stride}" * (stride > 1)
    options = {"kernel": 1, "stride": stride, "same": 0, "valid": 0, "nobias": 1}
    return Layer(text, layer.place, "conv", outputs[:1], options)


def stride_of(one: ShapedLayer) -> int:
    """Returns the vertical stride of a layer; for a residual block, the product of its strides."""
    if one.body:
        return math.prod(stride_of(inner) for inner in one.body)
    return window(one.layer)[0][1] if one.name in WINDOWS else 1


WINDOWS = ("conv", "maxpool", "averagepool")
Window = tuple[int, int, int]  # kernel, stride, padding


def window(layer: Layer) -> tuple[Window, Window]:
    """Kernel, stride and padding of a layer in WINDOWS, vertical and horizontal."""
    options = layer.options
    if layer.name == "conv":
        kernel = options["kernel"]
        down = kernel, options["stride"], 0 if options["valid"] else kernel // 2
        return down, down
    tall, wide = int(layer.sizes[0]), int(layer.sizes[-1])
    return (tall, options["stride"] or tall, 0), (wide, options["stride"] or wide, 0)


def _outputs(layer: Layer, inputs: Shape) -> Shape:
    """Output shape of a layer; raises _Misfit where it cannot take the input shape."""
    on_maps = (*WINDOWS, "flatten", "globalaverage", "globalmax", "view")
    if layer.name in on_maps and len(inputs) == 1:
        said = Message("needs a feature map, got {shape}", shape=shape_text(inputs))
        raise _Misfit(said, Message("Put it before flatten or global pooling, or remove it."))
    if layer.name == "dense":
        if len(inputs) == 3:
            said = Message(
                "needs a vector, got a feature map of {shape}",
                shape=shape_text(inputs),
            )
            raise _Misfit(said, _row(inputs))
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


def _row(shape: Shape, after: bool = False) -> Message:
    """Returns the suggestion to turn a feature map into a vector before the layer.

    With `after`, the suggestion is to do so after the layer.
    """
    values = {"flat": shape_text((math.prod(shape),)), "average": shape_text(shape[:1])}
    if after:
        return Message("Put flatten ({flat}) or globalaverage ({average}) after it.", **values)
    return Message("Put flatten ({flat}) or globalaverage ({average}) before it.", **values)


def _slid(layer: Layer, inputs: Shape) -> Shape:
    """Output shape of a convolution or pooling layer; raises _Misfit where it does not fit."""
    kernel = layer.options.get("kernel", 1)
    if layer.name == "conv" and kernel % 2 == 0 and not layer.options["valid"]:
        said = Message(
            "has the even kernel size {kernel}; no symmetric padding keeps the size of the "
            "feature map",
            kernel=kernel,
        )
        raise _Misfit(said, Message("Give kernel{kernel}, or :valid.", kernel=kernel + 1))
    sides = [
        (side + 2 * border - wide) // stride + 1
        for side, (wide, stride, border) in zip(inputs[1:], window(layer), strict=True)
    ]
    if min(sides) < 1:
        least = " x ".join(str(wide - 2 * border) for wide, _, border in window(layer))
        said = Message(
            "needs a feature map of at least {least}, got {shape}",
            least=least,
            shape=shape_text(inputs),
        )
        raise _Misfit(
            said,
            Message(
                "Remove this layer, use a smaller window, or use fewer pooling layers before it."
            ),
        )
    return (int(layer.sizes[0]) if layer.name == "conv" else inputs[0], *sides)


def _cut(layer: Layer, inputs: Shape) -> Shape:
    wanted = int(layer.sizes[0]), int(layer.sizes[-1])
    if wanted[0] > inputs[1] or wanted[1] > inputs[2]:
        said = Message(
            "needs a feature map of at least {height} x {width}, got {shape}",
            height=wanted[0],
            width=wanted[1],
            shape=shape_text(inputs),
        )
        raise _Misfit(said, Message("Give a smaller view, or leave it out."))
    return (inputs[0], *wanted)


def _refuse_groups(layer: Layer, inputs: Shape) -> None:
    groups = groups_of(layer, inputs[0])
    if inputs[0] % groups:
        said = Message(
            "needs a number of feature maps divisible by {groups}, got {shape}",
            groups=groups,
            shape=shape_text(inputs),
        )
        raise _Misfit(
            said,
            Message("Leave out the number: the largest suitable number of groups is used."),
        )
    if math.prod(inputs) == groups:
        said = Message(
            "needs more than one value in each group, got {shape} in {groups} groups",
            shape=shape_text(inputs),
            groups=groups,
        )
        raise _Misfit(said, Message("Use fewer groups, such as groupnorm1, or use batchnorm."))


def groups_of(layer: Layer, channels: int) -> int:
    """Returns the number of groups of a group norm, by default the largest divisor of `channels`.

    The default is at most 32.
    """
    told, most = int(layer.sizes[0]), min(32, channels)
    return told or next(some for some in range(most, 0, -1) if channels % some == 0)


def _weights(layer: Layer, inputs: Shape, outputs: Shape) -> int:
    """Number of trained weights of a layer."""
    if layer.name in ("batchnorm", "groupnorm"):
        return 2 * inputs[0]
    if layer.name not in ("conv", "dense"):
        return 0
    bias = 0 if layer.options["nobias"] else outputs[0]
    return inputs[0] * layer.options.get("kernel", 1) ** 2 * outputs[0] + bias
