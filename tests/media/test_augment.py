"""Changed views of pictures are views of the same pictures, and only those that keep the answer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from learning import HERE

import worlds
from tenfold.core.errors import UsageError
from tenfold.media.image.augment import KINDS, Augmentation, differs_mirrored, named, reads_one_way
from tenfold.training.batches import tensors

RANDOM = np.random.default_rng(0)


def noise(side: int, channels: int, rows: int = 16) -> dict[str, torch.Tensor]:
    image = np.random.default_rng(2).integers(0, 256, (rows, side, side, channels), np.uint8)
    return tensors({"image": image, "label": np.arange(rows) % 3}, HERE)


def changed(
    kinds: str, batch: dict[str, torch.Tensor], share: float = 0.9, **more
) -> dict[str, torch.Tensor]:
    sides = more.pop("sides", tuple(batch["image"].shape[1:3]))
    torch.manual_seed(more.pop("seed", 1))
    return Augmentation(named(kinds) or (), sides, **more)(batch, share)


# --- shift and flip ---


def is_view(after: np.ndarray, image: np.ndarray, most: int, mirrored: bool) -> bool:
    """True where `after` is the picture moved by at most `most`, reflected at the borders."""
    height, width, _ = image.shape
    wide = np.pad(image, ((most, most), (most, most), (0, 0)), "reflect")
    wanted = after[:, ::-1] if mirrored else after
    return any(
        (wide[y : y + height, x : x + width] == wanted).all()
        for y in range(2 * most + 1)
        for x in range(2 * most + 1)
    )


@pytest.mark.parametrize("kinds", ["shift", "shift,flip", "flip"])
@pytest.mark.parametrize("side, channels, most", [(24, 1, 2), (24, 4, 2), (8, 1, 1), (28, 3, 2)])
def test_a_changed_picture_is_a_view_of_the_same_picture(
    kinds: str, side: int, channels: int, most: int
):
    before = noise(side, channels)
    after = changed(kinds, before)
    assert after["image"].shape == before["image"].shape
    assert after["image"].dtype == torch.uint8 and after["label"].equal(before["label"])
    pairs = list(zip(after["image"].numpy(), before["image"].numpy(), strict=True))
    straight = [is_view(one, other, most, False) for one, other in pairs]
    mirrored = [is_view(one, other, most, True) for one, other in pairs]
    assert all(a or b for a, b in zip(straight, mirrored, strict=True))
    assert sum(mirrored) == (8 if "flip" in kinds else 0)
    moved = [not (one == other).all() and not (one[:, ::-1] == other).all() for one, other in pairs]
    assert (sum(moved) > 8) == ("shift" in kinds)


@pytest.mark.parametrize("kinds", ["shift", "crop", "colour", "cutout", "mixup", ",".join(KINDS)])
def test_every_batch_gets_its_own_views(kinds: str):
    batch = noise(24, 3)
    one, same, other = (changed(kinds, batch, seed=seed)["image"] for seed in (1, 1, 2))
    assert one.equal(same) and not one.equal(other)


@pytest.mark.parametrize("kinds", ["none", *KINDS, ",".join(KINDS)])
@pytest.mark.parametrize("sides", [(1, 1), (1, 20), (2, 2), (9, 5)])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_pictures_of_any_size_survive(kinds: str, sides: tuple[int, int], channels: int):
    image = RANDOM.integers(0, 256, (6, *sides, channels), np.uint8)
    batch = tensors({"image": image, "label": np.arange(6)}, HERE)
    colours = channels if channels in (1, 3) else channels - 1
    after = changed(kinds, batch, colours=colours)["image"]
    assert after.shape == (6, *sides, channels) and torch.isfinite(after.float()).all()
    assert after.float().min() >= 0 and after.float().max() <= 255


@pytest.mark.parametrize("kinds", ["none", "shift", "shift,flip", "crop"])
def test_the_first_part_of_learning_may_see_smaller_pictures_of_the_same(kinds: str):
    flat = np.repeat(np.arange(16, dtype=np.uint8) * 9, 64 * 64 * 3).reshape(16, 64, 64, 3)
    batch = tensors({"image": flat}, HERE)
    sides = []
    for share in (0.0, 0.4, 0.71, 1.0):
        image = changed(kinds, batch, share, grows=True)["image"]
        assert (image.float().mean((1, 2, 3)).round() == torch.arange(16) * 9).all()
        sides.append(image.shape[1])
    assert sides == [40, 48, 64, 64], "the end of learning sees pictures as they will be asked"


# --- crop ---


def test_crops_are_windows_of_many_sizes_inside_the_picture():
    """On a ramp a crop's values tell where it begins and ends."""
    ramp = np.broadcast_to(np.arange(100, dtype=np.uint8)[:, None, None], (64, 100, 100, 1)).copy()
    lengths, tops = set(), set()
    for seed in range(6):
        image = changed("crop", tensors({"image": ramp}, HERE), sides=(80, 80), seed=seed)["image"]
        first, last = image[:, 0, 0, 0].int(), image[:, -1, 0, 0].int()
        assert (first >= 0).all() and (last <= 99).all() and (last - first > 40).all()
        lengths |= set((last - first).tolist())
        tops |= set(first.tolist())
    assert len(lengths) > 8 and len(tops) > 12
    assert max(lengths) > 90 and min(lengths) < 70


# --- colour, cutout, mixup ---


def test_colour_changes_colour_and_leaves_form_and_mask_alone():
    batch = noise(24, 4)
    after = changed("colour", batch, colours=3)["image"]
    assert after[..., 3].equal(batch["image"][..., 3].to(after.dtype))
    before = batch["image"][..., :3].float()
    assert (after[..., :3] - before).abs().mean() > 5
    for one, other in zip(after[..., :3], before, strict=True):
        together = torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1]
        assert together > 0.9, "bright stays bright"


def test_colour_of_a_grey_picture_is_light_and_contrast():
    batch = noise(16, 1)
    after = changed("colour", batch, colours=1)["image"]
    ranks = [one.flatten().argsort(stable=True) for one in (after[0], batch["image"][0])]
    assert after.shape == batch["image"].shape and not after.equal(batch["image"].float())
    assert (ranks[0] == ranks[1]).float().mean() > 0.5


def test_cutout_covers_a_square_of_each_picture_with_its_mean():
    batch = noise(24, 4)
    after = changed("cutout", batch, colours=3)["image"]
    assert after.dtype == torch.uint8 and after[..., 3].equal(batch["image"][..., 3])
    differs = (after[..., :3] != batch["image"][..., :3]).any(3)
    for row in range(16):
        down, across = torch.nonzero(differs[row], as_tuple=True)
        assert 0 < down.max() - down.min() <= 8 and 0 < across.max() - across.min() <= 8
        inside = after[row, down, across, :3].float()
        mean = batch["image"][row, ..., :3].float().mean((0, 1))
        assert (inside - mean).abs().max() <= 1
    places = {tuple(torch.nonzero(one)[0].tolist()) for one in differs}
    assert len(places) > 8


def test_mixup_lays_pictures_over_each_other_and_tells_both_answers():
    batch = noise(12, 3)
    after = changed("mixup", batch)
    share = after["share"].view(-1, 1, 1, 1)
    assert 0.6 <= float(share.min()) < float(share.max()) <= 1
    wanted = share * batch["image"] + (1 - share) * batch["image"].flip(0)
    torch.testing.assert_close(after["image"], wanted, atol=1e-3, rtol=1e-4)
    assert after["label"].equal(batch["label"])
    assert after["other_label"].equal(batch["label"].flip(0))


# --- what may be mirrored ---


def test_names_that_read_one_way():
    assert reads_one_way(["a", "B"]) and reads_one_way(["人", "口"]) and reads_one_way(["0", "7"])
    assert reads_one_way(["left turn", "stop"]) and reads_one_way(["Right_arrow", "x1"])
    assert reads_one_way(["向左", "直行"])
    for names in (["cat", "dog"], ["10", "11"], ["a"], ["bright", "leftover"], ["a", "dog"], []):
        assert not reads_one_way(names), names


def shapes_of(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Circles and crosses, whose mirror images are of the same kind."""
    names = ("circle", "cross")
    image = [worlds.shape(names[n % 2], np.random.default_rng(n)) for n in range(count)]
    return np.stack(image)[..., None], np.arange(count) % 2


def test_things_that_become_others_when_mirrored_are_told_from_pixels():
    """A bright left half against a bright right half: each is the other's mirror image."""
    image = RANDOM.integers(0, 90, (60, 12, 12, 1)).astype(np.uint8)
    label = np.arange(60) % 2
    image[label == 0, :, :6] += 120
    image[label == 1, :, 6:] += 120
    straight, mirrored = differs_mirrored(image, label)
    assert straight > 0.95 and mirrored < 0.05
    assert differs_mirrored(image[:, :, :, :], np.full(60, -1)) is None, "no answer, no judgement"
    assert differs_mirrored(image[:6], label[:6]) is None, "six pictures prove nothing"


def test_symmetric_things_may_be_mirrored():
    assert differs_mirrored(*shapes_of(120)) is None


# --- how they are told ---


def test_changes_are_told_by_name():
    assert named("auto") is None and named("none") == ()
    assert named("flip, crop") == ("crop", "flip") == named("crop,flip,crop")


@pytest.mark.parametrize("text", ["filp", "flip;crop", "", "flip,,crop", "auto,flip", "翻转"])
def test_a_mistyped_change_is_refused(text: str):
    with pytest.raises(UsageError, match="augment must be auto, none or some of shift") as caught:
        named(text)
    assert caught.value.code == "bad-setting"
    if text == "filp":
        assert "flip" in caught.value.fix
