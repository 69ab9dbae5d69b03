"""The known n-grams of texts: their vocabulary, and their numbers in each text.

Shapes: N texts, V known n-grams.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tenfold.core.columns import Ragged
from tenfold.media.text import tokens

__all__ = ["count", "encoded", "often", "ragged"]

GRAMS = 1 << 17
"""Maximum size of the vocabulary of word n-grams, and of that of character n-grams."""


def often(hashes: list[np.ndarray], least: int) -> str:
    """Packs the n-grams that occur in at least `least` texts: the GRAMS most frequent, in order."""
    if not hashes:
        return tokens.packed(np.zeros(0, np.uint32))
    names, counts = np.unique(np.concatenate(hashes), return_counts=True)
    kept = counts >= least
    names, counts = names[kept], counts[kept]
    return tokens.packed(names[np.argsort(-counts, kind="stable")[:GRAMS]])


def count(data: Mapping[str, Any]) -> int:
    """The size of both vocabularies of n-grams together."""
    return sum(len(tokens.unpacked(data[name])) for name in ("grams", "characters"))


def encoded(block: tokens.Block, data: Mapping[str, Any]) -> Ragged:
    """Returns the vocabulary indices, from 1, of the known n-grams of each text.

    Character n-grams have the indices after those of the word n-grams.
    """
    words, characters = (tokens.unpacked(data[name]) for name in ("grams", "characters"))
    row, hashed = block.grams(data["words"], 1, 0)
    more_row, more_hashed = block.grams(0, data["least"], data["most"])
    row = np.concatenate([row, more_row])
    number = tokens.known(hashed, words), tokens.known(more_hashed, characters)
    ids = np.concatenate([number[0], np.where(number[1] < 0, -1, number[1] + len(words))]) + 1
    order = np.argsort(row[ids > 0], kind="stable")
    return ragged(row[ids > 0][order], ids[ids > 0][order].astype(np.int32), block.texts)


def ragged(row: np.ndarray, values: np.ndarray, rows: int) -> Ragged:
    """Returns `values` as a column of `rows` rows; `row` is the row of each value, ascending."""
    lengths = np.bincount(row, minlength=rows)
    return Ragged(values, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))
