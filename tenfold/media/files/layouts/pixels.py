"""Reads tables whose rows are pictures: a column for each pixel, or all pixels in one cell."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.errors import UsageError
from tenfold.core.message import Message
from tenfold.media.files.records import RecordTable
from tenfold.media.files.roles import FEW, LABELS
from tenfold.media.files.sheets import Sheet
from tenfold.media.reading import Reading, column_of

__all__ = ["Pixels", "pixels_of", "sheet_of_pixels"]

FEWEST = 49
"""Least number of pixels of a picture in a table."""
CLEAR = 0.95
"""Least share of the first rows that must hold pixels."""
ROUGH = 0.8
"""Largest ratio of the differences between neighbouring pixels in two orders of the colours, for
the smoother order to be clear."""
_CELL = re.compile(r"\s*\[?\s*\d{1,3}(?:[\s,;]+\d{1,3}){48,}\s*\]?\s*")


@dataclass(frozen=True)
class Pixels:
    """Positions of the columns of pixels, and the shape of a picture.

    With `planes` the values of each colour follow one another. A picture in one cell has one
    column.
    """

    columns: list[int]
    height: int
    colours: int
    planes: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Returns (H, W), or (H, W, 3) for colours."""
        return (self.height, self.height, 3)[: 3 if self.colours == 3 else 2]

    def array(self, cells: Sequence[Any]) -> np.ndarray | Problem:
        """Returns the picture in the cells of a row, or a Problem."""
        values = _values([cells[at] for at in self.columns])
        if values is None or len(values) != self.height**2 * self.colours:
            return Problem(
                "bad-pixels",
                Message("holds cells that are not whole numbers from 0 to 255"),
                Message("Correct the line, or remove it."),
            )
        if self.planes:
            return np.ascontiguousarray(values.reshape(3, self.height, -1).transpose(1, 2, 0))
        return values.reshape(self.shape)


def pixels_of(table: RecordTable, name: str, reading: Reading) -> Pixels | None:
    """Returns the columns of pixels of a table; None for a table of another kind.

    Raises UsageError where the order of the colours or the column of labels is not clear.
    """
    rows = [one.cells for one in table.head if one.problem is None]
    if not rows:
        return None
    for at in range(len(table.names)) if len(table.names) <= 20 else ():
        texts = [str(row[at]) for row in rows]
        if sum(bool(_CELL.fullmatch(text)) for text in texts) >= CLEAR * len(rows):
            return _checked([at], rows, name)
    if len(table.names) <= FEWEST:
        return None
    numbers = [
        at
        for at in range(len(table.names))
        if sum(_value(row[at]) is not None for row in rows) >= CLEAR * len(rows)
    ]
    if len(numbers) < FEWEST:
        return None
    label = _label(table, name, reading)
    columns = _squared([at for at in numbers if at != label], table.names)
    if columns is None and label is None:
        columns = _without_label(numbers, rows, table.names, name)
    return _checked(columns, rows, name) if columns else None


def sheet_of_pixels(table: RecordTable, name: str, pixels: Pixels) -> tuple[Sheet, list[Any]]:
    """Returns the columns of a table beside the pixels, and the picture of each row."""
    kept = [at for at in range(len(table.names)) if at not in set(pixels.columns)]
    rows, lines, problems, pictures = [], [], list[Problem | None](), []
    for one in table.records:
        cells = [*one.cells, *[""] * (len(table.names) - len(one.cells))]
        picture = one.problem or pixels.array(cells)
        rows.append([cells[at] for at in kept])
        lines.append(one.line)
        problems.append(picture if isinstance(picture, Problem) else None)
        pictures.append(None if isinstance(picture, Problem) else picture)
    names = pd.Index([table.names[at] for at in kept])
    frame = pd.DataFrame(rows, pd.Index(lines, name="line"), names, dtype=object)
    return Sheet(name, frame, problems), pictures


def _label(table: RecordTable, name: str, reading: Reading) -> int | None:
    """Returns the position of the column of labels that is given or has a usual name."""
    given = column_of(reading, "target", table.names, name)
    if given is not None:
        return table.names.index(given)
    lower = [one.strip().lower() for one in table.names]
    return next((lower.index(word) for word in LABELS if word in lower), None)


def _squared(columns: list[int], names: list[str]) -> list[int] | None:
    """Returns the columns whose count is that of a square picture: all, or those named alike."""
    groups: dict[str, list[int]] = defaultdict(list)
    for at in columns:
        groups[re.sub(r"\d+", "#", names[at])].append(at)
    colours = [at for at in columns if re.search(r"\d", names[at])]
    for some in (columns, max(groups.values(), key=len, default=[]), colours):
        if len(some) >= FEWEST and _side(len(some)) is not None:
            return some
    return None


def _without_label(
    numbers: list[int], rows: list[list[Any]], names: list[str], name: str
) -> list[int] | None:
    """Returns the columns of pixels of a table in which the first or last column is the label.

    Raises UsageError where both could be.
    """
    if _side(len(numbers) - 1) is None:
        return None
    ends = (numbers[0], numbers[-1])
    few = [at for at in ends if 2 <= len({str(row[at]) for row in rows}) <= max(2, FEW * len(rows))]
    if len(few) != 1:
        raise UsageError(
            Message(
                "{table} has {count} columns of numbers: a picture of {pixels} pixels and a label, "
                "which can be the first ({first}) or the last column ({last})",
                table=name,
                count=len(numbers),
                pixels=len(numbers) - 1,
                first=f"--target {names[ends[0]]}: {rows[0][ends[0]]}",
                last=f"--target {names[ends[1]]}: {rows[0][ends[1]]}",
            ),
            code="two-readings",
            where=name,
            fix=Message("Name the column to learn with --target."),
        )
    return [at for at in numbers if at != few[0]]


def _side(count: int) -> tuple[int, int] | None:
    """Returns the height and the number of colours of a square picture with `count` values."""
    for colours in (1, 3):
        side = math.isqrt(count // colours)
        if side * side * colours == count:
            return side, colours
    return None


def _checked(columns: list[int], rows: list[list[Any]], name: str) -> Pixels | None:
    """Returns the columns with the shape of the pictures; None where they are not square."""
    values = [found for row in rows if (found := _values([row[at] for at in columns])) is not None]
    lengths = [len(one) for one in values]
    side = _side(max(set(lengths), key=lengths.count)) if lengths else None
    if side is None:
        return None
    height, colours = side
    if colours == 1:
        return Pixels(columns, height, 1)
    some = np.stack([one for one in values if len(one) == height**2 * 3]).astype(np.int16)
    mixed = np.abs(np.diff(some.reshape(-1, height, height, 3), axis=2)).mean()
    planes = np.abs(np.diff(some.reshape(-1, 3, height, height), axis=3)).mean()
    if min(mixed, planes) > ROUGH * max(mixed, planes):
        first = " ".join(map(str, some[0][:6]))
        raise UsageError(
            Message(
                "{table} has {count} values for each picture, which can be three colours for each "
                "pixel or one plane for each colour; the first values are {values}",
                table=name,
                count=height**2 * 3,
                values=first,
            ),
            code="two-readings",
            where=name,
            fix=Message("Save the pictures as files, or give a DataFrame with a column of arrays."),
        )
    return Pixels(columns, height, 3, planes=bool(planes < mixed))


def _values(cells: list[Any]) -> np.ndarray | None:
    """Returns the values of pixels as bytes; None where a cell is not a number from 0 to 255."""
    if len(cells) == 1:
        cells = re.findall(r"[^\s,;\[\]]+", str(cells[0]))
    try:
        values = np.asarray([str(cell) for cell in cells]).astype(np.float64)
    except ValueError:
        return None
    if not ((values >= 0) & (values <= 255) & (values == np.floor(values))).all():
        return None
    return values.astype(np.uint8)


def _value(cell: Any) -> int | None:
    text = str(cell).strip()
    return int(float(text)) if re.fullmatch(r"\d{1,3}(\.0+)?", text) and float(text) < 256 else None
