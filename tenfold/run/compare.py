"""Is one run better than another? Both answer the same rows, which neither has learnt from.

The difference of their headlines gets its interval from the paired bootstrap: rows are drawn
together with both answers, so that rows that are hard for both do not widen it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tenfold.answers import intervals
from tenfold.answers.intervals import Paired
from tenfold.answers.kind import AnswerKind
from tenfold.core.columns import Columns
from tenfold.core.errors import DataRefused, TenfoldError, UsageError
from tenfold.run import rows as run_rows
from tenfold.run.run import Run
from tenfold.task import Answer

__all__ = ["LEAST", "RESAMPLES", "Compared", "compare", "of_answers"]

RESAMPLES = 10_000
LEAST = 6
"""Rows that only one of both answers rightly, below which nothing is said: the exact sign test
does not reach 5 % sooner either."""


@dataclass(frozen=True)
class Compared:
    """What two runs reach on the same rows.

    `counts` says how many rows both, only the first, only the second, and neither answer rightly.
    `left_out` rows were seen in training or validation by one of both, or answered differently.
    """

    headline: str
    paired: Paired
    counts: dict[str, int]
    rows: int
    left_out: int
    protocol: str

    @property
    def apart(self) -> int:
        """Rows that only one of both answers rightly."""
        return self.counts["only_first"] + self.counts["only_second"]


def compare(first: Run, second: Run, data: Any = None) -> Compared:
    """Both runs on rows that were test rows of both and neither learnt from; with `data`, on all
    of its rows that neither learnt from.

    Raises UsageError for runs that cannot be compared, DataRefused where no row is left.
    """
    _refuse(first, second)
    for run in (first, second) if data is None else ():
        run_rows.refuse_trial(run)
    table, left_out = _own(first, second) if data is None else _given(first, second, data)
    table, answers, failed = _answered(first, second, table)
    if table.empty:
        raise DataRefused(
            "There is no row that both runs can be judged by",
            code="no-common-rows",
            where=f"{first.folder.name}, {second.folder.name}",
            fix="Give rows that neither has learnt from with --data, or train both with one split.",
        )
    protocol = _protocol(len(table), own=data is None)
    return of_answers(first.answer_kind, answers, table, left_out + failed, protocol)


def of_answers(
    kind: AnswerKind,
    answers: Sequence[Sequence[Answer]],
    table: pd.DataFrame,
    left_out: int,
    protocol: str,
) -> Compared:
    """Two runs by their answers to the same rows, of which there is at least one."""
    one, other = (kind.bootstrap(each, table) for each in answers)
    return Compared(
        headline=kind.headline,
        paired=intervals.paired(one, other, RESAMPLES),
        counts=_counts(kind, answers, table),
        rows=len(table),
        left_out=left_out,
        protocol=protocol,
    )


def _protocol(rows: int, own: bool) -> str:
    if own:
        return f"{rows} test rows of both runs"
    return f"{rows} rows of data given, seen in training by neither run"


def _refuse(first: Run, second: Run) -> None:
    if first.folder.resolve() == second.folder.resolve():
        raise UsageError(
            "A run cannot be compared with itself",
            code="same-run",
            where=str(first.folder),
            fix="Name two runs; `tenfold runs` lists them.",
        )
    gives = [run.answer_kind.name for run in (first, second)]
    if first.task_name != second.task_name or gives[0] != gives[1]:
        tasks = [
            f"{run.task_name} ({said})" for run, said in zip((first, second), gives, strict=True)
        ]
        raise UsageError(
            f"The runs do different work: {tasks[0]} and {tasks[1]}",
            code="different-tasks",
            fix="Compare runs that answer the same question.",
        )


def _own(first: Run, second: Run) -> tuple[pd.DataFrame, int]:
    """Test rows of both runs, read again where the data of one of them lie."""
    known = [run_rows.rows_of(run) for run in (first, second)]
    same = first.answer_kind.same
    judged = [{row["digest"]: row for row in rows if row["split"] == "test"} for rows in known]
    common = {
        digest
        for digest, row in judged[0].items()
        if digest in judged[1] and same(row, judged[1][digest])
    } - _learnt(known)
    every = len(set(judged[0]) | set(judged[1]))
    if not common:
        return pd.DataFrame({"source": []}), every
    table = _read_again(first, second)
    table = table[table["digest"].isin(common)].drop_duplicates("digest").reset_index(drop=True)
    return table, every - len(table)


def _read_again(first: Run, second: Run) -> pd.DataFrame:
    """The first run's test rows, with the answers of training; else the second's."""
    try:
        source, run = run_rows.place_of(first, None, "report --compare RUN RUN --data DATA"), first
    except TenfoldError:
        source = run_rows.place_of(second, None, "report --compare RUN RUN --data DATA")
        run = second
    table, _ = run_rows.looked_at(run, source)
    return run_rows.own_rows(run, table, run_rows.rows_of(run), "test")


def _given(first: Run, second: Run, data: Any) -> tuple[pd.DataFrame, int]:
    table, _ = run_rows.looked_at(first, data)
    seen = table["digest"].isin(_learnt([run_rows.rows_of(run) for run in (first, second)]))
    return table[~seen].reset_index(drop=True), int(seen.sum())


def _learnt(known: Sequence[list[dict[str, Any]]]) -> set[str]:
    """Digests of rows that one of the runs learnt from or chose by."""
    return {row["digest"] for rows in known for row in rows if row["split"] != "test"}


def _answered(
    first: Run, second: Run, table: pd.DataFrame
) -> tuple[pd.DataFrame, list[list[Answer]], int]:
    """The rows that both can read, and both runs' answers to them; how many they cannot."""
    if table.empty:
        return table, [], 0
    encoded = [run.encode(table) for run in (first, second)]
    failed = set(encoded[0].problems) | set(encoded[1].problems)
    kept = np.array([row for row in range(len(table)) if row not in failed], np.int64)
    answers = [
        run.answer(Columns(one.columns, kept))
        for run, one in zip((first, second), encoded, strict=True)
    ]
    return table.iloc[kept].reset_index(drop=True), answers, len(failed)


def _counts(
    kind: AnswerKind, answers: Sequence[Sequence[Answer]], table: pd.DataFrame
) -> dict[str, int]:
    wrong = [np.isin(np.arange(len(table)), kind.worst(one, table)) for one in answers]
    first, second = (~one for one in wrong)
    return {
        "both": int((first & second).sum()),
        "only_first": int((first & ~second).sum()),
        "only_second": int((~first & second).sum()),
        "neither": int((~first & ~second).sum()),
    }
