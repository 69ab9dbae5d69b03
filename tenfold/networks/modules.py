"""The core modules: convolution, pooling, dense, norms, activation, dropout, residual.

Thin on purpose: torch's own module wherever it suffices, and beside it only what tenfold needs.
All of them take and give pictures as (B, C, H, W) in any memory format, or rows as (B, C), and
hold floats only, so that a `state_dict` is exactly what is written to disk.

Shapes: B batch, C channels, H height, W width, K side of a patch.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = [
    "ACTIVATIONS",
    "BatchNorm",
    "GlobalPooling",
    "Residual",
    "View",
    "Whitening",
    "activation",
    "average_pooling",
    "convolution",
    "dense",
    "dropout",
    "flatten",
    "group_norm",
    "max_pooling",
]

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "elu": nn.ELU,
    "leaky": nn.LeakyReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}


def convolution(
    inputs: int,
    outputs: int,
    kernel: int = 3,
    stride: int = 1,
    same: bool = True,
    bias: bool = True,
) -> nn.Conv2d:
    """(B, inputs, H, W) -> (B, outputs, H', W'); `same` pads so that stride 1 keeps H and W."""
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2 if same else 0, bias=bias)


def max_pooling(size: int | tuple[int, int] = 2, stride: int | None = None) -> nn.MaxPool2d:
    """(B, C, H, W) -> (B, C, H // size, W // size): the largest of each window."""
    return nn.MaxPool2d(size, stride)


def average_pooling(size: int | tuple[int, int] = 2, stride: int | None = None) -> nn.AvgPool2d:
    """(B, C, H, W) -> (B, C, H // size, W // size): the mean of each window."""
    return nn.AvgPool2d(size, stride)


def dense(inputs: int, outputs: int, bias: bool = True) -> nn.Linear:
    """(B, inputs) -> (B, outputs)."""
    return nn.Linear(inputs, outputs, bias)


def flatten() -> nn.Flatten:
    """(B, C, H, W) -> (B, C * H * W)."""
    return nn.Flatten()


def activation(name: str = "relu") -> nn.Module:
    """The activation of that name (see ACTIVATIONS); any shape."""
    if name not in ACTIVATIONS:
        raise ValueError(
            f"parameter name of activation must be one of {', '.join(ACTIVATIONS)}, got {name!r}"
        )
    return ACTIVATIONS[name]()


def dropout(share: float = 0.5) -> nn.Module:
    """Sets this share of the values to zero while training; any shape."""
    return nn.Dropout(share)


def group_norm(channels: int, groups: int = 32) -> nn.GroupNorm:
    """Group normalisation (arXiv 1803.08494); of at most `groups` groups the most that divide."""
    most = min(groups, channels)
    return nn.GroupNorm(next(g for g in range(most, 0, -1) if channels % g == 0), channels)


class BatchNorm(nn.Module):
    """Batch normalisation (arXiv 1502.03167).

    y = (x - mean) / sqrt(variance + epsilon) * weight + bias

    Differs from torch's module in three ways: it has no integer counter among its buffers, a batch
    with one value a channel does not fail but uses the running statistics, and `scale=False`
    leaves the weight at one, untrained (a following layer's weights can take it over).
    """

    def __init__(
        self, channels: int, momentum: float = 0.1, epsilon: float = 1e-5, scale: bool = True
    ) -> None:
        super().__init__()
        self.momentum, self.epsilon = momentum, epsilon
        self.weight = nn.Parameter(torch.ones(channels), requires_grad=scale)
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))

    mean: Tensor
    variance: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """(B, C) or (B, C, H, W) -> the same shape."""
        learning = self.training and x.numel() > x.shape[1]
        return functional.batch_norm(
            x,
            self.mean,
            self.variance,
            self.weight,
            self.bias,
            learning,
            self.momentum,
            self.epsilon,
        )

    def extra_repr(self) -> str:
        return f"{len(self.bias)}, momentum={self.momentum}, scale={self.weight.requires_grad}"


class GlobalPooling(nn.Module):
    """(B, C, H, W) -> (B, C): the largest ("max") or the mean ("average") value of each map."""

    def __init__(self, kind: str = "average") -> None:
        super().__init__()
        if kind not in ("max", "average"):
            raise ValueError(
                f"parameter kind of GlobalPooling must be max or average, got {kind!r}"
            )
        self.kind = kind

    def forward(self, x: Tensor) -> Tensor:
        return x.amax((2, 3)) if self.kind == "max" else x.mean((2, 3))

    def extra_repr(self) -> str:
        return self.kind


class Residual(nn.Module):
    """y = body(x) + shortcut(x) (arXiv 1512.03385); without a shortcut x itself is added."""

    def __init__(self, body: nn.Module, shortcut: nn.Module | None = None) -> None:
        super().__init__()
        self.body, self.shortcut = body, shortcut or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.body(x) + self.shortcut(x)
        return result


class View(nn.Module):
    """(B, C, H, W) -> (B, C, height, width): the middle of the picture."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.height, self.width = height, width

    def forward(self, x: Tensor) -> Tensor:
        top, left = (x.shape[2] - self.height) // 2, (x.shape[3] - self.width) // 2
        return x[:, :, top : top + self.height, left : left + self.width]

    def extra_repr(self) -> str:
        return f"{self.height}, {self.width}"


class Whitening(nn.Module):
    """A frozen convolution with decorrelated outputs of equal variance, each and its negative.

    The filters are the leading eigenvectors v_i of the covariance of K x K patches, divided by
    sqrt(eigenvalue_i + epsilon); outputs are [v, -v], so that an activation keeps both halves
    (arXiv 2404.00498). `learn` computes them from pictures. Before that they are those of a
    generic picture, whose pixels correlate as 0.95 ** distance and whose channels correlate by
    0.9.
    """

    def __init__(
        self, channels: int, outputs: int, kernel: int, stride: int = 1, epsilon: float = 0.02
    ) -> None:
        super().__init__()
        self.stride, self.epsilon = stride, epsilon
        self.register_buffer("weight", torch.zeros(outputs, channels, kernel, kernel))
        self._take(_generic_covariance(channels, kernel))

    weight: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, outputs, (H - K) // stride + 1, (W - K) // stride + 1)."""
        return functional.conv2d(x, self.weight, stride=self.stride)

    @torch.no_grad()
    def learn(self, images: Tensor) -> None:
        """Takes the filters from patches of normalised pictures (B, C, H, W), some thousand."""
        total, count = torch.zeros(()), 0
        each = images[:1].numel() * 4  # bytes of one as numbers, which its patches multiply
        for part in images.split(max(1, min(256, (16 << 20) // max(1, each)))):
            rows = self._patches(part.float())
            total, count = total + (rows.T @ rows).double().cpu(), count + len(rows)
        if count:
            self._take(total / count)

    def _patches(self, images: Tensor) -> Tensor:
        """(B, C, H, W) -> (B * places, C K K)."""
        kernel = self.weight.shape[-1]
        patches = images.unfold(2, kernel, self.stride).unfold(3, kernel, self.stride)
        return patches.permute(0, 2, 3, 1, 4, 5).reshape(-1, self.weight[0].numel())

    @torch.no_grad()
    def _take(self, covariance: Tensor) -> None:
        """Filters from a covariance (C K K, C K K); outputs beyond its vectors stay zero."""
        if self.weight.is_meta:  # built for its shapes only
            return
        values, vectors = torch.linalg.eigh(covariance.double().cpu())
        half = min(len(values), len(self.weight) // 2)
        spread = (values.flip(0)[:half].clamp(min=0) + self.epsilon).sqrt()
        leading = vectors.flip(1)[:, :half] / spread
        filters = leading.T.reshape(half, *self.weight.shape[1:])
        self.weight.zero_()
        self.weight[: 2 * half] = torch.cat([filters, -filters]).to(self.weight)

    def extra_repr(self) -> str:
        outputs, channels, kernel, _ = self.weight.shape
        return f"{channels}, {outputs}, kernel={kernel}, stride={self.stride}"


def _generic_covariance(channels: int, kernel: int) -> Tensor:
    """(C K K, C K K): 0.95 ** distance between places, times 0.9 between different channels."""
    side = torch.arange(kernel, dtype=torch.float64)
    places = torch.cartesian_prod(side, side)
    near = 0.95 ** torch.cdist(places, places)
    between = torch.full((channels, channels), 0.9, dtype=torch.float64).fill_diagonal_(1.0)
    return torch.kron(between, near)
