"""Near-duplicate texts: MinHash sketches propose pairs, and comparing the contents confirms them.

Texts are compared by the sets of their runs of four letters or digits; case, spaces and punctuation
are ignored (A. Broder 1997: the minima of a hash over two sets are equal with a probability that is
the Jaccard similarity of the sets).

Shapes: N rows, G runs in all rows together.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from tenfold.media.text import tokens

__all__ = ["Pairs", "pairs"]

ALIKE = 0.8
"""Least Jaccard similarity (shared runs over all runs of both texts) of near duplicates."""
LEAST = 12
"""Fewest runs of a text that is compared; short texts are similar by chance."""
RUN = 4
BANDS, DRAWS = 10, 3
REACH = 8
"""Farthest distance of two rows that are compared, in the list of rows that share a band's key."""
BLOCK = 20_000

Pairs = Iterator[tuple[int, int]]


def pairs(texts: pd.Series) -> Pairs:
    """Yields the row positions of each pair of texts found to be near duplicates."""
    read = texts.to_numpy()
    keys = [_keys(list(read[at : at + BLOCK])) for at in range(0, len(read), BLOCK)]
    for rows in _proposed(np.concatenate(keys)) if keys else ():
        sets = [set(_runs([read[row]])[1].tolist()) for row in rows]
        for one, other in _pairs(len(rows)):
            if len(sets[one] & sets[other]) >= ALIKE * len(sets[one] | sets[other]):
                yield rows[one], rows[other]


def _pairs(rows: int) -> Pairs:
    """Yields the positions of every two rows that are at most REACH apart."""
    for one in range(rows):
        for other in range(one + 1, min(one + 1 + REACH, rows)):
            yield one, other


def _runs(read: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Returns (G,) row and (G,) hash of every run of four letters or digits."""
    block = tokens.block(read)
    kept = block.letters
    points, row = block.points[kept].astype(np.uint64), block.row[kept]
    count = max(0, len(points) - RUN + 1)
    hashed = np.zeros(count, np.uint64)
    for place in range(RUN):
        hashed = hashed * np.uint64(0x100000001B3) + points[place : place + count]
    same = row[:count] == row[RUN - 1 : RUN - 1 + count]
    return row[:count][same], _spread(hashed[same])


def _spread(values: np.ndarray) -> np.ndarray:
    """Mixes the bits of hashes (the finaliser of SplitMix64, S. Vigna, public domain)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(values ^ (values >> np.uint64(31)))


def _keys(read: list[str]) -> np.ndarray:
    """Returns (N, BANDS) keys; rows with an equal key may be near duplicates; 0 for short texts."""
    row, hashed = _runs(read)
    counts = np.bincount(row, minlength=len(read))
    keys = np.zeros((len(read), BANDS), np.uint64)
    there = counts > 0
    starts = (np.cumsum(counts) - counts)[there]
    for band in range(BANDS if there.any() else 0):
        for draw in range(DRAWS):
            salt = np.uint64(0x9E3779B97F4A7C15 * (band * DRAWS + draw + 1) % 2**64)
            least = np.minimum.reduceat(_spread(hashed ^ salt), starts)
            keys[there, band] = _spread(keys[there, band] * np.uint64(31) + least)
    keys[counts < LEAST] = 0
    return keys


def _proposed(keys: np.ndarray) -> Iterator[list[int]]:
    """Yields the rows that share a key, band by band."""
    for band in range(BANDS):
        order = np.argsort(keys[:, band], kind="stable")
        values = keys[order, band]
        ends = np.flatnonzero(np.r_[values[1:] != values[:-1], True]) + 1
        starts = np.r_[0, ends[:-1]]
        for start, end in zip(starts[ends - starts > 1], ends[ends - starts > 1], strict=True):
            if values[start]:
                yield order[start:end].tolist()
