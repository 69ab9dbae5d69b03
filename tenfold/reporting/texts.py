"""The named parts of a text: those of an answer, and those of a labelled row."""

from __future__ import annotations

from typing import Any

import pandas as pd

from tenfold.media.text.passages import NamedSpans

__all__ = ["answered", "true"]


def answered(answer: Any) -> NamedSpans | None:
    """The parts that an answer names, in order; None for a kind of answer that names none."""
    found = getattr(answer, "spans", getattr(answer, "tags", None))
    return None if found is None else sorted(map(tuple, found), key=lambda one: one[1])


def true(table: pd.DataFrame, row: int) -> NamedSpans:
    """The parts that a labelled row names: tags that begin and go on are one part, O is none."""
    found: NamedSpans = []
    if not {"tags", "places"} <= set(table):
        return found
    for tag, (start, end) in zip(table["tags"].iloc[row], table["places"].iloc[row], strict=True):
        name = tag[2:] if tag[:2] in ("B-", "I-") else tag
        if tag[:2] == "I-" and found and found[-1][0] == name:
            found[-1] = (name, found[-1][1], int(end))
        elif tag != "O":
            found.append((name, int(start), int(end)))
    return found
