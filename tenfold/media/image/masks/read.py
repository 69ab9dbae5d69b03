"""Reads pictures with true masks from a folder, an archive, a table or a DataFrame.

images/ masks/                  one mask per picture: indices, palettes, colours, object numbers
JPEGImages/ SegmentationClass/  also with train/ valid/ test/ above or below, or with lists
ID/images/ ID/masks/            a mask for each object or class
annotations.json                COCO: polygons and runs
1.jpg 1.json                    LabelMe, or GeoJSON as QuPath writes it
images/ labels/ data.yaml       YOLO outlines: a text file for each picture; or VIA JSON
train.csv                       columns image and mask, or ImageId and EncodedPixels
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from tenfold.core.errors import DataRefused
from tenfold.core.message import Message
from tenfold.core.rows import Rows
from tenfold.core.taken import Taken
from tenfold.media.files.listing import Entry, Tree, open_tree, path_of
from tenfold.media.files.parts import holds_annotations, without_parts
from tenfold.media.files.records import is_table
from tenfold.media.files.references import printable
from tenfold.media.image.masks import tables
from tenfold.media.image.masks.folders import from_pairs
from tenfold.media.image.masks.outlined.annotated import Annotated
from tenfold.media.image.masks.outlined.coco import from_coco
from tenfold.media.image.masks.outlined.json_files import from_json_files
from tenfold.media.image.masks.outlined.label_files import from_label_files
from tenfold.media.image.masks.outlined.shapes import class_list, drawn_rows
from tenfold.media.image.masks.pairs import paired
from tenfold.media.image.masks.part_lists import by_lists
from tenfold.media.image.masks.planes import with_channels
from tenfold.media.image.masks.roles import masks_and_pictures
from tenfold.media.image.masks.rows import counted, rows_of
from tenfold.media.image.masks.wanted import Wanted, refuse_target, wanted_of
from tenfold.media.image.medium import IMAGE
from tenfold.media.reading import AS_FOUND, Reading, refuse_roles

__all__ = ["read"]


def read(
    source: str | Path | pd.DataFrame,
    reading: Reading = AS_FOUND,
    ignore_value: str = "",
    channels: str = "",
) -> Rows:
    """Reads one row for each picture: image, mask (the cell of a TrueMask), source, problem.

    `ignore_value` names the values of unlabelled pixels. Raises UsageError or DataRefused where no
    row can be used for training, or where two readings fit.
    """
    if isinstance(source, pd.DataFrame):
        return _of_frame(source, wanted_of(reading, ignore_value, channels))
    rows = _of_path(path_of(source), wanted_of(reading, ignore_value, channels))
    rows = rows.with_table(without_parts(rows.table, rows.taken, reading))
    rows.taken.tell()
    return rows


def _of_frame(frame: pd.DataFrame, wanted: Wanted) -> Rows:
    found = tables.of_frame(frame, wanted.reading)
    if found is None:
        raise DataRefused(
            Message("The DataFrame has no columns of pictures and masks"),
            code="missing-column",
            where="DataFrame",
            fix=Message("Name them image and mask, or give --image and --target."),
        )
    return _of_table(Tree(Path("DataFrame"), []), found, wanted)


def _of_path(path: Path, wanted: Wanted) -> Rows:
    if path.is_file() and path.suffix.lower() in (".yaml", ".yml"):
        return _of_path(path.resolve().parent, wanted)
    if path.is_file() and (is_table(path.name) or path.suffix.lower() in (".json", ".geojson")):
        root = path.resolve().parent
        tree = open_tree(root)
        if holds_annotations(root.name) and not any(map(_is_picture, tree.entries)):
            root = root.parent
            tree = open_tree(root)
        own = path.resolve().relative_to(root.resolve()).as_posix()
        tree.entries = [
            entry for entry in tree.entries if entry.name == own or not _is_annotation(entry)
        ]
        return replace(_of_tree(tree, wanted), root=root)
    tree = open_tree(path)
    rows = _of_tree(tree, wanted)
    return replace(rows, root=Path(tree.root), ignored=[*tree.ignored, *rows.ignored])


def _is_annotation(entry: Entry) -> bool:
    return is_table(entry.name) or entry.suffix in (".json", ".geojson")


def _of_tree(tree: Tree, wanted: Wanted) -> Rows:
    """Returns the rows of the first kind of labels that the folder holds."""
    taken = Taken()
    annotated = from_coco(tree, taken)
    if annotated is not None:
        return _drawn(tree, annotated, wanted, taken)
    table = tables.table_in(tree, wanted.reading)
    if table is not None:
        return _of_table(tree, table, wanted)
    why = Message("files in folders have no columns")
    roles = [one for one in wanted.reading.roles if one != "target"]
    refuse_roles(wanted.reading, roles, why, str(tree.root))
    refuse_target(wanted, str(tree.root))
    entries = [entry for entry in tree.entries if _is_picture(entry)]
    pairs = paired(entries)
    if pairs is None or not any(one.masks for one in pairs.pairs):
        pictures, _ = masks_and_pictures(entries)
        annotated = from_json_files(tree, pictures, taken) or from_label_files(tree, taken)
        if annotated is not None:
            return _drawn(tree, annotated, wanted, taken)
    if pairs is None:
        raise _nothing(tree, entries)
    pairs, lists, outside = by_lists(tree, pairs)
    rows = from_pairs(tree, pairs, wanted)
    rows.taken.left.extend(taken.left)
    names = [printable(one.picture.entry.name) for one in outside]
    rows.taken.leave("files", names, why=Message("pictures in no list of a part"))
    used = {entry.name for entry in lists}
    return replace(rows, ignored=[name for name in rows.ignored if name not in used])


def _of_table(tree: Tree, found: tables.MaskTable, wanted: Wanted) -> Rows:
    if found.annotated is not None:
        rows = _drawn(tree, found.annotated, wanted, Taken())
    elif found.pairs is not None:
        rows = from_pairs(tree, found.pairs, wanted)
    else:
        raise _nothing(tree, [])
    return tables.with_columns(rows, found, wanted.reading, rows.taken)


def _drawn(tree: Tree, found: Annotated, wanted: Wanted, taken: Taken) -> Rows:
    """Returns the rows of pictures with outlines or runs."""
    classes = class_list(found.names)
    taken.role("input", Message("pictures that the annotations name"))
    taken.role("answer", found.source)
    if any(one.row.part for one in found.pictures):
        taken.role("part", Message("folders and names of files"))
    rows = drawn_rows(found.pictures, classes, taken)
    counted(rows, taken)
    used = {one.image for one in rows if isinstance(one.image, str)}
    used |= {entry.cell for entry in found.files}
    with_channels(rows, wanted.picked)
    rest = [entry for entry in tree.entries if entry.cell not in used]
    pictures = [printable(entry.name) for entry in rest if _is_picture(entry)]
    taken.leave("files", pictures, why=Message("pictures that no annotation names"))
    made = rows_of(rows, taken, [entry.name for entry in rest])
    return replace(made, reading=wanted.reading)


def _is_picture(entry: Entry) -> bool:
    return not entry.folder and entry.suffix in IMAGE.suffixes | IMAGE.unread


def _nothing(tree: Tree, entries: list[Entry]) -> DataRefused:
    return DataRefused(
        Message("The {count} pictures have no masks", count=len(entries)),
        code="no-masks",
        where=str(tree.root),
        fix=Message(
            "Put the pictures into a folder images/ and the masks, of the same names, into masks/; "
            "or add COCO, LabelMe, GeoJSON, YOLO or VIA outlines."
        ),
    )
