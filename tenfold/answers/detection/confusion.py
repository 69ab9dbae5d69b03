"""Which classes are taken for which, and for background.

Shapes: N pictures, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tenfold.answers.detection.matches import ROUNDING, Scored, Truth, inside
from tenfold.answers.detection.suppression import overlaps

__all__ = ["confusion"]

LEAST = 0.5 - ROUNDING


def confusion(
    names: list[str],
    predicted: Sequence[Scored],
    truths: Sequence[Truth],
    ignored: Sequence[Truth],
    thresholds: np.ndarray,
) -> np.ndarray:
    """Returns counts (K + 1, K + 1): true class by row, predicted class by column.

    The last row is background (boxes where there is no object), the last column objects that are
    not found. Boxes of at least the threshold of their picture, the most certain first, take the
    free true box they overlap most, whatever its class, if the IoU is at least 0.5. A box on an
    ignored box of its class counts nowhere.
    """
    place = {name: number for number, name in enumerate(names)}
    counts, other = np.zeros((len(names) + 1, len(names) + 1), np.int64), len(names)
    for row, (boxes, scores) in enumerate(predicted):
        sure = np.array(scores, float)
        order = [one for one in np.argsort(-sure, kind="stable") if sure[one] >= thresholds[row]]
        own, true = [boxes[one] for one in order], truths[row]
        shared = overlaps(_corners(own), _corners(true))
        alike = np.array([[one[0] in (box[0], "") for one in ignored[row]] for box in own], bool)
        shares = inside(_corners(own), _corners(ignored[row]))
        covered = (shares * alike.reshape(shares.shape)).max(1, initial=0.0)
        free = np.ones(len(true), bool)
        for number, box in enumerate(own):
            able = np.where(free, shared[number], 0.0)
            best = int(able.argmax()) if len(able) else -1
            if best >= 0 and able[best] >= LEAST:
                free[best] = False
                counts[place[true[best][0]], place.get(box[0], other)] += 1
            elif covered[number] < LEAST:
                counts[other, place.get(box[0], other)] += 1
        for missed in map(int, np.flatnonzero(free)):
            counts[place[true[missed][0]], other] += 1
    return counts


def _corners(boxes: Truth) -> np.ndarray:
    return np.array([box[1:5] for box in boxes], float).reshape(-1, 4)
