"""Picture formats that this installation reads, by suffix and by the first bytes of a file.

AVIF and JPEG 2000 are read where this build of Pillow can, HEIC where pillow-heif is installed, and
DICOM where pydicom is.
Only the format that the first bytes name is tried.
"""

from __future__ import annotations

import io
import re
from functools import cache
from typing import Literal

from PIL import Image, features

from tenfold.core.lazy import installed, lazy
from tenfold.media.image import dicom

__all__ = ["AVIF", "HEIC", "JPEG_2000", "SUFFIXES", "boxed", "looks_like", "opened", "several"]

_heif = lazy("pillow_heif")

AVIF, JPEG_2000, HEIC = (
    bool(features.check("avif")),
    bool(features.check("jpg_2000")),
    installed("pillow_heif"),
)
"""True where the format is read."""

_NAMES = tuple("JPEG PNG WEBP BMP GIF TIFF PPM".split())
_NAMES += ("AVIF",) * AVIF + ("JPEG2000",) * JPEG_2000

AVIF_SUFFIXES = frozenset(".avif .avifs".split())
HEIC_SUFFIXES = frozenset(".heic .heif .hif .heics".split())
JPEG_2000_SUFFIXES = frozenset(".jp2 .j2k .j2c .jpc .jpf .jpx".split())
SUFFIXES = frozenset(
    ".jpg .jpeg .jpe .jfif .png .apng .webp .bmp .gif .tif .tiff .pgm .ppm .pbm .pnm .mpo".split()
)
"""Lower-case suffixes of the formats that are read, with the dot."""
SUFFIXES |= AVIF_SUFFIXES if AVIF else frozenset()
SUFFIXES |= HEIC_SUFFIXES if HEIC else frozenset()
SUFFIXES |= JPEG_2000_SUFFIXES if JPEG_2000 else frozenset()
SUFFIXES |= dicom.SUFFIXES if dicom.DICOM else frozenset()

_MAGIC = re.compile(
    rb"\xff\xd8\xff|\x89PNG|RIFF....WEBP|BM....\0{4}|GIF8|II[*+]\0|MM\0[*+]|P[1-6]\s+[#\d]",
    re.DOTALL,
)
MAGIC_JPEG_2000 = re.compile(rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51")


def boxed(start: bytes) -> Literal["", "avif", "heic"]:
    """Returns the kind of an HEIF file, from the brands in its first box (ISO/IEC 23008-12)."""
    if start[4:8] != b"ftyp":
        return ""
    end = min(int.from_bytes(start[:4], "big"), len(start))
    brands = [start[8:12], *(start[at : at + 4] for at in range(16, end - 3, 4))]
    if brands[0] in (b"avif", b"avis"):
        return "avif"
    if brands[0][:3] in (b"hei", b"hev"):
        return "heic"
    if brands[0] in (b"mif1", b"msf1", b"mif2"):
        return "avif" if b"avif" in brands or b"avis" in brands else "heic"
    return ""


def looks_like(start: bytes) -> bool:
    """Returns True where the first bytes of a file match a format that is read."""
    if _MAGIC.match(start) or (JPEG_2000 and MAGIC_JPEG_2000.match(start)):
        return True
    if dicom.is_dicom(start):
        return dicom.DICOM
    return {"": False, "avif": AVIF, "heic": HEIC}[boxed(start)]


def opened(content: bytes) -> Image.Image:
    """Returns the image with only its header read yet; raises the errors of Pillow."""
    names = _NAMES
    if HEIC and boxed(content[:512]) == "heic":
        names = _heif_names()
    elif dicom.DICOM and dicom.is_dicom(content[:512]):
        names = _dicom_names()
    return Image.open(io.BytesIO(content), formats=names)


@cache
def _heif_names() -> tuple[str, ...]:
    _heif.register_heif_opener()
    return ("HEIF",)


@cache
def _dicom_names() -> tuple[str, ...]:
    dicom.register()
    return (dicom.NAME,)


def several(picture: Image.Image) -> bool:
    """Returns True where the file holds more frames, pages or pictures than the one that is read.

    That is the first frame of an animation, the first page of a TIFF file, and the primary picture
    of an MPO or HEIC file.
    """
    return bool(getattr(picture, "is_animated", False))
