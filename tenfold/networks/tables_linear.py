"""A linear model of tables: standardised numbers, marks of missing cells, a weight for each level.

Shapes: N rows, D numbers, C categories, L levels of all categories together, K outputs.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["TableLinear"]


class TableLinear(nn.Module):
    """Scores (N, K): a sum of a weight for each number, missing cell and level, and a constant.

    Numbers are centred and scaled, then clipped to `limit`; a missing number is 0 and has a weight
    of its own. `levels` are the numbers of codes of the categories; a code that is not known counts
    as 1 (never learnt). All that is learnt are buffers.
    """

    centre: Tensor
    scale: Tensor
    limit: Tensor
    number_weight: Tensor
    missing_weight: Tensor
    level_weight: Tensor
    constant: Tensor
    start: Tensor
    sizes: Tensor

    def __init__(self, numbers: int, levels: Sequence[int], outputs: int) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(numbers))
        self.register_buffer("scale", torch.ones(numbers))
        self.register_buffer("limit", torch.full((), torch.inf))
        self.register_buffer("number_weight", torch.zeros(numbers, outputs))
        self.register_buffer("missing_weight", torch.zeros(numbers, outputs))
        self.register_buffer("level_weight", torch.zeros(sum(levels), outputs))
        self.register_buffer("constant", torch.zeros(outputs))
        sizes = torch.tensor(tuple(levels), dtype=torch.int64)
        self.register_buffer("sizes", sizes)
        self.register_buffer("start", sizes.cumsum(0) - sizes)

    def forward(self, numbers: Tensor, levels: Tensor) -> Tensor:
        """Scores (N, K) of `numbers` (N, D) with NaN = missing and `levels` (N, C) int32."""
        standard, missing = self.standardised(numbers)
        scores = standard @ self.number_weight + missing @ self.missing_weight + self.constant
        return scores + self.levels_added(levels).sum(1) if self.sizes.shape[0] else scores

    def levels_added(self, levels: Tensor) -> Tensor:
        """What each category adds to the scores (N, C, K)."""
        known = levels.clamp(min=0).long()
        known = torch.where(known < self.sizes, known, torch.ones_like(known))
        weights = self.level_weight.index_select(0, (known + self.start).reshape(-1))
        return weights.view(known.shape[0], known.shape[1], -1)

    def features(self, numbers: Tensor, levels: Tensor) -> Tensor:
        """What each column adds to the score of the first output (N, D + C)."""
        standard, missing = self.standardised(numbers)
        number, absent = self.number_weight[:, 0], self.missing_weight[:, 0]
        found = standard * number + missing * absent
        if not self.sizes.shape[0]:
            return found
        return torch.cat([found, self.levels_added(levels)[:, :, 0]], 1)

    def standardised(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Standardised numbers (N, D), 0 where missing, and 1 where missing (N, D)."""
        missing = torch.isnan(numbers)
        standard = (numbers - self.centre) / self.scale
        standard = torch.minimum(torch.maximum(standard, -self.limit), self.limit)
        return standard.masked_fill(missing, 0), missing.to(numbers.dtype)
