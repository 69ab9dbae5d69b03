"""Basic network modules: convolution, pooling, dense, normalisation, activation, dropout, residual.

They use torch's modules where possible and add only what tenfold needs. All of them take and return
images as (B, C, H, W), in any memory format, or rows as (B, C). Their parameters and buffers are
floats, so that the `state_dict` is exactly what is written to disk.

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
    "ResidualBlock",
    "View",
    "Whitening",
    "activation",
    "average_pooling",
    "conv_block",
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
    """Convolution: (B, inputs, H, W) -> (B, outputs, H', W').

    `same` pads with kernel // 2 zeros, so that an odd kernel with stride 1 keeps H and W.
    """
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2 if same else 0, bias=bias)


def max_pooling(size: int | tuple[int, int] = 2, stride: int | None = None) -> nn.MaxPool2d:
    """Max pooling: (B, C, H, W) -> (B, C, H // size, W // size); by default stride = size."""
    return nn.MaxPool2d(size, stride)


def average_pooling(size: int | tuple[int, int] = 2, stride: int | None = None) -> nn.AvgPool2d:
    """Average pooling: (B, C, H, W) -> (B, C, H // size, W // size); by default stride = size."""
    return nn.AvgPool2d(size, stride)


def dense(inputs: int, outputs: int, bias: bool = True) -> nn.Linear:
    """Dense (linear) layer: (B, inputs) -> (B, outputs)."""
    return nn.Linear(inputs, outputs, bias)


def flatten() -> nn.Flatten:
    """Flattens feature maps to vectors: (B, C, H, W) -> (B, C * H * W)."""
    return nn.Flatten()


def activation(name: str = "relu") -> nn.Module:
    """Activation function by name, for any shape.

    Raises ValueError for a name that is not in ACTIVATIONS.
    """
    if name not in ACTIVATIONS:
        raise ValueError(
            f"parameter name of activation must be one of {', '.join(ACTIVATIONS)}, got {name!r}"
        )
    return ACTIVATIONS[name]()


def dropout(share: float = 0.5) -> nn.Module:
    """Dropout: sets this share of the values to zero during training; any shape."""
    return nn.Dropout(share)


def group_norm(channels: int, groups: int = 32) -> nn.GroupNorm:
    """Group normalisation (arXiv 1803.08494).

    Uses the largest number of groups, at most `groups`, that divides the number of channels.
    """
    most = min(groups, channels)
    return nn.GroupNorm(next(g for g in range(most, 0, -1) if channels % g == 0), channels)


class BatchNorm(nn.Module):
    """Batch normalisation (arXiv 1502.03167).

    y = (x - mean) / sqrt(variance + epsilon) * weight + bias

    Differs from torch's module in three ways: its buffers contain no integer counter; a batch with
    one value per channel uses the running statistics instead of raising an error; and with
    `scale=False` the weight stays at one and is not trained (the next layer can learn the scale).
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
        """Normalised values: (B, C) or (B, C, H, W) -> the same shape."""
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
    """Global pooling: (B, C, H, W) -> (B, C), the maximum ("max") or mean ("average") of each map.

    Raises ValueError for another `kind`.
    """

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
    """Residual block (arXiv 1512.03385): y = body(x) + shortcut(x).

    Without `shortcut`, y = body(x) + x.
    """

    def __init__(self, body: nn.Module, shortcut: nn.Module | None = None) -> None:
        super().__init__()
        self.body, self.shortcut = body, shortcut or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.body(x) + self.shortcut(x)
        return result


def conv_block(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution, batch norm and ReLU: (B, inputs, H, W) -> (B, outputs, H', W').

    Odd kernels keep H and W with stride 1, and halve them (rounded up) with stride 2.
    """
    return nn.Sequential(
        convolution(inputs, outputs, kernel, stride, bias=False), BatchNorm(outputs), nn.ReLU()
    )


class ResidualBlock(nn.Module):
    """Basic residual block (arXiv 1512.03385): (B, C, H, W) -> the same shape.

    y = relu(x + norm(conv(relu(norm(conv(x))))), with convolutions of 3 x 3. The last norm starts
    with weight zero, so that an untrained block returns relu(x) (arXiv 1706.02677).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        last = BatchNorm(channels)
        nn.init.zeros_(last.weight)
        self.body = nn.Sequential(
            conv_block(channels, channels), convolution(channels, channels, bias=False), last
        )

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.body(x))


class View(nn.Module):
    """Center crop: (B, C, H, W) -> (B, C, height, width)."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.height, self.width = height, width

    def forward(self, x: Tensor) -> Tensor:
        top, left = (x.shape[2] - self.height) // 2, (x.shape[3] - self.width) // 2
        return x[:, :, top : top + self.height, left : left + self.width]

    def extra_repr(self) -> str:
        return f"{self.height}, {self.width}"


class Whitening(nn.Module):
    """Whitening layer: a fixed convolution whose outputs are uncorrelated and of equal variance.

    The filters are the leading eigenvectors v_i of the covariance of K x K patches, divided by
    sqrt(eigenvalue_i + epsilon). Each filter is also used with its sign changed, [v, -v], so that
    an activation keeps both signs (arXiv 2404.00498). `learn` computes the filters from images.
    Before that, they come from a generic image whose pixels have the correlation 0.95 ** distance
    and whose channels have the correlation 0.9.
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
        """Convolution without padding.

        (B, C, H, W) -> (B, outputs, (H - K) // stride + 1, (W - K) // stride + 1).
        """
        return functional.conv2d(x, self.weight, stride=self.stride)

    @torch.no_grad()
    def learn(self, images: Tensor) -> None:
        """Computes the filters from normalised images (B, C, H, W); a few thousand are enough."""
        total, count = torch.zeros(()), 0
        each = images[:1].numel() * 4  # bytes of one image in float32; its patches need more
        for part in images.split(max(1, min(256, (16 << 20) // max(1, each)))):
            rows = self._patches(part.float())
            total, count = total + (rows.T @ rows).double().cpu(), count + len(rows)
        if count:
            self._take(total / count)

    def _patches(self, images: Tensor) -> Tensor:
        """All K x K patches of images: (B, C, H, W) -> (B * positions, C K K)."""
        kernel = self.weight.shape[-1]
        patches = images.unfold(2, kernel, self.stride).unfold(3, kernel, self.stride)
        return patches.permute(0, 2, 3, 1, 4, 5).reshape(-1, self.weight[0].numel())

    @torch.no_grad()
    def _take(self, covariance: Tensor) -> None:
        """Sets the filters from a covariance matrix (C K K, C K K).

        If there are more outputs than eigenvectors (and their negatives), the others stay zero.
        """
        if self.weight.is_meta:  # on the meta device, only shapes are needed
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
    """Patch covariance (C K K, C K K) of a generic image.

    0.95 ** distance between two pixels, times 0.9 between two different channels.
    """
    side = torch.arange(kernel, dtype=torch.float64)
    places = torch.cartesian_prod(side, side)
    near = 0.95 ** torch.cdist(places, places)
    between = torch.full((channels, channels), 0.9, dtype=torch.float64).fill_diagonal_(1.0)
    return torch.kron(between, near)
