"""Reads tables that name a picture and its mask in each line, or runs (`EncodedPixels`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused, UsageError
from tenfold.core.message import Message
from tenfold.core.rows import Rows
from tenfold.core.taken import Taken
from tenfold.media.files import manifests, references
from tenfold.media.files.layouts.near import Near
from tenfold.media.files.listing import Entry, Tree
from tenfold.media.files.parts import part_of_file
from tenfold.media.files.records import is_table
from tenfold.media.files.roles import PATHS, FileRoles, find, groups_of, roles_of, weights_of
from tenfold.media.files.sheets import Sheet, opened_table, sheet_of
from tenfold.media.image.masks.outlined.annotated import Annotated
from tenfold.media.image.masks.outlined.shapes import DrawnPicture, MaskShape
from tenfold.media.image.masks.pairs import MaskPairs, Pair
from tenfold.media.image.masks.roles import MaskFile
from tenfold.media.image.masks.rows import MaskRow
from tenfold.media.image.medium import IMAGE
from tenfold.media.reading import Reading, attach_by, column_of, timed

__all__ = ["MaskTable", "of_frame", "table_in", "with_columns"]

_IMAGES = ("image", "images", "image_path", "image_id", "imageid", "img", "picture", *PATHS)
_MASKS = (
    "mask masks mask_path mask_file maskpath annotation annotations annotation_path label_path "
    "label_image seg seg_path segmentation segmentation_path gt gt_path groundtruth ground_truth "
    "掩码 标注"
).split()
_RUNS = "encodedpixels encoded_pixels rle mask_rle rle_mask runs".split()
_CLASSES = "classid class_id class label category class_name".split()
_JOINED = ("imageid_classid", "image_label", "image_class")
_EMPTY = ("", "-1", "nan", "none")
_ABSENT = ("missing-file", "missing-path", "path-out")
ENOUGH = 0.5
"""Largest share of masks that may be missing where a column is to name masks."""
Resolve = Callable[[Sequence[Any]], tuple[list[Any], list[Problem | None], list[str]]]


@dataclass
class MaskTable:
    """What a table holds: pairs of a picture and a mask, or pictures with runs.

    `frame` has one row for each picture, for the further columns.
    """

    frame: pd.DataFrame
    roles: FileRoles
    where: str
    pairs: MaskPairs | None = None
    annotated: Annotated | None = None


def table_in(tree: Tree, reading: Reading) -> MaskTable | None:
    """Returns the table of a folder or archive that names masks or runs; None where none does."""
    for entry in sorted(tree.entries, key=lambda one: one.name.count("/")):
        name = entry.name.rsplit("/", 1)[-1]
        if entry.problem or not is_table(name) or entry.suffix == ".json":
            continue
        if re.search(r"sample|submission", name, re.I) or entry.suffix in (".txt", ".jsonl"):
            continue
        if found := _of_entry(tree, entry, reading):
            return found
    return None


def _of_entry(tree: Tree, entry: Entry, reading: Reading) -> MaskTable | None:
    try:
        table = opened_table(entry.cell, entry.name, _known, reading)
        if not _fits(table.names, reading):
            return None
        sheet = sheet_of(table, entry.cell, entry.name)
    except (DataRefused, UsageError):
        return None  # no table of masks: the folder is read in another way
    base = entry.name.rpartition("/")[0]
    members = {one.name: one for one in tree.entries}
    near = Near(
        tree.root.resolve(), members, f"{base}/" if base else "", IMAGE.suffixes | IMAGE.unread
    )

    def resolve(values: Sequence[Any]) -> tuple[list[Any], list[Problem | None], list[str]]:
        named = near.named(values, part_of_file(entry.name))
        return named.cells, named.problems, named.paths

    return _of_sheet(sheet, resolve, reading, entry)


def of_frame(frame: pd.DataFrame, reading: Reading) -> MaskTable | None:
    """Returns what a DataFrame holds, whose cells are paths, arrays, bytes or pictures."""
    frame = frame.reset_index(drop=True).rename_axis("row")

    def resolve(values: Sequence[Any]) -> tuple[list[Any], list[Problem | None], list[str]]:
        cells = list(manifests.cells(pd.Series(values, dtype=object)))
        return cells, [None] * len(cells), [f"row {at}" for at in range(len(cells))]

    sheet = Sheet("DataFrame", frame, [None] * len(frame))
    return _of_sheet(sheet, resolve, reading, None) if _fits(list(frame.columns), reading) else None


def _known(name: str) -> bool:
    return name.strip().lower() in {*_IMAGES, *_MASKS, *_RUNS, *_JOINED}


def _fits(names: Sequence[Any], reading: Reading) -> bool:
    plain = {str(name).strip().lower() for name in names}
    given = {str(reading.value("image")).lower()} - {""}
    image = bool(plain & {*_IMAGES, *_JOINED, *given})
    target = {reading.target.lower()} - {""}
    return image and bool(plain & {*_MASKS, *_RUNS, *target})


def _of_sheet(
    sheet: Sheet, resolve: Resolve, reading: Reading, entry: Entry | None
) -> MaskTable | None:
    frame, where = sheet.frame, sheet.name
    image = column_of(reading, "image", frame.columns, where)
    runs = find(frame, _RUNS)
    joined = find(frame, _JOINED) if image is None else None
    image = find(frame, _IMAGES, runs) if image is None and joined is None else image
    mask = column_of(replace(reading, found={}), "target", frame.columns, where)
    mask = find(frame, _MASKS, image) if mask is None else mask
    if mask is None and runs is None:
        return None
    target = str(mask if mask is not None else runs)
    roles = roles_of(frame, image, replace(reading, target=target), where)
    if mask is not None and image is not None:
        return _paired(sheet, resolve, image, mask, roles)
    return _with_runs(sheet, resolve, image, joined, runs, roles, entry)


# --- a mask in each line -------------------------------------------------------------------------


def _paired(
    sheet: Sheet, resolve: Resolve, image: Any, mask: Any, roles: FileRoles
) -> MaskTable | None:
    frame = sheet.frame
    pictures, wrong, shown = resolve(list(frame[image]))
    blank = [_blank(value) for value in frame[mask]]
    written = [value for value, empty in zip(frame[mask], blank, strict=True) if not empty]
    masks, lost, names = resolve(written)
    missing = sum(one is not None and one.code in _ABSENT for one in lost)
    if missing > ENOUGH * len(lost):
        return None  # the column holds something else
    at = iter(zip(masks, lost, names, written, strict=True))
    pairs = []
    for row, line in enumerate(frame.index):
        part = roles.parts[row] if roles.parts else ""
        name = shown[row] or str(frame[image].iloc[row])
        source = f"{sheet.name}:{line} {name}" if frame.index.name == "line" else name
        problem = sheet.problems[row] or wrong[row]
        picture = MaskFile(Entry(source, pictures[row], problem), (), part, name)
        pair = Pair(picture)
        if not blank[row]:
            cell, problem, path, value = next(at)
            label = path or (value if isinstance(value, str) else source)
            pair.masks.append(("", Entry(str(label), cell, problem)))
        pairs.append(pair)
    return MaskTable(frame, roles, sheet.name, MaskPairs(pairs, []))


def _blank(value: Any) -> bool:
    if value is None or (isinstance(value, float) and value != value):
        return True
    return isinstance(value, str) and value.strip().lower() in _EMPTY


# --- runs ----------------------------------------------------------------------------------------


def _with_runs(
    sheet: Sheet,
    resolve: Resolve,
    image: Any,
    joined: Any,
    runs: Any,
    roles: FileRoles,
    entry: Entry | None,
) -> MaskTable | None:
    """Returns the pictures of a table of runs: a line for each object, empty runs for none."""
    frame = sheet.frame
    labels = find(frame, _CLASSES, image, runs)
    if image is not None:
        names = [str(value).strip() for value in frame[image]]
        classes = [str(value) for value in frame[labels]] if labels is not None else None
    elif joined is not None:
        split = [str(value).rpartition("_") for value in frame[joined]]
        names, classes = [one[0] for one in split], [one[2] for one in split]
    else:
        return None
    first = {name: row for row, name in reversed([*enumerate(names)])}
    order = sorted(first.values())
    cells, wrong, paths = resolve([names[row] for row in order])
    pictures = {}
    for row, cell, problem, path in zip(order, cells, wrong, paths, strict=True):
        part = roles.parts[row] if roles.parts else ""
        made = MaskRow(cell, path or names[row], problem=problem, part=part)
        pictures[names[row]] = DrawnPicture(made, [])
    for row, (line, value) in enumerate(zip(frame.index, frame[runs], strict=True)):
        one = pictures[names[row]]
        one.row.problem = one.row.problem or sheet.problems[row]
        if not _blank(value):
            label = references.speakable(classes[row]) if classes else "object"
            where = Message("{table}, line {line}", table=sheet.name, line=str(line))
            one.shapes.append(MaskShape(label, pairs=str(value), where=where))
    known = sorted({shape.label for one in pictures.values() for shape in one.shapes})
    source = Message("runs in {table}, column {column}", table=sheet.name, column=str(runs))
    files = [entry] if entry is not None else []
    annotated = Annotated([*pictures.values()], known or ["object"], files, source)
    return MaskTable(frame.iloc[order], roles, sheet.name, annotated=annotated)


def with_columns(rows: Rows, found: MaskTable, reading: Reading, taken: Taken) -> Rows:
    """Returns the rows with the further columns of the table: group, weight, time, `by`."""
    frame = found.frame.reset_index(drop=True)
    table, roles = rows.table, found.roles
    if roles.group is not None:
        table = table.assign(group=list(groups_of(frame[roles.group])))
        taken.role("group", Message("column {column}", column=str(roles.group)), "--group")
    if roles.weight is not None:
        table = table.assign(weight=list(weights_of(frame[roles.weight])))
        taken.role("weight", Message("column {column}", column=str(roles.weight)), "--weight")
    if roles.split is not None:
        taken.role("part", Message("column {column}", column=str(roles.split)), "--split")
    if roles.folds:
        taken.note(roles.folds)
    if roles.time is not None:
        table = timed(table, frame[roles.time], reading, taken)
        taken.role("time", Message("column {column}", column=str(roles.time)), "--time")
    return rows.with_table(attach_by(table, frame, reading, found.where))
