"""Rating prediction by biased matrix factorisation; user vectors are computed at prediction time.

Y. Koren et al. 2009: rating = mean + item bias + user bias + dot product of item and user vector.
Item biases and vectors are trained. The user's bias and vector are computed from the ratings in the
row by least squares, so that new and known users are treated in the same way.

Shapes: B rows, T ratings of a row, M items to rate, N items of the catalogue, D values of an item
vector.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Rater"]

TOP = 100


class Rater(nn.Module):
    """Predicts a user's ratings of given items, and ranks the catalogue by predicted rating."""

    vectors: Tensor
    biases: Tensor
    mean: Tensor
    l2_vectors: Tensor
    l2_biases: Tensor
    low: Tensor
    high: Tensor
    rare: Tensor

    def __init__(self, items: int, width: int) -> None:
        super().__init__()
        self.sharp = nn.Parameter(torch.ones(()), requires_grad=False)
        self.register_buffer("vectors", torch.zeros(items + 1, width))
        self.register_buffer("biases", torch.zeros(items + 1))
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("l2_vectors", torch.ones(()))
        self.register_buffer("l2_biases", torch.ones(()))
        self.register_buffer("low", torch.zeros(()))
        self.register_buffer("high", torch.ones(()))
        self.register_buffer("rare", torch.zeros(items, dtype=torch.bool))

    def inside(self, ratings: Tensor) -> Tensor:
        """Clips ratings to the range of the training ratings, `low` to `high`."""
        return torch.minimum(torch.maximum(ratings, self.low), self.high)

    def person(self, items: Tensor, marks: Tensor) -> Tensor:
        """User bias and vector (B, 1 + D) from ratings `marks` (B, T) of `items` (B, T).

        Regularized least squares; the L2 penalty is multiplied by the number of known ratings.
        """
        there = (items > 0).float()
        numbers = items.long()
        found = F.embedding(numbers, self.vectors) * self.sharp
        design = torch.cat([torch.ones_like(found[..., :1]), found], -1) * there.unsqueeze(-1)
        left = (marks - self.mean - self.biases[numbers]) * there
        count = there.sum(1).clamp(min=1)
        size = design.shape[-1]
        l2_vectors = torch.cat([self.l2_biases.expand(1), self.l2_vectors.expand(size - 1)])
        l2_vectors = l2_vectors * count.unsqueeze(1)
        square = design.transpose(1, 2) @ design
        wanted = (design * left.unsqueeze(-1)).sum(1)
        return _solved(square, l2_vectors, wanted)

    def forward(
        self,
        items: Tensor,
        items_length: Tensor,
        marks: Tensor,
        marks_length: Tensor,
        asked: Tensor,
        asked_length: Tensor,
        given: Tensor,
    ) -> dict[str, Tensor]:
        """Predicts the ratings of the items `asked` (B, M) and ranks the items not rated yet.

        `marks` (B, T) are the user's ratings of `items` (B, T). Returns `ratings` (B, M) of the
        items `wanted`, a copy of `asked`; `otherwise` (B,), the predicted rating of an item outside
        the catalogue; `ranking` and `scores` (B, K), the unrated items with the highest predicted
        ratings, without `rare` items; `known` (B,), the number of items in `items` and `asked`;
        `told` (B,), a copy of `given`, the number of items that the user gave, known or not; and
        `embedding` (B, D), the mean item vector.
        """
        person = self.person(items, marks)
        bias, taste = person[:, :1], person[:, 1:] * self.sharp
        level = self.mean + bias
        every = level + self.biases[1:] + taste @ self.vectors[1:].t()
        said = torch.cat([level, every], 1).gather(1, asked.long())
        had = torch.zeros_like(every).unsqueeze(-1)[..., 0]
        had = torch.cat([level * 0, had], 1).scatter(1, items.long(), torch.ones_like(marks))[:, 1:]
        scores, ranking = every.masked_fill((had > 0) | self.rare, -1e4).topk(
            min(TOP, every.shape[1]), dim=1
        )
        vector = F.embedding(torch.cat([items, asked], 1).long(), self.vectors).sum(1)
        return {
            "ratings": self.inside(said),
            "ratings_length": asked_length.long().clamp(min=0),
            "wanted": asked.long().clamp(min=0),
            "wanted_length": asked_length.long().clamp(min=0),
            "otherwise": self.inside(level[:, 0] + 0 * marks_length),
            "ranking": ranking + 1,
            "scores": self.inside(scores) * (scores > -1e3),
            "known": (items_length + asked_length).long().clamp(min=0),
            "told": given.long().clamp(min=0),
            "embedding": vector / (items_length + asked_length).clamp(min=1).unsqueeze(1),
        }


def _solved(square: Tensor, l2_vectors: Tensor, wanted: Tensor) -> Tensor:
    """Solves (square + diag(l2_vectors)) x = wanted by preconditioned conjugate gradients.

    `wanted` and the result are (B, 1 + D). Exact after as many steps as there are unknowns
    (M. Hestenes and E. Stiefel 1952). A direct solver could not be exported to ONNX.
    """
    scale = 1 / (torch.diagonal(square, dim1=1, dim2=2) + l2_vectors)
    found = torch.zeros_like(wanted)
    rest = wanted
    turned = scale * rest
    way = turned
    power = (rest * turned).sum(1, keepdim=True)
    for _ in range(wanted.shape[1] + 4):
        moved = (square @ way.unsqueeze(-1)).squeeze(-1) + l2_vectors * way
        step = power / (way * moved).sum(1, keepdim=True).clamp(min=1e-12)
        found = found + step * way
        rest = rest - step * moved
        turned = scale * rest
        after = (rest * turned).sum(1, keepdim=True)
        way = turned + after / power.clamp(min=1e-12) * way
        power = after
    return found
