"""True masks: the class of each pixel, and the number of its object, as one text cell of a table.

Readers make the cell of every format; targets, metrics and drawings take it apart. It holds all
that is known about the truth of a picture, so that neither the mask's file nor a mapping of values
is needed again.

Shapes: H x W pixels of the upright picture, Z planes of a stack (1 for a picture), K classes.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

__all__ = ["IGNORED", "TrueMask", "nearest"]

IGNORED = 255
"""The class number of unlabelled pixels, which count for neither loss nor scores."""
MOST_CLASSES = 255


@dataclass(frozen=True)
class TrueMask:
    """The class of each pixel of a picture, (H, W) uint8, or of a stack, (Z, H, W).

    `classes` names the numbers 0 to K - 1 in `pixels`; IGNORED marks unlabelled pixels.
    `objects` numbers the objects from 1 (0 = none), uint16 or uint32 in the shape of `pixels`; None
    where objects are not told apart. `micrometres` is the size of a pixel, None where unknown.
    """

    classes: tuple[str, ...]
    pixels: np.ndarray
    objects: np.ndarray | None = None
    micrometres: float | None = field(default=None)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.pixels.shape[-1], self.pixels.shape[-2]

    def cell(self) -> str:
        """Returns the mask as a text: JSON with the arrays compressed."""
        held: dict[str, object] = {
            "classes": list(self.classes),
            "shape": list(self.pixels.shape),
            "pixels": _packed(self.pixels.astype(np.uint8)),
        }
        if self.objects is not None:
            most = int(self.objects.max(initial=0))
            kind = np.uint16 if most < 1 << 16 else np.uint32
            held |= {"objects": _packed(self.objects.astype(kind)), "bits": kind(0).nbytes * 8}
        if self.micrometres is not None:
            held["micrometres"] = self.micrometres
        return json.dumps(held, ensure_ascii=False)

    @staticmethod
    def of(cell: str) -> TrueMask:
        """Returns the mask in a cell. Raises ValueError for another text."""
        held = json.loads(cell)
        shape = tuple(map(int, held["shape"]))
        pixels = _unpacked(held["pixels"], np.uint8, shape)
        objects = None
        if "objects" in held:
            kind = np.uint32 if held["bits"] == 32 else np.uint16
            objects = _unpacked(held["objects"], kind, shape)
        return TrueMask(tuple(held["classes"]), pixels, objects, held.get("micrometres"))

    def numbered(self, classes: Sequence[str]) -> np.ndarray:
        """Returns the class of each pixel as its place in `classes`; other classes are IGNORED."""
        table = np.full(256, IGNORED, np.uint8)
        known = {name: number for number, name in enumerate(classes)}
        for number, name in enumerate(self.classes):
            table[number] = known.get(name, IGNORED)
        return table[self.pixels]

    def counts(self) -> dict[str, int]:
        """Returns the number of pixels of each class that occurs, by name."""
        found = np.bincount(self.pixels.ravel(), minlength=256)
        return {
            name: int(found[number]) for number, name in enumerate(self.classes) if found[number]
        }

    def renamed(self, names: Mapping[str, str | None]) -> TrueMask:
        """Returns a mask with classes renamed; the pixels of a class named None are IGNORED."""
        new = [names.get(name, name) for name in self.classes]
        classes = tuple(dict.fromkeys(name for name in new if name))
        table = np.full(256, IGNORED, np.uint8)
        for number, name in enumerate(new):
            if name:
                table[number] = classes.index(name)
        return replace(self, classes=classes, pixels=table[self.pixels])


def nearest(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Returns pixels (H, W) in another size (height, width), each the nearest one."""
    if pixels.shape == (height, width):
        return pixels
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(int)
        for new, old in zip((height, width), pixels.shape, strict=True)
    )
    return pixels[rows[:, None], columns]


def _packed(array: np.ndarray) -> str:
    return base64.b64encode(zlib.compress(np.ascontiguousarray(array).tobytes(), 6)).decode()


def _unpacked(text: str, kind: type, shape: tuple[int, ...]) -> np.ndarray:
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(kind).itemsize
    decoder = zlib.decompressobj()
    held = decoder.decompress(base64.b64decode(text), size + 1)
    if len(held) != size:
        raise ValueError("the mask has another number of pixels than its shape states")
    return np.frombuffer(held, kind).reshape(shape)
