"""Scores of a run on labelled rows: by the task's own `score`, else by the answer kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tenfold.core.results import Scores
from tenfold.core.rows import Judged, without_reported
from tenfold.run.run import Run
from tenfold.task import Answer

__all__ = ["own_scores", "scores_of", "values_of"]


def scores_of(run: Run, answers: Sequence[Answer], judged: Judged) -> Scores:
    """Scores of predictions by the task's own `score`, else by the answer kind."""
    own = own_scores(run, judged)
    return own or run.answer_kind.score(answers, judged.table, judged.train)


def values_of(run: Run, answers: Sequence[Answer], judged: Judged) -> dict[str, float]:
    """The metrics of `scores_of` by name, without intervals and details, which take longer."""
    own = own_scores(run, judged)
    if own:
        return {name: one.value for name, one in own.metrics.items()}
    return run.answer_kind.values(answers, judged.table, judged.train)


def own_scores(run: Run, judged: Judged) -> Scores | None:
    """Scores by the task's own `score`; None where the answer kind scores the rows."""
    rows = judged.rows.with_table(without_reported(judged.table))
    return run.task.score(run, replace(judged, rows=rows))
