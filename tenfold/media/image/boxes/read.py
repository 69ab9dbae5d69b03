"""Reads pictures with boxes into rows, in whatever format the files of a folder have.

The format is recognised by content. Columns: `image` (cells), `boxes` and `boxes_ignored` (tuples
of (label, x0, y0, x1, y1) in fractions of the upright picture), `source`, `problem`; `split`,
`group`, `time`, `weight` and `by:NAME` where given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused, UsageError, nearest
from tenfold.core.message import Message
from tenfold.core.rows import Rows
from tenfold.media.files.listing import Entry, Tree, is_archive, open_tree, path_of
from tenfold.media.files.parts import holds_annotations, without_parts
from tenfold.media.files.records import is_table
from tenfold.media.image.boxes import coco, frames, hugging_face, made, tables, voc, yolo
from tenfold.media.image.boxes.content import Contents
from tenfold.media.image.boxes.form import Judgement, StatedBoxes
from tenfold.media.image.boxes.pictures import Pictures, stem_of
from tenfold.media.image.boxes.tools import createml, cvat, label_studio, labelme, via
from tenfold.media.reading import AS_FOUND, Reading, refuse_roles

__all__ = ["read"]

BoxSource = str | Path | pd.DataFrame

FORMATS: tuple[Callable[[Contents], StatedBoxes | None], ...] = (
    coco.read,
    cvat.read,
    label_studio.read,
    labelme.read,
    createml.read,
    via.read,
    hugging_face.read,
    voc.read,
    yolo.read,
    tables.read,
)
"""The readers of formats; of formats that annotate equally many pictures, the first is used."""


def read(source: BoxSource, reading: Reading = AS_FOUND) -> Rows:
    """Returns a row for each annotated picture, and what was read and left out (`Rows.taken`).

    Raises UsageError or DataRefused where there is nothing to train on.
    """
    if isinstance(source, pd.DataFrame):
        rows = made.rows_of(
            frames.read(source, reading), Pictures(Tree(Path(), [])), reading, "DataFrame"
        )
        return _told(rows, reading)
    path, only = _opened(source)
    tree = open_tree(path)
    if only and holds_annotations(path.name) and not Pictures(tree).entries:
        only, path = f"{path.name}/{only}", path.parent
        tree = open_tree(path)
    contents = Contents(tree, Pictures(tree), reading, only or _named(tree, reading))
    found = _found(contents)
    _add_broken(found, contents)
    _add_others(found, contents)
    rows = _told(made.rows_of(found, contents.pictures, reading, str(path)), reading)
    taken = {*rows.table["image"]}
    rest = [one for one in tree.entries if one.cell not in taken and one.name not in found.used]
    ignored = [*tree.ignored, *(one.name for one in rest)]
    return replace(rows, root=Path(tree.root), ignored=ignored)


def _add_broken(found: StatedBoxes, contents: Contents) -> None:
    """Adds the files that cannot be read: as problems of the pictures of their names, if any."""
    for name, why in contents.broken:
        if not contents.pictures.of_stem(name):
            found.leave("files", [name], why)
            continue
        problem = Problem(
            "unread-boxes",
            Message("has annotations that cannot be used: {file} {why}", file=name, why=why),
            Message("Save the annotations again."),
        )
        found.used.add(name)
        found.judgements.append(Judgement(stem_of(name), name, problem=problem))


def _add_others(found: StatedBoxes, contents: Contents) -> None:
    """Names the files that could hold annotations and are not used."""
    known = found.used | {name for _, names, _ in found.left for name in names}
    others = [
        entry.name
        for entry in contents.tree.entries
        if (entry.suffix in (".json", ".xml") or is_table(entry.name)) and entry.name not in known
    ]
    found.leave("files", others, Message("no boxes read from them"))


def _told(rows: Rows, reading: Reading) -> Rows:
    """States what was read; returns the rows, without parts where `--split none` was given."""
    rows = rows.with_table(without_parts(rows.table, rows.taken, reading))
    rows.taken.tell()
    return rows


def _opened(source: BoxSource) -> tuple[Path, str]:
    """Returns the folder or archive to read, and the name of the file that it is limited to."""
    path = path_of(source)
    if path.is_file() and not is_archive(path):
        return path.absolute().parent, path.name
    return path, ""


def _named(tree: Tree, reading: Reading) -> str:
    """Returns the file that `--table` names, "" for none. Raises UsageError if it is not there."""
    if not reading.table:
        return ""
    names = [entry.name for entry in tree.entries]
    for name in names:
        if reading.table in (name, name.rpartition("/")[2]):
            return name
    raise UsageError(
        Message("{source} has no file {name!r}", source=tree.root.name, name=reading.table),
        code="no-such-path",
        where=str(tree.root),
        fix=nearest(reading.table, names[:200]),
    )


def _found(contents: Contents) -> StatedBoxes:
    """Returns the annotations of the format with the most, and those of others for other pictures.

    A format that annotates the same pictures again is named as not used.
    """
    formats = (yolo.read,) if contents.only.endswith((".yaml", ".yml")) else FORMATS
    stated = {form: found for form in formats if (found := form(contents)) is not None}
    if not stated:
        raise _nothing(contents.tree)
    if tables.read not in stated:
        why = Message("these annotations have no columns")
        refuse_roles(contents.reading, ("target",), why, str(contents.tree.root), table=False)
    every = [*stated.values()]
    every.sort(key=lambda found: -len(found.judgements))
    chosen = every[0]
    known = _pictures(chosen, contents) if every[1:] else set()
    for other in every[1:]:
        own = _pictures(other, contents)
        if known & own:
            why = Message("{format} are used", format=chosen.format)
            chosen.leave("files", sorted(other.used), why)
        else:
            known |= own
            chosen = chosen.joined(other, known)
    return chosen


def _pictures(found: StatedBoxes, contents: Contents) -> set[str]:
    """Returns the names of the pictures that files annotate; a missing file annotates none."""
    names = [
        one.entry or contents.pictures.first((one.picture, *one.others), one.file)
        for one in found.judgements
        if one.file
    ]
    contents.pictures.notes.clear()
    return {one.name for one in names if isinstance(one, Entry)}


def _nothing(tree: Tree) -> DataRefused:
    return DataRefused(
        Message("No file with boxes is found"),
        code="no-boxes",
        where=str(tree.root),
        fix=Message(
            "Known formats: COCO JSON, YOLO, Pascal VOC, LabelMe, CVAT, Label Studio, CreateML, "
            "VIA, metadata.jsonl with objects, or a table with the columns "
            "path,x0,y0,x1,y1,label."
        ),
    )
