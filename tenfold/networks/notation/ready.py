"""Image networks in one line: `conv32 maxpool2 relu flatten dense512 relu dropout0.5`.

Each word is a layer (`parse.WORDS` lists them), with its number attached and options after colons.
The dense layer to the classes is added automatically. This module has the descriptions of the named
networks and the functions that check a description. It does not use torch, so that errors are
found before anything is allocated. `network.Lined` builds the network.
"""

from __future__ import annotations

import math
import re

from tenfold.core.errors import UsageError, nearest
from tenfold.core.message import Message
from tenfold.networks.notation.advice import waste
from tenfold.networks.notation.parse import parse
from tenfold.networks.notation.shapes import ShapedLayer, flat, nested

__all__ = ["NAMES", "ShapedLayer", "fitted", "line_of", "nested", "parse", "serves", "waste"]


def fitted(line: str, channels: int, height: int, width: int, classes: int) -> list[ShapedLayer]:
    """All layers with shapes and weights, in the order of computation; the last gives the classes.

    Of a residual block, its layers are listed, then its projection. Raises UsageError
    (network-line) naming the first layer that does not fit, with its shapes.
    """
    return list(flat(nested(line, channels, height, width, classes)))


Picture = tuple[int, int, int]


def serves(line: str, shape: Picture, other: Picture) -> bool:
    """True where the network built for images (C, H, W) of `shape` also accepts images of `other`.

    This holds where the line fits both shapes and every layer has the same number of weights: no
    dense layer after flatten, and no window larger than its feature map.
    """
    try:
        weights = [[one.weights for one in fitted(line, *sides, 2)] for sides in (shape, other)]
    except UsageError:
        return False
    return weights[0] == weights[1]


# --- named networks -------------------------------------------------------------------------------

NAMES = ("listing", "residual")

_STAGES = (32, 64, 128)
_WIDTHS = {
    "tiny": ((16, 32, 64), 1),
    "small": ((32, 64, 128), 1),
    "medium": ((64, 128, 256), 2),
    "large": ((64, 128, 256, 512), 2),
}


def line_of(name: str, channels: int, height: int, width: int, size: str) -> str:
    """Returns the description of a named network (NAMES) for images of height x width pixels.

    `size` is the size of the network, such as "small"; `listing` ignores it. Raises UsageError
    (network-line) for an unknown name or size.
    """
    if name == "listing":
        return _listing(height, width)
    if name != "residual":
        said = Message("Unknown network {name!r}", name=name)
        raise UsageError(said, code="network-line", fix=nearest(name, NAMES))
    if size not in _WIDTHS:
        said = Message("The network {name!r} has no size {size!r}", size=size, name=name)
        raise UsageError(said, code="network-line", fix=nearest(size, _WIDTHS))
    return _residual(height, width, *_WIDTHS[size])


def _listing(height: int, width: int) -> str:
    """The classic three-stage network: 3x3 convolutions of 32, 64, 128 maps, pooling, dense 512.

    Pooling comes before the activations: max pooling and ReLU can be exchanged, and after pooling
    there are four times fewer values. With convolutions without padding and pooling windows that
    drop the last pixels, only part of the image reaches the output: 22 of 28 pixels a side, the
    upper left ones. This network first crops those pixels from the center (`view`), which is as
    fast and more accurate where the object is in the center: by half a point of accuracy on MNIST.

    Images below 22 pixels a side are too small for three such convolutions: there, convolutions
    keep the size, and a side of one pixel is not pooled.
    """
    seen = tuple(_reach(_left(side)) for side in (height, width))
    valid = min(height, width) >= _reach(1)
    words = [f"view{seen[0]}x{seen[1]}"] if valid and seen != (height, width) else []
    for maps in _STAGES:
        words.append(f"conv{maps}:valid" if valid else f"conv{maps}")
        tall, wide = (2, 2) if valid else (min(height, 2), min(width, 2))
        words += [f"maxpool{tall}x{wide}"] * (tall * wide > 1) + ["relu"]
        height, width = height // tall, width // wide
    return _short(" ".join([*words, "flatten", "dense512", "relu"]))


def _left(side: int) -> int:
    """Returns the side in pixels that three stages without padding leave of `side`; at least 1."""
    for _ in _STAGES:
        side = max((side - 2) // 2, 1)
    return side


def _reach(left: int) -> int:
    """Number of input pixels a side that three stages without padding reduce to `left` pixels."""
    for _ in _STAGES:
        left = 2 * left + 2
    return left


def _short(line: str) -> str:
    """The line with equal sides written once: `maxpool2x2` as `maxpool2`."""
    return re.sub(r"\b(view|maxpool)(\d+)x\2\b", r"\1\2", line)


def _residual(height: int, width: int, widths: tuple[int, ...], blocks: int) -> str:
    """A residual network (arXiv 1512.03385): stem, `blocks` blocks of each width, global average.

    The stem reduces larger images to feature maps of about 32 pixels a side. From the second width
    on, the first block of each width halves the maps. Convolutions before a normalisation have no
    bias.
    """
    halvings = max(0, round(math.log2(math.sqrt(height * width) / 32)))
    stem = f"conv{widths[0]}:kernel5:stride2:nobias" if halvings else f"conv{widths[0]}:nobias"
    pool = 2 ** min(halvings - 1, (min(height, width) // 2).bit_length() - 1)
    words = [stem, "batchnorm", *[f"maxpool{pool}"] * (pool > 1), "relu"]
    for number, maps in enumerate(widths):
        words.append(_block(maps, f"conv{maps}{':stride2' * (number > 0)}:nobias"))
        words += [_block(maps, f"conv{maps}:nobias")] * (blocks - 1)
    return " ".join([*words, "globalaverage"])


def _block(maps: int, first: str) -> str:
    return f"residual({first} batchnorm relu conv{maps}:nobias batchnorm) relu"
