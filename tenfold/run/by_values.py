"""Scores for each value of the columns given with `--by`, and differences between the values.

A value is scored if it has LEAST_ROWS rows or more, and rows of every class that occurs among the
rows to score; otherwise it has too few rows. Each scored value is compared with the rows of all
other scored values of its column.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tenfold.answers.intervals import Sampling
from tenfold.answers.metrics.differences import ERROR_RATE, Difference, differences
from tenfold.core.lazy import lazy
from tenfold.core.results import Score, rounded
from tenfold.core.rows import Judged, reported
from tenfold.core.text import natural
from tenfold.run.run import Run
from tenfold.run.scoring import own_scores, scores_of
from tenfold.task import Answer

special = lazy("scipy.special")

__all__ = ["LEAST_ROWS", "MOST_VALUES", "by_values", "largest"]

LEAST_ROWS = 10
"""Minimum number of rows of a value that is scored."""
MOST_VALUES = 50
"""Maximum number of values of a column that are reported: those with the most rows."""

Subsets = dict[str, np.ndarray]
"""The positions of the rows of each value."""


def by_values(run: Run, answers: Sequence[Answer], judged: Judged) -> list[dict[str, Any]]:
    """Returns the scores for each value of each column to report by, as JSON.

    The worst value comes first, those with too few rows come last.
    """
    columns = {name: _subsets(judged.table[at]) for name, at in reported(judged.table).items()}
    missing = {name: _missing(run, judged.table, rows) for name, rows in columns.items()}
    kept = {
        name: {
            value: rows
            for value, rows in columns[name].items()
            if len(rows) >= LEAST_ROWS and not missing[name][value]
        }
        for name in columns
    }
    compared = [name for name, values in kept.items() if len(values) > 1]
    gaps = dict(
        zip(
            compared,
            _differences(run, answers, judged, [kept[one] for one in compared]),
            strict=True,
        )
    )
    return [
        _column(run, answers, judged, name, values, missing[name], kept[name], gaps.get(name, {}))
        for name, values in columns.items()
    ]


def _subsets(cells: pd.Series) -> Subsets:
    """Returns the positions of the rows of each value, for the MOST_VALUES most frequent values."""
    texts = cells.reset_index(drop=True).dropna().astype(str)
    places = {str(value): rows.to_numpy() for value, rows in texts.groupby(texts).groups.items()}
    ordered = sorted(places, key=lambda value: (-len(places[value]), natural(value)))
    return {value: places[value] for value in ordered[:MOST_VALUES]}


def _missing(run: Run, table: pd.DataFrame, values: Subsets) -> dict[str, list[str]]:
    """Returns for each value the classes of the scored rows that its own rows lack."""
    kind = run.answer_kind
    every = {name for name, count in kind.counts(table).items() if count}
    found = {}
    for value, rows in values.items():
        counts = kind.counts(table.iloc[rows])
        found[value] = sorted((name for name in every if not counts[name]), key=natural)
    return found


def _differences(
    run: Run, answers: Sequence[Answer], judged: Judged, columns: Sequence[Subsets]
) -> list[dict[str, Difference]]:
    """Returns the difference of each value from the other values, for each column."""
    if not columns:
        return []
    first = next(iter(columns[0].values()))
    if own_scores(run, judged.only(first)) is not None:
        return [_own_differences(run, judged, values, len(columns)) for values in columns]
    families = []
    for values in columns:
        family = np.full(len(judged.table), -1)
        for number, rows in enumerate(values.values()):
            family[rows] = number
        families.append(family)
    weighted = run.answer_kind.bootstrap(answers, judged.table)
    found = differences(weighted, families, Sampling.of(judged.table))
    return [
        dict(zip(values, each, strict=True)) for values, each in zip(columns, found, strict=True)
    ]


def _own_differences(
    run: Run, judged: Judged, values: Subsets, columns: int
) -> dict[str, Difference]:
    """Returns the differences where the task makes rows of its own to score.

    The half-widths of both intervals are added as those of independent normal values, with a
    Bonferroni correction.
    """
    level = ERROR_RATE / columns / len(values)
    wider = float(special.ndtri(1 - level / 2) / special.ndtri(0.975))
    every, found = np.concatenate([*values.values()]), {}
    for value, rows in values.items():
        pair = [own_scores(run, judged.only(some)) for some in (rows, np.setdiff1d(every, rows))]
        one, other = (scores.best for scores in pair if scores is not None)
        gap, halves = one.value - other.value, [_half(one), _half(other)]
        half = wider * sum(each**2 for each in halves if each is not None) ** 0.5
        ends = (None, None) if None in halves else (gap - half, gap + half)
        found[value] = Difference(gap, *ends)
    return found


def _half(score: Score) -> float | None:
    return None if score.low is None or score.high is None else (score.high - score.low) / 2


def _column(
    run: Run,
    answers: Sequence[Answer],
    judged: Judged,
    name: str,
    values: Subsets,
    missing: dict[str, list[str]],
    kept: Subsets,
    gaps: dict[str, Difference],
) -> dict[str, Any]:
    cells = judged.table[reported(judged.table)[name]]
    lines, headline = [], ""
    for value, rows in values.items():
        line: dict[str, Any] = {"value": value, "rows": len(rows), "judged": value in kept}
        if value in kept:
            some, part = [answers[row] for row in rows], judged.only(rows)
            scores = scores_of(run, some, part)
            headline = scores.headline
            line |= {"score": _ends(scores.best.value, scores.best.low, scores.best.high)}
            line |= {"calibration": _calibration(run, some, part.table)}
            gap = gaps.get(value)
            line |= {"difference": _ends(gap.value, gap.low, gap.high) if gap else None}
        else:
            line |= {"missing": missing[value]}
        lines.append(line)
    lower = bool(headline) and run.scored_kind(headline).metrics[headline].better == "lower"
    sign = -1 if lower else 1
    lines.sort(
        key=lambda one: (not one["judged"], sign * one["score"]["value"] if one["judged"] else 0)
    )
    return {
        "column": name,
        "headline": headline,
        "rows": int(cells.notna().sum()),
        "blank": int(cells.isna().sum()),
        "left_out": int(cells.nunique()) - len(values),
        "values": lines,
        "largest": largest(gaps),
    }


def _calibration(run: Run, answers: Sequence[Answer], table: pd.DataFrame) -> dict[str, float]:
    """Returns calibration error and log loss; {} where the answers have no probabilities."""
    found = run.answer_kind.calibration(answers, table, lambda chances: chances)
    return {name: found[name] for name in ("ece", "log_loss") if name in found}


def largest(gaps: dict[str, Difference]) -> dict[str, Any] | None:
    """Returns the largest of the differences whose interval excludes 0, else the largest of all."""
    if not gaps:
        return None
    value = max(gaps, key=lambda one: (gaps[one].shown, abs(gaps[one].value)))
    gap = gaps[value]
    ends = _ends(gap.value, gap.low, gap.high)
    return {"value": value, "difference": ends, "of": len(gaps), "shown": gap.shown}


def _ends(value: float, low: float | None, high: float | None) -> dict[str, float | None]:
    return {"value": rounded(value), "low": rounded(low), "high": rounded(high)}
