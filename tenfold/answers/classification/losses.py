"""Loss functions of classification: cross-entropy, class-weighted, balanced, focal and binary.

They work with any network that has a method `logits`, whose parameters are named like columns. Rows
have a `label` (-1 = a class not in training) or `labels` (K zeros and ones, multi-label), and may
have a `weight`. With mixup, each row has its `share` in the mixture, and the labels of the row it
is mixed with under names that begin with `other_`.

Shapes: B rows, K classes.
"""

from __future__ import annotations

import functools
import inspect
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.answers.classification.balance import balanced_weights
from tenfold.core.lazy import lazy
from tenfold.core.message import Message
from tenfold.core.progress import tell

if TYPE_CHECKING:
    from torch import Tensor

torch, functional = lazy("torch"), lazy("torch.nn.functional")

__all__ = ["LOSSES", "SMOOTHING", "loss_function", "measure"]

LOSSES = ("auto", "cross-entropy", "weighted", "balanced", "focal", "binary")
SMOOTHING = 0.15

Tensors = dict[str, Any]


def loss_function(option: str, answers: dict[str, Any], place: Any) -> Any:
    """Returns the loss function (net, batch) -> scalar for the setting `option`.

    `answers` has the `counts` of training rows of each class, and `several`, True for multi-label
    data, for which the loss is always binary cross-entropy. `place` is the torch device. `auto`
    uses class weights if classes are imbalanced. `balanced` gives each class the same total weight;
    the network still predicts the true share of each class (see `balance`).
    """
    if option == "balanced" and not answers["several"]:
        each = torch.tensor(balanced_weights(answers["counts"]), dtype=torch.float32, device=place)
        return partial(_loss, name="unsmoothed", class_weights=each, shift=each.log())
    name = option if option in ("focal", "binary") else "cross-entropy"
    weights = _class_weights(option, answers)
    return partial(
        _loss,
        name="binary" if answers["several"] else name,
        class_weights=None if weights is None else torch.tensor(weights, device=place),
    )


def _class_weights(option: str, answers: dict[str, Any]) -> list[float] | None:
    """Returns class weights proportional to 1 / sqrt(count), with mean 1 over rows.

    Returns None if classes are balanced, for multi-label data, and for losses without weights.
    """
    counts = np.array(answers["counts"], float)
    uneven = counts.max() > (1.0 if option == "weighted" else 1.5) * counts.min()
    if answers["several"] or option not in ("auto", "weighted") or not uneven:
        return None
    weights = counts**-0.5
    weights *= counts.sum() / (weights * counts).sum()
    tell(
        Message(
            "Classes are uneven ({low} to {high} rows): the loss weights rows of rare classes up "
            "to {factor:.1f} times as much.",
            low=int(counts.min()),
            high=int(counts.max()),
            factor=float(weights.max() / weights.min()),
        )
    )
    return [round(float(weight), 6) for weight in weights]


def _loss(
    net: Any,
    batch: Tensors,
    name: str,
    class_weights: Tensor | None = None,
    shift: Tensor | None = None,
) -> Tensor:
    logits = _logits(net, batch)
    logits = logits if shift is None else logits + shift
    mean = partial(_mean, logits, name=name, class_weights=class_weights)
    if "share" not in batch:
        return mean(batch)
    weight = batch.get("weight", 1.0)
    other = {name.removeprefix("other_"): batch[name] for name in batch if name[:6] == "other_"}
    first = mean(batch | {"weight": weight * batch["share"]}, whole=True)
    return first + mean(batch | other | {"weight": weight * (1 - batch["share"])}, whole=True)


def _logits(net: Any, batch: Tensors) -> Tensor:
    found: Tensor = net.logits(*(batch[name] for name in _taken(net.__class__))).float()
    return found


@functools.cache
def _taken(name: Any) -> tuple[str, ...]:
    """Returns the names of the columns that the `logits` method of a network class takes."""
    return tuple(inspect.signature(name.logits).parameters)[1:]


def _mean(
    logits: Tensor, batch: Tensors, name: str, class_weights: Tensor | None, whole: bool = False
) -> Tensor:
    """Returns the mean loss over rows, each multiplied by its weight and its class weight.

    It is divided by the sum of weights, or by the number of rows if `whole`.
    """
    if name == "cross-entropy" and class_weights is None and "weight" not in batch:
        return functional.cross_entropy(
            logits, batch["label"], ignore_index=-1, label_smoothing=SMOOTHING
        )
    each = _EACH[name](logits, batch)
    weight = batch["weight"] if "weight" in batch else torch.ones_like(each)
    if "label" in batch:
        weight = weight * (batch["label"] >= 0)
    if class_weights is not None:
        weight = weight * class_weights[batch["label"].clamp(min=0)]
    total = float(len(each)) if whole else weight.sum().clamp(min=1e-6)
    return (each * weight).sum() / total


def _cross_entropy(logits: Tensor, batch: Tensors) -> Tensor:
    return functional.cross_entropy(
        logits, batch["label"], ignore_index=-1, reduction="none", label_smoothing=SMOOTHING
    )


def _unsmoothed(logits: Tensor, batch: Tensors) -> Tensor:
    return functional.cross_entropy(logits, batch["label"], ignore_index=-1, reduction="none")


def _binary(logits: Tensor, batch: Tensors) -> Tensor:
    wanted = batch.get("labels")
    if wanted is None:
        wanted = functional.one_hot(batch["label"].clamp(min=0), logits.shape[1])
    each = functional.binary_cross_entropy_with_logits(logits, wanted.float(), reduction="none")
    return each.sum(1)


def _focal(logits: Tensor, batch: Tensors, gamma: float = 2.0) -> Tensor:
    """Returns the focal loss of each row: T.-Y. Lin et al. 2017 (arXiv 1708.02002).

    Rows that are already classified with high confidence get a small weight.
    """
    each = _unsmoothed(logits, batch)
    return each * (1 - torch.exp(-each)) ** gamma


_EACH = {
    "cross-entropy": _cross_entropy,
    "unsmoothed": _unsmoothed,
    "binary": _binary,
    "focal": _focal,
}


def measure(net: Any, batch: Tensors) -> dict[str, Tensor]:
    """Returns sums over a batch for the log: the loss and the number of correct predictions."""
    logits = _logits(net, batch)
    if "labels" in batch:
        wanted = batch["labels"].float()
        each = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
        return {
            "valid_loss": each.sum(),
            "valid_accuracy": ((logits > 0) == (wanted > 0)).all(1).sum(),
        }
    label = batch["label"]
    each = functional.cross_entropy(logits, label, ignore_index=-1, reduction="sum")
    return {"valid_loss": each, "valid_accuracy": (logits.argmax(1) == label).sum()}
