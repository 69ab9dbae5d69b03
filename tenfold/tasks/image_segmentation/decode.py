"""Masks from the outputs of the network, in the pixels of each picture; with numpy and Pillow.

Shapes: h w sides of the frame, H W those of the picture, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from tenfold.answers.segmentation.prediction import Mask, mask_of, only
from tenfold.media.image.frame import covered
from tenfold.media.image.masks.objects import grown, watershed

__all__ = ["decoded", "mask_from"]


def decoded(outputs: dict[str, Any], truths: dict[str, Any], options: Any) -> list[Mask]:
    """Returns the mask of each row of the outputs."""
    distances = outputs.get("distance")
    found = []
    for row, (width, height) in enumerate(np.asarray(outputs["size"]).tolist()):
        chances = np.asarray(outputs["probabilities"][row])
        rows, columns = covered(width, height, chances.shape[:2])
        distance = None if distances is None else np.asarray(distances[row])[:rows, :columns]
        chances = chances[:rows, :columns]
        found.append(mask_from(chances, distance, (height, width), truths, options))
    return found


def mask_from(
    chances: np.ndarray,
    distance: np.ndarray | None,
    size: tuple[int, int],
    truths: dict[str, Any],
    options: Any,
) -> Mask:
    """Returns the mask of a picture of `size` (H, W) from probabilities (h, w, K).

    `truths` has the `classes`, the `things` (classes whose objects are told apart) and
    `micrometres`.
    """
    best, sure = _largest(chances, size)
    numbers = None
    if distance is not None:
        numbers = _objects(chances, distance, best, truths)
    found = mask_of(best, truths["classes"], numbers, sure, micrometres=truths.get("micrometres"))
    return only(found, options.only) if getattr(options, "only", "") else found


def _largest(chances: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the most probable class (H, W) uint8 of each pixel, and its probability."""
    best = np.zeros(size, np.uint8)
    sure = np.full(size, -1.0, np.float32)
    for number in range(chances.shape[2]):
        plane = enlarged(chances[..., number], size)
        larger = plane > sure
        best[larger] = number
        np.maximum(sure, plane, out=sure)
    return best, sure


def _objects(
    chances: np.ndarray, distance: np.ndarray, best: np.ndarray, truths: dict[str, Any]
) -> np.ndarray:
    """Returns the numbers of the objects (H, W), found in the pixels of the frame."""
    things = _things(truths["classes"], truths["things"])
    inside = things[chances.argmax(2)]
    numbers = watershed(np.asarray(distance, np.float32), inside)
    region = things[best]
    if numbers.shape == best.shape:
        return np.where(region, numbers, 0)
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(int)
        for new, old in zip(best.shape, numbers.shape, strict=True)
    )
    return grown(np.where(region, numbers[rows[:, None], columns], 0), region)


def _things(classes: Sequence[str], things: Sequence[str]) -> np.ndarray:
    """Returns (K,) True for the classes whose objects are told apart."""
    return np.array([name in things for name in classes], bool)


def enlarged(plane: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns values (h, w) in another size (H, W), by bilinear interpolation."""
    if plane.shape == size:
        return np.asarray(plane, np.float32)
    picture = Image.fromarray(np.ascontiguousarray(plane, np.float32))
    return np.asarray(picture.resize((size[1], size[0]), Image.Resampling.BILINEAR))
