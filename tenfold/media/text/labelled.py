"""Reads labelled texts into a table.

Layouts: tables, one folder or one file for each class, lines with labels, one file for each part,
and zip archives of these.

Columns: `text`, `label` or `labels`, `source` (the file and its line), `problem`; `split` where the
layout gives it; `group`, `weight` and `time` where a table has them.
"""

from __future__ import annotations

import itertools
import mimetypes
import re
from pathlib import Path
from typing import Any

import pandas as pd

from tenfold.core.errors import DataRefused, UsageError
from tenfold.core.message import EMPTY, Message
from tenfold.core.progress import tell
from tenfold.core.rows import Rows
from tenfold.media.files import labelled, references
from tenfold.media.files.lines import lines, start_of
from tenfold.media.files.listing import Entry, Tree, is_archive, open_tree, path_of
from tenfold.media.files.others import with_others
from tenfold.media.files.parts import is_unlabelled, part_of_file, without_parts
from tenfold.media.files.records import Record, RecordTable, is_table
from tenfold.media.files.tables.record import HEAD
from tenfold.media.reading import AS_FOUND, Reading, refuse_roles
from tenfold.media.text import documents, tables
from tenfold.media.text.labels import finished, without_unlabelled
from tenfold.media.text.tables import TextSource

__all__ = ["read"]

_NAMES = re.compile(r"(class|classes|label|labels|class_names|类别|标签)(\.\w+)*", re.I)
_ABOUT = re.compile(r"(readme|licen[cs]e|source|notice|changelog)(\.\w+)*", re.I)


def read(source: Any, reading: Reading = AS_FOUND) -> Rows:
    """Reads one row for each labelled text.

    Raises UsageError or DataRefused where there is nothing to train on.
    """
    known = TextSource(reading)
    if isinstance(source, pd.DataFrame):
        return _completed(_from_frame(source, known), known, None, [])
    path = path_of(source)
    if path.is_file() and not is_archive(path):
        entry = Entry(path.name, references.file_cell(path.absolute()))
        return _completed(tables.rows_of([(entry, "")], known), known, path.parent, [])
    tree = open_tree(path)
    table, used = _of_tree(tree, known)
    unused = [entry.name for entry in tree.entries if entry.cell not in used]
    bare = [one.name for one in tree.entries if any(map(is_unlabelled, one.parts))]
    known.taken.leave("files", [name for name in unused if name not in {*bare}])
    return _completed(table, known, Path(tree.root), [*tree.ignored, *unused])


def _completed(
    table: pd.DataFrame, known: TextSource, root: Path | None, ignored: list[str]
) -> Rows:
    """Returns the rows with cleaned labels, and states what was read from the source."""
    table, gone = without_unlabelled(finished(table, known), known)
    table = without_parts(table, known.taken, known.reading)
    if note := _only_in_train(table):
        known.taken.note(note)
    known.taken.tell()
    reading = known.reading
    return Rows(table, root, [*ignored, *gone], reading=reading, taken=known.taken)


def _only_in_train(table: pd.DataFrame) -> Message:
    """Returns a sentence about a class that a given test part lacks; empty where there is none."""
    if "split" not in table or "label" not in table:
        return EMPTY
    has = {part: set(table["label"][table["split"] == part]) - {""} for part in ("train", "test")}
    alone = sorted(has["train"] - has["test"])
    if len(alone) != 1 or len(has["test"]) < 2:
        return EMPTY
    return Message(
        "Class {name!r} is in the training part only. --classes can drop it.", name=alone[0]
    )


# --- folders --------------------------------------------------------------------------------------


def _of_tree(tree: Tree, known: TextSource) -> tuple[pd.DataFrame, set[str]]:
    """Returns the rows, and the cells of the files that were used."""
    entries = [entry for entry in map(documents.doubted, tree.entries) if _fits(tree, entry)]
    names = next((one for one in entries if _NAMES.fullmatch(_last(one)) and not one.problem), None)
    named = [one for one in entries if one is not names and not _ABOUT.fullmatch(_last(one))]
    data = [one for one in named if one.problem is None]
    if not data:
        raise documents.none_usable(tree, named)
    depth = min(len(one.parts) for one in data)
    top = [one for one in data if len(one.parts) == depth]
    parts = {one.cell: part_of_file(_last(one)) for one in top}
    if (table := known.reading.table) and (one := _called(data, table)):
        return tables.rows_of([(one, "")], known), {one.cell}
    if any(parts.values()):
        closed = [one for one in named if one.problem and _is_part(one, depth)]
        chosen = [(one, part) for one in [*top, *closed] if (part := part_of_file(_last(one)))]
        return _of_files(_with_train(chosen), names, known), _used(chosen, names)
    if len(top) == 1 and len(data) == 1:
        chosen = [(data[0], "")]
        return _of_files(chosen, names, known), _used(chosen, names)
    found = [one for one in top if is_table(one.name)]
    if len(found) > 1:
        raise _several(tree, found)
    if found:
        return tables.rows_of([(found[0], "")], known), {found[0].cell}
    why = Message("files that each hold the texts of one class have no columns")
    refuse_roles(known.reading, _ROLES, why, str(tree.root))
    if any(one.parts for one in data):
        return _folder_a_class(named, tree, known)
    return _file_a_class(data, named, tree, known)


_ROLES = ("target", "text", "group", "time", "split", "weight")


def _called(entries: list[Entry], name: str) -> Entry | None:
    """Returns the file of this name, with or without its suffix."""
    names = {_last(one): one for one in entries}
    return names.get(name) or next((one for key, one in names.items() if Path(key).stem == name),
                                   None)  # fmt: skip


def _of_files(
    chosen: list[tuple[Entry, str]], names: Entry | None, known: TextSource
) -> pd.DataFrame:
    table = tables.rows_of(chosen, known)
    return table.assign(label=_named(table["label"], _class_names(names), known))


def _several(tree: Tree, found: list[Entry]) -> UsageError:
    return UsageError(
        Message(
            "The folder has {count} tables: {tables}",
            count=len(found),
            tables=", ".join(_last(one) for one in found[:5]),
        ),
        code="several-manifests",
        where=str(tree.root),
        fix=Message("Give the path of one of them, or name them train, valid and test."),
    )


def _used(chosen: list[tuple[Entry, str]], names: Entry | None) -> set[str]:
    return {one.cell for one, _ in chosen} | ({names.cell} if names else set())


def _last(entry: Entry) -> str:
    return entry.name.rsplit("/", 1)[-1]


def _fits(tree: Tree, entry: Entry) -> bool:
    """Returns True for a text or a table; where the name is unclear, the content decides."""
    if entry.problem is not None or is_table(entry.name):
        return True
    media = (mimetypes.guess_type(_last(entry).removesuffix(".gz"))[0] or "text/plain").split("/")
    if media[0] != "text" and documents.suffix(entry.name) not in documents.PLAIN:
        return False
    start = start_of(entry.cell, 4096)
    return not start or b"\0" not in start or start[:2] in (b"\xff\xfe", b"\xfe\xff")


def _is_part(entry: Entry, depth: int) -> bool:
    """Returns True for a table or text file that lies `depth` folders below the root.

    Such a file, if it cannot be read, may hold one part (train, valid or test) of the data.
    """
    table = is_table(entry.name) or documents.suffix(entry.name) in documents.PLAIN
    return table and not entry.folder and len(entry.parts) == depth


def _with_train(chosen: list[tuple[Entry, str]]) -> list[tuple[Entry, str]]:
    """Returns the files with the validation part as training part where no training file exists."""
    if any(part == "train" for _, part in chosen) or len({part for _, part in chosen}) < 2:
        return chosen
    tell(Message("No file is named train: the validation part is used for training."))
    return [(one, "train" if part == "valid" else part) for one, part in chosen]


def _class_names(entry: Entry | None) -> dict[str, str]:
    """Returns class names by class number, from a file with one class name on each line.

    Labels may number the classes from 0 or from 1, so each name has two keys: "0 2" and "1 3" are
    the third class, numbered from 0 and from 1. The result is {} where `entry` is None.
    """
    if entry is None:
        return {}
    named = [line.text.strip() for line in lines(entry.cell) if line.text.strip()]
    return {
        f"{first} {number + first}": name for first in (0, 1) for number, name in enumerate(named)
    }


# --- layouts --------------------------------------------------------------------------------------


def _folder_a_class(
    entries: list[Entry], tree: Tree, known: TextSource
) -> tuple[pd.DataFrame, set[str]]:
    """Returns one text for each file, labelled by its folder, and the cells of the files used.

    Folders of unlabelled texts are not classes; files beside the class folders are not texts.
    """
    bare = [one for one in entries if any(map(is_unlabelled, one.parts))]
    _tell_unlabelled(bare, known)
    kept_out = {one.cell for one in bare}
    entries = [one for one in entries if one.cell not in kept_out]
    doubtful = [entry.problem is not None for entry in entries]
    places = labelled.places([entry.parts for entry in entries], doubtful)
    pairs, needed = zip(entries, places, strict=True), known.reading.needs_labels
    kept = [(one, *place) for one, place in pairs if place[1] or one.folder or not needed]
    if not kept:
        raise _no_labels(str(tree.root))
    classes = ", ".join(sorted({label for *_, label in kept if label})[:20])
    known.taken.role("input", Message("one text a file"))
    if classes:
        known.taken.role("answer", Message("folders {names}", names=classes))
    splits = ", ".join(part for part in tables.PARTS if part in {split for _, split, _ in kept})
    if splits:
        known.taken.role("part", Message("folders of {names}", names=splits))
    read, known.reading = documents.texts_of_files(
        [one for one, *_ in kept], str(tree.root), known.taken, known.reading
    )
    table = pd.DataFrame(
        {
            "text": [text for text, _ in read],
            "label": [label for *_, label in kept],
            "source": [references.printable(one.name) for one, *_ in kept],
            "problem": pd.Series([problem for _, problem in read], dtype=object),
        }
    )
    if any(split for _, split, _ in kept):
        table["split"] = [split for _, split, _ in kept]
    return table, {one.cell for one, *_ in kept}


def _tell_unlabelled(entries: list[Entry], known: TextSource) -> None:
    """Adds the folders of texts without labels to what is left."""
    names = dict.fromkeys(
        references.printable(part) for one in entries for part in one.parts if is_unlabelled(part)
    )
    known.taken.leave("rows", [*names], len(entries), Message("folders of texts without labels"))


def _file_a_class(
    entries: list[Entry], named: list[Entry], tree: Tree, known: TextSource
) -> tuple[pd.DataFrame, set[str]]:
    """Returns one text for each line, labelled by the part of its file's name that is not common.

    The common beginning and end of all file names are removed. An unusable file is one row,
    labelled by its name. The second value is the set of the cells of the files used.
    """
    bare = [one for one in entries if is_unlabelled(_last(one).partition(".")[0])]
    entries = [one for one in entries if one not in bare]
    if len(entries) < 2:
        raise _no_labels(entries[0].name if entries else str(tree.root))
    stems = [_last(one).removesuffix(".gz").removesuffix(".txt") for one in entries]
    start = len(_same(stems))
    end = len(_same([stem[start:][::-1] for stem in stems]))
    found = []
    for one, stem in zip(entries, stems, strict=True):
        label = stem[start : len(stem) - end].strip(" .-_") or stem
        for line in lines(one.cell, known.reading.value("encoding")):
            found.append(
                (line.text, label, f"{references.printable(one.name)}:{line.number}", line.problem)
            )
    for one in named:
        if one.problem is not None:
            name = references.printable(one.name)
            found.append(("", name.partition(".")[0] or name, name, one.problem))
    names = ", ".join(dict.fromkeys(label for _, label, *_ in found))
    known.taken.role("input", Message("one text a line"))
    known.taken.role("answer", Message("files {names}", names=names))
    known.reading = known.reading.finding(lines="plain")
    table = pd.DataFrame(found, columns=["text", "label", "source", "problem"], dtype=object)
    order = table.groupby("label", sort=False).cumcount().sort_values(kind="stable").index
    used = {one.cell for one in named} - {one.cell for one in bare}
    return table.loc[order].reset_index(drop=True), used


def _no_labels(where: str) -> DataRefused:
    return DataRefused(
        Message("The texts have no labels"),
        code="no-labels",
        where=where,
        fix=Message(
            "Put the texts into a CSV with the columns text,label, one folder for each "
            "class, or one file for each class."
        ),
    )


def _same(names: list[str]) -> str:
    """Returns the common beginning of all names, cut to whole words."""
    pairs = itertools.takewhile(lambda each: len(set(each)) == 1, zip(*names, strict=False))
    same = "".join(each[0] for each in pairs) if len(names) > 1 else ""
    return re.sub(r"\w*$", "", same)  # whole words: not the d of good and bad


# --- tables ---------------------------------------------------------------------------------------


def _named(labels: pd.Series, named: dict[str, str], known: TextSource) -> pd.Series:
    """Returns the labels, with class numbers replaced by class names if all have a name.

    `named` holds the names by number, as returned by `_class_names`.
    """
    if not named:
        return labels
    told = {str(label).strip() for label in labels if label != ""}
    for first in ("1", "0"):
        names = {key[2:]: name for key, name in named.items() if key[0] == first}
        if told <= set(names):
            some = ", ".join([*names.values()][:5])
            known.taken.note(Message("Class names come from the file of classes: {names} ...",
                                     names=some))  # fmt: skip
            return labels.map(lambda label, names=names: names.get(str(label).strip(), label))
    return labels


def _from_frame(frame: pd.DataFrame, known: TextSource) -> pd.DataFrame:
    """Returns the rows of a DataFrame; its columns are found as in a table file."""
    cells = frame.drop(columns=["source", "problem"], errors="ignore")
    names = [str(name) for name in cells.columns]
    rows = [Record(row, list(each)) for row, each in enumerate(cells.itertuples(index=False))]
    found = tables.rows_of_table(
        RecordTable(names, True, iter(rows), rows[:HEAD], "utf-8"), "DataFrame", "", known, True
    )
    rest = without_parts(tables.frame_of(found), known.taken, known.reading)
    table = with_others(rest, known.split, known.taken)
    table["source"] = frame["source"].tolist() if "source" in frame else [f"row:{row}" for row in
        range(len(frame))]  # fmt: skip
    if "problem" in frame:
        kept = frame["problem"].astype(object)
        table["problem"] = kept.where(kept.notna(), None).to_numpy()
    return table
