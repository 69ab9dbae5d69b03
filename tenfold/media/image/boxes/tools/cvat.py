"""CVAT XML: pictures with their shapes, or tracks with a shape in each frame, in pixels.

Source: https://docs.cvat.ai/docs/dataset_management/formats/format-cvat/
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from xml.etree.ElementTree import Element

from tenfold.core.message import Message
from tenfold.media.files.listing import Entry
from tenfold.media.files.parts import part_of_folder
from tenfold.media.image.boxes.content import Contents
from tenfold.media.image.boxes.form import (
    DrawnShape,
    Judgement,
    StatedBoxes,
    bad_box,
    ellipse,
    number_of,
)
from tenfold.media.image.boxes.pictures import Pictures, plain, stem_of

__all__ = ["is_cvat", "read"]

_AREAS = frozenset(("box", "polygon", "ellipse", "mask", "cuboid"))
_WITHOUT_AREA = frozenset(("polyline", "points", "tag", "skeleton"))


def is_cvat(root: Element) -> bool:
    """Returns True for the root element of a file of CVAT."""
    return root.tag == "annotations" and (
        root.find("image") is not None or root.find("track") is not None
    )


def read(contents: Contents) -> StatedBoxes | None:
    """Returns the objects of all files of CVAT; None if there are none.

    A shape with `outside` is not an object: its track has left the picture.
    """
    files = [(entry, root) for entry, root in contents.xml if is_cvat(root)]
    if not files:
        return None
    found = StatedBoxes(Message("CVAT files"))
    flat: Counter[tuple[str, str]] = Counter()
    outside = 0
    for entry, root in files:
        found.used.add(entry.name)
        found.classes += [_clean(one.text) for one in root.iterfind("meta//labels/label/name")]
        for image in root.findall("image"):
            shapes = _shapes(entry.name, image, flat)
            outside += sum(_is_outside(one) for one in image)
            found.judgements.append(_judgement(entry.name, image, shapes))
        outside += _add_tracks(found, entry, root, contents.pictures, flat)
    names = [f"{kind} {label}" for kind, label in sorted(flat)]
    if flat:
        found.left.append(("shapes", names, Message("no area")))
    if outside:
        found.notes.append(
            Message("Shapes marked as outside their picture and left out: {count}.", count=outside)
        )
    return found


def _judgement(file: str, image: Element, shapes: list[DrawnShape]) -> Judgement:
    size = (number_of(image.get("width")), number_of(image.get("height")))
    one = Judgement(image.get("name") or "", file, shapes, size)
    one.part = part_of_folder(image.get("subset") or "") or ""
    return one


def _clean(text: str | None) -> str:
    return " ".join((text or "").split())


def _is_outside(node: Element) -> bool:
    return node.get("outside") == "1"


def _shapes(
    file: str, nodes: Iterable[Element], flat: Counter[tuple[str, str]]
) -> list[DrawnShape]:
    found = []
    for number, node in enumerate(nodes, 1):
        label = _clean(node.get("label"))
        if node.tag in _WITHOUT_AREA:
            flat[(node.tag, label)] += 1
        elif node.tag in _AREAS and not _is_outside(node):
            place = Message("{kind} {number}", kind=node.tag, number=number)
            found.append(_shape(file, node, label, place))
    return found


def _shape(file: str, node: Element, label: str, place: Message) -> DrawnShape:
    try:
        points = _points(node)
    except (ValueError, KeyError, TypeError):
        why = Message("its numbers are not valid")
        return DrawnShape(label, (), place, problem=bad_box(file, place, why))
    turn = number_of(node.get("rotation"))
    middle = tuple(sum(one) / len(points) for one in zip(*points, strict=True))
    return DrawnShape(label, points, place, turn=turn, about=(middle[0], middle[1]))


def _points(node: Element) -> tuple[tuple[float, float], ...]:
    """Returns the points that the box of a shape encloses, before it is turned."""
    get = dict(node.attrib)
    if node.tag == "box":
        return (
            (float(get["xtl"]), float(get["ytl"])),
            (float(get["xbr"]), float(get["ybr"])),
        )
    if node.tag == "ellipse":
        return ellipse(*(float(get[name]) for name in ("cx", "cy", "rx", "ry")))
    if node.tag == "mask":
        left, upper = float(get["left"]), float(get["top"])
        return (left, upper), (left + float(get["width"]), upper + float(get["height"]))
    if node.tag == "cuboid":
        corners = re.compile(r"x(.+)")
        names = [match[1] for name in get if (match := corners.fullmatch(name))]
        return tuple((float(get[f"x{one}"]), float(get[f"y{one}"])) for one in names)
    pairs = [one.split(",") for one in get["points"].split(";")]
    return tuple((float(x), float(y)) for x, y in pairs)


# --- tracks ---------------------------------------------------------------------------------------


def _add_tracks(
    found: StatedBoxes,
    entry: Entry,
    root: Element,
    pictures: Pictures,
    flat: Counter[tuple[str, str]],
) -> int:
    """Adds an annotation for each frame with a picture, and returns the number of shapes outside.

    The pictures of a file with tracks are one group. A frame without shapes has no objects.
    """
    tracks = root.findall("track")
    frames: dict[int, list[Element]] = defaultdict(list)
    outside = 0
    for track in tracks:
        for node in track:
            node.set("label", track.get("label") or "")
            outside += _is_outside(node)
            frames[int(number_of(node.get("frame")))].append(node)
    if not tracks:
        return 0
    known = _frames(entry, pictures)
    size = (
        number_of(root.findtext("meta/task/original_size/width")),
        number_of(root.findtext("meta/task/original_size/height")),
    )
    lost = [number for number in frames if number not in known]
    for number in sorted(known):
        shapes = _shapes(entry.name, frames.get(number, ()), flat)
        picture = known[number]
        found.judgements.append(
            Judgement(picture.name, entry.name, shapes, size, entry=picture, group=entry.name)
        )
    found.leave("frames", [f"{entry.name}: {one}" for one in lost], Message("no picture"))
    return outside


def _frames(entry: Entry, pictures: Pictures) -> dict[int, Entry]:
    """Returns the pictures of the frames by their numbers: the last number in their names.

    They lie below the folder of the file. Where two have one number, neither is a frame.
    """
    folder = plain(entry.name).rpartition("/")[0]
    found: dict[int, list[Entry]] = defaultdict(list)
    for one in pictures.entries:
        name = plain(one.name)
        number = re.search(r"(\d+)\D*$", stem_of(name.rpartition("/")[2]))
        if number and (not folder or name.startswith(f"{folder}/")):
            found[int(number[1])].append(one)
    return {number: some[0] for number, some in found.items() if len(some) == 1}
