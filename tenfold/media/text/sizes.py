"""Lengths of texts, for the page of `check`."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tenfold.core.language import say
from tenfold.media.medium import Sizes
from tenfold.media.text import tokens

__all__ = ["lengths"]

MAX_COUNTED = 10_000
"""Most texts whose tokens are counted, evenly sampled from all of them."""


def lengths(cells: pd.Series) -> Sizes | None:
    """Returns the shortest, median and longest length of the texts, in characters and in tokens.

    The histogram shows token counts, clipped at their 99th percentile. None where no cell is a
    text.
    """
    texts = [one for one in cells if isinstance(one, str)]
    if not texts:
        return None
    rows = np.linspace(0, len(texts) - 1, min(len(texts), MAX_COUNTED)).astype(int)
    some = [texts[row] for row in rows]
    counts = {
        "characters": np.array([len(text) for text in texts]),
        "tokens": np.array([len(tokens.places(text[: tokens.LONGEST])) for text in some]),
    }
    values = counts["tokens"]
    return Sizes(
        say("Lengths"),
        say("a text"),
        say("shortest"),
        say("longest"),
        {key: list(map(int, np.percentile(one, [0, 50, 100]))) for key, one in counts.items()},
        say("tokens"),
        np.minimum(values, np.percentile(values, 99)) if np.ptp(values) else values[:0],
    )
