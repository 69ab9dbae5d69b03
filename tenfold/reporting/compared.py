"""A wrong answer and the true label of its row, each drawn on the picture of its input."""

from __future__ import annotations

import contextlib

import pandas as pd

from tenfold.answers.kind import Answer, AnswerKind
from tenfold.core.columns import Problem
from tenfold.media import drawing
from tenfold.media.files.references import Unreadable
from tenfold.media.medium import Medium

__all__ = ["drawn_pair"]

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
    name = next((name for name, one in media.items() if one.drawn and name in table), None)
    if truth is None or name is None:
        return []
    drawings: list[str] = []
    with contextlib.suppress(Unreadable):
        picture = media[name].draw(table[name].iloc[row])
        if picture is not None:
            picture.thumbnail((SIDE, SIDE))
            shown = [one for one in (answer, truth) if not isinstance(one, Problem)]
            drawings = [drawing.thumbnail(kind.draw(one, picture), 2 * SIDE) for one in shown]
    return drawings
