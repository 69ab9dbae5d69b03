"""Compressed run lengths of COCO: the text that pycocotools reads.

A mask is read column by column; the counts are of pixels outside, inside, outside ... From the
fourth on, the difference to the count two before is written, in digits of five bits, lowest first,
each as a character from code 48 on (T.-Y. Lin et al. 2014, `rleToString` in the COCO API).
"""

from __future__ import annotations

import numpy as np

__all__ = ["compressed"]


def compressed(inside: np.ndarray) -> str:
    """Returns the text for a mask (H, W) that is True inside."""
    flat = np.asarray(inside, bool).ravel(order="F")
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    ends = [*([0] if flat[:1].any() else []), *changes.tolist(), flat.size]
    counts = np.diff(ends, prepend=0)
    counts[3:] -= np.diff(ends, prepend=0)[1:-2]
    return "".join(map(_digits, counts.tolist()))


def _digits(value: int) -> str:
    found = ""
    while True:
        digit, value = value & 31, value >> 5
        more = value != (-1 if digit & 16 else 0)
        found += chr(48 + digit + 32 * more)
        if not more:
            return found
