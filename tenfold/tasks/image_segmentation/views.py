"""Augmentation of batches of pictures and masks: scale, crop, flip, turn, colour.

Pictures, masks and distances are moved together by one map for each picture (`moves`). A third of
the crops contain a pixel of a class that is not the background, rare classes more often. For the
last part of the training, pictures are only mirrored.

Shapes: B pictures, H W sides of the frame, h w sides of a crop, K classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenfold.core.lazy import lazy
from tenfold.media.image import augment
from tenfold.media.image.masks.pixels import IGNORED
from tenfold.media.image.moves import Moves

if TYPE_CHECKING:
    from torch import Tensor

torch = lazy("torch")

__all__ = ["KINDS", "Views", "named"]

KINDS = ("scale", "crop", "flip", "turn", "colour")
SCALES = (0.5, 2.0)
FORCED = 1 / 3
"""Share of the crops that contain a class other than the background."""
GRID = 4
"""Every fourth pixel of a row and of a column is looked at to find such a place."""


def named(text: str) -> tuple[str, ...] | None:
    """Returns the augmentations that a setting names, see `augment.named`."""
    return augment.named(text, KINDS)


@dataclass(frozen=True)
class Views:
    """Augmentation for the training loop: (batch, share of the steps done) -> batch.

    `kinds` are some of KINDS, `sides` the sides of a crop, `shares` the shares of the classes among
    the pixels. `background` is the number of the class that crops are not forced to contain, -1 =
    none. After the share `whole` of the steps, pictures are neither scaled nor cropped.
    """

    kinds: tuple[str, ...]
    sides: tuple[int, int]
    shares: tuple[float, ...]
    background: int = -1
    whole: float = 0.85

    def __call__(self, batch: dict[str, Tensor], share: float) -> dict[str, Tensor]:
        image, mask = batch["image"], batch["mask"]
        stored = (mask.shape[1], mask.shape[2])
        moving = share < self.whole
        moves = Moves.random(
            len(mask),
            stored,
            self.sides if moving and "crop" in self.kinds else stored,
            scale=SCALES if moving and "scale" in self.kinds else (1.0, 1.0),
            mirror="flip" in self.kinds,
            turn="turn" in self.kinds,
            centres=self._centres(mask) if moving and "crop" in self.kinds else None,
            place=mask.device,
        )
        image = moves.images(image)
        found = {"image": augment.recoloured(image) if "colour" in self.kinds else image}
        found["mask"] = moves.masks(mask, IGNORED)
        if "distance" in batch:
            found["distance"] = moves.masks(batch["distance"], 0)
        return batch | found

    def _centres(self, mask: Tensor) -> Tensor:
        """Returns (B, 2) x, y of a pixel for each picture of the last third of a batch, else NaN.

        x and y are fractions of the sides. The pixel is drawn among those of all classes but the
        background, with weights inversely proportional to the share of its class in the training
        pixels, so that rare classes are drawn as often as frequent ones.
        """
        some = mask[:, ::GRID, ::GRID]
        rows, columns = some.shape[1:]
        weights = torch.zeros(256, device=mask.device)
        weights[: len(self.shares)] = torch.tensor(
            [
                0.0 if number == self.background else 1 / max(one, 1e-4)
                for number, one in enumerate(self.shares)
            ],
            device=mask.device,
        )
        weight = weights[some.long()].flatten(1)
        # The pixel with the least exponential time is one drawn by its weight.
        times = -torch.rand(weight.shape, device=mask.device).log() / weight
        best = times.argmin(1)
        place = torch.stack([(best % columns + 0.5) / columns, (best // columns + 0.5) / rows], 1)
        forced = torch.arange(len(mask), device=mask.device) >= len(mask) * (1 - FORCED)
        there = forced & (weight.amax(1) > 0)
        return torch.where(there[:, None], place, torch.nan)
