"""Lists of files, one in each line: "path number", "path label" or the path alone.

A list for each part is usual (`train_list.txt`), with a file of the names of the classes. PASCAL
VOC has a list for each class and part (`dog_train.txt`) with 1, 0 (difficult) or -1 in each line.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused, UsageError
from tenfold.core.message import EMPTY, Message
from tenfold.core.rows import Rows
from tenfold.media.files import references
from tenfold.media.files.layouts.folder_tables import outer_folders
from tenfold.media.files.layouts.near import Near
from tenfold.media.files.lines import lines
from tenfold.media.files.listing import Entry, Tree
from tenfold.media.files.parts import HOLDERS, part_of_file, part_of_folder
from tenfold.media.files.roles import FileRoles
from tenfold.media.files.rows_of import TableRows, rows_of
from tenfold.media.files.sheets import Sheet
from tenfold.media.medium import Medium
from tenfold.media.reading import AS_FOUND, Reading

__all__ = ["Listed", "from_file", "from_tree", "is_list"]

SAMPLE = 200
_PARTS = ("", "train", "valid", "test")
CLEAR = 0.9
"""Least share of the first lines that must name files."""
_SUFFIXES = (".txt", ".lst", ".list")
_CLASS_NAMES = re.compile(
    r"(class|classes|label|labels|class_?names|label_?names|class_?ind|categories|label_?map|names"
    r"|类别|标签)(\.\w+)*",
    re.I,
)


_OF_CLASS = re.compile(r"(?P<start>(?:.*/)?)(?P<name>[^/]+)_(?P<part>train|val|trainval|test)\.txt")


@dataclass
class Listed:
    """The rows of the lists of a folder; or, where lists name files of some parts only, these.

    `parts` maps the path of a file to its part: the other files of class folders are the training
    part. `used` are the cells of the lists.
    """

    rows: Rows | None
    parts: dict[str, str]
    used: set[str]
    source: Message = EMPTY


@dataclass
class _List:
    entry: Entry
    sheet: Sheet
    source: TableRows
    part: str
    alone: bool
    cells: tuple[str, ...] = ()
    """The cells of all files of a list that is made of several."""
    note: Message = EMPTY


def is_list(name: str) -> bool:
    """Returns True for the suffix of a list of files."""
    return name.lower().endswith(_SUFFIXES)


def from_file(path: Path, medium: Medium, reading: Reading = AS_FOUND) -> Rows | None:
    """Returns the rows of one list; its paths are relative to its own folder.

    None where the file is not a list of files with labels.
    """
    root = path.parent.resolve()
    entry = Entry(path.name, references.file_cell(path.absolute()))
    near = Near(root, None, suffixes=medium.suffixes | medium.unread)
    names = [
        Entry(one.name, references.file_cell(one))
        for one in sorted(root.iterdir())
        if _CLASS_NAMES.fullmatch(one.name) and is_list(one.name) and one.is_file()
    ]
    found = _list(entry, lambda _: near, path.name)
    if found is None or _CLASS_NAMES.fullmatch(path.name):
        return None
    rows = _rows([found], names, medium, reading)
    if rows is not None:
        rows.taken.tell()
    return rows


def from_tree(tree: Tree, medium: Medium, reading: Reading = AS_FOUND) -> Listed | None:
    """Returns the rows of the lists in a folder or archive; None where there are no such lists.

    Raises UsageError where several lists can be meant.
    """
    top = outer_folders(tree)
    start = "".join(f"{name}/" for name in top)
    members = {item.name.removeprefix(start): item for item in tree.entries}
    suffixes = medium.suffixes | medium.unread
    root = tree.root.resolve().joinpath(*top)

    def near(name: str) -> Near:
        base = name.rpartition("/")[0]
        return Near(root, members, f"{base}/" if base else "", suffixes)

    texts = [e for e in tree.entries if is_list(e.name) and not e.problem]
    texts = [entry for entry in texts if len(entry.parts) <= len(top) + 2]
    names = [entry for entry in texts if _CLASS_NAMES.fullmatch(entry.name.rsplit("/", 1)[-1])]
    rest = [entry for entry in texts if entry not in names]
    found = [one for e in rest if (one := _list(e, near, e.name.removeprefix(start)))]
    if not found:
        return None
    kept = _of_parts(_of_classes(found), tree)
    used = {cell for one in kept for cell in (one.entry.cell, *one.cells)}
    used |= {entry.cell for entry in names}
    shown = Message("the lists {names}", names=", ".join(one.sheet.name for one in kept[:4]))
    if all(one.alone for one in kept) and "train" not in {one.part for one in kept}:
        parts = {path: one.part for one in kept for path in one.source.paths if path}
        return Listed(None, {f"{start}{path}": part for path, part in parts.items()}, used, shown)
    rows = _rows(kept, names, medium, reading)
    if rows is None:
        return None
    taken = {cell for cell in rows.table[medium.column] if isinstance(cell, str)}
    rows.ignored.extend(e.name for e in tree.entries if e.cell not in taken | used)
    return Listed(rows, {}, used, shown)


def _of_parts(found: list[_List], tree: Tree) -> list[_List]:
    """Returns the lists of the parts, or the only list.

    Raises UsageError where this is not clear.
    """
    parts = [one for one in found if one.part]
    kept = parts or found
    names = {one.part for one in kept}
    if len(names) < len(kept):
        raise UsageError(
            Message(
                "The folder has {count} lists of files: {names}",
                count=len(kept),
                names=", ".join(one.sheet.name for one in kept[:20]),
            ),
            code="several-manifests",
            where=str(tree.root),
            fix=Message("Give the path of one of them, or keep one list for each part."),
        )
    return sorted(kept, key=lambda one: _PARTS.index(one.part))


def _of_classes(found: list[_List]) -> list[_List]:
    """Returns the lists, with those of single classes (`dog_train.txt`) merged for each part."""
    groups: dict[tuple[str, str], dict[str, _List]] = {}
    for one in found:
        match = _OF_CLASS.fullmatch(one.entry.name)
        if match and {*one.sheet.frame["label"]} <= {"1", "0", "-1"}:
            groups.setdefault((match["start"], match["part"]), {})[match["name"]] = one
    groups = {key: lists for key, lists in groups.items() if _are_marks([*lists.values()])}
    merged = [one for lists in groups.values() for one in lists.values()]
    rest = [one for one in found if not any(one is other for other in merged)]
    return rest + [
        _merged(f"{start}*_{part}.txt", lists) for (start, part), lists in groups.items()
    ]


def _are_marks(lists: list[_List]) -> bool:
    """Returns True for the lists of several classes, which name the same files and have a -1."""
    paths = [one.source.paths for one in lists]
    return (
        len(lists) > 1
        and all(one == paths[0] for one in paths)
        and any("-1" in {*one.sheet.frame["label"]} for one in lists)
    )


def _merged(name: str, lists: dict[str, _List]) -> _List:
    """Returns one list of the classes of each file that have the mark 1.

    Files without such a class are left out; they are difficult ones.
    """
    first = next(iter(lists.values()))
    marks = [list(one.sheet.frame["label"]) for one in lists.values()]
    rows = list(zip(*marks, strict=True))
    labels = [
        "|".join(c for c, mark in zip(lists, row, strict=True) if mark == "1") for row in rows
    ]
    kept = [at for at, label in enumerate(labels) if label]
    frame = first.sheet.frame.iloc[kept].assign(label=[labels[at] for at in kept])
    problems = [first.source.problems[at] for at in kept]
    source = replace(
        first.source,
        sheet=Sheet(name, frame, problems),
        cells=[first.source.cells[at] for at in kept],
        problems=problems,
        paths=[first.source.paths[at] for at in kept],
    )
    note = Message(
        "{file}: files without a class of mark 1 are left out: {count}. The mark 0 (difficult) is "
        "not read as a label.",
        file=name,
        count=len(rows) - len(kept),
    )
    cells = tuple(one.entry.cell for one in lists.values())
    return _List(first.entry, source.sheet, source, first.part, False, cells, note)


# --- one list -------------------------------------------------------------------------------------

_Form = Callable[[str], tuple[str, str]]


def _whole(line: str) -> tuple[str, str]:
    return line.strip(), ""


def _last(line: str) -> tuple[str, str]:
    path, label = re.fullmatch(r"(.*?)(?:[\t,;]\s*|\s+)?([^\s,;]+)\s*", line).groups()  # type: ignore[union-attr]
    return path, label


def _first(line: str) -> tuple[str, str]:
    path, label = re.fullmatch(r"\s*([^\s,;]+)[\s,;]*(.*?)\s*", line).groups()  # type: ignore[union-attr]
    return path, label


def _list(entry: Entry, near: Callable[[str], Near], name: str) -> _List | None:
    """Returns the list in a file; None where its lines do not name files."""
    try:
        head = [one.text for one in itertools.islice(lines(entry.cell), SAMPLE)]
    except DataRefused:
        return None
    files = near(name)
    if len(head) < 2 or not (form := _form(head, files)):
        return None
    found = list(lines(entry.cell))
    pairs = [form(one.text) for one in found]
    named = files.named([path for path, _ in pairs])
    problems: list[Problem | None] = [
        one.problem or problem for one, problem in zip(found, named.problems, strict=True)
    ]
    labels = [label for _, label in pairs]
    if alone := form is _whole:
        labels = [_class_above(path) for path in named.paths]
    frame = pd.DataFrame(
        {"path": [path for path, _ in pairs], "label": labels},
        pd.Index([one.number for one in found], name="line"),
        dtype=object,
    )
    sheet = Sheet(entry.name, frame, problems)
    source = TableRows(sheet, FileRoles("label"), named.cells, problems, "path", paths=named.paths)
    source.completed = named.completed
    source.part = part_of_file(name)
    return _List(entry, sheet, source, source.part, alone)


def _form(head: Sequence[str], near: Near) -> _Form | None:
    """Returns the function that divides a line into path and label; None where none fits."""
    for form in (_whole, _last, _first):
        pairs = [form(line) for line in head if line.strip()]
        try:
            named = near.named([path for path, _ in pairs])
        except UsageError:
            continue
        labelled = form is not _whole and all(label for _, label in pairs)
        above = form is _whole and any(_class_above(path) for path in named.paths)
        if named.share >= CLEAR and (labelled or above):
            return form
    return None


def _class_above(path: str) -> str:
    """Returns the name of a file's folder if it can be a class; "" for parts, `images` ..."""
    folder = path.rpartition("/")[0].rpartition("/")[2]
    return "" if not folder or folder.lower() in HOLDERS or part_of_folder(folder) else folder


# --- names of classes -----------------------------------------------------------------------------


def _rows(
    found: Sequence[_List], names: Sequence[Entry], medium: Medium, reading: Reading
) -> Rows | None:
    """Returns the rows of lists, with the names of the classes; None where there are no labels."""
    every = [str(label) for one in found for label in one.sheet.frame["label"]]
    if not any(every):
        return None
    known = next((names_ for entry in names if (names_ := _names(entry, every))), None)
    note = EMPTY
    if known is None and (known := _folder_names(found)) is not None:
        note = Message("Numbers of classes are named by the folders of their files.")
    elif known is not None:
        note = Message("Numbers of classes are named by {file}.", file=names[0].name)
    for one in found:
        if known is not None:
            one.sheet.frame["label"] = [
                _named(str(cell), known) for cell in one.sheet.frame["label"]
            ]
        one.source.stated = (
            Message("the lists of files {names}", names=", ".join(o.sheet.name for o in found[:4])),
            Message("the folders of the files")
            if one.alone
            else Message("the labels in the lists"),
        )
    rows = rows_of([one.source for one in found], medium, reading)
    for each in (note, *(one.note for one in found)):
        if each:
            rows.taken.note(each)
    return rows


def _named(cell: str, names: dict[int, str]) -> str:
    """Returns the name of a class, or the names of several, separated by `|`."""
    numbers = cell.split()
    if len(numbers) > 1 and len(numbers) == len(names) and set(numbers) <= {"0", "1"}:
        first = min(names)
        return "|".join(names[first + at] for at, one in enumerate(numbers) if one == "1")
    return "|".join(names[int(one)] for one in numbers)


def _numbers(labels: Sequence[str]) -> set[int]:
    """Returns the numbers of the classes; empty where a label is not made of numbers."""
    found = [one for label in labels for one in label.split()]
    return (
        {int(one) for one in found}
        if all(re.fullmatch(r"\d{1,6}", one) for one in found)
        else set()
    )


def _names(entry: Entry, labels: Sequence[str]) -> dict[int, str] | None:
    """Returns the names of the classes by their numbers; None where the file does not name all."""
    numbers = _numbers(labels)
    texts = [one.text.strip() for one in lines(entry.cell)]
    pairs = [re.fullmatch(r"(\d+)[\s:,;]+(.+)", text) for text in texts]
    after = [re.fullmatch(r"(.+?)[\s:,;]+(\d+)", text) for text in texts]
    if all(pairs):
        names = {int(one[1]): one[2] for one in pairs if one}
    elif all(after):
        names = {int(one[2]): one[1] for one in after if one}
    else:
        from_one = bool(numbers) and min(numbers) > 0 and max(numbers) == len(texts)
        names = dict(enumerate(texts, 1 if from_one else 0))
    return names if numbers and numbers <= names.keys() else None


def _folder_names(found: Sequence[_List]) -> dict[int, str] | None:
    """Returns the folders of the files by the numbers of the classes, where each has one folder."""
    names: dict[int, set[str]] = {}
    for one in found:
        for label, path in zip(one.sheet.frame["label"], one.source.paths, strict=True):
            if path and not re.fullmatch(r"\d{1,6}", str(label)):
                return None
            if path:
                names.setdefault(int(label), set()).add(_class_above(path))
    folders = [folder for some in names.values() for folder in some]
    if (
        not folders
        or "" in folders
        or len(set(folders)) != len(names)
        or len(folders) != len(names)
    ):
        return None
    return {number: next(iter(some)) for number, some in names.items()}
