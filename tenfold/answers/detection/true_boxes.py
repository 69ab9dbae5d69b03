"""True boxes of labelled rows: cells of tables and of JSON, counts, class mapping, text.

Boxes are (class, x0, y0, x1, y1) in fractions of the upright picture.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from tenfold.answers.detection.matches import Truth
from tenfold.core.language import say
from tenfold.core.message import Message
from tenfold.core.text import natural

__all__ = [
    "boxes_of",
    "corners",
    "counts",
    "ignored_of",
    "numbers",
    "plain",
    "precision_recall",
    "renamed",
    "sizes_of",
    "text",
    "unseen_classes",
]

EVERY_CLASS = ""
"""The class of an ignored box in which no predicted box counts, whatever its class."""


def boxes_of(table: pd.DataFrame) -> list[Truth]:
    """Returns the true boxes of each row; () for a row without."""
    return _column(table, "boxes")


def ignored_of(table: pd.DataFrame) -> list[Truth]:
    """Returns the ignored boxes of each row; () for a row without."""
    return _column(table, "boxes_ignored")


def _column(table: pd.DataFrame, name: str) -> list[Truth]:
    if name not in table:
        return [()] * len(table)
    return [cell if isinstance(cell, (tuple, list)) else () for cell in table[name]]


def sizes_of(table: pd.DataFrame) -> list[tuple[int, int] | None]:
    """Returns (width, height) of each picture in pixels where the table has them, else None."""
    if not {"width", "height"} <= set(table):
        return [None] * len(table)
    sides = zip(table["width"], table["height"], strict=True)
    return [(int(w), int(h)) if pd.notna(w) and pd.notna(h) else None for w, h in sides]


def corners(boxes: Truth) -> np.ndarray:
    """Returns the corners (n, 4) of boxes."""
    return np.array([box[1:5] for box in boxes], float).reshape(-1, 4)


def counts(boxes: Truth) -> dict[str, int]:
    """Returns the number of boxes of each class, classes in natural order."""
    found = Counter(box[0] for box in boxes)
    return {name: found[name] for name in sorted(found, key=natural)}


def numbers(boxes: Truth) -> list[str]:
    """Returns the number of boxes of each class as texts, such as `cat 2`."""
    return [f"{name} {count}" for name, count in counts(boxes).items()]


def text(boxes: Truth) -> str:
    """Returns the number of boxes of each class as one text, such as `cat 2, dog 1`."""
    return ", ".join(numbers(boxes)) or say("no object")


def plain(cell: Any) -> list[tuple[Any, ...]]:
    """Returns the boxes of a cell of a table or of JSON in a form that can be compared."""
    boxes = cell if isinstance(cell, (tuple, list)) else ()
    return sorted((str(name), *(round(float(one), 6) for one in place)) for name, *place in boxes)


def precision_recall(right: float, said: float, there: float) -> dict[str, float]:
    """Returns precision, recall and F1 from counts: correct, predicted (`said`), true (`there`)."""
    return {
        "precision": right / said if said else 0.0,
        "recall": right / there if there else 0.0,
        "f1": 2 * right / (said + there) if said + there else 0.0,
    }


def renamed(
    table: pd.DataFrame, names: Mapping[str, str | None]
) -> tuple[pd.DataFrame, np.ndarray]:
    """Renames the classes of boxes; returns the table and that no row is dropped.

    The boxes of a dropped class (None) become ignored boxes of every class: nothing is learnt from
    what is inside them, and a predicted box there is neither right nor wrong.
    """
    rows: list[tuple[Any, ...]] = []
    ignored: list[tuple[Any, ...]] = []
    for boxes, others in zip(boxes_of(table), ignored_of(table), strict=True):
        named = [(names.get(box[0], box[0]), box) for box in boxes]
        rows.append(tuple((name, *box[1:]) for name, box in named if name))
        left = [(names.get(box[0], box[0]) or EVERY_CLASS, *box[1:]) for box in others]
        gone = [(EVERY_CLASS, *box[1:]) for name, box in named if not name]
        ignored.append((*left, *gone))
    cells = {
        "boxes": pd.Series(rows, table.index, dtype=object),
        "boxes_ignored": pd.Series(ignored, table.index, dtype=object),
    }
    return table.assign(**cells), np.zeros(len(table), bool)


def unseen_classes(table: pd.DataFrame) -> list[Message]:
    """Returns a notice for each class with boxes, but none in the training rows."""
    here: dict[bool, set[str]] = {True: set(), False: set()}
    training = (table["split"] == "train") if "split" in table else [True] * len(table)
    for boxes, train in zip(boxes_of(table), training, strict=True):
        here[bool(train)] |= {box[0] for box in boxes}
    return [
        Message(
            "Class {name!r} has no boxes in the training rows: each of its boxes counts as missed.",
            name=name,
        )
        for name in sorted(here[False] - here[True], key=natural)
    ]
