"""Declaration of one input of a task."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Input", "InputRow", "NamedRows"]


@dataclass(frozen=True)
class Input:
    """One input given by the user: the name of its medium, and the possible values, if limited."""

    medium: str
    choices: tuple[str, ...] = ()


InputRow = tuple[Any, str]
"""A cell, and the name that its prediction is listed under."""

NamedRows = Callable[[str], Iterator[InputRow]]
"""Function that yields the input rows for a name given on the command line."""
