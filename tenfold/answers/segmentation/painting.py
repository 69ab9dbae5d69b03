"""Masks drawn on pictures: the colour of each class, outlines, and a legend.

Shapes: H x W pixels of the picture.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from tenfold.answers.metric import share
from tenfold.answers.segmentation.prediction import Mask, is_background
from tenfold.media import drawing

__all__ = ["drawn", "resized"]

STRENGTH = 0.45
"""Share of the colour of a class in the pixels that it covers."""
SMALLEST = 320
"""Pixels of the longer side below which a picture is enlarged."""
WHITE = (255, 255, 255)
MAX_NAMES = 24
"""Classes in a legend; the largest come first."""


def drawn(mask: Mask, picture: Image.Image) -> Image.Image:
    """Returns the picture with the classes in colours, the outlines, and a legend below it.

    The background is left clear. Of a stack, the plane in the middle is drawn. A picture of another
    size than the mask, such as a thumbnail, gets the nearest pixels. A small picture is enlarged.
    """
    times = -(-SMALLEST // max(picture.size))
    picture = picture.convert("RGB").resize(
        (picture.width * times, picture.height * times), Image.Resampling.NEAREST
    )
    image = np.array(picture, np.float32)
    classes = resized(_plane(mask.pixels), *image.shape[:2])
    numbers = resized(_plane(mask.object_numbers), *image.shape[:2])
    tones = np.zeros((256, 3), np.float32)
    tones[: len(mask.classes)] = [drawing.tone(one) for one in range(len(mask.classes))]
    known = classes < len(mask.classes)
    if mask.classes and is_background(mask.classes[0]):
        known &= classes > 0
    image[known] += STRENGTH * (tones[classes] - image)[known]
    lines = _outlined(classes, numbers) & known
    image[lines] = tones[classes][lines]
    found = Image.fromarray(image.round().astype(np.uint8))
    return drawing.legend(found, _entries(mask))


def resized(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """Returns an array (h, w) in another size, each pixel the nearest of the array."""
    rows = ((np.arange(height) + 0.5) * values.shape[0] / height).astype(int)
    columns = ((np.arange(width) + 0.5) * values.shape[1] / width).astype(int)
    found: np.ndarray = values[rows[:, None], columns]
    return found


def _plane(values: np.ndarray) -> np.ndarray:
    found: np.ndarray = values if values.ndim == 2 else values[len(values) // 2]
    return found


def _outlined(classes: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Returns True for pixels next to one of another class or object."""
    found = np.zeros(classes.shape, bool)
    for values in (classes, numbers):
        down, across = values[1:] != values[:-1], values[:, 1:] != values[:, :-1]
        found[1:] |= down
        found[:-1] |= down
        found[:, 1:] |= across
        found[:, :-1] |= across
    return found


def _entries(mask: Mask) -> list[tuple[str, drawing.Tone]]:
    """Returns name, share and number of objects of each class that occurs, with its colour."""
    ordered = sorted(mask.chances.items(), key=lambda one: -one[1])
    counts = {name: 0 for name in mask.classes}
    for one in mask.objects:
        counts[one["class"]] += 1
    return [
        (
            f"{name} {share(part)}" + (f" ({counts[name]})" if counts[name] else ""),
            WHITE if is_background(name) else drawing.tone(mask.classes.index(name)),
        )
        for name, part in ordered[:MAX_NAMES]
        if part
    ]
