"""Pascal VOC: one XML file for each picture, and lists of the parts in ImageSets.

Source: Everingham et al., The PASCAL Visual Object Classes Challenge, 2010, section 3.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

from tenfold.core.message import Message
from tenfold.media.files.listing import Entry
from tenfold.media.files.parts import part_of_file
from tenfold.media.image.boxes.content import Contents
from tenfold.media.image.boxes.form import (
    DrawnShape,
    Judgement,
    StatedBoxes,
    bad_box,
    held_out,
    in_several_parts,
    number_of,
)
from tenfold.media.image.boxes.pictures import plain, stem_of

__all__ = ["is_voc", "read"]


def is_voc(root: Element) -> bool:
    """Returns True for the root element of a file of Pascal VOC."""
    return root.tag == "annotation" and any(
        root.find(name) is not None for name in ("object", "size", "filename")
    )


def read(contents: Contents) -> StatedBoxes | None:
    """Returns the objects of all XML files, with the parts of the lists; None if there are none."""
    files = [(entry, root) for entry, root in contents.xml if is_voc(root)]
    if not files:
        return None
    found = StatedBoxes(Message("Pascal VOC files"), lists_pictures=False)
    spaces = 0
    for entry, root in files:
        found.used.add(entry.name)
        spaces += sum(_name(one) != (one.findtext("name") or "") for one in root.findall("object"))
        found.judgements.append(_judgement(entry, root))
    if spaces:
        found.notes.append(
            Message(
                "Names of classes with spaces around them, which are left out: {count}.",
                count=spaces,
            )
        )
    _add_parts(found, contents)
    return found


def _judgement(entry: Entry, root: Element) -> Judgement:
    shapes = [
        _shape(entry.name, one, number) for number, one in enumerate(root.findall("object"), 1)
    ]
    size = (number_of(root.findtext("size/width")), number_of(root.findtext("size/height")))
    # The stem counts first: many tools write the same <filename> into every file.
    written = root.findtext("filename") or ""
    path = root.findtext("path") or ""
    others = tuple(one.strip() for one in (written, path) if one.strip())
    return Judgement(stem_of(entry.name), entry.name, shapes, size, others=others)


def _shape(file: str, node: Element, number: int) -> DrawnShape:
    place = Message("object {number}", number=number)
    label, box = _name(node), node.find("bndbox")
    names = ("xmin", "ymin", "xmax", "ymax")
    texts = [(box.findtext(name) or "") if box is not None else "" for name in names]
    ignored = (node.findtext("difficult") or "0").strip() not in ("", "0", "false")
    try:
        return DrawnShape.box(label, [float(text) for text in texts], place, ignored)
    except ValueError:
        why = Message("its edges are {edges}", edges=", ".join(texts))
        return DrawnShape(label, (), place, ignored, problem=bad_box(file, place, why))


def _name(node: Element) -> str:
    return (node.findtext("name") or "").strip()


def _add_parts(found: StatedBoxes, contents: Contents) -> None:
    """Adds the parts of the lists in ImageSets/Main: one id in each line.

    A list with a second column is about one class (`bolt_train.txt`) and is not a part, and
    `trainval` joins two others. Lists in other folders count where Main has none.
    """
    lists = _lists(found, contents)
    if not lists:
        return
    known = set()
    double = 0
    for one in found.judgements:
        stem = plain(one.picture).rpartition("/")[2]
        parts = [part for part, (_, ids) in lists.items() if stem in ids]
        known.add(stem)
        double += len(parts) > 1
        one.part = held_out(parts)
    absent = [one for one in found.judgements if not one.part]
    found.judgements = [one for one in found.judgements if one.part]
    found.left_out += [(one, Message("in none of the lists")) for one in absent]
    if double:
        found.notes.append(in_several_parts(double))
    for name, ids in lists.values():
        found.leave("rows", [f"{name}: {one}" for one in sorted(ids - known)], _NOT_THERE)
    shown = ", ".join(f"{name} = {part}" for part, (name, _) in sorted(lists.items()))
    found.parts = Message("the lists {names}", names=shown)


_NOT_THERE = Message("without annotations")


def _lists(found: StatedBoxes, contents: Contents) -> dict[str, tuple[str, set[str]]]:
    """Returns for each part the name of its list file and the ids in it."""
    lists: dict[bool, dict[str, tuple[str, set[str]]]] = {True: {}, False: {}}
    for entry in contents.texts:
        folders = plain(entry.name).split("/")[:-1]
        if "imagesets" not in folders:
            continue
        found.used.add(entry.name)
        stem = stem_of(plain(entry.name)).rpartition("/")[2]
        part = part_of_file(stem)
        rows = [line.split() for line in contents.lines(entry) if line.strip()]
        if stem != "trainval" and part and rows and all(len(row) == 1 for row in rows):
            ids = {stem_of(plain(row[0])).rpartition("/")[2] for row in rows}
            lists[folders[-1] == "main"][part] = (entry.name, ids)
    return lists[True] or lists[False]
