"""Importance of the fields of an input, such as the columns of a table, on scored rows.

Permutation importance (L. Breiman 2001, doi 10.1023/A:1010933404324) is the loss of the main metric
when the values of a field are shuffled over the rows. Partial dependence (J. H. Friedman 2001, doi
10.1214/aos/1013203451) is the mean prediction with one field set to the same value in all rows.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tenfold.answers.kind import Answer
from tenfold.answers.metric import main_metric
from tenfold.core.columns import Columns
from tenfold.core.message import Message
from tenfold.core.progress import advance, tell
from tenfold.core.results import rounded
from tenfold.core.rows import evenly
from tenfold.media.cover import FieldCover
from tenfold.media.registry import medium_of
from tenfold.run.run import Run

__all__ = ["importance"]

ROWS, REPEATS = 2000, 5
"""Most rows whose values are shuffled, and the number of shuffles of each field."""
LEAST, VALUES = 100, 2_000_000
"""Rows that are always shuffled, and most values that are encoded to shuffle each field once."""
CURVES, CURVE_ROWS, POINTS = 4, 200, 12
"""Number of fields with partial dependence, most rows of it, and most values of a field."""
SECONDS = 10.0
"""Time after which no further shuffle begins."""


@dataclass(frozen=True)
class _Field:
    """A field of an input; `place` is its position in the cell."""

    over: str
    cover: FieldCover
    place: int
    name: str
    number: bool


def importance(run: Run, table: pd.DataFrame, latest: float = math.inf) -> dict[str, Any]:
    """Returns importance and partial dependence of the fields of a run's inputs as JSON.

    `table` are labelled rows; a sample of at most ROWS is used, of fewer rows where there are many
    fields, because rows are encoded with all fields each time that one is shuffled. `columns` lists
    the fields, the most important first: `drop` is the mean loss of the main metric (positive = the
    field is used) and `spread` its standard deviation over the shuffles. Returns {} where no input
    has fields, and where SECONDS, or the time until `latest` (of `time.perf_counter`), do not
    suffice for one shuffle of each field.
    """
    kind = run.answer_kind
    fields = list(_fields(run, table)) if len(table) > 1 else []
    some = evenly(table, int(np.clip(VALUES // max(1, len(fields)) ** 2, LEAST, ROWS)))
    if not fields or kind.headline not in kind.metrics:
        return {}
    end = min(latest, time.perf_counter() + SECONDS)
    metric, drops = _drops(run, some, fields, end)
    if not len(drops):
        tell(Message("The importance of the columns is not measured for lack of time."))
        return {}
    order = np.argsort(-drops.mean(0), kind="stable")
    columns = [
        {
            "name": fields[at].name,
            "drop": rounded(float(drops[:, at].mean())),
            "spread": rounded(float(drops[:, at].std())),
        }
        for at in order
    ]
    curves = (_curve(run, evenly(some, CURVE_ROWS), fields[at]) for at in order[:CURVES])
    return {
        "metric": metric,
        "rows": len(some),
        "repeats": len(drops),
        "columns": columns,
        "dependence": [one for one in curves if one],
    }


def _fields(run: Run, table: pd.DataFrame) -> Iterator[_Field]:
    for over, declared in run.task.encodes(run.facts).items():
        cover = medium_of(declared).field_cover
        if cover is not None and declared.fields and over in table:
            for place, name in enumerate(cover.names(table[over].iloc[0])):
                number = medium_of(declared.fields[name]).dtype is float
                yield _Field(over, cover, place, name, number)


def _answers(run: Run, table: pd.DataFrame) -> list[Answer]:
    encoded = run.encode(table)
    answers = run.answer_to_score(Columns(encoded.columns))
    return [encoded.problems.get(row, answer) for row, answer in enumerate(answers)]


def _with(table: pd.DataFrame, field: _Field, others: Sequence[Any]) -> pd.DataFrame:
    """Returns the table with one field of each cell taken from another cell."""
    cells = table[field.over]
    kept = [at != field.place for at in range(len(field.cover.names(cells.iloc[0])))]
    new = [field.cover.mixed(cell, other, kept) for cell, other in zip(cells, others, strict=True)]
    return table.assign(**{field.over: pd.Series(new, table.index, dtype=object)})


def _drops(
    run: Run, table: pd.DataFrame, fields: Sequence[_Field], end: float
) -> tuple[str, np.ndarray]:
    """Returns the main metric and its loss (shuffles, fields); empty where time is short."""
    kind, random = run.answer_kind, np.random.default_rng(0)
    scores = kind.values(_answers(run, table), table)
    metric = main_metric(kind.headline, scores)
    sign = -1.0 if kind.metrics[metric].better == "lower" else 1.0
    found: list[list[float]] = []
    for number in range(REPEATS):
        drops = []
        for at, field in enumerate(fields):
            if time.perf_counter() > end:
                return metric, np.array(found)
            cells = table[field.over].tolist()
            others = [cells[row] for row in random.permutation(len(cells))]
            answers = _answers(run, _with(table, field, others))
            drops.append(sign * (scores[metric] - kind.values(answers, table)[metric]))
            steps = REPEATS * len(fields)
            advance(Message("importance of the columns"), number * len(fields) + at + 1, steps)
        found.append(drops)
    return metric, np.array(found)


def _curve(run: Run, table: pd.DataFrame, field: _Field) -> dict[str, Any]:
    """Returns the mean prediction for some values of a field; {} where none is known.

    `numbers` are the values of a number, None for a category; `texts` as pages show them; `answers`
    the mean predictions by name (see `AnswerKind.averages`).
    """
    cells = table[field.over].tolist()
    values = [field.cover.values(cell)[field.place] for cell in cells]
    donors = [cells[row] for row in _grid(values, field.number)]
    means = [
        run.answer_kind.averages(_answers(run, _with(table, field, [donor] * len(cells))))
        for donor in donors
    ]
    if not means or not means[0]:
        return {}
    numbers = [float(field.cover.values(one)[field.place]) for one in donors] if (
        field.number) else None  # fmt: skip
    return {
        "name": field.name,
        "rows": len(table),
        "numbers": numbers,
        "texts": [field.cover.texts(one)[field.place] for one in donors],
        "answers": {name: [rounded(one.get(name)) for one in means] for name in means[0]},
    }


def _grid(values: Sequence[Any], number: bool) -> list[int]:
    """Returns the rows whose values are quantiles of a number, or the most frequent categories."""
    known = [row for row, value in enumerate(values) if value is not None]
    if number:
        order = sorted(known, key=lambda row: values[row])
        places = np.linspace(0, max(0, len(order) - 1), POINTS).round().astype(int)
        rows = [order[place] for place in places] if order else []
    else:
        often = Counter(values[row] for row in known).most_common(POINTS)
        rows = [values.index(name) for name, _ in often]
    return list({values[row]: row for row in rows}.values())
