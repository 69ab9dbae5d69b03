"""A convolutional network that trains fast: whitening layer, three groups, identity initialization.

Based on airbench (arXiv 2404.00498). The first convolution is computed from image patches and not
trained. The other convolutions start as the identity. Pooling comes before normalisation and
activation. Batch normalisation trains only its bias. Global max pooling feeds a linear head whose
logits are scaled down. The setting `size` selects the widths.

Shapes: B batch, C channels, H height, W width. For images of 32 x 32 pixels the feature maps shrink
from 32 to 31, 15, 7, 3 and 1 pixels a side.
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
MAP_SIDE = 32  # side of the first feature map, in pixels, for images of 48 pixels a side or more
POOLED_FROM = 6  # maps with a smaller side are not pooled: too few pixels would remain
MOST_FILTERS = 32  # eigenvectors used for whitening: later ones are almost noise


class Fast(nn.Module):
    """Image classifier: normalised float images (B, C, H, W) -> logits (B, classes).

    `size` is one of the names in WIDTHS. Call `whiten` with training images before training;
    otherwise the first filters are those of a generic image. Raises ValueError for an unknown size.
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
        """Computes the first convolution's filters from normalised training images (B, C, H, W)."""
        self.whitening.learn(images)

    def embed(self, x: Tensor) -> Tensor:
        """Embeddings of images: (B, C, H, W) -> (B, C'), the maximum of each last feature map."""
        result: Tensor = self.pool(self.groups(self.start(self.whitening(x))))
        return result

    def answer(self, embedding: Tensor) -> Tensor:
        """Logits of embeddings: (B, C') -> (B, classes)."""
        result: Tensor = self.head(embedding) * self.scale
        return result

    def forward(self, x: Tensor) -> Tensor:
        return self.answer(self.embed(x))


def patch(height: int, width: int) -> tuple[int, int]:
    """Kernel and stride of the whitening convolution, for maps of about MAP_SIDE pixels a side.

    Images below 48 pixels a side get kernel 2 and stride 1.
    """
    stride = max(round(math.sqrt(height * width) / MAP_SIDE), 1)
    kernel = 2 if stride == 1 else stride
    return min(kernel, height, width), stride


def _group(inputs: int, outputs: int, pooled: bool) -> nn.Sequential:
    """A group: convolution, pooling (optional), norm, activation, convolution, norm, activation."""
    found = nn.Sequential(_identity(inputs, outputs))
    if pooled:
        found.append(max_pooling(2))
    found.extend([BatchNorm(outputs, scale=False), activation("gelu")])
    found.extend([_identity(outputs, outputs), BatchNorm(outputs, scale=False), activation("gelu")])
    return found


def _identity(inputs: int, outputs: int) -> nn.Conv2d:
    """A 3x3 convolution whose first filters are the identity; further filters are random."""
    made = convolution(inputs, outputs, bias=False)
    with torch.no_grad():
        nn.init.dirac_(made.weight[: min(inputs, outputs)])
    return made
