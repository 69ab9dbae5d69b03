"""Logits of networks that name classes: computed for rows, scored, and calibrated.

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
    """(N,) class numbers, or (N, K) zeros and ones where a row may have several."""
    return np.asarray(columns["labels" if "labels" in columns else "label"])


def logits_of(net: Any, columns: Columns, ask: Callable[..., Any], size: int = 128) -> np.ndarray:
    """(N, K) float32 by `ask(**batch)` of all rows, at most `size` of them at a time."""
    infer = by_torch(net, size, lambda **batch: {"logits": ask(**batch).float()})
    return np.asarray(infer(columns)["logits"])


def validation_loss(logits: np.ndarray, truth: np.ndarray) -> float:
    """Log loss of logits at the temperature that suits them best, so that only order counts."""
    return calibration.log_loss(logits / calibration.temperature(logits, truth), truth)


def calibrate(
    net: Any, columns: Columns, read: Callable[[Columns], np.ndarray], plan: Plan
) -> float:
    """Fits the network's temperature on rows kept for it, and returns it rounded.

    `read` gives the logits of rows. The temperature is 1 where there are no rows, and with
    `plan.fixed` that of the first fit.
    """
    temperature = 1.0
    if plan.fixed is not None:
        temperature = float(plan.fixed.get("temperature", 1.0))
    elif columns.rows:
        temperature = calibration.temperature(read(columns), truths(columns))
    with torch.no_grad():
        net.temperature.fill_(temperature)
    return round(temperature, 4)
