"""Boxes drawn on the picture, each with its class and confidence, in the colour of its class."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tenfold.answers.detection.matches import Truth
from tenfold.media import drawing

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["drawn"]


def drawn(picture: Image, boxes: Truth, scores: Sequence[float]) -> Image:
    """Returns the picture with its boxes, each labelled with class and score.

    A score of 1, which true boxes have, is left out.
    """
    tones = _tones({box[0] for box in boxes})
    texts = [
        f"{box[0]} {score:.2f}" if score < 1 else box[0]
        for box, score in zip(boxes, scores, strict=True)
    ]
    frames = [(box[1:5], text, tones[box[0]]) for box, text in zip(boxes, texts, strict=True)]
    return drawing.framed(picture, frames)


def _tones(names: set[str]) -> dict[str, drawing.Tone]:
    """Returns a colour for each class: the same in every picture, unless another class has it."""
    taken: dict[int, str] = {}
    for name in sorted(names):
        number = zlib.crc32(name.encode()) % len(drawing.TONES)
        while number in taken:
            number += 1
        taken[number] = name
    return {name: drawing.tone(number) for number, name in taken.items()}
