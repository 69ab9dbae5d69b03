"""What a line that fits wastes, in sentences: unseen borders, too many weights, idle layers.

Every number in a sentence is computed from the layers, and a mend is named only where it was
tried: borders are followed back through every window, pixel by pixel.
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

UNSEEN = 0.05  # share of a side from which an unseen border is told
WEIGHTS_A_ROW = 100  # of one dense layer, from which it is told ...
FEW_WEIGHTS = 100_000  # ... unless it is small anyhow
LARGE_MAP = 32  # pixels a side of the last map, from which it is told

MONOTONE = (
    "relu",
    "elu",
    "leaky",
    "tanh",
    "sigmoid",
)  # the larger the value, the larger the answer
# Nothing between two convolutions or dense layers but these leaves them one linear layer.
LINEAR = ("batchnorm", "averagepool", "globalaverage", "flatten", "view", "dropout")


def waste(line: str, channels: int, height: int, width: int, classes: int, rows: int) -> list[str]:
    """Sentences about a line that fits and still wastes, for `rows` training rows; often none.

    Raises UsageError (network-line) where the line does not fit.
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


# --- borders that are never seen ------------------------------------------------------------------


def _borders(layers: Sequence[Layer], found: list[ShapedLayer]) -> Iterator[str]:
    """One sentence where part of the picture (or of what a first `view` leaves) is not seen."""
    views = sum(1 for _ in itertools.takewhile(lambda one: one.name == "view", found))
    rest, classes = layers[views:], found[-1].outputs[0]
    shape = found[views].inputs
    seen = _seen(rest, shape, classes)
    if len(shape) == 1 or not _matters(seen, shape):
        return
    culprits = [one for one in flat(found) if len(one.inputs) == 3 and _drops(one)]
    said = f"Only {_sides(seen)} of {_sides_of(shape)} reach the output"
    mends = _mends(rest, shape, classes, seen)
    yield f"{said}: the windows of {_numbers(culprits)} leave a rest out.{mends}"


Seen = tuple[frozenset[int], frozenset[int]]  # rows and columns of pixels


def _seen(layers: Sequence[Layer], shape: Shape, classes: int) -> Seen:
    """Rows and columns of the picture that reach the output."""
    found = fit(layers, shape, classes)
    down, across = (_back(found, axis) for axis in (0, 1))
    return down, across


def _back(found: Sequence[ShapedLayer], axis: int) -> frozenset[int]:
    """What of the first layer's input is seen, from the last layer on."""
    seen: frozenset[int] = frozenset()
    for one in reversed(found):
        if len(one.inputs) == 3:
            seen = _behind(one, seen, axis)
    return seen


def _behind(one: ShapedLayer, seen: frozenset[int], axis: int) -> frozenset[int]:
    """What of a layer's input reaches the part `seen` of its output."""
    side = one.inputs[1 + axis]
    if len(one.outputs) == 1:  # flatten, global pooling: all of the last map counts
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
    """True where its own windows leave some of its input out."""
    whole = (frozenset(range(side)) for side in one.outputs[1:])
    return len(one.outputs) == 3 and any(
        len(_behind(one, seen, axis)) < one.inputs[1 + axis]
        for axis, seen in enumerate(whole)
        if one.name != "view"
    )


def _matters(seen: Seen, shape: Shape) -> bool:
    return any(len(part) < side * (1 - UNSEEN) for part, side in zip(seen, shape[1:], strict=True))


def _mends(layers: Sequence[Layer], shape: Shape, classes: int, seen: Seen) -> str:
    """What was tried and found to help."""
    mends = []
    tall, wide = (len(part) for part in seen)
    cut = (shape[0], tall, wide)
    if _whole(layers, cut, classes):
        view = f"view{tall}" if tall == wide else f"view{tall}x{wide}"
        mends.append(f"`{view}` as the first word takes them from the middle")
    if _whole([_kept(layer) for layer in layers], shape, classes):
        mends.append("`same` in place of `valid` lets all be seen")
    return f" {'; '.join(mends)}." if mends else ""


def _whole(layers: Sequence[Layer], shape: Shape, classes: int) -> bool:
    """True where the layers fit and nearly everything is seen."""
    try:
        return not _matters(_seen(layers, shape, classes), shape)
    except UsageError:
        return False


def _kept(layer: Layer) -> Layer:
    """The layer with a border of zeros."""
    inside = tuple(_kept(inner) for inner in layer.body)
    options = {name: 0 if name == "valid" else value for name, value in layer.options.items()}
    return replace(layer, options=options, body=inside)


# --- layers that do nothing -----------------------------------------------------------------------


def _idle(found: Sequence[ShapedLayer], head: ShapedLayer) -> Iterator[str]:
    """Two linear layers with no activation between: together they are one."""
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
    """Dense layers with more weights than the data deserve."""
    for one in flat(found):
        each = one.weights / max(rows, 1)
        if one.name == "dense" and one.weights > FEW_WEIGHTS and each > WEIGHTS_A_ROW:
            yield (
                f"{str(one).capitalize()} has {one.weights:,} weights for {rows:,} training rows, "
                f"{each:,.0f} a row (told from {WEIGHTS_A_ROW} on).{_fewer(one, found, rows)}"
            )


def _fewer(one: ShapedLayer, found: Sequence[ShapedLayer], rows: int) -> str:
    """What has fewer weights: the mean of each map, a narrower layer."""
    mends = []
    flattened = next((each for each in found if each.name == "flatten"), None)
    if flattened and max(flattened.inputs[1:]) > 1:
        inputs = shape_text(flattened.inputs)
        mends.append(f"`globalaverage` in place of `flatten` (a map of {inputs})")
    width = WEIGHTS_A_ROW * rows // one.inputs[0]
    if one is not found[-1] and 8 <= width < one.size:
        mends.append(f"`dense{width}`")
    return f" Fewer weights: {' or '.join(mends)}." if mends else ""


# --- work -----------------------------------------------------------------------------------------


def _late_pools(found: Sequence[ShapedLayer]) -> Iterator[str]:
    """Max pools right after an activation that never falls."""
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
    """A last map as large as a small picture, made by several convolutions."""
    maps = [one for one in found if len(one.outputs) == 3]
    convolutions = sum(one.name == "conv" for one in flat(maps))
    if maps and convolutions > 1 and min(maps[-1].outputs[1:]) > LARGE_MAP:
        shape = shape_text(maps[-1].outputs)
        yield (
            f"The last map is still {shape}: `maxpool2` or `:stride2` early in the line makes all "
            "that follows four times cheaper."
        )


# --- saying it ------------------------------------------------------------------------------------


def _numbers(many: Sequence[ShapedLayer]) -> str:
    """`layers 2, 5 and 8`."""
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
