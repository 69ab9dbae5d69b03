"""Augmentation of whole scenes: a batch of pictures together with its boxes and masks.

Crops at a random scale, mirror images, quarter turns, colours and mosaics of four pictures. A
training has three phases: gentle changes at first, all changes in the middle, and gentle changes
without mosaics at the end. All randomness comes from the default generator of the device.

Sources: mosaic (YOLOv4, arXiv 2004.10934), its end before the last epochs (YOLOX, arXiv
2107.08430).

Shapes: B pictures, H W their stored sides, h w the sides of the crops, C channels, M boxes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenfold.core.lazy import lazy
from tenfold.media.image import augment
from tenfold.media.image.moves import Moves

if TYPE_CHECKING:
    from torch import Tensor

torch = lazy("torch")

__all__ = ["BOX", "KINDS", "NOTHING", "Scenes", "crop_sides"]

KINDS = ("crop", "flip", "turn", "colour", "mosaic")
BOX = 6
"""Values of a box: class, left, top, right, bottom in fractions, and 1 where it is ignored."""
NOTHING = -1
"""The class of a box that is not there: padding, or outside of the crop."""

GENTLE = 0.05  # share of the steps before all changes begin
LAST = 0.85  # share of the steps after which changes are gentle again
NEARLY = (0.9, 1.1)  # scales of the gentle phases
LEAST_SEEN = 0.05  # visible share of a box below which it is not there
CLEARLY_SEEN = 0.3  # visible share of a box below which it is ignored


@dataclass(frozen=True)
class Scenes:
    """Augmentation for the training loop: (batch, share of the steps done) -> batch.

    The batch has `image` (B, H, W, C), and may have `boxes` (B, M, 6) with `boxes_length` (B,) and
    `mask` (B, H, W). Boxes that are cut away get the class NOTHING; a box that is mostly cut away
    is ignored. `kinds` are some of KINDS; `sides` is (h, w), the size of the crops. The share
    `mosaic` of a batch are mosaics of four pictures at half their scale. Pixels outside of a
    picture have the number `outside` in masks.
    """

    kinds: tuple[str, ...]
    sides: tuple[int, int]
    scale: tuple[float, float] = (0.75, 1.35)
    mosaic: float = 0.25
    outside: int = 255

    def __call__(self, batch: dict[str, Tensor], share: float) -> dict[str, Tensor]:
        wild = GENTLE <= share < LAST
        rows = round(self.mosaic * len(batch["image"])) if "mosaic" in self.kinds and wild else 0
        rows = rows if not any(side % 2 for side in self.sides) else 0
        moved = self._moved(batch, self.sides, self.scale if wild else NEARLY)
        if rows:
            moved = _joined(moved, self._mosaics(batch, rows))
        if "colour" in self.kinds and wild:
            moved["image"] = augment.recoloured(moved["image"])
        return batch | moved

    def _moved(
        self, batch: dict[str, Tensor], sides: tuple[int, int], scale: tuple[float, float]
    ) -> dict[str, Tensor]:
        """Returns the moved pictures, boxes and masks of a batch."""
        image, crop = batch["image"], "crop" in self.kinds
        stored = (image.shape[1], image.shape[2])
        square = stored[0] == stored[1] or crop
        moves = Moves.random(
            len(image),
            stored,
            sides if crop else stored,
            scale=scale if crop else (1.0, 1.0),
            mirror="flip" in self.kinds,
            turn="turn" in self.kinds and square,
            centres=_centres(batch["boxes"], batch["boxes_length"]) if "boxes" in batch else None,
            place=image.device,
        )
        moved = {"image": moves.images(image)}
        if "mask" in batch:
            moved["mask"] = moves.masks(batch["mask"], self.outside)
        if "boxes" in batch:
            boxes = _boxes(moves, batch["boxes"], batch["boxes_length"])
            moved |= {"boxes": boxes, "boxes_length": _full(boxes)}
        return moved

    def _mosaics(self, batch: dict[str, Tensor], rows: int) -> dict[str, Tensor]:
        """Returns `rows` pictures, each of four pictures of the batch at half their scale."""
        count, place = len(batch["image"]), batch["image"].device
        height, width = (side // 2 for side in self.sides)
        first = torch.arange(count - rows, count, device=place)
        parts = []
        for number in range(4):
            some = {name: value[(first + number) % count] for name, value in batch.items()}
            parts.append(self._moved(some, (height, width), (self.scale[0] / 2, self.scale[1] / 2)))
        moved: dict[str, Tensor] = {}
        for name in ("image", "mask"):
            if name in batch:
                top, bottom = (torch.cat([a[name], b[name]], 2) for a, b in _pairs(parts))
                moved[name] = torch.cat([top, bottom], 1)
        if "boxes" in batch:
            quarters = [
                _placed(part["boxes"], number % 2, number // 2) for number, part in enumerate(parts)
            ]
            moved["boxes"] = torch.cat(quarters, 1)
        return moved


def crop_sides(stored: tuple[int, int], step: int = 32) -> tuple[int, int]:
    """Returns the sides of crops: four fifths of the stored sides, but at least 256 pixels.

    They are multiples of `step` and at most the stored sides.
    """
    found = [min(side, max(256, round(0.8 * side / step) * step)) for side in stored]
    return found[0], found[1]


def _pairs(parts: list[Any]) -> list[tuple[Any, Any]]:
    return [(parts[0], parts[1]), (parts[2], parts[3])]


def _placed(boxes: Tensor, right: int, down: int) -> Tensor:
    """Returns boxes of a quarter of a mosaic in fractions of the mosaic."""
    shift = boxes.new_tensor([right, down, right, down]) / 2
    return torch.cat([boxes[..., :1], boxes[..., 1:5] / 2 + shift, boxes[..., 5:]], 2)


def _joined(plain: dict[str, Tensor], mosaics: dict[str, Tensor]) -> dict[str, Tensor]:
    """Returns the plain pictures with the last ones replaced by the mosaics."""
    rows = len(mosaics["image"])
    joined = {
        name: torch.cat([plain[name][:-rows], mosaics[name]]) for name in mosaics if name != "boxes"
    }
    if "boxes" in plain:
        kept = plain["boxes"][:-rows]
        more = mosaics["boxes"].shape[1] - kept.shape[1]
        empty = torch.zeros(len(kept), more, BOX, device=kept.device)
        empty[..., 0] = NOTHING
        boxes = torch.cat([torch.cat([kept, empty], 1), mosaics["boxes"]])
        joined |= {"boxes": boxes, "boxes_length": _full(boxes)}
    return joined


def _full(boxes: Tensor) -> Tensor:
    """Returns (B,) the number of boxes in each row, those that are not there included."""
    return torch.full((len(boxes),), boxes.shape[1], dtype=torch.int64, device=boxes.device)


def _there(boxes: Tensor, length: Tensor) -> Tensor:
    """Returns (B, M) True for boxes that are there."""
    place = torch.arange(boxes.shape[1], device=boxes.device)
    return (place < length[:, None]) & (boxes[..., 0] >= 0)


def _boxes(moves: Moves, boxes: Tensor, length: Tensor) -> Tensor:
    cut, seen = moves.boxes(boxes[..., 1:5])
    there = _there(boxes, length) & (seen > LEAST_SEEN)
    kind = torch.where(there, boxes[..., 0], float(NOTHING))
    ignored = torch.where(seen < CLEARLY_SEEN, 1.0, boxes[..., 5])
    return torch.cat([kind[..., None], cut, ignored[..., None]], 2)


def _centres(boxes: Tensor, length: Tensor) -> Tensor:
    """Returns (B, 2) the centre of a random box of every second picture, NaN for the others."""
    chance = torch.rand(boxes.shape[:2], device=boxes.device) * _there(boxes, length)
    best = chance.argmax(1)
    found = boxes[torch.arange(len(boxes), device=boxes.device), best, 1:5]
    middle = (found[:, :2] + found[:, 2:]) / 2
    chosen = (chance.amax(1) > 0) & (torch.rand(len(boxes), device=boxes.device) < 0.5)
    return torch.where(chosen[:, None], middle, float("nan"))
