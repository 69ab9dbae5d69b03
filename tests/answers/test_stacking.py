"""Objects of neighbouring planes joined to one object each."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile

from tenfold.answers.mask import MASK, Mask, mask_of, with_intensities
from tenfold.answers.segmentation.stacking import stacked

CLASSES = ("background", "ball")


def balls(count: int, shape: tuple[int, int, int]) -> np.ndarray:
    """Numbers (Z, H, W) of balls; no two touch in depth, many touch in a plane."""
    random = np.random.default_rng(1)
    numbers = np.zeros(shape, np.int64)
    z, y, x = np.ogrid[: shape[0], : shape[1], : shape[2]]
    while numbers.max() < count:
        radius = random.uniform(3, 7)
        middle = random.uniform(radius, np.array(shape) - radius)
        away = np.sqrt((z - middle[0]) ** 2 + (y - middle[1]) ** 2 + (x - middle[2]) ** 2)
        inside = away <= radius
        near = inside.copy()
        near[1:] |= inside[:-1]
        near[:-1] |= inside[1:]
        if not numbers[near].any():
            numbers[inside] = numbers.max() + 1
    return numbers


def plane_masks(numbers: np.ndarray, picture: np.ndarray) -> list[Mask]:
    """The mask of each plane, its objects numbered anew and in another order."""
    found = []
    for place, shown in enumerate(numbers):
        other = np.where(shown > 0, np.int64(1000) + (-1) ** place * shown, 0)
        mask = mask_of((shown > 0).astype(np.uint8), CLASSES, other, 0.5 + 0.01 * (shown % 7))
        found.append(with_intensities(mask, picture[place]))
    return found


def test_fifty_balls_count_fifty(tmp_path: Path):
    numbers = balls(50, (60, 90, 90))
    picture = np.random.default_rng(0).integers(0, 4000, (*numbers.shape, 2), np.uint16)
    planes = plane_masks(numbers, picture)
    assert sum(len(one.objects) for one in planes) > 300
    found = stacked(planes)
    assert (found.size, len(found.objects)) == (numbers.shape, 50)
    pairs = np.unique(np.stack([found.object_numbers[numbers > 0], numbers[numbers > 0]]), axis=1)
    assert pairs.shape == (2, 50)  # one number for each ball, and the reverse
    for number, true in pairs.T:
        about, inside = found.objects[number - 1], numbers == true
        assert about["area"] == inside.sum() and about["class"] == "ball"
        assert about["planes"] == [*np.flatnonzero(inside.any((1, 2)))[[0, -1]]]
        assert about["confidence"] == pytest.approx(0.5 + 0.01 * (true % 7), abs=1e-5)
        assert about["intensity"] == pytest.approx(picture[inside].mean(0), abs=1e-3)
    with MASK.files[".tif"].write(tmp_path / "x.tif", Mask, CLASSES) as write:
        write("a.tif", found)
    labels = tifffile.imread(io.BytesIO((tmp_path / "x.tif").read_bytes()))
    np.testing.assert_array_equal(labels, found.object_numbers)
    cut = stacked(planes, [place in (0, 30) for place in range(60)])
    through = ({*numbers[29].ravel()} & {*numbers[30].ravel()}) - {0}
    assert len(through) > 1 and len(cut.objects) == 50 + len(through)


def flat(*boxes: tuple[int, int, int], side: int = 20) -> Mask:
    """A plane (1, side) with an object at columns a to b of class c for each (a, b, c)."""
    pixels, numbers = np.zeros((1, side), np.uint8), np.zeros((1, side), np.int64)
    for number, (start, end, kind) in enumerate(boxes, 1):
        pixels[:, start:end], numbers[:, start:end] = kind, number
    return mask_of(pixels, ("none", "a", "b"), numbers)


@pytest.mark.parametrize(
    ("first", "second", "count"),
    [
        ([(0, 10, 1)], [(4, 14, 1)], 1),  # 6 of 10
        ([(0, 10, 1)], [(5, 15, 1)], 2),  # half, not more
        ([(0, 10, 1)], [(7, 10, 1)], 1),  # the smaller lies within the larger
        ([(0, 10, 1)], [(0, 10, 2)], 2),  # another class
        ([(0, 12, 1)], [(0, 5, 1), (5, 12, 1)], 2),  # one partner each, the one with more overlap
        ([(0, 10, 1)], [], 1),
        ([], [], 0),
    ],
)
def test_objects_are_joined_by_overlap(first, second, count):
    found = stacked([flat(*first), flat(*second)])
    assert found.told_apart and len(found.objects) == count
    if len(second) == 2:
        assert found.object_numbers[1, 0].tolist() == [2] * 5 + [1] * 7 + [0] * 8


def test_planes_without_objects_are_stacked_too():
    plane = mask_of(np.uint8([[0, 1]]), CLASSES, sure=0.75, micrometres=0.5)
    found = stacked([plane, plane, plane])
    assert (found.size, found.told_apart) == ((3, 1, 2), False)
    assert (found.areas, found.confidence) == ({"background": 3, "ball": 3}, 0.75)
    assert found.micrometres == 0.5
