"""Decodes images to uint8 arrays, of the formats in `formats.py`, detected by content.

EXIF orientation is applied, transparency is laid over white, 16 bits become 8, CMYK and palettes
become RGB. Of an animation the first frame is read, of a TIFF file the first page, of an MPO or
HEIC file the primary picture.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from tenfold.core import system
from tenfold.core.columns import Problem
from tenfold.core.message import Message
from tenfold.media.files.references import Unreadable, fetch, is_item, unreadable
from tenfold.media.files.unreadable import PILLOW_ERRORS, check_pixels, damaged
from tenfold.media.image import dicom, formats, unread

__all__ = [
    "VERSION",
    "PictureHeader",
    "decode",
    "encode",
    "header",
    "opened",
    "orientation",
    "stored",
]

VERSION = 3
"""Version of the decoding; raise it whenever the same file would decode to other bytes."""

# `opened` checks the size in the header itself, with a stricter limit than Pillow's.
Image.MAX_IMAGE_PIXELS = None
# Pillow's warnings are either reported as problems or harmless; set once, as threads share filters.
warnings.filterwarnings("ignore", module=r"PIL\.")


@dataclass(frozen=True)
class PictureHeader:
    """Width and height in pixels in upright orientation, and number of colour channels (1 or 3).

    `several` is True where the file holds more pictures than the one that is read. `orientation` is
    that of EXIF (1 to 8, 1 = as stored): from 5 on, width and height are exchanged in the file.
    `patient` is a number for the patient of a DICOM picture, 0 where none is stated.
    """

    width: int
    height: int
    channels: int
    several: bool = False
    orientation: int = 1
    patient: int = 0


def header(content: Any) -> PictureHeader:
    """Returns the size and channels of an image (bytes, array or PIL image) without decoding it.

    Raises Unreadable.
    """
    if isinstance(content, np.ndarray):
        return _array_header(content)
    picture = opened(content)
    width, height = picture.size
    turn = orientation(picture)
    # Pillow already reports the upright size of a TIFF.
    if picture.format != "TIFF" and turn >= 5:
        width, height = height, width
    channels = 1 if picture.mode in _GREY else 3
    patient = dicom.patient_of(picture)
    return PictureHeader(width, height, channels, _several(picture), turn, patient)


def _several(picture: Image.Image) -> bool:
    try:
        return formats.several(picture)
    except (*PILLOW_ERRORS, TypeError):
        return False  # what follows the first frame is damaged, and not read


_GREY = ("1", "L", "I", "F", "I;16", "I;16B", "I;16L", "I;16N")


def _array_header(array: np.ndarray) -> PictureHeader:
    if not array.size or array.dtype.kind not in "buif":
        raise unreadable(
            "not-a-picture", Message("is an array without numbers"), Message("Give uint8 arrays.")
        )
    if array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 2)):
        return PictureHeader(array.shape[1], array.shape[0], 1)
    if array.ndim == 3 and array.shape[2] in (3, 4):
        return PictureHeader(array.shape[1], array.shape[0], 3)
    raise unreadable(
        "array-shape",
        Message("is an array of shape {shape}, not a picture", shape=array.shape),
        Message("Give arrays of shape (height, width) or (height, width, 1, 3 or 4)."),
    )


def opened(content: Any) -> Image.Image:
    """Returns the picture of bytes, its pixels not yet decoded. Raises Unreadable."""
    if isinstance(content, Image.Image):
        return content
    if not isinstance(content, (bytes, bytearray, memoryview)):
        reason = Message("must be a picture, got {type}", type=type(content).__name__)
        raise unreadable(
            "not-a-picture", reason, Message("Give a path, bytes, an array or an open file.")
        )
    if not len(content):
        raise unreadable(
            "empty-file", Message("is empty (0 bytes)"), Message("Copy the picture again.")
        )
    try:
        picture = formats.opened(bytes(content))
    except UnidentifiedImageError:
        raise _stranger(bytes(content[:512])) from None
    except PILLOW_ERRORS as error:
        raise damaged(error) from error
    if unread.is_raw(picture, bytes(content[:32])):
        raise unreadable("not-a-picture", unread.RAW, Message("Save the picture as PNG or JPEG."))
    check_pixels(picture.width, picture.height)
    return picture


def _stranger(start: bytes) -> Unreadable:
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    reason = unread.reason(start)
    if reason is None and text.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml")):
        reason = Message("is a web page (HTML or XML), not a picture")
        return unreadable("not-a-picture", reason, Message("Download the picture itself."))
    if reason is None and start.startswith(b"%PDF"):
        reason = Message("is a PDF document, not a picture")
    if reason is not None:
        return unreadable("not-a-picture", reason, unread.fix(reason))
    if formats.looks_like(start):
        return unreadable(
            "damaged", Message("is damaged at its beginning"), Message("Copy the picture again.")
        )
    return unreadable(
        "not-a-picture",
        Message("is not a known picture format"),
        Message("Save the picture as PNG or JPEG."),
    )


def orientation(picture: Image.Image) -> int:
    """Returns the EXIF orientation, 1 to 8; 1 where it is missing or invalid."""
    try:
        found = int(picture.getexif().get(0x0112, 1))
    except (*PILLOW_ERRORS, TypeError):
        return 1
    return found if 1 <= found <= 8 else 1


def decode(content: Any, height: int, width: int, channels: int) -> np.ndarray:
    """Returns the whole image resized to a (height, width, channels) uint8 array.

    Raises Unreadable.
    """
    if isinstance(content, np.ndarray):
        if content.dtype == np.uint8 and content.shape == (height, width) and channels == 1:
            return content[..., None]
        content = _from_array(content)
    picture = opened(content)
    try:
        return _pixels(picture, height, width, channels)
    except MemoryError:
        raise
    except PILLOW_ERRORS as error:
        raise damaged(error) from error


def _pixels(picture: Image.Image, height: int, width: int, channels: int) -> np.ndarray:
    mode = "L" if channels == 1 else "RGB"
    if picture.format == "JPEG":
        turned = orientation(picture) >= 5
        picture.draft(mode, (height, width) if turned else (width, height))
    picture.load()
    picture = _plain(ImageOps.exif_transpose(picture), mode)
    if picture.size != (width, height):
        picture = picture.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(picture).reshape(height, width, channels)


def _plain(picture: Image.Image, mode: str) -> Image.Image:
    """Returns the image converted from any mode to `L` or `RGB`."""
    if picture.mode == mode:
        return picture
    if picture.mode in ("I", "F", "I;16", "I;16B", "I;16L", "I;16N"):
        picture = _eight_bits(picture)
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        paper = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(paper, picture)
    return picture.convert(mode)


def _eight_bits(picture: Image.Image) -> Image.Image:
    values = np.asarray(picture).astype(np.float64)
    if not np.isfinite(values).all():
        raise unreadable(
            "not-finite",
            Message("holds values that are not finite"),
            Message("Save the picture as 8-bit PNG."),
        )
    top = 65535.0 if picture.mode != "F" else (1.0 if values.max(initial=0) <= 1 else 255.0)
    if picture.mode == "I" and values.max(initial=0) <= 255:
        top = 255.0
    return Image.fromarray((values / top * 255).clip(0, 255).astype(np.uint8))


def stored(content: Any, channels: int) -> np.ndarray:
    """Returns the numbers of an image at its own size, upright: (H, W, channels).

    Grey numbers of more than 8 bits stay as they are stored; others are uint8, and colours become
    grey where `channels` is 1. Raises Unreadable.
    """
    if isinstance(content, np.ndarray):
        _array_header(content)
        array = content if content.ndim == 3 else content[..., None]
        array = array[..., :3] if array.shape[2] > 2 else array[..., :1]
        if array.shape[2] == channels or channels == 3:
            return np.broadcast_to(array, (*array.shape[:2], channels))
    picture = _from_array(content) if isinstance(content, np.ndarray) else opened(content)
    try:
        picture.load()
        picture = ImageOps.exif_transpose(picture)
        if picture.mode not in _GREY[2:]:
            picture = _plain(picture, "L" if channels == 1 else "RGB")
        array = np.asarray(picture).reshape(picture.height, picture.width, -1)
    except PILLOW_ERRORS as error:
        raise damaged(error) from error
    return np.broadcast_to(array, (*array.shape[:2], channels))


def _from_array(array: np.ndarray) -> Image.Image:
    _array_header(array)
    if array.dtype == np.uint16:
        array = (array // 257).astype(np.uint8)
    elif array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise unreadable("not-finite", Message("holds values that are not finite"))
        top = 1.0 if array.max(initial=0) <= 1 else 255.0
        array = (array / top * 255).clip(0, 255).round().astype(np.uint8)
    elif array.dtype == np.bool_:
        array = array.astype(np.uint8) * 255
    elif array.dtype != np.uint8:
        array = array.clip(0, 255).astype(np.uint8)
    return Image.fromarray(array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array)


def encode(
    cells: Sequence[Any], height: int, width: int, channels: int
) -> tuple[np.ndarray, dict[int, Problem]]:
    """Returns (N, height, width, channels) uint8 images of the cells, and the problems by row.

    Images are decoded by several threads. Rows that failed are all 0.
    """
    out = np.zeros((len(cells), height, width, channels), np.uint8)
    problems: dict[int, Problem] = {}

    def work(start: int) -> None:
        for row in range(start, min(start + 16, len(cells))):
            try:
                out[row] = decode(fetch(cells[row]), height, width, channels)
            except Unreadable as error:
                problems[row] = error.problem

    starts = range(0, len(cells), 16)
    if len(starts) < 2 or system.cores() < 2 or all(is_item(cell) for cell in cells):
        for start in starts:  # one core, or arrays in memory: threads would bring no gain
            work(start)
        return out, problems
    with ThreadPoolExecutor(system.cores()) as pool:
        list(pool.map(work, starts))
    return out, problems


def upright(cell: Any, most: int = 1024) -> Image.Image:
    """Returns the image in upright orientation, RGB, at most `most` pixels a side.

    Raises Unreadable.
    """
    content = fetch(cell)
    picture = _from_array(content) if isinstance(content, np.ndarray) else opened(content)
    try:
        picture = _plain(ImageOps.exif_transpose(picture), "RGB")
    except PILLOW_ERRORS as error:
        raise damaged(error) from error
    picture.thumbnail((most, most))
    return picture
