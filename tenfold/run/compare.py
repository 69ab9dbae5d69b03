"""Comparison of two runs on the same rows, which neither was trained on.

The interval of the difference of their headline metrics comes from the paired bootstrap: each
resampled row keeps both predictions, so that rows that are hard for both runs do not widen the
interval. If the rows come in groups, whole groups are resampled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tenfold.answers import intervals
from tenfold.answers.intervals import Paired, Sampling
from tenfold.answers.kind import AnswerKind
from tenfold.answers.metric import main_metric
from tenfold.core.columns import Columns
from tenfold.core.errors import DataRefused, TenfoldError, UsageError
from tenfold.core.message import Message
from tenfold.run import rows as run_rows
from tenfold.run.run import Run
from tenfold.task import Answer

__all__ = ["LEAST", "Compared", "compare", "of_answers"]

LEAST = 6
"""Minimum number of rows that only one run predicts correctly, for a statement on significance.

With fewer such rows, the p-value of the exact sign test cannot be below 5 %. If the rows come in
groups, this is the minimum number of groups in which the runs have different numbers of correct
predictions. Where answers are graded, it is the minimum number of rows on which the errors differ.
"""


@dataclass(frozen=True)
class Compared:
    """Result of a comparison: the headline metric of two runs on the same rows.

    `counts` are the numbers of rows that both runs, only the first, only the second, or neither
    predict correctly; for graded answers, those where the first or the second is closer to the true
    label, or both are equally close. `left_out` is the number of excluded rows: training and
    validation rows of a run, rows that cannot be read, and, without given data, test rows that
    belong to one run only, have different true labels in the two runs, or were not found again.
    `groups` is the number of groups that the bootstrap resamples (None = it resamples rows),
    `groups_apart` the number of groups in which the runs differ in these counts.
    """

    headline: str
    paired: Paired
    counts: dict[str, int]
    rows: int
    left_out: int
    protocol: Message
    groups: int | None = None
    groups_apart: int = 0

    @property
    def apart(self) -> int:
        """Number of rows that only one run predicts correctly, or of groups where they differ."""
        if self.groups is not None:
            return self.groups_apart
        if self.graded:
            return self.counts["first_closer"] + self.counts["second_closer"]
        return self.counts["only_first"] + self.counts["only_second"]

    @property
    def graded(self) -> bool:
        """True if answers are more or less near the true label (see `AnswerKind.graded`)."""
        return "equal" in self.counts


def compare(first: Run, second: Run, data: Any = None) -> Compared:
    """Compares two runs on their common test rows or on `data`.

    Rows that one of the runs used for training or validation are excluded. Raises UsageError for
    runs that cannot be compared, DataRefused where no row is left.
    """
    _refuse(first, second)
    for run in (first, second) if data is None else ():
        run_rows.refuse_trial(run)
    table, left_out = _own(first, second) if data is None else _given(first, second, data)
    table, answers, failed = _answered(first, second, table)
    if table.empty:
        raise DataRefused(
            Message("The two runs have no test row in common"),
            code="no-common-rows",
            where=f"{first.folder.name}, {second.folder.name}",
            fix=Message(
                "Use --data to give rows that neither run was trained on, or train both runs "
                "with the same split."
            ),
        )
    protocol = _protocol(first.answer_kind, table, own=data is None)
    return of_answers(first.answer_kind, answers, table, left_out + failed, protocol)


def of_answers(
    kind: AnswerKind,
    answers: Sequence[Sequence[Answer]],
    table: pd.DataFrame,
    left_out: int,
    protocol: Message,
) -> Compared:
    """Compares two runs by their predictions for the same rows; needs at least one row."""
    one, other = (kind.bootstrap(each, table) for each in answers)
    sampling = Sampling.of(table)
    counts, ahead = (_closer if kind.graded else _correct)(kind, answers, table)
    return Compared(
        headline=main_metric(kind.headline, kind.values(answers[0], table)),
        paired=sampling.paired(one, other),
        counts=counts,
        rows=len(table),
        left_out=left_out,
        protocol=intervals.protocol(protocol, sampling.count),
        groups=sampling.count,
        groups_apart=_groups_apart(sampling, ahead),
    )


def _protocol(kind: AnswerKind, table: pd.DataFrame, own: bool) -> Message:
    rows = len(table)
    if kind.fits_all(table):
        own_rows = Message("{rows} rows that both runs were also trained on", rows=rows)
        return own_rows if own else Message("{rows} rows of the given data", rows=rows)
    if own:
        return Message("{rows} test rows of both runs", rows=rows)
    return Message("{rows} rows of the given data, seen in training by neither run", rows=rows)


def _refuse(first: Run, second: Run) -> None:
    if first.folder.resolve() == second.folder.resolve():
        raise UsageError(
            Message("A run cannot be compared with itself"),
            code="same-run",
            where=str(first.folder),
            fix=Message("Give two different runs; `tenfold runs` lists those in the folder runs."),
        )
    gives = [run.answer_kind.name for run in (first, second)]
    if first.task_name != second.task_name or gives[0] != gives[1]:
        tasks = [
            f"{run.task_name} ({said})" for run, said in zip((first, second), gives, strict=True)
        ]
        raise UsageError(
            Message(
                "The runs have different tasks: {first} and {second}",
                first=tasks[0],
                second=tasks[1],
            ),
            code="different-tasks",
            fix=Message("Compare two runs of one task."),
        )


def _own(first: Run, second: Run) -> tuple[pd.DataFrame, int]:
    """The common test rows of both runs, read again, and the number of excluded test rows.

    Of runs that are fitted to all rows and scored on them, all rows.
    """
    known = [run_rows.rows_of(run) for run in (first, second)]
    same = first.answer_kind.same
    part = "train" if first.answer_kind.fits_all(pd.DataFrame(known[0])) else "test"
    judged = [{row["digest"]: row for row in rows if row["split"] == part} for rows in known]
    common = {
        digest
        for digest, row in judged[0].items()
        if digest in judged[1] and same(row, judged[1][digest])
    } - _learnt(first, second)
    every = len(set(judged[0]) | set(judged[1]))
    if not common:
        return pd.DataFrame({"source": []}), every
    table = _read_again(first, second, part)
    table = table[table["digest"].isin(common)].drop_duplicates("digest").reset_index(drop=True)
    return _grouped(table, judged), every - len(table)


def _grouped(table: pd.DataFrame, known: Sequence[Mapping[str, Mapping[str, Any]]]) -> pd.DataFrame:
    """Adds the column `group` if the table has none, with the groups that either run stored.

    `known` are the stored test rows of each run, by digest.
    """
    if "group" in table:
        return table
    groups = {
        digest: row["group"]
        for rows in known
        for digest, row in rows.items()
        if row.get("group") is not None
    }
    return table.assign(group=table["digest"].map(groups)) if groups else table


def _read_again(first: Run, second: Run, part: str) -> pd.DataFrame:
    """The rows of this part of the first run with the labels used in training.

    If the data of the first run are not found, the rows of the second run.
    """
    try:
        source, run = run_rows.place_of(first, None, "report --compare RUN RUN --data DATA"), first
    except TenfoldError:
        source = run_rows.place_of(second, None, "report --compare RUN RUN --data DATA")
        run = second
    table, _ = run_rows.looked_at(run, source)
    return run_rows.own_rows(run, table, run_rows.rows_of(run), part)


def _given(first: Run, second: Run, data: Any) -> tuple[pd.DataFrame, int]:
    table, _ = run_rows.looked_at(first, data)
    if "group" not in table and "group" in second.facts.get("reading", {}):
        other, _ = run_rows.looked_at(second, data)
        rows = {row["source"]: row for row in other[["source", "group"]].to_dict("records")}
        group = [rows.get(one, {}).get("group") for one in table["source"]]
        table = table.assign(group=pd.Series(group, table.index, dtype=object))
    seen = table["digest"].isin(_learnt(first, second))
    return table[~seen].reset_index(drop=True), int(seen.sum())


def _learnt(*runs: Run) -> set[str]:
    """Digests of the rows that one of the runs is not scored on, as it was trained on them."""
    return {digest for run in runs for digest in run_rows.learnt(run, run_rows.rows_of(run))}


def _answered(
    first: Run, second: Run, table: pd.DataFrame
) -> tuple[pd.DataFrame, list[list[Answer]], int]:
    """The rows that both runs can read, the predictions of both, and the number of other rows."""
    if table.empty:
        return table, [], 0
    encoded = [run.encode(table) for run in (first, second)]
    failed = set(encoded[0].problems) | set(encoded[1].problems)
    kept = np.array([row for row in range(len(table)) if row not in failed], np.int64)
    answers = [
        run.answer_to_score(Columns(one.columns, kept))
        for run, one in zip((first, second), encoded, strict=True)
    ]
    return table.iloc[kept].reset_index(drop=True), answers, len(failed)


def _correct(
    kind: AnswerKind, answers: Sequence[Sequence[Answer]], table: pd.DataFrame
) -> tuple[dict[str, int], np.ndarray]:
    """Counts correct predictions; also returns (N,) 1 where only the first is correct, -1, or 0."""
    rows = np.arange(len(table))
    first, second = (~np.isin(rows, kind.worst(one, table)) for one in answers)
    counts = {
        "both": int((first & second).sum()),
        "only_first": int((first & ~second).sum()),
        "only_second": int((~first & second).sum()),
        "neither": int((~first & ~second).sum()),
    }
    return counts, first * 1.0 - second


def _closer(
    kind: AnswerKind, answers: Sequence[Sequence[Answer]], table: pd.DataFrame
) -> tuple[dict[str, int], np.ndarray]:
    """Counts the rows on which each run is closer; also returns (N,) 1 for the first, -1, or 0."""
    first, second = (kind.distances(one, table) for one in answers)
    ahead = np.where(np.isclose(first, second, atol=0.0), 0.0, np.sign(second - first))
    counts = {
        "first_closer": int((ahead > 0).sum()),
        "second_closer": int((ahead < 0).sum()),
        "equal": int((ahead == 0).sum()),
    }
    return counts, ahead


def _groups_apart(sampling: Sampling, ahead: np.ndarray) -> int:
    if sampling.groups is None:
        return 0
    return int(np.count_nonzero(np.bincount(sampling.groups, ahead)))
