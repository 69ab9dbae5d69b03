"""The loss of object detection: which cells predict a box, and how well they do.

The nine cells nearest to the centre of a box predict it, each with the weight of a Gaussian around
the centre; the nearest cell always has the weight 1. Scores: quality focal loss (arXiv 2006.04388),
whose target is the overlap of the predicted box now, times the weight. Boxes: generalised IoU
(arXiv 1902.09630).

Shapes: B pictures, M boxes of a picture, A cells of the map, K classes, G = 9 M candidates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tenfold.core.lazy import lazy

if TYPE_CHECKING:
    from torch import Tensor

torch, functional = lazy("torch"), lazy("torch.nn.functional")
detector = lazy("tenfold.networks.detector")

__all__ = ["loss", "overlaps"]

WIDTH = 0.2
"""Standard deviation of the Gaussian around the centre of a box, as a share of its sides."""
BOXES = 2.0
"""Weight of the loss of boxes; that of scores is 1."""


class Candidates(NamedTuple):
    """Pairs of a box and a cell that shall predict it."""

    cell: Tensor
    """Number of the cell (B, G)."""
    weight: Tensor
    """Weight of the pair (B, G), 0 to 1; 0 where there is none."""
    box: Tensor
    """The true box in pixels (B, G, 4)."""
    kind: Tensor
    """Number of its class (B, G)."""


def loss(net: Any, batch: dict[str, Tensor], class_weights: Tensor) -> Tensor:
    """Returns the loss of a batch with `image`, `boxes` (B, M, 6) and `boxes_length` (B,).

    `class_weights` (K,) multiply what concerns the true boxes of each class. Cells within ignored
    boxes do not count as background.
    """
    logits, boxes, _ = net.maps(batch["image"])
    sides = batch["image"].shape[1:3]
    target, length = batch["boxes"].float(), batch["boxes_length"]
    there = torch.arange(target.shape[1], device=target.device) < length[:, None]
    there = there & (target[..., 0] >= 0)
    ignored = there & (target[..., 5] > 0.5)
    found = _candidates(target, there & ~ignored, sides)
    counted = 1 - _covered(target[..., 1:5], ignored, sides)
    return _value(logits, boxes, found, counted, class_weights.to(logits.device))


def _candidates(target: Tensor, there: Tensor, sides: Any) -> Candidates:
    """Returns the nine cells around the centre of every box."""
    stride = detector.STRIDE
    rows, columns = (-(-side // stride) for side in sides)
    place, (height, width) = target.device, sides
    box = target[..., 1:5] * torch.tensor([width, height, width, height], device=place)
    middle, extent = (box[..., :2] + box[..., 2:]) / 2, (box[..., 2:] - box[..., :2]).clamp(min=1)
    near = (middle / stride - 0.5).round()
    limit = torch.tensor([columns - 1, rows - 1], device=place)
    near = near.clamp(min=0).minimum(limit)
    step = torch.tensor([0, -1, 1], device=place)  # the nearest cell comes first
    around = torch.stack([step.repeat(3), step.repeat_interleave(3)], 1)
    cell = near[:, :, None] + around
    away = ((cell + 0.5) * stride - middle[:, :, None]) / (WIDTH * extent[:, :, None])
    square = away.square().sum(3)
    weight = torch.exp(-0.5 * (square - square[..., :1])).clamp(max=1)
    inside = ((cell >= 0) & (cell <= limit)).all(3) & there[:, :, None]
    number = (cell[..., 1] * columns + cell[..., 0]).clamp(0, rows * columns - 1)
    return Candidates(
        number.long().flatten(1),
        (weight * inside).flatten(1),
        box.repeat_interleave(9, 1),
        target[..., 0].clamp(min=0).long().repeat_interleave(9, 1),
    )


def _covered(box: Tensor, ignored: Tensor, sides: Any) -> Tensor:
    """Returns (B, A) 1 for cells whose centre is within an ignored box, else 0."""
    stride, place = detector.STRIDE, box.device
    within = []
    for axis, side in ((1, sides[0]), (0, sides[1])):
        centre = (torch.arange(-(-side // stride), device=place) + 0.5) * stride / side
        low, high = box[..., axis, None], box[..., axis + 2, None]
        within.append(((centre >= low) & (centre <= high)).float())
    both = torch.einsum("bmh,bmw->bhw", within[0] * ignored[..., None], within[1])
    return (both > 0).float().flatten(1)


def _value(
    logits: Tensor, boxes: Tensor, found: Candidates, counted: Tensor, class_weights: Tensor
) -> Tensor:
    count, cells, classes = logits.shape
    predicted = boxes.gather(1, found.cell[..., None].expand(-1, -1, 4))
    overlap, generalised = overlaps(predicted, found.box)
    quality = overlap.detach().clamp(0, 1) * found.weight
    # A cell near two boxes predicts the one with the larger weight.
    most = logits.new_zeros(count, cells)
    most = most.scatter_reduce(1, found.cell, found.weight, "amax")
    weight = found.weight * (found.weight >= most.gather(1, found.cell))
    place = found.cell * classes + found.kind
    target = logits.new_zeros(count, cells * classes)
    target = target.scatter_reduce(1, place, quality, "amax").view(count, cells, classes)
    own = (target > 0).any(2, keepdim=True).float()
    each = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    each = each * (logits.sigmoid() - target).square()
    each = each * torch.where(target > 0, class_weights, 1.0)
    total = weight.sum().clamp(min=1)
    scores = (each * torch.maximum(counted[..., None], own)).sum() / total
    edges = ((1 - generalised) * weight * class_weights[found.kind]).sum() / total
    return scores + BOXES * edges


def overlaps(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Returns IoU and generalised IoU of pairs of boxes (..., 4): both (...,)."""
    low = torch.maximum(one[..., :2], other[..., :2])
    high = torch.minimum(one[..., 2:], other[..., 2:])
    both = (high - low).clamp(min=0).prod(-1)
    areas = [(box[..., 2:] - box[..., :2]).clamp(min=0).prod(-1) for box in (one, other)]
    union = (areas[0] + areas[1] - both).clamp(min=1e-6)
    outer = torch.maximum(one[..., 2:], other[..., 2:]) - torch.minimum(
        one[..., :2], other[..., :2]
    )
    whole = outer.prod(-1).clamp(min=1e-6)
    overlap = both / union
    return overlap, overlap - (whole - union) / whole
