"""YOLO: a text file for each picture, one object in each line, and names and parts in a YAML file.

A line is a class number and centre x, centre y, width, height, or the points of an outline, all as
fractions of width and height.

Source: https://docs.ultralytics.com/datasets/detect/
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tenfold.core.message import Message
from tenfold.media.files.listing import Entry
from tenfold.media.image.boxes import yolo_parts
from tenfold.media.image.boxes.content import Contents
from tenfold.media.image.boxes.form import (
    DrawnShape,
    Judgement,
    StatedBoxes,
    bad_box,
    bad_class,
    listed,
)
from tenfold.media.image.boxes.pictures import plain, stem_of

__all__ = ["read"]

_NAMES = re.compile(r"(classes|class_?names|obj|labels|label_?names|predefined_classes)")


_File = tuple[Entry, list[str]]


@dataclass
class _Labels:
    """The label files by their stems, the names of the classes, and what lines were like."""

    files: dict[str, list[_File]] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    named_by: str = ""
    keypoints: bool = False
    polygons: int = 0
    sixth: int = 0


def read(contents: Contents, outlines: bool = False) -> StatedBoxes | None:
    """Returns the objects of all label files; None if there are none.

    A picture without label file is one without objects, where its folder has label files.
    `outlines` states that outlines are used as they are, not their enclosing boxes.
    """
    labels = _labels(contents)
    if not labels.files:
        return None
    found = StatedBoxes(Message("YOLO label files"), lists_pictures=False)
    settings = yolo_parts.settings_of(contents)
    _read_names(labels, contents, settings)
    found.classes = [labels.names[number] for number in sorted(labels.names)]
    found.used |= {entry.name for some in labels.files.values() for entry, _ in some}
    used: set[str] = set()
    _add_pictures(found, labels, contents, used)
    _add_lost(found, labels, contents, used)
    yolo_parts.add(found, contents, settings)
    _state(found, labels, outlines)
    return found


# --- files ----------------------------------------------------------------------------------------


def _labels(contents: Contents) -> _Labels:
    """Returns the text files whose first line is made of five or more numbers, and empty ones.

    An empty or invalid file counts where it has a picture and stands beside such files or below
    `labels`.
    """
    labels = _Labels()
    sure, doubtful = [], []
    for entry in contents.entries(".txt"):
        lines = contents.lines(entry)
        first = next((line.split() for line in lines if line.strip()), [])
        if len(first) >= 5 and all(map(_is_number, first)):
            sure.append((entry, lines))
        elif contents.pictures.of_stem(entry.name) and not _names_classes(entry):
            doubtful.append((entry, lines))
    folders = {entry.name.rpartition("/")[0] for entry, _ in sure}
    kept = sure + [one for one in doubtful if _holds_labels(one[0], folders)]
    files: dict[str, list[_File]] = defaultdict(list)
    for entry, lines in kept if sure else []:
        files[stem_of(plain(entry.name)).rpartition("/")[2]].append((entry, lines))
    labels.files = dict(files)
    return labels


def _read_names(
    labels: _Labels, contents: Contents, settings: yolo_parts.YoloSettings | None
) -> None:
    if settings is not None and settings.names:
        labels.names, labels.named_by = settings.names, settings.file
        labels.keypoints = settings.keypoints
        return
    every = [*contents.texts, *(e for e in contents.tree.entries if e.suffix == ".names")]
    for entry in every:
        if _names_classes(entry):
            lines = [line.strip() for line in contents.lines(entry) if line.strip()]
            labels.names, labels.named_by = dict(enumerate(lines)), entry.name
            return


def _names_classes(entry: Entry) -> bool:
    """Returns True for the usual name of a file of the names of the classes."""
    return bool(_NAMES.fullmatch(stem_of(plain(entry.name)).rpartition("/")[2]))


def _holds_labels(entry: Entry, folders: set[str]) -> bool:
    """Returns True for a file below `labels`, or in one of the folders."""
    folder = entry.name.rpartition("/")[0]
    return folder in folders or "labels" in plain(folder).split("/")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


# --- pictures -------------------------------------------------------------------------------------


def _add_pictures(found: StatedBoxes, labels: _Labels, contents: Contents, used: set[str]) -> None:
    """Adds an annotation for each picture with a label file or in a folder of label files."""
    without, folders = [], set()
    for picture in contents.pictures.entries:
        pair = _pair(picture, labels, contents.pictures.of_stem(picture.name))
        if pair is None:
            without.append(picture)
            continue
        entry, lines = pair
        used.add(entry.name)
        folders.add(picture.name.rpartition("/")[0])
        shapes = _shapes(entry.name, lines, labels)
        found.judgements.append(
            Judgement(picture.name, entry.name, shapes, fractions=True, entry=picture)
        )
    empty = [one for one in without if one.name.rpartition("/")[0] in folders]
    blank = [one.picture for one in found.judgements if not one.shapes]
    if blank:
        found.notes.append(
            Message(
                "Pictures with an empty label file: {count} ({names}).",
                count=len(blank),
                names=listed(blank),
            )
        )
    for picture in empty:
        found.judgements.append(Judgement(picture.name, "", fractions=True, entry=picture))
    if empty:
        found.notes.append(
            Message(
                "Pictures without a label file, taken as empty: {count} ({names}).",
                count=len(empty),
                names=listed([one.name for one in empty]),
            )
        )


def _pair(picture: Entry, labels: _Labels, same: list[Entry]) -> _File | None:
    """Returns the label file of a picture: in `labels` for `images`, beside it, else the only one.

    Of pictures with the same name, only one in the usual place has a file that fits several.
    """
    some = labels.files.get(stem_of(plain(picture.name)).rpartition("/")[2], [])
    if (pair := _exact(picture, some)) or any(_exact(one, some) for one in same):
        return pair
    pair = _near(picture, some)
    return None if any(_near(o, some) is pair for o in same if o is not picture) else pair


def _near(picture: Entry, some: list[_File]) -> _File | None:
    own = plain(picture.name).split("/")[:-1]
    near = [one for one in some if _below(own, plain(one[0].name).split("/")[:-1])]
    return near[0] if len(near) == 1 else some[0] if len(some) == 1 and not near else None


def _exact(picture: Entry, some: list[_File]) -> _File | None:
    path = stem_of(plain(picture.name))
    for one in (re.sub(r"(^|/)images(?=/(?!.*(^|/)images/))", r"\1labels", path), path):
        for entry, lines in some:
            if stem_of(plain(entry.name)) == one:
                return entry, lines
    return None


def _below(own: list[str], other: list[str]) -> bool:
    """Returns True for folders that differ in one name at most, such as `train` in both."""
    return len(own) == len(other) and sum(a != b for a, b in zip(own, other, strict=True)) <= 1


def _add_lost(found: StatedBoxes, labels: _Labels, contents: Contents, used: set[str]) -> None:
    """Adds the label files that belong to no picture, and names those of pictures with another."""
    double = []
    for some in labels.files.values():
        for entry, lines in some:
            if entry.name in used:
                continue
            if contents.pictures.of_stem(entry.name):
                double.append(entry.name)
                continue
            shapes = _shapes(entry.name, lines, labels)
            name = stem_of(entry.name).rpartition("/")[2]
            found.judgements.append(Judgement(name, entry.name, shapes, fractions=True))
    found.leave("files", double, Message("another label file belongs to the picture"))


# --- lines ----------------------------------------------------------------------------------------


def _shapes(file: str, lines: list[str], labels: _Labels) -> list[DrawnShape]:
    return [
        _shape(file, line.split(), number, labels)
        for number, line in enumerate(lines, 1)
        if line.strip()
    ]


def _shape(file: str, cells: list[str], number: int, labels: _Labels) -> DrawnShape:
    """Returns the object of a line of five, six or more cells."""
    place = Message("line {number}", number=number)
    try:
        values = [float(cell) for cell in cells]
        which = int(values[0])
        if which != values[0] or len(values) < 5:
            raise ValueError
    except (ValueError, OverflowError):
        why = Message("the line is not a class number and at least four numbers")
        return DrawnShape("", (), place, problem=bad_box(file, place, why))
    if labels.names and which not in labels.names:
        return DrawnShape("", (), place, problem=bad_class(file, place, which))
    label, rest = labels.names.get(which, str(which)), values[1:]
    if len(rest) > 5 and not labels.keypoints and len(rest) % 2 == 0:
        labels.polygons += 1
        return DrawnShape(label, tuple(zip(rest[0::2], rest[1::2], strict=True)), place)
    if len(rest) > 5 and not labels.keypoints:
        why = Message("the line has {count} numbers after the class", count=len(rest))
        return DrawnShape(label, (), place, problem=bad_box(file, place, why))
    labels.sixth += len(rest) == 5
    x, y, width, height = rest[:4]
    edges = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    return DrawnShape.box(label, edges, place)


def _state(found: StatedBoxes, labels: _Labels, outlines: bool) -> None:
    counts: Mapping[str, Any] = {"polygons": labels.polygons, "sixth": labels.sixth}
    if labels.polygons and not outlines:
        found.notes.append(
            Message("Lines with an outline, whose enclosing box is used: {polygons}.", **counts)
        )
    if labels.sixth:
        found.notes.append(
            Message("Lines with a sixth number, which is not used: {sixth}.", **counts)
        )
    if labels.keypoints:
        found.notes.append(Message("Key points of the lines are not used."))
    if labels.named_by:
        found.notes.append(Message("Classes are named by {file}.", file=labels.named_by))
    else:
        found.notes.append(Message("No file names the classes, which are called by their numbers."))
