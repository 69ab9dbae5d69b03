"""JSON of the VGG Image Annotator (VIA 1 and 2): regions of pictures in pixels.

Source: https://www.robots.ox.ac.uk/~vgg/software/via/
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from tenfold.core.message import Message
from tenfold.media.files.roles import LABELS
from tenfold.media.image.boxes.content import Contents, objects_of
from tenfold.media.image.boxes.form import (
    DrawnShape,
    Judgement,
    StatedBoxes,
    bad_box,
    ellipse,
)

__all__ = ["read"]

_WITHOUT_AREA = frozenset(("point", "polyline", "line"))

_Picture = tuple[str, list[dict[str, Any]]]


def read(contents: Contents) -> StatedBoxes | None:
    """Returns the objects of all files of VIA, projects or exports; None if there are none."""
    files = [(e.name, pictures) for e, value in contents.json if (pictures := _pictures(value))]
    if not files:
        return None
    found = StatedBoxes(Message("VIA files"))
    attribute = _attribute([one for _, pictures in files for one in pictures], found)
    flat: list[str] = []
    for name, pictures in files:
        found.used.add(name)
        for picture, regions in pictures:
            shapes = []
            for number, one in enumerate(regions, 1):
                drawn = one["shape_attributes"]
                kind, label = str(drawn.get("name")), _label(one, attribute)
                if kind in _WITHOUT_AREA:
                    flat.append(f"{picture}: {kind} {label}")
                else:
                    shapes.append(_shape(name, drawn, kind, label, number))
            found.judgements.append(Judgement(picture, name, shapes))
    found.leave("shapes", flat, Message("points and lines have no area"))
    return found


def _pictures(value: Any) -> list[_Picture]:
    """Returns the pictures of a file with their regions; [] where it is no file of VIA."""
    if isinstance(value, dict) and isinstance(value.get("_via_img_metadata"), dict):
        value = value["_via_img_metadata"]
    if not isinstance(value, dict) or not value:
        return []
    found = []
    for one in value.values():
        if not isinstance(one, dict) or "filename" not in one or "regions" not in one:
            return []
        regions = one["regions"]
        regions = list(regions.values()) if isinstance(regions, dict) else regions
        kept = [r for r in objects_of(regions) if isinstance(r.get("shape_attributes"), dict)]
        found.append((str(one["filename"]), kept))
    return found


def _attribute(pictures: list[_Picture], found: StatedBoxes) -> str:
    """Returns the attribute of regions that has the classes, and states it; "" for none.

    Of several, it is one with a usual name, else the one that most regions have.
    """
    counts: Counter[str] = Counter()
    for _, regions in pictures:
        for one in regions:
            held = one.get("region_attributes")
            counts.update([key for key in held if held[key]] if isinstance(held, dict) else [])
    usual = [key for word in LABELS for key in counts if key.lower() == word]
    chosen = next(iter(usual), "") or max(counts, key=lambda key: counts[key], default="")
    if chosen:
        found.notes.append(
            Message("The attribute {name!r} of the regions is the class.", name=chosen)
        )
    others = sorted(counts.keys() - {chosen})
    found.leave("columns", others, Message("other attributes of the regions"))
    return chosen


def _label(one: dict[str, Any], attribute: str) -> str:
    """Returns the class of a region: a text, or the only chosen one of several options."""
    if not attribute:
        return "object"
    held = one.get("region_attributes")
    value = held.get(attribute) if isinstance(held, dict) else None
    if isinstance(value, dict):
        chosen = [str(key) for key, is_chosen in value.items() if is_chosen]
        value = chosen[0] if len(chosen) == 1 else ""
    return " ".join(str(value or "").split())


def _shape(file: str, drawn: dict[str, Any], kind: str, label: str, number: int) -> DrawnShape:
    place = Message("region {number}", number=number)
    try:
        return DrawnShape(label, _points(drawn, kind), place)
    except (KeyError, TypeError, ValueError):
        why = Message("its points are not valid")
        return DrawnShape(label, (), place, problem=bad_box(file, place, why))


def _points(drawn: dict[str, Any], kind: str) -> tuple[tuple[float, float], ...]:
    """Returns the points of an outline. Raises ValueError for another kind of shape."""
    if kind == "rect":
        x, y, width, height = (float(drawn[key]) for key in ("x", "y", "width", "height"))
        return (x, y), (x + width, y), (x + width, y + height), (x, y + height)
    if kind == "polygon":
        pairs = zip(drawn["all_points_x"], drawn["all_points_y"], strict=True)
        points = tuple((float(x), float(y)) for x, y in pairs)
        if len(points) < 3:
            raise ValueError
        return points
    if kind not in ("circle", "ellipse"):
        raise ValueError
    x, y = float(drawn["cx"]), float(drawn["cy"])
    if kind == "circle":
        return ellipse(x, y, float(drawn["r"]), float(drawn["r"]))
    turn = float(drawn.get("theta") or 0)
    sine, cosine = math.sin(turn), math.cos(turn)
    flat = ellipse(0, 0, float(drawn["rx"]), float(drawn["ry"]))
    return tuple((x + a * cosine - b * sine, y + a * sine + b * cosine) for a, b in flat)
