"""One temperature that makes probabilities honest, from rows kept for it.

C. Guo et al. 2017, "On calibration of modern neural networks" (arXiv 1706.04599).
"""

from __future__ import annotations

import numpy as np

__all__ = ["temperature"]

PRIOR = 4.0
"""How many nats it costs to leave 1 by a factor of e: few rows change little."""


def temperature(logits: np.ndarray, truth: np.ndarray) -> float:
    """The temperature from 1/5 to 5 under which `truth` is most probable.

    `logits` (N, K); `truth` (N,) class numbers, -1 = unknown, or (N, K) zeros and ones where
    classes do not exclude each other. 1.0 where there are no rows.
    """
    if truth.ndim == 1:
        logits, truth = logits[truth >= 0], truth[truth >= 0]
    loss = _exclusive if truth.ndim == 1 else _independent
    tried = np.exp(np.linspace(-np.log(5), np.log(5), 161))
    costs = [loss(logits / one, truth) + PRIOR * np.log(one) ** 2 for one in tried]
    return float(tried[int(np.argmin(costs))]) if len(truth) else 1.0


def _exclusive(logits: np.ndarray, truth: np.ndarray) -> float:
    top = logits.max(1, keepdims=True)
    total = np.log(np.exp(logits - top).sum(1)) + top[:, 0]
    return float((total - logits[np.arange(len(truth)), truth]).sum())


def _independent(logits: np.ndarray, truth: np.ndarray) -> float:
    return float((np.logaddexp(0, logits) - logits * truth).sum())
