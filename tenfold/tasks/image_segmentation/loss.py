"""The loss of segmentation: cross-entropy with class weights, Dice, and distances inside objects.

Sources: Dice loss (V-Net, arXiv 1606.04797), its sum with cross-entropy (nnU-Net, arXiv
1809.10486), focal loss (arXiv 1708.02002).

Shapes: B pictures, H W sides, K classes. Pixels of a mask that are IGNORED have no loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.core.columns import Columns
from tenfold.core.lazy import lazy
from tenfold.media.image.masks.pixels import IGNORED
from tenfold.training.inference import by_torch
from tenfold.training.learner import TensorBatch

if TYPE_CHECKING:
    from torch import Tensor

torch, functional = lazy("torch"), lazy("torch.nn.functional")

__all__ = ["LOSSES", "class_weights", "loss_function", "mean_iou", "measure"]

LOSSES = ("auto", "cross-entropy", "dice", "focal")
MOST_WEIGHT = 8.0
"""Largest ratio of two class weights."""


def class_weights(shares: Sequence[float]) -> list[float]:
    """Returns a weight for each class from its share of the pixels: 1 / sqrt(share), mean 1.

    The mean is over pixels. Weights differ by a factor of MOST_WEIGHT at most; a class without
    pixels has the largest weight.
    """
    part = np.maximum(np.asarray(shares, float), 1e-12)
    weights = part**-0.5
    weights = np.minimum(weights, weights.min() * MOST_WEIGHT)
    return [round(float(one), 6) for one in weights / (weights * part).sum() * part.sum()]


def loss_function(option: str, shares: Sequence[float], place: Any) -> Any:
    """Returns the loss function (net, batch) -> scalar for the setting `option`.

    `auto` is weighted cross-entropy plus Dice. `shares` are the shares of the classes among the
    pixels. A batch has `image`, `mask` (B, H, W) and, where objects are told apart, `distance`
    (B, H, W) uint8.
    """
    weights = torch.zeros(256, device=place)
    weights[: len(shares)] = torch.tensor(class_weights(shares), device=place)

    def loss(net: Any, batch: TensorBatch) -> Tensor:
        logits, _ = net.logits(batch["image"])
        logits, target = logits.float(), batch["mask"].long()
        table = weights.to(logits.device)
        classes = logits[:, : net.classes]
        value = _sum_of(option, classes, target, table)
        if "distance" in batch:
            value = value + _distance_loss(logits[:, net.classes], batch["distance"], target)
        return value

    return loss


def _sum_of(option: str, classes: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """The sum of the losses that the setting names."""
    each = functional.cross_entropy(classes, target, ignore_index=IGNORED, reduction="none")
    if option == "focal":
        each = each * (1 - torch.exp(-each)) ** 2
    weight = weights[target]
    mean = (each * weight).sum() / weight.sum().clamp(min=1e-6)
    if option in ("cross-entropy", "focal"):
        return mean
    dice = _dice(classes, target)
    return dice if option == "dice" else mean + dice


def _dice(classes: Tensor, target: Tensor) -> Tensor:
    """1 - Dice of the probabilities, the mean over the classes that occur in the batch."""
    chances = classes.softmax(1)
    known = target != IGNORED
    own = chances.gather(1, target.clamp(max=classes.shape[1] - 1)[:, None])[:, 0]
    flat = target.flatten()
    nothing = torch.zeros(256, device=classes.device)
    both = nothing.index_add(0, flat, own.flatten())[: classes.shape[1]]
    true = nothing.index_add(0, flat, torch.ones_like(own).flatten())[: classes.shape[1]]
    given = (chances * known[:, None]).sum((0, 2, 3))
    score = (2 * both + 1) / (given + true + 1)
    there = (true > 0).float()
    return ((1 - score) * there).sum() / there.sum().clamp(min=1)


def _distance_loss(logits: Tensor, distance: Tensor, target: Tensor) -> Tensor:
    """Binary cross-entropy of distances, less its lowest value, so that 0 is perfect."""
    wanted = distance.float() / 255
    each = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    least = functional.binary_cross_entropy(wanted, wanted, reduction="none")
    known = (target != IGNORED).float()
    return ((each - least) * known).sum() / known.sum().clamp(min=1)


def measure(loss: Any) -> Any:
    """Returns the function of the log: sums over a batch of loss, pixel accuracy and mean IoU.

    The IoU is that of the frame without its mirror image: one more comparison of the same outputs.
    """

    def measured(net: Any, batch: TensorBatch) -> dict[str, Tensor]:
        logits, _ = net.logits(batch["image"])
        known = batch["mask"] != IGNORED
        best = logits[:, : net.classes].argmax(1)
        right = (best == batch["mask"]) & known
        share = right.sum((1, 2)) / known.sum((1, 2)).clamp(min=1)
        rows = len(batch["mask"])
        both, either = (one.sum(0) for one in _shared(best, batch["mask"], net.classes))
        return {
            "valid_loss": loss(net, batch) * rows,
            "valid_pixel_accuracy": share.sum(),
            "valid_mean_iou": torch.stack([both, either]),
        }

    return measured


def mean_iou(net: Any, columns: Columns, size: int = 16) -> float:
    """Returns the mean IoU of the classes over all pixels of the rows, in pixels of the frame."""
    infer = by_torch(net, size, lambda mask, **batch: _overlaps(net, batch, mask))
    names = [name for name in ("image", "size", "mask") if name in columns]
    both, either = (np.asarray(one, float).sum(0) for one in infer(columns.only(names)).values())
    there = either > 0
    return float((both[there] / either[there]).mean()) if there.any() else 0.0


def _overlaps(net: Any, batch: TensorBatch, mask: Tensor) -> TensorBatch:
    """Returns pixels in both, and in either, of the true and the predicted class, each (B, K)."""
    both, either = _shared(net(**batch)["probabilities"].argmax(3), mask, net.classes)
    return {"both": both, "either": either}


def _shared(best: Tensor, mask: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Returns the pixels (B, K) of each class in both, and in either, of two masks (B, H, W)."""
    known = mask != IGNORED
    numbers = torch.arange(classes, device=mask.device)
    given, true = ((one[..., None] == numbers) & known[..., None] for one in (best, mask))
    return (given & true).sum((1, 2)), (given | true).sum((1, 2))
