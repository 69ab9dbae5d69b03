"""Features of rows of tables on one scale, for methods that compare rows by their distance.

Shapes: N rows, D numbers, C categories with L levels together, F = D + L features.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["RowFeatures"]

FIRST = 2
"""Codes below this are a missing category and one that was not learnt."""
LARGEST = 1e6
"""Scaled numbers are cut at this absolute value, so that their squares are finite."""


class RowFeatures(nn.Module):
    """numbers (N, D) and levels (N, C) -> features (N, F), each column with variance 1.

    A number is centred and divided by its standard deviation. A category with levels of the shares
    p becomes one feature for each level, whose variances sum to 1. A missing number is NaN; a
    missing category, and one that was not learnt, is the mean of the training rows. `sizes` are the
    numbers of codes of the categories. The statistics are buffers, set by `learn`.
    """

    center: Tensor
    scale: Tensor
    codes: Tensor
    share: Tensor
    weight: Tensor

    def __init__(self, numbers: int, sizes: Sequence[int]) -> None:
        super().__init__()
        self.numbers, self.sizes = numbers, tuple(sizes)
        levels = sum(max(0, size - FIRST) for size in sizes)
        self.register_buffer("center", torch.zeros(numbers))
        self.register_buffer("scale", torch.ones(numbers))
        codes = [torch.arange(FIRST, size) for size in sizes]
        self.register_buffer("codes", torch.cat([*codes, torch.zeros(0, dtype=torch.int64)]))
        self.register_buffer("share", torch.zeros(levels))
        self.register_buffer("weight", torch.ones(levels))
        self.owner = [at for at, size in enumerate(sizes) for _ in range(FIRST, size)]

    @property
    def width(self) -> int:
        """The number of features F."""
        return self.numbers + len(self.owner)

    @torch.no_grad()
    def learn(self, numbers: Tensor, levels: Tensor) -> None:
        """Sets the statistics from the training rows; a constant column becomes 0."""
        if self.numbers:
            values = numbers.double()
            known = ~values.isnan()
            count = known.sum(0).clamp_min(1)
            center = values.nan_to_num().sum(0) / count
            spread = ((values - center).nan_to_num().square().sum(0) / count).sqrt()
            tiny = spread <= 1e-12 * center.abs().clamp_min(1e-30)
            self.center.copy_(center)
            self.scale.copy_(torch.where(tiny, 0.0, 1 / spread.clamp_min(1e-300)))
        if self.owner:
            known = levels >= FIRST
            hit = levels[:, self.owner] == self.codes
            share = hit.double().sum(0) / known[:, self.owner].sum(0).clamp_min(1)
            variance = torch.zeros(len(self.sizes), dtype=torch.float64)
            owner = torch.tensor(self.owner)
            variance.index_add_(0, owner, (share * (1 - share)).cpu())
            each = torch.where(variance > 0, variance.clamp_min(1e-12).rsqrt(), 0.0)
            self.share.copy_(share)
            self.weight.copy_(each[owner])

    def forward(self, numbers: Tensor, levels: Tensor) -> Tensor:
        found = ((numbers - self.center) * self.scale).clamp(-LARGEST, LARGEST)
        if not self.owner:
            return found
        code = levels[:, self.owner]
        hit = (code == self.codes).to(found.dtype) - self.share
        return torch.cat([found, torch.where(code >= FIRST, hit, 0.0) * self.weight], 1)
