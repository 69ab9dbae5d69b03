"""The true answers of a table as people write them: names of classes, and numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused, TenfoldError, UsageError
from tenfold.core.message import Message
from tenfold.core.text import short
from tenfold.media.files.several import written

__all__ = ["Classes", "class_names", "numbers_of", "refuse_classes", "refuse_numbers"]

MARKS = frozenset("? nan null n/a #n/a <na>".split())
"""Texts that mean "no answer", in any letter case; "NA" is one in capital letters only."""
ENOUGH = 20
"""Least number of rows from which the number of classes can be too large."""
MANY = 0.5
"""Most classes, as a share of the rows."""
AMOUNTS, TIMES = 30, 10
"""Numbers are amounts where more than AMOUNTS differ and each occurs less than TIMES on average."""
FRACTIONS = 20
"""Most classes that are numbers with decimals."""
Refusal = TenfoldError | None


@dataclass
class Classes:
    """The class of each row, "" where it has none, and what was read as what.

    `spellings` maps each class in lower case to its name.
    """

    labels: list[str]
    spellings: dict[str, str]
    notes: list[Message] = field(default_factory=list)


def class_names(
    cells: Sequence[Hashable], column: str, held: Mapping[str, str] | None = None
) -> Classes:
    """Returns the class of each cell, in the most frequent of the spellings that differ by case.

    Blanks around a class are removed. `held` are the spellings of the training rows; they are used
    for rows of other parts, where also `1.0` is the class `1`, and `yes.` the class `yes`.
    """
    texts = {cell: written(cell) for cell in {*cells}}
    marks = {text for text in texts.values() if text.lower() in MARKS or text == "NA"}
    counts = Counter(texts[cell] for cell in cells)
    notes = [
        Message(
            "Column {column}: {mark!r} means no answer; rows: {count}.",
            column=column,
            mark=mark,
            count=counts[mark],
        )
        for mark in sorted(marks)
    ]
    kept = {text: count for text, count in counts.items() if text and text not in marks}
    names = _common_spellings(kept)
    if held is not None:
        names = {text: _known(text, name, held) for text, name in names.items()}
    notes += _joined(column, kept, names)
    found = {cell: names.get(text, "") for cell, text in texts.items()}
    spellings = dict(held or {}) | {name.casefold(): name for name in names.values()}
    return Classes([found[cell] for cell in cells], spellings, notes)


def _common_spellings(counts: Mapping[str, int]) -> dict[str, str]:
    """Returns the most frequent spelling of each text, among those that differ only by case."""
    best: dict[str, str] = {}
    for text in sorted(counts, key=lambda one: (-counts[one], one)):
        best.setdefault(" ".join(text.split()).casefold(), text)
    return {text: best[" ".join(text.split()).casefold()] for text in counts}


def _known(text: str, name: str, held: Mapping[str, str]) -> str:
    """Returns the class of the training rows that a text of another part means, else its name."""
    plain = " ".join(text.split()).casefold()
    for one in (plain, plain.removesuffix("."), plain.removesuffix(".0"), f"{plain}.0"):
        if one in held:
            return held[one]
    return name


def _joined(column: str, counts: Mapping[str, int], names: Mapping[str, str]) -> list[Message]:
    """Returns a sentence about spellings read as one class, with counts; [] without such."""
    several = Counter(names.values())
    texts = sorted((text for text in counts if several[names[text]] > 1 or names[text] != text),
                   key=lambda one: (names[one], -counts[one]))  # fmt: skip
    if not texts:
        return []
    listed = ", ".join(f"{text!r} {counts[text]}" for text in texts[:20])
    totals = Counter[str]()
    for text in texts:
        totals[names[text]] += counts[text]
    return [
        Message(
            "Column {column}: spellings of one class are joined ({spellings}): {classes}.",
            column=column,
            spellings=listed,
            classes=", ".join(f"{name} {count}" for name, count in totals.items()),
        )
    ]


def refuse_classes(labels: Sequence[str], column: str, other: str) -> Refusal:
    """Returns the error where a column of labels cannot be learnt as classes, else None.

    `other` is the name of the task that learns numbers.
    """
    counts = Counter(label for label in labels if label)
    rows, classes = counts.total(), len(counts)
    if not rows:
        return _no_answers(column)
    if classes == 1:
        return _constant(column, next(iter(counts)))
    values = [value for one in counts if (value := _value(one)) is not None]
    whole = all(value.is_integer() for value in values)
    numbers = len(values) > 0.9 * classes
    if numbers and (
        (not whole and classes > FRACTIONS)
        or (classes > AMOUNTS and classes > rows / TIMES and len({*values}) == classes)
    ):
        return _of_other(
            Message(
                "Column {column!r} has {count} different numbers in {rows} rows: amounts, not "
                "classes",
                column=column,
                count=classes,
                rows=rows,
            ),
            column,
            other,
        )
    if rows >= ENOUGH and classes > MANY * rows:
        what = Message("texts") if _long(counts) else Message("identifiers")
        return _not_learnt(
            Message(
                "Column {column!r} has {count} different values in {rows} rows: {what}, not "
                "classes",
                column=column,
                count=classes,
                rows=rows,
                what=what,
            ),
            column,
        )
    return None


def _long(counts: Counter[str]) -> bool:
    return sum(len(one.split()) > 3 for one in counts) > 0.5 * len(counts)


def _value(text: str) -> float | None:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _constant(column: str, value: str) -> DataRefused:
    return _not_learnt(
        Message(
            "Column {column!r} has the value {value!r} in every row: nothing can be learnt",
            column=column,
            value=short(value, 60),
        ),
        column,
    )


def _not_learnt(reason: Message, column: str) -> DataRefused:
    fix = Message("Name another column with --target.")
    return DataRefused(reason, code="bad-target", where=column, fix=fix)


def _of_other(reason: Message, column: str, other: str) -> UsageError:
    """Returns the error for answers that the task `other` learns."""
    fix = Message("Use the task {task}, or name another column with --target.", task=other)
    return UsageError(reason, code="bad-target", where=column, fix=fix)


def _no_answers(column: str) -> DataRefused:
    return DataRefused(
        Message("Column {column!r} has no answer in any row", column=column),
        code="no-labels",
        where=column,
        fix=Message("Fill it in, or name another column with --target."),
    )


# --- numbers --------------------------------------------------------------------------------------


def numbers_of(
    cells: Sequence[Any], values: Sequence[float], missing: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, list[Problem | None]]:
    """Returns the numbers (N,), NaN where missing or wrong, blank cells (N,), and the problems.

    `values` are the cells as numbers, NaN for other cells; `missing` are the texts that mean
    "no answer"; a word is a wrong answer.
    """
    numbers = np.asarray(values, float)
    marks = {one for one in missing if not any(map(str.isalpha, one))} | MARKS
    blank, problems = np.zeros(len(numbers), bool), list[Problem | None]([None] * len(numbers))
    for at in np.flatnonzero(~np.isfinite(numbers)).tolist():
        text = written(cells[at])
        if not text or text.casefold() in marks or text == "NA":
            blank[at] = True
        else:
            problems[at] = Problem(
                "bad-number",
                Message(
                    "has the answer {text!r}, which is not a finite number", text=short(text, 40)
                ),
                Message("Write a number such as 3.5."),
            )
    return np.where(np.isfinite(numbers), numbers, np.nan), blank, problems


def refuse_numbers(
    numbers: np.ndarray, wrong: int, column: str, example: str, other: str
) -> Refusal:
    """Returns the error where a column cannot be learnt as numbers, else None.

    `numbers` are NaN where missing; `wrong` counts the cells that are not numbers, such as
    `example`. `other` is the name of the task that learns classes.
    """
    known = numbers[np.isfinite(numbers)]
    if wrong > len(known):
        return _of_other(
            Message(
                "Column {column!r} holds words, not numbers, such as {example!r}",
                column=column,
                example=short(example, 40),
            ),
            column,
            other,
        )
    if not len(known):
        return _no_answers(column)
    if len(known) > 1 and (known == known[0]).all():
        return _constant(column, f"{known[0]:g}")
    if len(known) >= ENOUGH and (np.diff(known) == 1).all():
        return _not_learnt(
            Message("Column {column!r} numbers the rows: nothing can be learnt", column=column),
            column,
        )
    return None
