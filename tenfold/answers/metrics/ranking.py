"""Metrics of rankings.

Shapes: R rows (users), K places of a ranking.
"""

from __future__ import annotations

import numpy as np

__all__ = ["measures"]


def measures(hits: np.ndarray, wanted: np.ndarray) -> dict[str, np.ndarray]:
    """Returns NDCG, recall, MRR, MAP and hit rate of each row, each (R,), by name.

    `hits` (R, K) is True where the item at a place is relevant; `wanted` (R,) is the number of
    relevant items. NDCG: K. Jaervelin and J. Kekaelaeinen 2002, with gains of one.
    """
    places = hits.shape[1]
    discount = 1 / np.log2(np.arange(2, places + 2))
    most = np.minimum(wanted, places)
    ideal = np.concatenate([[0.0], np.cumsum(discount)])[most]
    first = np.where(hits.any(1), hits.argmax(1) + 1, np.inf)
    precision = np.cumsum(hits, 1) / np.arange(1, places + 1)
    return {
        f"ndcg@{places}": (hits @ discount) / np.maximum(ideal, 1e-12),
        f"recall@{places}": hits.sum(1) / np.maximum(1, wanted),
        f"mrr@{places}": 1 / first,
        f"map@{places}": (precision * hits).sum(1) / np.maximum(1, most),
        f"hit@{places}": hits.any(1).astype(float),
    }
