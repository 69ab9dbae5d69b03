"""Picture formats that are recognised but not read: by suffix, and by the first bytes of a file.

A file in one of them is unusable, with a reason that names its format. Signatures: the `file`
database (libmagic) and the specifications of the formats.
"""

from __future__ import annotations

import re

from PIL import Image

from tenfold.core.message import Message
from tenfold.media.image import dicom, formats

__all__ = ["RAW", "SUFFIXES", "fix", "is_raw", "reason"]

_CAMERAS = ".3fr .arw .cr2 .cr3 .crw .dng .erf .iiq .kdc .mos .mrw .nef .nrw .orf .pef .raf .raw"
_CAMERAS += " .rw2 .rwl .sr2 .srf .srw .x3f"
_PHOTOS = ".jxl .jxr"
_DRAWINGS = ".svg .svgz .eps .emf .wmf .psd .psb .xcf .kra .cur .ico .icns .tga .pcx .dds .qoi"
_SCIENCE = ".exr .hdr .fits"
SUFFIXES = (
    frozenset(f"{_CAMERAS} {_PHOTOS} {_DRAWINGS} {_SCIENCE}".split())
    | formats.AVIF_SUFFIXES
    | formats.HEIC_SUFFIXES
    | formats.JPEG_2000_SUFFIXES
    | dicom.SUFFIXES
) - formats.SUFFIXES
"""Lower-case suffixes of pictures in formats that are not read, with the dot."""

RAW = Message("is a RAW photo from a camera, a format that is not supported")
_HEIC = Message("is a HEIC photo, and the package that reads HEIC is not installed")
_DICOM = Message("is a DICOM picture, and the package that reads DICOM is not installed")
_AVIF = Message("is an AVIF picture, a format that is not supported")
# The plugin of Pillow for JPEG XL decodes a picture before its size can be checked.
_JPEG_XL = Message("is a JPEG XL picture, a format that is not supported")
_JPEG_2000 = Message("is a JPEG 2000 picture, a format that is not supported")
_PHOTOSHOP = Message("is a Photoshop document (PSD), a format that is not supported")
_POSTSCRIPT = Message("is a PostScript drawing, not a picture")
_SVG = Message("is an SVG drawing, not a picture")

_SIGNATURES = {
    rb"....ftypcrx |II\*\0....CR|IIR[OS]|MMOR|IIU\0|FUJIFILMCCD-RAW|FOVb|\0MRM": RAW,
    rb"\0\0\0\x0cJXL \r\n\x87\n|\xff\x0a": _JPEG_XL,
    rb"8BPS": _PHOTOSHOP,
    rb"%!PS": _POSTSCRIPT,
    rb"(\xef\xbb\xbf)?\s*(<svg\b|<\?xml.*<svg\b|<!doctype svg|<!--.*?-->\s*<svg\b)": _SVG,
}
_KNOWN = [(re.compile(mark, re.DOTALL | re.IGNORECASE), why) for mark, why in _SIGNATURES.items()]

_SUBFILE, _SUBFOLDERS, _DNG = 254, 330, 50706
"""Numbers of TIFF tags: kind of the picture, further pictures in the file, DNG version."""


def reason(start: bytes) -> Message | None:
    """Returns why a file with these first bytes is not read; None where no format matches."""
    if kind := formats.boxed(start):
        read, why = (formats.HEIC, _HEIC) if kind == "heic" else (formats.AVIF, _AVIF)
        return None if read else why
    if dicom.is_dicom(start):
        return None if dicom.DICOM else _DICOM
    if formats.MAGIC_JPEG_2000.match(start):
        return None if formats.JPEG_2000 else _JPEG_2000
    return next((why for mark, why in _KNOWN if mark.match(start)), None)


def fix(reason: Message) -> Message:
    """Returns how to make a picture usable that is not read for this reason."""
    if reason is _HEIC:
        return Message('Run pip install "tenfold[heic]", or save it as PNG or JPEG.')
    if reason is _DICOM:
        return Message('Run pip install "tenfold[dicom]", or save it as PNG.')
    return Message("Save the picture as PNG or JPEG.")


def is_raw(picture: Image.Image, start: bytes) -> bool:
    """Returns True for a RAW photo from a camera that Pillow opens as a TIFF file.

    It is recognised by its first bytes (`start`), by the DNG version tag, or by a first picture
    that is only a preview: NEF and ARW files begin with a small preview (TIFF 6.0, NewSubfileType
    bit 0) and hold the data of the sensor in a picture of SubIFDs.
    """
    tags = getattr(picture, "tag_v2", None)
    if picture.format != "TIFF" or tags is None:
        return False
    return (
        reason(start) is RAW
        or _DNG in tags
        or (_SUBFOLDERS in tags and bool(tags.get(_SUBFILE, 0) & 1))
    )
