"""Reads pictures with true masks from a folder, an archive, a table or a DataFrame."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from tenfold.core.errors import DataRefused, UsageError
from tenfold.core.message import Message
from tenfold.core.rows import Rows
from tenfold.core.taken import Taken
from tenfold.media.files.listing import Entry, Tree, open_tree
from tenfold.media.files.references import printable
from tenfold.media.image.masks.coco import Annotated, from_coco
from tenfold.media.image.masks.folders import from_pairs
from tenfold.media.image.masks.pairs import paired
from tenfold.media.image.masks.rows import counted, rows_of
from tenfold.media.image.masks.shapes import class_list, drawn_rows
from tenfold.media.image.masks.wanted import Wanted, wanted_of
from tenfold.media.image.medium import IMAGE
from tenfold.media.reading import AS_FOUND, Reading

__all__ = ["read"]


def read(
    source: str | Path | pd.DataFrame,
    reading: Reading = AS_FOUND,
    ignore_value: str = "",
    channels: str = "",
) -> Rows:
    """Reads one row for each picture: image, mask (the cell of a TrueMask), source, problem.

    `ignore_value` names values that nobody judged. Raises UsageError or DataRefused where there is
    nothing to learn from, or where two readings fit.
    """
    if not isinstance(source, (str, Path)) or not str(source):
        raise UsageError(
            Message("Data must be a path or a DataFrame, got {source!r}", source=source),
            code="bad-setting",
        )
    wanted = wanted_of(reading, ignore_value, channels)
    tree = open_tree(Path(source))
    rows = _of_tree(tree, wanted)
    rows.taken.tell()
    return replace(rows, root=Path(tree.root), ignored=[*tree.ignored, *rows.ignored])


def _of_tree(tree: Tree, wanted: Wanted) -> Rows:
    taken = Taken()
    annotated = from_coco(tree, taken)
    if annotated is not None:
        return _drawn(tree, annotated, wanted, taken)
    entries = [entry for entry in tree.entries if _is_picture(tree, entry)]
    pairs = paired(entries)
    if pairs is None:
        raise _nothing(tree, entries)
    return from_pairs(tree, pairs, wanted)


def _drawn(tree: Tree, found: Annotated, wanted: Wanted, taken: Taken) -> Rows:
    """Returns the rows of pictures with outlines or runs."""
    classes = class_list(found.names)
    taken.role("input", Message("pictures that the annotations name"))
    taken.role("answer", found.source)
    if any(one.row.part for one in found.pictures):
        taken.role("part", Message("folders and names of files"))
    rows = drawn_rows(found.pictures, classes, taken)
    counted(rows, taken)
    used = {one.image for one in rows} | {entry.cell for entry in found.files}
    rest = [entry for entry in tree.entries if entry.cell not in used]
    pictures = [printable(entry.name) for entry in rest if _is_picture(tree, entry)]
    taken.leave("files", pictures, why=Message("pictures that no annotation names"))
    made = rows_of(rows, taken, [entry.name for entry in rest])
    return replace(made, reading=wanted.reading)


def _is_picture(tree: Tree, entry: Entry) -> bool:
    return not entry.folder and entry.suffix in IMAGE.suffixes | IMAGE.unread


def _nothing(tree: Tree, entries: list[Entry]) -> DataRefused:
    return DataRefused(
        Message("The {count} pictures have no masks", count=len(entries)),
        code="no-masks",
        where=str(tree.root),
        fix=Message(
            "Put the pictures into a folder images/ and the masks, of the same names, into masks/; "
            "or add COCO, LabelMe or GeoJSON outlines."
        ),
    )
