"""Residual U-Net: from encoded pictures to the class of each pixel and distances inside objects.

The encoder halves the sides four times, or less often for small pictures. The decoder adds the maps
of the same size in the encoder to its own, enlarged ones, up to half of the sides of the picture;
the last map holds 2 x 2 pixels in each cell, which are put in their places (arXiv 1609.05158). All
other convolutions are plain ones of 3 x 3 or 1 x 1 with batch normalization and ReLU.

Sources: U-Net (arXiv 1505.04597), the residual block (arXiv 1512.03385), addition in place of
concatenation (LinkNet, arXiv 1707.03718).

Shapes: B pictures, H W sides in pixels (multiples of 16), C channels, K classes, D the channels of
the deepest map.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional

from tenfold.networks.modules import ResidualBlock, conv_block, convolution

__all__ = ["SIZES", "STRIDE", "Segmenter"]

SIZES = {
    "tiny": ((16, 24, 32, 48), (1, 1, 1)),
    "small": ((24, 48, 96, 128), (2, 2, 2)),
    "medium": ((32, 64, 128, 192), (2, 2, 3)),
}
"""Channels at a half, a quarter, an eighth and a sixteenth of the sides, and the number of
residual blocks of the last three."""
STRIDE = 16
"""Sides of pictures must be multiples of this number of pixels (2 ** `levels`)."""


class Segmenter(nn.Module):
    """Segments uint8 pictures (B, H, W, C) into K classes.

    `forward` returns `probabilities` (B, H, W, K), `embedding` (B, D), `sides` (a copy of `size`)
    and, with `objects`, `distance` (B, H, W): 0 at the border of an object, 1 in its middle. With
    `mirror`, probabilities and distances are the mean over the picture and its mirror image at
    evaluation; the attribute may be changed later. `levels`, 2 to 4, is how often the sides are
    halved. Raises ValueError for an unknown size.
    """

    shift: Tensor
    scale: Tensor

    def __init__(
        self,
        channels: int,
        classes: int,
        size: str = "small",
        objects: bool = False,
        levels: int = 4,
    ) -> None:
        super().__init__()
        if size not in SIZES:
            raise ValueError(
                f"parameter size of Segmenter must be one of {', '.join(SIZES)}, got {size!r}"
            )
        widths, blocks = SIZES[size][0][:levels], SIZES[size][1]
        self.classes, self.objects, self.mirror = classes, objects, False
        self.register_buffer("shift", torch.full((channels,), -2.0))
        self.register_buffer("scale", torch.full((channels,), 1 / 64))
        self.stem = conv_block(channels, widths[0], 3, 2)
        self.down = nn.ModuleList(
            nn.Sequential(conv_block(inputs, outputs, 3, 2), *_blocks(outputs, count))
            for inputs, outputs, count in zip(widths, widths[1:], blocks, strict=False)
        )
        self.context = conv_block(widths[-1], widths[-1], 1)
        self.side = nn.ModuleList(
            conv_block(above, own, 1) for own, above in itertools.pairwise(widths)
        )
        self.up = nn.ModuleList(ResidualBlock(own) for own in widths[:-1])
        self.detail = conv_block(channels, 8, 3)
        outputs = classes + objects
        self.last = convolution(widths[0], 4 * outputs, 3)
        self.fine = convolution(8 + outputs, outputs, 3)

    def learn_statistics(self, image: Tensor) -> None:
        """Computes the mean and deviation of each channel from pictures (B, H, W, C)."""
        values = image.reshape(-1, image.shape[-1]).float()
        scale = 1 / values.std(0).clamp(min=1.0)
        self.scale.copy_(scale)
        self.shift.copy_(-values.mean(0) * scale)

    def logits(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Returns (B, K, H, W) logits, with `objects` (B, K + 1, H, W), and embeddings (B, D).

        The last of K + 1 is the logit of the distance. Pictures are bytes or floats 0 to 255.
        """
        x = torch.addcmul(self.shift, image.float(), self.scale).permute(0, 3, 1, 2)
        maps = [self.stem(x)]
        for stage in self.down:
            maps.append(stage(maps[-1]))
        deep = maps.pop()
        embedding = deep.mean((2, 3))
        y = deep + self.context(deep.mean((2, 3), keepdim=True))
        for side, up in zip(reversed(self.side), reversed(self.up), strict=True):
            y = functional.interpolate(side(y), size=maps[-1].shape[2:], mode="nearest")
            y = up(y + maps.pop())
        coarse = functional.pixel_shuffle(self.last(y), 2)
        fine = self.fine(torch.cat([coarse, self.detail(x)], 1))
        return coarse + fine, embedding

    def forward(self, image: Tensor, size: Tensor) -> dict[str, Tensor]:
        found, embedding = self._seen(image)
        if self.mirror and not self.training:
            other, _ = self._seen(image.flip(2))
            found = (found + other.flip(3)) / 2
        planes = found.permute(0, 2, 3, 1)
        outputs = {"probabilities": planes[..., : self.classes]}
        if self.objects:
            outputs["distance"] = planes[..., self.classes]
        return outputs | {"sides": size.clone(), "embedding": embedding.float()}

    def _seen(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities, and distances with `objects`, (B, K or K + 1, H, W), and embeddings."""
        logits, embedding = self.logits(image)
        found = logits[:, : self.classes].float().softmax(1)
        if self.objects:
            found = torch.cat([found, logits[:, self.classes :].float().sigmoid()], 1)
        return found, embedding


def _blocks(channels: int, count: int) -> list[nn.Module]:
    return [ResidualBlock(channels) for _ in range(count)]
