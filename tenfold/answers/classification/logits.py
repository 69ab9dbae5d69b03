"""Logits of classification networks: computation, validation loss and calibration.

Shapes: N rows, K classes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tenfold.answers import calibration
from tenfold.answers.classification.balance import log_shares
from tenfold.core.columns import Columns, Parts
from tenfold.core.lazy import lazy
from tenfold.core.plan import Plan
from tenfold.training.inference import by_torch

torch = lazy("torch")

__all__ = ["biased", "calibrate", "logits_of", "shares_of", "truths", "validation_loss"]

ROWS = 20_000
"""Maximum number of training rows by which probabilities are corrected if none is held out."""


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


def biased(net: Any, fitted: dict[str, Any]) -> None:
    """Stores the bias (K,), added to the logits after the temperature, if it is in the facts."""
    if "bias" in fitted:
        net.bias = torch.tensor(fitted["bias"], dtype=torch.float32, device=net.bias.device)


def shares_of(loss: str, answers: dict[str, Any]) -> np.ndarray | None:
    """Returns the shares of the classes (K,) for a balanced loss, else None.

    `loss` is the setting, `answers` the facts of `classes.answers`.
    """
    if loss != "balanced" or answers["several"]:
        return None
    return np.exp(log_shares(answers["counts"]))


def calibrate(
    net: Any,
    parts: Parts,
    read: Callable[[Columns], np.ndarray],
    plan: Plan,
    shares: np.ndarray | None = None,
) -> dict[str, Any]:
    """Fits the softmax temperature on held-out rows and stores it in the network.

    Returns it as the fact `temperature`, rounded to four decimals. `read` computes the logits of
    rows. `shares` (K,) are the shares of the classes in training, given where the loss balanced
    them: then a `bias` (K,), a further fact, is added to the logits, so that the mean probability
    of each class equals its share (see `calibration.level`). Without held-out rows the temperature
    is 1, and the bias is fitted on training rows; with `plan.fixed` both are those of the first
    fit. A column `weight` weighs the rows.
    """
    if plan.fixed is not None:
        temperature = float(plan.fixed.get("temperature", 1.0))
        more = {"bias": plan.fixed["bias"]} if "bias" in plan.fixed else {}
    elif shares is None:
        temperature, more = _temperature(parts.calibration, read), {}
    else:
        temperature, bias = _balanced(parts, read, shares)
        more = {"bias": [round(float(one), 6) for one in bias]}
    biased(net, more)
    with torch.no_grad():
        net.temperature.fill_(temperature)
    return {"temperature": round(temperature, 4)} | more


def _temperature(rows: Columns, read: Callable[[Columns], np.ndarray]) -> float:
    if not rows.rows:
        return 1.0
    return calibration.temperature(read(rows), truths(rows), weights=_weights(rows))


def _balanced(
    parts: Parts, read: Callable[[Columns], np.ndarray], shares: np.ndarray
) -> tuple[float, np.ndarray]:
    """Returns the temperature, and the bias (K,) that is added to the logits after it.

    The bias is fitted first, so that mean probabilities equal the shares of the classes; then the
    temperature, around the log shares; then the bias again with that temperature.
    """
    held, rows = bool(parts.calibration.rows), parts.calibration
    if not held:
        step = -(-parts.train.rows // ROWS)
        rows = parts.train.view(np.arange(0, parts.train.rows, step))
    found, truth, weights = read(rows), truths(rows), _weights(rows)
    bias, temperature = calibration.level(found, truth, shares, weights), 1.0
    if held:
        centre = np.log(shares)
        temperature = calibration.temperature(found + bias, truth, centre, weights)
        bias = (bias - centre) / temperature + centre
        bias = bias + calibration.level(found / temperature + bias, truth, shares, weights)
    return temperature, bias


def _weights(rows: Columns) -> np.ndarray | None:
    return np.asarray(rows["weight"], float) if "weight" in rows else None
