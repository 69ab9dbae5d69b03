"""A small network on how far a signal swings, in the unit of its training values.

Shapes: B rows, W values, D features.
"""

import torch
from torch import Tensor, nn

__all__ = ["Swing"]


class Swing(nn.Module):
    """(B, W) -> value, low, high (B,), embedding (B, D); `offset` is half an interval."""

    mean: Tensor
    scale: Tensor
    offset: Tensor

    def __init__(self, width: int, mean: float, scale: float, features: int = 16) -> None:
        super().__init__()
        self.first = nn.Linear(width, features)
        self.last = nn.Linear(features, 1)
        for name, value in (("mean", mean), ("scale", scale), ("offset", 0.0)):
            self.register_buffer(name, torch.tensor(value))

    def forward(self, signal: Tensor) -> dict[str, Tensor]:
        embedding = self.first(signal.abs() / 10).relu()
        value = self.mean + self.scale * self.last(embedding)[:, 0]
        ends = {"low": value - self.offset, "high": value + self.offset}
        return {"value": value, **ends, "embedding": embedding}
