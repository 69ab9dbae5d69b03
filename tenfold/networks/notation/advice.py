"""Advice on valid network descriptions: ignored borders, too many weights, redundant layers.

All numbers are computed from the layers. Ignored pixels are found by following the windows of every
layer back to the image, and a fix for them is named only after a check that it works.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tenfold.core.errors import UsageError
from tenfold.core.message import Message, as_message
from tenfold.networks.notation.parse import Layer, parse
from tenfold.networks.notation.shapes import (
    WINDOWS,
    Shape,
    ShapedLayer,
    fit,
    flat,
    shape_text,
    stride_of,
    window,
)

__all__ = ["waste"]

UNSEEN = 0.05  # share of a side above which an ignored border is reported
WEIGHTS_A_ROW = 100  # weights of a dense layer per training row above which it is reported ...
FEW_WEIGHTS = 100_000  # ... unless it has at most this many weights
LARGE_MAP = 32  # side of the last feature map, in pixels, above which it is reported

MONOTONE = (
    "relu",
    "elu",
    "leaky",
    "tanh",
    "sigmoid",
)  # monotone activations: the maximum can be taken before or after them
# Two convolutions or dense layers with only these layers between them are one linear layer.
LINEAR = ("batchnorm", "averagepool", "globalaverage", "flatten", "view", "dropout")


def waste(
    line: str, channels: int, height: int, width: int, classes: int, rows: int
) -> list[Message]:
    """Returns sentences of advice on a network for `rows` training rows; often there are none.

    Raises UsageError (network-line) where the line does not fit the images.
    """
    layers = parse(line)
    found = fit(layers, (channels, height, width), classes)
    return [
        *_borders(layers, found),
        *_idle(found, found[-1]),
        *_wide(found, rows),
        *_late_pools(found),
        *_large_maps(found),
    ]


# --- ignored borders ------------------------------------------------------------------------------


def _borders(layers: Sequence[Layer], found: list[ShapedLayer]) -> Iterator[Message]:
    """Reports if part of the image does not affect the output.

    Pixels that a center crop (`view`) at the start of the line removes are not reported.
    """
    views = sum(1 for _ in itertools.takewhile(lambda one: one.name == "view", found))
    rest, classes = layers[views:], found[-1].outputs[0]
    shape = found[views].inputs
    seen = _seen(rest, shape, classes)
    if len(shape) == 1 or not _matters(seen, shape):
        return
    culprits = [one for one in flat(found) if len(one.inputs) == 3 and _drops(one)]
    values = {"seen": _sides(seen), "all": _sides_of(shape), "layers": _numbers(culprits)}
    fixes = _fixes(rest, shape, classes, seen)
    if fixes is None:
        yield Message(
            "Only {seen} of {all} reach the output: the windows of {layers} ignore the border.",
            **values,
        )
    else:
        yield Message(
            "Only {seen} of {all} reach the output: the windows of {layers} ignore the border. "
            "Fix: {fixes}.",
            fixes=fixes,
            **values,
        )


Seen = tuple[frozenset[int], frozenset[int]]  # rows and columns of pixels


def _seen(layers: Sequence[Layer], shape: Shape, classes: int) -> Seen:
    """Positions of the rows and columns of the image that reach the output."""
    found = fit(layers, shape, classes)
    down, across = (_back(found, axis) for axis in (0, 1))
    return down, across


def _back(found: Sequence[ShapedLayer], axis: int) -> frozenset[int]:
    """Positions along one axis of the first layer's input that reach the output."""
    seen: frozenset[int] = frozenset()
    for one in reversed(found):
        if len(one.inputs) == 3:
            seen = _behind(one, seen, axis)
    return seen


def _behind(one: ShapedLayer, seen: frozenset[int], axis: int) -> frozenset[int]:
    """Positions along one axis of a layer's input that reach the positions `seen` of its output."""
    side = one.inputs[1 + axis]
    if len(one.outputs) == 1:  # flatten and global pooling use the whole map
        return frozenset(range(side))
    if one.body:
        beside = frozenset(place * stride_of(one) for place in seen)
        for inner in reversed(one.body):
            seen = _behind(inner, seen, axis)
        return seen | beside
    if one.name == "view":
        first = (side - one.outputs[1 + axis]) // 2
        return frozenset(place + first for place in seen)
    if one.name not in WINDOWS:
        return seen
    wide, stride, border = window(one.layer)[axis]
    places = {place * stride - border + step for place in seen for step in range(wide)}
    return frozenset(places & set(range(side)))


def _drops(one: ShapedLayer) -> bool:
    """True where the layer's windows do not cover its whole input."""
    whole = (frozenset(range(side)) for side in one.outputs[1:])
    return len(one.outputs) == 3 and any(
        len(_behind(one, seen, axis)) < one.inputs[1 + axis]
        for axis, seen in enumerate(whole)
        if one.name != "view"
    )


def _matters(seen: Seen, shape: Shape) -> bool:
    return any(len(part) < side * (1 - UNSEEN) for part, side in zip(seen, shape[1:], strict=True))


def _fixes(layers: Sequence[Layer], shape: Shape, classes: int, seen: Seen) -> Message | None:
    """Fixes that work: a first `view`, or `same` in place of `valid`; None where neither does."""
    fixes = []
    tall, wide = (len(part) for part in seen)
    cut = (shape[0], tall, wide)
    if _whole(layers, cut, classes):
        view = f"view{tall}" if tall == wide else f"view{tall}x{wide}"
        fixes.append(Message("`{view}` as the first word crops the middle", view=view))
    if _whole([_kept(layer) for layer in layers], shape, classes):
        fixes.append(Message("`same` in place of `valid` uses all pixels"))
    return _either(fixes)


def _whole(layers: Sequence[Layer], shape: Shape, classes: int) -> bool:
    """True where the layers fit the shape and nearly all pixels reach the output."""
    try:
        return not _matters(_seen(layers, shape, classes), shape)
    except UsageError:
        return False


def _kept(layer: Layer) -> Layer:
    """The layer, and those inside it, with zero padding (`same`) in place of `valid`."""
    inside = tuple(_kept(inner) for inner in layer.body)
    options = {name: 0 if name == "valid" else value for name, value in layer.options.items()}
    return replace(layer, options=options, body=inside)


# --- redundant layers -----------------------------------------------------------------------------


def _idle(found: Sequence[ShapedLayer], head: ShapedLayer) -> Iterator[Message]:
    """Reports two linear layers without an activation between them: they are one linear layer."""
    before: ShapedLayer | None = None
    for one in found:
        yield from _idle(one.body, head)
        if one.name in ("conv", "dense"):
            if before:
                last = Message("layer {number}, the one to the classes", number=head.number)
                yield Message(
                    "There is no activation between {first} and {second}: together they are one "
                    "linear layer. Put `relu` between them, or remove one.",
                    first=_name(before),
                    second=last if one is head else _name(one),
                )
            before = one
        elif one.name not in LINEAR:
            before = None


# --- weights --------------------------------------------------------------------------------------


def _wide(found: Sequence[ShapedLayer], rows: int) -> Iterator[Message]:
    """Reports dense layers with too many weights for the number of training rows."""
    for one in flat(found):
        each = one.weights / max(rows, 1)
        if one.name == "dense" and one.weights > FEW_WEIGHTS and each > WEIGHTS_A_ROW:
            values = {"number": one.number, "text": one.layer.text, "weights": one.weights}
            values |= {"rows": rows, "each": each, "limit": WEIGHTS_A_ROW}
            fixes = _fewer(one, found, rows)
            if fixes is None:
                yield Message(
                    "Layer {number} {text!r} has {weights:,} weights for {rows:,} training rows, "
                    "{each:,.0f} per row (a warning from {limit} on).",
                    **values,
                )
            else:
                yield Message(
                    "Layer {number} {text!r} has {weights:,} weights for {rows:,} training rows, "
                    "{each:,.0f} per row (a warning from {limit} on). Fewer weights: {fixes}.",
                    fixes=fixes,
                    **values,
                )


def _fewer(one: ShapedLayer, found: Sequence[ShapedLayer], rows: int) -> Message | None:
    """Alternatives with fewer weights: global average pooling, or a narrower layer."""
    fixes = []
    flattened = next((each for each in found if each.name == "flatten"), None)
    if flattened and max(flattened.inputs[1:]) > 1:
        inputs = shape_text(flattened.inputs)
        fixes.append(
            Message("`globalaverage` in place of `flatten` (a map of {shape})", shape=inputs)
        )
    width = WEIGHTS_A_ROW * rows // one.inputs[0]
    if one is not found[-1] and 8 <= width < one.size:
        fixes.append(as_message(f"`dense{width}`"))
    return _either(fixes)


# --- computation ----------------------------------------------------------------------------------


def _late_pools(found: Sequence[ShapedLayer]) -> Iterator[Message]:
    """Reports max pooling directly after a monotone activation: the other order is cheaper."""
    pairs = [
        (one, other)
        for one, other in itertools.pairwise(found)
        if one.name in MONOTONE and other.name == "maxpool" and stride_of(other) > 1
    ]
    if pairs:
        one, other = pairs[0]
        times = math.prod(one.outputs) / math.prod(other.outputs)
        numbers = _numbers([pool for _, pool in pairs])
        yield Message(
            "Max pooling before `{name}` gives the same values, and `{name}` then has {times:.2g} "
            "times fewer to work on: {layers}.",
            name=one.name,
            times=times,
            layers=numbers,
        )


def _large_maps(found: Sequence[ShapedLayer]) -> Iterator[Message]:
    """Reports a last feature map with a side above LARGE_MAP after several convolutions."""
    maps = [one for one in found if len(one.outputs) == 3]
    convolutions = sum(one.name == "conv" for one in flat(maps))
    if maps and convolutions > 1 and min(maps[-1].outputs[1:]) > LARGE_MAP:
        shape = shape_text(maps[-1].outputs)
        yield Message(
            "The last map is still {shape}: `maxpool2` or `:stride2` early in the line makes the "
            "layers after it four times cheaper.",
            shape=shape,
        )


# --- texts ----------------------------------------------------------------------------------------


def _either(fixes: list[Message]) -> Message | None:
    """Returns one message for up to two alternative fixes; None if there are none."""
    if len(fixes) == 2:
        return Message("{first}, or {second}", first=fixes[0], second=fixes[1])
    return fixes[0] if fixes else None


def _name(one: ShapedLayer) -> Message:
    return Message("layer {number} {text!r}", number=one.number, text=one.layer.text)


def _numbers(many: Sequence[ShapedLayer]) -> Message:
    """Layer numbers as text: `layers 2, 5 and 8`; a single layer with its word."""
    words = [str(one.number) for one in many]
    if len(words) == 1:
        return _name(many[0])
    return Message("layers {first} and {last}", first=", ".join(words[:-1]), last=words[-1])


def _sides(seen: Seen) -> str:
    tall, wide = (len(part) for part in seen)
    return f"{tall}" if tall == wide else f"{tall} x {wide}"


def _sides_of(shape: Shape) -> Message:
    tall, wide = shape[1:]
    if tall == wide:
        return Message("{side} pixels a side", side=tall)
    return Message("{height} x {width} pixels", height=tall, width=wide)
