"""Pictures of one channel, aligned by their moments, as rows for clustering.

A view is a function from pictures to rows. Which view fits the pictures is chosen without labels
(`spectral.best_view`).

Shapes: N pictures, H height, W width.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from tenfold.recipes.clusters.spectral import RowView

__all__ = ["aligned", "gradients", "views"]

BLOCK_PICTURES = 2048
"""Pictures that are resampled at a time."""
ORIENTATIONS = 8
"""Directions of a gradient."""
SMOOTH, POOL, STEP = 0.7, 1.5, 3
"""Standard deviations of the blur before and after the gradient, and distance of the cells, all in
pixels of a picture of SIDE pixels."""
SIDE = 28


def views() -> dict[str, RowView]:
    """Returns the views of pictures (N, H, W), float32 or uint8, by name."""
    return {
        "pixels": _pixels,
        "gradients": gradients,
        "centred": lambda pictures: gradients(aligned(pictures, shear=False)),
        "deskewed": lambda pictures: gradients(aligned(pictures, shear=True)),
    }


def aligned(pictures: Tensor, shear: bool) -> Tensor:
    """Returns the pictures (N, H, W) float32 with the centre of their brightness in the middle.

    With `shear` they are also sheared along their rows until the covariance of the horizontal and
    the vertical place of brightness is 0, which sets slanted writing upright. Resampling is
    bilinear; outside a picture is its background: the median of its border, which counts as no
    brightness. Darker than the background counts like brighter.
    """
    parts = [_aligned(part.float(), shear) for part in pictures.split(BLOCK_PICTURES)]
    return torch.cat(parts) if parts else pictures.float()


def _aligned(pictures: Tensor, shear: bool) -> Tensor:
    height, width = pictures.shape[1:]
    border = torch.cat([pictures[:, 0], pictures[:, -1], pictures[:, :, 0], pictures[:, :, -1]], 1)
    ground = border.median(1).values[:, None, None]
    shown = pictures - ground
    y = torch.arange(height, device=pictures.device).float()[None, :, None]
    x = torch.arange(width, device=pictures.device).float()[None, None, :]
    weight = shown.abs()
    weight = weight / weight.sum((1, 2), keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)
    total = weight.sum((1, 2), keepdim=True)  # 1, or 0 in a picture of one colour
    middle_y, middle_x = (height - 1) / 2, (width - 1) / 2
    mean_y = (weight * y).sum((1, 2), keepdim=True) + (1 - total) * middle_y
    mean_x = (weight * x).sum((1, 2), keepdim=True) + (1 - total) * middle_x
    from_y = (mean_y + y - middle_y).expand(-1, height, width)
    from_x = (mean_x + x - middle_x).expand(-1, height, width)
    if shear:
        variance = (weight * (y - mean_y).square()).sum((1, 2), keepdim=True)
        covariance = (weight * (y - mean_y) * (x - mean_x)).sum((1, 2), keepdim=True)
        slant = torch.where(variance > 0, covariance / variance.clamp_min(1e-6), 0.0)
        from_x = from_x + slant * (y - middle_y)
    scale = 2 / max(height - 1, 1), 2 / max(width - 1, 1)
    grid = torch.stack([from_x * scale[1] - 1, from_y * scale[0] - 1], 3)
    moved = functional.grid_sample(shown[:, None], grid, align_corners=True)
    return moved[:, 0] + ground


def gradients(pictures: Tensor) -> Tensor:
    """Returns blurred gradients of each picture (N, H, W) by direction, as rows of length 1.

    A gradient counts in each of the directions by its positive part (histograms of oriented
    gradients, N. Dalal and B. Triggs 2005, without blocks). A picture of one colour is all zeros.
    """
    return torch.cat([_gradients(part.float()) for part in pictures.split(BLOCK_PICTURES)])


def _gradients(pictures: Tensor) -> Tensor:
    unit = min(pictures.shape[1:]) / SIDE
    smooth = _blurred(pictures[:, None], SMOOTH * unit)
    padded = functional.pad(smooth, (1, 1, 1, 1), mode="replicate")[:, 0]
    across = padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]
    down = padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]
    angles = torch.arange(ORIENTATIONS, device=pictures.device) * (2 * torch.pi / ORIENTATIONS)
    turned = angles.view(1, -1, 1, 1)
    parts = (across[:, None] * turned.cos() + down[:, None] * turned.sin()).clamp_min(0)
    step = max(1, round(STEP * unit))
    cells = _blurred(parts, POOL * unit, step)
    return functional.normalize(cells.flatten(1))


def _blurred(pictures: Tensor, sigma: float, step: int = 1) -> Tensor:
    """Returns pictures (N, C, H, W) blurred by a Gaussian, every `step`-th pixel of them."""
    reach = int(3 * sigma) + 1
    places = torch.arange(-reach, reach + 1, device=pictures.device)
    kernel = torch.exp(-places.square() / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    matrices = [_banded(size, kernel, reach, step) for size in pictures.shape[2:]]
    return matrices[0] @ pictures @ matrices[1].T


def _banded(size: int, kernel: Tensor, reach: int, step: int) -> Tensor:
    """Returns the matrix (size / step, size) that blurs and thins a line; outside is 0."""
    centres = torch.arange(step // 2, size, step, device=kernel.device)
    offset = torch.arange(size, device=kernel.device) - centres[:, None] + reach
    inside = (offset >= 0) & (offset < len(kernel))
    return torch.where(inside, kernel[offset.clamp(0, len(kernel) - 1)], 0.0)


def _pixels(pictures: Tensor) -> Tensor:
    return pictures.flatten(1).float()
