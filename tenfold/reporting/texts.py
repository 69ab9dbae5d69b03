"""Texts on a page: shortened around what matters, with what the answer rests on marked in them.

A passage is a list of pieces in reading order; a template draws them one by one, escaped.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tenfold.answers import charts
from tenfold.core.language import say
from tenfold.data.prepare import Prepared
from tenfold.media.interactions.cover import BETWEEN
from tenfold.media.text import tokens
from tenfold.media.text.passages import Pieces, passage
from tenfold.task import Task

__all__ = ["examples", "lengths", "text_of", "texts_of"]


def texts_of(task: Task, facts: dict[str, Any]) -> list[str]:
    """Names of the inputs that are shown as texts."""
    return [name for name, one in task.inputs(facts).items() if one.medium in ("text", "items")]


def text_of(cell: Any) -> str:
    """A cell as it is shown: a list with | between its entries."""
    return BETWEEN.join(map(str, cell)) if isinstance(cell, (list, tuple)) else str(cell)


# --- what the rows look like ----------------------------------------------------------------------


def examples(texts: list[str]) -> list[Pieces]:
    """The beginnings of some texts."""
    return [passage(text, most=160) for text in texts]


def lengths(prepared: Prepared, name: str) -> dict[str, Any]:
    """Shortest, median and longest text in characters and tokens, and how the tokens spread."""
    texts = (
        [one for one in prepared.used[name] if isinstance(one, str)] if len(prepared.used) else []
    )
    if not texts:
        return {}
    some = [
        texts[row] for row in np.linspace(0, len(texts) - 1, min(len(texts), 10_000)).astype(int)
    ]
    counts = {
        "characters": np.array([len(text) for text in texts]),
        "tokens": np.array([len(tokens.places(text[: tokens.LONGEST])) for text in some]),
    }
    three = {
        key: list(map(int, np.percentile(values, [0, 50, 100]))) for key, values in counts.items()
    }
    shown = counts["tokens"]
    top = np.percentile(shown, 99)
    chart = (
        charts.histogram(np.minimum(shown, top), "lengths", say("tokens")) if np.ptp(shown) else ""
    )
    return {"sides": three, "chart": chart}
