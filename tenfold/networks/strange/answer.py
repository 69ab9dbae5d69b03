"""The network that answers how strange a row is, with the threshold of alarms.

Shapes: N rows, F features, C columns of the input, M calibration rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["Strange", "threshold_of"]


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
