"""Finds records of a table that are not rows: repeated headers, totals, remarks below the table."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tenfold.core.message import Message
from tenfold.media.files.tables.record import Record, RecordTable

__all__ = ["LeftLines", "rows_below", "rows_of_table"]

CHUNK = 4096
"""Records that are read together."""
MOST = 20
"""Maximum number of last rows that are examined."""
_TOTAL = re.compile(
    r"(grand\s+|sub)?(total|totals|sum|summe|gesamt|gesamtsumme|insgesamt|somme|suma|totale|"
    r"average|mean|mittelwert|durchschnitt|moyenne|合计|总计|小计|平均)\s*[:：]?",
    re.I,
)


@dataclass
class LeftLines:
    """The line numbers of records that are not rows."""

    headers: list[int] = field(default_factory=list)
    below: list[int] = field(default_factory=list)

    def reasons(self) -> list[tuple[list[int], Message]]:
        """Returns the lines that were left out, with the reason."""
        found = [
            (self.headers, Message("the header stands again")),
            (self.below, Message("a total or a remark below the rows")),
        ]
        return [(lines, why) for lines, why in found if lines]


def rows_of_table(table: RecordTable, left: LeftLines) -> Iterator[list[Record]]:
    """Yields the rows of a table, many at a time; the lines of other records are added to `left`.

    Only the last rows are held back, so a long table is read lazily.
    """
    header = list(table.names) if table.header else None
    held: list[Record] = []
    while chunk := list(itertools.islice(table.records, CHUNK)):
        for one in chunk:
            if header is not None and one.cells[:1] == header[:1] and one.cells == header:
                left.headers.append(one.line)
            else:
                held.append(one)
        if len(held) > MOST + 1:
            yield held[: -MOST - 1]
            held = held[-MOST - 1 :]
    kept = len(held) - rows_below(held, len(table.names), table.encoding == "spreadsheet")
    left.below += [one.line for one in held[kept:]]
    yield held[:kept]


def rows_below(rows: Sequence[Record], width: int, spread: bool) -> int:
    """Returns the number of last rows that are totals or remarks; `width` is that of the table.

    Such a row has at most half of its cells filled. It begins with a word such as "Total"; in a
    spreadsheet (`spread`), it may also be any text below an empty row.
    """
    found = 0
    for count in range(1, min(MOST, len(rows) - 1) + 1):
        cells = rows[-count].cells if rows[-count].problem is None else []
        filled = [str(cell).strip() for cell in cells if cell is not None and str(cell).strip()]
        if not filled or len(filled) > width // 2:
            return found
        apart = spread and rows[-count].line - rows[-count - 1].line > 1
        if apart or _TOTAL.fullmatch(filled[0]):
            found = count
    return found
