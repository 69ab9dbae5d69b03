"""The targets of the loss: the class of each pixel of the frame, and distances inside objects."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tenfold.media.image.frame import covered
from tenfold.media.image.masks.objects import distances
from tenfold.media.image.masks.pixels import IGNORED, TrueMask, nearest

__all__ = ["targets"]


def targets(
    cells: Sequence[str], classes: Sequence[str], frame: tuple[int, int], objects: bool
) -> dict[str, np.ndarray]:
    """Returns `mask` (N, H, W) uint8, the place of the class of each pixel in `classes`.

    It is IGNORED outside of the picture, for unlabelled pixels and other classes. With `objects`
    also `distance` (N, H, W) uint8: 0 outside of objects, 255 in the middle of each.
    """
    found = {"mask": np.full((len(cells), *frame), IGNORED, np.uint8)}
    if objects:
        found["distance"] = np.zeros((len(cells), *frame), np.uint8)
    for row, cell in enumerate(cells):
        mask = TrueMask.of(cell)
        height, width = covered(*mask.size, frame)
        found["mask"][row, :height, :width] = nearest(_plane(mask.numbered(classes)), height, width)
        if objects and mask.objects is not None:
            numbers = nearest(_plane(mask.objects), height, width)
            found["distance"][row, :height, :width] = distances(numbers)
    return found


def _plane(pixels: np.ndarray) -> np.ndarray:
    """Returns the pixels of a picture, of a stack those of the first plane."""
    return pixels if pixels.ndim == 2 else pixels[0]
