"""Connected regions, distances and watershed, beside slow ways to compute the same."""

from __future__ import annotations

import numpy as np
import pytest

from tenfold.media.image.masks.objects import CORE, components, distances, grown, watershed


def flooded(mask: np.ndarray) -> np.ndarray:
    """Regions by walking from pixel to pixel."""
    numbers, count = np.zeros(mask.shape, int), 0
    for start in zip(*np.nonzero(mask), strict=True):
        if numbers[start]:
            continue
        count, rest = count + 1, [start]
        while rest:
            row, column = rest.pop()
            inside = 0 <= row < mask.shape[0] and 0 <= column < mask.shape[1]
            if inside and mask[row, column] and not numbers[row, column]:
                numbers[row, column] = count
                rest += [(row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)]
    return numbers


@pytest.mark.parametrize("share", [0.2, 0.5, 0.6, 0.9])
@pytest.mark.parametrize("shape", [(40, 57), (1, 9), (9, 1), (0, 4)])
def test_components_are_those_of_a_walk(share: float, shape: tuple[int, int]):
    mask = np.random.default_rng(3).random(shape) < share
    np.testing.assert_array_equal(components(mask), flooded(mask))


def discs(*places: tuple[float, float, float], side: int = 80) -> np.ndarray:
    down, across = np.mgrid[:side, :side]
    numbers = np.zeros((side, side), int)
    for number, (y, x, radius) in enumerate(places, 1):
        numbers[(np.hypot(down - y, across - x) <= radius) & (numbers == 0)] = number
    return numbers


def test_distances_rise_from_every_border_to_the_middle():
    numbers = discs((20, 20, 10), (20, 41, 10), (60, 60, 4))
    found = distances(numbers)
    assert found.dtype == np.uint8 and (found[numbers == 0] == 0).all()
    assert [found[20, 20], found[20, 41], found[60, 60]] == [255] * 3
    assert found[20, 30] < 60 and found[20, 31] < 60  # where the two touch
    row = found[20, 10:21].astype(int)
    assert (np.diff(row) >= 0).all() and row[0] < 30
    assert (distances(np.ones((4, 6), int)) == 255).all()  # it has no border
    assert not distances(np.zeros((4, 6), int)).any()


def test_the_distance_is_nearly_that_of_a_ruler():
    numbers = discs((40, 40, 30))
    found = distances(numbers)
    down, across = np.nonzero(numbers)
    ruler = 1 - np.hypot(down - 40, across - 40) / 31
    assert np.abs(found[down, across] / 255 - ruler).max() < 0.1


def test_watershed_separates_what_touches():
    numbers = discs((20, 20, 10), (20, 40.5, 10), (38, 30, 10), (70, 70, 5), (70, 79, 5))
    inside = numbers > 0
    assert components(inside).max() == 2
    found = watershed(distances(numbers) / 255, inside)
    assert found.max() == 5 and ((found > 0) == inside).all()
    for number in range(1, 6):
        counts = np.bincount(found[numbers == number])
        assert counts.max() >= 0.97 * counts.sum()


def test_a_region_without_a_core_is_still_an_object():
    inside = np.zeros((9, 20), bool)
    inside[2:7, 2:7] = inside[2:7, 12:17] = True
    distance = np.where(inside, CORE / 2, 0)
    distance[4, 4] = 1.0
    found = watershed(distance, inside)
    assert sorted(np.unique(found)) == [0, 1, 2]
    assert len(np.unique(found[2:7, 2:7])) == len(np.unique(found[2:7, 12:17])) == 1
    assert not watershed(distance, np.zeros_like(inside)).any()


def test_a_core_far_too_small_is_none():
    """It becomes part of its neighbour; alone it stays an object."""
    inside = discs((20, 20, 12), (60, 60, 3)) > 0
    distance = distances(discs((20, 20, 12), (60, 60, 3))) / 255
    distance[20, 9] = 0.9
    assert watershed(distance, inside).max() == 3
    found = watershed(distance, inside, least=200.0)
    assert len(np.unique(found[inside])) == 2 and found[20, 9] == found[20, 20]


def test_numbers_spread_only_through_their_region():
    numbers = np.zeros((3, 9), int)
    numbers[1, 0], region = 4, np.zeros((3, 9), bool)
    region[1, :5] = region[:, 7] = True
    found = grown(numbers, region)
    assert (found[1, :5] == 4).all() and found.sum() == 20
