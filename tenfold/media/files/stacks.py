"""Reads TIFF stacks: the axes that OME or ImageJ metadata state, and one plane at a time.

    cells.tif#axes=ZC&plane=2&channels=0,1      plane 2 (from 0), channels 0 and 1; pages are
                                                ordered with channels changing fastest
Shapes: Z planes, C channels, T times (counted as planes), H x W pixels.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from tenfold.core.message import Message
from tenfold.media.files.unreadable import PILLOW_ERRORS, check_pixels, damaged, unreadable

__all__ = ["TiffStack", "bits_of", "part_of", "plane", "stack_of"]

_DESCRIPTION, _X_RESOLUTION = 270, 282
_MICROMETRES = {
    "nm": 1e-3, "nanometer": 1e-3, "um": 1.0, "µm": 1.0, "μm": 1.0, "micron": 1.0, "microns": 1.0,
    "micrometer": 1.0, "micrometre": 1.0, "mm": 1e3, "millimeter": 1e3, "cm": 1e4,
    "centimeter": 1e4, "m": 1e6, "inch": 25400.0,
}  # fmt: skip


@dataclass(frozen=True)
class TiffStack:
    """The pages of a TIFF file. `order` are the axes of the pages, the slowest first.

    It is "" where unknown. `sizes` has the length of each axis in `order`; `samples` are the
    channels within a page.
    """

    pages: int
    width: int
    height: int
    samples: int = 1
    order: str = ""
    sizes: tuple[int, ...] = ()
    micrometres: float | None = None

    @property
    def channels(self) -> int:
        """Number of channels: pages of the axis C, else samples of a page."""
        at = self.order.find("C")
        return self.sizes[at] if at >= 0 else self.samples

    @property
    def planes(self) -> int:
        """Number of planes: pages, those of several channels counted once."""
        at = self.order.find("C")
        return self.pages // (self.sizes[at] if at >= 0 else 1)

    @property
    def shown(self) -> str:
        """The axes with their lengths, such as `Z3 C2 Y40 X48`."""
        held = dict(zip(self.order, self.sizes, strict=True))
        held.setdefault("C", self.samples)
        named = [f"{axis}{held[axis]}" for axis in "TZC" if held.get(axis, 1) > 1]
        return " ".join([*named, f"Y{self.height}", f"X{self.width}"])

    def ordered(self, order: str, planes: int) -> TiffStack:
        """Returns the stack with an order of pages that the file does not state, such as `ZC`."""
        lengths = {"Z": planes, "T": planes, "C": self.pages // planes}
        kept = [axis for axis in order if axis in lengths]
        return replace(self, order="".join(kept), sizes=tuple(lengths[axis] for axis in kept))

    @property
    def depths(self) -> list[tuple[int, int]]:
        """Time and depth of each plane; the depths of pages without an order are their places."""
        axes = [axis for axis in self.order if axis != "C"]
        if not axes:
            return [(0, plane) for plane in range(self.planes)]
        lengths = [size for axis, size in zip(self.order, self.sizes, strict=True) if axis != "C"]
        places = dict(zip(axes, np.unravel_index(range(self.planes), lengths), strict=True))
        nowhere = np.zeros(self.planes, np.int64)
        times, deep = places.get("T", nowhere), places.get("Z", nowhere)
        return list(zip(times.tolist(), deep.tolist(), strict=True))

    def pages_of(self, number: int) -> list[int]:
        """Returns the pages of plane `number`, one for each channel of the axis C."""
        grid = np.arange(self.pages).reshape(self.sizes or (self.pages,))
        at = self.order.find("C")
        if at >= 0:
            grid = np.moveaxis(grid, at, -1)
            return [int(page) for page in grid.reshape(-1, grid.shape[-1])[number]]
        return [int(grid.ravel()[number])]


def stack_of(source: Path | bytes) -> TiffStack | None:
    """Returns the axes of a TIFF file; None for another format. Raises Unreadable."""
    try:
        with _opened(source) as picture:
            if picture.format != "TIFF":
                return None
            pages = int(getattr(picture, "n_frames", 1))
            tags = dict(getattr(picture, "tag_v2", {}))
            samples = len(picture.getbands())
            stack = TiffStack(pages, picture.width, picture.height, samples)
    except PILLOW_ERRORS as error:
        raise damaged(error) from error
    return _described(stack, str(tags.get(_DESCRIPTION, "")), tags.get(_X_RESOLUTION))


def _opened(source: Path | bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(source) if isinstance(source, bytes) else source)
    check_pixels(picture.width, picture.height)
    return picture


def _described(stack: TiffStack, text: str, resolution: Any) -> TiffStack:
    """Returns the stack with the axes and the size of a pixel that the description states."""
    if "<OME" in text or "<ome" in text:
        return _of_ome(stack, text)
    if text.startswith("ImageJ="):
        return _of_imagej(stack, text, resolution)
    return stack


def _of_ome(stack: TiffStack, text: str) -> TiffStack:
    """Source: the OME-XML schema, element Pixels; only its attributes are read."""
    match = re.search(r"<(?:\w+:)?Pixels\b([^>]*)>", text)
    held = dict(re.findall(r'(\w+)\s*=\s*"([^"]*)"', match[1])) if match else {}
    order = str(held.get("DimensionOrder", "XYZCT"))[2:][::-1]
    sizes = {axis: int(held.get(f"Size{axis}", "1") or 1) for axis in "ZCT"}
    if stack.samples > 1 and sizes["C"] % stack.samples == 0:
        sizes["C"] //= stack.samples
    unit = held.get("PhysicalSizeXUnit", "µm").replace("Â", "")
    micrometres = _scaled(held.get("PhysicalSizeX"), unit)
    return replace(_checked(stack, order, sizes), micrometres=micrometres)


def _of_imagej(stack: TiffStack, text: str, resolution: Any) -> TiffStack:
    """Source: ImageJ's TIFF description; channels change fastest, then planes, then times."""
    held = dict(line.partition("=")[::2] for line in text.splitlines())
    counts = {"C": "channels", "Z": "slices", "T": "frames"}
    sizes = {axis: int(held.get(name, "1") or 1) for axis, name in counts.items()}
    unit = held.get("unit", "").replace("\\u00B5", "µ").replace("Â", "")
    density = float(resolution) if resolution else 0.0
    micrometres = _scaled(str(1 / density), unit) if density > 0 else None
    return replace(_checked(stack, "TZC", sizes), micrometres=micrometres)


def _checked(stack: TiffStack, order: str, sizes: dict[str, int]) -> TiffStack:
    """Returns the stack with these axes, unchanged where their product is not the pages."""
    kept = [axis for axis in order if sizes.get(axis, 1) > 1]
    lengths = tuple(sizes[axis] for axis in kept)
    if int(np.prod(lengths, dtype=np.int64)) != stack.pages:
        return stack
    return replace(stack, order="".join(kept), sizes=lengths)


def _scaled(text: str | None, unit: str) -> float | None:
    try:
        size = float(text or "") * _MICROMETRES[unit.strip()]
    except (ValueError, KeyError):
        return None
    return round(size, 9) if np.isfinite(size) and size > 0 else None


def plane(
    source: Path | bytes, stack: TiffStack, number: int, channels: Sequence[int]
) -> np.ndarray:
    """Returns plane `number` of a stack, (H, W, C) in the stored type; all channels where empty.

    Raises Unreadable.
    """
    pages = stack.pages_of(number)
    try:
        with _opened(source) as picture:
            held = []
            for page in pages:
                picture.seek(page)
                held.append(np.asarray(picture))
    except PILLOW_ERRORS as error:
        raise damaged(error) from error
    if any(one.shape != held[0].shape for one in held):
        raise unreadable(
            "stack-pages",
            Message("has pages of different sizes"),
            Message("Save all pages in one size."),
        )
    joined = np.concatenate([one.reshape(*one.shape[:2], -1) for one in held], axis=2)
    _check_channels(channels, joined.shape[2])
    return joined[..., list(channels)] if channels else joined


def part_of(source: Path | bytes, fields: dict[str, str]) -> np.ndarray:
    """Returns the plane or channels that the fragment of a cell names: (H, W, 1 or 3).

    Two channels get a third of 0; of more than three, the first three are used. `bits` states how
    many bits the numbers of 16 bits use: these become 8. Raises Unreadable.
    """
    channels = [int(one) for one in fields.get("channels", "").split(",") if one.isdigit()]
    stack = stack_of(source)
    if stack is None:
        joined = _upright(source)
        _check_channels(channels, joined.shape[2])
        joined = joined[..., channels] if channels else joined
    else:
        planes = int(fields.get("planes", "1"))
        if not stack.order and stack.pages % max(planes, 1) == 0:
            stack = stack.ordered(fields.get("axes", ""), max(planes, 1))
        number = int(fields.get("plane", "0"))
        if number >= stack.planes:
            raise unreadable(
                "missing-item",
                Message(
                    "asks for plane {number} of a stack with {count} planes",
                    number=number,
                    count=stack.planes,
                ),
            )
        joined = plane(source, stack, number, channels)
    joined = _eight_bits(joined, int(fields.get("bits", "0") or 0))[..., :3]
    if joined.shape[2] == 2:
        joined = np.pad(joined, ((0, 0), (0, 0), (0, 1)))
    return np.ascontiguousarray(joined)


def _upright(source: Path | bytes) -> np.ndarray:
    try:
        with _opened(source) as picture:
            array = np.asarray(ImageOps.exif_transpose(picture))
    except PILLOW_ERRORS as error:
        raise damaged(error) from error
    return array.reshape(*array.shape[:2], -1)


def _eight_bits(array: np.ndarray, bits: int) -> np.ndarray:
    """Returns whole numbers of `bits` bits as 8 bits; other numbers unchanged where bits is 0."""
    if array.dtype == np.uint8 or not bits:
        return array
    scaled = array.astype(np.float64) * (255 / ((1 << bits) - 1))
    return np.nan_to_num(scaled).clip(0, 255).round().astype(np.uint8)


def _check_channels(channels: Sequence[int], count: int) -> None:
    wrong = [one for one in channels if one >= count]
    if wrong:
        raise unreadable(
            "no-channel",
            Message(
                "has no channel {channel}; it has {count}, counted from 0",
                channel=wrong[0],
                count=count,
            ),
            Message("Give other numbers with --channels."),
        )


def bits_of(source: Path | bytes, stack: TiffStack) -> int:
    """Returns the bits that the largest number in a stack needs, at least 8. Raises Unreadable."""
    most = 0
    for number in range(stack.planes):
        held = plane(source, stack, number, ())
        if held.dtype.kind != "u" or held.dtype.itemsize > 2:
            return 0
        most = max(most, int(held.max(initial=0)))
    return max(8, most.bit_length())
