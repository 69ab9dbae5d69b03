"""Reads COCO annotations with outlines: polygons, compressed runs and lists of counts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused
from tenfold.core.message import Message
from tenfold.core.taken import Taken
from tenfold.media.files.layouts.near import Near
from tenfold.media.files.listing import Entry, Tree
from tenfold.media.files.parts import part_of_file, part_of_folder
from tenfold.media.files.references import printable, speakable
from tenfold.media.files.tables.objects import document_of
from tenfold.media.image.masks.outlined.annotated import Annotated
from tenfold.media.image.masks.outlined.shapes import DrawnPicture, MaskShape
from tenfold.media.image.masks.rows import MaskRow
from tenfold.media.image.medium import IMAGE

__all__ = ["from_coco"]


def from_coco(tree: Tree, taken: Taken) -> Annotated | None:
    """Returns the pictures of all COCO files with outlines; None without such files.

    Ids hold within one file; files are joined by the names of their categories.
    """
    found = list[tuple[Entry, dict[str, Any]]]()
    for entry in tree.entries:
        if entry.suffix == ".json" and not entry.problem and _looks_like(tree, entry):
            held = _document(entry)
            if held is not None and any(_outlined(one) for one in held["annotations"]):
                found.append((entry, held))
            elif held is not None:
                why = Message("annotations without outlines")
                taken.leave("files", [printable(entry.name)], why=why)
    if not found:
        return None
    names, pictures = list[str](), list[DrawnPicture]()
    used = set[str]()
    for entry, held in found:
        names += _pictures_of(tree, entry, held, pictures, used, taken)
    shown = ", ".join(printable(entry.name) for entry, _ in found[:4])
    files = [entry for entry, _ in found]
    source = Message("COCO outlines in {names}", names=shown)
    return Annotated(pictures, list(dict.fromkeys(names)), files, source)


def _looks_like(tree: Tree, entry: Entry) -> bool:
    start = tree.start(entry, 1 << 16)
    return any(word in start for word in (b'"images"', b'"annotations"', b'"categories"'))


def _document(entry: Entry) -> dict[str, Any] | None:
    try:
        held = document_of(entry.cell, entry.name, "utf-8")
    except DataRefused:
        return None
    lists = ("images", "annotations", "categories")
    if not isinstance(held, dict) or not all(isinstance(held.get(key), list) for key in lists):
        return None
    return held


def _outlined(one: Any) -> bool:
    return isinstance(one, dict) and bool(one.get("segmentation"))


def _pictures_of(
    tree: Tree,
    entry: Entry,
    held: dict[str, Any],
    pictures: list[DrawnPicture],
    used: set[str],
    taken: Taken,
) -> list[str]:
    """Adds the pictures of one file; returns the names of the categories that objects have."""
    categories = _categories(held)
    by_image = defaultdict[Any, list[dict[str, Any]]](list)
    for one in held["annotations"]:
        if isinstance(one, dict):
            by_image[one.get("image_id")].append(one)
    images = [one for one in held["images"] if isinstance(one, dict)]
    rows = _rows(tree, entry, [str(one.get("file_name") or "") for one in images])
    seen = set[str]()
    ids = Counter(str(image.get("id")) for image in images)
    for image, row in zip(images, rows, strict=True):
        shapes = list[MaskShape]()
        if ids[str(image.get("id"))] > 1:
            row.problem = row.problem or _same_id(image)
        for one in by_image.pop(image.get("id"), []):
            shape = _shape(one, categories)
            if isinstance(shape, Problem):
                row.problem = row.problem or shape
            else:
                shapes.append(shape)
                seen.add(shape.label)
        if row.image in used:
            row.problem = row.problem or _twice()
        used.add(row.image)
        pictures.append(DrawnPicture(row, shapes, _stated(image)))
    _state(entry, categories, seen, sum(map(len, by_image.values())), taken)
    return [name for name in categories.values() if name in seen]


def _categories(held: dict[str, Any]) -> dict[Any, str]:
    """Returns the names of the categories by id; ids of two names are left out."""
    names = defaultdict[Any, set[str]](set)
    for one in held["categories"]:
        if isinstance(one, dict):
            names[one.get("id")].add(speakable(str(one.get("name", one.get("id")))))
    return {number: next(iter(found)) for number, found in names.items() if len(found) == 1}


def _same_id(image: dict[str, Any]) -> Problem:
    return Problem(
        "annotated-twice",
        Message("has the same id as another picture: {id}", id=str(image.get("id"))),
        Message("Give each picture an id of its own."),
    )


def _rows(tree: Tree, entry: Entry, names: Sequence[str]) -> list[MaskRow]:
    """Returns a row for each file name: relative to the annotations, or the only file that fits."""
    members = {one.name: one for one in tree.entries}
    base = entry.name.rpartition("/")[0]
    near = Near(tree.root.resolve(), members, f"{base}/" if base else "", IMAGE.suffixes)
    part = part_of_file(entry.name)
    plain = [name.replace("\\", "/") for name in names]
    named = near.named(plain, part)
    rows = []
    for cell, problem, path, name in zip(
        named.cells, named.problems, named.paths, plain, strict=True
    ):
        above = [found for one in path.split("/")[:-1] if (found := part_of_folder(one))]
        own = part or (above[-1] if above else "")
        rows.append(MaskRow(cell, path or name, problem=problem, part=own))
    return rows


def _stated(image: dict[str, Any]) -> tuple[int, int] | None:
    size = (image.get("width"), image.get("height"))
    whole = all(isinstance(one, (int, float)) and one > 0 for one in size)
    return (int(size[0] or 0), int(size[1] or 0)) if whole else None


def _twice() -> Problem:
    return Problem(
        "annotated-twice",
        Message("stands twice among the annotated pictures"),
        Message("Keep one entry for each picture."),
    )


def _shape(one: dict[str, Any], categories: dict[Any, str]) -> MaskShape | Problem:
    """Returns the object of an annotation, or the problem of its picture."""
    where = Message("annotation {id}", id=str(one.get("id")))
    label = categories.get(one.get("category_id"))
    if label is None:
        return Problem(
            "mask-category",
            Message(
                "has an annotation ({where}) of category {category}, which has no name",
                where=where,
                category=str(one.get("category_id")),
            ),
            Message("Add the category to the file, or remove the annotation."),
        )
    crowd = one.get("iscrowd") in (1, True)
    outline = one.get("segmentation")
    if isinstance(outline, dict):
        return MaskShape(label, runs=outline, crowd=crowd, where=where)
    parts = list[list[np.ndarray]]()
    for numbers in outline if isinstance(outline, list) else []:
        points = numbers if isinstance(numbers, list) else []
        if len(points) % 2 or not all(isinstance(value, (int, float)) for value in points):
            points = []
        parts.append([np.array(points, np.float64).reshape(-1, 2)])
    if not parts:
        return Problem(
            "mask-outline",
            Message("has an annotation ({where}) without an outline", where=where),
            Message("Draw the outline, or remove the annotation."),
        )
    return MaskShape(label, parts, crowd=crowd, where=where)


def _state(
    entry: Entry, categories: dict[Any, str], seen: set[str], strangers: int, taken: Taken
) -> None:
    """Adds the categories without objects, and the annotations without a picture."""
    name = printable(entry.name)
    unused = [one for one in categories.values() if one not in seen]
    if unused:
        taken.note(
            Message(
                "Categories without an object in {name}: {names}.",
                name=name,
                names=", ".join(unused[:12]) + (" ..." if len(unused) > 12 else ""),
            )
        )
    if strangers:
        taken.leave("rows", [name], strangers, Message("annotations of pictures not in the list"))
