"""Augmentation of whole batches of images: shift, crop, flip, colour, cutout, mixup.

All randomness comes from the default generators, which the training loop seeds at every step. An
image is augmented on the device that holds it, as bytes for as long as that is possible.

Sources: cutout (arXiv 1708.04552), mixup (arXiv 1710.09412), crops of random size and shape (arXiv
1409.4842; here a quarter of a batch shares one size), progressive resizing (fastai, 2018).

Shapes: B images of a batch, H W their stored sides, h w the sides the network sees, C channels.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.core.errors import UsageError, nearest
from tenfold.core.lazy import lazy
from tenfold.core.message import Message

if TYPE_CHECKING:
    from torch import Tensor

torch, functional = lazy("torch"), lazy("torch.nn.functional")

__all__ = [
    "GROWTH",
    "KINDS",
    "Augmentation",
    "differs_mirrored",
    "grown",
    "joined",
    "named",
    "reads_one_way",
    "recoloured",
]

KINDS = ("shift", "crop", "flip", "colour", "cutout", "mixup")

GROWTH = (5 / 8, 3 / 4)  # scales of the sides with `grows`, each for half of the steps before WHOLE
WHOLE = 0.7  # share of the steps after which images with `grows` have full size
LEAST_AREA = 0.35  # smallest area of a crop, as a share of the stored image
GROUPS = 4  # different sizes of crops in one batch


def named(text: str, known: Sequence[str] = KINDS) -> tuple[str, ...] | None:
    """Returns the augmentations in a text such as `flip,colour`; None for `auto`, () for `none`.

    Raises UsageError for a word that is not `known`.
    """
    words = [word.strip() for word in text.split(",")]
    if words in (["auto"], ["none"]):
        return None if words == ["auto"] else ()
    if strange := [word for word in words if word not in known]:
        raise UsageError(
            Message(
                "augment must be auto, none or some of {kinds}, separated by commas, got {text!r}",
                kinds=", ".join(known),
                text=text,
            ),
            code="bad-setting",
            where="augment",
            fix=nearest(strange[0], ["auto", "none", *known]),
        )
    return tuple(kind for kind in known if kind in words)


def joined(kinds: Sequence[str], known: Sequence[str] = KINDS) -> str:
    """Returns the text that `named` parses, with the augmentations in the order of `known`."""
    return ",".join(kind for kind in known if kind in kinds) or "none"


# --- when mirroring changes the class -------------------------------------------------------------


def reads_one_way(classes: Sequence[str]) -> bool:
    """Returns True where the class names imply that a mirrored image belongs to another class.

    This holds where a class name contains the word left or right, and where every class is a single
    letter, digit or character.
    """
    sides = re.compile(r"(^|[\W_])(left|right)(wards?)?([\W_]|$)|[左右]", re.IGNORECASE)
    letters = [name for name in classes if len(name) == 1 and unicodedata.category(name)[0] in "LN"]
    return any(sides.search(name) for name in classes) or (
        len(letters) == len(classes) and len(letters) > 1
    )


def differs_mirrored(image: np.ndarray, label: np.ndarray) -> tuple[float, float] | None:
    """Tests whether mirrored images (N, H, W, C) are harder to classify than the original images.

    A nearest-class-mean classifier, fitted on one half of the rows, predicts the other half,
    original and mirrored. Returns both accuracies where mirroring is significantly worse (z > 4
    over the rows that are correct in only one orientation), as for digits and text; None otherwise,
    as for most photos.
    """
    known = label >= 0
    if not known.any():
        return None
    image, step = image[known], max(1, min(image.shape[1:3]) // 32)  # about 32 pixels a side
    flat = image[:, ::step, ::step].reshape(len(image), -1).astype(np.float32)
    turned = image[:, ::step, ::-step].reshape(len(image), -1).astype(np.float32)
    label, even = label[known], np.zeros(len(flat), bool)
    even[np.argsort(label, kind="stable")[::2]] = True  # half of each class
    straight, mirrored = np.zeros(len(flat), bool), np.zeros(len(flat), bool)
    for learnt in (even, ~even):
        names, means = _class_means(flat[learnt], label[learnt])
        if len(names):
            straight[~learnt] = names[_nearest(flat[~learnt], means)] == label[~learnt]
            mirrored[~learnt] = names[_nearest(turned[~learnt], means)] == label[~learnt]
    lost, won = int((straight & ~mirrored).sum()), int((mirrored & ~straight).sum())
    if lost - won <= 4 * math.sqrt(max(1, lost + won)):
        return None
    return float(straight.mean()), float(mirrored.mean())


def _class_means(rows: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    names = np.unique(label)
    return names, np.array([rows[label == name].mean(0) for name in names])


def _nearest(rows: np.ndarray, means: np.ndarray) -> np.ndarray:
    near: np.ndarray = ((means**2).sum(1) - 2 * rows @ means.T).argmin(1)
    return near


# --- augmenting a batch ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Augmentation:
    """Augmentation for the training loop: (batch, share of the steps done) -> batch.

    `kinds` are some of KINDS, `sides` is (h, w), the size the network sees. Colour and cutout
    change only the first `colours` channels. With `grows`, images have five eighths of their sides
    at first, then three quarters, and full size for the last 30 % of the steps: about two thirds of
    the computation.
    """

    kinds: tuple[str, ...]
    sides: tuple[int, int]
    colours: int = 3
    grows: bool = False

    def __call__(self, batch: dict[str, Tensor], share: float) -> dict[str, Tensor]:
        sides = self._sides(share)
        image = batch["image"]
        if "crop" in self.kinds:
            image = _cropped(image, sides)
        else:
            image = _shifted(image) if "shift" in self.kinds else image
            image = image if sides == self.sides else _resized(image, sides)
        if "flip" in self.kinds:
            # Rows are in random order, so flipping the first half flips a random half.
            half = len(image) // 2
            image = torch.cat([image[:half].flip(2), image[half:]])
        if "colour" in self.kinds:
            image = _some(recoloured, image, self.colours)
        if "cutout" in self.kinds:
            image = _some(_cut_out, image, self.colours)
        batch = batch | {"image": image}
        return _mixed(batch) if "mixup" in self.kinds else batch

    def _sides(self, share: float) -> tuple[int, int]:
        if not self.grows or share >= WHOLE:
            return self.sides
        return grown(self.sides, GROWTH[0] if share < WHOLE / 2 else GROWTH[1])


def grown(sides: tuple[int, int], scale: float) -> tuple[int, int]:
    """Returns (h, w) of images scaled down from `sides`."""
    return round(sides[0] * scale), round(sides[1] * scale)


def _resized(image: Tensor, sides: tuple[int, int]) -> Tensor:
    """Returns (B, H, W, C) images resized to `sides`; bytes are resized as bytes on a CPU."""
    planes = image.permute(0, 3, 1, 2)
    planes = planes if planes.device.type == "cpu" else planes.float()
    small = functional.interpolate(planes, list(sides), mode="bilinear", antialias=True)
    return small.permute(0, 2, 3, 1)


def _shifted(image: Tensor) -> Tensor:
    """Returns each image shifted by up to 1/16 of its longer side, with reflected borders."""
    height, width = image.shape[1:3]
    most = min(max(1, round(max(height, width) / 16)), height - 1, width - 1)
    if most < 1:
        return image
    padded = image.index_select(1, _reflected(height, most, image.device))
    padded = padded.index_select(2, _reflected(width, most, image.device))
    return _windows(padded, height, width)


def _reflected(side: int, most: int, place: Any) -> Tensor:
    """Returns the indices of a side, extended by `most` reflected indices at both ends."""
    at = torch.arange(-most, side + most, device=place).abs()
    return side - 1 - (side - 1 - at).abs()


def _windows(image: Tensor, height: int, width: int) -> Tensor:
    """Returns (B, height, width, C) windows, one at a random position of each image."""
    count, channels = len(image), image.shape[3]
    places = (image.shape[1] - height + 1, image.shape[2] - width + 1)
    stride = image.stride()
    views = image.as_strided(
        (count, *places, height, width, channels),
        (stride[0], stride[1], stride[2], *stride[1:]),
        image.storage_offset(),
    )
    rows = torch.arange(count, device=image.device)
    down, right = (torch.randint(0, most, (count,), device=image.device) for most in places)
    return views[rows, down, right]


def _cropped(image: Tensor, sides: tuple[int, int]) -> Tensor:
    """Returns a random crop of each image, resized to `sides`.

    Each quarter of the batch shares one random crop size; every image has its own position.
    """
    parts = image.split(max(1, -(-len(image) // GROUPS)))
    return torch.cat([_resized(_windows(part, *_window(part)), sides) for part in parts])


def _window(image: Tensor) -> tuple[int, int]:
    """Returns height and width of a random crop: 35 to 100 % of the area.

    The aspect ratio changes by a factor of 3/4 to 4/3.
    """
    area, shape = torch.rand(2).tolist()
    side = math.sqrt(LEAST_AREA + (1 - LEAST_AREA) * area)
    stretch = (4 / 3) ** (shape - 0.5)
    height, width = image.shape[1:3]
    return (
        max(1, min(height, round(height * side * stretch))),
        max(1, min(width, round(width * side / stretch))),
    )


def _some(change: Any, image: Tensor, colours: int) -> Tensor:
    """Returns the images with the change applied to the first `colours` channels only."""
    if image.shape[3] <= colours:
        return change(image)
    changed = change(image[..., :colours])
    return torch.cat([changed, image[..., colours:].to(changed.dtype)], 3)


def recoloured(image: Tensor) -> Tensor:
    """Returns images with brightness, contrast and saturation each scaled by a random 0.7 to 1.3.

    Values are floats from 0 to 255. Saturation applies only to images with more than one channel.
    """
    x = image.float()
    light, contrast, saturation = (
        0.7 + 0.6 * torch.rand(len(x), 1, 1, 1, device=x.device) for _ in range(3)
    )
    if x.shape[3] > 1:
        x = x.mean(3, keepdim=True).lerp(x, saturation)
    middle = x.mean((1, 2, 3), keepdim=True)
    return torch.addcmul(middle * (light - contrast), x, contrast).clamp_(0, 255)


def _cut_out(image: Tensor) -> Tensor:
    """Returns images in which a square has the mean colour of the image.

    The square is a third of the shorter side wide; its centre is random.
    """
    half = max(1, round(min(image.shape[1:3]) / 6))
    down, across = (_near(len(image), side, half, image.device) for side in image.shape[1:3])
    inside = (down[:, :, None] & across[:, None, :])[..., None]
    return torch.where(inside, image.float().mean((1, 2), keepdim=True).to(image.dtype), image)


def _near(count: int, side: int, half: int, place: Any) -> Tensor:
    """Returns (count, side) booleans, True closer than `half` to a random position of each row."""
    middle = torch.randint(0, side, (count, 1), device=place)
    return (torch.arange(side, device=place) - middle).abs() < half


def _mixed(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Returns the batch with each image blended with another one (mixup).

    `share` (B,), from 0.6 to 1, is the weight of an image's own label; the labels of the other
    image are added under their names with the prefix `other_`.
    """
    count, place = len(batch["image"]), batch["image"].device
    share = 0.6 + 0.4 * torch.rand(count, device=place)
    image = batch["image"].float()
    mixed = image.flip(0).lerp(image, share.view(-1, 1, 1, 1))
    others = {
        f"other_{name}": value.flip(0) for name, value in batch.items() if name.startswith("label")
    }
    return batch | others | {"image": mixed, "share": share}
