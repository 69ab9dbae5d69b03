"""The columns of a table beside inputs and labels: split, time, group and weight."""

from __future__ import annotations

import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.message import Message
from tenfold.core.taken import Taken
from tenfold.media.files.parts import fold_numbers, part_of_folder, parts_of_column
from tenfold.media.reading import spread_by, timed

__all__ = ["with_others"]


def with_others(frame: pd.DataFrame, split: str = "", taken: Taken | None = None) -> pd.DataFrame:
    """Returns the table without empty columns, with weights as numbers and splits as parts.

    `split` is the name of the column of the parts. Numbers of folds are parts only where `taken` is
    given, which is stated. A row with an invalid split, weight or time gets a problem. The
    column `by` holds the cells that scores are reported by; each becomes a column of its own.
    """
    frame = spread_by(frame) if "by" in frame else frame
    if "split" not in frame or not frame["split"].astype(bool).any():
        frame = frame.drop(columns="split", errors="ignore")
    else:
        frame = _parted(frame, split, taken)
    cells = frame.pop("time")
    frame = frame if cells.isna().all() else timed(frame, cells)
    frame["group"] = frame["group"].map(lambda cell: None if str(cell).strip() == "" else cell)
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


def _parted(frame: pd.DataFrame, split: str, taken: Taken | None) -> pd.DataFrame:
    """Returns the table with the part of each row, from the cells of the column of the parts."""
    cells = frame["split"]
    if taken is not None and (numbers := fold_numbers(cells)):
        count = int((cells == numbers[-1]).sum())
        taken.note(
            Message(
                "Column {column!r} holds the numbers of folds: the {count} rows of fold {number} "
                "are the test part. --split names another column, --split none ignores it.",
                column=split,
                count=count,
                number=numbers[-1],
            )
        )
        parts = cells.map(lambda cell: "test" if cell == numbers[-1] else "train" if cell else "")
    else:
        told = parts_of_column(split, cells) or {}
        parts = cells.map(lambda cell: told.get(cell) or (part_of_folder(cell) if cell else ""))
    wrong = parts.isna()
    problem = Problem(
        "bad-split",
        Message("has a split that is not train, valid or test"),
        Message("Write train, valid or test."),
    )
    frame.loc[wrong, "problem"] = pd.Series([problem] * int(wrong.sum()), frame.index[wrong])
    return frame.assign(split=parts.fillna("train"))
