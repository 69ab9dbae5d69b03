"""The fingerprint of the data: frame, crop, batch, depth, classes and objects.

It is computed from the true masks of the training rows and kept with the run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tenfold.core.message import Message
from tenfold.media.image.masks.pixels import TrueMask

__all__ = ["Fingerprint", "batch_of", "crop_of", "levels_of"]

STEP = 16
"""Sides of a frame are multiples of this number of pixels."""
LARGEST = 512
"""Longest side of a frame by default, in pixels."""
LARGEST_WHOLE = 2048
"""The same for pictures that are more than twice as large; they are learnt from crops."""
BATCH_PIXELS = 1 << 18
"""Pixels of the crops of a batch, at most."""
MOST_ROWS, LEAST_ROWS = 16, 4


@dataclass(frozen=True)
class Fingerprint:
    """What is known of true masks before training.

    `widths` and `heights` are the sides of each picture; `classes` are the names of the classes
    that occur, in the order of the masks, and `pixels` the number of pixels of each; `things` are
    the classes whose pixels mostly belong to numbered objects; `areas` are the pixels of each
    object of each picture, and `micrometres` the size of a pixel, None where it is unknown or
    differs.
    """

    widths: tuple[int, ...]
    heights: tuple[int, ...]
    classes: tuple[str, ...]
    pixels: tuple[int, ...]
    things: tuple[str, ...]
    areas: tuple[np.ndarray, ...]
    micrometres: float | None

    @staticmethod
    def of(masks: Iterable[TrueMask]) -> Fingerprint:
        """Returns the fingerprint of true masks."""
        names: dict[str, None] = {}
        counts, owned = Counter[str](), Counter[str]()
        sides, areas, sizes = [], [], set()
        for mask in masks:
            names |= dict.fromkeys(mask.classes)
            sides.append(mask.size)
            sizes.add(mask.micrometres)
            counts.update(mask.counts())
            areas.append(np.zeros(0, np.int64))
            if mask.objects is not None:
                held = np.bincount(mask.pixels[mask.objects > 0], minlength=256)
                owned.update({name: int(held[at]) for at, name in enumerate(mask.classes)})
                counted = np.bincount(mask.objects.ravel().astype(np.int64))[1:]
                areas[-1] = counted[counted > 0]
        classes = tuple(name for name in names if counts[name])
        return Fingerprint(
            tuple(width for width, _ in sides),
            tuple(height for _, height in sides),
            classes,
            tuple(counts[name] for name in classes),
            tuple(name for name in classes if 2 * owned[name] > counts[name]),
            tuple(areas),
            sizes.pop() if len(sizes) == 1 else None,
        )

    @property
    def objects(self) -> int:
        """The number of objects."""
        return sum(map(len, self.areas))

    @property
    def shares(self) -> list[float]:
        """The share of each class among the labelled pixels."""
        total = max(1, sum(self.pixels))
        return [round(count / total, 6) for count in self.pixels]

    def truths(self, frame: tuple[int, int]) -> dict[str, Any]:
        """Returns the facts about classes, objects and sizes.

        `least_object` is the area, in pixels of the frame, that only 2 % of the objects do not
        reach; `largest` is the longest side of all pictures, `scale` that of the middle one in
        the frame.
        """
        sides = zip(self.widths, self.heights, strict=True)
        scales = [min(frame[0] / height, frame[1] / width) for width, height in sides]
        pairs = zip(self.areas, scales, strict=True)
        areas = np.concatenate([np.zeros(0), *(area * scale**2 for area, scale in pairs)])
        return {
            "classes": list(self.classes),
            "shares": self.shares,
            "things": list(self.things),
            "objects": self.objects,
            "least_object": round(float(np.quantile(areas, 0.02)), 2) if len(areas) else 0.0,
            "micrometres": self.micrometres,
            "largest": max(*self.widths, *self.heights),
            "scale": round(float(np.median(scales)), 6),
        }

    def frame(self, wanted: int) -> tuple[int, int]:
        """Returns (height, width) of the frame that all pictures are placed in.

        Its longest side is `wanted` pixels. With 0, it is that of the pictures, up to LARGEST
        pixels; pictures more than twice as large keep their size, up to LARGEST_WHOLE pixels,
        because details would be lost. Sides are those that 95 % of the pictures do not exceed,
        rounded up to multiples of STEP.
        """
        width, height = (float(np.quantile(one, 0.95)) for one in (self.widths, self.heights))
        longest = max(width, height)
        usual = LARGEST if longest <= 2 * LARGEST else LARGEST_WHOLE
        scale = (wanted or min(longest, usual)) / longest
        return _stepped(scale * height), _stepped(scale * width)

    def line(self, frame: tuple[int, int], crop: tuple[int, int]) -> Message:
        """Returns the sentence that is printed about the data and what follows from them."""
        shares = dict(zip(self.classes, self.shares, strict=True))
        rare = min(shares, key=lambda name: shares[name])
        told = {
            "classes": len(self.classes),
            "rare": rare,
            "share": shares[rare],
            "smallest": _sides(min(self.widths), min(self.heights)),
            "largest": _sides(max(self.widths), max(self.heights)),
            "frame": _sides(frame[1], frame[0]),
            "crop": _sides(crop[1], crop[0]),
            "batch": batch_of(crop),
            "levels": levels_of(frame),
        }
        if not self.things:
            return Message(
                "Masks: {classes} classes, the rarest {rare!r} with {share:.2%} of the pixels; "
                "pictures of {smallest} to {largest} pixels in a frame of {frame}, crops of "
                "{crop}, {batch} in a batch, {levels} levels.",
                **told,
            )
        return Message(
            "Masks: {classes} classes, the rarest {rare!r} with {share:.2%} of the pixels, "
            "{objects} objects of {things}; pictures of {smallest} to {largest} pixels in a frame "
            "of {frame}, crops of {crop}, {batch} in a batch, {levels} levels.",
            **told,
            objects=self.objects,
            things=", ".join(self.things),
        )


def _sides(width: int, height: int) -> str:
    return f"{width} x {height}"


def _stepped(side: float) -> int:
    return max(STEP, -(-round(side) // STEP) * STEP)


def crop_of(frame: tuple[int, int]) -> tuple[int, int]:
    """Returns the sides of the crops of a training: about three quarters of those of the frame.

    Frames with a side below 64 pixels are not cropped; crops have at most 320 pixels a side.
    """
    if min(frame) < 64:
        return frame
    sides = [min(320, max(48, round(0.74 * side / STEP) * STEP)) for side in frame]
    return sides[0], sides[1]


def batch_of(crop: tuple[int, int]) -> int:
    """Returns the number of crops of a batch: a power of two from 4 to 16."""
    rows = min(MOST_ROWS, max(LEAST_ROWS, BATCH_PIXELS // (crop[0] * crop[1])))
    return int(1 << (rows.bit_length() - 1))


def levels_of(frame: tuple[int, int]) -> int:
    """Returns how often the network halves the sides: 4 times, 3 times for small frames."""
    return 4 if min(frame) >= 64 else 3
