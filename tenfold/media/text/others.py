"""The columns of a table of texts beside texts and labels: split, time, group and weight."""

from __future__ import annotations

import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.message import Message
from tenfold.media.files.parts import part_of_folder
from tenfold.media.reading import spread_by, timed

__all__ = ["with_others"]


def with_others(frame: pd.DataFrame) -> pd.DataFrame:
    """Returns the table without empty columns, with weights as numbers and splits as parts.

    A row with an invalid split, weight or time gets a problem. The column `by` holds the cells that
    scores are reported by, by column name; each becomes a column of its own.
    """
    frame = spread_by(frame)
    if not frame["split"].astype(bool).any():
        frame = frame.drop(columns="split")
    else:
        parts = frame["split"].map(lambda name: part_of_folder(name) if name else "")
        wrong = parts.isna()
        problem = Problem(
            "bad-split",
            Message("has a split that is not train, valid or test"),
            Message("Write train, valid or test."),
        )
        frame.loc[wrong, "problem"] = pd.Series([problem] * int(wrong.sum()), frame.index[wrong])
        frame["split"] = parts.fillna("train")
    cells = frame.pop("time")
    frame = frame if cells.isna().all() else timed(frame, cells)
    if frame["group"].isna().all():
        frame = frame.drop(columns="group")
    if frame["weight"].isna().all():
        return frame.drop(columns="weight")
    weight = pd.to_numeric(frame["weight"], errors="coerce")
    wrong = (weight.isna() | (weight < 0)) & frame["problem"].isna()
    problem = Problem(
        "bad-weight",
        Message("has a weight that is not a number of 0 or more"),
        Message("Write a number."),
    )
    frame.loc[wrong, "problem"] = pd.Series([problem] * int(wrong.sum()), frame.index[wrong])
    return frame.assign(weight=weight.clip(lower=0).fillna(1.0))
