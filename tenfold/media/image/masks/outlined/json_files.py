"""Reads a JSON file of outlines for each picture: LabelMe, and GeoJSON as QuPath writes it."""

from __future__ import annotations

import base64
import binascii
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused
from tenfold.core.message import Message
from tenfold.core.taken import Taken
from tenfold.media.files.listing import Entry, Tree
from tenfold.media.files.references import Unreadable, printable, speakable
from tenfold.media.files.tables.objects import document_of
from tenfold.media.image.masks.fitting import NO_MASK
from tenfold.media.image.masks.outlined.annotated import Annotated
from tenfold.media.image.masks.outlined.shapes import Bitmap, DrawnPicture, MaskShape
from tenfold.media.image.masks.roles import MaskFile, stem, without_suffix
from tenfold.media.image.masks.rows import MaskRow
from tenfold.media.image.masks.values.decoded import decoded

__all__ = ["from_json_files"]

OBJECT = "object"
CORNERS = 72
"""Points of a circle."""


def from_json_files(tree: Tree, pictures: list[MaskFile], taken: Taken) -> Annotated | None:
    """Returns the pictures with the outlines of their files; None where there are no such files.

    A file belongs to the picture of its own name, in its folder or else the only one of that name.
    """
    held = list[tuple[Entry, Any]]()
    for entry in tree.entries:
        if entry.suffix not in (".json", ".geojson") or entry.problem:
            continue
        start = tree.start(entry, 1 << 16)
        if not any(
            word in start for word in (b'"shapes"', b'"Feature', b'"geometry"', b'"imagePath"')
        ):
            continue
        try:
            document = document_of(entry.cell, entry.name, "utf-8")
        except DataRefused as error:
            held.append((entry, Problem(error.code, error.message, error.fix)))
            continue
        if _is_labelme(document) or _is_geojson(document):
            held.append((entry, document))
    if not any(not isinstance(one, Problem) for _, one in held):
        return None
    return _joined(held, pictures, taken)


def _is_labelme(held: Any) -> bool:
    return isinstance(held, dict) and isinstance(held.get("shapes"), list)


def _is_geojson(held: Any) -> bool:
    first = held[0] if isinstance(held, list) and held else held
    return isinstance(first, dict) and first.get("type") in ("Feature", "FeatureCollection")


def _joined(held: list[tuple[Entry, Any]], pictures: list[MaskFile], taken: Taken) -> Annotated:
    """Returns the pictures, each with the shapes of its file; a picture without one is listed."""
    by_folder = {(*one.context, one.name): one for one in pictures}
    by_name = defaultdict[str, list[MaskFile]](list)
    for one in pictures:
        by_name[one.name].append(one)
    drawn = dict[int, DrawnPicture]()
    lonely, skipped = list[str](), list[str]()
    for entry, document in _by_source(held):
        picture = _picture(entry, document, by_folder, by_name)
        if picture is None:
            lonely.append(printable(entry.name))
            continue
        row = MaskRow(picture.entry.cell, picture.entry.name, problem=picture.entry.problem)
        row.part = picture.part
        made = DrawnPicture(row, [])
        if isinstance(document, Problem):
            row.problem = row.problem or document
        elif _is_labelme(document):
            made.stated = _stated(document)
            made.shapes = _of_labelme(document, skipped)
        else:
            made.shapes = _of_features(document, skipped)
        drawn[id(picture)] = made
    taken.leave("files", lonely, why=Message("outlines without a picture of their name"))
    taken.leave("rows", sorted(set(skipped)), len(skipped), Message("shapes without an area"))
    every = []
    for picture in pictures:
        bare = MaskRow(picture.entry.cell, picture.entry.name, problem=NO_MASK, part=picture.part)
        every.append(drawn.get(id(picture)) or DrawnPicture(bare, []))
    names = sorted({shape.label for made in every for shape in made.shapes})
    files = [entry for entry, _ in held]
    return Annotated(every, names, files, Message("outlines in {count} files", count=len(held)))


def _by_source(held: list[tuple[Entry, Any]]) -> Iterator[tuple[Entry, Any]]:
    """Yields the documents; GeoJSON whose features name their `source` in one for each picture."""
    for entry, document in held:
        sources = defaultdict[str, list[Any]](list)
        for one in _features(document) if _is_geojson(document) else []:
            about = one.get("properties") if isinstance(one, dict) else None
            source = about.get("source") if isinstance(about, dict) else None
            sources[source if isinstance(source, str) else ""].append(one)
        if not any(sources):
            yield entry, document
            continue
        for source, features in sources.items():
            found = {"type": "FeatureCollection", "features": features}
            yield entry, found | {"imagePath": source}


def _picture(
    entry: Entry,
    document: Any,
    by_folder: dict[tuple[str, ...], MaskFile],
    by_name: dict[str, list[MaskFile]],
) -> MaskFile | None:
    """Returns the picture of a file: of its own name, else the one that it names."""
    own = entry.name.rsplit("/", 1)[-1].removesuffix(entry.suffix)
    stated = document.get("imagePath") if isinstance(document, dict) else None
    names = [stem(own), without_suffix(stem(own))]
    if isinstance(stated, str) and stated:
        names.append(stem(stated.replace("\\", "/")))
    for name in names:
        if found := by_folder.get((*entry.parts, name)):
            return found
        if len(every := by_name.get(name, [])) == 1:
            return every[0]
    return None


def _stated(document: dict[str, Any]) -> tuple[int, int] | None:
    size = (document.get("imageWidth"), document.get("imageHeight"))
    if all(isinstance(one, int) and one > 0 for one in size):
        return int(size[0] or 0), int(size[1] or 0)
    return None


# --- LabelMe -------------------------------------------------------------------------------------


def _of_labelme(document: dict[str, Any], skipped: list[str]) -> list[MaskShape]:
    """Returns the objects; shapes of one label and group are parts of one object."""
    found = list[MaskShape]()
    groups = dict[tuple[str, Any], MaskShape]()
    for number, one in enumerate(document["shapes"], 1):
        if not isinstance(one, dict):
            continue
        label = speakable(str(one.get("label") or OBJECT))
        kind = str(one.get("shape_type") or "polygon")
        where = Message("shape {number}", number=number)
        part = _part(kind, one.get("points"))
        bitmap = _of_bitmap(one) if kind == "mask" else None
        if part is None and bitmap is None:
            skipped.append(kind)
            continue
        group = one.get("group_id")
        if group is not None and part and (label, group) in groups:
            groups[label, group].parts.extend(part)
            continue
        shape = MaskShape(label, part or [], bitmap=bitmap, where=where)
        found.append(shape)
        if group is not None:
            groups[label, group] = shape
    return found


def _part(kind: str, points: Any) -> list[list[np.ndarray]] | None:
    """Returns the polygons of a shape; None for points and lines."""
    ring = _ring(points)
    if kind == "polygon":
        return [[ring]]
    if kind == "rectangle" and len(ring) == 2:
        (left, top), (right, bottom) = ring.min(0), ring.max(0)
        return [[np.array([[left, top], [right, top], [right, bottom], [left, bottom]])]]
    if kind == "circle" and len(ring) == 2:
        radius = float(np.hypot(*(ring[1] - ring[0])))
        turn = np.arange(CORNERS) * (2 * np.pi / CORNERS)
        return [[ring[0] + radius * np.stack([np.cos(turn), np.sin(turn)], 1)]]
    return None


def _ring(points: Any) -> np.ndarray:
    """Returns (n, 2) points; NaN where a value is not a number."""
    try:
        ring = np.array([[float(x), float(y)] for x, y, *_ in points], np.float64)
    except (TypeError, ValueError):
        ring = np.full((3, 2), np.nan)
    return ring.reshape(-1, 2)


def _of_bitmap(one: dict[str, Any]) -> Bitmap | None:
    """Returns the pixels of a shape drawn as a bitmap, with its place; None where it is damaged."""
    ring = _ring(one.get("points"))
    try:
        held = decoded(base64.b64decode(str(one.get("mask") or ""), validate=True)).pixels() > 0
    except (binascii.Error, Unreadable):
        return None
    if not len(ring) or not np.isfinite(ring).all():
        return None
    left, top = np.round(ring.min(0)).astype(int).tolist()
    return left, top, held


# --- GeoJSON -------------------------------------------------------------------------------------


def _of_features(document: Any, skipped: list[str]) -> list[MaskShape]:
    """Returns the objects of polygons; the first ring is the outline, the others are holes."""
    found = list[MaskShape]()
    for number, one in enumerate(_features(document), 1):
        geometry = one.get("geometry") if isinstance(one, dict) else None
        kind = str(geometry.get("type")) if isinstance(geometry, dict) else "Feature"
        if not isinstance(geometry, dict) or kind not in ("Polygon", "MultiPolygon"):
            skipped.append(kind)
            continue
        polygons = geometry.get("coordinates")
        polygons = [polygons] if kind == "Polygon" else polygons
        parts = [
            [_ring(ring) for ring in rings] if isinstance(rings, list) else [_ring(None)]
            for rings in (polygons if isinstance(polygons, list) else [])
        ]
        where = Message("feature {number}", number=number)
        found.append(MaskShape(_label(one.get("properties")), parts, where=where))
    return found


def _features(document: Any) -> list[Any]:
    """Returns the features of a collection, of a list, or the single one."""
    found = document if isinstance(document, list) else document.get("features", [document])
    return found if isinstance(found, list) else []


def _label(properties: Any) -> str:
    """Returns the class of a feature: QuPath's classification, else a property of a usual name."""
    held = properties if isinstance(properties, dict) else {}
    named = held.get("classification")
    if isinstance(named, dict):
        names = named.get("names")
        joined = ": ".join(map(str, names)) if isinstance(names, list) else ""
        named = named.get("name") or joined
    for value in (named, *(held.get(key) for key in ("class", "label", "category", "name"))):
        if isinstance(value, (str, int)) and str(value):
            return speakable(str(value))
    return OBJECT
