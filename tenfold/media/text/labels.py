"""Labels of texts: one, several in a cell, or coarse and fine separated by a colon."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.message import Message
from tenfold.media.files.several import Several, combined, several_of, written
from tenfold.media.text.tables import TextSource

__all__ = ["finished", "without_unlabelled"]

COARSE = 50
"""Fine labels are reduced to coarse ones only where there are fewer coarse labels than this."""
ONE = "one"
"""Value of `Reading.found["several"]` for rows with one label each."""


def finished(table: pd.DataFrame, source: TextSource) -> pd.DataFrame:
    """Returns the table with cleaned labels; rows with an empty text get a problem.

    Labels are texts, or tuples of texts in the column `labels` where rows have several. The form of
    several labels is the one of training where it is known, and is added to the reading.
    """
    empty = (table["text"].map(lambda text: not str(text).strip())) & table["problem"].isna()
    if empty.any():
        problem = Problem(
            "empty-text", Message("is empty"), Message("Add the text, or remove the row.")
        )
        table.loc[empty, "problem"] = pd.Series([problem] * int(empty.sum()), table.index[empty])
    table["problem"] = table["problem"].astype(object).where(table["problem"].notna(), None)
    held = str(source.reading.found.get("several") or "")
    values = list(table["label"])
    found = several_of(values, "" if held == ONE else held)
    if found is not None and (held not in ("", ONE) or not (held or found.exclusive)):
        source.reading = source.reading.finding(several=found.form)
        source.taken.note(Message("{said}.", said=found.said))
        rows = pd.Series(found.rows, table.index, dtype=object)
        return table.drop(columns="label").assign(labels=rows).reset_index(drop=True)
    source.reading = source.reading.finding(several=ONE)
    return _single(table, values, found, source).reset_index(drop=True)


def _single(
    table: pd.DataFrame, values: list[Any], found: Several | None, source: TextSource
) -> pd.DataFrame:
    """Returns the table with one label a row; a cell with several, or an object, is a problem."""
    direct = found is not None and found.form in ("list", "flags")
    if found is not None and direct:
        labels = [row[0] if len(row) == 1 else "" for row in found.rows]
        many = [len(row) > 1 for row in found.rows]
    else:
        many = [isinstance(value, (list, tuple, set, dict)) and bool(value) for value in values]
        labels = [
            "" if isinstance(value, (list, tuple, set, dict)) else written(value)
            for value in values
        ]
        if note := combined(labels):
            source.taken.note(note)
    problem = Problem(
        "several-labels",
        Message("has a label that is not the name of one class, as those of the other rows"),
        Message("Write the name of one class."),
    )
    problems = [
        problem if wrong and one is None else one
        for wrong, one in zip(many, table["problem"], strict=True)
    ]
    table = table.assign(label=pd.Series(labels, table.index, dtype=object))
    table = table.assign(problem=pd.Series(problems, table.index, dtype=object))
    return table.assign(label=_coarse(table["label"], source)) if source.coarse else table


def without_unlabelled(table: pd.DataFrame, source: TextSource) -> tuple[pd.DataFrame, list[str]]:
    """Returns the table without the parts in which no row has a label, and the sources of its rows.

    The table is returned unchanged where no part has labels.
    """
    if "split" not in table:
        return table, []
    column = "labels" if "labels" in table else "label"
    full = table[column].map(bool) | table["problem"].notna()
    bare = [
        part
        for part in ("test", "valid")
        if (table["split"] == part).any() and not full[table["split"] == part].any()
    ]
    gone = table["split"].isin(bare)
    if not bare or not full[~gone].any():
        return table, []
    for part in bare:
        count = int((table["split"] == part).sum())
        source.taken.leave("rows", [part], count, Message("the part has no labels"))
        left = "test" not in set(table["split"][~gone]) and part == "test"
        source.taken.note(
            Message(
                "The {part} part has no labels: it is not scored, and the test is drawn from "
                "the training rows.",
                part=part,
            )
            if left
            else Message("The {part} part has no labels: it is not used.", part=part)
        )
    return table[~gone].reset_index(drop=True), list(table["source"][gone])


def _coarse(labels: pd.Series, source: TextSource) -> pd.Series:
    """Returns the coarse labels, such as `DESC` for `DESC:manner`, if all labels have that form.

    Otherwise, or with only one or too many coarse labels, the labels are returned unchanged.
    """
    told = [label for label in labels.unique() if label != ""]
    coarse = {label.partition(":")[0] for label in told}
    if not told or not all(re.fullmatch(r"[^\s:]+:[^\s:]+", label) for label in told):
        return labels
    if not 1 < len(coarse) < min(COARSE, len(told)):
        return labels
    source.taken.note(
        Message(
            "The part of a label before the colon is its class: {names}.",
            names=", ".join(sorted(coarse)[:8]),
        )
    )
    return labels.map(lambda label: label.partition(":")[0])
