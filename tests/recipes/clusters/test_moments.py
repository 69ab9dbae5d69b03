"""Moved and sheared pictures are aligned; views are rows of any pictures."""

from __future__ import annotations

import pytest
import torch

from tenfold.recipes.clusters.moments import aligned, gradients, views
from tenfold.recipes.clusters.spectral import best_view, partition


def strokes(slants: torch.Tensor, shift: int = 0, bar: bool = False) -> torch.Tensor:
    """Pictures (N, 28, 28) of a stroke with so many columns of slant a row, or of two strokes."""
    y, x = torch.arange(28.0)[:, None], torch.arange(28.0)[None, :]
    inside = ((y - 13.5).abs() < 9).float()
    middle = 13.5 + shift + slants[:, None, None] * (y - 13.5)
    picture = torch.exp(-((x - middle) ** 2) / 4) * inside
    if bar:
        picture = picture + torch.exp(-((x - middle - 6) ** 2) / 4) * inside
    return 255 * picture


def moments(pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Means of y and x, and slant of each picture."""
    y, x = torch.arange(28.0)[:, None], torch.arange(28.0)[None, :]
    weight = pictures / pictures.sum((1, 2), keepdim=True)
    at = (weight * y).sum((1, 2)), (weight * x).sum((1, 2))
    dy, dx = y - at[0][:, None, None], x - at[1][:, None, None]
    return (*at, (weight * dy * dx).sum((1, 2)) / (weight * dy * dy).sum((1, 2)))


def test_alignment() -> None:
    slants = torch.linspace(-0.4, 0.4, 9)
    pictures = strokes(slants, shift=3)
    centred, deskewed = aligned(pictures, shear=False), aligned(pictures, shear=True)
    for picture in (centred, deskewed):
        for mean in moments(picture)[:2]:
            torch.testing.assert_close(mean, torch.full((9,), 13.5), atol=0.1, rtol=0)
    torch.testing.assert_close(moments(centred)[2], slants, atol=0.02, rtol=0)
    assert moments(deskewed)[2].abs().max() < 0.02
    assert (deskewed - deskewed[4]).abs().max() < 40  # all alike, but for the resampling
    dark = aligned(255 - pictures, shear=True)
    torch.testing.assert_close(dark, 255 - deskewed, atol=1e-3, rtol=0)


@pytest.mark.parametrize("shape", [(3, 28, 28), (2, 8, 8), (1, 40, 17), (2, 1, 1), (2, 64, 3)])
def test_views_of_odd_pictures_are_finite(shape) -> None:
    pictures = torch.randint(0, 256, shape, dtype=torch.uint8)
    for name, view in views().items():
        for one in (pictures, torch.full(shape, 7, dtype=torch.uint8)):
            rows = view(one)
            assert rows.dtype == torch.float32 and rows.isfinite().all(), name
            assert len(rows) == shape[0] and rows.dim() == 2
    assert gradients(torch.zeros(2, 9, 9)).abs().max() == 0


def test_moved_and_slanted_strokes_are_grouped_by_what_they_show() -> None:
    draw = torch.Generator().manual_seed(0)
    slant, shift, width, gap = torch.rand(4, 200, 1, 1, generator=draw)
    two = torch.arange(200) % 2
    y, x = torch.arange(28.0)[:, None] - 13.5, torch.arange(28.0)[None, :] - 13.5
    away = (x - 8 * (shift - 0.5) - (slant - 0.5) * y) / (1 + width)
    other = away - (3 + gap) / (1 + width)
    shown = torch.exp(-away.square()) + torch.exp(-other.square()) * two[:, None, None]
    pictures = 255 * shown.clamp(max=1) * (y.abs() < 9)
    name, cuts = best_view(pictures, 2, views())
    assert name in ("centred", "deskewed") and cuts["deskewed"] < cuts["pixels"]
    groups = partition(pictures, 2, view=views()[name]).groups
    assert sorted([groups[0::2].unique().tolist(), groups[1::2].unique().tolist()]) == [[0], [1]]
