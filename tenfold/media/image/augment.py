"""Changed views of whole batches of pictures: shift, crop, flip, colour, cutout, mixup.

Everything random comes from the default generators, which the loop seeds every step; a picture is
changed on the device it lies on, as bytes for as long as that is possible.

Sources: cutout (arXiv 1708.04552), mixup (arXiv 1710.09412), crops of random size and shape
(arXiv 1409.4842; ours share one size among a quarter of a batch), growing pictures (fastai, 2018).

Shapes: B pictures of a batch, H W their stored sides, h w the sides the network sees, C channels.
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
]

KINDS = ("shift", "crop", "flip", "colour", "cutout", "mixup")

GROWTH = (5 / 8, 3 / 4)  # of the sides of growing pictures, each for half of the steps before
WHOLE = 0.7  # share of the steps from which growing pictures are whole
LEAST_AREA = 0.35  # of a crop, as a share of the stored picture
GROUPS = 4  # sizes of crops in one batch


def named(text: str) -> tuple[str, ...] | None:
    """The kinds in `flip,colour`; None = decide (`auto`), () = `none`.

    Raises UsageError for a word that is none of KINDS.
    """
    words = [word.strip() for word in text.split(",")]
    if words in (["auto"], ["none"]):
        return None if words == ["auto"] else ()
    if strange := [word for word in words if word not in KINDS]:
        raise UsageError(
            f"augment must be auto, none or some of {', '.join(KINDS)} with commas between, "
            f"got {text!r}",
            code="bad-setting",
            where="augment",
            fix=nearest(strange[0], ["auto", "none", *KINDS]),
        )
    return tuple(kind for kind in KINDS if kind in words)


def joined(kinds: Sequence[str]) -> str:
    """The text that `named` understands, in the order of KINDS."""
    return ",".join(kind for kind in KINDS if kind in kinds) or "none"


# --- what may be mirrored -------------------------------------------------------------------------


def reads_one_way(classes: Sequence[str]) -> bool:
    """True where the names tell that a mirror image is another thing.

    So it is for left and right, and where every class is one letter, digit or character.
    """
    sides = re.compile(r"(^|[\W_])(left|right)(wards?)?([\W_]|$)|[左右]", re.IGNORECASE)
    letters = [name for name in classes if len(name) == 1 and unicodedata.category(name)[0] in "LN"]
    return any(sides.search(name) for name in classes) or (
        len(letters) == len(classes) and len(letters) > 1
    )


def differs_mirrored(image: np.ndarray, label: np.ndarray) -> tuple[float, float] | None:
    """Whether pictures (N, H, W, C) and their mirror images look like other classes.

    The means of each class in one half of the rows name the other half's pictures, and their mirror
    images. Gives the two shares that were right where they surely differ (z > 4 of the rows right
    in one way alone), as of digits and text; None where they agree, as of most photos.
    """
    known = label >= 0
    if not known.any():
        return None
    image, step = image[known], max(1, min(image.shape[1:3]) // 32)  # every so many pixels will do
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


# --- changing a batch -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Augmentation:
    """An augmentation for the loop: (batch, share of the steps done) -> batch.

    `kinds` are some of KINDS, `sides` (h, w) what the network sees. Colour and cutout change the
    first `colours` channels alone. With `grows` pictures are at five eighths of their sides first,
    then at three quarters, whole for the last third of the steps: two thirds of the work.
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
            # Rows are in random order: the first half is as good as a coin for each row.
            half = len(image) // 2
            image = torch.cat([image[:half].flip(2), image[half:]])
        if "colour" in self.kinds:
            image = _some(_recoloured, image, self.colours)
        if "cutout" in self.kinds:
            image = _some(_cut_out, image, self.colours)
        batch = batch | {"image": image}
        return _mixed(batch) if "mixup" in self.kinds else batch

    def _sides(self, share: float) -> tuple[int, int]:
        if not self.grows or share >= WHOLE:
            return self.sides
        return grown(self.sides, GROWTH[0] if share < WHOLE / 2 else GROWTH[1])


def grown(sides: tuple[int, int], scale: float) -> tuple[int, int]:
    """(h, w) of pictures on their way to `sides`."""
    return round(sides[0] * scale), round(sides[1] * scale)


def _resized(image: Tensor, sides: tuple[int, int]) -> Tensor:
    """(B, H, W, C) at other sides; bytes are resized as bytes on a CPU."""
    planes = image.permute(0, 3, 1, 2)
    planes = planes if planes.device.type == "cpu" else planes.float()
    small = functional.interpolate(planes, list(sides), mode="bilinear", antialias=True)
    return small.permute(0, 2, 3, 1)


def _shifted(image: Tensor) -> Tensor:
    """Each picture moved by up to a sixteenth of its side; what comes in is a reflection."""
    height, width = image.shape[1:3]
    most = min(max(1, round(max(height, width) / 16)), height - 1, width - 1)
    if most < 1:
        return image
    padded = image.index_select(1, _reflected(height, most, image.device))
    padded = padded.index_select(2, _reflected(width, most, image.device))
    return _windows(padded, height, width)


def _reflected(side: int, most: int, place: Any) -> Tensor:
    """Indices of a side with `most` reflected ones before and after."""
    at = torch.arange(-most, side + most, device=place).abs()
    return side - 1 - (side - 1 - at).abs()


def _windows(image: Tensor, height: int, width: int) -> Tensor:
    """(B, H, W, C) -> (B, height, width, C), each picture from a place of its own: one gather."""
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
    """Windows of random size, shape and place, resized; one size for a quarter of the batch."""
    parts = image.split(max(1, -(-len(image) // GROUPS)))
    return torch.cat([_resized(_windows(part, *_window(part)), sides) for part in parts])


def _window(image: Tensor) -> tuple[int, int]:
    """Height and width of a crop: 35 to 100 % of the area, a side up to a sixth longer."""
    area, shape = torch.rand(2).tolist()
    side = math.sqrt(LEAST_AREA + (1 - LEAST_AREA) * area)
    stretch = (4 / 3) ** (shape - 0.5)
    height, width = image.shape[1:3]
    return (
        max(1, min(height, round(height * side * stretch))),
        max(1, min(width, round(width * side / stretch))),
    )


def _some(change: Any, image: Tensor, colours: int) -> Tensor:
    """The change made to the first channels alone."""
    if image.shape[3] <= colours:
        return change(image)
    changed = change(image[..., :colours])
    return torch.cat([changed, image[..., colours:].to(changed.dtype)], 3)


def _recoloured(image: Tensor) -> Tensor:
    """Brightness, contrast and saturation of each picture by 0.7 to 1.3; floats 0 to 255."""
    x = image.float()
    light, contrast, saturation = (
        0.7 + 0.6 * torch.rand(len(x), 1, 1, 1, device=x.device) for _ in range(3)
    )
    if x.shape[3] > 1:
        x = x.mean(3, keepdim=True).lerp(x, saturation)
    middle = x.mean((1, 2, 3), keepdim=True)
    return torch.addcmul(middle * (light - contrast), x, contrast).clamp_(0, 255)


def _cut_out(image: Tensor) -> Tensor:
    """A square of a third of the side, anywhere, becomes the picture's mean colour."""
    half = max(1, round(min(image.shape[1:3]) / 6))
    down, across = (_near(len(image), side, half, image.device) for side in image.shape[1:3])
    inside = (down[:, :, None] & across[:, None, :])[..., None]
    return torch.where(inside, image.float().mean((1, 2), keepdim=True).to(image.dtype), image)


def _near(count: int, side: int, half: int, place: Any) -> Tensor:
    """(count, side) bool: what lies within `half` of a place drawn for each row."""
    middle = torch.randint(0, side, (count, 1), device=place)
    return (torch.arange(side, device=place) - middle).abs() < half


def _mixed(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Each picture laid over another one: `share` (B,) of the first, whose answers come first.

    Answers of the other pictures stand under the same names with `other_` before them.
    """
    count, place = len(batch["image"]), batch["image"].device
    share = 0.6 + 0.4 * torch.rand(count, device=place)
    image = batch["image"].float()
    mixed = image.flip(0).lerp(image, share.view(-1, 1, 1, 1))
    others = {
        f"other_{name}": value.flip(0) for name, value in batch.items() if name.startswith("label")
    }
    return batch | others | {"image": mixed, "share": share}
