"""The inputs of a task as shown on pages: examples, augmented examples, sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from tenfold.answers import charts
from tenfold.answers.kind import AnswerKind
from tenfold.core.text import natural
from tenfold.data.prepare import Prepared
from tenfold.media import drawing
from tenfold.media.medium import Medium
from tenfold.media.registry import media_of, shown
from tenfold.media.text.passages import named, passage
from tenfold.reporting.compared import drawn_truths
from tenfold.task import Task

__all__ = ["changed", "examples", "first", "sizes", "thumbnails", "written"]

MAX_EXAMPLES = 120
SMALL = 96
"""Longer side of an example in pixels."""


def first(task: Task, facts: dict[str, Any]) -> Medium:
    """Returns the medium of the task's first input, which supplies the sentences of pages."""
    return next(iter(media_of(task.encodes(facts)).values()))


def written(media: Mapping[str, Medium], row: pd.Series) -> dict[str, str]:
    """The texts of a row by input, for inputs that are shown as text."""
    return {
        name: medium.text(row[name])
        for name, medium in media.items()
        if medium.written and name in row
    }


def thumbnails(medium: Medium, rows: np.ndarray, side: int = SMALL) -> list[str]:
    """Small pictures of the rows of an encoded column, as data URIs."""
    pictures = map(medium.picture, rows)
    return [drawing.thumbnail(one, side) for one in pictures if one is not None]


def examples(task: Task, prepared: Prepared) -> list[dict[str, Any]]:
    """A few encoded pictures or texts of each class, spread over its training rows.

    A kind whose true labels are drawn has a few of its rows with their labels instead.
    """
    media = media_of(task.encodes(prepared.facts))
    columns, table = prepared.inputs("train"), prepared.table("train")
    pictured = dict(list(shown(media, columns.arrays).items())[:1])
    texts_shown = {name: one for name, one in media.items() if one.written}
    kind = prepared.answer
    if drawn := drawn_truths(kind, media, table):
        return [{"name": "", "images": drawn, "passages": [], "drawn": True}]
    if not (pictured or texts_shown) or not kind.has_examples:
        return _plain(kind, task.show(table, prepared.facts), texts_shown)
    each = pd.Series(kind.strata(table), table.index, dtype=object).explode().dropna()
    classes = sorted(map(str, each.unique()), key=natural)
    most = max(1, min(8, MAX_EXAMPLES // max(1, len(classes))))
    found = []
    for name in classes[:MAX_EXAMPLES]:
        places = each.index[each == name].to_numpy()
        some = places[np.linspace(0, len(places) - 1, min(most, len(places))).astype(int)]
        taken = columns.only(list(pictured)).take(some) if pictured else {}
        images = [one for of, medium in pictured.items() for one in thumbnails(medium, taken[of])]
        passages = [
            passage(text, most=160)
            for row in some[np.linspace(0, len(some) - 1, min(4, len(some))).astype(int)]
            for text in written(texts_shown, table.iloc[row]).values()
        ]
        found.append({"name": name, "images": images, "passages": passages})
    return found


def _plain(
    kind: AnswerKind, table: pd.DataFrame, media: Mapping[str, Medium]
) -> list[dict[str, Any]]:
    """A few texts of training rows without classes, with their labelled parts marked."""
    if not media:
        return []
    some = np.linspace(0, len(table) - 1, min(8, len(table))).astype(int)
    passages = [
        named(text, kind.true_marks(table, row), 300)
        for row in map(int, some)
        for text in written(media, table.iloc[row]).values()
    ]
    return [{"name": "", "images": [], "passages": passages}]


def changed(media: Mapping[str, Medium], views: dict[str, Any] | None) -> list[tuple[str, str]]:
    """Returns (original, augmented) thumbnails of some rows, for inputs shown as pictures.

    `views` holds the encoded columns of these rows, `before` and `after` augmentation.
    """
    if not views:
        return []
    before, after = views["before"], views["after"]
    return [
        pair
        for name, medium in shown(media, before).items()
        for pair in zip(
            thumbnails(medium, before[name]),
            thumbnails(medium, after[name].clip(0, 255).astype(np.uint8)),
            strict=True,
        )
    ]


def sizes(media: Mapping[str, Medium], prepared: Prepared) -> dict[str, Any]:
    """The sizes of the rows, for the first input that has sizes; {} where none has."""
    used = prepared.used
    measured = (one.sizes(used, name) for name, one in media.items() if name in used and len(used))
    found = next((one for one in measured if one is not None), None)
    if found is None:
        return {}
    values = found.values
    chart = charts.histogram(values, found.chart, found.axis) if len(values) else ""
    return {"words": found, "sides": found.sides, "chart": chart}
