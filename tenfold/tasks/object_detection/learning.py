"""What object detection learns from the training rows: frame, classes, augmentations, targets.

Shapes: N rows, n boxes of a row, K classes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from tenfold.answers.detection import true_boxes
from tenfold.core.columns import Ragged
from tenfold.core.message import Message
from tenfold.core.progress import tell
from tenfold.core.settings import Range
from tenfold.core.text import natural
from tenfold.media.image import augment, frame, scenes

__all__ = [
    "PICTURES",
    "around",
    "augmentations",
    "class_weights",
    "sides",
    "targets",
    "truths",
]

PICTURES = 40_000
"""Pictures that a training looks at, where that is between 12 and 100 epochs."""
SIDE, MOST_SIDE = 320, 640
"""Longer side of the frame in pixels, and its limit where objects are small."""
STEP = 32
SMALL = 8.0
"""Side in pixels that nine of ten boxes must have in the frame."""
MOST_WEIGHT = 4.0
"""Largest ratio of the weights of two classes."""


def around(rate: float) -> Range:
    """Returns the search range of a learning rate: 1/6 to 6 times that of the recipe."""
    return Range(rate / 6, rate * 6)


def truths(table: pd.DataFrame) -> dict[str, Any]:
    """Returns `classes` and `counts`, the number of their boxes, in natural order of names."""
    every = [box[0] for boxes in true_boxes.boxes_of(table) for box in boxes]
    classes = sorted(set(every), key=natural)
    return {"classes": classes, "counts": [every.count(name) for name in classes]}


def sides(table: pd.DataFrame, wanted: int) -> tuple[int, int]:
    """Returns (height, width) of the frame: multiples of 32 with the usual proportions.

    The longer side is `wanted`, rounded up; with 0 it is 320 pixels, at most that of the pictures,
    and up to 640 where objects are small. Where pictures both lie and stand, the frame is a square.
    """
    width, height = table["width"].to_numpy(float), table["height"].to_numpy(float)
    longer = wanted or _longer(table, np.maximum(width, height))
    shape = np.log(width / height)
    ratio = math.exp(float(np.clip(np.median(shape), -math.log(4), math.log(4))))
    if min((shape > 0.1).mean(), (shape < -0.1).mean()) > 0.1:
        ratio = 1.0
    one, other = longer, longer / max(ratio, 1 / ratio)
    long, short = (max(1, math.ceil(side / STEP - 0.1)) * STEP for side in (one, other))
    return (short, long) if ratio >= 1 else (long, short)


def _longer(table: pd.DataFrame, longer: np.ndarray) -> float:
    """Returns the longer side of the frame in pixels that suits the pictures and their boxes."""
    most = float(longer.max())
    if most <= SIDE:
        return most
    width, height = table["width"].to_numpy(float), table["height"].to_numpy(float)
    extents = [
        math.sqrt(max(0.0, (box[3] - box[1]) * w * (box[4] - box[2]) * h)) / max(w, h)
        for boxes, w, h in zip(true_boxes.boxes_of(table), width, height, strict=True)
        for box in boxes
    ]
    small = float(np.quantile(extents, 0.1)) * SIDE if extents else SMALL
    if small >= SMALL:
        return SIDE
    found = min(most, MOST_SIDE, SIDE * SMALL / max(small, 1e-6))
    tell(
        Message(
            "A tenth of the objects are smaller than {small:.0f} pixels at a longer side of {side} "
            "pixels: pictures get {longer} pixels, and steps take longer. --image-size overrides "
            "this.",
            small=SMALL,
            side=SIDE,
            longer=round(found),
        )
    )
    return found


def augmentations(option: str, table: pd.DataFrame, classes: list[str]) -> tuple[str, ...]:
    """Returns the augmentations of the setting, or for `auto` those that fit the data.

    There are no flips and quarter turns where a class name contains left or right; quarter turns
    only where objects look as if they lay in any direction.
    """
    given = augment.named(option, scenes.KINDS)
    if given is not None:
        return given
    found = [kind for kind in scenes.KINDS if kind not in ("flip", "turn")]
    if not augment.reads_one_way(classes):
        found += ["flip", "turn"] if _any_direction(table, classes) else ["flip"]
    return tuple(kind for kind in scenes.KINDS if kind in found)


def _any_direction(table: pd.DataFrame, classes: list[str]) -> bool:
    """Returns True where boxes are as often wide as high, and lie as often above as below.

    For every class with at least 20 boxes, the means of log(width / height) and of the vertical
    centre must be within 0.15 and 0.1 of those of a square in the middle. So it is in pictures from
    a microscope or from above, and not in most photos.
    """
    shapes: dict[str, list[tuple[float, float]]] = {name: [] for name in classes}
    sizes = zip(table["width"], table["height"], strict=True)
    for boxes, (width, height) in zip(true_boxes.boxes_of(table), sizes, strict=True):
        for name, x0, y0, x1, y1 in boxes:
            wide, high = (x1 - x0) * width, (y1 - y0) * height
            if wide > 0 and high > 0:
                shapes[name].append((math.log(wide / high), (y0 + y1) / 2))
    means = [np.mean(rows, axis=0) for rows in shapes.values() if len(rows) >= 20]
    return bool(means) and all(abs(one[0]) < 0.15 and abs(one[1] - 0.5) < 0.1 for one in means)


def class_weights(counts: list[int], option: str) -> list[float]:
    """Returns (K,) weights proportional to 1 / sqrt(count), mean 1 over boxes; `none`: all 1."""
    if option == "none":
        return [1.0] * len(counts)
    weights = np.maximum(np.array(counts, float), 1) ** -0.5
    weights = weights.clip(max=MOST_WEIGHT * weights.min())
    weights *= sum(counts) / max(float(weights @ np.array(counts)), 1e-9)
    return [round(float(weight), 6) for weight in weights]


def targets(table: pd.DataFrame, facts: dict[str, Any]) -> Ragged:
    """Returns the boxes of each row, (n, 6): class, corners in fractions of the frame, ignored.

    Boxes of a class that is not in training are ignored, as those of `boxes_ignored`.
    """
    number = {name: place for place, name in enumerate(facts["truths"]["classes"])}
    shape = (facts["data"]["height"], facts["data"]["width"])
    judged = zip(true_boxes.boxes_of(table), true_boxes.ignored_of(table), strict=True)
    sizes = table[["width", "height"]].to_numpy(float) if len(table) else np.zeros((0, 2))
    rows = []
    for (boxes, ignored), size in zip(judged, sizes, strict=True):
        kinds = [[number.get(name, 0), name not in number] for name, *_ in boxes]
        kinds += [[0, True]] * len(ignored)
        corners = true_boxes.corners([*boxes, *ignored])
        placed = frame.in_frame(corners, np.tile(size, (len(corners), 1)), shape)
        flags = np.array(kinds, np.float32).reshape(-1, 2)
        rows.append(np.concatenate([flags[:, :1], placed, flags[:, 1:]], 1))
    return Ragged.of(rows, np.float32, (scenes.BOX,))
