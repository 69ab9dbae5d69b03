"""Pictures with outlines or runs, as a reader of annotations returns them."""

from __future__ import annotations

from dataclasses import dataclass

from tenfold.core.message import Message
from tenfold.media.files.listing import Entry
from tenfold.media.image.masks.outlined.shapes import DrawnPicture

__all__ = ["Annotated"]


@dataclass
class Annotated:
    """Pictures with outlines, the names of their classes, and the files of annotations."""

    pictures: list[DrawnPicture]
    names: list[str]
    files: list[Entry]
    source: Message
