"""Numbers far from all others that occur many times, such as 999 and -1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Far", "far_values"]

MIN_COUNT, MIN_SHARE = 3, 0.002
"""Least number and share of cells with the number."""
MIN_OTHERS = 5
"""Least number of other distinct numbers."""
MAX_FAR = 4
"""Most such numbers of a column."""
USUAL_GAP, OTHER_GAP = 0.25, 2.0
"""Least distance to the nearest other number, as a share of the range of the others: for numbers
that usually mean "missing", and for any number."""


@dataclass(frozen=True)
class Far:
    """A number that is far from all others; the others lie between `low` and `high`."""

    value: float
    count: int
    low: float
    high: float


def far_values(values: np.ndarray, counts: np.ndarray) -> list[Far]:
    """Returns the numbers far from all others that occur many times; (D,) values and counts."""
    order = np.argsort(values, kind="stable")
    values, places = np.unique(values[order], return_inverse=True)
    counts = np.bincount(places, counts[order]).astype(int)
    found: list[Far] = []
    while len(values) > MIN_OTHERS and len(found) < MAX_FAR:
        for at, rest in ((len(values) - 1, slice(0, -1)), (0, slice(1, None))):
            if _is_far(values[at], int(counts[at]), values[rest], int(counts.sum())):
                others = values[rest]
                far = Far(float(values[at]), int(counts[at]), float(others[0]), float(others[-1]))
                found.append(far)
                values, counts = others, counts[rest]
                break
        else:
            break
    low, high = (float(values[0]), float(values[-1])) if len(values) else (0.0, 0.0)
    return [Far(one.value, one.count, low, high) for one in found]


def _is_far(value: float, count: int, others: np.ndarray, cells: int) -> bool:
    if count < max(MIN_COUNT, MIN_SHARE * cells):
        return False
    low, high = float(others[0]), float(others[-1])
    gap = value - high if value > high else low - value
    if value < 0 <= low and _is_usual(value):
        return True
    return gap > (USUAL_GAP if _is_usual(value) else OTHER_GAP) * (high - low)


def _is_usual(value: float) -> bool:
    """Returns True for 0, -1 and numbers of nines, such as 99, 9999 and -999."""
    text = f"{abs(value):.12g}"
    return value in (0, -1) or (set(text) <= {"9"} and (len(text) > 1 or value < 0))
