"""Several answers in one row: lists, separated texts, objects of flags, and columns of flags.

The form is decided once for a column. Combinations of answers are never classes of their own
without a message.
"""

from __future__ import annotations

import ast
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tenfold.core.message import EMPTY, Message
from tenfold.media.files import references

__all__ = ["FORMS", "Several", "combined", "flagged", "hot", "one_hot", "several_of", "written"]

FORMS = {
    "list": r"^$",
    "flags": r"^$",
    "|": r"\s*\|\s*",
    ";": r"\s*[;；]\s*",
    ",": r"\s*[,，、]\s*",
    " ": r"\s+",
}
"""Forms of several answers in a cell, with the pattern that separates the answers of a text."""
CLEAR = 0.95
"""Least share of the cells, or of the parts of cells, that must fit a form."""
LONGEST = 40
"""Maximum number of characters of one of several answers separated by `,`, `;` or a space."""
FEWEST = 3
"""Least number of neighbouring columns of flags that are read as several answers a row."""


@dataclass(frozen=True)
class Several:
    """The answers of each row, sorted and without repetition, and how they were read.

    `form` is a key of FORMS. `exclusive` is True where each row that has an answer has exactly one,
    in a form that does not need a separator: the rows then have one answer each.
    """

    form: str
    rows: list[tuple[str, ...]]
    exclusive: bool
    said: Message


def written(value: Any) -> str:
    """Returns the name of a class as written in a cell: "" where the cell is empty."""
    if value is None or value != value:  # NaN is not equal to itself
        return ""
    whole = isinstance(value, float) and value.is_integer()
    text = str(int(value)) if whole else str(value)
    return references.speakable(unicodedata.normalize("NFC", text.strip()))


def several_of(values: Sequence[Any], form: str = "") -> Several | None:
    """Returns the answers of each row where the column holds several answers a row, else None.

    One form is decided for the whole column: lists (also as JSON in a text), objects such as
    {"cat": 1, "dog": 0}, or texts with one separator whose parts recur. `form` is the form decided
    earlier for the same answers, such as in training: the column then holds several, too.
    """
    if (found := _structured(values, form if form in ("list", "flags") else "")) is not None:
        return found
    texts = [written(value) for value in values]
    chosen = form if form in _SEPARATORS else next((s for s in _SEPARATORS if _fits(texts, s)), "")
    if not chosen and not form:
        return None
    chosen = chosen or "|"
    rows = [_sorted(re.split(FORMS[chosen], text)) for text in texts]
    count, classes = sum(len(row) > 1 for row in rows), len({one for row in rows for one in row})
    said = Message(
        "Answers in a cell are separated by {separator!r}: {count} rows have more than one of the "
        "{classes} classes",
        separator=chosen,
        count=count,
        classes=classes,
    )
    return Several(chosen, rows, False, said)


def combined(values: Sequence[Any]) -> Message:
    """Returns a sentence about classes that look like combinations of others; empty for none.

    `values` are the cells of a column that does not hold several answers a row.
    """
    texts = {text for text in map(written, values) if text}
    for separator in _SEPARATORS:
        parts = {text: _sorted(re.split(FORMS[separator], text)) for text in texts}
        joined = sorted(t for t, ps in parts.items() if len(ps) > 1 and any(p in texts for p in ps))
        if joined and (separator != " " or _tagged(joined, parts)):
            return Message(
                "{count} classes look like combinations of others, such as {name!r}: each is one "
                "class. Write | between the answers of a row that has several.",
                count=len(joined),
                name=joined[0],
            )
    return EMPTY


def _tagged(joined: Sequence[str], parts: Mapping[str, tuple[str, ...]]) -> bool:
    """Returns True where words of classes recur as tags do, unlike those of names.

    Each word occurs in several classes, and a class is the combination of two others:
    "pos food staff" beside "pos food" and "pos staff", not "very good" beside "good" and "bad".
    """
    seen = Counter(part for own in parts.values() for part in own)
    if any(seen[part] < 2 for text in joined for part in parts[text]):
        return False
    pairs = {frozenset(parts[text]) for text in joined if len(parts[text]) == 2}
    return any(sum(pair < {*parts[text]} for pair in pairs) > 1 for text in joined)


# --- lists and objects ----------------------------------------------------------------------------


def _structured(values: Sequence[Any], form: str) -> Several | None:
    """Returns the answers of cells that are lists, objects of flags, or lists in a text."""
    objects = sum(isinstance(value, Mapping) for value in values)
    kind = form or ("flags" if objects else "list")
    read = [flagged(value) if kind == "flags" else _listed(value) for value in values]
    full = [row for value, row in zip(values, read, strict=True) if not _blank(value)]
    fits = sum(row is not None for row in full)
    direct = any(isinstance(value, _LISTS) for value in values)
    if not form and not (full and (fits >= CLEAR * len(full) or (direct and kind == "list"))):
        return None
    if form and not fits:
        return None
    rows = [
        row if row is not None else _sorted([written(value)])
        for value, row in zip(values, read, strict=True)
    ]
    exclusive = all(len(row) == 1 for row in rows if row) and any(rows)
    empty = sum(len(row) == 0 for row in full if row is not None)
    said = (
        Message("Each cell of the answers is an object with a flag for each class")
        if kind == "flags"
        else Message(
            "Each cell of the answers is a list: {count} rows have more than one answer",
            count=sum(len(row) > 1 for row in rows),
        )
    )
    return Several(kind, rows, exclusive and not empty, said)


_LISTS = (list, tuple, set, frozenset, np.ndarray)


def _blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip()) or _is_nan(value)


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and value != value


def _listed(value: Any) -> tuple[str, ...] | None:
    """Returns the answers of a list, also of one written as JSON or Python in a text, else None."""
    if isinstance(value, str):
        text = value.strip()
        value = _literal(text) if text[:1] == "[" and text[-1:] == "]" else None
    if not isinstance(value, _LISTS) or any(isinstance(one, (*_LISTS, Mapping)) for one in value):
        return None
    return _sorted([written(one) for one in value])


def _literal(text: str) -> Any:
    for parse in (json.loads, ast.literal_eval):
        try:
            return parse(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return None


def flagged(value: Any) -> tuple[str, ...] | None:
    """Returns the keys of an object whose value is 1 or true, sorted.

    None for other values than objects, and where a value of the object is not 0, 1, true or false.
    """
    if not isinstance(value, Mapping) or not value:
        return None
    flags = {str(name): _flag(one) for name, one in value.items()}
    if None in flags.values():
        return None
    return _sorted([written(name) for name, flag in flags.items() if flag])


# --- separated texts ------------------------------------------------------------------------------

_SEPARATORS = ("|", ";", ",", " ")


def _sorted(parts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({part.strip() for part in parts} - {""}))


def _fits(texts: list[str], separator: str) -> bool:
    """Returns True where the parts of the cells recur, as those of tags do.

    A sign between words, such as the comma of "Lyon, France" or the space of "very good", separates
    no answers: there, most parts occur in one combination only or never alone.
    """
    cells = Counter(text for text in texts if text)
    parts = {text: _sorted(re.split(FORMS[separator], text)) for text in cells}
    joined = [text for text in cells if len(parts[text]) > 1]
    if not joined:
        return False
    every = {part for text in joined for part in parts[text]}
    seen = Counter(part for text in cells for part in parts[text])
    if separator == "|":  # nothing else is written with it, but one odd cell decides nothing
        return sum(cells[text] for text in joined) > 1 or any(seen[part] > 1 for part in every)
    if any(len(part) > LONGEST or len(part.split()) > 4 for part in every):
        return False
    used = [part for text in joined for part in parts[text]]
    alone = sum(part in cells for part in every)
    if sum(seen[part] > 1 for part in used) < CLEAR * len(used):
        return False
    lengths = {len(parts[text]) for text in cells}
    many = len(joined) >= 10 and len(joined) > 2 * len(every) and len(lengths) > 2
    return alone >= (0.8 if separator == " " else 0.5) * len(every) or many


# --- columns of flags -----------------------------------------------------------------------------

_FLAGS = {"0": False, "1": True, "0.0": False, "1.0": True, "false": False, "true": True}


def _flag(value: Any) -> bool | None:
    """Returns the value of a flag: 0, 1, true or false, also as a text; None for others."""
    return _FLAGS.get(str(value).strip().lower())


def one_hot(columns: Mapping[str, Sequence[Any]]) -> list[str]:
    """Returns the names of the columns of 0 and 1 that hold one class each; [] for none.

    They are neighbours, and at least three; two only where exactly one of them is 1 in each row.
    Empty columns, and columns that are 0 everywhere while others are not, belong to them too.
    """
    runs: list[list[str]] = [[]]
    for name, cells in columns.items():
        if len(cells) and all(_flag(cell) is not None for cell in cells):
            runs[-1].append(name)
        elif runs[-1]:
            runs.append([])
    longest = max(runs, key=len)
    flags = [[bool(_flag(cell)) for cell in columns[name]] for name in longest]
    if len(longest) >= FEWEST and any(map(any, flags)):
        return longest
    sums = [sum(row) for row in zip(*flags, strict=True)]
    return longest if len(longest) == 2 and sums and set(sums) == {1} else []


def hot(names: Sequence[str], cells: Sequence[Any]) -> tuple[str, ...] | None:
    """Returns the names of the columns whose cell is 1; None where a cell is not a flag.

    `names` are the columns that `one_hot` returned, `cells` their cells in one row.
    """
    flags = [_flag(cell) for cell in cells]
    if None in flags:
        return None
    return _sorted([written(name) for name, flag in zip(names, flags, strict=True) if flag])
