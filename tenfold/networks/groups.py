"""Networks that answer with the group of a row.

Shapes: N rows, F features, K groups, S sampled training rows.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = [
    "Centroids",
    "Grouped",
    "Neighbourhood",
    "Responsibilities",
    "Silhouette",
    "Unchanged",
]

VOTERS = 7
"""Number of nearest rows that vote on the group of a row."""
EQUAL = 1e-6
"""Distance, as a share of the mean length of the rows, that is added to all distances."""


class Centroids(nn.Module):
    """Features (N, F) -> probabilities (N, K) of the groups around K centres.

    The probabilities are those of a mixture of Gaussians of one variance and equal shares, so that
    the most probable group is the one with the nearest centre. A missing feature is NaN; distances
    are summed over the others.
    """

    center: Tensor
    variance: Tensor

    def __init__(self, groups: int, width: int) -> None:
        super().__init__()
        self.register_buffer("center", torch.zeros(groups, width))
        self.register_buffer("variance", torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        seen = (~x.isnan()).to(x.dtype)
        squares = seen @ self.center.square().T - 2 * (x.nan_to_num() @ self.center.T)
        return (-0.5 * squares / self.variance).softmax(1)


class Responsibilities(nn.Module):
    """Features (N, F) -> probabilities (N, K) of the components of a mixture."""

    def __init__(self, mixture: nn.Module) -> None:
        super().__init__()
        self.mixture = mixture

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.mixture(x.nan_to_num())[1]
        return found


class Neighbourhood(nn.Module):
    """Features (N, F) -> shares (N, K) of the groups among the nearest of R grouped rows.

    A neighbour weighs the inverse of its squared distance (D. Shepard, 1968), so that a row that is
    one of the grouped ones belongs to its group. Distances are differences of squares, which need
    double precision.
    """

    rows: Tensor
    member: Tensor
    floor: Tensor

    def __init__(self, rows: int, width: int, groups: int) -> None:
        super().__init__()
        self.register_buffer("rows", torch.zeros(rows, width))
        self.register_buffer("member", torch.zeros(rows, groups))
        self.register_buffer("floor", torch.ones(()))

    @torch.no_grad()
    def learn(self, rows: Tensor, group: Tensor) -> None:
        """Sets the grouped rows (R, F) and their groups (R,)."""
        self.rows.copy_(rows)
        self.floor.copy_((EQUAL * rows.double().square().sum(1).mean().sqrt()).clamp_min(1e-12))
        self.member.copy_(nn.functional.one_hot(group, self.member.shape[1]))

    def forward(self, x: Tensor) -> Tensor:
        rows = self.rows.double()
        squares = rows.square().sum(1)
        distance = _squared(x.nan_to_num().double(), rows, squares)
        near, place = distance.topk(min(VOTERS, len(rows)), 1, largest=False)
        near = near.sqrt().to(x.dtype) + self.floor
        weights = (near[:, :1] / near).square()
        found = (self.member[place] * weights.unsqueeze(2)).sum(1)
        return found / found.sum(1, keepdim=True)


def _squared(x: Tensor, rows: Tensor, squares: Tensor) -> Tensor:
    """Squared distances (N, R) of x (N, F) to rows (R, F), whose squares (R,) are given."""
    return (x.square().sum(1, keepdim=True) + squares - 2 * (x @ rows.T)).clamp_min(0)


class Unchanged(nn.Module):
    """Features (N, F) -> the same as embedding."""

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"embedding": x}


class Silhouette(nn.Module):
    """Features (N, F) and probabilities (N, K) -> silhouettes (N,), from -1 to 1.

    The silhouette of a row compares its mean distance to the sampled training rows of its own group
    with that to the rows of the nearest other group (P. Rousseeuw, 1987). `group` (S,) is the group
    of each sampled row. A row of a group with a single sampled row has the silhouette 0. Distances
    are differences of squares, which need double precision.
    """

    rows: Tensor
    member: Tensor

    def __init__(self, rows: int, width: int, groups: int) -> None:
        super().__init__()
        self.register_buffer("rows", torch.zeros(rows, width))
        self.register_buffer("member", torch.zeros(rows, groups))

    @torch.no_grad()
    def learn(self, rows: Tensor, group: Tensor) -> None:
        """Sets the sampled rows (S, F) and their groups (S,)."""
        self.rows.copy_(rows.nan_to_num())
        self.member.copy_(nn.functional.one_hot(group, self.member.shape[1]))

    def forward(self, x: Tensor, probabilities: Tensor) -> Tensor:
        dtype = x.dtype
        x, rows = x.nan_to_num().double(), self.rows.double()
        distance = _squared(x, rows, rows.square().sum(1)).sqrt().to(dtype)
        count = self.member.sum(0)
        total = distance @ self.member
        own = nn.functional.one_hot(probabilities.argmax(1), self.member.shape[1]).to(dtype)
        inside = (total * own).sum(1) / (own @ count - 1).clamp_min(1)
        outside = total / count.clamp_min(1)
        outside = torch.where((own > 0) | (count == 0), 3e38, outside).amin(1)
        outside = torch.where(outside > 1e38, inside, outside)
        found = (outside - inside) / torch.maximum(outside, inside).clamp_min(1e-12)
        return torch.where(own @ count > 1, found, 0.0)


class Grouped(nn.Module):
    """Features (N, F) -> probabilities (N, K), silhouette (N,) and embedding (N, F)."""

    def __init__(self, head: nn.Module, silhouette: Silhouette) -> None:
        super().__init__()
        self.head, self.silhouette = head, silhouette

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        probabilities = self.head(x)
        return {
            "probabilities": probabilities,
            "silhouette": self.silhouette(x, probabilities),
            "embedding": x.nan_to_num(),
        }
