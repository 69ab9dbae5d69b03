"""Numbers, metrics and words of the documents as pages show them, in the current language."""

from __future__ import annotations

from typing import Any

from tenfold.answers.metric import Metric, number, share
from tenfold.answers.names import NAMES, metric, named, title
from tenfold.core.language import plural, say
from tenfold.core.message import translate
from tenfold.core.progress import clock

__all__ = [
    "NAMES",
    "Metric",
    "amount",
    "metric",
    "named",
    "number",
    "plural",
    "share",
    "span",
    "title",
]


def amount(size: float) -> str:
    """A number of bytes as text, such as `3.4 MB`."""
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    return ""


def span(seconds: float) -> str:
    """A duration as text; below ten seconds with one decimal."""
    return f"{seconds:.1f} s" if seconds < 10 else clock(seconds)


def listed(value: Any) -> str:
    """A JSON value as text for people."""
    if isinstance(value, float):
        return number(value)
    if isinstance(value, bool):
        return say("yes") if value else say("no")
    return (
        f"{value:,}"
        if isinstance(value, int)
        else translate(value if isinstance(value, str) else str(value))
    )
