"""Separates the object of an image from its background by Gaussian mixtures of pixel values.

GrabCut (C. Rother, V. Kolmogorov, A. Blake 2004, "GrabCut", ACM TOG 23(3); OpenCV): two mixtures of
five Gaussians, one of the object's colours and one of the background's, and a cut between them that
follows edges. This version starts with the border as background and an ellipse in the middle as
object, so that neither can vanish, and works at 96 pixels or less.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from tenfold.core import system
from tenfold.core.lazy import lazy

cv2 = lazy("cv2")

__all__ = ["mask", "masks"]

SIDE = 96  # longer side in pixels of the image that GrabCut segments
ROUNDS = 3
BORDER, MIDDLE = 0.05, 0.2  # shares of a side: certain background; half-axes of the certain object
LEAST = 8  # pixels a side; a smaller image has no border to model the background
EVEN = 8  # an image whose values span a smaller range counts as one colour


def masks(image: np.ndarray) -> np.ndarray:
    """Returns (N, H, W, 1) uint8 masks of (N, H, W, C) uint8 images, 255 on the object.

    Rows are computed by several threads. A row depends on its own pixels only: OpenCV's random
    generator is seeded from their digest, in the thread that uses it. The mask of an image of one
    colour, or of less than 8 pixels a side, is 255 everywhere.
    """
    out = np.empty((*image.shape[:3], 1), np.uint8)

    def work(row: int) -> None:
        out[row, ..., 0] = mask(image[row])

    if len(image) < 2:
        for row in range(len(image)):
            work(row)
        return out
    with ThreadPoolExecutor(system.cores()) as pool:
        list(pool.map(work, range(len(image))))
    return out


def mask(picture: np.ndarray) -> np.ndarray:
    """Returns the (H, W) uint8 mask of an (H, W, C) uint8 image: 255 on the object, 0 elsewhere.

    Scaling the mask up may give values in between along the edge.
    """
    height, width = picture.shape[:2]
    if min(height, width) < LEAST or np.ptp(picture) < EVEN:
        return np.full((height, width), 255, np.uint8)
    scale = min(1.0, SIDE / max(height, width))
    sides = (max(LEAST, round(width * scale)), max(LEAST, round(height * scale)))
    colour = picture if picture.shape[2] == 3 else np.repeat(picture[..., :1], 3, 2)
    small = np.ascontiguousarray(colour)
    if scale < 1:
        small = cv2.resize(small, sides, interpolation=cv2.INTER_AREA)
    cut = _cut(small, _begin(*small.shape[:2]), hashlib.blake2b(picture.tobytes(), digest_size=4))
    if scale < 1:
        cut = cv2.resize(cut, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cut)


def _begin(height: int, width: int) -> np.ndarray:
    """Returns the (H, W) initial labels of GrabCut.

    The border is background, the middle is object, the rest is probably object.
    """
    found = np.full((height, width), cv2.GC_BGD, np.uint8)
    down, across = max(1, round(BORDER * height)), max(1, round(BORDER * width))
    found[down : height - down, across : width - across] = cv2.GC_PR_FGD
    y = (np.arange(height) - (height - 1) / 2)[:, None] / (MIDDLE * height)
    x = (np.arange(width) - (width - 1) / 2)[None] / (MIDDLE * width)
    found[y**2 + x**2 <= 1] = cv2.GC_FGD
    return found


def _cut(small: np.ndarray, begin: np.ndarray, digest: Any) -> np.ndarray:
    seed = int.from_bytes(digest.digest(), "little") & 0x7FFFFFFF
    background, thing = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(seed)  # seeds the generator of this thread only
    cv2.grabCut(small, begin, None, background, thing, ROUNDS, cv2.GC_INIT_WITH_MASK)
    inside = (begin == cv2.GC_FGD) | (begin == cv2.GC_PR_FGD)
    return np.where(inside, 255, 0).astype(np.uint8)
