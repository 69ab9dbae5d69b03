"""Facts on the fields of an input, such as the columns of a table, and warnings about them.

Missing and distinct values, a histogram, the relation of each field to the true label, and whether
its distribution differs between training and test rows.

Shapes: N rows, K numbers that stand for a true label (`AnswerKind.truth_values`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tenfold.core.message import Message
from tenfold.core.results import rounded
from tenfold.core.rows import evenly
from tenfold.core.text import natural
from tenfold.data import relation
from tenfold.data.prepare import Prepared
from tenfold.media.input import Input
from tenfold.media.registry import medium_of

__all__ = ["profile"]

MOST_ROWS, MOST_VALUES, MOST_FIELDS = 200_000, 2_000_000, 2000
"""Most rows for counts, most values for relations, and most fields that are examined."""
LEAST_ROWS = 30
"""Least number of training rows for warnings about relations."""
LEAK = 0.97
"""Relation from which a field is taken for a form of the true label."""
DRIFT = 0.1
"""Least difference of the distributions of training and test rows that is called drift."""
BINS, LEVELS = 20, 12
NAMED = 8


def profile(prepared: Prepared, inputs: Mapping[str, Input]) -> dict[str, Any]:
    """Returns the profile of all fields of the inputs as JSON; {} where no input has fields.

    `columns` describes each field, `warnings` are sentences, `drifted` is the share of fields whose
    distribution differs between training and test rows (None without test rows), `rows` the number
    of rows counted, and `beyond` the number of fields that were not examined.
    """
    found: list[dict[str, Any]] = []
    warnings: list[Message] = []
    used, beyond = evenly(prepared.used, MOST_ROWS), 0
    parts = used["split"].to_numpy()
    for name, declared in inputs.items():
        cover = medium_of(declared).field_cover
        if cover is None or not declared.fields or name not in used or used.empty:
            continue
        names = list(cover.names(used[name].iloc[0]))
        beyond += len(names[MOST_FIELDS:])
        columns = zip(*map(cover.values, used[name]), strict=True)
        truths = prepared.answer.truth_values(used)
        rows = _rows(parts, len(names))
        for field, values in zip(names[:MOST_FIELDS], columns, strict=False):
            medium = medium_of(declared.fields[field])
            told = {"name": field, "type": medium.name, "title": medium.singular}
            number = medium.dtype is float
            one = told | _counts(values, number) | _drift(values, number, parts)
            one |= {"relation": None, "warnings": []}
            if truths:
                one |= _related(field, values, number, truths, rows)
            found.append(one)
            warnings += one["warnings"]
    if not found:
        return {}
    known = [one for one in found if one["drift"] is not None]
    drifted = [one for one in known if _drifts(one, parts, len(known))]
    if drifted:
        warnings.append(_drift_warning([one["name"] for one in drifted], len(known)))
    share = rounded(len(drifted) / len(known)) if known else None
    return {"columns": found, "rows": len(used), "beyond": beyond, "drifted": share,
            "warnings": warnings}  # fmt: skip


def _rows(parts: np.ndarray, fields: int) -> np.ndarray:
    """Returns the positions of training rows for relations: all, or an even sample of them."""
    train = np.flatnonzero(parts == "train")
    most = int(np.clip(MOST_VALUES // fields, 1000, 20_000))
    return train if len(train) <= most else train[np.linspace(0, len(train) - 1, most).astype(int)]


# --- one field ------------------------------------------------------------------------------------


def _counts(values: Sequence[Any], number: bool) -> dict[str, Any]:
    """Returns the share of missing values, the number of distinct values, and a histogram."""
    known = [value for value in values if value is not None]
    distinct = len(set(known))
    told: dict[str, Any] = {
        "missing": rounded(1 - len(known) / len(values)),
        "distinct": distinct,
    }
    if number:
        cells = np.array(known, float)
        return told | {"histogram": _bins(cells) if len(cells) else {"counts": []}}
    few = distinct <= len(known) / 2  # else nearly every row has a text of its own
    often = Counter(known).most_common(LEVELS) if few else []
    rest = len(known) - sum(count for _, count in often)
    levels = [[name, count] for name, count in often]
    return told | {"histogram": {"levels": levels, "others": rest}}


def _bins(cells: np.ndarray) -> dict[str, Any]:
    """Returns counts in bins of equal width; the half percent at each end is in the outer bins."""
    low, high = np.quantile(cells, [0.005, 0.995])
    if high <= low:
        low, high = float(cells.min()), float(cells.max())
    counts, _ = np.histogram(np.clip(cells, low, high), BINS, (low, high))
    ends = {"low": rounded(float(cells.min())), "high": rounded(float(cells.max()))}
    return {"counts": counts.tolist(), **ends}


def _related(
    name: str,
    values: Sequence[Any],
    number: bool,
    truths: Mapping[str, np.ndarray],
    rows: np.ndarray,
) -> dict[str, Any]:
    """Returns the relation to the true label and the warnings that follow from it."""
    cells = [values[row] for row in rows]
    matrix = np.stack([one[rows] for one in truths.values()], 1)
    codes = np.array([np.nan if one is None else one for one in cells], float) if number else (
        _codes(cells))  # fmt: skip
    share = relation.explained(codes, matrix, number)
    told: dict[str, Any] = {"relation": rounded(share), "warnings": []}
    if len(rows) < LEAST_ROWS:
        return told
    filled = np.array([one is not None for one in cells])
    exact = relation.same_as(filled, matrix)
    if exact is not None:
        at, present = exact
        told_of = {"column": name, "answer": list(truths)[at]}
        reason = (
            Message("{column} is filled in exactly where the answer is {answer}", **told_of)
            if present
            else Message("{column} is empty exactly where the answer is {answer}", **told_of)
        )
        return told | {"warnings": [_leak(reason, name)]}
    if share >= LEAK:
        reason = Message(
            "{column} alone predicts the answer (relation {share} of 1)",
            column=name,
            share=f"{share:.2f}",
        )
        return told | {"warnings": [_leak(reason, name)]}
    return told


def _leak(reason: Message, name: str) -> Message:
    return Message(
        "{reason}: if it is not known when the answer is needed, leave it out with "
        "--ignore {name}.",
        reason=reason,
        name=name,
    )


def _codes(cells: Sequence[Any]) -> np.ndarray:
    """Returns a number for each text, NaN where missing."""
    known = {name: at for at, name in enumerate(sorted({*cells} - {None}, key=natural))}
    return np.array([known.get(cell, np.nan) for cell in cells], float)


# --- training against test rows -------------------------------------------------------------------


def _drift(values: Sequence[Any], number: bool, parts: np.ndarray) -> dict[str, Any]:
    """Returns the largest difference of the cumulative distributions in both parts, 0 to 1.

    Categories are in the order of their frequency; missing values stand before all others. None
    without training or test rows.
    """
    if not {"train", "test"} <= set(parts):
        return {"drift": None}
    if number:
        cells = np.array([-np.inf if one is None else one for one in values], float)
    else:
        counts = Counter(values)
        cells = np.array([-np.inf if one is None else -counts[one] for one in values], float)
    train, test = (np.sort(cells[parts == part]) for part in ("train", "test"))
    both = np.unique(cells)
    shares = (np.searchsorted(one, both, "right") / len(one) for one in (train, test))
    return {"drift": rounded(float(np.abs(np.subtract(*shares)).max()))}


def _drifts(one: Mapping[str, Any], parts: np.ndarray, fields: int) -> bool:
    """Returns True where the difference is large, and significant (Kolmogorov-Smirnov test).

    The level of 1 % is divided by the number of fields (Bonferroni).
    """
    train, test = (int((parts == part).sum()) for part in ("train", "test"))
    least = np.sqrt(-np.log(0.01 / fields / 2) / 2 * (train + test) / (train * test))
    return bool(one["drift"] >= max(DRIFT, float(least)))


def _drift_warning(names: Sequence[str], total: int) -> Message:
    shown = ", ".join(names[:NAMED]) + (" ..." if len(names) > NAMED else "")
    return Message(
        "{count} of {total} columns are distributed differently in training and test rows: {names}",
        count=len(names),
        total=total,
        names=shown,
    )
