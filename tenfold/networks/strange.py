"""Networks that answer how strange a row is.

A head takes features (N, F) without gaps and returns the score (N,), larger for stranger rows, and
the blame (N, F) of each feature, which is not negative.

Shapes: N rows, F features, C columns of the input, R reference rows, M calibration rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tenfold.networks.autoencoder import Autoencoder
from tenfold.networks.mixture import Mixture
from tenfold.networks.trees import Trees

__all__ = ["Energy", "Isolation", "Neighbours", "Restored", "Strange", "mean_path", "threshold_of"]


def threshold_of(scores: Tensor, rate: float) -> float:
    """Returns the least score of an alarm, from the scores (M,) of good calibration rows.

    A new good row reaches it with a probability of at most `rate` (conformal prediction, V. Vovk et
    al., 2005): at most floor(rate (M + 1)) - 1 calibration rows do. With fewer than 1 / rate - 1
    rows, it is just above the largest of their scores, and the probability is 1 / (M + 1).
    """
    count = len(scores)
    allowed = max(0, math.floor(rate * (count + 1) + 1e-9) - 1)
    ordered = scores.sort(descending=True).values
    at = ordered[min(allowed, count - 1)] if count else scores.new_tensor(math.inf)
    return float(torch.nextafter(at, at.new_tensor(math.inf)))


class Neighbours(nn.Module):
    """Features (N, F) -> mean distance to the nearest of R reference rows (N,), and blame (N, F).

    The blame of a feature is its part of the squared distance to the mean of these neighbours.
    """

    rows: Tensor

    def __init__(self, rows: int, width: int, count: int) -> None:
        super().__init__()
        self.count = min(count, rows)
        self.register_buffer("rows", torch.zeros(rows, width))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        squares = self.rows.square().sum(1) - 2 * (x @ self.rows.T)
        near = squares.topk(self.count, dim=1, largest=False).indices
        found = nn.functional.embedding(near, self.rows)
        gaps = x.unsqueeze(1) - found
        distance = gaps.square().sum(2).sqrt()
        return distance.mean(1), gaps.mean(1).square()


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
        self.autoencoder = Autoencoder(width, hidden, code)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        restored, _ = self.autoencoder(x)
        squares = (restored - x).square()
        return squares.mean(1), squares


class Strange(nn.Module):
    """Features (N, F) -> score (N,), threshold (N,), p (N,), blame (N, C) and embedding (N, F).

    `owner` is the column of the input of each feature. `calibration` (M,) are the scores of good
    rows that were not used for fitting: p is the share of them, and of the row itself, that are at
    least as strange.
    """

    calibration: Tensor
    threshold: Tensor
    owner: Tensor

    def __init__(self, head: nn.Module, owner: Sequence[int], rows: int) -> None:
        super().__init__()
        self.head = head
        self.register_buffer("calibration", torch.zeros(rows))
        self.register_buffer("threshold", torch.zeros(()))
        owners = torch.tensor([*owner], dtype=torch.int64)
        columns = int(owners.max()) + 1 if len(owners) else 0
        self.register_buffer("owner", nn.functional.one_hot(owners, columns).float())

    @torch.no_grad()
    def calibrate(self, scores: Tensor, rate: float) -> None:
        """Sets threshold and calibration scores from those of M good rows."""
        self.calibration.copy_(scores)
        self.threshold.fill_(threshold_of(scores, rate))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        x = x.nan_to_num()
        score, blame = self.head(x)
        above = (self.calibration >= score.unsqueeze(1)).sum(1)
        return {
            "score": score,
            "threshold": self.threshold.expand(len(score)),
            "p": (above + 1) / (len(self.calibration) + 1),
            "blame": blame @ self.owner,
            "embedding": x,
        }
