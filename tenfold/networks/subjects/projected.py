"""Features of pictures and texts: their most important directions, as buffers.

Shapes: N rows, F features, H height, W width, C channels, P = H x W x C values, T n-grams of a
text, V known n-grams.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["PictureFeatures", "TextFeatures"]


class PictureFeatures(nn.Module):
    """image (N, H, W, C) uint8 -> the first F principal components (N, F) of its pixels."""

    mean: Tensor
    directions: Tensor

    def __init__(self, pixels: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.register_buffer("mean", torch.zeros(pixels))
        self.register_buffer("directions", torch.zeros(pixels, width))

    @torch.no_grad()
    def learn(self, image: Tensor) -> None:
        """Sets mean and directions from training pictures; at most P directions differ from 0."""
        x = image.flatten(1).float() / 255
        mean = x.mean(0)
        x = x - mean
        _, vectors = torch.linalg.eigh((x.T @ x).double() / max(1, len(x) - 1))
        found = vectors.flip(1)[:, : self.width].to(self.directions.dtype)
        strongest = found.gather(0, found.abs().argmax(0, keepdim=True))
        self.mean.copy_(mean)
        self.directions.zero_()
        self.directions[:, : found.shape[1]] = found * strongest.sign()

    def forward(self, image: Tensor) -> Tensor:
        return (image.flatten(1).float() / 255 - self.mean) @ self.directions


class TextFeatures(nn.Module):
    """n-grams ids (N, T), 0 = none -> features (N, F) of length 1.

    An n-gram weighs more, the fewer training texts contain it. The features are the projections of
    a text onto the first F singular vectors of these weights (latent semantic analysis, S.
    Deerwester et al. 1990). `weights` (V + 1, F) holds the weighted vectors; a text without a known
    n-gram is 0.
    """

    weights: Tensor

    def __init__(self, grams: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.register_buffer("weights", torch.zeros(grams + 1, width))

    def forward(self, ids: Tensor) -> Tensor:
        found = functional.embedding(ids, self.weights).sum(1)
        return found / found.square().sum(1, keepdim=True).sqrt().clamp_min(1e-9)
