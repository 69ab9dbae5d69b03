"""Finds the column of tokens, of tags and of sentence numbers by the content of a file."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from tenfold.core.errors import UsageError
from tenfold.core.message import Message
from tenfold.core.rows import BY
from tenfold.media.files.parts import parts_of_column
from tenfold.media.reading import column_of
from tenfold.media.text import brackets
from tenfold.media.text.tags.row import Findings

__all__ = ["Cells", "Layout", "is_tag_column", "is_token_name", "layout_of"]

_TOKENS = "token tokens word words form text term 词 字 词语 单词 単語 wort mot palabra".split()
_TAGS = (
    "tag tags label labels ner nertag nertags entity entities iob bio biotag target 标签 标注 实体 "
    "etiqueta etiquette"
).split()
_SENTENCE = re.compile(
    r"(sent|sents|sentence|sentences|seq|sequence|satz|phrase|oracion|frase|句子|句|文)"
    r"(id|no|nr|num|number|idx|index|nummer|编号|序号|番号)?|sid"
)
_DOCUMENT = re.compile(r"(doc|document|article|file|abstract|文档|文章)(id|no|nr|num|number|name)?")
_SPLITS = frozenset("split part subset fold partition set".split())
_SPAN_TAG = re.compile(r"O|[BIMESLU][-_].+")
CLEAR = 0.95
"""Share of the cells of a column that decides its role."""

Cells = Sequence[str]


@dataclass(frozen=True)
class Layout:
    """Positions of the columns of a file.

    `divides` are the columns whose change begins a sentence, `filled` is True where they are empty
    but in the first row of a sentence. `counter` counts the tokens of a sentence. `more` are the
    columns of split, group, time, weight and `by:NAME`.
    """

    width: int
    token: int
    tag: int | None
    names: tuple[str, ...] = ()
    divides: tuple[int, ...] = ()
    filled: bool = False
    counter: int | None = None
    more: dict[str, int] = field(default_factory=dict)


def plain_name(name: str) -> str:
    """Returns a column name in lower case, without spaces and signs."""
    return re.sub(r"[\W_]+", "", name.lower())


def is_token_name(name: str) -> bool:
    """Returns True for a usual name of a column of tokens, tags or sentence numbers."""
    plain = plain_name(name)
    return plain in _TOKENS or plain in _TAGS or bool(_SENTENCE.fullmatch(plain))


def is_tag_column(cells: Cells) -> bool:
    """Returns True where nearly all cells are tags of spans, such as O, B-PER or (PER*, *, *)."""
    if brackets.is_bracketed(cells):
        return True
    fits = sum(bool(_SPAN_TAG.fullmatch(cell)) for cell in cells)
    typed = [cell for cell in cells if cell != "O" and _SPAN_TAG.fullmatch(cell)]
    return bool(typed) and fits >= CLEAR * len(cells)


def layout_of(
    sentences: list[list[Cells]], names: tuple[str, ...], findings: Findings, file: str
) -> Layout:
    """Returns the roles of the columns.

    `sentences` holds the rows at the beginning of the file, divided at its empty lines; `names` are
    those of the header, () without one. Raises UsageError where a given column does not exist.
    """
    rows = [row for one in sentences for row in one]
    width = len(rows[0]) if rows else len(names)
    columns = [[str(row[at]).strip() for row in rows] for at in range(width)]
    shown = names or tuple(str(at + 1) for at in range(width))
    given = {role: _given(role, shown, findings, file) for role in ("token", "target")}
    more = _more(shown, columns, findings, file)
    plain = [plain_name(name) for name in names]
    counters = {at for at in range(width) if _counts(at, sentences)}
    kept = {given["token"], given["target"]}
    divides, filled = ((), False) if len(sentences) > 1 else _divided(plain, columns, kept)
    out = counters | {*divides, *more.values()}
    constant = {at for at in range(width) if _constant(at, sentences)}
    out |= constant if width - len(out | constant) > 1 else set()
    out |= {at for at in range(len(plain)) if _DOCUMENT.fullmatch(plain[at])}
    free = [at for at in range(width) if at not in out] or [*range(width)]
    tag = given["target"]
    if tag is None:
        tag = _tag(plain, columns, [at for at in free if at != given["token"]])
    token = given["token"]
    if token is None:
        token = _token(plain, columns, [at for at in free if at != tag])
    counter = min(counters - {token, tag}, default=None)
    return Layout(width, token, tag, names, divides, filled, counter, more)


def _given(role: str, names: tuple[str, ...], findings: Findings, file: str) -> int | None:
    """Returns the position of a column given by its name, or by its number from 1."""
    reading = findings.reading
    wanted = reading.roles.get(role, "")
    if wanted.isdigit() and wanted not in names and 1 <= int(wanted) <= len(names):
        return int(wanted) - 1
    found = column_of(reading, role, names, file)
    return None if found is None else names.index(found)


def _more(
    names: tuple[str, ...], columns: list[list[str]], findings: Findings, file: str
) -> dict[str, int]:
    """Returns the positions of the columns of split, group, time, weight and by."""
    reading = findings.reading
    found = {role: _given(role, names, findings, file) for role in MORE}
    found |= {f"{BY}{name}": _by(name, names, file) for name in reading.by}
    if found["split"] is None:
        splits = (at for at, name in enumerate(names) if plain_name(name) in _SPLITS)
        found["split"] = next(
            (at for at in splits if parts_of_column(names[at], columns[at])), None
        )
    return {role: at for role, at in found.items() if at is not None}


MORE = ("split", "group", "time", "weight")


def _by(wanted: str, names: tuple[str, ...], file: str) -> int:
    for at, name in enumerate(names):
        if name.strip().lower() == wanted.strip().lower():
            return at
    raise UsageError(
        Message(
            "{table} has no column {column!r}, given with --{role}",
            table=file,
            column=wanted,
            role="by",
        ),
        code="missing-column",
        where=file,
    )


def _counts(at: int, sentences: list[list[Cells]]) -> bool:
    """Returns True for a column that counts the rows, of each sentence or of the file."""
    steps = right = ones = 0
    for rows in sentences:
        cells = [str(row[at]).strip() for row in rows]
        numbers = [int(cell) if cell.isdecimal() else None for cell in cells]
        for before, after in zip([None, *numbers], numbers, strict=False):
            ones += after is not None and before is not None and after == before + 1
            right += after in (0, 1) or (before is not None and after == before + 1)
            steps += 1
    return steps > 1 and right >= CLEAR * steps and ones >= 0.4 * steps


def _constant(at: int, sentences: list[list[Cells]]) -> bool:
    """Returns True for a column with a single value in each sentence, apart from O and *."""
    long = [one for one in sentences if len(one) > 1]
    same = [one for one in long if len({row[at] for row in one}) == 1]
    values = {one[0][at] for one in same}
    return len(long) > 1 and len(same) >= CLEAR * len(long) and not values & {"O", brackets.OUTSIDE}


def _divided(
    plain: list[str], columns: list[list[str]], kept: set[int | None]
) -> tuple[tuple[int, ...], bool]:
    """Returns the columns that divide the tokens into sentences, () where there are none.

    A sentence begins where the value of such a column changes. The column has a usual name, or its
    values fit: filled at the first token only, or the same for all tokens of a sentence. The second
    result is True where it is filled at the first token only.
    """
    named = [at for at, name in enumerate(plain) if _SENTENCE.fullmatch(name) and at not in kept]
    named = [at for at in named if _runs(columns[at]) or _first_only(columns[at])]
    documents = [at for at, name in enumerate(plain) if _DOCUMENT.fullmatch(name)]
    if named:
        return (named[0], *documents), _first_only(columns[named[0]])
    free = [at for at in range(len(columns)) if at not in kept and at not in documents]
    firsts = [at for at in free if _first_only(columns[at])]
    if firsts:
        return (firsts[0], *documents), True
    ordered = [at for at in free if _rising(columns[at])]
    if ordered:
        return (max(ordered, key=lambda at: len(set(columns[at]))), *documents), False
    return (), False


def _first_only(cells: list[str]) -> bool:
    """Returns True where most cells are empty, and the first one and others are distinct."""
    filled = [cell for cell in cells if cell]
    return (
        bool(cells)
        and bool(cells[0])
        and 0 < len(filled) <= 0.6 * len(cells)
        and len(set(filled)) >= CLEAR * len(filled)
    )


def _runs(cells: list[str]) -> bool:
    """Returns True where the rows of each value are two or more consecutive rows."""
    changes = 1 + sum(one != two for one, two in itertools.pairwise(cells))
    return all(cells) and 2 * changes <= len(cells)


def _rising(cells: list[str]) -> bool:
    """Returns True for runs of equal whole numbers, each run 1 more than the one before."""
    if not _runs(cells) or not all(cell.isdecimal() for cell in cells) or len(set(cells)) < 2:
        return False
    numbers = [int(cell) for cell in cells]
    return all(0 <= two - one <= 1 for one, two in itertools.pairwise(numbers))


# --- tokens and tags ------------------------------------------------------------------------------


def _tag(plain: list[str], columns: list[list[str]], free: list[int]) -> int | None:
    """Returns the column of tags: with tags of spans, with a usual name, or with few values."""
    spans = [at for at in free if is_tag_column(columns[at])]
    named = [at for at in free if at < len(plain) and plain[at] in _TAGS]
    for few in ([at for at in spans if at in named], spans, named):
        if few and brackets.is_bracketed(columns[few[-1]]):
            return next((at for at in few if _flat(columns[at])), few[0])
        if few:
            return few[-1]
    if len(free) < 2:
        return None
    distinct = {at: len(set(columns[at])) for at in free}
    outside = [at for at in free if columns[at].count("O") >= 0.3 * len(columns[at]) > 0]
    outside = [at for at in outside if distinct[at] > 1]
    if outside:
        return outside[-1]
    last = free[-1]
    least = min((at for at in free if distinct[at] > 1), key=lambda at: distinct[at], default=last)
    return least if distinct[last] > max(20, 3 * distinct[least]) else last


def _flat(cells: list[str]) -> bool:
    """Returns True where hardly a cell begins more than one span, as those of syntax do."""
    return sum(cell.count("(") > 1 for cell in cells) <= (1 - CLEAR) * len(cells)


def _token(plain: list[str], columns: list[list[str]], free: list[int]) -> int:
    """Returns the column of tokens: with a usual name, else the first with many values."""
    named = [at for at in free if at < len(plain) and plain[at] in _TOKENS]
    if named:
        return min(named, key=lambda at: _TOKENS.index(plain[at]))
    if not free:
        return 0
    distinct = {at: len(set(columns[at])) for at in free}
    return next(at for at in free if 2 * distinct[at] >= max(distinct.values()))
