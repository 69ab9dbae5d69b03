"""Single values that a person hands over: numbers and names."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tenfold.core.columns import Problem
from tenfold.media.input import InputRow

__all__ = ["category", "named_category", "named_number", "number"]


def number(text: str) -> float | None:
    """The number that a text stands for; None where it is blank.

    Raises ValueError where it is no finite number.
    """
    if not text.strip():
        return None
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not finite")
    return value


def named_number(name: str) -> Iterator[InputRow]:
    """The number itself."""
    try:
        yield number(name), name
    except ValueError:
        yield Problem("bad-number", "is not a number", "Write a number such as 3.5."), name


def category(text: str) -> str | None:
    """The name itself; None where it is blank."""
    return text if text.strip() else None


def named_category(name: str) -> Iterator[InputRow]:
    """The name itself."""
    yield category(name), name
