"""Heads: networks that score how strange features are.

A head takes features (N, F) without gaps and returns the score (N,), larger for stranger rows, and
the blame (N, F) of each feature, which is not negative.

Shapes: N rows, F features, R reference rows.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from tenfold.networks.autoencoder import DenseAutoencoder
from tenfold.networks.mixture import Mixture
from tenfold.networks.trees import Trees

__all__ = ["Energy", "Isolation", "Neighbours", "Restored", "mean_path"]


class Neighbours(nn.Module):
    """Features (N, F) -> mean distance to the nearest of R reference rows (N,), and blame (N, F).

    A reference row at distance 0 is left out once, so that a row that was fitted is not its own
    neighbour. The blame of a feature is its part of the squared distance to the mean of the
    neighbours.
    """

    rows: Tensor

    def __init__(self, rows: int, width: int, count: int) -> None:
        super().__init__()
        self.near = min(count + 1, rows)
        self.count = max(1, self.near - 1)
        self.register_buffer("rows", torch.zeros(rows, width))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        squares = self.rows.square().sum(1) - 2 * (x @ self.rows.T)
        near = squares.topk(self.near, dim=1, largest=False).indices
        gaps = x.unsqueeze(1) - nn.functional.embedding(near, self.rows)
        distance = gaps.square().sum(2).sqrt()
        left_out = torch.where(distance.amin(1) > 0, distance.argmax(1), distance.argmin(1))
        places = torch.arange(self.near, device=x.device)
        kept = (places != left_out.unsqueeze(1)) | (self.near == 1)
        weight = kept.to(x.dtype) / self.count
        return (distance * weight).sum(1), (gaps * weight.unsqueeze(2)).sum(1).square()


class Energy(nn.Module):
    """Features (N, F) -> negative log-likelihood (N,) of a Gaussian mixture, and blame (N, F).

    The squared distance to the most probable component is a sum over features, and the positive
    parts of its terms are the blame. One component is the distance of a robust covariance.
    """

    def __init__(self, components: int, width: int, kind: str) -> None:
        super().__init__()
        self.mixture = Mixture(components, width, kind, missing=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        joint = self.mixture.joint(x)
        nearest = joint.argmax(1)
        gaps = x - nn.functional.embedding(nearest, self.mixture.means)
        factors = self.mixture.factors
        if self.mixture.kind == "full":
            chosen = factors.index_select(0, nearest)
            slopes = chosen @ (gaps.unsqueeze(1) @ chosen).transpose(1, 2)
            terms = gaps * slopes.squeeze(2)
        else:
            terms = (gaps * nn.functional.embedding(nearest, factors)).square()
        return -joint.logsumexp(1), terms.clamp_min(0)


def mean_path(rows: float) -> float:
    """Returns the mean depth of a row in a random tree of that many rows."""
    if rows <= 2:
        return float(max(0.0, rows - 1))
    return 2 * (math.log(rows - 1) + 0.5772156649015329) - 2 * (rows - 1) / rows


class Isolation(nn.Module):
    """Features (N, F) -> isolation score (N,) from 0 to 1, and blame (N, F).

    Rows that random splits separate early are strange (F. Liu et al., 2008): the score is
    2 ** -(mean depth / expected depth). The values of the trees' nodes are mean depths below them,
    divided by the expected depth and the number of trees. The blame of a feature is by how much its
    splits lower the depth.
    """

    def __init__(self, trees: int, nodes: int, steps: int, width: int) -> None:
        super().__init__()
        self.trees = Trees([trees], nodes, steps, width)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        levels = torch.zeros((x.shape[0], 0), dtype=torch.int32, device=x.device)
        parts, constants = self.trees.contributions(x, levels)
        depth = parts.sum(2)[:, 0] + constants
        return torch.exp2(-depth), (-parts[:, 0]).clamp_min(0)


class Restored(nn.Module):
    """Features (N, F) -> mean squared error (N,) of an autoencoder, and its parts (N, F)."""

    def __init__(self, width: int, hidden: int, code: int) -> None:
        super().__init__()
        self.autoencoder = DenseAutoencoder(width, hidden, code)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        restored, _ = self.autoencoder(x)
        squares = (restored - x).square()
        return squares.mean(1), squares
