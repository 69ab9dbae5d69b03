"""Checks of class names before training: too few, alike, or without training rows."""

from __future__ import annotations

import pandas as pd

from tenfold.core.errors import DataRefused
from tenfold.core.message import Message

__all__ = ["alike_names", "class_of_one", "one_class", "unseen_classes"]


def one_class(names: pd.Series, needed: int) -> DataRefused | None:
    """Returns an error if there are fewer than `needed` different classes, else None."""
    if names.nunique() >= needed:
        return None
    if names.empty:
        return DataRefused(
            Message("The data have no class names"),
            code="one-class",
            fix=Message("Give the class or classes of each example."),
        )
    return DataRefused(
        Message("The data have only one class, {name!r}", name=names.iloc[0]),
        code="one-class",
        fix=Message("Add examples of a second class."),
    )


def class_of_one(table: pd.DataFrame) -> DataRefused | None:
    """Returns an error if a class has a single row, else None."""
    counts = table["label"].value_counts()
    few = counts[counts < 2]
    if few.empty:
        return None
    return DataRefused(
        Message("Class {name!r} has only one example", name=few.index[0])
        if len(few) == 1
        else Message(
            "Class {name!r} and {count} more have only one example each",
            name=few.index[0],
            count=len(few) - 1,
        ),
        code="class-of-one",
        where=str(few.index[0]),
        fix=Message(
            "Add examples, or drop or merge the class with --classes (see `tenfold check --help`)."
        ),
    )


def alike_names(table: pd.DataFrame) -> list[Message]:
    """Returns a notice for class names that differ only in case."""
    alike = table["label"].drop_duplicates().groupby(lambda row: table["label"][row].casefold())
    return [
        Message(
            "These class names differ only in case: {names}. --classes can merge them.",
            names=", ".join(map(repr, sorted(names))),
        )
        for _, names in alike
        if len(names) > 1
    ]


def unseen_classes(table: pd.DataFrame) -> list[Message]:
    """Returns a notice for each class without training rows."""
    unseen = set(table["label"]) - set(table["label"][table["split"] == "train"])
    return [
        Message(
            "Class {name!r} has no training rows: each of its rows counts as an error.", name=name
        )
        for name in sorted(unseen)
        if (table["label"] == name).sum() >= 2
    ]
