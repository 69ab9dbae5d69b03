"""What a person hands over for one input of a task."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Input", "InputRow", "NamedRows"]


@dataclass(frozen=True)
class Input:
    """One thing a person hands over: image audio video text tokens number category items."""

    medium: str
    choices: tuple[str, ...] = ()


InputRow = tuple[Any, str]


NamedRows = Callable[[str, str], Iterator[InputRow]]
"""What a name on the command line stands for: rows of the column."""
