"""Predicted masks as pictures of numbers: PNG files in an archive, TIFF files."""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, Any

import numpy as np
from PIL import Image

from tenfold.answers.files import WriteAnswer
from tenfold.answers.segmentation.prediction import Mask
from tenfold.core.columns import Problem
from tenfold.core.lazy import lazy
from tenfold.core.results import Prediction
from tenfold.media import drawing
from tenfold.media.files.references import printable

tifffile = lazy("tifffile")

__all__ = ["archive", "labels", "wrote_archive", "wrote_labels"]

MAKER = "predicted masks of tenfold"
"""The comment of an archive, by which it is recognized."""


@contextlib.contextmanager
def archive(
    path: Path, prediction: type[Prediction], classes: Sequence[str]
) -> Iterator[WriteAnswer]:
    """Writes a ZIP archive: masks/NAME.png with the class numbers as a palette, classes.txt.

    Where objects are told apart, objects/NAME.png has their numbers (16 bits). A stack is a TIFF
    file instead. classes.txt has a class in each line, the first for number 0.
    """
    names, used = dict.fromkeys(classes), dict[str, int]()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
        file.comment = MAKER.encode()

        def write(source: str, answer: Prediction | Problem) -> None:
            if not isinstance(answer, Mask):
                return
            names.update(dict.fromkeys(answer.classes))
            name = _file_name(source, used)
            _add(file, f"masks/{name}", answer, answer.pixels)
            if answer.told_apart:
                _add(file, f"objects/{name}", answer, answer.object_numbers)

        yield write
        file.writestr("classes.txt", "".join(f"{name}\n" for name in names))


def _file_name(source: str, used: dict[str, int]) -> str:
    """Returns the name of the picture without its suffix; the same name again gets a number."""
    whole, _, part = source.partition("#path=")
    name = PurePosixPath((part or whole).partition("#")[0].replace("\\", "/")).stem
    name = name.removesuffix(".ome") or "picture"
    used[name] = used.get(name, 0) + 1
    return name if used[name] == 1 else f"{name}_{used[name]}"


def _add(file: zipfile.ZipFile, name: str, answer: Mask, values: np.ndarray) -> None:
    """Adds a picture of numbers to an archive."""
    held = io.BytesIO()
    if values.ndim > 2:
        _save_tiff(held, answer, values)
        file.writestr(f"{name}.tif", held.getvalue())
        return
    if values.dtype == np.uint8:
        picture = Image.fromarray(values).convert("P")
        picture.putpalette(_palette(len(answer.classes)))
    else:
        picture = Image.fromarray(values.astype(np.uint16))
    picture.save(held, "PNG")
    file.writestr(f"{name}.png", held.getvalue())


def _palette(count: int) -> list[int]:
    """Returns the colours of 256 numbers; numbers without a class are white."""
    tones = [drawing.tone(one) if one < count else (255, 255, 255) for one in range(256)]
    return [value for one in tones for value in one]


def wrote_archive(path: Path, prediction: type[Prediction]) -> bool:
    """Returns True for an archive that `archive` wrote."""
    try:
        with zipfile.ZipFile(path) as file:
            return file.comment == MAKER.encode()
    except (OSError, zipfile.BadZipFile):
        return False


@contextlib.contextmanager
def labels(
    path: Path, prediction: type[Prediction], classes: Sequence[str]
) -> Iterator[WriteAnswer]:
    """Writes an OME-TIFF with a series for each answer: the numbers of objects, or of classes."""
    with tifffile.TiffWriter(path, ome=True, bigtiff=True) as file:

        def write(source: str, answer: Prediction | Problem) -> None:
            if isinstance(answer, Mask):
                values = answer.object_numbers if answer.told_apart else answer.pixels
                file.write(**_tiff(answer, values, printable(source)))

        yield write


def _save_tiff(file: IO[bytes], answer: Mask, values: np.ndarray) -> None:
    with tifffile.TiffWriter(file, ome=True) as writer:
        writer.write(**_tiff(answer, values, ""))


def _tiff(answer: Mask, values: np.ndarray, name: str) -> dict[str, Any]:
    """Returns the arguments of `TiffWriter.write`, 16 bits a pixel where they suffice."""
    small = values.max(initial=0) < 1 << 16
    about: dict[str, Any] = {"axes": "ZYX"[-values.ndim :], "Name": name or MAKER}
    if answer.micrometres:
        size = {f"PhysicalSize{axis}": answer.micrometres for axis in "XY"}
        about |= size | {f"PhysicalSize{axis}Unit": "µm" for axis in "XY"}
    kind = np.uint8 if values.dtype == np.uint8 else np.uint16 if small else np.uint32
    written = {"compression": "zlib", "software": "tenfold"}
    return {"data": values.astype(kind), "metadata": about, **written}


def wrote_labels(path: Path, prediction: type[Prediction]) -> bool:
    """Returns True for a TIFF file that `labels` wrote."""
    try:
        with tifffile.TiffFile(path) as file:
            return file.is_ome and file.pages.first.software == "tenfold"
    except (OSError, tifffile.TiffFileError):
        return False
