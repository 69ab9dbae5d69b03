"""Predicted masks as COCO run lengths and as GeoJSON outlines.

A class that is called background has neither: what is left is background. Rows and columns are
those of the whole upright picture.
"""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tenfold.answers.files import WriteAnswer
from tenfold.answers.segmentation import outlines, rle
from tenfold.answers.segmentation.prediction import Mask, is_background
from tenfold.core.columns import Problem
from tenfold.core.results import Prediction
from tenfold.media import drawing
from tenfold.media.files.references import printable

__all__ = ["coco", "features", "geojson", "wrote_coco", "wrote_geojson"]

COCO_HEAD = '{"info": {"description": "predicted masks of tenfold"}, "annotations": ['
GEOJSON_HEAD = (
    '{"type": "FeatureCollection", "description": "predicted masks of tenfold", "features": ['
)


class MaskPart(NamedTuple):
    """An object in one plane, or a class where objects are not told apart.

    `inside` (h, w) is True for its pixels; its upper left corner is at row and column `corner`.
    """

    name: str
    confidence: float
    number: int | None
    plane: int | None
    inside: np.ndarray
    corner: tuple[int, int]


def _parts(answer: Mask) -> Iterator[MaskPart]:
    """Yields the parts of an answer that have an outline, plane by plane."""
    stacked = len(answer.size) > 2
    numbers = answer.object_numbers if answer.told_apart else answer.pixels.astype(np.uint32) + 1
    planes = numbers if stacked else numbers[None]
    for plane, shown in enumerate(planes):
        for number in map(int, np.unique(shown)):
            name, sure = _called(answer, number)
            if name and not is_background(name):
                (top, bottom), (left, right) = _place(answer, number)
                inside = shown[top:bottom, left:right] == number
                own = number if answer.told_apart else None
                place = plane if stacked else None
                yield MaskPart(name, sure, own, place, inside, (top, left))


def _place(answer: Mask, number: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Returns the first row and the one after the last of an object or class, then the columns."""
    height, width = answer.size[-2:]
    if not answer.told_apart:
        return (0, height), (0, width)
    x0, y0, x1, y1 = answer.objects[number - 1]["box"]
    return (round(y0 * height), round(y1 * height)), (round(x0 * width), round(x1 * width))


def _called(answer: Mask, number: int) -> tuple[str, float]:
    """Returns class and confidence of an object, or of a class where they are not told apart."""
    if number == 0 or (not answer.told_apart and number > len(answer.classes)):
        return "", 0.0
    if not answer.told_apart:
        return answer.classes[number - 1], answer.confidence
    one = answer.objects[number - 1]
    return one["class"], one.get("confidence", answer.confidence)


@contextlib.contextmanager
def coco(path: Path, prediction: type[Prediction], classes: Sequence[str]) -> Iterator[WriteAnswer]:
    """Writes a COCO file: masks as compressed run lengths, an annotation for each object.

    Each plane of a stack is an image with a key `plane`. Inputs that could not be read are under
    `errors`.
    """
    images: list[dict[str, Any]] = []
    errors: list[dict[str, str]] = []
    ids, names = itertools.count(1), dict.fromkeys(classes)
    with path.open("w", encoding="utf-8") as file:
        file.write(COCO_HEAD)

        def write(source: str, answer: Prediction | Problem) -> None:
            if not isinstance(answer, Mask):
                reason = answer.reason if isinstance(answer, Problem) else ""
                errors.append({"file_name": printable(source), "error": str(reason)})
                return
            names.update(dict.fromkeys(answer.classes))
            numbers = {name: place for place, name in enumerate(names, 1)}
            first = len(images) + 1
            images.extend(_images(source, answer, first))
            for part in _parts(answer):
                number, image = next(ids), first + (part.plane or 0)
                about = {"id": number, "image_id": image, "category_id": numbers[part.name]}
                file.write(",\n" * (number > 1))
                json.dump(about | _annotation(part, answer.size[-2:]), file)

        yield write
        categories = [
            {"id": place, "name": name}
            for place, name in enumerate(names, 1)
            if not is_background(name)
        ]
        rest = {"images": images, "categories": categories, "errors": errors}
        file.write(f"],\n{json.dumps(rest, ensure_ascii=False)[1:]}\n")


def _images(source: str, answer: Mask, first: int) -> list[dict[str, Any]]:
    (height, width), planes = answer.size[-2:], answer.size[:-2]
    about = {"file_name": printable(source), "width": width, "height": height}
    if not planes:
        return [{"id": first} | about]
    return [{"id": first + one} | about | {"plane": one} for one in range(planes[0])]


def _annotation(part: MaskPart, size: tuple[int, ...]) -> dict[str, Any]:
    (top, left), inside = part.corner, part.inside
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    box = [left + columns[0], top + rows[0], np.ptp(columns) + 1, np.ptp(rows) + 1]
    height, width = size
    return {
        "segmentation": {
            "size": [height, width],
            "counts": rle.compressed(inside, (height, width), part.corner),
        },
        "area": int(inside.sum()),
        "bbox": [*map(int, box)],
        "iscrowd": 0,
        "score": part.confidence,
    }


@contextlib.contextmanager
def geojson(
    path: Path, prediction: type[Prediction], classes: Sequence[str]
) -> Iterator[WriteAnswer]:
    """Writes GeoJSON as QuPath reads it: outlines in pixels of the whole picture.

    A feature is an object, or a connected region of a class where objects are not told apart. Its
    property `source` names the picture.
    """
    first = True
    with path.open("w", encoding="utf-8") as file:
        file.write(GEOJSON_HEAD)

        def write(source: str, answer: Prediction | Problem) -> None:
            nonlocal first
            for one in features(source, answer):
                file.write("\n" if first else ",\n")
                json.dump(one, file, ensure_ascii=False)
                first = False

        yield write
        file.write("\n]}\n")


def features(source: str, answer: Prediction | Problem) -> Iterator[dict[str, Any]]:
    """Yields the features of an answer; none if it is a Problem."""
    if not isinstance(answer, Mask):
        return
    for part in _parts(answer):
        shift = [part.corner[1], part.corner[0]]
        shapes = [
            [_closed(ring + shift) for ring in polygon]
            for polygon in outlines.polygons(part.inside)
        ]
        colour = [*drawing.tone(answer.classes.index(part.name))]
        properties = {
            "objectType": "annotation",
            "classification": {"name": part.name, "color": colour},
            "source": printable(source),
            "measurements": {"confidence": part.confidence},
        }
        if part.number is not None:
            properties["name"] = str(part.number)
        for shape in [shapes] if part.number is not None else [[one] for one in shapes]:
            single = len(shape) == 1
            found: dict[str, Any] = {
                "type": "Polygon" if single else "MultiPolygon",
                "coordinates": shape[0] if single else shape,
            }
            if part.plane is not None:
                found["plane"] = {"c": -1, "z": part.plane, "t": 0}
            yield {"type": "Feature", "geometry": found, "properties": properties}


def _closed(ring: np.ndarray) -> list[list[int]]:
    corners: list[list[int]] = ring.tolist()
    return [*corners, corners[0]]


def wrote_coco(path: Path, prediction: type[Prediction]) -> bool:
    """Returns True for a file that `coco` wrote."""
    return _begins(path, COCO_HEAD)


def wrote_geojson(path: Path, prediction: type[Prediction]) -> bool:
    """Returns True for a file that `geojson` wrote."""
    return _begins(path, GEOJSON_HEAD)


def _begins(path: Path, head: str) -> bool:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(len(head)) == head
