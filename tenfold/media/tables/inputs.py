"""Single values given for prediction: numbers, category names and dates."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator

from tenfold.core.columns import Problem
from tenfold.core.message import Message
from tenfold.media.input import InputRow

__all__ = ["category", "date", "named_category", "named_date", "named_number", "number"]


def number(text: str) -> float | None:
    """Returns the number written in a text; None where the text is blank.

    Raises ValueError where the text is not a finite number.
    """
    if not text.strip():
        return None
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not finite")
    return value


def named_number(name: str) -> Iterator[InputRow]:
    """Yields the number written on the command line, or a problem where it is invalid."""
    try:
        yield number(name), name
    except ValueError:
        yield (
            Problem(
                "bad-number", Message("is not a number"), Message("Write a number such as 3.5.")
            ),
            name,
        )


def category(text: str) -> str | None:
    """Returns the category name; None where the text is blank."""
    return text if text.strip() else None


def named_category(name: str) -> Iterator[InputRow]:
    """Yields the category name given on the command line."""
    yield category(name), name


def date(text: str) -> float | None:
    """Returns the seconds since 1970 of a date in the form of ISO 8601; None where it is blank.

    Without a zone, the time is in UTC. Raises ValueError where the text is not such a date.
    """
    if not text.strip():
        return None
    moment = datetime.datetime.fromisoformat(text.strip())
    return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).timestamp()


def named_date(name: str) -> Iterator[InputRow]:
    """Yields the date written on the command line, or a problem where it is invalid."""
    try:
        yield date(name), name
    except ValueError:
        reason, fix = Message("is not a date"), Message("Write a date such as 2024-03-31.")
        yield Problem("bad-date", reason, fix), name
