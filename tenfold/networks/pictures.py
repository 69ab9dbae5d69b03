"""From encoded bytes to probabilities around any body: the whole net of a run.

A body has `embed` (B, C, h, w) -> (B, D), `answer` (B, D) -> logits (B, K), linear, and `last_map`.

Shapes: B pictures, H x W stored pixels, h x w the pixels the body sees, C channels, K classes,
D values of an embedding.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["PictureClassifier"]


class PictureClassifier(nn.Module):
    """uint8 (B, H, W, C) -> probabilities (B, K), embedding (B, D); normalisation, calibration inside.

    Pictures larger than (height, width) are cut to their middle. With `mirror`, answers are the
    mean over the picture and its mirror image. `several` = classes do not exclude each other.
    """

    shift: Tensor
    scale: Tensor
    temperature: Tensor

    def __init__(
        self, body: nn.Module, channels: int, height: int, width: int, mirror: bool, several: bool
    ) -> None:
        super().__init__()
        self.body = body
        self.height, self.width, self.mirror, self.several = height, width, mirror, several
        self.register_buffer("shift", torch.full((channels,), -2.0))
        self.register_buffer("scale", torch.full((channels,), 1 / 64))
        self.register_buffer("temperature", torch.ones(()))

    @property
    def last_map(self) -> nn.Module:
        """The module whose output is the last feature map, for Grad-CAM."""
        found: nn.Module = self.body.last_map  # type: ignore[assignment]
        return found

    def learn_statistics(self, image: Tensor) -> None:
        """Mean, deviation and first filters from training pictures (B, H, W, C)."""
        values = image.reshape(-1, image.shape[-1]).float()
        scale = 1 / values.std(0).clamp(min=1.0)
        self.scale.copy_(scale)
        self.shift.copy_(-values.mean(0) * scale)
        if hasattr(self.body, "whiten"):
            self.body.whiten(self.normal(image))  # type: ignore[operator]

    def normal(self, image: Tensor) -> Tensor:
        """(B, H, W, C) bytes or floats 0 to 255 -> (B, C, h, w), mean 0 and deviation 1."""
        top, left = (image.shape[1] - self.height) // 2, (image.shape[2] - self.width) // 2
        if top > 0 or left > 0:
            image = image[:, top : top + self.height, left : left + self.width]
        x = torch.addcmul(self.shift, image.float(), self.scale)
        return x.permute(0, 3, 1, 2)

    def embed(self, image: Tensor) -> Tensor:
        """(B, D) what the head sees; the mean over both views with `mirror`, but while learning."""
        x = self.normal(image)
        found: Tensor = self.body.embed(x)  # type: ignore[operator]
        if self.mirror and not self.training:
            found = (found + self.body.embed(x.flip(3))) / 2  # type: ignore[operator]
        return found

    def logits(self, image: Tensor) -> Tensor:
        """(B, K) as learnt, before calibration."""
        result: Tensor = self.body.answer(self.embed(image))  # type: ignore[operator]
        return result

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        embedding = self.embed(image)
        logits = self.body.answer(embedding).float() / self.temperature  # type: ignore[operator]
        chances = logits.sigmoid() if self.several else logits.softmax(1)
        return {"probabilities": chances, "embedding": embedding.float()}
