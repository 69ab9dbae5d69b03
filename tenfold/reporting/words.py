"""Numbers, metrics and words of the documents as pages show them, in the current language."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tenfold.answers.metric import Metric, number, share
from tenfold.answers.registry import metrics
from tenfold.core.language import say, spoken
from tenfold.core.message import translate
from tenfold.core.progress import clock

__all__ = ["NAMES", "Metric", "amount", "metric", "named", "number", "share", "span"]


# Keys of the JSON documents, and the words that pages show for them.
NAMES = {
    "train": "training",
    "valid": "validation",
    "test": "test",
    "read": "reading",
    "encode": "decoding",
    "total": "total",
    "constant baseline": "constant baseline",
    "nearest centroid": "nearest centroid",
    "naive Bayes": "naive Bayes",
    "linear": "linear model",
    "convolution": "convolution",
    "mixed": "weighted ensemble of the models",
    "selected": "selected model",
    "popularity": "popularity",
    "characters": "characters",
    "tokens": "tokens",
    "steps": "steps",
    "batch": "batch",
    "precision": "numeric precision",
    "epochs": "epochs",
    "decided": "length decided by",
    "temperature": "temperature",
    "ended_early": "early stopping at step",
    "refit": "retraining",
    "validation_scores": "validation scores of the candidates",
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
    """A key of the documents as pages show it; an unknown key keeps its own words."""
    return say(NAMES.get(word, word.replace("_", " ")))


def metric(name: str) -> Metric:
    """The description of a metric; an unknown metric is called by its own name."""
    found = metrics().get(name)
    if found is None:
        return Metric(name.replace("_", " "), "", share=False)
    return replace(found, title=say(found.title), meaning=say(found.meaning))


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


def plural(count: int, one: str, many: str = "") -> str:
    """A count with its noun, such as `1 row` or `2,000 rows`; Chinese uses the plural entry."""
    many = many or f"{one}s"
    if spoken() != "en":
        return say(f"{{count}} {many}", count=f"{count:,}")
    return f"{count:,} {one if count == 1 else many}"


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
