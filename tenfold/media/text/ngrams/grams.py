"""Scores of texts: linear models of hashed n-grams, each of which has not learnt one fold of texts.

A text is in a fold by its hash, and the model that learnt from the other folds scores it. So the
scores of training rows are those of texts never seen, as the scores of new rows are, and copies of
a text have one score.

Shapes: N texts, K outputs.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from tenfold.media.text import tokens

__all__ = ["BUCKETS", "FOLDS", "folds_of", "hashed", "scores"]

FOLDS, BUCKETS = 5, 8192
"""Number of folds of the texts, and of the buckets that n-grams are hashed into."""
AT_ONCE = 4096
"""Number of texts that are divided into n-grams at once."""
WORDS, SHORTEST, LONGEST = 2, 3, 4
"""Maximum number of words of an n-gram, and of characters: at least and at most."""


def folds_of(texts: Sequence[str]) -> np.ndarray:
    """Returns the fold of each text (N,)."""
    found = [zlib.crc32(text.encode("utf-8", "surrogatepass")) % FOLDS for text in texts]
    return np.array(found, np.int64)


def hashed(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns text (G,), bucket (G,) and value (G,) of all n-grams of words and characters.

    The values of a text have the sum of squares 1, where no n-grams share a bucket.
    """
    rows, buckets = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for at in range(0, len(texts), AT_ONCE):
        row, gram = tokens.block(texts[at : at + AT_ONCE]).grams(WORDS, SHORTEST, LONGEST)
        rows.append(row + at)
        buckets.append((gram % np.uint32(BUCKETS)).astype(np.int64))
    row, bucket = np.concatenate(rows), np.concatenate(buckets)
    count = np.bincount(row, minlength=len(texts))
    return row, bucket, 1 / np.sqrt(count[row])


def scores(texts: Sequence[str], weights: np.ndarray) -> np.ndarray:
    """Returns the scores (N, K) of texts; `weights` are (FOLDS, BUCKETS, K)."""
    row, bucket, value = hashed(texts)
    fold = folds_of(texts)[row]
    each = [
        np.bincount(row, value * weights[fold, bucket, output], len(texts))
        for output in range(weights.shape[2])
    ]
    return np.stack(each, 1)
