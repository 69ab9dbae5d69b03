"""Cross-validation: one run per fold, their pooled scores, and a final run on all rows.

<folder>/fold-0/ fold-1/ ...   ordinary runs; each is tested on the rows of one fold
<folder>/final/                trained on all rows but a given test part; all choices (candidate,
                               steps, hyperparameters) are those of the median fold
<folder>/folds.json            the request and, once all runs are done, the results
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tenfold.answers import intervals
from tenfold.answers.names import column
from tenfold.core.columns import Columns
from tenfold.core.errors import UsageError
from tenfold.core.language import plural, say
from tenfold.core.message import Message
from tenfold.core.progress import tell
from tenfold.core.results import SCHEMA, Scores
from tenfold.core.rows import Judged, Rows
from tenfold.core.system import shell_word
from tenfold.data.folds import EACH, Fold
from tenfold.data.prepare import Prepared
from tenfold.run.by_text import by_lines
from tenfold.run.by_values import by_values
from tenfold.run.evaluate import Evidence
from tenfold.run.run import Run, open_run
from tenfold.run.scores_text import heading, score_lines
from tenfold.task import Answer, Task
from tenfold.tasks.registry import class_of
from tenfold.workflows import series
from tenfold.workflows.series import SeveralRuns
from tenfold.workflows.train import LastRun, TrainingRequest, once, ready, trained

__all__ = ["MAX_FOLDS", "count_of", "folded"]

MAX_FOLDS = 20
NAME = "folds.json"


def count_of(folds: int | str | None) -> int | str | None:
    """The number of folds, "each", or None, from the value that was given.

    Raises UsageError for any other value.
    """
    if folds is None or folds == EACH:
        return folds
    text = str(folds)
    if text.isdecimal() and 2 <= int(text) <= MAX_FOLDS:
        return int(text)
    raise UsageError(
        Message(
            "folds must be a whole number from 2 to {limit} or each, got {folds!r}",
            limit=MAX_FOLDS,
            folds=folds,
        ),
        code="bad-setting",
    )


def folded(asked: TrainingRequest, folds: int | str, out: str | Path | None) -> SeveralRuns:
    """Trains one run per fold and the final run; the minutes are shared among them.

    The same call again continues where it stopped. `runs` of the document are the runs of the
    folds.
    """
    _refuse(asked)
    wanted = {**series.settings_of(asked), "folds": folds}
    whole = replace(asked, fold=Fold(None, folds), refit=False)
    about = ready(whole)[1].folded
    count = about.count if about else 0
    folder = series.folder_for(out, asked, wanted, NAME)
    series.store(folder / NAME, {"schema": SCHEMA, "settings": wanted})
    if asked.plan.minutes is not None:
        plan = replace(asked.plan, minutes=asked.plan.minutes / (count + 1))
        asked, whole = replace(asked, plan=plan), replace(whole, plan=plan)
    done = []
    for number in range(count):
        tell(Message("Fold {number} of {count}", number=number + 1, count=count))
        one = replace(asked, fold=Fold(number, folds))
        done.append(_tested(one, folder / f"fold-{number}"))
    tell(Message("The last run is trained on all rows except a given test part."))
    pool = _Pool(done)
    last = replace(whole, last=LastRun(_median(done).run, pool.evidence))
    final = _finished(whole, folder / "final") or once(last, folder / "final")
    content = _summed(asked, folder, pool, final)
    series.store(folder / NAME, {**content, "settings": wanted})
    return SeveralRuns(content, lambda: _text(content), [one.run for one in done])


def _refuse(asked: TrainingRequest) -> None:
    """Raises UsageError for a task with its own `score`, which cannot be pooled from rows."""
    if class_of(asked.task).score is not Task.score:
        raise UsageError(
            Message(
                "{task} scores whole runs, not rows, so folds cannot be pooled", task=asked.task
            ),
            code="bad-setting",
            fix=Message("Leave out --folds, or give --repeat instead."),
        )


# --- the runs -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Tested:
    """The run of a fold, its answers on the rows of that fold, and its training rows."""

    run: Run
    table: pd.DataFrame
    answers: Sequence[Answer]
    train: pd.DataFrame

    @property
    def headline(self) -> float:
        """The value of the headline metric."""
        return float(self.run.scores["scores"][self.run.scores["headline"]]["value"])


def _tested(asked: TrainingRequest, folder: Path) -> _Tested:
    """The run of a fold, with its answers; a finished run predicts its rows again."""
    if (folder / "manifest.json").exists():
        prepared = ready(asked)[1]
        series.unchanged(prepared, folder)
        run = open_run(folder, asked.plan.device)
        answers: Sequence[Answer] = run.answer_to_score(prepared.inputs("test"))
    else:
        found = trained(asked, folder)
        run, prepared, answers = found.run, found.prepared, found.evidence.answers
    return _Tested(run, prepared.table("test"), answers, prepared.table("train"))


def _finished(asked: TrainingRequest, folder: Path) -> Run | None:
    finished = (folder / "manifest.json").exists()
    return series.again(asked, folder) if finished else None


def _median(done: list[_Tested]) -> _Tested:
    """The run with the median headline score; of two in the middle, that with the lower value."""
    return sorted(done, key=lambda one: one.headline)[(len(done) - 1) // 2]


# --- results --------------------------------------------------------------------------------------


class _Pool:
    """The answers of all folds, pooled and scored once."""

    def __init__(self, done: list[_Tested]) -> None:
        self.done = done
        self.answers = [answer for one in done for answer in one.answers]
        self.table = pd.concat([one.table for one in done], ignore_index=True)
        self.scores = self._scored()
        rows = Rows(self.table, answer=done[0].run.answer_kind)
        judged = Judged(
            rows,
            Columns({"row": np.arange(len(self.table))}),
            pd.concat([one.train for one in done]),
        )
        self.by = by_values(done[0].run, self.answers, judged)
        each = [one.run.scores["baselines"] for one in done]
        guesses = {name: round(one.baseline, 6) for name, one in self.scores.metrics.items()}
        self.baselines = series.baselines(each) | {"constant baseline": guesses}
        sentence = Message(
            "{rows} rows in {count} folds, each tested by the run that was not trained on it",
            rows=len(self.table),
            count=len(done),
        )
        self.protocol = intervals.protocol(sentence, self.scores.groups)

    def _scored(self) -> Scores:
        """The pooled scores; the constant baseline comes from each fold's own training rows."""
        kind = self.done[0].run.answer_kind
        found = kind.score(self.answers, self.table, self.table)
        guesses = [answer for one in self.done for answer in kind.baseline(one.train, one.table)]
        values = kind.values(guesses, self.table, self.table)
        metrics = {
            name: replace(score, baseline=values.get(name, 0.0))
            for name, score in found.metrics.items()
        }
        return replace(found, metrics=metrics)

    def evidence(self, run: Run, prepared: Prepared) -> Evidence:
        """The pooled answers as evidence, in the order of the data of the final run."""
        known = {key: place for place, key in enumerate(_keys(prepared.used))}
        places = np.array([known.get(key, -1) for key in _keys(self.table)])
        order = np.argsort(places, kind="stable")
        order = order[places[order] >= 0]
        rows = prepared.split_rows.with_table(self.table.iloc[order].reset_index(drop=True))
        columns = prepared.columns.only(prepared.eaten).view(places[order])
        return Evidence(
            Judged(rows, columns, prepared.table("train")),
            [self.answers[row] for row in order],
            self.scores,
            baselines=self.baselines,
            protocol=self.protocol,
            by=self.by,
            quarantined=prepared.quarantined,
            prepared=prepared,
        )


def _keys(table: pd.DataFrame) -> list[tuple[str, str, int]]:
    """Unique keys of rows: source, digest, and a counter among rows that share both."""
    number = table.groupby(["source", "digest"], sort=False).cumcount()
    return list(zip(table["source"], table["digest"], number, strict=True))


def _summed(asked: TrainingRequest, folder: Path, pool: _Pool, final: Run) -> dict[str, Any]:
    values = [one.headline for one in pool.done]
    held = not final.scores["fold"]["pooled"]
    return {
        "schema": SCHEMA,
        "task": asked.task,
        "folder": str(folder),
        "protocol": pool.protocol,
        "headline": pool.scores.headline,
        "scores": {name: one.to_json() for name, one in pool.scores.metrics.items()},
        "baselines": pool.baselines,
        "details": pool.scores.details,
        "by": pool.by,
        "folds": {
            "mean": round(statistics.mean(values), 6),
            "deviation": round(statistics.stdev(values), 6),
            "values": values,
        },
        "runs": [_line(one) for one in pool.done],
        "final": {
            "run": str(final.folder),
            "chosen_by": _median(pool.done).run.folder.name,
            "rows": final.scores["refit"]["rows"],
            "scores": final.scores["scores"] if held else {},
        },
    }


def _line(one: _Tested) -> dict[str, Any]:
    scores = one.run.scores
    found = {
        "run": str(one.run.folder),
        "fold": scores["fold"]["number"],
        "rows": len(one.table),
        scores["headline"]: one.headline,
        "seconds": scores["seconds"]["total"],
    }
    group = scores["fold"].get("group")
    return found | ({"group": group} if group else {})


def _text(content: dict[str, Any]) -> str:
    headline, spread, final = content["headline"], content["folds"], content["final"]
    metric = column(headline)
    lines = [
        heading(content),
        "",
        *score_lines(content),
        *by_lines(content),
        "",
        *(
            f"  {one['run']}  {plural(one['rows'], 'row')}  {metric} {one[headline]:.4f}"
            + (f"  {one['group']}" if "group" in one else "")
            for one in content["runs"]
        ),
        "  " + say("mean of folds {mean:.4f}, standard deviation {deviation:.4f}", **spread),
        "",
        say(
            "Last run: {run}, trained on {rows} with the choices of {chosen_by}",
            run=final["run"],
            rows=plural(final["rows"], "row"),
            chosen_by=final["chosen_by"],
        ),
    ]
    if final["scores"]:
        value = final["scores"][headline]["value"]
        text = say("{metric} on the given test part {value:.4f}", metric=metric, value=value)
        lines.append(f"  {text}")
    run = shell_word(final["run"])
    return "\n".join([*lines, say("Next:"), f"  tenfold predict {run} INPUT"])
