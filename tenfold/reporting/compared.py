"""Answers and true labels, drawn on the pictures of their inputs."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pandas as pd

from tenfold.answers.kind import Answer, AnswerKind
from tenfold.core.columns import Problem
from tenfold.media import drawing
from tenfold.media.files.references import Unreadable
from tenfold.media.medium import Medium

__all__ = ["drawn_pair", "drawn_truths"]

SIDE = 360
"""Longer side of a drawn picture in pixels."""
MAX_DRAWN = 12
"""Largest number of training rows that the page of `check` draws with their true labels."""


def drawn_pair(
    kind: AnswerKind, media: dict[str, Medium], table: pd.DataFrame, row: int, answer: Answer
) -> list[str]:
    """Returns the picture of a row with the answer, and with the true label, as data URIs.

    A row without an answer has only the second. Returns [] if the kind states true labels in
    words, or if no input is a picture that can be read.
    """
    truth = kind.true_answer(table, row)
    name = next((name for name, one in media.items() if one.drawn and name in table), None)
    if truth is None or name is None:
        return []
    return _drawn(kind, media[name], table[name].iloc[row], [answer, truth])


def drawn_truths(kind: AnswerKind, media: dict[str, Medium], table: pd.DataFrame) -> list[str]:
    """Returns pictures of some rows with their true labels, as data URIs.

    Each class occurs in them as far as possible. Returns [] if the kind states true labels in
    words, or if no input is a picture.
    """
    name = next((name for name, one in media.items() if one.drawn and name in table), None)
    if name is None or table.empty or kind.true_answer(table, 0) is None:
        return []
    found = []
    for row in _varied(kind.strata(table)):
        truth = kind.true_answer(table, row)
        if truth is not None:
            found += _drawn(kind, media[name], table[name].iloc[row], [truth])
    return found


def _varied(strata: list[tuple[str, ...]]) -> list[int]:
    """Returns positions of up to MAX_DRAWN rows: one of each class first, then evenly spread."""
    found: dict[int, None] = {}
    for name in dict.fromkeys(name for one in strata for name in one):
        if not any(name in strata[row] for row in found):
            found[next(row for row, one in enumerate(strata) if name in one)] = None
    even = np.linspace(0, len(strata) - 1, min(MAX_DRAWN, len(strata))).astype(int)
    return [*dict.fromkeys([*found, *map(int, even)])][:MAX_DRAWN]


def _drawn(kind: AnswerKind, medium: Medium, cell: Any, answers: list[Any]) -> list[str]:
    """Returns the picture of a cell with each answer drawn, as data URIs; Problems are left out."""
    drawings: list[str] = []
    with contextlib.suppress(Unreadable):
        picture = medium.draw(cell)
        if picture is not None:
            picture.thumbnail((SIDE, SIDE))
            shown = [one for one in answers if not isinstance(one, Problem)]
            drawings = [drawing.thumbnail(kind.draw(one, picture), 2 * SIDE) for one in shown]
    return drawings
