"""Image classifier from encoded bytes to probabilities, with any network body.

A body is a module with two methods: `embed`, (B, C, h, w) -> (B, D), and the linear `answer`,
(B, D) -> logits (B, K). Its attribute `last_map` is the module whose output is the last feature
map.

Shapes: B images, H x W stored pixels, h x w pixels of the body's input, C channels, K classes, D
values of an embedding.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["PictureClassifier"]


class PictureClassifier(nn.Module):
    """Image classifier: uint8 images (B, H, W, C) -> probabilities (B, K), embedding (B, D).

    Images larger than (height, width) are center-cropped. At evaluation, the embedding is the mean
    over several views: the image; its center crop of size `middle` (h', w') unless that is None;
    and, with `mirror`, the mirror image of each. Both attributes may be changed later. Training
    uses one view. `several` selects multi-label classification (sigmoid in place of softmax).
    """

    calibrated = ("temperature",)

    shift: Tensor
    scale: Tensor
    temperature: Tensor
    bias: Tensor

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
        self.register_buffer("bias", torch.zeros(1), persistent=False)

    @property
    def last_map(self) -> nn.Module:
        """The module whose output is the last feature map, for Grad-CAM."""
        found: nn.Module = self.body.last_map  # type: ignore[assignment]
        return found

    def learn_statistics(self, image: Tensor) -> None:
        """Computes channel means, deviations and whitening filters from images (B, H, W, C).

        Whitening filters are computed only if the body has the method `whiten`.
        """
        values = image.reshape(-1, image.shape[-1]).float()
        scale = 1 / values.std(0).clamp(min=1.0)
        self.scale.copy_(scale)
        self.shift.copy_(-values.mean(0) * scale)
        if hasattr(self.body, "whiten"):
            self.body.whiten(self.normal(image))  # type: ignore[operator]

    def normal(self, image: Tensor) -> Tensor:
        """Normalised images: (B, H, W, C) bytes or floats 0 to 255 -> (B, C, h, w) floats.

        With the stored statistics, each channel of the training images has mean 0, deviation 1.
        """
        image = _middle(image, self.height, self.width)
        x = torch.addcmul(self.shift, image.float(), self.scale)
        return x.permute(0, 3, 1, 2)

    def embed(self, image: Tensor) -> Tensor:
        """Embeddings (B, D) of images (B, H, W, C), averaged over the views at evaluation."""
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
        """Logits (B, K) before temperature scaling."""
        result: Tensor = self.body.answer(self.embed(image))  # type: ignore[operator]
        return result

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        embedding = self.embed(image)
        logits = self.body.answer(embedding).float()  # type: ignore[operator]
        logits = logits / self.temperature + self.bias
        chances = logits.sigmoid() if self.several else logits.softmax(1)
        return {"probabilities": chances, "embedding": embedding.float()}


def _middle(image: Tensor, height: int, width: int) -> Tensor:
    """Center crop of images (B, H, W, C) to at most (height, width)."""
    top, left = (image.shape[1] - height) // 2, (image.shape[2] - width) // 2
    if top <= 0 and left <= 0:
        return image
    top, left = max(top, 0), max(left, 0)
    return image[:, top : top + height, left : left + width]
