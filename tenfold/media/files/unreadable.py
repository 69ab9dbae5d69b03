"""The exception for a cell that cannot be used, and the size limits of files and pictures."""

from __future__ import annotations

import struct
import zlib

from tenfold.core.columns import Problem
from tenfold.core.message import EMPTY, Message

__all__ = [
    "LARGEST_FILE",
    "LARGEST_PIXELS",
    "PILLOW_ERRORS",
    "Unreadable",
    "check_pixels",
    "damaged",
    "unreadable",
]

LARGEST_FILE = 256 << 20
"""Most bytes of one file or archive member that is read as a whole."""

LARGEST_PIXELS = 100_000_000
"""Most pixels of a picture, or of one page of a stack."""
PILLOW_ERRORS = (OSError, SyntaxError, ValueError, struct.error, zlib.error, EOFError, IndexError)
"""Errors that Pillow raises for damaged files."""


class Unreadable(Exception):
    """A cell that cannot be used; holds its Problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.reason)
        self.problem = problem


def unreadable(code: str, reason: Message, fix: Message = EMPTY) -> Unreadable:
    """Returns an Unreadable with the given code, reason and fix."""
    return Unreadable(Problem(code, reason, fix))


def check_pixels(width: int, height: int) -> None:
    """Raises Unreadable for a picture of more than LARGEST_PIXELS pixels."""
    if width * height > LARGEST_PIXELS:
        raise unreadable(
            "too-many-pixels",
            Message(
                "has {width} x {height} pixels, more than 100 megapixels",
                width=width,
                height=height,
            ),
            Message("Reduce the picture to at most 100 megapixels."),
        )


def damaged(error: BaseException) -> Unreadable:
    """Returns the Unreadable for a file whose content cannot be decoded."""
    return unreadable(
        "damaged",
        Message("is damaged or cut short ({error})", error=error),
        Message("Copy or download the file again."),
    )
