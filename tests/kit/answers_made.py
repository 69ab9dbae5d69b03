"""Labelled rows and right answers to them for every kind of answer; a new kind adds one entry."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from tenfold.answers.boxes import Boxes
from tenfold.answers.group import Group
from tenfold.answers.kind import Answer
from tenfold.answers.label import Label
from tenfold.answers.labels import Labels
from tenfold.answers.mask import mask_of
from tenfold.answers.number import Number
from tenfold.answers.oddity import Oddity
from tenfold.answers.ranking import Ranking
from tenfold.answers.ratings import Ratings
from tenfold.answers.spans import Spans
from tenfold.answers.tags import Tags
from tenfold.media.image.masks.pixels import IGNORED, TrueMask

Sample = tuple[pd.DataFrame, list[Answer]]


def _table(rows: int, **columns: list) -> pd.DataFrame:
    cells = {name: [of[row % len(of)] for row in range(rows)] for name, of in columns.items()}
    named = {"source": [f"row {row}" for row in range(rows)], "split": ["train"] * rows}
    digests = {"digest": [f"{row:032x}" for row in range(rows)]}
    return pd.DataFrame(
        {name: pd.Series(of, dtype=object) for name, of in (cells | named | digests).items()}
    )


def label(rows: int) -> Sample:
    table = _table(rows, label=["cat", "dog", "emu"])
    return table, [
        Label(name, {one: 0.8 if one == name else 0.1 for one in ("cat", "dog", "emu")})
        for name in table["label"]
    ]


def labels(rows: int) -> Sample:
    table = _table(rows, labels=[("cat", "dog"), (), ("dog",)])
    return table, [
        Labels(names, {one: 0.9 if one in names else 0.2 for one in ("cat", "dog")})
        for names in table["labels"]
    ]


def _tagged(rows: int, tags: list[tuple[str, ...]]) -> pd.DataFrame:
    places = [((0, 4), (5, 9))]
    return _table(rows, text=["Anna Bell"], tags=tags, places=places)


def spans(rows: int) -> Sample:
    table = _tagged(rows, [("B-PER", "I-PER"), ("O", "B-LOC"), ("O", "O")])
    right = [((("PER", 0, 9),), (0.9,)), ((("LOC", 5, 9),), (0.8,)), ((), ())]
    return table, [Spans(*right[row % 3]) for row in range(rows)]


def tags(rows: int) -> Sample:
    table = _tagged(rows, [("NOUN", "VERB"), ("VERB", "NOUN")])
    return table, [Tags(((one, 0, 4), (other, 5, 9)), (0.9, 0.8)) for one, other in table["tags"]]


def ranking(rows: int) -> Sample:
    table = _table(rows, items=[("a",), ("b", "c")], next=[("b",), ("a", "d")])
    return table, [
        Ranking(tuple((name, 0.4) for name in after), len(had), len(had))
        for had, after in zip(table["items"], table["next"], strict=True)
    ]


def ratings(rows: int) -> Sample:
    table = _table(rows, items=[("a=4", "b=?"), ("c=?",)], next=[(("b", 3.5),), (("c", 2.0),)])
    return table, [Ratings(after, 3.0, len(after), len(after)) for after in table["next"]]


def boxes(rows: int) -> Sample:
    one, other = ("cat", 0.1, 0.2, 0.4, 0.6), ("dog", 0.5, 0.1, 0.9, 0.7)
    table = _table(rows, boxes=[(one,), (other, one), ()], boxes_ignored=[(), (), (other,)])
    return table, [Boxes(true, (0.9, 0.8)[: len(true)]) for true in table["boxes"]]


def _masked(number: int) -> TrueMask:
    """A picture of 12 x 16 with sky, sea and boats, other ones in each of three."""
    pixels = np.zeros((12, 16), np.uint8)
    pixels[6 + number % 3 :] = 1
    numbers = np.zeros((12, 16), np.uint16)
    for place in range(1 + number % 3):
        boat = np.s_[1 + 3 * (number % 3) : 4 + 3 * (number % 3), 1 + 5 * place : 5 + 5 * place]
        pixels[boat], numbers[boat] = 2, 7 + place
    pixels[0, 0] = IGNORED
    return TrueMask(("sky", "sea", "boat"), pixels, numbers)


def mask(rows: int) -> Sample:
    truths = [_masked(number) for number in range(3)]
    table = _table(rows, mask=[one.cell() for one in truths])
    right = [
        mask_of(np.where(one.pixels == IGNORED, 0, one.pixels), one.classes, one.objects)
        for one in truths
    ]
    return table, [right[row % 3] for row in range(rows)]


def oddity(rows: int) -> Sample:
    table = _table(rows, strange=[True, False, False], label=["dent", "ok", "ok"])
    return table, [Oddity(2.0 if one else 0.5, 1.0, 0.1) for one in table["strange"]]


def number(rows: int) -> Sample:
    table = _table(rows, value=[1.5, -2.0, 40.0])
    return table, [Number(one, one - 1.0, one + 2.0, "kg", 2) for one in table["value"]]


def group(rows: int) -> Sample:
    table = _table(rows, label=["wheat", "rye", "oat"])
    groups = {"wheat": "1", "rye": "2", "oat": "3"}
    return table, [
        Group(own, {one: 0.8 if one == own else 0.1 for one in "123"}, "", 1.0)
        for own in map(groups.get, table["label"])
    ]


SAMPLES: dict[str, Callable[[int], Sample]] = {
    "boxes": boxes,
    "label": label,
    "labels": labels,
    "spans": spans,
    "tags": tags,
    "ranking": ranking,
    "ratings": ratings,
    "mask": mask,
    "oddity": oddity,
    "number": number,
    "group": group,
}
