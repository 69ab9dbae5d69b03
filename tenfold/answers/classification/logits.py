"""Logits of classification networks: computation, validation loss and calibration.

Shapes: N rows, K classes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tenfold.answers import calibration
from tenfold.answers.classification.balance import log_shares
from tenfold.core.columns import Columns
from tenfold.core.lazy import lazy
from tenfold.core.plan import Plan
from tenfold.training.inference import by_torch

torch = lazy("torch")

__all__ = ["calibrate", "centre_of", "centred", "logits_of", "truths", "validation_loss"]


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


def centred(net: Any, fitted: dict[str, Any]) -> None:
    """Stores the logits that the temperature leaves as they are (K,), if they are in the facts."""
    if "centre" in fitted:
        net.centre = torch.tensor(fitted["centre"], dtype=torch.float32, device=net.centre.device)


def centre_of(loss: str, answers: dict[str, Any]) -> list[float] | None:
    """Returns the log shares of the classes for a balanced loss, else None.

    `loss` is the setting, `answers` the facts of `classes.answers`.
    """
    if loss != "balanced" or answers["several"]:
        return None
    return [round(float(one), 6) for one in log_shares(answers["counts"])]


def calibrate(
    net: Any,
    columns: Columns,
    read: Callable[[Columns], np.ndarray],
    plan: Plan,
    centre: list[float] | None = None,
) -> dict[str, Any]:
    """Fits the softmax temperature on held-out rows and stores it in the network.

    Returns it as the fact `temperature`, rounded to four decimals, with `centre` if it is given.
    `read` computes the logits of rows. The temperature is 1 without rows; with `plan.fixed` it is
    that of the first fit. `centre` (K,) are the logits that the temperature leaves as they are. A
    column `weight` weighs the rows.
    """
    temperature, more = 1.0, {} if centre is None else {"centre": centre}
    centred(net, more)
    if plan.fixed is not None:
        temperature = float(plan.fixed.get("temperature", 1.0))
    elif columns.rows:
        middle = 0.0 if centre is None else np.array(centre)
        weights = np.asarray(columns["weight"], float) if "weight" in columns else None
        temperature = calibration.temperature(read(columns), truths(columns), middle, weights)
    with torch.no_grad():
        net.temperature.fill_(temperature)
    return {"temperature": round(temperature, 4)} | more
