"""Boosted regression trees as tensors: every row visits all trees at once, level by level.

A node is one comparison `column <= threshold`; the children of a node are neighbours, so that the
next node is `left + (column > threshold)`. A leaf is its own left child and always goes left.
So all rows take the same number of steps and an export has no control flow.

The columns that nodes compare are made of the inputs once a row. A number stands in two columns,
which differ where it is missing: minus infinity for the nodes that send missing values to the
left, plus infinity for the others. A split by categories is a column of its own: 0 for the levels
that go left, 1 for the others, looked up in a table with a place for each level; splits that are
equal share a column.

Shapes: N rows, D numbers, C categories, T trees, K outputs, S splits by categories.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["Trees"]

BLOCK_VALUES = 1 << 20
"""Rows x (trees + columns) of one block at most, outside exports."""


class Trees(nn.Module):
    """Sums of the leaves that a row reaches, for K outputs, plus a constant each.

    `trees` holds the number of trees of each output, `nodes` of all trees together, `steps` the
    depth of the deepest tree, `numbers` D, `levels` the number of levels of each category,
    `splits` S and `members` the length of the table of all splits. The trees are ordered by output.
    """

    feature: Tensor
    threshold: Tensor
    left: Tensor
    value: Tensor
    root: Tensor
    base: Tensor
    split_column: Tensor
    split_start: Tensor
    members: Tensor
    limits: Tensor

    def __init__(
        self,
        trees: Sequence[int],
        nodes: int,
        steps: int,
        numbers: int,
        levels: Sequence[int] = (),
        splits: int = 0,
        members: int = 0,
    ) -> None:
        super().__init__()
        self.trees, self.steps, self.numbers = tuple(trees), steps, numbers
        self.splits = splits
        whole, real = torch.int32, torch.float32
        buffers = {
            "feature": (nodes, whole),
            "threshold": (nodes, real),
            "left": (nodes, whole),
            "value": (nodes, real),
            "root": (sum(self.trees), whole),
            "base": (len(self.trees), real),
            "split_column": (splits, whole),
            "split_start": (splits, whole),
            "members": (members, torch.uint8),
        }
        for name, (size, kind) in buffers.items():
            self.register_buffer(name, torch.zeros(size, dtype=kind))
        self.register_buffer("limits", torch.tensor(tuple(levels), dtype=torch.int64))

    def forward(self, numbers: Tensor, levels: Tensor) -> Tensor:
        """Raw scores (N, K) of `numbers` (N, D) float32 with NaN and `levels` (N, C) int32."""
        outputs = self.leaf_values(numbers, levels).split(self.trees, 1)
        return torch.stack([leaves.sum(1) for leaves in outputs], 1) + self.base

    def leaf_values(self, numbers: Tensor, levels: Tensor) -> Tensor:
        """Values (N, T) of the leaves that the rows reach."""
        width = len(self.root) + self.splits + 2 * self.numbers
        rows = max(BLOCK_VALUES // max(width, 1), 1)
        if torch.compiler.is_exporting() or numbers.shape[0] <= rows:
            return self._leaf_values(numbers, levels)
        blocks = zip(numbers.split(rows), levels.split(rows), strict=True)
        return torch.cat([self._leaf_values(*block) for block in blocks])

    def _leaf_values(self, numbers: Tensor, levels: Tensor) -> Tensor:
        node, columns, start = self.begin(numbers, levels)
        for _ in range(self.steps):
            node, _ = self.step(node, columns, start)
        return self.value.index_select(0, node).view(numbers.shape[0], self.root.shape[0])

    def begin(self, numbers: Tensor, levels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The root of each tree (N T,) int32, all columns flat, and where each row's begin (N T,).

        Flat, as `index_select` is several times faster than `gather` here.
        """
        columns = self.columns(numbers, levels)
        rows, width = columns.shape
        start = torch.arange(rows, dtype=torch.int32, device=columns.device) * width
        start = start.unsqueeze(1).expand(rows, self.root.shape[0]).reshape(-1)
        return self.root.repeat(rows), columns.reshape(-1), start

    def step(self, node: Tensor, columns: Tensor, start: Tensor) -> tuple[Tensor, Tensor]:
        """The child (N T,) that each row goes to, and the column that decides."""
        feature = self.feature.index_select(0, node)
        compared = columns.index_select(0, feature + start)
        right = compared > self.threshold.index_select(0, node)
        return self.left.index_select(0, node) + right, feature

    def columns(self, numbers: Tensor, levels: Tensor) -> Tensor:
        """The columns (N, 2 D + S) that nodes compare; they hold no NaN."""
        missing = torch.isnan(numbers)
        columns = [
            numbers.masked_fill(missing, -torch.inf).clamp(max=torch.finfo(numbers.dtype).max),
            numbers.masked_fill(missing, torch.inf),
        ]
        if self.splits:
            known = levels.clamp(min=0).long()
            known = torch.where(known < self.limits, known, torch.ones_like(known))
            places = self.split_start + known.index_select(1, self.split_column)
            inside = self.members.index_select(0, places.reshape(-1)).view(places.shape)
            columns.append(inside.to(numbers.dtype))
        if not self.numbers and not self.splits:
            columns.append(numbers.new_zeros((numbers.shape[0], 1)))
        return torch.cat(columns, 1)

    def contributions(self, numbers: Tensor, levels: Tensor) -> tuple[Tensor, Tensor]:
        """What each input adds to the scores: (N, K, D + C), and the constants (K,).

        Each step from a node to its child changes the mean value of the training rows there; the
        change is counted for the input that the node compares. Constants and contributions of a row
        add up to its scores (A. Saabas 2014). `value` must hold the means of the inner nodes.
        """
        inputs = self.numbers + len(self.limits)
        kind = torch.arange(self.numbers, device=self.root.device)
        source = torch.cat([kind, kind, self.numbers + self.split_column])
        trees = [torch.full((count,), at) for at, count in enumerate(self.trees)]
        output = torch.cat(trees).to(self.root.device)
        rows = numbers.shape[0]
        parts = numbers.new_zeros((rows, len(self.trees) * inputs))
        constants = torch.zeros_like(self.base).index_add(0, output, self.value[self.root])
        node, columns, start = self.begin(numbers, levels)
        for _ in range(self.steps if inputs else 0):
            after, feature = self.step(node, columns, start)
            change = (self.value[after] - self.value[node]).view(rows, -1)
            place = output * inputs + source[feature].view(rows, -1)
            parts.scatter_add_(1, place, change)
            node = after
        return parts.view(rows, len(self.trees), inputs), self.base + constants
