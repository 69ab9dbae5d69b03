"""Dense autoencoder: a row is squeezed through a code and restored.

Shapes: N rows, F features, E numbers of the code.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["DenseAutoencoder"]


class DenseAutoencoder(nn.Module):
    """Features (N, F) -> restored features (N, F) and code (N, E).

    Both halves have one hidden layer of `width` units. In training, a share `noise` of the features
    is replaced by 0, the mean (denoising autoencoder, P. Vincent et al., 2008).
    """

    def __init__(self, features: int, width: int, code: int, noise: float = 0.1) -> None:
        super().__init__()
        self.noise = noise
        self.encoder = nn.Sequential(nn.Linear(features, width), nn.GELU(), nn.Linear(width, code))
        self.decoder = nn.Sequential(
            nn.GELU(), nn.Linear(code, width), nn.GELU(), nn.Linear(width, features)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        seen = x
        if self.training and self.noise:
            seen = x * (torch.rand_like(x) >= self.noise).to(x.dtype)
        code = self.encoder(seen)
        return self.decoder(code), code
