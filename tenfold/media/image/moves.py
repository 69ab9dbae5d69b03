"""Geometric augmentation: moves pictures, masks and boxes of a batch together.

A `Moves` holds one affine map for each picture of a batch: scale, position, mirroring and quarter
turns. It is drawn once and applied to the pictures, their masks and their boxes. All randomness
comes from the default generator of the device, which the training loop seeds at every step.

Shapes: B pictures, H W their sides, h w the sides of the moved pictures, C channels, M boxes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenfold.core.lazy import lazy
from tenfold.media.image.frame import PADDING

if TYPE_CHECKING:
    from torch import Tensor

torch, functional = lazy("torch"), lazy("torch.nn.functional")

__all__ = ["Moves"]


@dataclass(frozen=True)
class Moves:
    """One affine map for each picture of a batch, from pixels (h, w) to pixels (H, W).

    `matrix` (B, 2, 3) maps the position (x, y) of a moved pixel, -1 to 1, to its position in the
    stored picture, -1 to 1, in the form that `affine_grid` takes.
    """

    matrix: Tensor
    stored: tuple[int, int]
    sides: tuple[int, int]

    @staticmethod
    def random(
        count: int,
        stored: tuple[int, int],
        sides: tuple[int, int],
        *,
        scale: tuple[float, float] = (1.0, 1.0),
        mirror: bool = False,
        turn: bool = False,
        centres: Tensor | None = None,
        place: Any = "cpu",
    ) -> Moves:
        """Draws a map for each of `count` pictures.

        A stored pixel becomes `scale` moved pixels wide (log-uniform). Where the scaled picture is
        larger than `sides`, the window has a random position within it; where it is smaller, the
        picture has a random position in the window. `mirror` mirrors half of the pictures left to
        right, `turn` turns each by 0, 90, 180 or 270 degrees. `centres` (B, 2) are positions
        (x, y), fractions of the stored picture, that the window must contain; NaN = anywhere.
        """
        low, high = (torch.tensor(float(one), device=place).log() for one in scale)
        ratio = (low + (high - low) * torch.rand(count, device=place)).exp()
        picture = torch.tensor([stored[1], stored[0]], device=place)
        window = torch.tensor([sides[1], sides[0]], device=place) / ratio[:, None]
        quarter = torch.randint(0, 4 if turn else 1, (count,), device=place)
        window = torch.where((quarter % 2 == 1)[:, None], window.flip(1), window)
        slack = picture - window
        start = slack * torch.rand(count, 2, device=place)
        if centres is not None:
            inner = centres * picture - window * (0.1 + 0.8 * torch.rand(count, 2, device=place))
            inner = inner.clamp(torch.minimum(slack, slack * 0), torch.maximum(slack, slack * 0))
            start = torch.where(inner.isnan(), start, inner)
        middle = 2 * (start + window / 2) / picture - 1
        return Moves(_matrices(window / picture, middle, quarter, mirror), stored, sides)

    def images(self, image: Tensor) -> Tensor:
        """Returns moved pictures (B, h, w, C), floats 0 to 255; outside of a picture is padding."""
        planes = image.permute(0, 3, 1, 2).float() - PADDING
        moved = functional.grid_sample(planes, self._grid(planes), align_corners=False)
        return (moved + PADDING).permute(0, 2, 3, 1)

    def masks(self, mask: Tensor, outside: int) -> Tensor:
        """Returns moved masks (B, h, w) of integers by nearest pixels; `outside` fills the rest."""
        planes = (mask.float() - outside)[:, None]
        moved = functional.grid_sample(
            planes, self._grid(planes), mode="nearest", align_corners=False
        )
        return (moved[:, 0] + outside).round().to(mask.dtype)

    def boxes(self, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """Returns moved boxes (B, M, 4), cut at the window, and the visible share (B, M) of each.

        Boxes are (left, top, right, bottom) in fractions of the stored and of the moved picture.
        """
        linear, shift = self.matrix[:, :, :2], self.matrix[:, :, 2]
        inverse = _inverted(linear)
        ends = (2 * boxes - 1).unflatten(2, (2, 2)) - shift[:, None, None]
        ends = (torch.einsum("bij,bmej->bmei", inverse, ends) + 1) / 2
        low, high = ends.amin(2), ends.amax(2)
        cut = torch.cat([low.clamp(0, 1), high.clamp(0, 1)], 2)
        whole = (high - low).prod(2).clamp(min=1e-12)
        return cut, (cut[..., 2:] - cut[..., :2]).prod(2) / whole

    def _grid(self, planes: Tensor) -> Tensor:
        size = [len(planes), 1, *self.sides]
        return functional.affine_grid(self.matrix, size, align_corners=False)


def _matrices(extent: Tensor, middle: Tensor, quarter: Tensor, mirror: bool) -> Tensor:
    """Returns (B, 2, 3): mirrors, turns by quarters, scales by `extent` and moves to `middle`.

    Half of the batch is mirrored: rows are in random order, so it is a random half.
    """
    count, place = len(extent), extent.device
    cosine = torch.tensor([1.0, 0.0, -1.0, 0.0], device=place)[quarter]
    sine = torch.tensor([0.0, 1.0, 0.0, -1.0], device=place)[quarter]
    turned = torch.stack([cosine, -sine, sine, cosine], 1).view(count, 2, 2)
    sign = torch.ones(count, device=place)
    if mirror:
        sign[: count // 2] = -1
    turned = turned * torch.stack([sign, sign.abs()], 1)[:, None]
    return torch.cat([turned * extent[:, :, None], middle[:, :, None]], 2)


def _inverted(linear: Tensor) -> Tensor:
    """Returns the inverses of matrices (B, 2, 2), without a call that synchronizes a device."""
    a, b, c, d = linear[:, 0, 0], linear[:, 0, 1], linear[:, 1, 0], linear[:, 1, 1]
    adjugate = torch.stack([d, -b, -c, a], 1).view(-1, 2, 2)
    return adjugate / (a * d - b * c)[:, None, None]
