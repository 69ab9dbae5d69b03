"""What 8-bit quantization costs: the loss of the headline score, in the words of its metric."""

from __future__ import annotations

from typing import Any

from tenfold.answers.metric import Metric
from tenfold.core.errors import ArtefactRefused
from tenfold.core.message import Message, as_message

__all__ = ["drop", "refused"]


def drop(metric: Metric, before: float, after: float) -> float:
    """Returns how much worse a score is: points of a share, otherwise percent of the score."""
    worse = before - after if metric.better == "higher" else after - before
    if metric.share or not worse:
        return 100 * worse
    return 100 * worse / max(abs(before), abs(worse) / 100)


def refused(where: str, metric: Metric, cost: dict[str, Any], before: float) -> ArtefactRefused:
    """Returns the error for a loss above the limit; `cost` has `drop`, `value` and `max_drop`."""
    values = {
        "drop": cost["drop"],
        "name": as_message(metric.title),
        "before": before,
        "after": cost["value"],
        "limit": cost["max_drop"],
    }
    return ArtefactRefused(
        Message(
            "8-bit quantization worsens {name} by {drop:.2f} points ({before:.4f} to {after:.4f}), "
            "more than --max-drop {limit:g}",
            **values,
        )
        if metric.share
        else Message(
            "8-bit quantization worsens {name} by {drop:.2f} % ({before:.5g} to {after:.5g}), more "
            "than --max-drop {limit:g}",
            **values,
        ),
        code="int8-costs",
        where=where,
        fix=Message(
            "Export without --int8, or allow a larger drop with --max-drop. Nothing was written."
        ),
    )
