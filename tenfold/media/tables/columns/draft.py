"""The type of one column of a table, decided from all of its cells."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tenfold.core.message import Message
from tenfold.media.date_forms import COMPACT
from tenfold.media.tables.columns import notes
from tenfold.media.tables.columns.cells import CellColumn, is_date
from tenfold.media.tables.columns.codes import (
    is_identifier,
    is_row_number,
    loses_as_number,
    nearly_distinct,
    several_words,
)
from tenfold.media.tables.columns.days import date_values, forms_of, is_compact, number_form
from tenfold.media.tables.columns.missing import is_mark, marks_of_words
from tenfold.media.tables.columns.notation import numeric
from tenfold.media.tables.columns.numbers import NumberColumn, number_column
from tenfold.media.tables.schema import CATEGORY, DATE, NUMBER, TEXT, TableColumn
from tenfold.media.tables.values import plain_number

__all__ = ["Draft", "draft_of", "finish_dates"]

FEW_WORDS, MORE_WORDS = 0.01, 0.05
"""Most words among the cells of a column of numbers; the second with many distinct numbers."""
MANY_NUMBERS = 20
"""Number of distinct numbers from which a column may have `MORE_WORDS`."""
MAX_LISTED = 50
"""Most words for "missing" of one column that are stored in the schema."""
MIN_TEXTS, TEXT_SHARE, TEXT_WORDS = 20, 0.5, 2.5
"""Free text: least number of distinct texts, their least share, and least words of a cell."""
PROSE_SHARE, PROSE_WORDS = 0.05, 6.0
"""The same for long texts, which may be repeated."""
SAMPLE = 5000
SAME_SHAPE = 0.9


@dataclass
class Draft:
    """One column while it is decided.

    `type` is "" where the column is not used, for the reason `why`. `found` are its notes, by the
    kind of decision. `day` is True where the order of day and month is needed.
    """

    name: str
    cells: CellColumn
    type: str = ""
    why: Message | None = None
    missing: tuple[str, ...] = ()
    unit: str = ""
    more: dict[str, Any] = field(default_factory=dict)
    found: list[tuple[str, Message]] = field(default_factory=list)
    day: bool = False

    @property
    def column(self) -> TableColumn:
        """Returns the column of the schema."""
        return TableColumn(self.name, self.type, self.missing, self.unit, self.more)

    def leave(self, kind: str, why: Message) -> Draft:
        """Returns the column as one that is not used."""
        self.type, self.why = "", why
        self.found = []
        return self


def draft_of(
    name: str,
    cells: CellColumn,
    decimal: str,
    given: str = "",
    missing: Sequence[str] | None = None,
    lines: Sequence[int] | None = None,
) -> Draft:
    """Returns the decisions about a column.

    `given` is its type, "" where the cells decide. `missing` are the cells that mean "missing";
    None where the cells decide.
    """
    draft = Draft(name, cells)
    lost, mixed = np.zeros(len(cells.distinct), bool), list[notes.Note]()
    if missing:
        lost |= np.array([text in missing for text in cells.texts], bool)
    if given in ("", NUMBER):
        numbers = _numbers(cells, decimal, lost, given == NUMBER)
        if numbers is not None and (given == NUMBER or _is_number(numbers, lost)):
            return _number(draft, numbers, lost, decimal, given == NUMBER, lines)
        mixed = notes.mixed(name, numbers) if numbers is not None else []
    # without any marks where an empty list was given
    marks = _marks(cells, lost) if missing is None or missing else lost
    if cells.count_of(~marks) == 0:
        return draft.leave("empty", notes.empty(cells))
    if given == TEXT:
        return _text(draft, marks)
    if given == CATEGORY:
        return _category(draft, marks, decimal)
    if given == DATE:
        return _given_date(draft, lost, decimal)
    if _are_dates(draft, lost):
        return _dates(draft, lost)
    found = _words(draft, marks, decimal)
    found.found += mixed if found.type in (CATEGORY, TEXT) else []
    return found


def _marks(cells: CellColumn, lost: np.ndarray) -> np.ndarray:
    """Returns (D,) True for the marks for "missing" of a column of words, and those given."""
    found = lost.copy()
    found[marks_of_words(cells.texts)[0]] = True
    return found


def _numbers(cells: CellColumn, decimal: str, lost: np.ndarray, given: bool) -> NumberColumn | None:
    """Returns the cells as numbers; None where the column has no numbers."""
    if all(isinstance(one, bool) or is_date(one) for one in cells.distinct) and not given:
        return None
    if not given and not cells.typed.all() and not numeric(cells):
        return None
    missing = {cells.texts[at] for at in np.flatnonzero(lost)}
    numbers = number_column(cells, decimal, missing)
    return numbers if numbers.numbers.any() or given else None


def _is_number(numbers: NumberColumn, lost: np.ndarray) -> bool:
    """Returns True where the filled cells are numbers, but for marks and a few words."""
    cells = numbers.cells
    count = cells.count_of(numbers.numbers)
    others = np.flatnonzero(~numbers.numbers & ~numbers.endless & ~lost)
    words = sum(int(cells.counts[at]) for at in others if not is_mark(cells.texts[at]))
    many = int(numbers.numbers.sum()) > MANY_NUMBERS
    return count > 0 and words <= (MORE_WORDS if many else FEW_WORDS) * (count + words)


def _number(
    draft: Draft,
    numbers: NumberColumn,
    lost: np.ndarray,
    decimal: str,
    given: bool,
    lines: Sequence[int] | None,
) -> Draft:
    """Decides a column of numbers: measurements, row numbers, identifiers, codes or dates."""
    cells, used = draft.cells, numbers.numbers
    if not used.any():
        why = notes.without_numbers if len(cells.distinct) else notes.empty
        return draft.leave("empty", why(cells))
    if len(np.unique(numbers.values[used])) == 1 and not loses_as_number(numbers):
        if cells.count_of(used) == len(cells):
            return draft.leave("constant", notes.constant(cells, used))
        if not given:
            return _category(draft, ~used, decimal)
    if not given:
        if is_compact(cells, used):
            draft.more["forms"] = [COMPACT]
            return _dates(draft, lost)
        if is_row_number(draft.name, numbers):
            return draft.leave("row-number", notes.row_number(cells, numbers))
        if loss := loses_as_number(numbers):
            if loss != "writings" and nearly_distinct(cells, used):
                return draft.leave("identifier", notes.identifier(cells, used))
            draft.found.append(("code", notes.code(draft.name, cells, used, loss)))
            return _category(draft, _marks(cells, lost), decimal)
        if is_identifier(draft.name, numbers):
            return draft.leave("identifier", notes.identifier(cells, used))
    draft.type, draft.unit = NUMBER, numbers.unit
    others = np.flatnonzero(~used & ~numbers.endless).tolist()
    draft.missing = tuple(cells.texts[at] for at in _often(cells, others)[:MAX_LISTED])
    if {*numbers.values[used].tolist()} <= {0, 1} and not _with_truths(cells):
        draft.more["truths"] = {"true": 1.0, "false": 0.0}
    draft.found += notes.of_number(draft.name, numbers, others, lines)
    return draft


def _with_truths(cells: CellColumn) -> bool:
    return any(text.lower() in ("true", "false") for text in cells.texts)


def _often(cells: CellColumn, places: Sequence[int]) -> list[int]:
    """Returns positions of distinct cells, the most frequent first."""
    return sorted(places, key=lambda at: (-int(cells.counts[at]), cells.texts[at]))


# --- dates ----------------------------------------------------------------------------------------


def _are_dates(draft: Draft, lost: np.ndarray) -> bool:
    cells = draft.cells
    places = [at for at in np.flatnonzero(~lost) if not is_date(cells.distinct[at])]
    places = [at for at in places if not is_mark(cells.texts[at])]
    if not places:
        return any(map(is_date, cells.distinct))
    texts, counts = [cells.texts[at] for at in places], cells.counts[places].tolist()
    forms = forms_of(texts, counts) if not cells.typed[places].any() else ()
    if forms:
        draft.more["forms"] = list(forms)
    return bool(forms)


def _given_date(draft: Draft, lost: np.ndarray, decimal: str) -> Draft:
    """Decides a column that is given as dates, which may be numbers."""
    cells = draft.cells
    if _are_dates(draft, lost):
        return _dates(draft, lost)
    missing = {cells.texts[at] for at in np.flatnonzero(lost)}
    numbers = number_column(cells, decimal, missing)
    if not numbers.numbers.any():
        return draft.leave("empty", notes.without_dates(cells))
    compact = is_compact(cells, numbers.numbers)
    form = COMPACT if compact else number_form(numbers.values)
    draft.more["forms"] = [form]
    draft.found.append(("form", notes.number_form(draft.name, form)))
    return _dates(draft, lost)


def _dates(draft: Draft, lost: np.ndarray) -> Draft:
    draft.type = DATE
    draft.missing = tuple(draft.cells.texts[at] for at in np.flatnonzero(lost))
    draft.day = "numbers" in draft.more.get("forms", ())
    return draft


def finish_dates(draft: Draft, order: str, decimal: str, given: bool) -> Draft:
    """Returns a column of dates with its cells that are not dates listed as missing.

    One date beside missing cells is a category, unless the type is given.
    """
    cells = draft.cells
    seconds = date_values(cells, draft.more.get("forms", ()), order, draft.missing)
    used = np.isfinite(seconds)
    if not used.any():
        return draft.leave("empty", notes.without_dates(cells))
    if len(np.unique(seconds[used])) == 1:
        if cells.count_of(used) == len(cells):
            return draft.leave("constant", notes.constant(cells, used))
        if not given:
            draft.more = {}
            return _category(draft, ~used, decimal)
    others = np.flatnonzero(~used).tolist()
    draft.missing = tuple(cells.texts[at] for at in _often(cells, others)[:MAX_LISTED])
    draft.found += notes.of_date(draft.name, cells, others, draft.more.get("forms", ()))
    return draft


# --- words ----------------------------------------------------------------------------------------


def _words(draft: Draft, marks: np.ndarray, decimal: str) -> Draft:
    """Decides a column of words: a category, free text or an identifier."""
    cells, used = draft.cells, ~marks
    texts = [cells.texts[at] for at in np.flatnonzero(used)[:SAMPLE]]
    words = several_words(texts, cells.counts[used][:SAMPLE])
    distinct, filled = int(used.sum()), cells.count_of(used)
    text = words >= TEXT_WORDS and distinct >= max(MIN_TEXTS, TEXT_SHARE * filled)
    prose = words >= PROSE_WORDS and distinct >= max(MIN_TEXTS, PROSE_SHARE * filled)
    if text or prose:
        return _text(draft, marks)
    if nearly_distinct(cells, used):
        if words < 1.5 or _same_shape(cells, used):
            return draft.leave("identifier", notes.identifier(cells, used))
        return _text(draft, marks)
    return _category(draft, marks, decimal)


def _same_shape(cells: CellColumn, used: np.ndarray) -> bool:
    """Returns True where the texts have figures and nearly all the same shape: codes."""
    texts = [cells.texts[at] for at in np.flatnonzero(used)[:SAMPLE]]
    shapes = Counter(re.sub(r"\d+", "0", re.sub(r"[^\W\d]", "a", text)) for text in texts)
    shape, count = shapes.most_common(1)[0]
    return "0" in shape and count >= SAME_SHAPE * len(texts)


def _text(draft: Draft, marks: np.ndarray) -> Draft:
    draft.type = TEXT
    draft.missing = tuple(draft.cells.texts[at] for at in np.flatnonzero(marks))
    return draft


def _category(draft: Draft, marks: np.ndarray, decimal: str) -> Draft:
    """Decides a column of names: one name without missing cells is constant."""
    cells, used = draft.cells, ~marks
    lost = np.flatnonzero(marks).tolist()
    draft.type = CATEGORY
    draft.missing = tuple(cells.texts[at] for at in _often(cells, lost))
    truths = _truths(cells, used)
    if truths:
        draft.more["truths"] = truths
    elif _are_numbers(cells, used, decimal):
        draft.more["numbers"] = True
    if int(used.sum()) == 1 and cells.count_of(used) == len(cells):
        return draft.leave("constant", notes.constant(cells, used))
    kept = [at for at in marks_of_words(cells.texts)[1] if used[at]]
    draft.found += notes.of_words(draft.name, cells, lost, kept)
    return draft


def _truths(cells: CellColumn, used: np.ndarray) -> dict[str, str]:
    """Returns the most frequent spellings of true and false, by lower-case word; {} without them.

    Where the column has no other values, 1 and 0 mean true and false, as in databases.
    """
    found: dict[str, str] = {}
    for at in _often(cells, np.flatnonzero(used).tolist()):
        word = cells.texts[at].lower()
        if word in ("true", "false"):
            found.setdefault(word, cells.texts[at])
    if found:
        like = next(iter(found.values()))
        for word in ("true", "false"):
            shown = word.upper() if like.isupper() else word if like.islower() else word.title()
            found.setdefault(word, shown)
        if all(cells.texts[at].lower() in found for at in np.flatnonzero(used)):
            found |= {"1": found["true"], "0": found["false"]}
    return found


def _are_numbers(cells: CellColumn, used: np.ndarray, decimal: str) -> bool:
    """Returns True where all names are numbers, each spelled in one way."""
    places = np.flatnonzero(used)
    if len(places) > SAMPLE:
        return False
    column = number_column(cells, decimal)
    if not np.isfinite(column.values[places]).all() or loses_as_number(column) == "zeros":
        return False
    names = {plain_number(cells.texts[at], "." if cells.typed[at] else decimal) for at in places}
    return len(names) == len(places) and all(_is_plain(name) for name in names)


def _is_plain(name: str) -> bool:
    return name.lstrip("-").replace(".", "", 1).isdigit()
