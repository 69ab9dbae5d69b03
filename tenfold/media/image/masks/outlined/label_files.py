"""Reads outlines in formats that the reader of boxes knows: YOLO label files, and VIA JSON.

A line of a YOLO label file is a class number and the points of an outline as fractions of width and
height; names and parts are in a YAML file. VIA states polygons and other regions in pixels.

Source: https://docs.ultralytics.com/datasets/segment/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from tenfold.core.columns import Problem
from tenfold.core.message import Message
from tenfold.core.taken import Taken
from tenfold.media.files.listing import Entry, Tree
from tenfold.media.files.parts import part_of_folder
from tenfold.media.files.references import printable, speakable
from tenfold.media.image.boxes import yolo
from tenfold.media.image.boxes.content import Contents
from tenfold.media.image.boxes.form import DrawnShape, Judgement, StatedBoxes
from tenfold.media.image.boxes.pictures import Pictures
from tenfold.media.image.boxes.tools import via
from tenfold.media.image.masks.outlined.annotated import Annotated
from tenfold.media.image.masks.outlined.shapes import DrawnPicture, MaskShape
from tenfold.media.image.masks.rows import MaskRow

__all__ = ["from_label_files"]

FORMATS: tuple[Callable[[Contents], StatedBoxes | None], ...] = (
    partial(yolo.read, outlines=True),
    via.read,
)


def from_label_files(tree: Tree, taken: Taken) -> Annotated | None:
    """Returns the pictures of the first format with outlines; None where there are none.

    A picture with an object that has a box and no outline has a problem.
    """
    contents = Contents(tree, Pictures(tree))
    for read in FORMATS:
        found = read(contents)
        seen = {shape.label for shape in _shapes(found) if _is_outline(shape)}
        if found is not None and seen:
            return _annotated(found, seen, contents, taken)
    return None


def _shapes(found: StatedBoxes | None) -> Iterator[DrawnShape]:
    return (shape for one in (found.judgements if found else ()) for shape in one.shapes)


def _is_outline(shape: DrawnShape) -> bool:
    return len(shape.points) > 2


def _annotated(found: StatedBoxes, seen: set[str], contents: Contents, taken: Taken) -> Annotated:
    """Returns the pictures with the outlines, and states what is left."""
    for kind, names, why in found.left:
        taken.leave(kind, names, why=why)
    unused = [name for name in found.classes if name not in seen]
    taken.leave("categories", unused, why=Message("without an outline"))
    taken.notes.extend(found.notes)
    pictures, lonely = list[DrawnPicture](), list[str]()
    for one in found.judgements:
        entry = one.entry or contents.pictures.first((one.picture, *one.others), one.file)
        if isinstance(entry, Entry):
            pictures.append(_drawn(one, entry))
        else:
            lonely.append(printable(one.picture if found.lists_pictures else one.file))
    taken.leave("files", lonely, why=Message("outlines without a picture of their name"))
    names = [*found.classes, *sorted(seen - {*found.classes})]
    files = [entry for entry in contents.tree.entries if entry.name in found.used]
    return Annotated(pictures, [name for name in names if name in seen], files, found.format)


def _drawn(one: Judgement, entry: Entry) -> DrawnPicture:
    """Returns a picture with its outlines."""
    row = MaskRow(entry.cell, entry.name, problem=entry.problem or one.problem)
    folders = [part_of_folder(name) for name in entry.parts]
    row.part = one.part or next((part for part in folders if part), "")
    shapes = []
    for shape in one.shapes:
        row.problem = row.problem or shape.problem
        if not _is_outline(shape):
            row.problem = row.problem or _no_outline(one.file, shape.place)
            continue
        ring = np.array(shape.points, np.float64)
        shapes.append(MaskShape(speakable(shape.label), [[ring]], where=shape.place))
    return DrawnPicture(row, shapes, fractions=one.fractions)


def _no_outline(file: str, place: Message) -> Problem:
    return Problem(
        "mask-outline",
        Message("has a box without an outline ({file}, {place})", file=file, place=place),
        Message("Draw the outline of this object, or remove the line."),
    )
