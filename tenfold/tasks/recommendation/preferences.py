"""Which interactions mean that a user likes an item.

All do, except for ratings below the middle of their scale, and returned or cancelled purchases.
"""

from __future__ import annotations

import numpy as np

from tenfold.core.errors import DataRefused, UsageError
from tenfold.core.message import Message
from tenfold.core.progress import tell
from tenfold.media.interactions.read import Interactions

__all__ = ["liked", "mark"]

FULL = (5.0, 10.0)
"""Highest ratings of the usual scales, which begin at 1 or below."""
WIDEST = 10.0
"""Largest range of numbers that is a scale of ratings; that from 0 to 100 is one, too."""
NO = -1.0
"""Mark of an item that was returned or cancelled and has no rating."""


def liked(found: Interactions, least: str) -> tuple[np.ndarray, float | None]:
    """Returns (E,) True for the interactions that mean yes, and the lowest mark that means yes.

    The mark is None where all mean yes. Prints how many mean no. `least` is the lowest rating that
    means yes: a number, "all" where every interaction means yes, or "auto" for the middle of the
    scale. Raises UsageError for other texts, DataRefused where no interaction means yes.
    """
    if least == "all":
        return np.ones(len(found.user), bool), None
    lowest = _middle(found.rating) if least == "auto" else _number(least)
    low = np.zeros(len(found.user), bool) if lowest is None else found.rating < lowest
    yes = ~(low | found.no)
    if low.any():
        tell(
            Message(
                "Ratings below {least:g} do not mean that a user likes an item: {count} of {total} "
                "interactions (--liked).",
                least=lowest,
                count=int(low.sum()),
                total=len(yes),
            )
        )
    if returned := int((found.no & ~low).sum()):
        tell(
            Message(
                "Returned or cancelled, so not liked: {count} of {total} interactions (--liked).",
                count=returned,
                total=len(yes),
            )
        )
    if len(yes) and not yes.any():
        raise DataRefused(
            Message(
                "None of the {total} interactions means that a user likes an item", total=len(yes)
            ),
            code="nothing-together",
            fix=Message("Give a lower rating with --liked, or --liked all."),
        )
    return yes, lowest if low.any() else NO / 2 if returned else None


def mark(found: Interactions, at: int) -> float:
    """Returns the number that marks an item as not liked: its rating, or -1."""
    rating = float(found.rating[at])
    return round(rating, 6) if np.isfinite(rating) and not found.no[at] else NO


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise UsageError(
            Message("liked must be auto, all or a number, got {text!r}", text=text[:40]),
            code="bad-setting",
            where="liked",
        )
    return value


def _middle(ratings: np.ndarray) -> float | None:
    """Returns the middle of the scale of ratings; None where they are not on a scale.

    On a scale with negative numbers, the middle is 0. A scale up to 5 or 10 begins at 1 or below,
    even if nobody gave the lowest rating.
    """
    marks = ratings[np.isfinite(ratings)]
    if not len(marks):
        return None
    low, high = float(marks.min()), float(marks.max())
    if low == high or (high - low > WIDEST and not (low >= 0 and high == 100.0) and low >= 0):
        return None
    if low < 0:
        return 0.0
    start = 1.0 if high in FULL and low > 1 else low
    return (start + high) / 2
