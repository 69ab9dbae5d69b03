"""Lengths of runs of pixels in the packed text of COCO, for readers of boxes and of masks.

Source: the format of `rleToString` in the COCO API (pycocotools, common/maskApi.c).
"""

from __future__ import annotations

from tenfold.core.message import Message

__all__ = ["unpacked"]


def unpacked(text: str | bytes) -> list[int]:
    """Returns the lengths in a packed text: 5 bits per character, differences from the third on.

    Raises ValueError, its argument a Message, for a character that stands for no length and for a
    text that is cut off.
    """
    data = text.encode("ascii", "replace") if isinstance(text, str) else text
    lengths: list[int] = []
    value, shift = 0, 0
    for byte in data:
        bits = byte - 48
        if not 0 <= bits < 64 or shift > 60:
            raise ValueError(Message("runs with a character that stands for no count"))
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            if bits & 16:
                value -= 1 << shift
            lengths.append(value + (lengths[-2] if len(lengths) > 2 else 0))
            value, shift = 0, 0
    if shift:
        raise ValueError(Message("runs that are cut off"))
    return lengths
