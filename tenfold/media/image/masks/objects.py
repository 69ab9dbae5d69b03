"""Objects of a mask: connected regions, distances inside objects, and watershed.

Everything is numpy, so that exported runs answer without further libraries.

Shapes: H x W pixels; numbers of objects are (H, W) integers, 0 = no object.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

__all__ = ["components", "distances", "watershed"]

CORE = 0.5
"""Least distance of the core of an object, as a share of the distance in its middle."""
Slices = tuple[slice, slice]
LEVELS = 8
"""Steps in which objects grow from their cores to their borders."""


def components(mask: np.ndarray) -> np.ndarray:
    """Returns the numbers of the regions of True pixels that are connected by their sides.

    Runs of each row are joined with the runs above that they touch, by union-find on all pairs at
    once. Numbers are 1, 2, ... in the order of the first pixels.
    """
    mask = np.asarray(mask, bool)
    before = np.zeros_like(mask)
    before[:, 1:] = mask[:, :-1]
    runs = np.where(mask, np.cumsum(mask & ~before).reshape(mask.shape), 0)
    touching = mask[1:] & mask[:-1]
    pairs = np.unique(np.stack([runs[:-1][touching], runs[1:][touching]], 1), axis=0)
    parent = np.arange(int(runs.max(initial=0)) + 1)
    while len(pairs):
        roots = np.sort(parent[pairs], 1)
        np.minimum.at(parent, roots[:, 1], roots[:, 0])
        while (parent != parent[parent]).any():
            parent = parent[parent]
        pairs = pairs[parent[pairs[:, 0]] != parent[pairs[:, 1]]]
    order = np.cumsum(parent == np.arange(len(parent))) - 1
    return np.asarray(order[parent][runs], np.int32)


def distances(numbers: np.ndarray) -> np.ndarray:
    """Returns (H, W) uint8: the distance to the border of the own object, 255 in its middle.

    The distance is counted in pixels, by diagonal and straight steps in turn, and divided by the
    largest one in the object. A border is where another number begins, not the edge of the picture.
    """
    numbers = np.asarray(numbers, np.int64)
    alive = numbers > 0
    depth = np.zeros(numbers.shape, np.int32)
    turn = 0
    while alive.any():
        depth += alive
        kept = alive.copy()
        for one, other in _neighbours(numbers.shape, diagonal=turn % 2 == 1):
            kept[one] &= alive[other] & (numbers[one] == numbers[other])
        if kept.sum() == alive.sum():
            break  # an object that fills the picture has no border
        alive, turn = kept, turn + 1
    most = np.zeros(int(numbers.max(initial=0)) + 1, np.int32)
    np.maximum.at(most, numbers.ravel(), depth.ravel())
    return (255 * depth // np.maximum(most, 1)[numbers]).astype(np.uint8)


def watershed(distance: np.ndarray, inside: np.ndarray, least: float = 0.0) -> np.ndarray:
    """Returns the object number of each pixel of `inside`, separated by `distance` (H, W), 0 to 1.

    Each connected core, where the distance is larger than CORE, becomes an object. `least` is the
    usual area of the smallest objects: a core covers about a quarter of its object, so cores of
    less than an eighth of `least` are ignored. Objects grow pixel by pixel through ever smaller
    distances until they meet. Each connected region that no core reaches is an object of its own.
    Source: F. Meyer 1992, here with LEVELS levels.
    """
    cores = components(inside & (distance > CORE))
    large = np.bincount(cores.ravel()) >= least * CORE**2 / 2
    numbers = np.where(large[cores], cores, 0)
    for level in np.linspace(CORE, 0, LEVELS + 1)[1:]:
        numbers = grown(numbers, inside & (distance >= level))
    left = inside & (numbers == 0)
    return np.where(left, components(left) + numbers.max(initial=0), numbers).astype(np.int32)


def grown(numbers: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Returns numbers that have spread to all connected pixels of `region` without a number."""
    numbers = numbers.copy()
    while True:
        free = region & (numbers == 0)
        near = np.zeros_like(numbers)
        for one, other in _neighbours(numbers.shape):
            np.maximum(near[one], numbers[other], out=near[one])
        new = free & (near > 0)
        if not new.any():
            return numbers
        numbers[new] = near[new]


def _neighbours(shape: tuple[int, ...], diagonal: bool = False) -> Iterator[tuple[Slices, Slices]]:
    """Yields pairs of views: all pixels that have a neighbour in one direction, and these."""
    steps = [(0, 1), (1, 0), (0, -1), (-1, 0)]
    steps += [(1, 1), (1, -1), (-1, 1), (-1, -1)] if diagonal else []
    sides = {0: (slice(None), slice(None)), 1: (slice(None, -1), slice(1, None))}
    sides[-1] = (sides[1][1], sides[1][0])
    for down, right in steps:
        yield (sides[down][0], sides[right][0]), (sides[down][1], sides[right][1])
