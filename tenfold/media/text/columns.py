"""Finds the columns of a table that hold texts and labels: as given, else by name or content."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tenfold.core.errors import DataRefused, UsageError, nearest
from tenfold.core.message import Message
from tenfold.media.files.parts import fold_numbers, parts_of_column
from tenfold.media.files.records import RecordTable
from tenfold.media.files.several import flagged, one_hot, written
from tenfold.media.reading import AS_FOUND, Reading, column_of, columns_of, listed_names

__all__ = ["OTHERS", "Roles", "known", "known_to", "roles"]

TEXTS = (
    "text sentence review comment content body message document tweet question query title "
    "headline subject description abstract summary news utterance phrase "
    "文本 内容 评论 评价 句子 正文 标题 摘要 描述 新闻 问题"
).split()
LABELS = (
    "label labels class classes category categories target sentiment topic intent tag tags cats "
    "label_name label_text rating stars polarity y "
    "标签 类别 分类 情感 主题 意图"
).split()
OFTEN = frozenset(
    "outcome result results verdict decision department priority severity genre emotion stance "
    "type kind reason status 结果 部门 类型".split()
)
"""Words of names of columns that are often learnt, after those of LABELS."""
SELDOM = frozenset(
    "country lang language locale city state region area from to sender gender sex age year month "
    "day date source platform device site keyword location airline user author url id name "
    "国家 语言 城市 地区 性别 来源".split()
)
"""Words in names of columns that are seldom the target: chosen only without another candidate."""
OTHERS = {
    "group": "group groups author user thread 分组".split(),
    "weight": "weight weights sample_weight 权重".split(),
    "split": "split part fold folds kfold subset set dataset partition usage 划分".split(),
    "time": list[str](),  # only as given by the user
}
FOLDS = frozenset("fold folds kfold split subset".split())
"""Names of columns whose numbers are those of folds."""
FEW = 0.2
"""Most distinct values of a column of labels, as a share of its rows; two are always allowed."""
LONG = 12
"""Least mean number of characters of a column without another role that is used as text."""
ENOUGH = 10
"""Minimum number of rows for which few distinct values show that a column does not hold texts."""


@dataclass(frozen=True)
class Roles:
    """Column positions by role.

    The columns `texts` are joined to one text; `label` is None where the table has no labels, or
    where the columns `flags` hold one class each. `others` maps the roles group, weight, split and
    time to their columns. `also` are columns that could be the label too, `unused` those without a
    role, `by` maps the names of the columns that scores are reported by to their positions.
    """

    texts: list[int]
    label: int | None
    others: dict[str, int] = field(default_factory=dict)
    flags: list[int] = field(default_factory=list)
    also: list[int] = field(default_factory=list)
    unused: list[int] = field(default_factory=list)
    by: dict[str, int] = field(default_factory=dict)


def known(name: str) -> bool:
    """Returns True for a usual name of a column of texts or labels."""
    return name.strip().lower() in _WORDS


_WORDS = frozenset([*TEXTS, *LABELS])


def known_to(reading: Reading) -> Callable[[str], bool]:
    """Returns a function that is True for a usual column name and for one given or found before.

    A first line that contains such a name is a header.
    """
    named = [*reading.roles.values(), reading.found.get("target", "")]
    texts = [*listed_names(reading.given.get("text")), *listed_names(reading.found.get("text"))]
    given = {str(one).strip().lower() for one in [*named, *texts, *reading.by]} - {""}
    given = {one for one in given if not one.isdigit()}
    return lambda name: name.strip().lower() in given or known(name)


def roles(
    table: RecordTable, name: str, needs_label: bool = True, reading: Reading = AS_FOUND
) -> Roles:
    """Returns the role of each column: as given by the user, else by its name or its content.

    Raises UsageError where a given column is missing, or a column could be label or text;
    DataRefused where no column can hold texts, or with `needs_label` none can hold labels.
    """
    found = _Columns(table, name, reading)
    label, flags = found.answers(needs_label)
    texts = found.texts(label, flags, needs_label)
    if not texts:
        raise _missing(table, name, "text")
    if needs_label and label is None and not flags:
        raise _missing(table, name, "label")
    used = {*texts, *flags, *found.others.values(), *found.by.values()} | (
        {label} if label is not None else set()
    )
    also = [at for at in found.few if at not in used] if label is not None else []
    unused = [at for at in range(len(table.names)) if at not in used]
    given = bool(reading.value("target"))
    return Roles(texts, label, found.others, flags, [] if given else also, unused, found.by)


class _Columns:
    """The columns of a table with what their first cells show."""

    def __init__(self, table: RecordTable, name: str, reading: Reading) -> None:
        self.table, self.name, self.reading = table, name, reading
        self.lower = [one.strip().lower() for one in table.names]
        rows = [one.cells for one in table.head if one.problem is None]
        self.cells = [[row[at] for row in rows] for at in range(len(table.names))]
        self.words = [[_said(cell) for cell in column] for column in self.cells]
        self.given = {
            role: table.names.index(column)
            for role in ("target", *OTHERS)
            if (column := column_of(reading, role, table.names, name)) is not None
        }
        texts = columns_of(reading, "text", table.names, name)
        self.given_texts = [table.names.index(one) for one in texts]
        by = columns_of(reading, "by", table.names, name)
        self.by = {one: table.names.index(one) for one in by}
        self.others = self._others()
        taken = {*self.given.values(), *self.given_texts, *self.others.values(), *self.by.values()}
        self.free = [at for at in range(len(self.lower)) if at not in taken and self.full(at)]
        self.few = [at for at in self.free if self.is_few(at)]

    def full(self, at: int) -> bool:
        """Returns True for a column with content that is not nested; empty ones are not chosen."""
        return any(self.words[at]) and not self.nested(at)

    def nested(self, at: int) -> bool:
        """Returns True where a column has objects, or lists that cannot be the answers of a row.

        An odd cell in a column of names does not count.
        """
        bad = [
            (isinstance(cell, Mapping) and flagged(cell) is None)
            or (isinstance(cell, list) and any(isinstance(one, (dict, list)) for one in cell))
            for cell in self.cells[at]
        ]
        return sum(bad) > 0.05 * max(1, sum(map(bool, self.words[at])))

    def is_few(self, at: int) -> bool:
        """Returns True where few distinct values are repeated, as the names of classes are."""
        words = [word for word in self.words[at] if word]
        count = len(set(words))
        return len(self.words) > 1 and 1 < count <= max(2, FEW * len(words))

    def length(self, at: int) -> float:
        return sum(map(len, self.words[at])) / max(1, len(self.words[at]))

    def _others(self) -> dict[str, int]:
        """Returns the columns of group, weight, split and time: as given, else by name."""
        taken = {*self.given.values(), *self.given_texts, *self.by.values()}
        found = {role: at for role, at in self.given.items() if role in OTHERS}
        for role in ("group", "weight", "split"):
            fits = {"group": self._groups, "weight": self._numbers, "split": self._parts}[role]
            names = [self.lower.index(one) for one in OTHERS[role] if one in self.lower]
            free = [at for at in names if at not in {*taken, *found.values()}]
            if role not in found and (at := next(filter(fits, free), None)) is not None:
                found[role] = at
        if "split" not in found and self.table.header:
            free = [at for at, one in enumerate(self.lower) if one not in _WORDS]
            free = [at for at in free if at not in {*taken, *found.values()}]
            if (at := next((one for one in free if self._parted(one)), None)) is not None:
                found["split"] = at
        return found

    def _groups(self, at: int) -> bool:
        return len({*self.words[at]} - {""}) > 1

    def _numbers(self, at: int) -> bool:
        return sum(map(_is_number, self.words[at])) > 0.5 * len(self.words[at])

    def _parts(self, at: int) -> bool:
        """Returns True where most cells are parts, or the numbers of folds."""
        words = [word for word in self.words[at] if word]
        parted = [word for word in words if parts_of_column(self.table.names[at], [word])]
        return len(words) > 0 and (2 * len(parted) >= len(words) or self._folds(at))

    def _folds(self, at: int) -> bool:
        return self.lower[at] in FOLDS and bool(fold_numbers(self.words[at]))

    def _parted(self, at: int) -> bool:
        told = {word for word in self.words[at] if word}
        return len(told) < 20 and parts_of_column(self.table.names[at], told) is not None

    # --- labels ---

    def answers(self, needed: bool) -> tuple[int | None, list[int]]:
        """Returns the column of labels, or the columns of flags that hold one class each."""
        if (at := self.given.get("target")) is not None:
            if self.nested(at):
                raise self._nested(at)
            return at, []
        if held := self._held_flags():
            return None, held
        if not needed and (self.reading.found.get("target") or self.reading.found.get("flags")):
            return None, []
        named = [self.lower.index(one) for one in LABELS if one in self.lower]
        taken = {*self.given_texts, *self.others.values(), *self.by.values()}
        named = [at for at in named if at not in taken]
        if (at := next((one for one in named if self.full(one)), None)) is not None:
            return at, []
        if (at := next((one for one in named if self.nested(one)), None)) is not None:
            raise self._nested(at)
        flags = one_hot({str(at): self.words[at] for at in self.free})
        if flags and self.table.header:
            return None, [int(at) for at in flags]
        if not needed and (self.given_texts or any(self._is_text(at) for at in self.free)):
            return None, []
        return (self._likely() if self.reading.needs_labels else None), []

    def _held_flags(self) -> list[int]:
        """Returns the columns that held one class each in training, if the table has them all."""
        names = [str(one) for one in self.reading.found.get("flags") or []]
        return [self.table.names.index(one) for one in names] if (
            {*names} <= {*self.table.names}) else []  # fmt: skip

    def _likely(self) -> int | None:
        """Returns the column of few distinct values that is most likely the label, or None."""
        few = [at for at in self.few if self.lower[at] not in TEXTS] or self._ambiguous()
        if not few:
            return None
        if not self.table.header:
            return min(few, key=self.length)
        return max(few, key=lambda at: (_rank(self.table.names[at]), self.length(at) < 40, at))

    def _ambiguous(self) -> list[int]:
        """Returns the columns named like texts that have few distinct values."""
        return [at for at in self.few if self.lower[at] in TEXTS]

    # --- texts ---

    def _is_text(self, at: int) -> bool:
        name = self.lower[at]
        return name in TEXTS or (bool({*_parts_of(name)} & {*TEXTS}) and self.length(at) >= LONG)

    def texts(self, label: int | None, flags: list[int], needed: bool) -> list[int]:
        """Returns the columns of texts. Raises UsageError where one could be label or text."""
        if self.given_texts:
            return self.given_texts
        free = [at for at in self.free if at != label and at not in flags]
        sure = [at for at in free if not (at in self.few and len(self.words[at]) >= ENOUGH)]
        named = [at for at in sure if self.lower[at] in TEXTS]
        named = named or [at for at in sure if self._is_text(at)]
        if named:
            return named
        sure = [at for at in sure if not self._is_mark(at)] or sure
        long = [at for at in sure if self.length(at) >= LONG]
        if long or sure:
            return long or sorted(sure, key=lambda at: -self.length(at))[:1]
        left = sorted(free, key=lambda at: -self.length(at))[:1]
        asked = label is not None and "target" not in self.given and needed
        if left and asked and self.lower[label or 0] not in LABELS:
            raise self._two_readings(label or 0, left[0])
        return left

    def _is_mark(self, at: int) -> bool:
        """Returns True for a column of numbers, dates, addresses or ids: no texts."""
        marks = re.compile(r"[\d\s.,:+/TZ-]+|https?://\S+|\S+@\S+|[0-9a-f-]{16,}", re.I)
        words = [word for word in self.words[at] if word]
        return sum(bool(marks.fullmatch(word)) for word in words) > 0.9 * len(words)

    # --- what is refused ---

    def _two_readings(self, label: int, text: int) -> UsageError:
        one, other = self.table.names[label], self.table.names[text]
        row = next((r for r in zip(self.words[label], self.words[text], strict=True) if all(r)),
                   ("", ""))  # fmt: skip
        return UsageError(
            Message(
                "In {name}, column {one!r} could be the label and {other!r} the text ({first!r} "
                "for the text {second!r}), or the other way round",
                name=self.name,
                one=one,
                other=other,
                first=row[0][:60],
                second=row[1][:60],
            ),
            code="two-readings",
            where=self.name,
            fix=Message(
                "Give --target {one} --text {other}, or the reverse.", one=one, other=other
            ),
        )

    def _nested(self, at: int) -> DataRefused:
        cell = next(one for one in self.cells[at] if isinstance(one, (Mapping, list)))
        return DataRefused(
            Message(
                "Column {column!r} of {name} holds objects, not names of classes: {cell}",
                column=self.table.names[at],
                name=self.name,
                cell=_shown(cell),
            ),
            code="nested-cell",
            where=self.name,
            fix=Message(
                "Write the name of the class in the cell, a list of names, or an object with 0 or "
                "1 for each class; --target names another column."
            ),
        )


def _parts_of(name: str) -> list[str]:
    return [word for word in re.split(r"[\W_]+", name.strip().lower()) if word]


def _rank(name: str) -> int:
    """Returns how likely a column with few values is the label, by the words of its name."""
    words = {*_parts_of(name)}
    if words & {*LABELS}:
        return 3
    if words & OFTEN:
        return 2
    return 0 if words & SELDOM else 1


def _said(cell: Any) -> str:
    return written(cell) if cell is None or not isinstance(cell, str) else cell.strip()


def _is_number(text: str) -> bool:
    try:
        return bool(text) and float(text) == float(text)
    except ValueError:
        return False


def _shown(cell: Any) -> str:
    text = " ".join(str(cell).split())
    return text if len(text) <= 80 else f"{text[:77]}..."


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
            "Give --{flag} with the name of the right column, or rename it to {column!r}.{near}",
            flag="text" if what == "text" else "target",
            column=what,
            near=near,
        ),
    )
