"""Scenes move pictures, boxes and masks of a batch together, mosaics included."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tenfold.media.image.scenes import NOTHING, Scenes, crop_sides


def batch(rows: int = 8, side: int = 64) -> dict[str, torch.Tensor]:
    """Grey pictures with one bright block each, at a place of its own, and a padded second box."""
    image = torch.full((rows, side, side, 3), 40, dtype=torch.uint8)
    mask = torch.zeros(rows, side, side, dtype=torch.uint8)
    boxes = torch.zeros(rows, 2, 6)
    for row in range(rows):
        x, y = 6 + 4 * row, 10 + 2 * row
        image[row, y : y + 16, x : x + 20] = 230
        mask[row, y : y + 16, x : x + 20] = 1
        boxes[row, 0] = torch.tensor([row % 3, x, y, x + 20, y + 16, 0]) / torch.tensor(
            [1, side, side, side, side, 1]
        )
    return {"image": image, "mask": mask, "boxes": boxes, "boxes_length": torch.ones(rows).long()}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("mosaic", [0.0, 0.5])
def test_boxes_and_masks_stay_on_their_pixels(seed: int, mosaic: float) -> None:
    torch.manual_seed(seed)
    sides = (64, 48)
    change = Scenes(("crop", "flip", "turn", "mosaic"), sides, (0.75, 1.35), mosaic)
    moved = change(batch(), 0.5)
    assert moved["image"].shape == (8, *sides, 3) and moved["mask"].shape == (8, *sides)
    assert moved["boxes"].shape == (8, 8 if mosaic else 2, 6)
    seen = 0
    for row in range(8):
        covered = np.zeros(sides, bool)
        for kind, x0, y0, x1, y1, ignored in moved["boxes"][row].tolist():
            if kind == NOTHING:
                continue
            top, left, bottom, right = (
                round(one * side) for one, side in zip((y0, x0, y1, x1), sides * 2, strict=True)
            )
            covered[top:bottom, left:right] = True
            inner = moved["image"][row, top + 1 : bottom - 1, left + 1 : right - 1]
            assert ignored or float((inner > 180).float().mean()) > 0.8
            seen += 1
        bright = (moved["image"][row, ..., 0] > 200).numpy()
        assert (bright & ~covered).sum() <= 0.03 * bright.size
        assert ((moved["mask"][row] == 1).numpy() & ~bright).sum() <= 0.08 * bright.size
    assert seen >= (10 if mosaic else 5)


def test_the_phases() -> None:
    """Mosaics and colours in the middle only; without kinds pictures stay as they are."""
    whole = Scenes(("crop", "colour", "mosaic"), (64, 64), mosaic=0.25)
    for share, boxes in ((0.0, 2), (0.5, 8), (0.9, 2)):
        torch.manual_seed(1)
        assert whole(batch(), share)["boxes"].shape[1] == boxes
    torch.manual_seed(1)
    still, before = Scenes((), (64, 64))(batch(), 0.5), batch()
    assert torch.allclose(still["image"], before["image"].float(), atol=1e-3)
    assert torch.allclose(still["boxes"][:, 0], before["boxes"][:, 0], atol=1e-5)
    assert (still["boxes"][:, 1, 0] == NOTHING).all()
    sides = [crop_sides(one) for one in ((256, 320), (64, 64), (640, 480), (224, 320))]
    assert sides == [(256, 256), (64, 64), (512, 384), (224, 256)]
