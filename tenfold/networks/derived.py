"""Columns computed from the encoded numbers of a table: ratios, sums and differences.

Shapes: B rows, D numbers, P pairs, F columns kept.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["Derived"]

OPERATIONS = ("ratio", "sum", "difference")


class Derived(nn.Module):
    """(B, D) numbers -> (B, F): the kept ones of the numbers and of the pairs, in this order.

    `pairs` are (left, right, operation); `kept` are positions in the D numbers and then P pairs.
    A ratio with 0 below is NaN, which means "missing".
    """

    places: Tensor

    def __init__(self, pairs: Sequence[tuple[int, int, str]], kept: Sequence[int]) -> None:
        super().__init__()
        self.pairs, self.kept = list(pairs), list(kept)
        self.register_buffer("places", torch.tensor(self.kept, dtype=torch.long), persistent=False)

    def forward(self, numbers: Tensor) -> Tensor:
        """Returns the columns that models use (B, F)."""
        columns = [numbers]
        for left, right, operation in self.pairs:
            one, other = numbers[:, left], numbers[:, right]
            if operation == "ratio":
                empty = torch.full_like(other, float("nan"))
                found = torch.where(other == 0, empty, one / other)
            else:
                found = one + other if operation == "sum" else one - other
            columns.append(found[:, None])
        every = torch.cat(columns, 1)
        return every.index_select(1, self.places)
