"""CreateML JSON: a list of pictures, each with boxes by their centres, in pixels.

Source: https://developer.apple.com/documentation/createml/mlobjectdetector
"""

from __future__ import annotations

from typing import Any

from tenfold.core.message import Message
from tenfold.media.image.boxes.content import Contents, objects_of
from tenfold.media.image.boxes.form import DrawnShape, Judgement, StatedBoxes, bad_box

__all__ = ["read"]

_PICTURE = ("image", "imagefilename")
_MARKS = ("annotations", "annotation")


def read(contents: Contents) -> StatedBoxes | None:
    """Returns the objects of all files of CreateML; None if there are none."""
    files = [(entry.name, value) for entry, value in contents.json if _is_createml(value)]
    if not files:
        return None
    found = StatedBoxes(Message("CreateML files"))
    for name, value in files:
        found.used.add(name)
        for one in objects_of(value):
            marks: Any = next((one[key] for key in _MARKS if key in one), [])
            shapes = [_shape(name, mark, at) for at, mark in enumerate(objects_of(marks), 1)]
            found.judgements.append(Judgement(_picture(one), name, shapes))
    return found


def _picture(one: dict[str, Any]) -> str:
    return next((str(one[key]) for key in _PICTURE if one.get(key)), "")


def _is_createml(value: Any) -> bool:
    """Returns True for a list of pictures of which at least one has a box with a centre."""
    marks = [
        mark
        for one in objects_of(value)
        if _picture(one)
        for key in _MARKS
        for mark in objects_of(one.get(key))
    ]
    return any(isinstance(one.get("coordinates"), dict) for one in marks)


def _shape(file: str, one: dict[str, Any], number: int) -> DrawnShape:
    place = Message("annotation {id}", id=number)
    label = " ".join(str(one.get("label") or "").split())
    try:
        numbers = [float(one["coordinates"][key]) for key in ("x", "y", "width", "height")]
    except (KeyError, TypeError, ValueError):
        why = Message("a number is missing or not finite")
        return DrawnShape(label, (), place, problem=bad_box(file, place, why))
    x, y, width, height = numbers
    edges = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    return DrawnShape.box(label, edges, place)
