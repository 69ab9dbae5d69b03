"""Masks from the outputs of the network, in the pixels of each picture; with numpy and Pillow.

Shapes: h w sides of the frame, H W those of the picture, K classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from tenfold.answers.mask import Mask, mask_of, only
from tenfold.media.image.frame import covered
from tenfold.media.image.masks.objects import grown, watershed
from tenfold.media.image.masks.pixels import nearest

__all__ = ["decoded", "mask_from"]


def decoded(outputs: dict[str, Any], truths: dict[str, Any], options: Any) -> list[Mask]:
    """Returns the mask of each row of the outputs of the network."""
    distances = outputs.get("distance")
    found = []
    for row, (width, height) in enumerate(np.asarray(outputs["sides"]).tolist()):
        chances = np.asarray(outputs["probabilities"][row])
        rows, columns = covered(width, height, chances.shape[:2])
        chances = chances[:rows, :columns]
        best, sure = _largest(chances, (height, width))
        numbers = None
        if distances is not None:
            distance = np.asarray(distances[row])[:rows, :columns]
            numbers = _objects(distance, chances.argmax(2), best, truths)
        found.append(_answer(best, sure, numbers, truths, options))
    return found


def mask_from(
    best: np.ndarray,
    sure: np.ndarray,
    distance: np.ndarray | None,
    size: tuple[int, int],
    truths: dict[str, Any],
    options: Any,
) -> Mask:
    """Returns the mask of a picture of `size` (H, W) from classes (h, w) and their probabilities.

    `distance` (h, w) is None where objects are not told apart. `truths` has the `classes`, the
    `things` (classes whose objects are told apart) and `micrometres`.
    """
    large = nearest(best, *size)
    numbers = None if distance is None else _objects(distance, best, large, truths)
    return _answer(large, nearest(sure, *size), numbers, truths, options)


def _answer(
    best: np.ndarray,
    sure: np.ndarray,
    numbers: np.ndarray | None,
    truths: dict[str, Any],
    options: Any,
) -> Mask:
    found = mask_of(best, truths["classes"], numbers, sure, micrometres=truths.get("micrometres"))
    return only(found, options.only) if getattr(options, "only", "") else found


def _largest(chances: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the most probable class (H, W) uint8 of each pixel, and its probability."""
    if chances.shape[:2] == size:
        return chances.argmax(2).astype(np.uint8), chances.max(2)
    best = np.zeros(size, np.uint8)
    sure = np.full(size, -1.0, np.float32)
    for number in range(chances.shape[2]):
        picture = Image.fromarray(np.ascontiguousarray(chances[..., number], np.float32))
        plane = np.asarray(picture.resize((size[1], size[0]), Image.Resampling.BILINEAR))
        larger = plane > sure
        best[larger] = number
        np.maximum(sure, plane, out=sure)
    return best, sure


def _objects(
    distance: np.ndarray, small: np.ndarray, best: np.ndarray, truths: dict[str, Any]
) -> np.ndarray:
    """Returns the numbers of the objects (H, W): found in classes (h, w), enlarged to `best`."""
    things = np.array([name in truths["things"] for name in truths["classes"]], bool)
    numbers = watershed(np.asarray(distance, np.float32), things[small], truths["least_object"])
    region = things[best]
    if numbers.shape == best.shape:
        return numbers
    return grown(np.where(region, nearest(numbers, *best.shape), 0), region)
