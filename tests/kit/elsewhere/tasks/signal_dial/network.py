"""A small network on how far a signal swings.

Shapes: B rows, W values, D features.
"""

from torch import Tensor, nn

__all__ = ["Dial"]


class Dial(nn.Module):
    """(B, W) -> dial (B,) from 0 to 1, embedding (B, D)."""

    def __init__(self, width: int, features: int = 16) -> None:
        super().__init__()
        self.first = nn.Linear(width, features)
        self.last = nn.Linear(features, 1)

    def forward(self, signal: Tensor) -> dict[str, Tensor]:
        embedding = self.first(signal.abs() / 10).relu()
        return {"dial": self.last(embedding).sigmoid()[:, 0], "embedding": embedding}
