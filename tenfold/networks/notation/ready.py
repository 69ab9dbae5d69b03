"""A network for pictures in one line: `conv32 maxpool2 relu flatten dense512 relu dropout0.5`.

Each word is a layer (`words` has them all), its number attached, options after colons; the dense
layer to the classes is added by itself. Here are the lines of networks that have a name, and what
there is to ask of any line, all without torch: what is wrong with one is said before anything is
allocated. `lined` builds the network.
"""

from __future__ import annotations

import math
import re

from tenfold.core.errors import UsageError, nearest
from tenfold.networks.notation.advice import waste
from tenfold.networks.notation.parse import parse
from tenfold.networks.notation.shapes import ShapedLayer, flat, nested

__all__ = ["NAMES", "ShapedLayer", "fitted", "line_of", "nested", "parse", "serves", "waste"]


def fitted(line: str, channels: int, height: int, width: int, classes: int) -> list[ShapedLayer]:
    """Every layer with its shapes and weights, in the order of computing; the last gives classes.

    Residual blocks are opened: their layers, then the projection. Raises UsageError (network-line)
    naming the first layer that does not fit, with both shapes.
    """
    return list(flat(nested(line, channels, height, width, classes)))


Picture = tuple[int, int, int]


def serves(line: str, shape: Picture, other: Picture) -> bool:
    """True where the network built for pictures (C, H, W) of `shape` takes those of `other` too.

    So it is where the line fits both and every layer has the same weights: no dense layer after
    flatten, no window larger than a smaller map.
    """
    try:
        weights = [[one.weights for one in fitted(line, *sides, 2)] for sides in (shape, other)]
    except UsageError:
        return False
    return weights[0] == weights[1]


# --- ready networks -------------------------------------------------------------------------------

NAMES = ("listing", "residual")

_STAGES = (32, 64, 128)
_WIDTHS = {
    "tiny": ((16, 32, 64), 1),
    "small": ((32, 64, 128), 1),
    "medium": ((64, 128, 256), 2),
    "large": ((64, 128, 256, 512), 2),
}


def line_of(name: str, channels: int, height: int, width: int, size: str) -> str:
    """The line of a ready network (NAMES) for pictures of that size; `listing` has one size."""
    if name == "listing":
        return _listing(height, width)
    if name != "residual":
        said = f"There is no network {name!r}"
        raise UsageError(said, code="network-line", fix=nearest(name, NAMES))
    if size not in _WIDTHS:
        said = f"There is no size {size!r} of the network {name!r}"
        raise UsageError(said, code="network-line", fix=nearest(size, _WIDTHS))
    return _residual(height, width, *_WIDTHS[size])


def _listing(height: int, width: int) -> str:
    """The classic three-stage network: 3x3 convolutions of 32, 64, 128 maps, pools, dense 512.

    Pools come before the activations: the largest of the rectified values is the rectified largest
    value, and there are four times fewer to rectify. Convolutions without a border and pools that
    drop a rest never let the whole picture reach the output: of 28 pixels a side only 22 do, and
    plainly stacked they would be the upper left ones. Here those pixels are taken from the middle
    (`view`), which is as fast as leaving the unseen border out and far better where the thing is
    in the middle: on MNIST half a point of accuracy.

    Below 22 pixels a side three such convolutions would leave nothing: there every one keeps the
    size, and a side that has come down to one pixel is not pooled any more.
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
    """What three stages without a border leave of a side."""
    for _ in _STAGES:
        side = max((side - 2) // 2, 1)
    return side


def _reach(left: int) -> int:
    """How many pixels of a side reach `left` pixels after three stages without a border."""
    for _ in _STAGES:
        left = 2 * left + 2
    return left


def _short(line: str) -> str:
    """Equal sides said once."""
    return re.sub(r"\b(view|maxpool)(\d+)x\2\b", r"\1\2", line)


def _residual(height: int, width: int, widths: tuple[int, ...], blocks: int) -> str:
    """A plain residual network (arXiv 1512.03385): a stem, `blocks` blocks of each width, the mean.

    The stem brings larger pictures to maps of about 32 pixels a side; from the second width on,
    the first block of each halves them. Convolutions before a norm have no bias.
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
