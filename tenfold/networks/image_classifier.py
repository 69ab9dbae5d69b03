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
    """uint8 (B, H, W, C) -> probabilities (B, K), embedding (B, D); all that is learnt is inside.

    Pictures larger than (height, width) are cut to their middle. Answers are the mean over views:
    with `mirror` the mirror image too, with `middle` (h', w') also the middle of that size. Both
    may be set later; while learning there is one view. `several` = classes do not exclude each
    other.
    """

    calibrated = ("temperature",)

    shift: Tensor
    scale: Tensor
    temperature: Tensor

    def __init__(
        self, body: nn.Module, channels: int, height: int, width: int, mirror: bool, several: bool
    ) -> None:
        super().__init__()
        self.body = body
        self.height, self.width, self.mirror, self.several = height, width, mirror, several
        self.middle: tuple[int, int] | None = None
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
        image = _middle(image, self.height, self.width)
        x = torch.addcmul(self.shift, image.float(), self.scale)
        return x.permute(0, 3, 1, 2)

    def embed(self, image: Tensor) -> Tensor:
        """(B, D) what the head sees, the mean over the views of an answer."""
        views = [self.normal(image)]
        if not self.training:
            if self.middle is not None:
                views.append(
                    _middle(views[0].permute(0, 2, 3, 1), *self.middle).permute(0, 3, 1, 2)
                )
            if self.mirror:
                views += [view.flip(3) for view in views]
        found: Tensor = self.body.embed(views[0])  # type: ignore[operator]
        for view in views[1:]:
            found = found + self.body.embed(view)  # type: ignore[operator]
        return found / len(views) if len(views) > 1 else found

    def logits(self, image: Tensor) -> Tensor:
        """(B, K) as learnt, before calibration."""
        result: Tensor = self.body.answer(self.embed(image))  # type: ignore[operator]
        return result

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        embedding = self.embed(image)
        logits = self.body.answer(embedding).float() / self.temperature  # type: ignore[operator]
        chances = logits.sigmoid() if self.several else logits.softmax(1)
        return {"probabilities": chances, "embedding": embedding.float()}


def _middle(image: Tensor, height: int, width: int) -> Tensor:
    """(B, H, W, C) -> the middle of it, at most (height, width)."""
    top, left = (image.shape[1] - height) // 2, (image.shape[2] - width) // 2
    if top <= 0 and left <= 0:
        return image
    top, left = max(top, 0), max(left, 0)
    return image[:, top : top + height, left : left + width]
