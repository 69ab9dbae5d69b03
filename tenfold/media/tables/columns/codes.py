"""Codes, identifiers and row numbers: columns of digits or names that are not measurements."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from tenfold.media.tables.columns.cells import CellColumn
from tenfold.media.tables.columns.numbers import NumberColumn

__all__ = [
    "is_identifier",
    "is_row_number",
    "loses_as_number",
    "naming_column",
    "nearly_distinct",
    "several_words",
]

NEARLY = 0.95
"""Least share of distinct cells of an identifier."""
MIN_ROWS = 20
"""Least number of filled cells that show an identifier."""
MIN_NUMBERED = 5
"""Least number of rows that show row numbers."""
MAX_RESTARTS = 3
"""Most places where row numbers begin again: tables that were joined."""
MIN_CODE_DIGITS = 8
"""Least number of digits of distinct whole numbers of one length that are codes."""
MAX_EXACT = 2**53
"""Largest whole number up to which a double holds all whole numbers."""
_INDEX = re.compile(
    r"|unnamed: ?\d+|index|level_\d+|row(?:[ _.]?(?:id|names?|numbers?|no))?|rownum"
)
_ID = re.compile(
    r"(?:^|[\W_\d])(?:id|ids|uuid|guid|key|nr|no|idx|pk|rowid|identifier|serial)\d*\.?$"
    r"|^id(?:$|[\W_])|编号|序号|学号|工号|单号|身份证",
    re.I,
)
_CAMEL_ID = re.compile(r"[a-z](?:Id|ID|Key|No|Nr)$")
_EPOCH = ((3e8, 4.2e9), (3e11, 4.2e12), (3e14, 4.2e15), (3e17, 4.2e18))
"""Whole numbers that are times since 1970 in seconds, milli-, micro- and nanoseconds."""
_VERSION = re.compile(r"\d{1,3}\.\d{1,3}")
MAX_VERSIONS = 200
"""Most distinct values of a column of versions such as 1.1 and 1.10."""


def loses_as_number(numbers: NumberColumn) -> str:
    """Returns why the cells of a column of numbers would lose something as numbers, or "".

    "zeros": digits with leading zeros, unless other cells have a decimal mark, sign or unit.
    "digits": whole numbers of more digits than a double holds. "writings": 1.1 and 1.10
    are different codes.
    """
    cells = numbers.cells
    if cells.typed.all():
        return "digits" if _inexact(numbers) else ""
    codes, forms = cells.shaped
    used = {int(code) for code in np.unique(codes[numbers.numbers & ~cells.typed])}
    found = [form for at in used if (form := forms[at]) is not None]
    whole = all(form.whole for form in found)
    if whole and any(form.code for form in found):
        return "zeros"
    if whole and _inexact(numbers):
        return "digits"
    return "writings" if _versions(numbers) else ""


def _inexact(numbers: NumberColumn) -> bool:
    large = np.flatnonzero(numbers.numbers & (np.abs(numbers.values) > MAX_EXACT))
    texts = [numbers.cells.texts[at].lstrip("+") for at in large]
    return any(text.lstrip("-").isdigit() and int(float(text)) != int(text) for text in texts)


def _versions(numbers: NumberColumn) -> bool:
    """Returns True for texts such as 1.1, 1.2 and 1.10, in which 1.1 and 1.10 are different."""
    places = np.flatnonzero(numbers.numbers)
    if len(places) > MAX_VERSIONS or not numbers.cells.all_text:
        return False
    texts = [numbers.cells.texts[at] for at in places]
    if not all(_VERSION.fullmatch(text) for text in texts):
        return False
    known = set(texts)
    twice = [text for text in texts if f"{text}0" in known]
    return bool(twice) and len({len(text.partition(".")[2]) for text in texts}) > 1


def is_row_number(name: str, numbers: NumberColumn) -> bool:
    """Returns True for 0, 1, 2 ... or 1, 2, 3 ... in the order of the rows, whatever the name.

    Columns without a name or with the name of an index are row numbers where they are distinct
    whole numbers, too, and where the numbers begin again, as in tables that were joined.
    """
    column = numbers.column
    if len(column) < MIN_NUMBERED or not _whole(numbers) or np.isnan(column).any():
        return False
    named = _INDEX.fullmatch(name.strip().lower()) is not None
    if named and len(np.unique(column)) == len(column):
        return True
    if column[0] not in (0, 1):
        return False
    breaks = np.flatnonzero(np.diff(column) != 1) + 1
    runs = np.diff([0, *breaks, len(column)])
    again = np.isin(column[breaks], (0, 1)).all() and (runs >= MIN_NUMBERED).all()
    return len(breaks) == 0 or (named and len(breaks) <= MAX_RESTARTS and bool(again))


def _whole(numbers: NumberColumn) -> bool:
    values = numbers.values[numbers.numbers]
    return len(values) > 0 and bool((values == np.floor(values)).all())


def nearly_distinct(cells: CellColumn, used: np.ndarray) -> bool:
    """Returns True where nearly all filled cells are distinct; `used` (D,) excludes marks."""
    filled = cells.count_of(used)
    return filled >= MIN_ROWS and int(used.sum()) >= NEARLY * filled


def is_identifier(name: str, numbers: NumberColumn) -> bool:
    """Returns True for distinct whole numbers in the form of a code.

    They number all rows in another order, have the name of an identifier, or one length of many
    digits that is not a time since 1970.
    """
    used = numbers.numbers
    values = numbers.values[used]
    if not nearly_distinct(numbers.cells, used) or not _whole(numbers) or (values < 0).any():
        return False
    if numbers.unit:
        return False
    if _ID.search(name.strip()) or _CAMEL_ID.search(name.strip()):
        return True
    lowest, highest = values.min(), values.max()
    if lowest in (0, 1) and highest - lowest + 1 == len(values) == len(numbers.cells):
        return True
    digits = {len(str(int(value))) for value in (lowest, highest)}
    times = any(low <= lowest and highest <= high for low, high in _EPOCH)
    return len(digits) == 1 and digits.pop() >= MIN_CODE_DIGITS and not times


def naming_column(columns: Mapping[str, CellColumn], left: Sequence[str]) -> str:
    """Returns the first column left out whose filled cells all differ, "" for none.

    Nearly all rows have such a cell; a row that cannot be read has none. Row numbers name no row.
    """
    for name in [one for one in left if one in columns]:
        cells, texts = columns[name], columns[name].texts
        filled = int(cells.counts.sum())
        if not texts or filled < NEARLY * len(cells) or len({*texts}) < filled:
            continue
        numbers = [int(text) for text in texts if text.isdecimal() and len(text) < 18]
        if len(numbers) < len(texts) or max(numbers) - min(numbers) >= len(texts):
            return name
    return ""


def several_words(texts: Sequence[str], counts: np.ndarray) -> float:
    """Returns the mean number of words of the cells; two Chinese characters count as a word."""
    words = [len(text.split()) + _wide(text) / 2 for text in texts]
    return float(np.average(words, weights=counts)) if len(words) else 0.0


def _wide(text: str) -> int:
    return 0 if text.isascii() else sum("\u3040" <= one <= "\u9fff" for one in text)
