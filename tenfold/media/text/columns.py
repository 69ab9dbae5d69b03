"""Finds the columns of a table that hold texts and labels: by name, else by content."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tenfold.core.errors import DataRefused, nearest
from tenfold.core.message import Message
from tenfold.media.files.records import RecordTable
from tenfold.media.reading import AS_FOUND, Reading, column_of, columns_of

__all__ = ["OTHERS", "Roles", "known", "roles"]

TEXTS = (
    "text sentence review comment content body message document tweet question query title "
    "headline subject description abstract summary news utterance phrase "
    "文本 内容 评论 评价 句子 正文 标题 摘要 描述 新闻 问题"
).split()
LABELS = (
    "label labels class classes category categories target sentiment topic intent tag tags "
    "label_name label_text rating stars polarity y "
    "标签 类别 分类 情感 主题 意图"
).split()
OTHERS = {
    "group": "group groups author user thread 分组".split(),
    "weight": "weight weights sample_weight 权重".split(),
    "split": "split part fold subset 划分".split(),
    "time": list[str](),  # only as given by the user
}
FEW = 0.2
"""Most distinct values of a column of labels, as a share of its rows; two are always allowed."""
LONG = 12
"""Least mean number of characters of a column without another role that is used as text."""


@dataclass(frozen=True)
class Roles:
    """Column positions by role.

    The columns `texts` are joined to one text; `label` is None where the table has no labels;
    `others` maps the roles group, weight, split and time to their columns, `by` the names of the
    columns that scores are reported by.
    """

    texts: list[int]
    label: int | None
    others: dict[str, int] = field(default_factory=dict)
    by: dict[str, int] = field(default_factory=dict)


def known(name: str) -> bool:
    """Returns True for a usual name of a column of texts or labels."""
    return name.strip().lower() in _WORDS


_WORDS = frozenset([*TEXTS, *LABELS])


def known_to(reading: Reading) -> Callable[[str], bool]:
    """Returns a function that is True for a usual column name and for one given by the user.

    A first line that contains such a name is a header.
    """
    given = {*reading.roles.values(), *reading.by}
    return lambda name: name.strip() in given or known(name)


def roles(
    table: RecordTable, name: str, needs_label: bool = True, reading: Reading = AS_FOUND
) -> Roles:
    """Returns the role of each column: as given by the user, else by its name or its content.

    Raises DataRefused where no column can hold texts, or with `needs_label` no column can hold
    labels.
    """
    lower = [one.strip().lower() for one in table.names]
    given = {
        role: table.names.index(column)
        for role in reading.to_json()
        if (column := column_of(reading, role, table.names, name)) is not None
    }
    by = {one: table.names.index(one) for one in columns_of(reading, "by", table.names, name)}
    taken = {*given.values(), *by.values()}
    others = {
        role: lower.index(word)
        for role, words in OTHERS.items()
        for word in words
        if word in lower and lower.index(word) not in given.values()
    } | {role: at for role, at in given.items() if role in OTHERS}
    label = given.get("target", _first([*lower], LABELS, {*others.values(), *by.values()}))
    texts = [at for at, one in enumerate(lower) if one in TEXTS and at not in (label, *taken)]
    columns = _columns(table)
    free = [at for at in range(len(lower)) if at not in (label, *others.values(), *by.values())]
    if label is None and (needs_label or not texts):
        label = _few(columns, [at for at in free if at not in texts])
    if not texts:
        free = [at for at in free if at != label]
        texts = [at for at in free if _length(columns[at]) >= LONG]
        texts = texts or sorted(free, key=lambda at: -_length(columns[at]))[:1]
    if not texts or (needs_label and label is None):
        raise _missing(table, name, "label" if texts else "text")
    return Roles(texts, label, others, by)


def _first(names: list[str], words: list[str], taken: set[int]) -> int | None:
    places = (names.index(word) for word in words if word in names)
    return next((at for at in places if at not in taken), None)


def _columns(table: RecordTable) -> list[list[str]]:
    rows = [one.cells for one in table.head if one.problem is None]
    return [[_said(row[at]) for row in rows] for at in range(len(table.names))]


def _said(cell: Any) -> str:
    return "" if cell is None else str(cell)


def _length(column: list[str]) -> float:
    return sum(map(len, column)) / max(1, len(column))


def _few(columns: list[list[str]], free: list[int]) -> int | None:
    """Returns the column with the shortest cells of those with few distinct values, or None."""
    fit = [
        at
        for at in free
        if len(columns) > 1 and len(set(columns[at])) <= max(2, FEW * len(columns[at]))
    ]
    return min(fit, key=lambda at: _length(columns[at])) if fit else None


def _missing(table: RecordTable, name: str, what: str) -> DataRefused:
    has = ", ".join(map(repr, table.names[:20]))
    near = nearest(what, table.names) if table.header else ""
    near = f" {near}" if near.startswith("Did") else ""
    return DataRefused(
        Message(
            "{name} has no column {missing!r} and none with a similar name; it has {columns}",
            name=name,
            missing=what,
            columns=has,
        ),
        code="missing-column",
        where=name,
        fix=Message(
            "Rename the right column to {column!r} in the header.{near}", column=what, near=near
        ),
    )
