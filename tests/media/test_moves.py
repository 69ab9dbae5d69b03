"""Geometric augmentation moves pictures, masks and boxes to the same place."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tenfold.media.image import frame
from tenfold.media.image.masks.pixels import IGNORED, TrueMask
from tenfold.media.image.moves import Moves


@pytest.mark.parametrize("seed", range(6))
def test_picture_mask_and_boxes_move_together(seed: int) -> None:
    torch.manual_seed(seed)
    stored, sides = (60, 80), (64, 64)
    image = torch.zeros(8, *stored, 3, dtype=torch.uint8)
    mask = torch.zeros(8, *stored, dtype=torch.uint8)
    image[:, 20:40, 30:55] = 200
    mask[:, 20:40, 30:55] = 1
    boxes = torch.tensor([[30 / 80, 20 / 60, 55 / 80, 40 / 60]]).expand(8, 1, 4)
    moves = Moves.random(8, stored, sides, scale=(0.7, 1.6), mirror=True, turn=True)
    seen, where, (moved, share) = moves.images(image), moves.masks(mask, 255), moves.boxes(boxes)
    for row in range(8):
        ys, xs = np.nonzero((where[row] == 1).numpy())
        if float(share[row, 0]) < 0.05:
            continue
        assert abs(float((seen[row, ys, xs] > 100).float().mean()) - 1) < 0.15
        found = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]) / 64
        assert np.abs(found - moved[row, 0].numpy()).max() < 1.6 / 64
    assert not (where == 7).any() and set(np.unique(where)) <= {0, 1, 255}


def test_a_window_holds_the_centre_it_must() -> None:
    torch.manual_seed(0)
    centres = torch.tensor([[0.95, 0.05], [0.5, 0.5]] * 8)
    moves = Moves.random(16, (64, 64), (32, 32), scale=(0.5, 2.0), turn=True, centres=centres)
    point = torch.cat([centres - 0.004, centres + 0.004], 1)[:, None]
    assert (moves.boxes(point)[1] > 0).all()


def test_boxes_return_from_the_frame() -> None:
    random = np.random.default_rng(0)
    sizes = random.integers(20, 900, (50, 2))
    boxes = np.sort(random.random((50, 2, 2)), 1).reshape(50, 4)
    back = frame.in_picture(frame.in_frame(boxes, sizes, (192, 256)), sizes, (192, 256))
    assert np.abs(back - boxes).max() < 1e-5
    for width, height in sizes:
        found = frame.covered(int(width), int(height), (192, 256))
        assert found[0] == 192 or found[1] == 256
        assert min(found) >= 1 and found[0] <= 192 and found[1] <= 256


def test_a_picture_stands_undistorted_in_its_frame() -> None:
    picture = np.full((30, 90, 3), 250, np.uint8)
    pixels, sizes, problems = frame.encode([picture, b"no picture"], (64, 96), 3)
    assert (pixels[0, :32] == 250).all() and (pixels[0, 32:] == frame.PADDING).all()
    assert sizes.tolist() == [[90, 30], [1, 1]] and [*problems] == [1]


def test_a_true_mask_is_its_cell() -> None:
    random = np.random.default_rng(1)
    pixels = random.integers(0, 3, (20, 30)).astype(np.uint8)
    pixels[0] = IGNORED
    objects = random.integers(0, 70_000, (20, 30)).astype(np.uint32)
    mask = TrueMask(("sky", "道路", "car"), pixels, objects, 0.5)
    back = TrueMask.of(mask.cell())
    assert (back.pixels == pixels).all() and back.objects is not None
    assert (back.objects == objects).all() and back.micrometres == 0.5 and back.size == (30, 20)
    assert set(np.unique(back.numbered(["car", "sky"]))) == {0, 1, IGNORED}
    merged = back.renamed({"道路": "sky", "car": None})
    assert merged.classes == ("sky",)
    assert merged.counts() == {"sky": int((pixels < 2).sum())}
    broken = mask.cell().replace('"shape": [20, 30]', '"shape": [20, 31]')
    with pytest.raises(ValueError, match="number of pixels"):
        TrueMask.of(broken)
