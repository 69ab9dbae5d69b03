"""LabelMe JSON: one file for each picture, with rectangles, circles and outlines in pixels.

Source: https://github.com/wkentaro/labelme, labelme/_label_file.py
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from tenfold.core.message import Message
from tenfold.media.image.boxes.content import Contents
from tenfold.media.image.boxes.form import DrawnShape, Judgement, StatedBoxes, bad_box, number_of
from tenfold.media.image.boxes.pictures import stem_of

__all__ = ["is_labelme", "read"]

_WITHOUT_AREA = frozenset(("point", "points", "line", "linestrip"))


def is_labelme(value: Any) -> bool:
    """Returns True for the value of a file of LabelMe."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("shapes"), list)
        and ("imagePath" in value or "imageWidth" in value)
    )


def read(contents: Contents) -> StatedBoxes | None:
    """Returns the objects of all files of LabelMe; None if there are none."""
    files = [(entry.name, value) for entry, value in contents.json if is_labelme(value)]
    if not files:
        return None
    found = StatedBoxes(Message("LabelMe files"), lists_pictures=False)
    flat: list[str] = []
    for name, value in files:
        found.used.add(name)
        size = (number_of(value.get("imageWidth")), number_of(value.get("imageHeight")))
        written = str(value.get("imagePath") or "")
        path = [one for one in (written, stem_of(name)) if one]
        shapes = _shapes(name, value["shapes"], flat)
        found.judgements.append(Judgement(path[0], name, shapes, size, others=tuple(path[1:])))
    found.leave("shapes", flat, Message("points and lines have no area"))
    return found


def _shapes(file: str, values: list[Any], flat: list[str]) -> list[DrawnShape]:
    """Returns the objects; shapes of one label and one `group_id` are one object.

    The names of shapes without area are added to `flat`.
    """
    found: dict[Any, DrawnShape] = {}
    joined: Counter[Any] = Counter()
    for number, one in enumerate(values, 1):
        if not isinstance(one, dict):
            continue
        kind = str(one.get("shape_type") or "polygon")
        label = " ".join(str(one.get("label") or "").split())
        if kind in _WITHOUT_AREA:
            flat.append(f"{file}: {kind} {label}")
            continue
        shape = _shape(file, one, kind, label, number)
        key = (label, one["group_id"]) if one.get("group_id") is not None else number
        joined[key] += 1
        if key in found and not (shape.problem or found[key].problem):
            before = found[key]
            corners = (*before.corners(), *shape.corners())
            shape = DrawnShape(label, corners, before.place, before.ignored or shape.ignored)
        found[key] = shape
    return list(found.values())


def _shape(file: str, one: Mapping[str, Any], kind: str, label: str, number: int) -> DrawnShape:
    place = Message("shape {number}", number=number)
    ignored = bool(one.get("difficult"))
    try:
        points = [(float(x), float(y)) for x, y in one["points"]]
        return DrawnShape(label, _enclosed(kind, points), place, ignored)
    except (ValueError, TypeError, KeyError):
        why = Message("its points are not valid")
        return DrawnShape(label, (), place, ignored, problem=bad_box(file, place, why))


def _enclosed(kind: str, points: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Returns the points that the box encloses. Raises ValueError where there are too few."""
    if kind == "circle":
        (x, y), (edge_x, edge_y) = points
        radius = math.hypot(edge_x - x, edge_y - y)
        return (x - radius, y - radius), (x + radius, y + radius)
    if len(points) < 2 or (kind == "polygon" and len(points) < 3):
        raise ValueError
    xs, ys = zip(*points, strict=True)
    return (min(xs), min(ys)), (max(xs), max(ys))
