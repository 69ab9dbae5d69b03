"""Finds the answer, the part, the group and the weight of the rows of a table of files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from tenfold.core.errors import DataRefused, UsageError
from tenfold.core.message import EMPTY, Message
from tenfold.media.files import references
from tenfold.media.files.parts import part_of_folder, parts_of_column
from tenfold.media.files.several import one_hot
from tenfold.media.files.sheets import unusable
from tenfold.media.reading import Reading, column_of, columns_of

__all__ = ["PATHS", "FileRoles", "find", "groups_of", "needed", "once", "roles_of", "weights_of"]

PATHS = (
    "path file filename file_name filepath file_path image_path image name 路径 文件 文件名 图片"
).split()
"""Usual names of a column of files, in any letter case."""
LABELS = (
    "label labels class classes category target tag tags class_name label_name category_name "
    "classname y 标签 类别 分类"
).split()
_GROUPS = "group groups person patient speaker subject scene patient_id person_id 分组".split()
_WEIGHTS = "weight weights sample_weight 权重".split()
_SPLITS = "split part fold subset 划分".split()
"""Names of a column of parts: other values in it are an error."""
_MAYBE_SPLITS = "set dataset usage phase stage partition kfold folds cv_fold split_id".split()
SHOWN = 20
"""Maximum number of column names in a message."""
CLEAR = 0.95
FEW = 1 / 3
"""Most distinct values of a column of labels, as a share of its rows; two are always allowed."""
WIDEST = 2000
"""Maximum number of columns that are examined by their content."""
FOLDS = 25
"""Maximum number of folds in a column of numbers of folds."""


@dataclass
class FileRoles:
    """The columns of a table by role; `flags` are columns of 0 and 1, one for each class.

    `parts` is the part of each row, "" where unknown, or None without such a column; `folds` states
    how numbers of folds were read.
    """

    label: Any | None = None
    flags: list[Any] = field(default_factory=list)
    group: Any | None = None
    weight: Any | None = None
    time: Any | None = None
    split: Any | None = None
    parts: list[str] | None = None
    folds: Message = EMPTY

    @property
    def used(self) -> list[Any]:
        """Returns the columns that have a role."""
        every = (self.label, self.group, self.weight, self.time, self.split)
        return [*self.flags, *(one for one in every if one is not None)]


def roles_of(frame: pd.DataFrame, path: Any, reading: Reading, where: str) -> FileRoles:
    """Returns the roles of the columns: as given by the user, else by name, else by content.

    `path` is the column of files, which has its role. Raises DataRefused where a cell has an
    invalid part, UsageError where several columns could hold the labels.
    """
    roles = FileRoles(label=column_of(reading, "target", frame.columns, where))
    if roles.label is None:
        roles.label = find(frame, LABELS, path, *columns_of(reading, "by", frame.columns, where))
    taken = [path, roles.label, *columns_of(reading, "by", frame.columns, where)]
    for role, words in (("group", _GROUPS), ("weight", _WEIGHTS), ("time", [])):
        column = column_of(reading, role, frame.columns, where)
        column = find(frame, words, *taken) if column is None else column
        setattr(roles, role, column if column is None else once(frame, column, where))
        taken += [column]
    _add_split(roles, frame, taken, reading, where)
    taken += [roles.split]
    if roles.label is None:
        roles.flags = _flags(frame, taken, reading)
    if roles.label is None and not roles.flags and reading.needs_labels:
        roles.label = _by_content(frame, taken, where)
    if roles.label is not None:
        once(frame, roles.label, where)
    return roles


def find(frame: pd.DataFrame, names: Iterable[str], *taken: Any) -> Any | None:
    """Returns the frame's column that matches the earliest of `names`; None if none does."""
    known = {
        str(column).strip().lower(): column
        for column in reversed(list(frame.columns))
        if not any(column is one or column == one for one in taken)
    }
    return next((known[name] for name in names if name in known), None)


def needed(frame: pd.DataFrame, column: str, what: Message, where: str, flag: str) -> DataRefused:
    """Returns the error for a table without a column; `flag` is the flag that names another one."""
    columns = [repr(str(one)) for one in frame.columns]
    shown = ", ".join(columns[:SHOWN]) + (", ..." if len(columns) > SHOWN else "")
    return DataRefused(
        Message(
            "The manifest {manifest} has no column {column!r} ({what}); it has {columns}",
            manifest=where,
            column=column,
            what=what,
            columns=shown,
        ),
        code="missing-column",
        where=where,
        fix=Message(
            "Name the column with {flag}, or rename it to {column!r}.", flag=flag, column=column
        ),
    )


def once(frame: pd.DataFrame, column: Any, where: str) -> Any:
    """Returns the column. Raises DataRefused where the table has it twice."""
    if list(frame.columns).count(column) > 1:
        raise unusable(where, Message("has the column {column!r} twice", column=str(column)))
    return column


def weights_of(column: pd.Series) -> pd.Series:
    """Returns the weights as numbers. Raises DataRefused where one is not a number of 0 or more."""
    weights = pd.to_numeric(column, errors="coerce")
    bad = weights.index[weights.isna() | (weights < 0)]
    if len(bad):
        raise DataRefused(
            Message(
                "{count} weights are not numbers of 0 or more; the first is {first!r}",
                count=len(bad),
                first=column[bad[0]],
            ),
            code="bad-weight",
            where=f"{bad.name} {bad[0]}",
            fix=Message("Write a number such as 1 or 0.5."),
        )
    return weights.astype(float)


def groups_of(column: pd.Series) -> pd.Series:
    """Returns the groups; None for an empty cell."""
    return column.astype(object).where(column.notna() & (column.astype(str) != ""), None)


# --- answers --------------------------------------------------------------------------------------


def _free(frame: pd.DataFrame, taken: Sequence[Any]) -> list[Any]:
    """Returns the columns that can have another role; at most 2000 of a very wide table."""
    used = {str(one) for one in taken if one is not None}
    single = frame.columns[~frame.columns.duplicated(keep=False)]
    return [one for one in single[:WIDEST] if str(one) not in used]


def _flags(frame: pd.DataFrame, taken: Sequence[Any], reading: Reading) -> list[Any]:
    """Returns the columns of 0 and 1 that hold one class each; [] for none.

    A few rows with other cells do not change the decision.
    """
    if stored := reading.found.get("flags"):
        return [name for name in stored if name in frame.columns]
    free = _free(frame, taken)
    flags = {
        name: frame[name].astype(str).str.strip().str.lower().isin(_FLAGS).to_numpy()
        for name in free
    }
    good = {name: cells for name, cells in flags.items() if cells.mean() >= CLEAR}
    if len(good) < 2:
        return []
    kept = pd.DataFrame(good).all(axis=1).to_numpy()
    if kept.mean() < CLEAR:
        return []
    # A column of other cells ends a run of neighbouring columns of flags.
    cells = {n: list(frame[n][kept]) if n in good else [None] * int(kept.sum()) for n in free}
    return one_hot(cells)


_FLAGS = frozenset("0 1 0.0 1.0 true false".split())


def _by_content(frame: pd.DataFrame, taken: Sequence[Any], where: str) -> Any | None:
    """Returns the only column with few distinct values that recur; None where there is none.

    Raises UsageError where several columns have few distinct values.
    """
    fits = []
    for name in _free(frame, taken):
        texts = frame[name].map(_text)
        counts = texts[texts != ""].value_counts()
        if 2 <= len(counts) <= max(2, FEW * len(texts)) and max(map(len, counts.index)) <= 80:
            fits.append(name)
    if len(fits) > 1:
        shown = "; ".join(
            f"--target {_quoted(name)}: {_examples(frame[name])}" for name in fits[:4]
        )
        raise UsageError(
            Message(
                "{count} columns of {table} can be the answer: {readings}",
                count=len(fits),
                table=where,
                readings=shown,
            ),
            code="two-readings",
            where=where,
            fix=Message("Name the column to learn with --target."),
        )
    return fits[0] if fits else None


def _text(cell: Any) -> str:
    return "" if cell is None or cell is pd.NA else str(cell).strip()


def _quoted(name: Any) -> str:
    text = references.printable(str(name))
    return text if re.fullmatch(r"[\w.-]+", text) else repr(text)


def _examples(column: pd.Series) -> str:
    cells = dict.fromkeys(text[:30] for text in column.map(_text) if text)
    return ", ".join(map(references.printable, list(cells)[:3]))


# --- parts ----------------------------------------------------------------------------------------


def _add_split(
    roles: FileRoles, frame: pd.DataFrame, taken: Sequence[Any], reading: Reading, where: str
) -> None:
    """Adds the column of parts to the roles: as given, by a usual name, or by content."""
    if reading.ignores_parts:
        names = (*_SPLITS, *_MAYBE_SPLITS)
        free = _free(frame, taken)
        usual = [one for one in free if str(one).strip().lower() in names]
        held = [one for one in free if len({*(_parts(frame[one]) or {}).values()} - {""}) > 1]
        roles.split = next(iter([*usual, *held]), None)
        return
    given = column_of(reading, "split", frame.columns, where)
    strong = find(frame, _SPLITS, *taken) if given is None else once(frame, given, where)
    free = _free(frame, taken)
    others = [one for one in free if str(one).strip().lower() in _MAYBE_SPLITS] + free
    for name in [strong] if strong is not None else others:
        parts = _parts(frame[name])
        named = name is strong or str(name).strip().lower() in _MAYBE_SPLITS
        if parts is not None and (named or len({*parts.values()} - {""}) > 1):
            roles.split, roles.parts = name, [parts.get(_text(cell), "") for cell in frame[name]]
            return
        if named and (last := _last_fold(frame[name])) is not None:
            texts = frame[name].map(_text)
            roles.split = name
            roles.parts = ["test" if _number(one) == last else "train" for one in texts]
            roles.folds = Message(
                "Column {column!r} holds numbers of folds: the rows of fold {fold} are the test "
                "part (--split none: a random split)",
                column=str(name),
                fold=last,
            )
            return
    if strong is not None:
        raise _bad_split(frame[strong])


def _parts(column: pd.Series) -> dict[str, str] | None:
    """Returns the part of each distinct cell; None where the column does not hold parts."""
    some = [text for text in column.iloc[:20].map(_text) if text]
    if some and parts_of_column(str(column.name), some) is None:
        return None
    return parts_of_column(str(column.name), column)


def _last_fold(column: pd.Series) -> int | None:
    """Returns the largest of the numbers of folds; None where the cells are not such numbers."""
    numbers = {_number(_text(cell)) for cell in column}
    known = [one for one in numbers if one is not None]
    if len(known) < len(numbers) or not 2 <= len(known) <= FOLDS or min(known) not in (0, 1):
        return None
    return max(known)


def _number(text: str) -> int | None:
    return int(float(text)) if re.fullmatch(r"\d{1,3}(\.0)?", text) else None


def _bad_split(column: pd.Series) -> DataRefused:
    texts = column.map(_text)
    bad = texts[[bool(one) and part_of_folder(one) is None for one in texts]]
    return DataRefused(
        Message("The split {value!r} is not one of train, valid, test", value=bad.iloc[0][:80]),
        code="bad-split",
        where=f"{bad.index.name} {bad.index[0]}",
        fix=Message(
            "Write train, valid or test, or leave the cell empty; --split none ignores the column."
        ),
    )
