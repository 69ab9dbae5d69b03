"""Principal components: the code of rows in which their neighbours are searched.

Shapes: N rows, D dimensions, C components.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["COMPONENTS", "Code"]

COMPONENTS = 50
"""Maximum number of principal components."""
BLOCK_ROWS = 8192
"""Rows that are added up in float64 at a time."""


@dataclass(frozen=True)
class Code:
    """`mean` (D,) and principal `axes` (D, C), float32, by falling variance."""

    mean: Tensor
    axes: Tensor

    @classmethod
    def fit(cls, rows: Tensor, components: int = COMPONENTS) -> Code:
        """Returns the code of `rows` (N, D): at most `components` axes."""
        mean = sum(part.double().sum(0) for part in rows.split(BLOCK_ROWS)) / len(rows)
        scatter = torch.zeros(rows.shape[1], rows.shape[1], dtype=torch.float64, device=rows.device)
        for part in rows.split(BLOCK_ROWS):
            centred = (part - mean).float()
            scatter += (centred.T @ centred).double()
        axes = torch.linalg.eigh(scatter).eigenvectors.flip(1)[:, :components]
        return cls(mean.float(), axes.float().contiguous())

    def of(self, rows: Tensor) -> Tensor:
        """Returns the code (N, C) of `rows` (N, D)."""
        return torch.cat([(part - self.mean) @ self.axes for part in rows.split(BLOCK_ROWS)])
