"""How numbers, metrics and words of the documents are said on a page, in the language spoken."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tenfold.answers.metric import Metric, number, share
from tenfold.answers.registry import metrics
from tenfold.core.language import again, say, spoken
from tenfold.core.progress import clock

__all__ = ["NAMES", "Metric", "amount", "metric", "named", "number", "share", "span"]


# Words of the documents, for programs, and what a page calls them.
NAMES = {
    "train": "training",
    "valid": "validation",
    "test": "test",
    "read": "reading",
    "encode": "decoding",
    "total": "in all",
    "constant baseline": "constant baseline",
    "nearest centroid": "nearest centroid",
    "naive Bayes": "naive Bayes",
    "linear": "linear model",
    "convolution": "convolution",
    "mixed": "all of them mixed",
    "selected": "part that answers",
    "popularity": "popularity",
    "characters": "characters",
    "tokens": "tokens",
    "steps": "steps",
    "batch": "batch",
    "precision": "arithmetic",
    "epochs": "epochs",
    "decided": "length decided by",
    "temperature": "temperature",
    "ended_early": "ended early at step",
    "refit": "training again",
    "validation_scores": "what was tried, on validation",
    "seed": "seed",
    "device": "device",
    "data": "data fingerprint",
    "parameters": "parameters",
    "system": "system",
    "time": "time",
    "height": "height",
    "width": "width",
    "channels": "channels",
    "masked": "with a foreground mask",
    "foreground channel set to one": "foreground channel set to one",
}


def named(word: str) -> str:
    """A word of the documents as a page calls it; one that is not known stays as it is."""
    return say(NAMES.get(word, word.replace("_", " ")))


def metric(name: str) -> Metric:
    """What is known of a metric; one without an entry is called by its own name."""
    found = metrics().get(name)
    if found is None:
        return Metric(name.replace("_", " "), "", share=False)
    return replace(found, title=say(found.title), meaning=say(found.meaning))


def amount(size: float) -> str:
    """Bytes as `3.4 MB`."""
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    return ""


def span(seconds: float) -> str:
    """A time in words; below ten seconds with a digit more."""
    return f"{seconds:.1f} s" if seconds < 10 else clock(seconds)


def plural(count: int, one: str, many: str = "") -> str:
    """`1 row`, `2,000 rows`; languages without a plural have the entry of many."""
    many = many or f"{one}s"
    if spoken() != "en":
        return say(f"{{count}} {many}", count=f"{count:,}")
    return f"{count:,} {one if count == 1 else many}"


def listed(value: Any) -> str:
    """A JSON value as a person writes it."""
    if isinstance(value, float):
        return number(value)
    if isinstance(value, bool):
        return say("yes") if value else say("no")
    return f"{value:,}" if isinstance(value, int) else again(str(value))
