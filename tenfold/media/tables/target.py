"""Finds the column to learn: as given, or where one column is plainly the answer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from tenfold.core.errors import UsageError
from tenfold.core.message import Message
from tenfold.core.text import short
from tenfold.media.files import references
from tenfold.media.reading import Reading
from tenfold.media.tables.names import column_named, spelling
from tenfold.media.tables.sources import LabelledTable

__all__ = ["USUAL", "found_label", "found_target", "is_blank"]

USUAL = frozenset(
    "target class label y outcome response answer classes labels 标签 类别 目标".split()
)
"""Usual names of the column to learn."""
FEW = 0.2
"""Most distinct values of a last column without a name that holds classes, as a share of rows."""
SHOWN = 12
"""Maximum number of columns that are listed with their values."""


def found_target(
    table: LabelledTable,
    parts: Sequence[LabelledTable],
    reading: Reading,
    used: Collection[str],
    numeric: bool,
) -> tuple[str, bool]:
    """Returns the column to learn, and whether the user gave it.

    `parts` are the tables of the other parts, `used` the columns that have another role. Raises
    UsageError where no column is plainly the answer, or the given one is missing or not one.
    """
    given = column_named(reading, "target", table.named, table.name)
    if given is not None and given in table.columns:
        return given, bool(reading.target)
    free = [name for name in table.columns if name not in used]
    usual = [name for name in free if spelling(name) in USUAL]
    if len(usual) == 1:
        return usual[0], False
    if len(lacking := [name for name in free if _lacks(parts, name)]) == 1:
        return lacking[0], False
    if not usual and table.last and free and _fits(table, free[-1], numeric):
        return free[-1], False
    raise _asked(table, usual or free)


def found_label(table: LabelledTable, reading: Reading, used: Collection[str]) -> tuple[str, bool]:
    """Returns the column of labels that are kept for scoring, and whether the user gave it.

    "" where the user gave none and no column, or more than one, has a usual name of labels. Raises
    UsageError where the given column is missing; other rows of a run may lack it.
    """
    wanted = reading.roles.get("target")
    if reading.found and isinstance(wanted, str) and not table.named.all_of(wanted):
        return "", False
    given = column_named(reading, "target", table.named, table.name)
    if given is not None and given in table.columns:
        return given, bool(reading.target)
    usual = [name for name in table.columns if name not in used and spelling(name) in USUAL]
    return (usual[0] if len(usual) == 1 else ""), False


def is_blank(cell: Any) -> bool:
    """Returns True for a cell without content."""
    return cell is None or cell != cell or not str(cell).strip()


def _lacks(parts: Sequence[LabelledTable], name: str) -> bool:
    """Returns True where another part has no such column, or only empty cells in it."""
    plain = spelling(name)
    for part in parts:
        cells = next((one for key, one in part.columns.items() if spelling(key) == plain), None)
        if part.columns and (cells is None or all(map(is_blank, cells))):
            return True
    return False


def _fits(table: LabelledTable, name: str, numeric: bool) -> bool:
    """Returns True where the last column of a table without names can be the answer."""
    if table.header:
        return True
    filled = [str(cell).strip() for cell in table.columns[name] if not is_blank(cell)]
    words = sum(not _is_number(text) for text in filled)
    if numeric:
        return bool(filled) and words == 0 and len({*filled}) > 2
    return bool(filled) and words == len(filled) and len({*filled}) <= max(2, FEW * len(filled))


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def _asked(table: LabelledTable, names: Sequence[str]) -> UsageError:
    listed = "; ".join(f"{name!r} ({_examples(table.columns[name])})" for name in names[:SHOWN])
    listed += f"; ... ({len(names)})" if len(names) > SHOWN else ""
    last = names[-1] if names else "NAME"
    return UsageError(
        Message(
            "No column of {table} is plainly the answer: {columns}",
            table=table.name,
            columns=listed or "-",
        ),
        code="missing-target",
        where=table.name,
        fix=Message("Name the column to learn, such as --target {name!r}.", name=last),
    )


def _examples(cells: Sequence[Any]) -> str:
    texts = dict.fromkeys(
        short(str(cell).strip(), 20) for cell in cells[:200] if not is_blank(cell)
    )
    return ", ".join(map(references.printable, list(texts)[:3]))
