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
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused, UsageError
from tenfold.core.message import Message
from tenfold.core.progress import tell
from tenfold.core.rows import Rows
from tenfold.media.files import labelled, references
from tenfold.media.files.lines import lines, start_of
from tenfold.media.files.listing import Entry, Tree, is_zip, open_tree
from tenfold.media.files.parts import part_of_file
from tenfold.media.files.records import Record, RecordTable, table_of
from tenfold.media.reading import AS_FOUND, Reading, refuse_roles
from tenfold.media.text import columns, documents
from tenfold.media.text.labels import finished
from tenfold.media.text.others import with_others

__all__ = ["read", "texts_of"]

_TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")
_PLAIN = (".txt", ".text", ".md", "")
_NAMES = re.compile(r"(class|classes|label|labels|class_names|类别|标签)(\.\w+)*", re.I)
_ABOUT = re.compile(r"(readme|licen[cs]e|source|notice|changelog)(\.\w+)*", re.I)
CHUNK = 256


def read(source: Any, reading: Reading = AS_FOUND) -> Rows:
    """Reads one row for each labelled text.

    Raises UsageError or DataRefused where there is nothing to train on.
    """
    if isinstance(source, pd.DataFrame):
        return Rows(_from_frame(source, reading))
    if not isinstance(source, (str, Path)) or not str(source):
        raise UsageError(
            Message("Data must be a path or a DataFrame, got {source!r}", source=source),
            code="bad-setting",
        )
    path = Path(source)
    if path.is_file() and not is_zip(path):
        entry = Entry(path.name, references.file_cell(path.absolute()))
        return Rows(finished(_rows([(entry, "")], {}, reading)), root=path.parent)
    tree = open_tree(path)
    table, used = _of_tree(tree, reading)
    unused = (entry.name for entry in tree.entries if entry.cell not in used)
    return Rows(finished(table), root=Path(tree.root), ignored=[*tree.ignored, *unused])


def texts_of(path: Path) -> Iterator[pd.DataFrame]:
    """Yields the texts of a file or folder for prediction: rows of a table, otherwise whole files.

    Each item is a table of at most 256 rows with `text`, `source` and `problem`; CSV, JSON lines
    and Parquet files of any length are read with constant memory.
    """
    if path.is_dir() or is_zip(path):
        entries = [
            one
            for one in map(documents.doubted, open_tree(path).entries)
            if one.problem is not None or _suffix(one.name) in (*_TABLES, *_PLAIN)
        ]
        names = [(entry, f"{path}/{entry.name}") for entry in entries]
    else:
        names = [(Entry(path.name, references.file_cell(path.absolute())), str(path))]
    rows = itertools.chain.from_iterable(_asked(entry, name) for entry, name in names)
    while part := list(itertools.islice(rows, CHUNK)):
        text, said, problem = zip(*part, strict=True)
        found = pd.DataFrame({"text": text, "source": said}, dtype=object)
        yield found.assign(problem=pd.Series(problem, dtype=object))


def _asked(entry: Entry, name: str) -> Iterator[tuple[str, str, Problem | None]]:
    if entry.problem is not None or _suffix(entry.name) not in _TABLES:
        text, problem = documents.text_of(entry)
        yield text, references.printable(name), problem
        return
    table = table_of(entry.cell, name, columns.known)
    found = columns.roles(table, name, needs_label=False)
    for one in table.records:
        text = "" if one.problem else _joined(one, found)
        yield text, f"{references.printable(name)}:{one.line}", one.problem


# --- folders --------------------------------------------------------------------------------------


def _of_tree(tree: Tree, reading: Reading) -> tuple[pd.DataFrame, set[str]]:
    """Returns the rows, and the cells of the files that were used."""
    entries = [entry for entry in map(documents.doubted, tree.entries) if _fits(tree, entry)]
    names = next((one for one in entries if _NAMES.fullmatch(_last(one)) and not one.problem), None)
    named = [one for one in entries if one is not names and not _ABOUT.fullmatch(_last(one))]
    data = [one for one in named if one.problem is None]
    if not data:
        raise documents.none_usable(tree, named)
    depth = min(len(one.parts) for one in data)
    top = [one for one in data if len(one.parts) == depth]
    tables = [one for one in top if _suffix(one.name) in _TABLES]
    parts = {one.cell: part_of_file(_last(one)) for one in top}
    if any(parts.values()):
        closed = [one for one in named if one.problem and _is_part(one, depth)]
        chosen = [(one, part) for one in [*top, *closed] if (part := part_of_file(_last(one)))]
        return _rows(_with_train(chosen), _class_names(names), reading), _used(chosen, names)
    if len(top) == 1 and len(data) == 1:
        one = [(data[0], "")]
        return _rows(one, _class_names(names), reading), _used(one, names)
    if len(tables) > 1:
        raise UsageError(
            Message(
                "The folder has {count} tables: {tables}",
                count=len(tables),
                tables=", ".join(_last(one) for one in tables[:5]),
            ),
            code="several-manifests",
            where=str(tree.root),
            fix=Message("Give the path of one of them, or name them train, valid and test."),
        )
    if len(tables) == 1:
        return _rows([(tables[0], "")], {}, reading), {tables[0].cell}
    why = Message("files that each hold the texts of one class have no columns")
    refuse_roles(reading, ("target", "group", "time"), why, str(tree.root))
    if any(one.parts for one in data):
        return _folder_a_class(named), {one.cell for one in named if one.parts}
    return _file_a_class(data, [one for one in named if one.problem]), {one.cell for one in named}


def _used(chosen: list[tuple[Entry, str]], names: Entry | None) -> set[str]:
    return {one.cell for one, _ in chosen} | ({names.cell} if names else set())


def _last(entry: Entry) -> str:
    return entry.name.rsplit("/", 1)[-1]


def _suffix(name: str) -> str:
    last = name.rsplit("/", 1)[-1].lower().removesuffix(".gz")
    return f".{last.rpartition('.')[2]}" if "." in last[1:] else ""


def _fits(tree: Tree, entry: Entry) -> bool:
    """Returns True for a text or a table; where the name is unclear, the content decides."""
    if entry.problem is not None or _suffix(entry.name) in _TABLES:
        return True
    media = (mimetypes.guess_type(_last(entry).removesuffix(".gz"))[0] or "text/plain").split("/")
    if media[0] != "text" and _suffix(entry.name) not in _PLAIN:
        return False
    start = start_of(entry.cell, 4096)
    return not start or b"\0" not in start or start[:2] in (b"\xff\xfe", b"\xfe\xff")


def _is_part(entry: Entry, depth: int) -> bool:
    """Returns True for a table or text file that lies `depth` folders below the root.

    Such a file, if it cannot be read, may hold one part (train, valid or test) of the data.
    """
    table = _suffix(entry.name) in (*_TABLES, *_PLAIN, *documents.SPREADSHEETS)
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


def _folder_a_class(entries: list[Entry]) -> pd.DataFrame:
    """Returns one text for each file, labelled by its folder."""
    doubtful = [entry.problem is not None for entry in entries]
    places = labelled.places([entry.parts for entry in entries], doubtful)
    pairs = zip(entries, places, strict=True)
    kept = [(one, *place) for one, place in pairs if place[1] or one.folder]
    read = [documents.text_of(one) for one, *_ in kept]
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
    return table


def _file_a_class(entries: list[Entry], unusable: list[Entry]) -> pd.DataFrame:
    """Returns one text for each line, labelled by the part of its file's name that is not common.

    The common beginning and end of all file names are removed. An unusable file is one row,
    labelled by its name.
    """
    stems = [_last(one).removesuffix(".gz").removesuffix(".txt") for one in entries]
    start = len(_same(stems))
    end = len(_same([stem[start:][::-1] for stem in stems]))
    found = []
    for one, stem in zip(entries, stems, strict=True):
        label = stem[start : len(stem) - end].strip(" .-_") or stem
        for line in lines(one.cell):
            found.append(
                (line.text, label, f"{references.printable(one.name)}:{line.number}", line.problem)
            )
    for one in unusable:
        name = references.printable(one.name)
        found.append(("", name.partition(".")[0] or name, name, one.problem))
    if len(entries) < 2:
        raise DataRefused(
            Message("The texts have no labels"),
            code="no-labels",
            where=entries[0].name,
            fix=Message(
                "Put the texts into a CSV with the columns text,label, one folder for each "
                "class, or one file for each class."
            ),
        )
    names = ", ".join(dict.fromkeys(label for _, label, *_ in found))
    tell(Message("Each file is one class: {names}.", names=names))
    table = pd.DataFrame(found, columns=["text", "label", "source", "problem"], dtype=object)
    order = table.groupby("label", sort=False).cumcount().sort_values(kind="stable").index
    return table.loc[order].reset_index(drop=True)


def _same(names: list[str]) -> str:
    """Returns the common beginning of all names, cut to whole words."""
    pairs = itertools.takewhile(lambda each: len(set(each)) == 1, zip(*names, strict=False))
    same = "".join(each[0] for each in pairs) if len(names) > 1 else ""
    return re.sub(r"\w*$", "", same)  # whole words: not the d of good and bad


# --- tables ---------------------------------------------------------------------------------------


def _rows(files: list[tuple[Entry, str]], named: dict[str, str], reading: Reading) -> pd.DataFrame:
    """Returns the rows of the table files, one file for each part."""
    found, said = [], set[str]()
    for entry, part in files:
        name = references.printable(entry.name)
        if entry.problem is not None:
            problem = replace(entry.problem, uncounted=True)
            found.append(("", "", name, problem, part, *[None] * 4))
            continue
        table = table_of(entry.cell, name, columns.known_to(reading), labelled=True)
        roles = columns.roles(table, name, reading=reading)
        _tell(table, roles, _last(entry), said)
        found += [_row(one, roles, name, part) for one in table.records]
        if not table.head:
            raise DataRefused(
                Message("{name} has a header and no rows", name=name)
                if table.header
                else Message("{name} is empty", name=name),
                code="bad-manifest",
                where=name,
                fix=Message("Below the header, add one line for each text."),
            )
    frame = pd.DataFrame(
        found, columns=["text", "label", "source", "problem", *_MORE], dtype=object
    )
    frame["label"] = _named(frame["label"], named)
    return with_others(frame)


_MORE = ("split", "group", "weight", "time", "by")


def _row(one: Record, roles: columns.Roles, name: str, part: str) -> tuple[Any, ...]:
    source = f"{name}:{one.line}"
    if one.problem is not None:
        return "", "", source, one.problem, part, *[None] * 4
    label = one.cells[roles.label] if roles.label is not None else ""
    more: dict[str, Any] = {key: one.cells[at] for key, at in roles.others.items()}
    more["by"] = {key: one.cells[at] for key, at in roles.by.items()}
    split = part or str(more.get("split") or "").strip()
    rest = (more.get(name) for name in _MORE[1:])
    return _joined(one, roles), label, source, None, split, *rest


def _joined(one: Record, roles: columns.Roles) -> str:
    texts = [one.cells[at] for at in roles.texts]
    return "\n".join(str(text) for text in texts if text is not None and str(text).strip())


def _tell(table: RecordTable, roles: columns.Roles, name: str, said: set[str]) -> None:
    """Prints which columns are used, unless the sentence is in `said` (those printed before)."""
    texts = ", ".join(repr(table.names[at]) for at in roles.texts)
    if roles.label is None:
        sentence = Message(
            "texts are read from column {texts}, and there are no labels", texts=texts
        )
    else:
        sentence = Message(
            "texts are read from column {texts}, labels from column {label}",
            texts=texts,
            label=repr(table.names[roles.label]),
        )
    if not table.header:
        sentence = Message("{sentence} (the file has no header)", sentence=sentence)
    if table.encoding not in ("utf-8", "parquet"):
        coded = table.encoding.upper()
        sentence = Message("{sentence}, encoding {encoding}", sentence=sentence, encoding=coded)
    if sentence not in said:
        said.add(sentence)
        tell(Message("File {name}: {sentence}.", name=name, sentence=sentence))


def _named(labels: pd.Series, named: dict[str, str]) -> pd.Series:
    """Returns the labels, with class numbers replaced by class names if all have a name.

    `named` holds the names by number, as returned by `_class_names`.
    """
    if not named:
        return labels
    told = {str(label).strip() for label in labels if label != ""}
    for first in ("1", "0"):
        names = {key[2:]: name for key, name in named.items() if key[0] == first}
        if told <= set(names):
            tell(
                f"Class names come from the file of classes: {', '.join([*names.values()][:5])} ..."
            )
            return labels.map(lambda label, names=names: names.get(str(label).strip(), label))
    return labels


def _from_frame(frame: pd.DataFrame, reading: Reading) -> pd.DataFrame:
    """Returns the rows of a DataFrame; its columns are found as in a table file."""
    rows = [Record(row, list(cells_)) for row, cells_ in enumerate(frame.itertuples(index=False))]
    table = RecordTable(
        [str(name) for name in frame.columns], True, iter(rows), rows[:400], "utf-8"
    )
    roles = columns.roles(table, "DataFrame", reading=reading)
    found = pd.DataFrame(
        [_row(one, roles, "row", "") for one in rows],
        columns=["text", "label", "source", "problem", *_MORE],
        dtype=object,
    )
    found["source"] = frame["source"].tolist() if "source" in frame else found["source"]
    if "problem" in frame:
        kept = frame["problem"].astype(object)
        found["problem"] = kept.where(kept.notna(), None).to_numpy()
    return finished(with_others(found))
