"""Decodes the file of a mask to the numbers or colours that it stores, and how often each occurs.

Nothing is scaled, converted or resized: 16 and 32 bits stay as they are, a palette keeps its
indices beside its colours, and a grey picture of 2 or 4 bits has the numbers 0 to 3 or 0 to 15.

Shapes: H x W pixels, V distinct values.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from PIL import Image, ImageOps

from tenfold.core.message import Message
from tenfold.media.files.references import fetch, unreadable
from tenfold.media.files.unreadable import PILLOW_ERRORS, damaged
from tenfold.media.image import decode

__all__ = ["COLOURS", "NUMBERS", "PALETTE", "Decoded", "decoded", "of_array"]

NUMBERS, PALETTE, COLOURS = "numbers", "palette", "colours"
"""The three forms: grey values, indices of a palette, or colours of three channels."""
MOST_VALUES = 1 << 20
TRANSPARENT = 1 << 24
"""Added to the colour of a pixel that is wholly transparent."""


@dataclass(frozen=True)
class Decoded:
    """A mask as stored: `codes` (compressed) are places in `values`, one for each pixel.

    `values` are (V,) int64 numbers, or colours 0xRRGGBB where `form` is COLOURS; `counts` the
    pixels of each; `colours` (V,) the colours of the indices of a PALETTE. `bits` are those of a
    number in the file. `equal` is True for numbers stored as three equal channels, `alpha` where a
    transparency channel was left out, `turned` where the file states an orientation of its own.
    """

    form: str
    bits: int
    shape: tuple[int, ...]
    values: np.ndarray
    counts: np.ndarray
    codes: bytes
    colours: np.ndarray | None = None
    equal: bool = False
    alpha: bool = False
    turned: bool = False
    lossy: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.shape[-1], self.shape[-2]

    def places(self) -> np.ndarray:
        """Returns the (H, W) places in `values`."""
        kind = _kind(len(self.values))
        return np.frombuffer(zlib.decompress(self.codes), kind).reshape(self.shape)

    def pixels(self) -> np.ndarray:
        """Returns the (H, W) numbers or colours."""
        return self.values[self.places()]

    def moved(self, turn: int) -> Decoded:
        """Returns the mask turned as EXIF orientation `turn` (1 to 8) states."""
        places = oriented(self.places(), turn)
        return replace(self, shape=places.shape, codes=_packed(places))


def decoded(cell: object) -> Decoded:
    """Returns the mask of a cell: a file, bytes, an array or a picture. Raises Unreadable."""
    content = fetch(cell)
    if isinstance(content, np.ndarray):
        return of_array(content)
    # decode.header refuses what is no picture, damaged at its beginning, or too large
    decode.header(content)
    try:
        picture = decode.opened(content)
        bits = _bits(content, picture)
        lossy = picture.format in ("JPEG", "MPO")
        turned = picture.format != "TIFF" and picture.getexif().get(0x0112, 1) not in (0, 1)
        palette = picture.mode in ("P", "PA")
        if picture.format == "TIFF" and getattr(picture, "n_frames", 1) > 1:
            return replace(_of_pages(picture), bits=bits)
        picture.load()
        if turned:
            picture = ImageOps.exif_transpose(picture)
    except MemoryError:
        raise
    except PILLOW_ERRORS as error:
        raise damaged(error) from error
    held = _of_palette(picture) if palette else of_array(_array(picture, bits))
    return replace(held, bits=bits, lossy=lossy, turned=turned)


def of_array(array: np.ndarray) -> Decoded:
    """Returns the mask of an array of numbers (H, W), or of colours (H, W, 3 or 4)."""
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim == 3 and array.shape[-1] in (2, 3, 4):
        return _of_channels(array)
    if array.ndim != 2 or array.dtype.kind not in "buif" or not array.size:
        raise unreadable(
            "array-shape",
            Message("is an array of shape {shape}, not a mask", shape=array.shape),
            Message("Give arrays of numbers of shape (height, width)."),
        )
    if array.dtype.kind == "f" and not (np.isfinite(array).all() and (array % 1 == 0).all()):
        raise unreadable(
            "mask-fractions",
            Message("holds numbers that are not whole; a mask holds a class number a pixel"),
            Message("Save the class numbers as 8-bit PNG."),
        )
    return _counted(NUMBERS, array.dtype.itemsize * 8, array)


def _of_pages(picture: Image.Image) -> Decoded:
    """Returns the numbers of all pages of a stack, (Z, H, W)."""
    pages = []
    for number in range(getattr(picture, "n_frames", 1)):
        picture.seek(number)
        pages.append(np.asarray(picture))
    if any(one.ndim != 2 or one.shape != pages[0].shape for one in pages):
        raise unreadable(
            "mask-planes",
            Message("has pages of different sizes, or in colour"),
            Message("Save one plane of numbers a page."),
        )
    return _counted(NUMBERS, 8, np.stack(pages))


def _of_channels(array: np.ndarray) -> Decoded:
    """Returns a mask of colours; equal channels are one channel of numbers."""
    alpha = array.shape[-1] in (2, 4)
    visible = array[..., -1] > 0 if alpha else None
    seen = array[..., :-1] if alpha else array
    if seen.shape[-1] == 1:
        return replace(_counted(NUMBERS, 8, seen[..., 0]), alpha=alpha)
    equal = (seen[..., 0] == seen[..., 1]).all() and (seen[..., 1] == seen[..., 2]).all()
    if equal and (visible is None or not seen[~visible].any()):
        return replace(_counted(NUMBERS, 8, seen[..., 0]), equal=True, alpha=alpha)
    wide = seen.astype(np.int64)
    colours = wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]
    if visible is not None:
        colours[~visible] += TRANSPARENT
    return replace(_counted(COLOURS, 8, colours), alpha=alpha)


def _of_palette(picture: Image.Image) -> Decoded:
    """Returns the indices of a palette, with the colours of those that occur."""
    alpha = picture.mode == "PA" or "transparency" in picture.info
    array = np.asarray(picture)
    held = _counted(PALETTE, 8, array[..., 0] if array.ndim == 3 else array)
    table = np.zeros((256, 3), np.int64)
    stored = np.array(picture.getpalette("RGB") or [], np.int64).reshape(-1, 3)
    table[: len(stored)] = stored
    colours = table[held.values] @ np.array([1 << 16, 1 << 8, 1])
    return replace(held, colours=colours, alpha=alpha)


def _array(picture: Image.Image, bits: int) -> np.ndarray:
    """Returns the pixels of a picture without a palette: numbers as stored, or channels."""
    if picture.mode in ("CMYK", "YCbCr", "LAB", "HSV"):
        picture = picture.convert("RGB")
    array = np.asarray(picture)
    if picture.mode == "L" and bits in (2, 4):
        return array // (255 // ((1 << bits) - 1))
    return array.astype(np.uint8) if array.dtype == np.bool_ else array


def _bits(content: object, picture: Image.Image) -> int:
    """Returns the bits of a number; Pillow spreads 2 and 4 bits of a grey PNG over 0 to 255."""
    if picture.mode == "1":
        return 1
    if picture.format == "PNG" and picture.mode == "L" and isinstance(content, bytes):
        return content[24]
    return {"I": 32, "F": 32}.get(picture.mode, 16 if picture.mode.startswith("I;16") else 8)


def _counted(form: str, bits: int, array: np.ndarray) -> Decoded:
    flat = np.ascontiguousarray(array).ravel()
    if flat.dtype.itemsize == 1:
        found = np.bincount(flat.view(np.uint8), minlength=256)
        values = np.flatnonzero(found)
        table = np.zeros(256, np.int64)
        table[values] = np.arange(len(values))
        places, counts = table[flat.view(np.uint8)], found[values]
    else:
        codes, uniques = pd.factorize(flat.astype(np.int64))
        order = np.argsort(uniques, kind="stable")
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        values, places = uniques[order], rank[codes]
        counts = np.bincount(places, minlength=len(values))
    packed = _packed(places.astype(_kind(len(values))))
    return Decoded(form, bits, array.shape, values.astype(np.int64), counts, packed)


def _kind(count: int) -> type:
    return np.uint8 if count <= 1 << 8 else np.uint16 if count <= 1 << 16 else np.uint32


def _packed(array: np.ndarray) -> bytes:
    return zlib.compress(np.ascontiguousarray(array).tobytes(), 1)


def oriented(array: np.ndarray, turn: int) -> np.ndarray:
    """Returns an (H, W) array laid upright: `turn` is the EXIF orientation, 1 to 8."""
    if turn >= 5:
        array = array.T
    flips = {2: (1,), 3: (0, 1), 4: (0,), 6: (1,), 7: (0, 1), 8: (0,)}
    return np.flip(array, flips[turn]) if turn in flips else array
