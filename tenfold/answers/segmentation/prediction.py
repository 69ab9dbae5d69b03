"""The predicted mask of a picture or a stack: the class of each pixel, and its objects.

Shapes: H x W pixels of the upright picture, or Z x H x W of a stack; M objects, C channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from tenfold.answers.metric import share
from tenfold.answers.segmentation import regions, runs
from tenfold.core.language import say
from tenfold.core.results import Prediction, rounded
from tenfold.media.image.masks.pixels import IGNORED

__all__ = [
    "NO_CLASS",
    "Mask",
    "is_background",
    "mask_of",
    "only",
    "shares_text",
    "with_intensities",
]

NO_CLASS = IGNORED
"""The number of predicted pixels without a class, such as those that `only` leaves out."""


@dataclass(frozen=True)
class Mask(Prediction):
    """The predicted class of each pixel, as run lengths.

    `size` is (height, width) of the whole upright picture, or (planes, height, width) of a stack.
    `runs` are flat pairs in row-major order: number of the class in `classes` (NO_CLASS = none),
    number of pixels. `confidence` is the mean probability of the predicted class.

    Where objects are told apart, `numbers` are the runs of their numbers (0 = none), and
    `objects[i]` describes the object with the number i + 1: `class`, `area` in pixels, `box` (x0,
    y0, x1, y1) and `centre` (x, y) in fractions of the picture, `elongation` (length of the major
    axis divided by the minor, of the ellipse with the same second moments), and where known
    `confidence`, `intensity` (mean of each channel) and `planes` (first and last). Else both are
    empty. `micrometres` is the size of a pixel, None where unknown.
    """

    columns: ClassVar[tuple[str, ...]] = ("shares", "objects", "confidence")
    classes: tuple[str, ...]
    size: tuple[int, ...]
    runs: tuple[int, ...]
    confidence: float = 1.0
    objects: tuple[dict[str, Any], ...] = field(default=(), hash=False)
    numbers: tuple[int, ...] = ()
    micrometres: float | None = None

    @property
    def pixels(self) -> np.ndarray:
        """The number of the class of each pixel, uint8 in the shape `size`."""
        return runs.decode(self.runs, self.size, np.uint8)

    @property
    def told_apart(self) -> bool:
        """True if objects are separated, even if the mask has none."""
        return bool(self.numbers)

    @property
    def object_numbers(self) -> np.ndarray:
        """The number of the object of each pixel, uint32 in the shape `size`; 0 = none."""
        if not self.numbers:
            return np.zeros(self.size, np.uint32)
        return runs.decode(self.numbers, self.size, np.uint32)

    @property
    def areas(self) -> dict[str, int]:
        """The number of pixels of each class that occurs, in the order of `classes`."""
        found = runs.totals(self.runs)
        return {self.classes[number]: count for number, count in found.items() if number < NO_CLASS}

    @property
    def chances(self) -> dict[str, float]:
        """The share of the picture that each class covers, by name."""
        pixels = max(1, int(np.prod(self.size, dtype=np.int64)))
        return {name: self.areas.get(name, 0) / pixels for name in self.classes}

    @property
    def text(self) -> str:
        """The shares of the classes in words, the largest first."""
        return shares_text(self.chances) or say("nothing")

    @property
    def line(self) -> str:
        """One line for the terminal, with cells separated by tabs."""
        counted = [say("{count} objects", count=len(self.objects))] if self.told_apart else []
        return "\t".join([self.text, *counted, f"{self.confidence:.4f}"])

    @property
    def cells(self) -> tuple[str, ...]:
        """Values of `columns` in a table of predictions."""
        counted = str(len(self.objects)) if self.told_apart else ""
        return self.text, counted, f"{self.confidence:.4f}"


def is_background(name: str) -> bool:
    """Returns True for the name of the background: its pixels are drawn and outlined as nothing."""
    return name.strip("_ ").casefold() == "background"


def shares_text(shares: dict[str, float]) -> str:
    """Returns "road 61 %, sky 20 %": the names with a share above zero, the largest first."""
    ordered = sorted(shares.items(), key=lambda one: -one[1])
    return ", ".join(f"{name} {share(value)}" for name, value in ordered if value)


def mask_of(
    pixels: np.ndarray,
    classes: Sequence[str],
    numbers: np.ndarray | None = None,
    sure: np.ndarray | float = 1.0,
    picture: np.ndarray | None = None,
    micrometres: float | None = None,
) -> Mask:
    """Returns the Mask of class numbers (H, W) or (Z, H, W).

    `numbers` has the number of the object of each pixel, 0 = none; objects are numbered anew, from
    1 without gaps. `sure` is the probability of the predicted class of each pixel, or its mean;
    `picture` (H, W, C) or (Z, H, W, C) gives the intensities of the objects.
    """
    found: list[dict[str, Any]] = []
    numbered: tuple[int, ...] = ()
    if numbers is not None:
        numbers, found = regions.described(pixels, numbers, classes, _each(sure), picture)
        numbered = runs.encode(numbers)
    return Mask(
        tuple(classes),
        tuple(map(int, pixels.shape)),
        runs.encode(pixels),
        rounded(float(np.mean(sure)) if np.size(sure) else 0.0) or 0.0,
        tuple(found),
        numbered,
        micrometres,
    )


def _each(sure: np.ndarray | float) -> np.ndarray | None:
    """Returns the probabilities if there is one for each pixel."""
    return sure if isinstance(sure, np.ndarray) and sure.ndim else None


def with_intensities(mask: Mask, picture: np.ndarray) -> Mask:
    """Returns the mask with the mean of each channel of `picture` (size, C) for each object."""
    if not mask.objects:
        return mask
    values = regions.intensities(mask.object_numbers, picture)
    pairs = zip(mask.objects, values, strict=True)
    return replace(mask, objects=tuple(one | {"intensity": own} for one, own in pairs))


def only(mask: Mask, names: str | Sequence[str]) -> Mask:
    """Returns the mask with these classes alone; the other pixels have NO_CLASS."""
    kept = {names} if isinstance(names, str) else {*names}
    table = np.arange(256, dtype=np.uint8)
    for number, name in enumerate(mask.classes):
        table[number] = number if name in kept else NO_CLASS
    found = replace(mask, runs=runs.encode(table[mask.pixels]))
    if not mask.told_apart:
        return found
    mine = np.array([False, *(one["class"] in kept for one in mask.objects)])
    numbers = np.where(mine, np.cumsum(mine), 0)
    objects = tuple(one for one in mask.objects if one["class"] in kept)
    return replace(found, objects=objects, numbers=runs.encode(numbers[mask.object_numbers]))
