"""COCO JSON: pictures, categories and annotations in one file, joined by numbers.

The numbers hold within their file only; several files are joined by the names of the categories.

Source: https://cocodataset.org/#format-data
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from tenfold.core.columns import Problem
from tenfold.core.message import Message
from tenfold.media.image.boxes.content import Contents, JsonObject, objects_of
from tenfold.media.image.boxes.form import (
    DrawnShape,
    Judgement,
    StatedBoxes,
    bad_box,
    bad_class,
    number_of,
)
from tenfold.media.image.boxes.runs import enclosing

__all__ = ["read"]


def read(contents: Contents) -> StatedBoxes | None:
    """Returns the objects of all COCO files with boxes; None if there are none.

    A file of keypoints is read where no other file has boxes. Files of captions, of panoptic
    segments, of predictions, and without annotations are named as not used.
    """
    found = StatedBoxes(Message("COCO files"))
    files: dict[str, list[tuple[str, JsonObject]]] = defaultdict(list)
    for entry, value in contents.json:
        kind = _kind(value)
        if kind in ("boxes", "keypoints"):
            files[kind].append((entry.name, value))
        elif kind:
            found.leave("files", [entry.name], _NOT_USED[kind])
    if files["boxes"]:
        names = [name for name, _ in files["keypoints"]]
        found.leave("files", names, Message("keypoints; another file has the boxes"))
    chosen = files["boxes"] or files["keypoints"]
    if not chosen:
        return None
    videos = {
        str(one.get("video_id")) for _, value in chosen for one in objects_of(value["images"])
    }
    found.roles = {"group": "video_id"} if len(videos) > 1 else {}
    for name, value in chosen:
        found.used.add(name)
        _add(found, name, value)
    return found


_NOT_USED = {
    "captions": Message("captions, no boxes"),
    "panoptic": Message("panoptic segments, no boxes"),
    "predictions": Message("predictions of a model"),
    "pictures": Message("pictures without annotations"),
}


def _kind(value: Any) -> str:
    """Returns the kind of a COCO file by its content; "" where it is not one."""
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value[:20]):
        return "predictions" if {"image_id", "score"} <= value[0].keys() else ""
    if not isinstance(value, dict) or not isinstance(value.get("images"), list):
        return ""
    marks = value.get("annotations")
    if not isinstance(marks, list):
        return "pictures"
    marks = objects_of(marks)
    if any("segments_info" in one for one in marks):
        return "panoptic"
    if any("keypoints" in one for one in marks):
        return "keypoints"
    if any("bbox" in one or "segmentation" in one for one in marks) or not marks:
        return "boxes"
    return "captions" if any("caption" in one for one in marks) else ""


def _add(found: StatedBoxes, file: str, value: JsonObject) -> None:
    """Adds the annotations of one file to `found`."""
    names = _names(value.get("categories"))
    found.classes += [name for some in names.values() for name in some]
    marks = objects_of(value["annotations"])
    numbers = [one.get("id") for one in marks if one.get("id") is not None]
    if len({*map(str, numbers)}) < len(numbers):
        found.notes.append(
            Message("The ids of annotations in {file} repeat and are numbered anew.", file=file)
        )
    fractions = _are_fractions(marks)
    if fractions:
        found.notes.append(
            Message("The boxes in {file} are fractions of width and height.", file=file)
        )
    by_picture: dict[str, list[DrawnShape]] = defaultdict(list)
    for at, one in enumerate(marks):
        by_picture[_key(one.get("image_id"))].append(_shape(file, one, at, names))
    pictures = objects_of(value["images"])
    written: dict[str, set[str]] = defaultdict(set)
    for one in pictures:
        written[_key(one.get("id"))].add(_file_name(one))
    for one in pictures:
        key = _key(one.get("id"))
        judgement = Judgement(
            _file_name(one), file, by_picture.get(key, []), _size(one), fractions, fields=one
        )
        if len(written[key]) > 1:
            judgement.problem = _repeated(file, key)
        found.judgements.append(judgement)
    lost = [key for key in by_picture if key not in written]
    found.leave("annotations", lost, Message("of pictures that {file} does not list", file=file))


def _names(categories: Any) -> dict[str, set[str]]:
    """Returns the names of the categories by their numbers; more than one is a contradiction."""
    names: dict[str, set[str]] = defaultdict(set)
    for one in objects_of(categories):
        if one.get("name") is not None:
            names[_key(one.get("id"))].add(" ".join(str(one["name"]).split()))
    return names


def _key(number: Any) -> str:
    """Returns a number of a picture or category as text: 1, 1.0 and "1" are the same."""
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    return str(number).strip()


def _file_name(picture: JsonObject) -> str:
    return str(picture.get("file_name") or picture.get("path") or picture.get("coco_url") or "")


def _size(picture: JsonObject) -> tuple[float, float]:
    return number_of(picture.get("width")), number_of(picture.get("height"))


def _repeated(file: str, key: str) -> Problem:
    return Problem(
        "repeated-id",
        Message("has an id that another picture has too: {id} in {file}", id=key, file=file),
        Message("Give each picture an id of its own."),
    )


def _are_fractions(marks: Iterable[JsonObject]) -> bool:
    """Returns True where all boxes lie between 0 and 1."""
    boxes = [edges for one in marks if (edges := _numbers(one.get("bbox"))) and len(edges) == 4]
    return bool(boxes) and all(0 <= edge <= 1 for edges in boxes for edge in edges)


def _shape(file: str, one: JsonObject, at: int, names: Mapping[str, set[str]]) -> DrawnShape:
    place = Message("annotation {id}", id=one.get("id", at))
    number = _key(one.get("category_id"))
    label = min(names.get(number, ()), default="")
    ignored = any(str(one.get(name, 0)) in ("1", "True", "1.0") for name in ("iscrowd", "ignore"))
    if len(names.get(number, ())) != 1:
        return DrawnShape(label, (), place, ignored, problem=bad_class(file, place, number))
    try:
        points = _points(one)
    except (ValueError, TypeError, KeyError, OverflowError):
        why = Message("its bbox, outline or runs are not valid")
        return DrawnShape(label, (), place, ignored, problem=bad_box(file, place, why))
    if not points:
        why = Message("it has neither bbox nor segmentation")
        return DrawnShape(label, (), place, ignored, problem=bad_box(file, place, why))
    return DrawnShape(label, points, place, ignored)


def _points(one: JsonObject) -> tuple[tuple[float, float], ...]:
    """Returns the corners of the bbox, else the points of all polygons, else those of the runs."""
    edges = one.get("bbox")
    if isinstance(edges, list) and edges:
        x, y, width, height = (float(edge) for edge in edges)
        return (x, y), (x + width, y + height)
    outline = one.get("segmentation")
    if isinstance(outline, dict):
        box = enclosing(outline)
        return ((box[0], box[1]), (box[2], box[3])) if box else ()
    polygons = outline if isinstance(outline, list) else []
    if polygons and not isinstance(polygons[0], list):
        polygons = [polygons]
    points = [
        (float(x), float(y))
        for polygon in polygons
        for x, y in zip(polygon[0::2], polygon[1::2], strict=True)
    ]
    return tuple(points) if len(points) > 2 else ()


def _numbers(values: Any) -> list[float]:
    if not isinstance(values, list) or not all(isinstance(one, int | float) for one in values):
        return []
    return [float(one) for one in values]
