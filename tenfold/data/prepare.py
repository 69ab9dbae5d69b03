"""Data preparation for training and for `check`, in a fixed order.

read -> digests and headers -> duplicates and near copies -> split -> compute the facts ->
decode and encode all rows once -> exclude rows that failed. A row that cannot be decoded is
only excluded: the split and the facts do not change.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tenfold.answers.kind import AnswerKind
from tenfold.core import system
from tenfold.core.columns import Column, Columns, Encoded, Parts, Ragged
from tenfold.core.errors import DataRefused, UsageError
from tenfold.core.facts import digestible, plain
from tenfold.core.message import Message, values_of
from tenfold.core.progress import advance, tell
from tenfold.core.rows import Judged, Rows, reported, without_reported
from tenfold.data import cache, class_mapping, folds, refusals, splits, unlabelled
from tenfold.data import duplicates as data_duplicates
from tenfold.data.folds import Fold, FoldedParts
from tenfold.data.scan import scan
from tenfold.media.medium import Medium
from tenfold.media.reading import AS_FOUND, Reading, with_table
from tenfold.media.registry import media_of
from tenfold.task import Task, name_of

__all__ = ["Prepared", "prepare"]

ON_BAD = ("stop", "fail", "skip")
PARTS = ("train", "selection", "calibration")
CHUNK, CHUNK_BYTES = 512, 32 << 20
SEEN = 8


@dataclass
class Prepared:
    """Data ready for training: the `used` rows with their parts, and their encoded columns.

    `quarantined` has an entry for each row that cannot be used. `ignored` are names in the source
    that are not data, and the sources of rows that a class mapping removes and of test rows without
    a label. `leaks` are copies or near copies of held-out rows, removed from the training and
    validation parts. `beyond` is the number of rows beyond the limit. `eaten` names the columns
    that are inputs of the network. `found` counts all rows and ignored names: found = used +
    quarantined + ignored + leaks + beyond, except that a run of one fold does not use a given test
    part.
    """

    answer: AnswerKind
    root: Path | None
    used: pd.DataFrame
    columns: Columns
    facts: dict[str, Any]
    split_line: Message
    found: int
    quarantined: list[dict[str, Any]]
    ignored: list[str]
    duplicates: list[list[str]]
    near: list[list[str]]
    leaks: list[str]
    conflicts: list[list[str]]
    eaten: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    seed: int = 0
    beyond: int = 0
    lines: int | None = None
    """Number of lines read, where a row consists of several lines; otherwise None."""
    read: Rows | None = None
    """The rows after reading and class mapping, before unusable rows were excluded."""
    folded: FoldedParts | None = None
    """For a run of `--folds`: the number of folds and the parts of this run; otherwise None."""
    missing: refusals.Missing = field(default_factory=refusals.Missing)
    """Classes and folders that are missing because rows cannot be used."""

    def inputs(self, part: str) -> Columns:
        """The network's encoded inputs for the rows of a part."""
        return self.columns.only(self.eaten).view(self.rows(part))

    def table(self, part: str) -> pd.DataFrame:
        """The rows of a part."""
        return self.used.iloc[self.rows(part)].reset_index(drop=True)

    def rows(self, part: str) -> np.ndarray:
        """Positions of the rows of a part: train, valid, test, selection or calibration.

        Selection and calibration are the two halves of valid.
        """
        if part not in ("selection", "calibration"):
            return np.flatnonzero((self.used["split"] == part).to_numpy())
        valid = self.rows("valid")
        kept = splits.reserved(self.answer.units(self.used).iloc[valid], self.seed)
        if kept.all() or not kept.any():
            kept = np.arange(len(valid)) % 2 == 1
        return valid[kept if part == "calibration" else ~kept]

    def learnt(self) -> np.ndarray:
        """Positions of the training and validation rows, in the order of the data."""
        return np.flatnonzero((self.used["split"] != "test").to_numpy())

    @property
    def split_rows(self) -> Rows:
        """The used rows with their parts of the split, as `Task.inner` takes them."""
        table = without_reported(self.used)
        return replace(self.read or Rows(table, answer=self.answer), table=table)

    def judged_rows(self, part: str) -> Judged:
        """The rows of a part in the form needed to score a run on them."""
        rows = self.split_rows.with_table(self.table(part))
        return Judged(rows, self.inputs(part), self.table("train"))

    @property
    def judged(self) -> str:
        """The part used for scoring: test, else valid, else train where nothing is held out."""
        return next((part for part in ("test", "valid") if len(self.rows(part))), "train")

    @property
    def parts(self) -> Parts:
        """The parts that `fit` may use: train, selection and calibration."""
        return Parts(*(self.columns.view(self.rows(part)) for part in PARTS))

    @property
    def fingerprint(self) -> str:
        """Hash of the used rows: contents, labels, parts and weights."""
        columns = ("digest", *self.answer.truths, "split", "weight")
        names = [name for name in columns if name in self.used]
        text = self.used[names].to_json(orient="values", force_ascii=False)
        return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()

    @property
    def units(self) -> Message:
        """The unit in which unusable rows are counted: files, or lines."""
        return refusals.units(self.lines)

    def refusal(self, on_bad: str) -> DataRefused | None:
        """The error that explains why these data cannot be used for training; None if they can.

        With `on_bad` "stop", too many unusable rows are an error, and all of them are printed.
        """
        rows = self.lines or self.found - len(self.ignored)
        stop = refusals.stopped(rows, self.quarantined, self.missing) if on_bad == "stop" else None
        if stop:
            refusals.state_unusable(self.quarantined)
        return stop or self.answer.refuse_checked(self.used)


def prepare(
    task: Task,
    source: Any,
    *,
    seed: int = 0,
    limit: int | None = None,
    mapping: str | Path | dict[str, str | None] | None = None,
    on_bad: str = "stop",
    reading: Reading = AS_FOUND,
    fold: Fold | None = None,
) -> Prepared:
    """Reads, checks and splits the data, computes the facts and encodes every row once.

    `limit` is the maximum number of rows of a part, `mapping` a class mapping. With `fold`, the
    rows are split for that run of a cross-validation. Raises DataRefused where the data cannot be
    used for training at all and, with `on_bad` "fail", for the first unusable row.
    """
    began = time.perf_counter()
    rows, ignored = _read(task, source, reading, mapping)
    found, answer, media = len(rows.table) + len(ignored), rows.answer, media_of(rows.inputs)
    every = rows.with_table(scan(unlabelled.with_problems(rows), media, rows.root))
    good, quarantined = _parted(every.table, every.table["problem"], on_bad)
    good, same = data_duplicates.found(good, answer, media)
    split = _split(rows.with_table(good), seed, limit, fold)
    good = split.table
    refusals.refuse_too_little(rows.with_table(good), every, quarantined, fold is None)
    facts = _learnt(task, rows.with_table(good))
    seconds = {"read": round(time.perf_counter() - began, 3)}
    began = time.perf_counter()
    encoded = _encode(task, without_reported(good), facts, media)
    good, late = _without_failed(good, encoded, on_bad)
    kept, bad = rows.with_table(good), quarantined + late
    gone = refusals.refuse_too_little(kept, every, bad, fold is None)
    _tell([*answer.notices(good), *gone.sentences()])
    seconds["encode"] = round(time.perf_counter() - began, 3)
    return Prepared(
        answer=answer,
        root=rows.root.resolve() if rows.root else None,
        used=good.reset_index(drop=True),
        columns=_columns(encoded, good, task.targets(without_reported(good), facts)),
        facts=facts,
        split_line=split.line,
        found=found,
        quarantined=bad,
        ignored=ignored,
        leaks=split.leaks,
        **vars(same),
        eaten=list(encoded.columns),
        seconds=seconds,
        seed=seed,
        beyond=split.beyond,
        lines=rows.lines,
        read=rows,
        folded=split.folded,
        missing=gone,
    )


def _tell(sentences: Iterable[str]) -> None:
    for sentence in sentences:
        tell(sentence)


def _read(task: Task, source: Any, reading: Reading, mapping: Any) -> tuple[Rows, list[str]]:
    """Reads the rows and applies the class mapping; returns them and the ignored sources.

    Raises DataRefused where there are no rows.
    """
    advance(Message("reading"), 0, 0)
    source, reading = with_table(source, reading)
    rows = source if isinstance(source, Rows) else task.read(source, reading)
    if rows.table.empty:
        where = str(source) if isinstance(source, (str, Path)) else "DataFrame"
        fix = Message("Below the header, add one line for each example.")
        raise DataRefused(Message("The data have no rows"), code="no-rows", where=where, fix=fix)
    rows = rows.with_table(rows.table.reset_index(drop=True))
    for name, column in reported(rows.table).items():
        rows.taken.role("by", name, "--by", rows.table[column].dropna().head(3).tolist())
    names = class_mapping.names_of(mapping)
    mapped, dropped = class_mapping.apply(rows, names)
    if names:
        mapped = replace(mapped, reading=replace(mapped.reading or AS_FOUND, classes=names))
    kept, blank = unlabelled.without_unlabelled(mapped)
    return kept, [*rows.ignored, *dropped, *blank]


def _learnt(task: Task, rows: Rows) -> dict[str, Any]:
    """The facts of the training rows as plain values; `reading` is how the source was read."""
    train = without_reported(rows.part("train").table)
    facts: dict[str, Any] = plain(task.learn(rows.with_table(train)))
    given = rows.reading.to_json()
    return facts | ({"reading": given} if given else {})


def _limited(table: pd.DataFrame, limit: int | None) -> tuple[pd.DataFrame, int]:
    """The first `limit` rows of each part, and the number of rows beyond the limit."""
    kept = table if limit is None else table[table.groupby("split").cumcount() < limit]
    return kept.reset_index(drop=True), len(table) - len(kept)


def _columns(encoded: Encoded, good: pd.DataFrame, answers: dict[str, Any]) -> Columns:
    """Columns of the good rows: encoded inputs, targets (`answers`) and weights."""
    kept = good.index.to_numpy()
    everywhere: dict[str, Any] = {}
    weights = {"weight": good["weight"].to_numpy(np.float32)} if "weight" in good else {}
    rows = len(next(iter(encoded.columns.values())))
    for name, column in (answers | weights).items():
        everywhere[name] = _spread(column, kept, rows)
    return Columns(encoded.columns | everywhere, kept, frozenset(everywhere))


def _spread(column: Column, kept: np.ndarray, rows: int) -> Column:
    """Spreads a column to length `rows`: its rows at positions `kept`, zeros or empty elsewhere."""
    if isinstance(column, Ragged):
        lengths = np.zeros(rows, np.int64)
        lengths[kept] = column.lengths
        return Ragged(column.values, np.concatenate([[0], np.cumsum(lengths)]))
    spread = np.zeros((rows, *column.shape[1:]), column.dtype)
    spread[kept] = column
    return spread


def _parted(
    table: pd.DataFrame, problems: pd.Series, on_bad: str
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """The rows without a problem, and a quarantine entry for each of the others.

    With `on_bad` "fail", raises DataRefused for the first row with a problem.
    """
    bad = problems.notna().to_numpy()
    lines = [
        {
            "source": source,
            "code": problem.code,
            "reason": problem.reason,
            "fix": problem.fix,
            "values": values_of(problem.reason, problem.fix),
        }
        for source, problem in zip(table["source"][bad], problems[bad], strict=True)
    ]
    if lines and on_bad == "fail":
        raise DataRefused(
            Message("{source} {reason}", source=lines[0]["source"], reason=lines[0]["reason"]),
            code=lines[0]["code"],
            where=lines[0]["source"],
            fix=lines[0]["fix"],
        )
    return table[~bad], lines


def _without_failed(
    table: pd.DataFrame, encoded: Encoded, on_bad: str
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """The rows that could be decoded, and a quarantine entry for each of the others."""
    failed = pd.Series([encoded.problems.get(row) for row in range(len(table))], dtype=object)
    return _parted(table.assign(problem=failed.to_numpy()), failed, on_bad)


@dataclass(frozen=True)
class _Split:
    """The rows to use with their parts, a description of the split, and the excluded rows."""

    table: pd.DataFrame
    line: Message
    leaks: list[str]
    beyond: int
    folded: FoldedParts | None = None


def _split(rows: Rows, seed: int, limit: int | None, fold: Fold | None) -> _Split:
    """Splits the rows, removes leaks and applies the limit.

    With `fold`, the limit is applied before the folds are assigned, so that all folds share the
    same rows. Raises UsageError where `fold` is given for data without a held-out part.
    """
    if fold is None:
        parts, line = splits.assign(rows, seed)
        good, leaks = data_duplicates.without_leaks(rows.table.assign(split=parts))
        kept, beyond = _limited(good, limit)
        return _Split(kept, line, leaks, beyond)
    if rows.answer.fits_all(rows.table):
        raise UsageError(
            Message(
                "These data are used for training and scoring without a held-out part, so they "
                "cannot be split into folds"
            ),
            code="bad-setting",
            fix=Message("Leave out --folds."),
        )
    table, beyond = _limited(rows.table.assign(split=folds.basis(rows)), limit)
    folded = folds.assign(rows.with_table(table), seed, fold)
    table = table.assign(split=folded.parts)
    good, leaks = data_duplicates.without_leaks(table[table["split"] != ""])
    return _Split(good.reset_index(drop=True), folded.line, leaks, beyond, folded)


def _encode(
    task: Task, table: pd.DataFrame, facts: dict[str, Any], media: dict[str, Medium]
) -> Encoded:
    name = cache.key(
        [
            name_of(task),
            str(type(task).encoding),
            *[f"{one.name} {one.version}" for one in media.values()],
            digestible(facts["data"]),
            *table["digest"],
        ]
    )
    advance(Message("encoding"), 0, 0)
    known = cache.load(name)
    if known is not None:
        return known
    some = task.encode(_some(table), facts)
    size = sum(column.nbytes for column in some.columns.values()) // min(SEEN, len(table))
    system.need_disk(system.cache_folder(), size * len(table), Message("The encoded data"))
    rows = max(system.cores(), min(CHUNK, CHUNK_BYTES // max(1, size)))
    return cache.store(name, _chunks(task, table, facts, rows))


def _some(table: pd.DataFrame) -> pd.DataFrame:
    """A few evenly spaced rows, used to estimate the encoded size of a row."""
    rows = np.linspace(0, len(table) - 1, min(SEEN, len(table))).astype(np.int64)
    return table.iloc[rows].reset_index(drop=True)


def _chunks(task: Task, table: pd.DataFrame, facts: dict[str, Any], rows: int) -> Iterator[Encoded]:
    for start in range(0, len(table), rows):
        yield task.encode(table.iloc[start : start + rows].reset_index(drop=True), facts)
        advance(Message("decoding"), min(start + rows, len(table)), len(table))
