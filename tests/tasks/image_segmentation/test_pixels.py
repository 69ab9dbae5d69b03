"""Targets, loss, views and windows of segmentation, on arrays made here."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from tenfold.core.columns import Problem
from tenfold.media.image.masks.pixels import IGNORED, TrueMask
from tenfold.tasks.image_segmentation import fingerprint, loss, views, windows
from tenfold.tasks.image_segmentation.targets import targets

CLASSES = ("ground", "disc")


def halves(width: int, height: int, objects: bool = False) -> TrueMask:
    """The left half is ground, the right half a disc; the first two rows are not scored."""
    pixels = np.zeros((height, width), np.uint8)
    pixels[:, width // 2 :] = 1
    numbers = pixels.astype(np.uint16) * 7 if objects else None
    pixels[:2] = IGNORED
    return TrueMask(CLASSES, pixels, numbers)


@pytest.mark.parametrize(
    ("sizes", "wanted", "frame", "levels"),
    [
        ([(240, 180)], 0, (192, 240), 4),
        ([(32, 32)], 0, (32, 32), 3),
        ([(31, 200)], 0, (208, 32), 3),
        ([(800, 600)], 0, (384, 512), 4),  # at most 512 pixels a side
        ([(1500, 1500)], 0, (1504, 1504), 4),  # far larger: native scale, learnt by crops
        ([(5000, 2500)], 0, (1024, 2048), 4),
        ([(240, 180)], 120, (96, 128), 4),
        ([(100, 80)] * 40 + [(4000, 80)], 0, (80, 112), 4),  # one panorama does not decide
    ],
)
def test_the_frame_follows_the_pictures(sizes, wanted, frame, levels):
    found = fingerprint.Fingerprint.of(halves(*size) for size in sizes)
    assert found.frame(wanted) == frame
    assert fingerprint.levels_of(frame) == levels
    crop = fingerprint.crop_of(frame)
    assert all(one % 16 == 0 and one <= side for one, side in zip(crop, frame, strict=True))
    batch = fingerprint.batch_of(crop)
    assert 4 <= batch <= 16 and batch & (batch - 1) == 0


def test_the_fingerprint_counts_pixels_and_objects():
    found = fingerprint.Fingerprint.of([halves(10, 5), halves(10, 5, objects=True)])
    assert (found.classes, found.pixels) == (CLASSES, (30, 30))
    assert (found.things, found.objects) == ((), 1)  # half of the discs have no number
    alone = fingerprint.Fingerprint.of([halves(10, 5, objects=True)])
    assert alone.things == ("disc",)
    assert alone.truths((16, 16))["scale"] == 1.6


def test_targets_stand_where_the_picture_stands():
    """Scaled by one factor into the upper left corner; IGNORED beside it, and for other classes."""
    cells = [halves(64, 32, objects=True).cell(), halves(8, 8).cell()]
    found = targets(cells, ["disc", "ground"], (32, 32), True)
    first, second = found["mask"]
    assert (first[16:] == IGNORED).all() and (first[0] == IGNORED).all()
    assert (first[1:16, :16] == 1).all() and (first[1:16, 16:] == 0).all()
    assert (second[8:, :16] == 1).all() and (second[:8] == IGNORED).all()
    assert found["distance"][0].max() == 255 and (found["distance"][0][:, :16] == 0).all()
    assert not found["distance"][1].any()
    assert (targets(cells, ["disc"], (32, 32), False)["mask"][0][1:16, :16] == IGNORED).all()


class Fixed:
    """A network with given logits."""

    def __init__(self, logits: torch.Tensor, classes: int) -> None:
        self.found, self.classes = logits, classes

    def logits(self, image: torch.Tensor) -> tuple[torch.Tensor, None]:
        return self.found, None


@pytest.mark.parametrize("option", loss.LOSSES)
def test_ignored_pixels_have_no_loss(option: str):
    random = torch.Generator().manual_seed(0)
    mask = torch.randint(0, 3, (2, 8, 8), generator=random).to(torch.uint8)
    mask[:, 5:] = IGNORED
    right = torch.nn.functional.one_hot(mask.long().clamp(max=3), 4)[..., :3] * 20.0
    logits = torch.cat([right.permute(0, 3, 1, 2), torch.full((2, 1, 8, 8), -30.0)], 1)
    logits[:, :, 5:] = torch.randn(2, 4, 3, 8, generator=random) * 50
    batch = {"image": mask, "mask": mask, "distance": torch.zeros_like(mask)}
    value = loss.loss_function(option, [0.6, 0.3, 0.1], "cpu")
    assert float(value(Fixed(logits, 3), batch)) < 0.03
    assert float(value(Fixed(-logits, 3), batch)) > 0.9
    nothing = batch | {"mask": torch.full_like(mask, IGNORED)}
    assert float(value(Fixed(logits, 3), nothing)) == 0.0


def test_the_log_has_the_pixels_of_each_class_in_both_and_in_either():
    random = torch.Generator().manual_seed(1)
    true, best = (torch.randint(0, 3, (2, 8, 8), generator=random) for _ in range(2))
    true[:, 5:] = IGNORED
    logits = torch.nn.functional.one_hot(best, 4).permute(0, 3, 1, 2) * 9.0
    batch = {"image": true, "mask": true.to(torch.uint8)}
    value = loss.loss_function("cross-entropy", [0.6, 0.3, 0.1, 0.0], "cpu")
    found = loss.measure(value)(Fixed(logits, 4), batch)["valid_mean_iou"].tolist()
    pairs = [*zip(true.flatten().tolist(), best.flatten().tolist(), strict=True)]
    known = [pair for pair in pairs if pair[0] != IGNORED]
    assert found == [
        [sum(one == other == kind for one, other in known) for kind in range(4)],
        [sum(kind in pair for pair in known) for kind in range(4)],
    ]


def test_rare_classes_weigh_more_but_not_without_limit():
    weights = loss.class_weights([0.5, 0.49, 0.01, 0.0])
    assert weights[0] < weights[1] < weights[2] < weights[3]
    assert weights[3] / weights[0] == pytest.approx(loss.MOST_WEIGHT, rel=1e-3)
    assert np.dot(weights, [0.5, 0.49, 0.01, 0.0]) == pytest.approx(1.0, abs=1e-4)


def test_views_move_pictures_masks_and_distances_together():
    """A picture whose red is its class and whose green is its distance stays so in every view."""
    mask = torch.zeros(6, 64, 64, dtype=torch.uint8)
    mask[:, 40:60, 8:30] = 1
    mask[:, 50:, 50:] = 2
    distance = mask * 90
    image = torch.stack([mask * 100, distance, mask], 3)
    batch = {"image": image, "mask": mask, "distance": distance}
    change = views.Views(("scale", "crop", "flip", "turn"), (48, 32), (0.8, 0.15, 0.05), 0)
    seen = set()
    for seed in range(8):
        torch.manual_seed(seed)
        found = change(batch, 0.2)
        assert found["mask"].shape == (6, 48, 32) and found["image"].shape == (6, 48, 32, 3)
        known = found["mask"] != IGNORED
        red, green = found["image"][..., 0], found["image"][..., 1]
        near = (red - found["mask"] * 100.0).abs()[known]
        assert float((near < 1).float().mean()) > 0.8  # the rest is interpolated at borders
        assert float((green - found["distance"]).abs()[known].median()) < 1
        forced = found["mask"][4:]  # the last third
        assert all(((one > 0) & (one < IGNORED)).any() for one in forced)
        seen |= set(found["mask"].unique().tolist())
    assert seen == {0, 1, 2, IGNORED}
    last = change(batch, 0.95)
    assert last["mask"].shape == (6, 64, 64) and (last["mask"] != IGNORED).all()


class Copied:
    """Outputs that repeat the picture: class 1 where it is light; a distance like its value."""

    def __init__(self, side: int) -> None:
        self.side, self.asked = side, 0

    def outputs(self, table: pd.DataFrame):
        found = []
        for cell in table["image"]:
            assert max(cell.shape[:2]) == self.side
            whole = np.zeros((self.side, self.side), np.float32)
            whole[: cell.shape[0], : cell.shape[1]] = cell[..., 0] / 255
            found.append(whole)
            self.asked += 1
        light = np.stack(found)
        return {"probabilities": np.stack([1 - light, light], 3), "distance": light}, {}


@pytest.mark.parametrize("size", [(100, 230), (64, 65), (31, 200), (200, 31)])
def test_windows_join_to_the_whole_picture(size: tuple[int, int]):
    picture = np.random.default_rng(0).integers(0, 256, size, np.uint8)
    ask = Copied(64)
    found = windows.joined(picture, size, (64, 64), (1, 2), ask)
    assert not isinstance(found, Problem) and ask.asked > 1
    np.testing.assert_array_equal(found.best, picture > 127)
    np.testing.assert_allclose(found.distance, picture / 255, atol=1e-5)
    np.testing.assert_allclose(found.sure, np.maximum(picture, 255 - picture) / 255, atol=1e-5)


def test_a_window_that_cannot_be_answered_is_the_problem_of_the_picture():
    class Broken:
        def outputs(self, table: pd.DataFrame):
            return {}, {0: Problem("answer-not-finite", "x")}

    found = windows.joined(np.zeros((90, 90), np.uint8), (90, 90), (64, 64), (1, 2), Broken())
    assert isinstance(found, Problem) and found.code == "answer-not-finite"
    assert windows.picture_size("missing.png") is None
