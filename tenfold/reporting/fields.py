"""The fields of inputs, such as the columns of a table, in reports: importance and worst rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from tenfold.answers.charts import fields as charts
from tenfold.answers.kind import Answer
from tenfold.answers.metric import Metric
from tenfold.answers.names import metric
from tenfold.answers.sections import Section
from tenfold.core.language import plural, say
from tenfold.core.results import Explanation
from tenfold.run.run import Run

__all__ = ["importance_section", "worst_rows"]

BARS, COLUMNS = 20, 10
"""Most fields in the chart of importance, and in the table of the worst rows."""
ANSWERS = 3
"""Most answers, such as classes, in a chart of partial dependence."""
PERCENT = 100


def importance_section(found: Mapping[str, Any], run: Run) -> list[Section]:
    """Returns the section of the report on importance and partial dependence; [] without them."""
    if not found:
        return []
    about = metric(found["metric"])
    scale = PERCENT if about.share else 1
    rows = [
        (one["name"], scale * one["drop"], scale * one["spread"], _signed(about, one["drop"]))
        for one in found["columns"][:BARS]
    ]
    worse = (
        say("rise of {metric}", metric=about.title)
        if about.better == "lower"
        else say("fall of {metric} in percentage points", metric=about.title)
        if about.share
        else say("fall of {metric}", metric=about.title)
    )
    remark = say(
        "Importance: how much worse {metric} becomes when the values of a column are shuffled over "
        "{rows}; mean and standard deviation of {shuffles}. Columns that carry the same "
        "information share it. ",
        metric=about.title,
        rows=plural(found["rows"], "row"),
        shuffles=plural(found["repeats"], "shuffle"),
    )
    if len(found["columns"]) > BARS:
        more = len(found["columns"]) - BARS
        remark += say("The other {count} columns are in scores.json. ", count=more)
    drawn = [charts.importance(rows, worse)]
    if found["dependence"]:
        some = plural(found["dependence"][0]["rows"], "row")
        remark += say(
            "Below: the mean answer over {rows} if all of them had the same value of a column, for "
            "the most important columns.",
            rows=some,
        )
        drawn.append(_dependence(found["dependence"], run))
    return [Section("columns", say("Columns"), remark=remark, charts=drawn)]


def _signed(about: Metric, drop: float) -> str:
    return ("+" if drop > 0 else "") + about.end(drop).replace("-", "\N{MINUS SIGN}")


def _dependence(found: Sequence[Mapping[str, Any]], run: Run) -> str:
    """Returns the charts of partial dependence, all on the same scale of answers."""
    names = list(found[0]["answers"])
    names = names[-1:] if len(names) == 2 else names
    level = {name: sum(map(float, found[0]["answers"][name])) for name in names}
    shown = sorted(sorted(names, key=lambda name: -level[name])[:ANSWERS], key=names.index)
    values = [value for one in found for name in shown for value in one["answers"][name]]
    ends = min(values), max(values)
    legend = say("mean predicted value") if shown == [""] else (
        say("mean probability: {names}", names=say(", ").join(shown)))  # fmt: skip
    each = "".join(f"<div>{charts.dependence(one, shown, ends)}</div>" for one in found)
    return f"{charts.legend(shown, legend)}<div class='small-charts'>{each}</div>"


# --- worst rows -----------------------------------------------------------------------------------


def worst_rows(
    run: Run,
    table: pd.DataFrame,
    answers: Sequence[Answer],
    maps: Mapping[int, Explanation],
    found: Mapping[str, Any],
) -> dict[str, Any]:
    """Returns the worst rows as a table, where the first input has fields; {} where it has none.

    A cell is (text, contribution, strength from 0 to 1). The most important columns are shown,
    `more` is the number of the others. `found` is the importance of the columns.
    """
    name, medium = next(iter(run.media.items()))
    cover = medium.field_cover
    if cover is None or name not in table or table.empty:
        return {}
    every = list(cover.names(table[name].iloc[0]))
    order = [one["name"] for one in found.get("columns", []) if one["name"] in every]
    shown = [*order, *(one for one in every if one not in order)][:COLUMNS]
    kind, rows = run.answer_kind, []
    for row in range(len(table)):
        answer, right = answers[row], kind.truth_text(table, row)
        texts = dict(zip(every, cover.texts(table[name].iloc[row]), strict=True))
        one = maps.get(row)
        weights = dict(zip(one.names, one.weights, strict=True)) if one else {}
        most = max(map(abs, weights.values()), default=0.0) or 1.0
        rows.append(
            {
                "source": str(table["source"].iloc[row]) if "source" in table else "",
                "said": kind.said(answer, right),
                "truth": right,
                "cells": [
                    (texts[each], weights.get(each, 0.0), abs(weights.get(each, 0.0)) / most)
                    for each in shown
                ],
            }
        )
    return {"names": shown, "rows": rows, "more": len(every) - len(shown)}
