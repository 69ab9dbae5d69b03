"""Shows encoded images, with or without a heat map.

Shapes: (H, W, C) uint8 image with one or three channels, with or without a mask as last channel;
(R, K) grid of weights over the image.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from tenfold.core.columns import Column

__all__ = ["is_picture", "overlay", "picture"]


def is_picture(column: Column) -> bool:
    """Returns True for encoded images, uint8 (N, H, W, C): grey or RGB, with or without a mask."""
    if not isinstance(column, np.ndarray) or column.ndim != 4:
        return False
    return bool(column.dtype == np.uint8 and 1 <= column.shape[-1] <= 4)


def picture(pixels: np.ndarray, least: int = 0) -> Image.Image:
    """Returns (H, W, C) uint8 values as an image; a small one is enlarged without smoothing.

    The longer side of the result has at least `least` pixels. The last of two or four channels is
    a mask: the region outside it is lightened.
    """
    if pixels.shape[2] in (2, 4):
        pixels = _paled(pixels[..., :-1], pixels[..., -1:])
    plane = pixels[..., 0] if pixels.shape[2] == 1 else pixels
    found = Image.fromarray(np.ascontiguousarray(plane))
    times = -(-least // max(found.size))
    if times > 1:
        found = found.resize((found.width * times, found.height * times), Image.Resampling.NEAREST)
    return found


def _paled(pixels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Returns the image with its background mixed with three quarters of white."""
    inside = 0.25 + 0.75 * (mask.astype(np.float32) / 255)
    return np.asarray((pixels * inside + 255 * (1 - inside)).round().astype(np.uint8))


_WARM, _HOT, _COLD = np.array([[255, 176, 32], [216, 27, 46], [52, 108, 214]], np.float32)


def overlay(pixels: np.ndarray, weights: Sequence[Any], least: int = 96) -> Image.Image:
    """Returns the image in pale colours under a heat map of a grid (R, K) of weights.

    Positive weights are orange to red, negative weights blue.
    """
    below = picture(pixels, least).convert("RGB")
    base = np.asarray(below, np.float32)
    grid = np.asarray(weights, np.float32)
    peak = float(np.abs(grid).max(initial=0.0))
    if peak <= 0:
        return below
    wide = Image.fromarray(grid / peak).resize(below.size, Image.Resampling.BICUBIC)
    heat = np.asarray(wide).clip(-1, 1)[..., None]
    warm = _WARM + (_HOT - _WARM) * heat.clip(0, 1)
    share = 0.72 * np.abs(heat) ** 0.9
    pale = 0.55 * base.mean(2, keepdims=True) + 0.45 * base
    mixed = pale * (1 - share) + np.where(heat > 0, warm, _COLD) * share
    return Image.fromarray(mixed.round().astype(np.uint8))
