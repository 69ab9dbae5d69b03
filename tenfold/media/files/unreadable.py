"""The exception for a cell that cannot be used, and the size limit of one file."""

from __future__ import annotations

import re

from tenfold.core.columns import Problem
from tenfold.core.message import EMPTY, Message

__all__ = ["LARGEST_FILE", "Unreadable", "printable", "unreadable"]

LARGEST_FILE = 256 << 20
"""Most bytes of one file or archive member that is read as a whole."""

_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class Unreadable(Exception):
    """A cell that cannot be used; holds its Problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.reason)
        self.problem = problem


def unreadable(code: str, reason: Message, fix: Message = EMPTY) -> Unreadable:
    """Returns an Unreadable with the given code, reason and fix."""
    return Unreadable(Problem(code, reason, fix))


def printable(name: str) -> str:
    """Returns a name for messages; control characters and invalid text are replaced."""
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", name)
