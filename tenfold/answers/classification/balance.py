"""Training with balanced classes, and probabilities that keep the true share of each class.

A loss that weighs the rows of class k by w_k is smallest where the network predicts w_k p_k,
divided by their sum, in place of the probabilities p_k. `corrected` undoes this: it subtracts
log w_k from the logits. A network of our training loop gets its logits plus log w_k in the loss, so
that its own logits are corrected already (`losses.loss_function`); both are the same model. A model
that learnt too little or by heart still misses the shares; `logits.calibrate` adds a number to the
logits of each class, so that the mean probability of held-out rows is the share of the class, and
fits the temperature around the log shares (`log_shares`). Sources: C. Elkan 2001, "The foundations
of cost-sensitive learning"; A. Menon et al. 2021 (arXiv 2007.07314).

Shapes: N rows, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["balanced_weights", "corrected", "log_shares"]


def balanced_weights(counts: Sequence[float]) -> np.ndarray:
    """Returns the weight of each class (K,), proportional to 1 / its rows, with mean 1 over rows.

    `counts` (K,) are the training rows of each class, or the sums of their weights.
    """
    rows = np.maximum(np.asarray(counts, np.float64), 1e-12)
    return np.asarray(rows.sum() / (len(rows) * rows))


def corrected(logits: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Returns the logits (N, K) of a model whose loss weighed the classes by `weights` (K,).

    Their softmax has the share of each class in training. Logits (N, 1) are those of the second
    class of two, as boosted trees have them: log(w_1 / w_0) is subtracted. Also for constants (K,).
    """
    logs = np.log(weights)
    if logits.shape[-1] == 1 and len(logs) == 2:
        logs = logs[1:] - logs[:1]
    return np.asarray(logits - logs)


def log_shares(counts: Sequence[float]) -> np.ndarray:
    """Returns the logarithm of the share of each class (K,) in training."""
    rows = np.maximum(np.asarray(counts, np.float64), 1e-12)
    return np.asarray(np.log(rows / rows.sum()))
