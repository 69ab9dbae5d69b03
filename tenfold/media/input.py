"""What a person hands over for one input of a task."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Input", "InputRow", "NamedRows"]


@dataclass(frozen=True)
class Input:
    """One thing a person hands over: the name of its medium, and what can be chosen."""

    medium: str
    choices: tuple[str, ...] = ()


InputRow = tuple[Any, str]
"""A cell, and the name to answer under."""

NamedRows = Callable[[str], Iterator[InputRow]]
"""The rows that a name on the command line stands for."""
