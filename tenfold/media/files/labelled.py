"""Reads labelled files of any medium into a table.

Layouts: manifests, lists of files, IDX files and one folder for each class, in folders or archives;
DataFrames.

Columns: the medium's own (cells), `label` or `labels`, `source` (a name to show), `problem`;
`split` where the layout gives it; `group`, `weight` and `time` where a manifest has them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from tenfold.core.errors import DataRefused, UsageError
from tenfold.core.message import Message
from tenfold.core.rows import Rows
from tenfold.core.taken import Taken
from tenfold.media.files import idx, manifests, references
from tenfold.media.files.layouts import folder_tables, lists
from tenfold.media.files.layouts.levels import LEVELS, Levels, levels, places
from tenfold.media.files.listing import Entry, Tree, is_archive, open_tree, path_of
from tenfold.media.files.parts import without_parts
from tenfold.media.files.sheets import is_manifest
from tenfold.media.medium import Medium
from tenfold.media.reading import AS_FOUND, Reading, refuse_roles

__all__ = ["places", "read"]

Source = str | Path | pd.DataFrame


def read(source: Source, medium: Medium, reading: Reading = AS_FOUND) -> Rows:
    """Reads one row for each labelled file.

    Raises UsageError or DataRefused where there is nothing to train on.
    """
    if isinstance(source, pd.DataFrame):
        return manifests.from_frame(source, medium, reading)
    path = path_of(source)
    if path.is_file() and is_manifest(path.name):
        return manifests.from_file(path, medium, reading)
    if path.is_file() and lists.is_list(path.name):
        rows = lists.from_file(path, medium, reading)
        if rows is not None:
            return replace(rows, root=path.parent)
    if path.is_file() and not is_archive(path):
        raise _a_file(path, medium)
    tree = open_tree(path)
    rows = _of_tree(tree, medium, reading)
    rows = rows.with_table(without_parts(rows.table, rows.taken, reading))
    rows.taken.tell()
    return replace(rows, root=Path(tree.root), ignored=[*tree.ignored, *rows.ignored])


def _of_tree(tree: Tree, medium: Medium, reading: Reading) -> Rows:
    """Returns the rows of the tables of a folder, else of its lists, IDX files or class folders."""
    tables = folder_tables.from_tree(tree, medium, reading)
    if tables.rows is not None:
        tables.state(tables.rows.taken)
        return tables.rows
    try:
        rows = _without_tables(tree, medium, reading, tables)
    except (DataRefused, UsageError) as error:
        if tables.doubtful is not None:
            return tables.doubtful
        raise tables.error or error from None
    if tables.error and len(set(rows.table.get("label", ()))) == 1:
        raise tables.error
    tables.state(rows.taken)
    return rows


def _without_tables(
    tree: Tree, medium: Medium, reading: Reading, tables: folder_tables.Found
) -> Rows:
    listed = lists.from_tree(tree, medium, reading)
    rows = listed.rows if listed else None
    if rows is None:
        rows = _idx_files(tree, medium, reading) or _folder_a_class(tree, medium, reading)
        if rows is None:
            raise _nothing(tree, medium, tables)
        rows = _with_lists(rows, listed) if listed else rows
    why = Message("files in folders have no columns")
    roles = [role for role in reading.roles if role != "target" or reading.target not in LEVELS]
    refuse_roles(reading, roles, why, str(tree.root))
    return rows


def _with_lists(rows: Rows, listed: lists.Listed) -> Rows:
    """Returns the rows of class folders with the parts that lists state.

    A file that stands in no list is a training row.
    """
    parts = [listed.parts.get(source, "train") for source in rows.table["source"]]
    rows.taken.role("part", listed.source)
    return rows.with_table(_interleaved(rows.table.assign(split=parts)))


def _a_file(path: Path, medium: Medium) -> UsageError:
    return UsageError(
        Message(
            "{name!r} is a file, not a folder of {plural}", name=path.name, plural=medium.plural
        ),
        code="file-for-folder",
        where=str(path),
        fix=Message(
            "Give a CSV, TSV or Parquet manifest, a folder with one folder for each class, or "
            "a zip of such a folder."
        ),
    )


def _empty(tree: Tree, medium: Medium) -> DataRefused:
    """Returns the error for a folder without files."""
    what = Message("The folder holds no files; {plural} were expected", plural=medium.plural)
    fix = Message(
        "Make one folder for each class and put its {plural} there.", plural=medium.plural
    )
    return DataRefused(what, code="empty-folder", where=str(tree.root), fix=fix)


def _nothing(tree: Tree, medium: Medium, tables: folder_tables.Found) -> DataRefused:
    """Returns the error for a folder without labelled files."""
    if not tree.entries:
        return _empty(tree, medium)
    count = sum(_wanted(tree, entry, medium) for entry in tree.entries)
    if count and tables.left:
        table, why = tables.left[0]
        return DataRefused(
            Message(
                "The {count} {plural} have no labels: the table {table} is not used ({why})",
                count=count,
                plural=medium.plural,
                table=table,
                why=why,
            ),
            code="no-labels",
            where=str(tree.root),
            fix=Message(
                "Name its columns with --{role} and --target, or sort the {plural} into one folder "
                "for each class.",
                role=medium.name,
                plural=medium.plural,
            ),
        )
    if count:
        return DataRefused(
            Message(
                "The {count} {plural} have no labels: they are not sorted into class folders",
                count=count,
                plural=medium.plural,
            ),
            code="no-labels",
            where=str(tree.root),
            fix=Message(
                "Sort them into one folder for each class, or add a CSV with the columns "
                "path,label."
            ),
        )
    return DataRefused(
        Message(
            "None of the {count} files is of a known format of {plural}",
            count=len(tree.entries),
            plural=medium.plural,
        ),
        code="no-files",
        where=str(tree.root),
        fix=Message("Known suffixes: {suffixes}.", suffixes=" ".join(sorted(medium.suffixes))),
    )


def _wanted(tree: Tree, entry: Entry, medium: Medium) -> bool:
    """Returns True for a file of the medium, by its suffix, else by its content.

    A damaged file with a matching suffix, or one in a format that is not read, is quarantined
    later, not ignored. The content of a text file is not examined.
    """
    if entry.suffix in medium.suffixes | medium.unread or entry.problem is not None:
        return True
    return entry.suffix not in _TEXT and medium.looks_like(tree.start(entry))


_TEXT = frozenset(".txt .md .csv .tsv .json .xml .yaml .yml .html .htm .py .ini .log .pdf".split())


def _folder_a_class(tree: Tree, medium: Medium, reading: Reading) -> Rows | None:
    entries = [entry for entry in tree.entries if _wanted(tree, entry, medium)]
    doubtful = [entry.problem is not None or entry.suffix in medium.unread for entry in entries]
    level = str(reading.value("target"))
    names = [entry.name for entry in entries]
    found = levels([entry.parts for entry in entries], doubtful, names, level)
    kept = [
        (entry, place)
        for entry, place in zip(entries, found.places, strict=True)
        if place.label or entry.folder or not reading.needs_labels
    ]
    if not any(place.label for _, place in kept) and (reading.needs_labels or not kept):
        return None
    table = pd.DataFrame(
        {
            medium.column: [entry.cell for entry, _ in kept],
            "label": [references.speakable(place.label) for _, place in kept],
            "source": [references.printable(entry.name) for entry, _ in kept],
            "problem": pd.Series([entry.problem for entry, _ in kept], dtype=object),
        }
    )
    for name in ("part", "group"):
        cells = [getattr(place, name) for _, place in kept]
        if any(cells):
            table["split" if name == "part" else name] = cells
    used = {id(entry) for entry, _ in kept}
    ignored = [entry.name for entry in tree.entries if id(entry) not in used]
    taken = _taken(found, medium, table)
    rows = Rows(_interleaved(table), ignored=ignored, taken=taken)
    return replace(rows, reading=reading.finding(target=found.level)) if found.level else rows


def _taken(found: Levels, medium: Medium, table: pd.DataFrame) -> Taken:
    """Returns the roles of the folders, and the folders that are not used."""
    taken = Taken(notes=list(found.notes))
    taken.role("input", Message("{plural} in folders", plural=medium.plural))
    if classes := [name for name in dict.fromkeys(table["label"]) if name]:
        taken.role("answer", found.classes, "--target" if found.level else "", classes)
    if found.parts:
        taken.role("part", found.parts)
    if "group" in table:
        taken.role("group", Message("folders and names of files"))
    for name, count, why in found.left:
        taken.leave("files", [name], count, why)
    return taken


def _interleaved(table: pd.DataFrame) -> pd.DataFrame:
    """Orders the rows round-robin over the classes, so that the first n rows are balanced."""
    keys = [name for name in ("split", "label") if name in table]
    order = table.groupby(keys, sort=False).cumcount().sort_values(kind="stable").index
    return table.loc[order].reset_index(drop=True)


def _idx_files(tree: Tree, medium: Medium, reading: Reading) -> Rows | None:
    files: dict[str, dict[str, Entry]] = {}
    for entry in tree.entries:
        if found := idx.is_name(entry.name.rsplit("/", 1)[-1]):
            files.setdefault(found[0], {})[found[1]] = entry
    if not files or not medium.arrays:
        return None
    used = {id(entry) for pair in files.values() for entry in pair.values()}
    table = pd.concat([_idx_part(tree, stem, pair) for stem, pair in sorted(files.items())])
    order = {"train": 0, "valid": 1, "test": 2}
    table = table.sort_values("split", key=lambda column: column.map(order), kind="stable")
    table = table.reset_index(drop=True)
    ignored = [entry.name for entry in tree.entries if id(entry) not in used]
    taken = Taken()
    taken.role("input", Message("{plural} in IDX files", plural=medium.plural))
    taken.role("answer", Message("labels in IDX files"))
    taken.role("part", Message("names of the files"))
    return Rows(table, ignored=ignored, taken=taken)


def _idx_part(tree: Tree, stem: str, pair: dict[str, Entry]) -> pd.DataFrame:
    if set(pair) != {"images", "labels"}:
        missing = ({"images", "labels"} - set(pair)).pop()
        raise DataRefused(
            Message(
                "The file {stem}-{missing} that belongs to {stem}-{present} is missing",
                stem=stem,
                present=next(iter(pair)),
                missing=missing,
            ),
            code="missing-file",
            where=str(tree.root),
            fix=Message("Put the {stem}-{missing}-idx file beside it.", stem=stem, missing=missing),
        )
    labels = _idx_values(pair["labels"])
    pictures = _idx_values(pair["images"])
    if len(labels) != len(pictures):
        raise DataRefused(
            Message(
                "{images} holds {count} pictures, {labels} holds {label_count} labels",
                images=pair["images"].name,
                count=len(pictures),
                labels=pair["labels"].name,
                label_count=len(labels),
            ),
            code="damaged-idx",
            where=str(tree.root),
            fix=Message("Download both files again."),
        )
    cell = pair["images"].cell + ("&item=" if "#" in pair["images"].cell else "#")
    numbers = np.arange(len(labels)).astype(str)
    return pd.DataFrame(
        {
            "image": [cell + number for number in numbers],
            "label": labels.astype(str),
            "source": [f"{pair['images'].name}#{number}" for number in numbers],
            "problem": pd.Series([None] * len(labels), dtype=object),
            "split": idx.split_of(stem),
        }
    )


def _idx_values(entry: Entry) -> np.ndarray:
    try:
        return references.items(entry.cell)
    except references.Unreadable as error:
        raise DataRefused(
            Message("{name} {reason}", name=entry.name, reason=error.problem.reason),
            code=error.problem.code,
            where=entry.name,
            fix=error.problem.fix,
        ) from error
