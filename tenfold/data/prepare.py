"""The order of one training, and of `check`, which is the same without learning.

read -> digests and headers -> exact duplicates and groups -> split -> learn -> one decode pass ->
failed rows masked out. Later findings only mask rows: nothing is split or learnt again.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tenfold.core import system
from tenfold.core.columns import ANSWERS, Column, Columns, Encoded, Parts, Problem, Ragged
from tenfold.core.errors import DataRefused
from tenfold.core.progress import advance, tell
from tenfold.data import cache, class_mapping, splits
from tenfold.data import duplicates as data_duplicates
from tenfold.data.scan import scan
from tenfold.media.registry import columns_of
from tenfold.task import Task, name_of

__all__ = ["Prepared", "prepare"]

ON_BAD = ("stop", "fail", "skip")
PARTS = ("train", "selection", "calibration")
CHUNK, CHUNK_BYTES = 512, 32 << 20
SEEN = 8


@dataclass
class Prepared:
    """A table ready to learn from: `used` rows with their part, and the columns of just those.

    `quarantined` rows have a Problem; `ignored` names were no data at all; `leaks` were left out
    of training because the test holds the same content, or nearly; `beyond` rows stand behind the
    limit. found = used + quarantined + ignored + leaks + beyond.
    """

    root: Path | None
    used: pd.DataFrame
    columns: Columns
    facts: dict[str, Any]
    split_line: str
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
    """Lines that were read, where a row is made of several."""

    def inputs(self, part: str) -> Columns:
        """What the network eats of the rows of a part."""
        return self.columns.only(self.eaten).view(self.rows(part))

    def table(self, part: str) -> pd.DataFrame:
        """The rows of a part."""
        return self.used.iloc[self.rows(part)].reset_index(drop=True)

    def rows(self, part: str) -> np.ndarray:
        """Positions of the rows of train, valid or test; choose and reserve are halves of valid."""
        if part not in ("selection", "calibration"):
            return np.flatnonzero((self.used["split"] == part).to_numpy())
        valid = self.rows("valid")
        kept = splits.reserved(splits.unit_keys(self.used).iloc[valid], self.seed)
        if kept.all() or not kept.any():
            kept = np.arange(len(valid)) % 2 == 1
        return valid[kept if part == "calibration" else ~kept]

    @property
    def parts(self) -> Parts:
        """What learning may see."""
        return Parts(*(self.columns.view(self.rows(part)) for part in PARTS))

    @property
    def fingerprint(self) -> str:
        """One name for exactly these rows, answers and parts."""
        names = [name for name in ("digest", *ANSWERS, "split", "weight") if name in self.used]
        text = self.used[names].to_json(orient="values", force_ascii=False)
        return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()

    @property
    def units(self) -> str:
        """What can be left out: files, or lines of them."""
        return _units(self.lines)

    def refusal(self, on_bad: str) -> DataRefused | None:
        """Why these data cannot be learnt from, if they cannot."""
        rows = self.lines or self.found - len(self.ignored)
        if on_bad == "stop" and len(self.quarantined) > 0.05 * rows:
            return _too_many(rows, self.quarantined, self.units)
        return _too_few(self.used)


def prepare(
    task: Task,
    source: Any,
    *,
    seed: int = 0,
    limit: int | None = None,
    mapping: str | Path | dict[str, str | None] | None = None,
    on_bad: str = "stop",
) -> Prepared:
    """Reads, checks, splits, learns the facts and encodes every row once.

    Raises DataRefused where nothing can be learnt from the data at all.
    """
    began = time.perf_counter()
    table, ignored = _read(task, source, mapping)
    root = Path(table.attrs["root"]).resolve() if table.attrs.get("root") else None
    found, lines = len(table) + len(ignored), table.attrs.get("lines")
    table = scan(_with_blank_problems(table))
    good, quarantined = _parted(table, table["problem"], on_bad)
    good, same = data_duplicates.found(good)
    good, split_line = _split(good, seed)
    good, leaks = data_duplicates.without_leaks(good)
    good, beyond = _limited(good, limit)
    _refuse_too_little(good, quarantined)
    _tell_odd_classes(good)
    facts = json.loads(json.dumps(task.learn(good[good["split"] == "train"])))
    seconds = {"read": round(time.perf_counter() - began, 3)}
    began = time.perf_counter()
    encoded = _encode(task, good, facts)
    good, late = _without_failed(good, encoded, on_bad)
    _refuse_too_little(good, quarantined + late)
    seconds["encode"] = round(time.perf_counter() - began, 3)
    columns = _columns(encoded, good, task.targets(good, facts))
    return Prepared(
        root=root,
        used=good.reset_index(drop=True),
        columns=columns,
        facts=facts,
        split_line=split_line,
        found=found,
        quarantined=quarantined + late,
        ignored=ignored,
        duplicates=same.duplicates,
        near=same.near,
        leaks=leaks,
        conflicts=same.conflicts,
        eaten=list(encoded.columns),
        seconds=seconds,
        seed=seed,
        beyond=beyond,
        lines=lines,
    )


def _read(task: Task, source: Any, mapping: Any) -> tuple[pd.DataFrame, list[str]]:
    """Rows under the names of the mapping, and what is left out as no data at all."""
    table = task.read(source)
    if table.empty:
        where = str(source) if isinstance(source, (str, Path)) else "DataFrame"
        fix = "One line a file is needed below the header."
        raise DataRefused("There is not one row", code="no-rows", where=where, fix=fix)
    ignored = list(table.attrs.get("ignored", []))
    table, dropped = class_mapping.apply(table.reset_index(drop=True), mapping)
    table, blank = _without_blank_tests(table)
    return table, [*ignored, *dropped, *blank]


def _limited(table: pd.DataFrame, limit: int | None) -> tuple[pd.DataFrame, int]:
    """At most so many rows of each part, and how many stand behind them."""
    kept = table if limit is None else table[table.groupby("split").cumcount() < limit]
    return kept.reset_index(drop=True), len(table) - len(kept)


def _columns(encoded: Encoded, good: pd.DataFrame, answers: dict[str, Any]) -> Columns:
    """Inputs of all encoded rows and answers of the good ones, seen as the good ones."""
    kept = good.index.to_numpy()
    everywhere: dict[str, Any] = {}
    weights = {"weight": good["weight"].to_numpy(np.float32)} if "weight" in good else {}
    rows = len(next(iter(encoded.columns.values())))
    for name, column in (answers | weights).items():
        everywhere[name] = _spread(column, kept, rows)
    return Columns(encoded.columns | everywhere, kept)


def _spread(column: Column, kept: np.ndarray, rows: int) -> Column:
    """The rows of a column at their places among `rows`, the others empty."""
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
    """Good rows, and a line for each of the others."""
    bad = problems.notna().to_numpy()
    lines = [
        {"source": source, "reason": problem.reason, "fix": problem.fix, "code": problem.code}
        for source, problem in zip(table["source"][bad], problems[bad], strict=True)
    ]
    if lines and on_bad == "fail":
        raise DataRefused(
            f"{lines[0]['source']} {lines[0]['reason']}",
            code=lines[0]["code"],
            where=lines[0]["source"],
            fix=lines[0]["fix"],
        )
    return table[~bad], lines


def _without_failed(
    table: pd.DataFrame, encoded: Encoded, on_bad: str
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """The rows that could be decoded, and a line for each of the others."""
    failed = pd.Series([encoded.problems.get(row) for row in range(len(table))], dtype=object)
    return _parted(table.assign(problem=failed.to_numpy()), failed, on_bad)


def _without_blank_tests(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """A test part without answers is ignored."""
    if "label" not in table or "split" not in table:
        return table, []
    blank = (table["label"] == "") & (table["split"] == "test")
    return table[~blank].reset_index(drop=True), list(table["source"][blank])


def _with_blank_problems(table: pd.DataFrame) -> pd.DataFrame:
    if "label" not in table or not (table["label"] == "").any():
        return table
    blank = Problem("no-label", "has no label", "Fill it in, or remove the line.")
    problems = [
        blank if label == "" and problem is None else problem
        for label, problem in zip(table["label"], table["problem"], strict=True)
    ]
    return table.assign(problem=pd.Series(problems, table.index, dtype=object))


def _split(table: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, str]:
    parts, line = splits.assign(table, seed)
    return table.assign(split=parts), line


def _encode(task: Task, table: pd.DataFrame, facts: dict[str, Any]) -> Encoded:
    name = cache.key(
        [
            name_of(task),
            str(type(task).encoding),
            *[f"{one.name} {one.version}" for one in columns_of(table).values()],
            json.dumps(facts["data"], sort_keys=True),
            *table["digest"],
        ]
    )
    known = cache.load(name)
    if known is not None:
        return known
    some = task.encode(_some(table), facts)
    size = sum(column.nbytes for column in some.columns.values()) // min(SEEN, len(table))
    system.need_disk(system.cache_folder(), size * len(table), "The encoded data")
    rows = max(system.cores(), min(CHUNK, CHUNK_BYTES // max(1, size)))
    return cache.store(name, _chunks(task, table, facts, rows))


def _some(table: pd.DataFrame) -> pd.DataFrame:
    """A few rows, spread over all: they tell how large a row is."""
    rows = np.linspace(0, len(table) - 1, min(SEEN, len(table))).astype(np.int64)
    return table.iloc[rows].reset_index(drop=True)


def _chunks(task: Task, table: pd.DataFrame, facts: dict[str, Any], rows: int) -> Iterator[Encoded]:
    for start in range(0, len(table), rows):
        yield task.encode(table.iloc[start : start + rows].reset_index(drop=True), facts)
        advance("decoding", min(start + rows, len(table)), len(table))


# --- what is too little to learn from -------------------------------------------------------------


def _units(lines: int | None) -> str:
    return "files" if lines is None else "lines"


def _too_many(rows: int, quarantined: list[dict[str, Any]], units: str) -> DataRefused:
    first, many = quarantined[0], len(quarantined)
    where, reason = first["source"], first["reason"]
    said = {
        "files": f"{many} of {rows} files cannot be used, more than 5 %: "
        f"the first, {where}, {reason}",
        "lines": f"{many} of {rows} lines cannot be used, more than 5 %: "
        f"the first, {where}, {reason}",
    }
    fix = "Mend or remove them (`tenfold check` lists all), or give --on-bad skip."
    return DataRefused(said[units], code="too-many-bad", where=where, fix=fix)


def _none_left(quarantined: list[dict[str, Any]], units: str) -> DataRefused:
    first, many = quarantined[0], len(quarantined)
    where, reason = first["source"], first["reason"]
    said = {
        "files": f"None of the {many} files can be used: the first, {where}, {reason}",
        "lines": f"None of the {many} lines can be used: the first, {where}, {reason}",
    }
    return DataRefused(said[units], code="too-many-bad", where=where, fix=first["fix"])


def _refuse_too_little(table: pd.DataFrame, quarantined: list[dict[str, Any]]) -> None:
    """Raises DataRefused where no network can be built from these rows."""
    if table.empty and quarantined:
        raise _none_left(quarantined, _units(table.attrs.get("lines")))
    answers = table["labels"].explode().dropna() if "labels" in table else table.get("label")
    if answers is not None and answers.nunique() < (1 if "labels" in table else 2):
        raise _one_class(answers)
    if not (table["split"] == "train").any():
        raise DataRefused(
            "No row is left to learn from: all are copies of one another, belong to one group, "
            "or stand in validation or test as well",
            code="no-training-rows",
            fix="Remove the copies from the test part, or give groups of more than one name.",
        )


def _one_class(answers: pd.Series) -> DataRefused:
    only = f"only one class, {answers.iloc[0]!r}" if len(answers) else "no class"
    return DataRefused(
        f"There is {only}: nothing to tell apart",
        code="one-class",
        fix="Add examples of a second class.",
    )


def _tell_odd_classes(table: pd.DataFrame) -> None:
    """Classes that look like one, and classes that nothing is learnt of."""
    if "label" not in table:
        return
    alike = table["label"].drop_duplicates().groupby(lambda row: table["label"][row].casefold())
    for _, names in alike:
        if len(names) > 1:
            both = " and ".join(map(repr, sorted(names)))
            tell(f"Classes {both} differ in case alone; a mapping (--classes) can merge them.")
    unseen = set(table["label"]) - set(table["label"][table["split"] == "train"])
    for name in sorted(unseen):
        if (table["label"] == name).sum() >= 2:
            tell(f"Class {name!r} has no training rows: every row of it counts as an error.")


def _too_few(used: pd.DataFrame) -> DataRefused | None:
    if "label" not in used:
        return None
    counts = used["label"].value_counts()
    few = counts[counts < 2]
    if few.empty:
        return None
    return DataRefused(
        f"Class {few.index[0]!r} has a single example"
        + (f", and {len(few) - 1} more classes too" if len(few) > 1 else ""),
        code="class-of-one",
        where=str(few.index[0]),
        fix="Add examples, or drop or merge the class with --classes (see `tenfold check --help`).",
    )
