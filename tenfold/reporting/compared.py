"""Answers and true labels drawn on the pictures of their inputs."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import numpy as np
import pandas as pd

from tenfold.answers.kind import Answer, AnswerKind
from tenfold.core.columns import Problem
from tenfold.core.results import Prediction
from tenfold.media import drawing
from tenfold.media.files.references import Unreadable
from tenfold.media.medium import Medium

__all__ = ["drawn_pair", "drawn_truths"]

MAX_DRAWN = 8
"""Maximum number of training rows that are drawn."""
SIDE = 360
"""Longer side of a drawn picture in pixels."""


def drawn_pair(
    kind: AnswerKind, media: dict[str, Medium], table: pd.DataFrame, row: int, answer: Answer
) -> list[str]:
    """Returns the picture of a row with the answer, and with the true label, as data URIs.

    A row without an answer has the second alone. Returns [] if the kind says true labels in words,
    or if no input is a picture that can be read.
    """
    truth = kind.true_answer(table, row)
    if truth is None:
        return []
    shown = [one for one in (answer, truth) if not isinstance(one, Problem)]
    return _drawn(kind, media, table, row, shown)


def drawn_truths(kind: AnswerKind, media: dict[str, Medium], table: pd.DataFrame) -> list[str]:
    """Returns some rows with their true labels, evenly taken, as data URIs.

    Returns [] if the kind says true labels in words, or if no input is a picture.
    """
    some = np.linspace(0, len(table) - 1, min(MAX_DRAWN, len(table))).astype(int)
    pairs = [(row, kind.true_answer(table, row)) for row in map(int, some)]
    return [
        picture
        for row, truth in pairs
        if truth is not None
        for picture in _drawn(kind, media, table, row, [truth])
    ]


def _drawn(
    kind: AnswerKind,
    media: dict[str, Medium],
    table: pd.DataFrame,
    row: int,
    answers: Sequence[Prediction],
) -> list[str]:
    """Returns the picture of a row with each answer; [] if no input is a picture to be read."""
    name = next((name for name, one in media.items() if one.drawn and name in table), None)
    drawings: list[str] = []
    if name is None:
        return drawings
    with contextlib.suppress(Unreadable):
        picture = media[name].draw(table[name].iloc[row])
        if picture is not None:
            picture.thumbnail((SIDE, SIDE))
            drawings = [drawing.thumbnail(kind.draw(one, picture), 2 * SIDE) for one in answers]
    return drawings
