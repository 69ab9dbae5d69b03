"""The nearest-centroid classifier, a trivial baseline on encoded values.

Shapes: N rows, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tenfold.core.columns import Columns, batches

__all__ = ["centroids"]


def centroids(train: Columns, truth: np.ndarray, rows: Columns, classes: int) -> np.ndarray:
    """Predicts the class with the nearest mean of encoded values; returns (N, K) one-hot.

    The means are computed on `train`, the predictions on `rows`; both have a single column.
    """
    sums, counts = 0.0, np.bincount(truth, minlength=classes)
    for part, values in _flat(train):
        sums = sums + np.eye(classes, dtype=np.float32)[truth[part]].T @ values
    means = (sums / np.maximum(1, counts)[:, None]).astype(np.float32)
    near = np.concatenate([values @ means.T for _, values in _flat(rows)])
    distance = (means**2).sum(1) - 2 * near
    distance[:, counts == 0] = np.inf
    return np.eye(classes, dtype=np.float32)[distance.argmin(1)]


def _flat(columns: Columns) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields (positions, float32 values (rows, size)) of the single column, at most 32 MB each."""
    (name,) = columns
    each = max(1, columns.nbytes // max(1, columns.rows))
    for part in batches(columns.rows, max(1, min(1024, (8 << 20) // each))):
        values = columns.take(part)[name]
        yield part, values.reshape(len(part), -1).astype(np.float32)
