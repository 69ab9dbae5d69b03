"""Explained inputs as the page and the terminal show them: marked texts, contributions, checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from tenfold.answers.charts import fields as charts
from tenfold.answers.kind import AnswerKind
from tenfold.core.language import say
from tenfold.core.message import translate
from tenfold.core.results import Explanation, Prediction
from tenfold.core.text import padded, short, width
from tenfold.media.medium import Medium
from tenfold.media.text.passages import passage
from tenfold.reporting import agreement

__all__ = ["Contributions", "checks", "contributions", "contributions_lines", "passages"]

SHOWN = 16
"""Most contributions that are shown one by one; the smaller ones are added up."""
CUT = 32
"""Most letters of a value on the terminal."""


def passages(
    media: Mapping[str, Medium], row: pd.DataFrame, found: Sequence[Explanation]
) -> list[dict[str, Any]]:
    """Returns all texts of an input, with the parts marked that the prediction depends on.

    An input with contributions of its fields is not among them.
    """
    texts = []
    for name, medium in media.items():
        own = [one for one in found if one.over == name]
        if medium.written and name in row and all(one.base is None for one in own):
            marked = next((one for one in own if one.places), None)
            lost = max(marked.weights, default=0.0) if marked else None
            text = medium.text(row[name].iloc[0])
            texts.append({"lost": lost, "pieces": passage(text, marked)})
    return texts


def checks(random_weights: Mapping[str, float | None]) -> list[dict[str, Any]]:
    """Returns the comparisons with random weights, by method, for the page."""
    return [
        {
            "method": translate(agreement.TITLES[way]),
            "value": value,
            "alike": value is not None and value > agreement.ALIKE,
        }
        for way, value in random_weights.items()
    ]


# --- contributions of fields ---


@dataclass(frozen=True)
class Contributions:
    """Contributions for display, the largest first: the chart, its rows, and the two ends.

    A row is (name, value, typical value, contribution, contribution as text).
    """

    title: str
    base: str
    total: str
    rows: Sequence[tuple[str, str, str, float, str]]

    @property
    def chart(self) -> str:
        """Returns the bars as SVG, "" where no field differs from its typical value."""
        bars = [(_label(*row[:3]), row[3], row[4]) for row in self.rows]
        return charts.contributions(bars) if bars else ""


def contributions(kind: AnswerKind, answer: Prediction, one: Explanation) -> Contributions:
    """Returns the contributions of fields to `answer` for display; `one.base` is a number."""
    every = list(zip(one.names, one.values, one.typical, one.weights, strict=True))
    own = sorted((row for row in every if row[0]), key=lambda row: -abs(row[3]))
    shared = [row for row in every if not row[0]]
    left = len(own[SHOWN:]) + sum(int(row[1]) for row in shared)
    rows = [*own[:SHOWN]]
    if left:
        rest = sum(row[3] for row in [*own[SHOWN:], *shared])
        rows.append((say("{count} other columns", count=left), "", "", rest))
    told = [(*row, _signed(kind, answer, row[3])) for row in rows]
    base, total = (kind.retained_text(float(end or 0.0), answer) for end in (one.base, one.total))
    return Contributions(kind.retained_title(answer), base, total, told)


def _signed(kind: AnswerKind, answer: Prediction, value: float) -> str:
    sign = "+" if value > 0 else "\N{MINUS SIGN}" if value < 0 else ""
    return sign + kind.retained_text(abs(value), answer)


def _label(name: str, value: str, typical: str) -> str:
    if not value and not typical:
        return name
    known = value or say("missing")
    usual = typical or say("missing")
    return say("{name} = {value} (typical: {typical})", name=short(name, 24),
               value=short(known, 20), typical=short(usual, 16))  # fmt: skip


def contributions_lines(found: Contributions) -> list[str]:
    """Returns the contributions as lines with aligned columns for the terminal."""
    rows = [[say("typical values"), "", "", found.base]]
    rows += [
        [short(name, CUT), short(value or say("missing"), CUT) if typical or value else "",
         say("typical: {value}", value=short(typical or say("missing"), CUT))
         if typical or value else "", words]
        for name, value, typical, _, words in found.rows
    ]  # fmt: skip
    rows.append([found.title, "", "", found.total])
    wide = [max(width(row[at]) for row in rows) for at in range(4)]
    return [
        "    " + "  ".join(padded(text, wide[at], right=at == 3) for at, text in enumerate(row))
        for row in rows
    ]
