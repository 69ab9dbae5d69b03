"""Logits of classification networks: computation, validation loss and calibration.

Shapes: N rows, K classes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tenfold.answers import calibration
from tenfold.core.columns import Columns
from tenfold.core.lazy import lazy
from tenfold.core.plan import Plan
from tenfold.training.inference import by_torch

torch = lazy("torch")

__all__ = ["calibrate", "logits_of", "truths", "validation_loss"]


def truths(columns: Columns) -> np.ndarray:
    """Returns true labels: class numbers (N,), or zeros and ones (N, K) if multi-label.

    Multi-label: a row may have several classes.
    """
    return np.asarray(columns["labels" if "labels" in columns else "label"])


def logits_of(net: Any, columns: Columns, ask: Callable[..., Any], size: int = 128) -> np.ndarray:
    """Computes logits (N, K) float32 of all rows by `ask(**batch)`, at most `size` rows a batch."""
    infer = by_torch(net, size, lambda **batch: {"logits": ask(**batch).float()})
    return np.asarray(infer(columns)["logits"])


def validation_loss(logits: np.ndarray, truth: np.ndarray) -> float:
    """Returns the log loss at the best temperature, so that the scale of logits has no effect."""
    return calibration.log_loss(logits / calibration.temperature(logits, truth), truth)


def calibrate(
    net: Any, columns: Columns, read: Callable[[Columns], np.ndarray], plan: Plan
) -> float:
    """Fits the softmax temperature on held-out rows, stores it in the network and returns it.

    `read` computes the logits of rows. The temperature is 1 without rows; with `plan.fixed` it is
    that of the first fit. The returned value is rounded to four decimals.
    """
    temperature = 1.0
    if plan.fixed is not None:
        temperature = float(plan.fixed.get("temperature", 1.0))
    elif columns.rows:
        temperature = calibration.temperature(read(columns), truths(columns))
    with torch.no_grad():
        net.temperature.fill_(temperature)
    return round(temperature, 4)
