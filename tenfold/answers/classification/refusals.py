"""Errors of options that only answers of two classes have."""

from __future__ import annotations

from tenfold.core.errors import UsageError
from tenfold.core.message import Message

__all__ = ["not_two_classes"]


def not_two_classes(costs: str) -> UsageError:
    """Returns the error for costs, or without them for a positive class, of other answers."""
    return UsageError(
        Message("Costs and a positive class need a run of two classes"),
        code="bad-setting",
        where="costs" if costs else "positive",
        fix=Message("Leave the option out."),
    )
