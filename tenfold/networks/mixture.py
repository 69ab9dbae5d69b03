"""Gaussian mixture: log-likelihood of a row, and the share of each component in it.

A row x of component k has the density N(x; m_k, S_k). The covariances S_k are `full` (any),
`diagonal`, `spherical` (one variance a component) or `tied` (one full matrix of all components).
With the factor F_k of the precision, F_k F_k^T = S_k^-1, and z = F_k^T (x - m_k):

    log N(x; m_k, S_k) = log |F_k| - D/2 log 2 pi - z^T z / 2

A missing cell is NaN, and the density is the exact marginal density of the cells that are present.
For diagonal and spherical covariances, the terms of missing cells are left out of the sums. For
full and tied covariances, missing rows and columns of S_k are replaced by those of the identity
matrix, and L D L^T of the result is computed by elimination, column by column, in double precision:
products and sums alone, so that an export has no decomposition and no control flow.

Shapes: N rows, D columns, K components.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

__all__ = ["KINDS", "Mixture", "precision_factors"]

KINDS = ("full", "diagonal", "tied", "spherical")
BLOCK_VALUES = 1 << 20
"""Differences or matrix cells of one block at most, outside exports."""
LARGEST_CELL = 1e15
"""Cells are clamped to this size, as the squares of larger ones overflow."""
LEAST_LOG = -1e30
LOG_2_PI = math.log(2 * math.pi)


class Mixture(nn.Module):
    """numbers (N, D) with NaN -> log-likelihood (N,), responsibilities (N, K), which sum to 1.

    `log_weights` (K,), `means` (K, D) and `factors` are set by `assign`. The shape of the factors
    is that of the covariances: (K, D, D), (K, D), (D, D) or (K,). Full and tied mixtures also keep
    `covariances`, for rows with missing cells. `missing` states whether an export answers such rows
    (all rows then cost N K D^2 values of memory, N D^2 if tied); without it their answers are NaN.
    Outside exports, complete rows take the quick way in either case.
    """

    log_weights: Tensor
    means: Tensor
    factors: Tensor
    covariances: Tensor

    def __init__(
        self, components: int, columns: int, kind: str = "full", missing: bool = True
    ) -> None:
        super().__init__()
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
        if min(components, columns) < 1:
            raise ValueError(
                f"{components} components of {columns} columns: each must be at least 1"
            )
        self.components, self.columns, self.kind = components, columns, kind
        self.dense = kind in ("full", "tied")
        self.missing = missing
        unit = unit_covariances(kind, components, columns)
        weights = torch.full((components,), -math.log(components))
        self.register_buffer("log_weights", weights)
        self.register_buffer("means", torch.zeros(components, columns))
        self.register_buffer("factors", unit.float())
        if self.dense:
            self.register_buffer("covariances", unit)

    @classmethod
    def of(
        cls, kind: str, weights: Tensor, means: Tensor, covariances: Tensor, missing: bool = True
    ) -> Mixture:
        """Returns the mixture of these parameters, see `assign`."""
        components, columns = means.shape
        mixture = cls(components, columns, kind, missing).to(means.device)
        mixture.assign(weights, means, covariances)
        return mixture.eval()

    @torch.no_grad()
    def assign(self, weights: Tensor, means: Tensor, covariances: Tensor) -> None:
        """Sets weights (K,), means (K, D) and covariances, shaped as the kind has them.

        A covariance that is not positive definite raises a ValueError.
        """
        self.log_weights.copy_(weights.double().clamp_min(1e-300).log())
        self.means.copy_(means)
        self.factors.copy_(precision_factors(self.kind, covariances.double()))
        if self.dense:
            self.covariances.copy_(covariances)

    def forward(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        joint = self.joint(numbers)
        return joint.logsumexp(1), joint.softmax(1)

    def energy(self, numbers: Tensor) -> Tensor:
        """Negative log-likelihood (N,): the larger, the less a row resembles the training rows."""
        return -self(numbers)[0]

    def joint(self, numbers: Tensor) -> Tensor:
        """Logarithms (N, K) of weight times density of each component."""
        numbers = numbers.to(self.means.dtype).clamp(-LARGEST_CELL, LARGEST_CELL)
        if torch.compiler.is_exporting() or numbers.is_meta:
            densities = self._marginal if self.dense and self.missing else self._complete
            return self._weighted(densities(numbers))
        cells = self.components * self.columns
        blocks = numbers.split(max(BLOCK_VALUES // cells, 1))
        logs = torch.cat([self._complete(block) for block in blocks])
        if self.dense:
            gaps = numbers.isnan().any(1).nonzero()[:, 0]
            for rows in gaps.split(max(BLOCK_VALUES // (cells * self.columns), 1)):
                logs[rows] = self._marginal(numbers[rows])
        return self._weighted(logs)

    def parameter_count(self) -> int:
        """Number of free parameters, as BIC and AIC count them."""
        pairs = self.columns * (self.columns + 1) // 2
        free = {"full": self.components * pairs, "tied": pairs}
        covariances = free.get(self.kind, self.factors.numel())
        return self.components - 1 + self.means.numel() + covariances

    def _weighted(self, logs: Tensor) -> Tensor:
        return (self.log_weights + logs).clamp_min(LEAST_LOG)

    def _complete(self, numbers: Tensor) -> Tensor:
        """Log densities (N, K): of all cells where dense, else of the present ones."""
        if self.kind == "full":
            distances = _apart(numbers, self.means).transpose(0, 1) @ self.factors
            logs = torch.diagonal(self.factors, dim1=1, dim2=2).log().sum(1)
            return logs - (distances.square().sum(2).T + self.columns * LOG_2_PI) / 2
        if self.kind == "tied":
            distances = _apart(numbers @ self.factors, self.means @ self.factors)
            logs = torch.diagonal(self.factors).log().sum()
            return logs - (distances.square().sum(2) + self.columns * LOG_2_PI) / 2
        factors = self.factors.unsqueeze(1) if self.kind == "spherical" else self.factors
        factors = factors.expand_as(self.means)
        seen = (~numbers.isnan()).to(numbers.dtype)
        distances = _apart(numbers.nan_to_num(), self.means) * factors * seen.unsqueeze(1)
        logs = seen @ (factors.log() - LOG_2_PI / 2).T
        return logs - distances.square().sum(2) / 2

    def _marginal(self, numbers: Tensor) -> Tensor:
        """Log densities (N, K) of the present cells by elimination, for full and tied."""
        seen = (~numbers.isnan()).to(self.covariances.dtype)
        apart = _apart(numbers.nan_to_num().to(seen.dtype), self.means.to(seen.dtype))
        apart = apart * seen.unsqueeze(1)
        covariances = self.covariances.view(-1, self.columns, self.columns)
        pairs = (seen.unsqueeze(2) * seen.unsqueeze(1)).unsqueeze(1)
        matrix = covariances * pairs + torch.diag_embed(1 - seen).unsqueeze(1)
        total = seen.sum(1, keepdim=True) * LOG_2_PI
        for _ in range(self.columns):
            pivot = matrix[:, :, 0, 0]
            total = total + pivot.log() + apart[:, :, 0].square() / pivot
            column = matrix[:, :, 1:, 0] / pivot.unsqueeze(2)
            apart = apart[:, :, 1:] - column * apart[:, :, :1]
            matrix = matrix[:, :, 1:, 1:] - column.unsqueeze(3) * matrix[:, :, :1, 1:]
        return (-total / 2).to(numbers.dtype)


def unit_covariances(kind: str, components: int, columns: int) -> Tensor:
    """Returns covariances of variance 1, shaped as the kind has them, in double precision."""
    if kind in ("full", "tied"):
        unit = torch.eye(columns, dtype=torch.float64)
        return unit.repeat(components, 1, 1) if kind == "full" else unit
    size = (components, columns) if kind == "diagonal" else (components,)
    return torch.ones(size, dtype=torch.float64)


def precision_factors(kind: str, covariances: Tensor) -> Tensor:
    """Returns F with F F^T = inverse of a covariance: upper triangles, or 1 / standard deviation.

    A covariance that is not positive definite raises a ValueError that names its component.
    """
    if kind not in ("full", "tied"):
        broken = ~((covariances > 0) & covariances.isfinite()).reshape(len(covariances), -1).all(1)
        _refuse_singular(broken)
        return covariances.rsqrt()
    lower, failed = torch.linalg.cholesky_ex(covariances)
    pivots = torch.diagonal(lower, dim1=-2, dim2=-1)
    scale = torch.diagonal(covariances, dim1=-2, dim2=-1).sqrt()
    tiny = ((pivots / scale) < LEAST_PIVOT).any(-1) | ~pivots.isfinite().all(-1)
    _refuse_singular(((failed > 0) | tiny).reshape(-1))
    unit = torch.eye(covariances.shape[-1], dtype=lower.dtype, device=lower.device)
    return torch.linalg.solve_triangular(lower, unit.expand_as(lower), upper=False).mT


LEAST_PIVOT = 1e-7
"""Share of a column's standard deviation that is not explained by the columns before it."""


def _refuse_singular(broken: Tensor) -> None:
    if broken.any():
        at = int(broken.nonzero()[0])
        raise ValueError(f"the covariance of component {at} is singular: raise reg_covar")


def _apart(rows: Tensor, means: Tensor) -> Tensor:
    """Differences (N, K, D) of rows (N, D) and means (K, D)."""
    return rows.unsqueeze(1) - means
