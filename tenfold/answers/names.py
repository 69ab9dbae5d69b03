"""Names of metrics, parts and other keys of the documents, as they are displayed."""

from __future__ import annotations

from dataclasses import replace

from tenfold.answers.metric import Metric
from tenfold.answers.registry import metrics
from tenfold.core.language import say, spoken
from tenfold.core.message import Message, as_message

__all__ = ["NAMES", "column", "metric", "named", "title"]


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
    "most frequent class at each place": "most frequent class at each place",
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
    """Returns the display name of a key of JSON documents; an unknown key is its own name."""
    return say(NAMES.get(word, word.replace("_", " ")))


def metric(name: str) -> Metric:
    """Returns the description of a metric, translated; an unknown metric has its key as title."""
    found = metrics().get(name)
    if found is None:
        return Metric(name.replace("_", " "), "", share=False)
    return replace(found, title=say(found.title), meaning=say(found.meaning))


def title(name: str) -> Message:
    """Returns the title of a metric as a Message."""
    found = metrics().get(name)
    return as_message(found.title if found else name.replace("_", " "))


def column(name: str) -> str:
    """Returns the heading of a metric on the terminal: in English its key, in Chinese its title."""
    return name if spoken() == "en" else metric(name).title
