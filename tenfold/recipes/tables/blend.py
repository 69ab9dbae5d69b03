"""Blends the answers of candidates with weights that are chosen on held-out rows.

Greedy selection with replacement (R. Caruana et al. 2004, "Ensemble selection from libraries of
models"): starting from nothing, each round adds the candidate with which the mean of all added ones
has the lowest loss.

Shapes: N rows, K classes or 1 value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np

__all__ = ["ROUNDS", "greedy"]

ROUNDS = 20
"""Number of rounds: a weight is a multiple of one twentieth."""


def greedy(
    answers: Mapping[str, np.ndarray], loss: Callable[[np.ndarray], float]
) -> dict[str, float]:
    """Returns the weight of each candidate that the blend holds; the weights sum to one.

    `answers` are probabilities (N, K) or values (N, 1) of held-out rows by candidate, `loss` is the
    loss of such answers. Of all rounds, the blend with the lowest loss is returned, the smallest
    of equal ones; it is never worse than the best candidate alone.
    """
    total = np.zeros_like(next(iter(answers.values())), dtype=float)
    added: list[str] = []
    best: tuple[float, list[str]] = (np.inf, [])
    for count in range(1, ROUNDS + 1):
        losses = {name: loss((total + one) / count) for name, one in answers.items()}
        name = min(losses, key=lambda one: losses[one])
        total = total + answers[name]
        added.append(name)
        if losses[name] < best[0]:
            best = losses[name], [*added]
    counts = Counter(best[1])
    return {name: counts[name] / len(best[1]) for name in answers if name in counts}
