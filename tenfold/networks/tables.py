"""Network for tables: an ensemble in one network, on piecewise-linear embeddings of numbers.

Sources: TabM-mini, Y. Gorishniy et al. 2024, arXiv 2410.24210 (the members share all matrices; each
has its own scales of the first layer's inputs, and its own head); piecewise-linear embeddings,
Y. Gorishniy et al. 2022, arXiv 2203.05556 (a number becomes its position in each bin between
quantiles of the training rows); the smooth limit of scaled numbers, D. Holzmueller et al. 2024,
arXiv 2407.04491.

Shapes: N rows, D columns of numbers, C columns of categories, B bins of a column, E values of an
embedding, F inputs of the first layer, M members, W width, O outputs, K classes.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["CategoryEmbeddings", "NumberEmbeddings", "TableNetwork"]

LIMIT = 3.0
"""Scaled numbers are limited smoothly to this absolute value."""
LARGEST = 1e15
"""Scaled numbers are cut at this absolute value first, so that their squares are finite."""
FINITE = 3e38
"""Numbers are cut at this absolute value, which float32 holds."""
QUANTILES = (0.05, 0.95)
"""The quantiles that a network of numbers predicts beside the mean."""


class NumberEmbeddings(nn.Module):
    """Piecewise-linear embeddings: numbers (N, D), NaN = missing, to embeddings (N, D, E).

    The embedding of a number x is a linear function of its scaled value, plus a weighted sum of its
    positions in the bins, each from 0 (below the bin) to 1 (above it). A missing number has an
    embedding of its own. Scales and bins are buffers, set by `learn` before training. `bins` are
    the numbers of bins of the columns, at most as many as `learn` is given.
    """

    center: Tensor
    scale: Tensor
    start: Tensor
    slope: Tensor

    def __init__(self, bins: Sequence[int], width: int) -> None:
        super().__init__()
        columns, most = len(bins), max(1, *bins) if bins else 1
        self.bins, self.width = tuple(bins), width
        self.register_buffer("center", torch.zeros(columns))
        self.register_buffer("scale", torch.ones(columns))
        self.register_buffer("start", torch.zeros(columns, most))
        self.register_buffer("slope", torch.zeros(columns, most))
        # Vectors, because Muon would orthogonalize parameters of two or more dimensions.
        self.linear = nn.Parameter(torch.empty(columns * width).uniform_(-1, 1) * width**-0.5)
        self.bias = nn.Parameter(torch.empty(columns * width).uniform_(-1, 1) * width**-0.5)
        self.pieces = nn.Parameter(torch.zeros(columns * most * width))
        self.missing = nn.Parameter(torch.zeros(columns * width))

    @torch.no_grad()
    def learn(self, center: Tensor, scale: Tensor, edges: Sequence[Tensor]) -> None:
        """Sets scales (D,), and the bins of each column from its rising edges (b + 1,).

        A value x is scaled to (x - center) * scale; the edges are in units of x. Raises ValueError
        where a column has more bins than planned.
        """
        self.center.copy_(center)
        self.scale.copy_(scale)
        self.start.zero_()
        self.slope.zero_()
        for column, values in enumerate(edges):
            scaled = (values - center[column]) * scale[column]
            count = max(0, len(scaled) - 1)
            if count > self.bins[column]:
                raise ValueError(f"{count} bins for column {column}, at most {self.bins[column]}")
            width = scaled.diff()
            self.start[column, :count] = scaled[:-1]
            self.slope[column, :count] = torch.where(width > 0, 1 / width, 0.0)

    def forward(self, numbers: Tensor) -> Tensor:
        columns = len(self.bins)
        absent = torch.isnan(numbers)
        known = torch.where(absent, self.center, numbers.clamp(-FINITE, FINITE))
        x = ((known - self.center) * self.scale).clamp(-LARGEST, LARGEST)
        limited = x * torch.rsqrt(1 + (x / LIMIT).square())
        found = limited.unsqueeze(-1) * self.linear.view(columns, -1)
        found = found + self.bias.view(columns, -1)
        places = ((x.unsqueeze(-1) - self.start) * self.slope).clamp(0, 1)
        pieces = self.pieces.view(columns, -1, self.width)
        found = found + torch.matmul(places.transpose(0, 1), pieces).transpose(0, 1)
        return torch.where(absent.unsqueeze(-1), self.missing.view(columns, -1), found)


class CategoryEmbeddings(nn.Module):
    """Embeddings of categories: levels (N, C) to embeddings (N, C, E).

    `sizes` are the numbers of levels of the columns; level 0 is missing, 1 one that was never
    learnt, as is any level outside of the table. Both start as zeros, and a level that does not
    occur in training keeps its start.
    """

    offset: Tensor
    most: Tensor

    def __init__(self, sizes: Sequence[int], width: int) -> None:
        super().__init__()
        counts = torch.tensor([*sizes], dtype=torch.int64)
        first = counts.cumsum(0) - counts
        self.sizes, self.width = tuple(sizes), width
        self.register_buffer("offset", first)
        self.register_buffer("most", counts - 1)
        table = torch.empty(int(counts.sum()), width).uniform_(-1, 1) * width**-0.5
        table[first] = table[first + 1] = 0
        self.table = nn.Parameter(table.flatten())

    def forward(self, levels: Tensor) -> Tensor:
        known = (levels >= 0) & (levels <= self.most)
        places = torch.where(known, levels.long(), 1) + self.offset
        return functional.embedding(places, self.table.view(-1, self.width))


class MemberHeads(nn.Module):
    """A linear head for each member: (N, M, W) to (N, M, O), O = K classes, or a value: (N, M, 3).

    No gradient goes from the quantiles, the last two of three outputs, to the layers before: they
    do not change what the members learn.
    """

    def __init__(self, members: int, width: int, classes: int) -> None:
        super().__init__()
        self.classes = classes
        outputs = classes or 1 + len(QUANTILES)
        self.weight = nn.Parameter(torch.empty(members, width, outputs))
        nn.init.uniform_(self.weight, -(width**-0.5), width**-0.5)
        bias = [0.0] * classes or [0.0, -1.0, 1.0]
        self.bias = nn.Parameter(torch.tensor(bias * members))

    def forward(self, hidden: Tensor) -> Tensor:
        x = hidden.transpose(0, 1)
        if self.classes:
            found = x @ self.weight
        else:
            found = torch.cat([x @ self.weight[:, :, :1], x.detach() @ self.weight[:, :, 1:]], -1)
        return found.transpose(0, 1) + self.bias.view(len(self.weight), -1)


class TableNetwork(nn.Module):
    """TabM-mini for tables: numbers (N, D) and levels (N, C) to probabilities or values.

    `bins` and `levels` are the numbers of bins of each column of numbers, and of levels of each
    column of categories. With `classes` the outputs are `probabilities` (N, K), the mean over the
    members; with 0 classes they are `value`, `low` and `high` (N,): the mean, and the quantiles
    QUANTILES, in the units of the data. The output `embedding` (N, W) is the mean of the members'
    last layers.
    """

    shift: Tensor
    spread: Tensor

    def __init__(
        self,
        bins: Sequence[int],
        levels: Sequence[int],
        classes: int,
        *,
        members: int,
        width: int,
        blocks: int,
        embedding: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.classes, self.members, self.dropout = classes, members, dropout
        self.numbers, self.categories = (
            NumberEmbeddings(bins, embedding),
            CategoryEmbeddings(levels, embedding),
        )
        columns = max(1, len(bins) + len(levels))
        # Each embedding has one random scale for each member, as in TabM-mini.
        scales = torch.randn(members, columns, 1).expand(-1, -1, embedding)
        self.scales = nn.Parameter(scales.flatten().clone())
        sizes = [columns * embedding] + [width] * blocks
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(sizes))
        # The last matrix is the head, which Muon leaves to AdamW.
        self.head = MemberHeads(members, sizes[-1], classes)
        self.register_buffer("shift", torch.zeros(()))
        self.register_buffer("spread", torch.ones(()))

    def hidden(self, numbers: Tensor, levels: Tensor) -> Tensor:
        """Returns the last layer of each member, (N, M, W)."""
        x = self.embed(numbers, levels).unsqueeze(1) * self.scales.view(self.members, -1)
        for layer in self.layers:
            x = functional.dropout(layer(x).relu(), self.dropout, self.training)
        return x

    def embed(self, numbers: Tensor, levels: Tensor) -> Tensor:
        """Returns the embeddings of all columns, (N, F); zeros where a table has no columns."""
        found = [self.numbers(numbers)] if self.numbers.bins else []
        found += [self.categories(levels)] if self.categories.sizes else []
        if not found:
            return self.scales.new_zeros(numbers.shape[0], self.numbers.width)
        return torch.cat(found, 1).flatten(1)

    def scaled(self, value: Tensor) -> Tensor:
        """Returns values in the units of the data in the units of the loss."""
        return (value - self.shift) / self.spread

    def forward(self, numbers: Tensor, levels: Tensor) -> dict[str, Tensor]:
        hidden = self.hidden(numbers, levels)
        answers, embedding = self.head(hidden).float(), hidden.float().mean(1)
        if self.classes:
            return {"probabilities": answers.softmax(-1).mean(1), "embedding": embedding}
        values = answers.mean(1) * self.spread + self.shift
        value, bounds = values[:, 0], values[:, 1:]
        return {
            "value": value,
            "low": torch.minimum(bounds.amin(1), value),
            "high": torch.maximum(bounds.amax(1), value),
            "embedding": embedding,
        }
