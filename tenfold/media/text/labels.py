"""Labels of texts: one, several separated by |, or coarse and fine separated by a colon."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.message import Message
from tenfold.core.progress import tell
from tenfold.media.files import references

__all__ = ["finished"]

COARSE = 50
"""Fine labels are reduced to coarse ones only where there are fewer coarse labels than this."""


def finished(table: pd.DataFrame) -> pd.DataFrame:
    """Returns the table with cleaned labels; rows with an empty text get a problem.

    Labels are texts, or tuples of texts in the column `labels` where rows have several.
    """
    empty = (table["text"].map(lambda text: not str(text).strip())) & table["problem"].isna()
    if empty.any():
        problem = Problem(
            "empty-text", Message("is empty"), Message("Add the text, or remove the row.")
        )
        table.loc[empty, "problem"] = pd.Series([problem] * int(empty.sum()), table.index[empty])
    table["problem"] = table["problem"].astype(object).where(table["problem"].notna(), None)
    values = table["label"]
    lists = values.map(lambda value: isinstance(value, (list, tuple, set))).any()
    if lists or values.astype(str).str.contains("|", regex=False).any():
        several = pd.Series([_several(value) for value in values], table.index, dtype=object)
        table = table.drop(columns="label").assign(labels=several)
    else:
        table["label"] = _coarse(values.map(_label))
    return table.reset_index(drop=True)


def _label(value: Any) -> str:
    if value is None or value != value:  # NaN is not equal to itself
        return ""
    whole = isinstance(value, float) and value.is_integer()
    text = str(int(value)) if whole else str(value)
    return references.speakable(unicodedata.normalize("NFC", text.strip()))


def _several(value: Any) -> tuple[str, ...]:
    parts = value if isinstance(value, (list, tuple, set)) else _label(value).split("|")
    return tuple(sorted({_label(part) for part in parts} - {""}))


def _coarse(labels: pd.Series) -> pd.Series:
    """Returns the coarse labels, such as `DESC` for `DESC:manner`, if all labels have that form.

    Otherwise, or with only one or too many coarse labels, the labels are returned unchanged.
    """
    told = [label for label in labels.unique() if label != ""]
    coarse = {label.partition(":")[0] for label in told}
    if not told or not all(re.fullmatch(r"[^\s:]+:[^\s:]+", label) for label in told):
        return labels
    if not 1 < len(coarse) < min(COARSE, len(told)):
        return labels
    tell(
        Message(
            "The part of a label before the colon is its class: {names}.",
            names=", ".join(sorted(coarse)[:8]),
        )
    )
    return labels.map(lambda label: label.partition(":")[0])
