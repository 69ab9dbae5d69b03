"""What a person hands over for one input of a task."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Input", "InputRow", "NamedRows"]


@dataclass(frozen=True)
class Input:
    """One thing a person hands over: the name of its medium, what can be chosen, and titles.

    `names` gives the title of an id, where cells hold ids.
    """

    medium: str
    choices: tuple[str, ...] = ()
    names: dict[str, str] = field(default_factory=dict, hash=False)


InputRow = tuple[Any, str]
"""A cell, and the name to answer under."""

NamedRows = Callable[[str], Iterator[InputRow]]
"""The rows that a name on the command line stands for."""
