"""A convolutional network that learns fast: frozen whitening, three groups, identity start.

After the idea of airbench (arXiv 2404.00498): the first convolution is computed from patches and
never trained, the others begin as the identity, pools come before norm and activation, batch norm
learns only its bias, the largest value of each last map goes to a head that is scaled down. `size`
is the one dial: it sets the widths.

Shapes: B batch, C channels, H height, W width; maps shrink 32 -> 31 -> 15 -> 7 -> 3 -> 1 for
32-pixel pictures.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from tenfold.networks.modules import (
    BatchNorm,
    GlobalPooling,
    Whitening,
    activation,
    convolution,
    max_pooling,
)

__all__ = ["WIDTHS", "Fast"]

WIDTHS = {
    "tiny": (16, 32, 64),
    "small": (32, 64, 128),
    "medium": (64, 128, 256),
    "large": (64, 256, 256),
}
MAP_SIDE = 32  # the first convolution brings pictures from 48 pixels on to maps of about this side
POOLED_FROM = 6  # smaller maps keep their size: pooling would leave nothing to convolve
MOST_FILTERS = 32  # of a whitening patch: later eigenvectors are almost noise


class Fast(nn.Module):
    """(B, C, H, W) float, normalised -> logits (B, classes), at any of the four sizes in WIDTHS.

    Call `whiten` with training pictures before training; without, the filters are those of a
    generic picture.
    """

    def __init__(
        self, channels: int, classes: int, height: int, width: int, size: str = "small"
    ) -> None:
        super().__init__()
        if size not in WIDTHS:
            raise ValueError(
                f"parameter size of Fast must be one of {', '.join(WIDTHS)}, got {size!r}"
            )
        kernel, stride = patch(height, width)
        filters = 2 * min(channels * kernel * kernel, MOST_FILTERS)
        self.whitening = Whitening(channels, filters, kernel, stride)
        self.start = activation("gelu")
        sides = [max((side - kernel) // stride + 1, 1) for side in (height, width)]
        self.groups = nn.Sequential()
        for inputs, outputs in zip((filters, *WIDTHS[size]), WIDTHS[size], strict=False):
            pooled = min(sides) >= POOLED_FROM
            self.groups.append(_group(inputs, outputs, pooled))
            sides = [side // 2 if pooled else side for side in sides]
        self.pool = GlobalPooling("max")
        self.head = nn.Linear(WIDTHS[size][-1], classes, bias=False)
        self.scale = 1 / math.sqrt(WIDTHS[size][-1])

    @property
    def last_map(self) -> nn.Module:
        """The module whose output is the last feature map (B, C', H', W')."""
        return self.groups

    def whiten(self, images: Tensor) -> None:
        """Learns the first convolution from training pictures (B, C, H, W), normalised."""
        self.whitening.learn(images)

    def embed(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C'), the largest value of each last map: what the head sees."""
        result: Tensor = self.pool(self.groups(self.start(self.whitening(x))))
        return result

    def answer(self, embedding: Tensor) -> Tensor:
        """(B, C') -> logits (B, classes)."""
        result: Tensor = self.head(embedding) * self.scale
        return result

    def forward(self, x: Tensor) -> Tensor:
        return self.answer(self.embed(x))


def patch(height: int, width: int) -> tuple[int, int]:
    """(kernel, stride) of the whitening: 2, 1 below 48 pixels, else what makes maps of about 32."""
    stride = max(round(math.sqrt(height * width) / MAP_SIDE), 1)
    kernel = 2 if stride == 1 else stride
    return min(kernel, height, width), stride


def _group(inputs: int, outputs: int, pooled: bool) -> nn.Sequential:
    """Convolution, pool, norm, activation, convolution, norm, activation."""
    found = nn.Sequential(_identity(inputs, outputs))
    if pooled:
        found.append(max_pooling(2))
    found.extend([BatchNorm(outputs, scale=False), activation("gelu")])
    found.extend([_identity(outputs, outputs), BatchNorm(outputs, scale=False), activation("gelu")])
    return found


def _identity(inputs: int, outputs: int) -> nn.Conv2d:
    """A 3x3 convolution whose first filters pass the inputs on; further filters are random."""
    made = convolution(inputs, outputs, bias=False)
    with torch.no_grad():
        nn.init.dirac_(made.weight[: min(inputs, outputs)])
    return made
