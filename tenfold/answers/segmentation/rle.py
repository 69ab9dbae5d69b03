"""Compressed run lengths of COCO: the text that pycocotools reads.

A mask is read column by column; the counts are of pixels outside, inside, outside ... From the
fourth on, the difference to the count two before is written, in digits of five bits, lowest first,
each as a character from code 48 on (T.-Y. Lin et al. 2014, `rleToString` in the COCO API).
"""

from __future__ import annotations

import numpy as np

__all__ = ["compressed"]


def compressed(inside: np.ndarray, size: tuple[int, int], corner: tuple[int, int]) -> str:
    """Returns the text for a mask of height and width `size`.

    `inside` (H, W) is the part of it with its upper left corner at row and column `corner`; all
    other pixels are outside.
    """
    x, y = np.nonzero(inside.T)
    places = (x + corner[1]) * size[0] + y + corner[0]
    starts = places[np.diff(places, prepend=-2) > 1]
    ends = places[np.diff(places, append=np.iinfo(np.int64).max) > 1] + 1
    changes = np.stack([starts, ends], 1).ravel()
    end = size[0] * size[1]
    changes = changes if len(changes) and changes[-1] == end else np.append(changes, end)
    counts = np.diff(changes, prepend=0)
    counts[3:] -= counts[1:-2].copy()
    return "".join(map(_digits, counts.tolist()))


def _digits(value: int) -> str:
    found = ""
    while True:
        digit, value = value & 31, value >> 5
        more = value != (-1 if digit & 16 else 0)
        found += chr(48 + digit + 32 * more)
        if not more:
            return found
