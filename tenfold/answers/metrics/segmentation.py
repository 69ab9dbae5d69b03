"""Counts that the metrics of masks are computed from, for one picture.

IoU, Dice and accuracy are computed from pixels by true and predicted class, the boundary F1 from
pixels of boundaries that lie close to each other (G. Csurka et al. 2013, "What is a good evaluation
measure for semantic segmentation?", BMVC), the object F1 from objects that overlap. Pixels whose
true class is IGNORED take no part in any of them. All arrays may have any number of planes before
the last two axes.

Shapes: H x W pixels, K classes, M true and M' predicted objects.
"""

from __future__ import annotations

import numpy as np

from tenfold.answers.segmentation import regions
from tenfold.media.image.masks.pixels import IGNORED

__all__ = ["LEAST_OVERLAP", "boundaries", "confusion", "objects", "tolerance"]

LEAST_OVERLAP = 0.5
"""The least intersection over union of a true and a predicted object that are the same."""
NEIGHBOURS = (
    (np.s_[..., :, :-1], np.s_[..., :, 1:]),
    (np.s_[..., :-1, :], np.s_[..., 1:, :]),
)
"""Indices of the pixels that lie side by side, and of those that lie below each other."""
TOLERANCE_PIXELS, TOLERANCE_SHARE = 2.0, 0.0075


def confusion(truth: np.ndarray, said: np.ndarray, classes: int) -> np.ndarray:
    """Returns (K, K + 1) pixels by true class (row) and predicted class (column).

    `truth` and `said` have class numbers; predicted numbers from K on are the last column.
    """
    judged = truth != IGNORED
    cells = truth[judged].astype(np.int64) * (classes + 1) + np.minimum(said[judged], classes)
    return np.bincount(cells, minlength=classes * (classes + 1)).reshape(classes, classes + 1)


def tolerance(height: int, width: int) -> float:
    """Returns the distance in pixels at which boundaries are still alike: 0.75 % of the diagonal.

    It is at least two pixels.
    """
    return max(TOLERANCE_PIXELS, TOLERANCE_SHARE * float(np.hypot(height, width)))


def boundaries(truth: np.ndarray, said: np.ndarray, classes: int) -> np.ndarray:
    """Returns (K, 4) pixels of boundaries of each class.

    The columns are predicted ones close to a true one, predicted ones, true ones close to a
    predicted one, true ones. A pixel is on the boundary of its class if one of its four neighbours
    has another; the edge of the picture is not a boundary.
    """
    radius = tolerance(*truth.shape[-2:])
    judged = truth != IGNORED
    edges = _edges(truth, judged), _edges(said, judged)
    found = np.zeros((classes, 4), np.int64)
    for number in range(classes):
        there, told = edges[0] & (truth == number), edges[1] & (said == number)
        close = _close(told, there, radius), _close(there, told, radius)
        found[number] = close[0], told.sum(), close[1], there.sum()
    return found


def _edges(classes: np.ndarray, judged: np.ndarray) -> np.ndarray:
    """Returns True for pixels with a labelled neighbour of another class."""
    found = np.zeros(classes.shape, bool)
    for one, other in NEIGHBOURS:
        apart = (classes[one] != classes[other]) & judged[one] & judged[other]
        found[one] |= apart
        found[other] |= apart
    return found


def _close(marked: np.ndarray, others: np.ndarray, radius: float) -> int:
    """Returns how many marked pixels have one of the others of their plane within `radius`."""
    height, width = marked.shape[-2:]
    if not marked.any() or not others.any():
        return 0
    plane, y, x = np.nonzero(marked.reshape(-1, height, width))
    sums = np.zeros((marked.size // (height * width), height, width + 1), np.int32)
    np.cumsum(others.reshape(-1, height, width), -1, out=sums[..., 1:])
    found = np.zeros(len(x), bool)
    for down in range(-int(radius), int(radius) + 1):
        across = int(np.sqrt(radius**2 - down**2))
        inside = (y + down >= 0) & (y + down < height) & ~found
        row = plane[inside], y[inside] + down
        ends = np.minimum(x[inside] + across + 1, width), np.maximum(x[inside] - across, 0)
        found[inside] = sums[(*row, ends[0])] > sums[(*row, ends[1])]
    return int(found.sum())


def objects(
    truth: tuple[np.ndarray, np.ndarray], said: tuple[np.ndarray, np.ndarray], classes: int
) -> np.ndarray:
    """Returns (K, 3) objects of each class: found ones, predicted ones, true ones.

    Each side is (class of each pixel, number of its object from 1, 0 = none). A true object is
    found if a predicted one of its class has an intersection over union with it of at least
    LEAST_OVERLAP; each object counts once. An object most of whose pixels are IGNORED is left out.
    """
    judged = truth[0] != IGNORED
    true, told = _objects(truth, judged, classes), _objects(said, judged, classes)
    numbers = [
        _placed(one, mine) for (_, one), mine in zip((truth, said), (true, told), strict=True)
    ]
    both = (numbers[0] > 0) & (numbers[1] > 0) & judged
    wide = len(told[0]) + 1
    pairs, shared = np.unique(
        numbers[0][both].astype(np.int64) * wide + numbers[1][both], return_counts=True
    )
    one, other = pairs // wide - 1, pairs % wide - 1
    union = true[2][one] + told[2][other] - shared
    alike = (shared >= LEAST_OVERLAP * union) & (true[1][one] == told[1][other])
    one, other = one[alike], other[alike]
    one, first = np.unique(one, return_index=True)
    _, first = np.unique(other[first], return_index=True)
    kinds = (true[1][one[first]], told[1], true[1])
    return np.stack([np.bincount(each, minlength=classes) for each in kinds], 1)


def _objects(
    side: tuple[np.ndarray, np.ndarray], judged: np.ndarray, classes: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the number, class and labelled pixels of each object that counts, each (M,)."""
    kind, number = side
    inside = number > 0
    names, place = np.unique(number[inside], return_inverse=True)
    whole = np.bincount(place, minlength=len(names))
    seen = np.bincount(place, judged[inside], len(names)).astype(np.int64)
    known = (kind[inside] < classes) & judged[inside]
    best = regions.class_of_each(place[known], kind[inside][known], len(names))
    counted = (2 * seen >= whole) & (np.bincount(place, known, len(names)) > 0)
    return names[counted], best[counted], seen[counted]


def _placed(numbers: np.ndarray, known: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
    """Returns the place of the object of each pixel among the known ones from 1; 0 = none."""
    names = known[0]
    if not len(names):
        return np.zeros(numbers.shape, np.int64)
    place = np.searchsorted(names, numbers).clip(0, len(names) - 1)
    return np.where(names[place] == numbers, place + 1, 0)
