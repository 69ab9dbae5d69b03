"""DICOM pictures of medical scanners, read as a format of Pillow where pydicom is installed.

The first frame is read: stored values become those of the modality, then grey values by the window
that the file states, else by the range of its values; MONOCHROME1 is inverted. Nothing but pixels
and a hash of the patient's number leaves this file: names, dates and all other tags are dropped.

Source: DICOM PS3.3, C.7.6.3 (image pixel) and C.11.2 (VOI LUT).
"""

from __future__ import annotations

import hashlib
import warnings
from typing import Any

import numpy as np
from PIL import Image, ImageFile

from tenfold.core.lazy import installed, lazy

__all__ = ["DICOM", "NAME", "SUFFIXES", "is_dicom", "patient_of", "register"]

_dicom, _pixels = lazy("pydicom"), lazy("pydicom.pixels")

DICOM = installed("pydicom")
"""True where the format is read."""
SUFFIXES = frozenset(".dcm .dicom".split())
NAME = "DICOM"
"""Name of the format in Pillow."""


def is_dicom(start: bytes) -> bool:
    """Returns True where the first bytes of a file are those of a DICOM file."""
    return start[128:132] == b"DICM"


def patient_of(picture: Image.Image) -> int:
    """Returns a number for the patient of a DICOM picture, from a hash; 0 where none is stated."""
    return int(getattr(picture, "patient", 0))


def register() -> None:
    """Adds the format to Pillow."""
    warnings.filterwarnings("ignore", module=r"pydicom\.")  # a damaged file is reported by `load`
    Image.register_open(NAME, _DicomFile)  # Pillow shows a test only 16 bytes, too few for this one


class _DicomFile(ImageFile.ImageFile):
    """A DICOM file; its pixels are decoded by `load`."""

    format = NAME

    def _open(self) -> None:
        fields = "Rows Columns SamplesPerPixel NumberOfFrames PatientID".split()
        head = _read(self.fp, stop_before_pixels=True, specific_tags=fields)
        self._size = (int(head.get("Columns") or 0), int(head.get("Rows") or 0))
        if not all(self._size):
            raise OSError("it holds no picture")
        self._mode = "RGB" if int(head.get("SamplesPerPixel") or 1) == 3 else "L"
        self.n_frames = int(head.get("NumberOfFrames") or 1)
        self.is_animated = self.n_frames > 1
        self.patient = _number(str(head.get("PatientID") or "").strip())
        self.tile, self._decoded = [], False

    def load(self) -> Any:
        """Decodes the pixels. Raises OSError where that is not possible."""
        if not self._decoded:
            file: Any = self.fp
            file.seek(0)
            found = _read(file)
            try:
                values = _grey_or_colour(found)
            except (NotImplementedError, AttributeError, RuntimeError, ValueError) as error:
                raise OSError(str(error).split("\n")[0]) from error
            self.im = Image.fromarray(values).im
            self._decoded = True
        return Image.Image.load(self)


def _read(file: Any, **options: Any) -> Any:
    """Returns the tags of a file. Raises OSError where it is not a valid DICOM file."""
    try:
        return _dicom.dcmread(file, **options)
    except (_dicom.errors.InvalidDicomError, NotImplementedError, ValueError, KeyError) as error:
        raise OSError(str(error).split("\n")[0]) from error


def _number(patient: str) -> int:
    """Returns a positive number from a hash of the patient's number; 0 for an empty text."""
    digest = hashlib.blake2b(patient.encode("utf-8", "replace"), digest_size=7).digest()
    return int.from_bytes(digest, "big") + 1 if patient else 0


def _grey_or_colour(found: Any) -> np.ndarray:
    """Returns the first frame as (H, W) or (H, W, 3) uint8."""
    values = found.pixel_array
    colour = int(found.get("SamplesPerPixel") or 1) == 3
    if values.ndim == 3 + colour:
        values = values[0]
    if colour:
        return np.asarray(values, np.uint8)
    values = _pixels.apply_modality_lut(values, found)
    if found.get("WindowWidth") is not None or found.get("VOILUTSequence") is not None:
        values = _pixels.apply_voi_lut(values, found)
    values = np.asarray(values, np.float64)
    low, high = values.min(), values.max()
    grey = (values - low) / max(high - low, 1e-12) * 255
    if found.get("PhotometricInterpretation") == "MONOCHROME1":
        grey = 255 - grey
    return np.asarray(grey.round(), np.uint8)
