"""Rows below a table that are none of it: totals and remarks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["rows_below"]

MOST = 20
"""Maximum number of last rows that are examined."""
_TOTAL = re.compile(
    r"(grand\s+|sub)?(total|totals|sum|summe|gesamt|gesamtsumme|insgesamt|somme|suma|totale|"
    r"average|mean|mittelwert|durchschnitt|moyenne|合计|总计|小计|平均)\s*[:：]?",
    re.I,
)


def rows_below(columns: Mapping[str, Sequence[Any]], lines: Sequence[int], spread: bool) -> int:
    """Returns the number of last rows that are totals or remarks.

    Such a row has at most half of its cells filled. It begins with a word such as "Total"; in a
    spreadsheet (`spread`), it may also be any text below an empty row. `lines` are the line numbers
    of the rows.
    """
    found, width = 0, len(columns)
    for count in range(1, min(MOST, len(lines) - 1) + 1):
        cells = [column[-count] for column in columns.values()]
        filled = [str(cell).strip() for cell in cells if cell is not None and str(cell).strip()]
        if not filled or len(filled) > width // 2:
            return found
        apart = spread and lines[-count] - lines[-count - 1] > 1
        if apart or _TOTAL.fullmatch(filled[0]):
            found = count
    return found
