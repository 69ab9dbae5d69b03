"""What the readers of labelled folders must know about a medium: pictures, sounds, clips."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Medium"]


@dataclass(frozen=True)
class Medium:
    """`column` is the table's column, `plural` its word in sentences.

    `looks_like` judges the first bytes of a file; `facts` gives a header's columns from a whole
    file's bytes, without decoding, or raises Unreadable. `version` is raised whenever the same file
    would give another header or other values.
    """

    column: str
    plural: str
    suffixes: frozenset[str]
    looks_like: Callable[[bytes], bool]
    facts: Callable[[Any], dict[str, int]]
    version: int = 1
