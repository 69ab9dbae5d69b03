"""`metadata.jsonl` of Hugging Face: a picture in each line, its boxes and classes in `objects`.

A box is left edge, upper edge, width and height, as in COCO.

Source: https://huggingface.co/docs/datasets/image_dataset#object-detection
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from tenfold.core.message import Message
from tenfold.media.files.listing import Entry
from tenfold.media.image.boxes.content import Contents, objects_of
from tenfold.media.image.boxes.form import DrawnShape, Judgement, StatedBoxes, bad_box
from tenfold.media.image.boxes.tables import are_fractions

__all__ = ["read"]

_BOXES = ("bbox", "bboxes", "boxes")
_CLASSES = ("categories", "category", "labels", "label", "classes", "class")

_Line = tuple[int, dict[str, Any]]


def read(contents: Contents) -> StatedBoxes | None:
    """Returns the objects of all such files; None if there are none."""
    files = [
        (entry, lines) for entry in contents.entries(".jsonl") if (lines := _lines(contents, entry))
    ]
    if not files:
        return None
    found = StatedBoxes(Message("metadata.jsonl files"))
    for entry, lines in files:
        found.used.add(entry.name)
        found.judgements += [_judgement(entry.name, number, one) for number, one in lines]
    edges = [
        np.array([point for shape in one.shapes for point in shape.points], float)
        for one in found.judgements
    ]
    fractions = are_fractions(edges) if edges else False
    for one in found.judgements:
        one.fractions = fractions
    unit = Message("fractions of width and height") if fractions else Message("pixels")
    found.notes.append(
        Message(
            "The columns {columns} are read as {form}, in {unit}.",
            columns="objects",
            form=Message("upper left corner, width and height"),
            unit=unit,
        )
    )
    return found


def _lines(contents: Contents, entry: Entry) -> list[_Line]:
    """Returns the lines of a file with their numbers; [] where it has no line with `objects`."""
    found = []
    for number, line in enumerate(contents.lines(entry), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = {}
        found.append((number, value if isinstance(value, dict) else {}))
    return found if any(_has_objects(one) for _, one in found) else []


def _has_objects(one: dict[str, Any]) -> bool:
    held = one.get("objects")
    first = (objects_of(held) or [{}])[0] if isinstance(held, list) else held
    return isinstance(first, dict) and any(key in first for key in _BOXES)


def _judgement(file: str, number: int, one: dict[str, Any]) -> Judgement:
    place = Message("line {number}", number=number)
    found = Judgement(str(one.get("file_name") or ""), file, fields=one)
    held = one.get("objects")
    if isinstance(held, dict):
        boxes, names = _column(held, _BOXES), _column(held, _CLASSES)
        if names is not None and boxes is not None and len(names) != len(boxes):
            why = Message(
                "it has {boxes} boxes and {names} classes", boxes=len(boxes), names=len(names)
            )
            found.problem = bad_box(file, place, why)
            return found
        pairs = list(zip(boxes or [], names or ["object"] * len(boxes or []), strict=True))
    else:
        every = objects_of(held)
        pairs = [(_value(mark, _BOXES), _value(mark, _CLASSES)) for mark in every]
        if not isinstance(held, list):
            found.problem = bad_box(file, place, Message("the line has no objects"))
    found.shapes = [_shape(file, box, name, place) for box, name in pairs]
    return found


def _value(held: dict[str, Any], keys: tuple[str, ...]) -> Any:
    return next((held[key] for key in keys if key in held), None)


def _column(held: dict[str, Any], keys: tuple[str, ...]) -> list[Any] | None:
    value = _value(held, keys)
    return value if isinstance(value, list) else None


def _shape(file: str, box: Any, name: Any, place: Message) -> DrawnShape:
    label = "" if name is None else " ".join(str(name).split())
    try:
        x, y, width, height = map(float, box)
    except (TypeError, ValueError):
        why = Message("a number is missing or not finite")
        return DrawnShape(label, (), place, problem=bad_box(file, place, why))
    return DrawnShape.box(label, (x, y, x + width, y + height), place)
