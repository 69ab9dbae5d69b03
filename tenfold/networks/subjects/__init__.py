"""Networks of features and a model that answers from them, one for each medium of the input.

The parameters of `forward` are the encoded columns of the medium. `features` turns them into
features (N, F), and `model` turns these into a dictionary of outputs.

Shapes: N rows, F features.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["OfPictures", "OfRows", "OfTexts"]


class _Joined(nn.Module):
    """Features and model; the parameter `place` only shows on which device they are."""

    def __init__(self, features: nn.Module, model: nn.Module) -> None:
        super().__init__()
        self.features, self.model = features, model
        self.place = nn.Parameter(torch.zeros(1), requires_grad=False)

    def answer(self, x: Tensor) -> dict[str, Tensor]:
        """Returns the outputs of the model for features (N, F)."""
        found: dict[str, Tensor] = self.model(x)
        return found


class OfRows(_Joined):
    """numbers (N, D) and levels (N, C) -> the outputs of the model."""

    def forward(self, numbers: Tensor, levels: Tensor) -> dict[str, Tensor]:
        return self.answer(self.features(numbers, levels))


class OfPictures(_Joined):
    """image (N, H, W, C) uint8 -> the outputs of the model."""

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        return self.answer(self.features(image))


class OfTexts(_Joined):
    """n-grams ids (N, T), with their numbers ids_length (N,) -> the outputs of the model."""

    def forward(self, ids: Tensor, ids_length: Tensor) -> dict[str, Tensor]:
        return self.answer(self.features(ids))
