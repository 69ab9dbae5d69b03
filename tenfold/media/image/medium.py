"""Images as a medium: files or arrays of pixels."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from PIL import Image

from tenfold.core.columns import Column
from tenfold.core.language import say
from tenfold.core.message import Message
from tenfold.media import request
from tenfold.media.image import cover, decode, draw, formats, unread
from tenfold.media.input import Input
from tenfold.media.medium import Medium, Sizes
from tenfold.media.reading import ColumnRole

__all__ = ["IMAGE", "ImageMedium"]

_SEVERAL = "several_frames"
"""Name of the header column of files with more than one frame, page or picture."""


_PATIENT = "patient"
"""Name of the header column with a number for the patient of a DICOM picture."""


class ImageMedium(Medium):
    """Images: files, or arrays (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)."""

    name = "image"
    singular = Message("picture")
    plural = Message("pictures")
    schema: ClassVar[dict[str, Any]] = {**request.BASE64, "contentMediaType": "image/*"}
    version = decode.VERSION
    files = True
    suffixes = formats.SUFFIXES
    roles = (ColumnRole("image", "column of image files"),)
    unread = unread.SUFFIXES
    arrays = True
    column_cover = cover.COVER
    drawn = True
    group_header = _PATIENT
    limit = "picture"

    def looks_like(self, start: bytes) -> bool:
        return formats.looks_like(start) or unread.reason(start) is not None

    def header(self, content: Any) -> dict[str, int]:
        found = decode.header(content)
        sizes = {"width": found.width, "height": found.height, "channels": found.channels}
        sizes |= {_SEVERAL: 1} if found.several else {}
        return sizes | ({_PATIENT: found.patient} if found.patient else {})

    def remarks(self, headers: Sequence[dict[str, int]]) -> list[Message]:
        count = sum(_SEVERAL in header for header in headers)
        what = Message(
            "{count} files hold several frames or pages: of each, the first is read, or the "
            "primary picture (MPO, HEIC).",
            count=count,
        )
        patients = len({header[_PATIENT] for header in headers if _PATIENT in header})
        kept = Message(
            "DICOM: pictures of {count} patients. Those of one patient stay in one part; names and "
            "other identifiers are not kept.",
            count=patients,
        )
        return [*([what] if count else []), *([kept] if patients else [])]

    def sample(self, declared: Input) -> bytes:
        return _grey_gradient()

    def draw(self, cell: Any) -> Image.Image:
        return decode.upright(cell)

    def shows(self, column: Column) -> bool:
        return draw.is_picture(column)

    def picture(self, values: np.ndarray, smallest: int = 0) -> Image.Image:
        return draw.picture(values, smallest)

    def overlay(self, values: np.ndarray, weights: Any, smallest: int = 96) -> Image.Image:
        return draw.overlay(values, weights, smallest)

    def sizes(self, used: pd.DataFrame, column: str) -> Sizes | None:
        return _sizes(used)

    def about_examples(self, encoded: str) -> str:
        return say(
            "As the network sees them ({facts}), evenly sampled from the training rows.",
            facts=encoded,
        )

    def about_changes(self) -> str:
        return say(
            "In training, each picture is randomly changed in every epoch. Left: the original. "
            "Right: one augmented version."
        )

    def about_explanations(self) -> str:
        return (
            say(
                "What each answer depends on: warm parts support it, blue ones oppose it. "
                "Occlusion covers one square at a time and measures the change of the "
                "probability; Grad-CAM weights the last feature map of the network."
            )
            + say(" ")
            + say(
                "Each map is compared with the map of the same network with random weights. If "
                "the two agreed, the map would show the picture, not what the network learned."
            )
        )

    def about_errors(self) -> str:
        return say("Warm regions beside each picture support the answer.")

    def same_as_random(self, method: str, value: str) -> str:
        return say(
            "With random weights the {method} map is nearly the same (rank correlation {value}): "
            "it shows the picture, not what the network learned.",
            method=method,
            value=value,
        )


def _grey_gradient() -> bytes:
    """Returns a small image as a PNG file."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize((64, 64)).convert("RGB").save(file, "PNG")
    return file.getvalue()


def _sizes(used: pd.DataFrame) -> Sizes | None:
    """Returns the widths and heights of the images, with their longer sides as histogram values."""
    if not {"width", "height"} <= set(used):
        return None
    names = ("width", "height")
    sides = {name: np.percentile(used[name], [0, 50, 100]).astype(int) for name in names}
    longer = used[["width", "height"]].max(axis=1).to_numpy()
    return Sizes(
        say("Sizes"),
        say("pixels"),
        say("smallest"),
        say("largest"),
        {name: list(map(int, three)) for name, three in sides.items()},
        say("longer side, pixels"),
        longer if np.ptp(longer) else longer[:0],
    )


IMAGE = ImageMedium()
