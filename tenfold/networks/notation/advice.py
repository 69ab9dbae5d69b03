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


def waste(line: str, channels: int, height: int, width: int, classes: int, rows: int) -> list[str]:
    """Sentences of advice on a network description, for `rows` training rows; often none.

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


def _borders(layers: Sequence[Layer], found: list[ShapedLayer]) -> Iterator[str]:
    """Reports that part of the image (after a first `view`) does not reach the output."""
    views = sum(1 for _ in itertools.takewhile(lambda one: one.name == "view", found))
    rest, classes = layers[views:], found[-1].outputs[0]
    shape = found[views].inputs
    seen = _seen(rest, shape, classes)
    if len(shape) == 1 or not _matters(seen, shape):
        return
    culprits = [one for one in flat(found) if len(one.inputs) == 3 and _drops(one)]
    said = f"Only {_sides(seen)} of {_sides_of(shape)} reach the output"
    mends = _mends(rest, shape, classes, seen)
    yield f"{said}: the windows of {_numbers(culprits)} ignore the border.{mends}"


Seen = tuple[frozenset[int], frozenset[int]]  # rows and columns of pixels


def _seen(layers: Sequence[Layer], shape: Shape, classes: int) -> Seen:
    """Rows and columns of the image that reach the output."""
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


def _mends(layers: Sequence[Layer], shape: Shape, classes: int, seen: Seen) -> str:
    """Fixes that work, as text: a first `view`, or `same` in place of `valid`."""
    mends = []
    tall, wide = (len(part) for part in seen)
    cut = (shape[0], tall, wide)
    if _whole(layers, cut, classes):
        view = f"view{tall}" if tall == wide else f"view{tall}x{wide}"
        mends.append(f"`{view}` as the first word crops the middle")
    if _whole([_kept(layer) for layer in layers], shape, classes):
        mends.append("`same` in place of `valid` uses all pixels")
    return f" {'; '.join(mends)}." if mends else ""


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


def _idle(found: Sequence[ShapedLayer], head: ShapedLayer) -> Iterator[str]:
    """Reports two linear layers without an activation between them: they are one linear layer."""
    before: ShapedLayer | None = None
    for one in found:
        yield from _idle(one.body, head)
        if one.name in ("conv", "dense"):
            if before:
                other = f"layer {head.number}, the one to the classes" if one is head else str(one)
                yield (
                    f"There is no activation between {before} and {other}: together they are one "
                    "linear layer. Put `relu` there, or leave one out."
                )
            before = one
        elif one.name not in LINEAR:
            before = None


# --- weights --------------------------------------------------------------------------------------


def _wide(found: Sequence[ShapedLayer], rows: int) -> Iterator[str]:
    """Reports dense layers with too many weights for the number of training rows."""
    for one in flat(found):
        each = one.weights / max(rows, 1)
        if one.name == "dense" and one.weights > FEW_WEIGHTS and each > WEIGHTS_A_ROW:
            yield (
                f"{str(one).capitalize()} has {one.weights:,} weights for {rows:,} training rows, "
                f"{each:,.0f} a row (told from {WEIGHTS_A_ROW} on).{_fewer(one, found, rows)}"
            )


def _fewer(one: ShapedLayer, found: Sequence[ShapedLayer], rows: int) -> str:
    """Alternatives with fewer weights, as text: global average pooling, or a narrower layer."""
    mends = []
    flattened = next((each for each in found if each.name == "flatten"), None)
    if flattened and max(flattened.inputs[1:]) > 1:
        inputs = shape_text(flattened.inputs)
        mends.append(f"`globalaverage` in place of `flatten` (a map of {inputs})")
    width = WEIGHTS_A_ROW * rows // one.inputs[0]
    if one is not found[-1] and 8 <= width < one.size:
        mends.append(f"`dense{width}`")
    return f" Fewer weights: {' or '.join(mends)}." if mends else ""


# --- computation ----------------------------------------------------------------------------------


def _late_pools(found: Sequence[ShapedLayer]) -> Iterator[str]:
    """Reports max pooling directly after a monotone activation; before it is cheaper."""
    pairs = [
        (one, other)
        for one, other in itertools.pairwise(found)
        if one.name in MONOTONE and other.name == "maxpool" and stride_of(other) > 1
    ]
    if pairs:
        one, other = pairs[0]
        times = math.prod(one.outputs) / math.prod(other.outputs)
        numbers = _numbers([pool for _, pool in pairs])
        yield (
            f"Max pooling before `{one.name}` gives the same values, and `{one.name}` then has "
            f"{times:.2g} times fewer to work on: {numbers}."
        )


def _large_maps(found: Sequence[ShapedLayer]) -> Iterator[str]:
    """Reports a last feature map with a side above LARGE_MAP after several convolutions."""
    maps = [one for one in found if len(one.outputs) == 3]
    convolutions = sum(one.name == "conv" for one in flat(maps))
    if maps and convolutions > 1 and min(maps[-1].outputs[1:]) > LARGE_MAP:
        shape = shape_text(maps[-1].outputs)
        yield (
            f"The last map is still {shape}: `maxpool2` or `:stride2` early in the line makes all "
            "that follows four times cheaper."
        )


# --- texts ----------------------------------------------------------------------------------------


def _numbers(many: Sequence[ShapedLayer]) -> str:
    """Layer numbers as text: `layers 2, 5 and 8`; a single layer with its word."""
    words = [str(one.number) for one in many]
    if len(words) == 1:
        return str(many[0])
    return f"layers {', '.join(words[:-1])} and {words[-1]}"


def _sides(seen: Seen) -> str:
    tall, wide = (len(part) for part in seen)
    return f"{tall}" if tall == wide else f"{tall} x {wide}"


def _sides_of(shape: Shape) -> str:
    tall, wide = shape[1:]
    return f"{tall} pixels a side" if tall == wide else f"{tall} x {wide} pixels"
