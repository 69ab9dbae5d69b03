"""Predicted masks as archives with a file for each picture, and as TIFF stacks."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from tenfold.answers.files import WriteAnswer
from tenfold.answers.segmentation.prediction import Mask
from tenfold.answers.segmentation.shape_files import features
from tenfold.core.columns import Problem
from tenfold.core.lazy import lazy
from tenfold.core.results import Prediction
from tenfold.media import drawing
from tenfold.media.files.references import printable

tifffile = lazy("tifffile")

__all__ = [
    "archive",
    "labels",
    "outline_archive",
    "wrote_archive",
    "wrote_labels",
    "wrote_outline_archive",
]

MASKS, OUTLINES = b"predicted masks of tenfold", b"predicted outlines of tenfold"
"""Comments of archives, by which they are recognized."""


@contextlib.contextmanager
def archive(
    path: Path, prediction: type[Prediction], classes: Sequence[str]
) -> Iterator[WriteAnswer]:
    """Writes a ZIP archive: masks/NAME.png with the class numbers as a palette, classes.txt.

    A stack is a TIFF file instead. classes.txt has a class in each line, the first for number 0;
    number 255 means no class.
    """
    names, used = dict.fromkeys(classes), dict[str, int]()
    with zipfile.ZipFile(path, "w") as file:
        file.comment = MASKS

        def write(source: str, answer: Prediction | Problem) -> None:
            if isinstance(answer, Mask):
                names.update(dict.fromkeys(answer.classes))
                suffix, content = _picture(answer)
                file.writestr(f"masks/{_file_name(source, used)}{suffix}", content)

        yield write
        file.writestr("classes.txt", "".join(f"{name}\n" for name in names))


@contextlib.contextmanager
def outline_archive(
    path: Path, prediction: type[Prediction], classes: Sequence[str]
) -> Iterator[WriteAnswer]:
    """Writes a ZIP archive with the outlines of each picture as NAME.geojson."""
    used = dict[str, int]()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.comment = OUTLINES

        def write(source: str, answer: Prediction | Problem) -> None:
            if isinstance(answer, Mask):
                found = {"type": "FeatureCollection", "features": [*features(source, answer)]}
                content = json.dumps(found, ensure_ascii=False)
                file.writestr(f"{_file_name(source, used)}.geojson", content)

        yield write


def _file_name(source: str, used: dict[str, int]) -> str:
    """Returns the name of the picture without its suffix; the same name again gets a number."""
    whole, _, part = source.partition("#path=")
    name = PurePosixPath((part or whole).partition("#")[0].replace("\\", "/")).stem
    name = name.removesuffix(".ome") or "picture"
    used[name] = used.get(name, 0) + 1
    return name if used[name] == 1 else f"{name}_{used[name]}"


def _picture(answer: Mask) -> tuple[str, bytes]:
    """Returns the suffix and the content of the file of the class numbers."""
    values, held = answer.pixels, io.BytesIO()
    if values.ndim > 2:
        with tifffile.TiffWriter(held, ome=True) as writer:
            writer.write(**_tiff(answer, values, ""))
        return ".tif", held.getvalue()
    picture = Image.fromarray(values).convert("P")
    picture.putpalette(_palette(len(answer.classes)))
    picture.save(held, "PNG")
    return ".png", held.getvalue()


def _palette(count: int) -> list[int]:
    """Returns the colours of 256 numbers; numbers without a class are white."""
    tones = [drawing.tone(one) if one < count else (255, 255, 255) for one in range(256)]
    return [value for one in tones for value in one]


def wrote_archive(path: Path, prediction: type[Prediction]) -> bool:
    """Returns True for an archive that `archive` wrote."""
    return _comment(path) == MASKS


def wrote_outline_archive(path: Path, prediction: type[Prediction]) -> bool:
    """Returns True for an archive that `outline_archive` wrote."""
    return _comment(path) == OUTLINES


def _comment(path: Path) -> bytes:
    try:
        with zipfile.ZipFile(path) as file:
            return file.comment
    except (OSError, zipfile.BadZipFile):
        return b""


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


def _tiff(answer: Mask, values: np.ndarray, name: str) -> dict[str, Any]:
    """Returns the arguments of `TiffWriter.write`, 16 bits per pixel where they suffice."""
    small = values.max(initial=0) < 1 << 16
    about: dict[str, Any] = {"axes": "ZYX"[-values.ndim :], "Name": name}
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
