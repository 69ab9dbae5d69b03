"""A table of predicted masks with a row for each object."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tenfold.answers.files import HEADER, WriteAnswer
from tenfold.answers.segmentation import regions
from tenfold.answers.segmentation.prediction import NO_CLASS, Mask
from tenfold.core.columns import Problem
from tenfold.core.document import cell_text
from tenfold.core.results import Prediction
from tenfold.media.files.references import printable

__all__ = ["object_table", "wrote_table"]

COLUMNS = (
    *("source", "class", "object", "area_px", "area_um2", "share", "centre_x_px", "centre_y_px"),
    *("elongation", "confidence", "first_plane", "last_plane", "error"),
)


@contextlib.contextmanager
def object_table(
    path: Path, prediction: type[Prediction], classes: Sequence[str]
) -> Iterator[WriteAnswer]:
    """Writes CSV with a row for each object, or for each class where objects are not told apart.

    The columns are COLUMNS and one mean intensity for each channel. A class has no elongation,
    because it may have several regions. A picture without objects has a row without a class. Rows
    are held back until the first object shows the number of channels.
    """
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer, held, channels = csv.writer(file), list[list[Any]](), list[int]()

        def begin(count: int) -> None:
            channels.append(count)
            writer.writerow([*COLUMNS, *(f"intensity_{one + 1}" for one in range(count))])
            writer.writerows(held)
            held.clear()

        def write(source: str, answer: Prediction | Problem) -> None:
            rows = [*_table_rows(source, answer)]
            if not channels and isinstance(answer, Mask) and answer.objects:
                begin(len(answer.objects[0].get("intensity", ())))
            (writer.writerows if channels else held.extend)(rows)

        yield write
        if not channels:
            begin(0)


def _table_rows(source: str, answer: Prediction | Problem) -> Iterator[list[Any]]:
    """Yields the cells of each row of an answer, in the order of COLUMNS."""
    name = cell_text(printable(source))
    if not isinstance(answer, Mask):
        reason = answer.reason if isinstance(answer, Problem) else ""
        yield [name, *[""] * (len(COLUMNS) - 2), cell_text(printable(reason))]
        return
    pixels = int(np.prod(answer.size, dtype=np.int64))
    flat, (height, width) = len(answer.size) == 2, answer.size[-2:]
    for number, one in enumerate(answer.objects if answer.told_apart else _regions(answer), 1):
        area = (answer.micrometres or 0) ** 2 * one["area"] if flat else 0
        yield [
            name,
            cell_text(one["class"]),
            number if answer.told_apart else "",
            one["area"],
            f"{area:.6g}" if area else "",
            f"{one['area'] / pixels:.6f}",
            f"{one['centre'][0] * width:.2f}",
            f"{one['centre'][1] * height:.2f}",
            f"{one['elongation']:.4f}" if answer.told_apart else "",
            one.get("confidence", answer.confidence),
            *one.get("planes", ("", "")),
            "",
            *one.get("intensity", ()),
        ]
    if answer.told_apart and not answer.objects:
        yield [name, *[""] * (len(COLUMNS) - 1)]


def _regions(answer: Mask) -> list[dict[str, Any]]:
    """Returns the measures of each class, as of one object."""
    pixels = answer.pixels
    numbers = np.where(pixels == NO_CLASS, 0, pixels.astype(np.uint32) + 1)
    return regions.described(pixels, numbers, answer.classes)[1]


def wrote_table(path: Path, prediction: type[Prediction]) -> bool:
    """Returns True for a table that `object_table` wrote."""
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        return next(csv.reader([file.readline(HEADER)]), [])[: len(COLUMNS)] == [*COLUMNS]
