"""Reads labelled files of any medium into a table.

Layouts: one folder for each class, IDX files, manifests, zip archives, DataFrames.

Columns: the medium's own (cells), `label` or `labels`, `source` (a name to show), `problem`;
`split` where the layout gives it; `group`, `weight` and `time` where a manifest has them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from tenfold.core.errors import DataRefused, UsageError
from tenfold.core.message import Message
from tenfold.core.rows import Rows
from tenfold.media.files import idx, manifests, references
from tenfold.media.files.listing import Entry, Tree, is_archive, open_tree
from tenfold.media.files.parts import part_of_folder
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
    if not isinstance(source, (str, Path)) or not str(source):
        raise UsageError(
            Message("Data must be a path or a DataFrame, got {source!r}", source=source),
            code="bad-setting",
        )
    path = Path(source)
    if path.is_file() and manifests.is_manifest(path.name):
        return manifests.from_file(path, medium, reading)
    if path.is_file() and not is_archive(path):
        raise UsageError(
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
    tree = open_tree(path)
    rows = manifests.from_tree(tree, medium, reading)
    if rows is None:
        rows = _first((_idx_files, _folder_a_class), tree, medium)
        why = Message("files in folders have no columns")
        refuse_roles(reading, ("target", "group", "time"), why, str(tree.root))
    return replace(rows, root=Path(tree.root), ignored=[*tree.ignored, *rows.ignored])


def _first(
    layouts: Iterable[Callable[[Tree, Medium], Rows | None]], tree: Tree, medium: Medium
) -> Rows:
    for layout in layouts:
        rows = layout(tree, medium)
        if rows is not None:
            return rows
    raise _nothing(tree, medium)


def _nothing(tree: Tree, medium: Medium) -> DataRefused:
    if not tree.entries:
        what = Message("The folder holds no files; {plural} were expected", plural=medium.plural)
        fix = Message(
            "Make one folder for each class and put its {plural} there.", plural=medium.plural
        )
        return DataRefused(what, code="empty-folder", where=str(tree.root), fix=fix)
    loose = [entry for entry in tree.entries if not entry.parts and _wanted(tree, entry, medium)]
    if loose:
        return DataRefused(
            Message(
                "The {count} {plural} have no labels: they are not sorted into class folders",
                count=len(loose),
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


def _folder_a_class(tree: Tree, medium: Medium) -> Rows | None:
    entries = [entry for entry in tree.entries if _wanted(tree, entry, medium)]
    doubtful = [entry.problem is not None or entry.suffix in medium.unread for entry in entries]
    found = places([entry.parts for entry in entries], doubtful)
    kept = [
        (entry, split, label)
        for entry, (split, label) in zip(entries, found, strict=True)
        if label or entry.folder
    ]
    if not kept:
        return None
    table = pd.DataFrame(
        {
            medium.column: [entry.cell for entry, _, _ in kept],
            "label": [references.speakable(label) for _, _, label in kept],
            "source": [references.printable(entry.name) for entry, _, _ in kept],
            "problem": pd.Series([entry.problem for entry, _, _ in kept], dtype=object),
        }
    )
    if any(split for _, split, _ in kept):
        table["split"] = [split for _, split, _ in kept]
    used = {id(entry) for entry, _, _ in kept}
    ignored = [entry.name for entry in tree.entries if id(entry) not in used]
    return Rows(_interleaved(table), ignored=ignored)


def places(
    folders: list[tuple[str, ...]], doubtful: list[bool] | None = None
) -> list[tuple[str, str]]:
    """Returns (part, class) of each file, derived from the names of the folders above it.

    The part is `train`, `valid`, `test` or "" (none given); the class of a file without a class
    folder is "". `doubtful` is True for files that cannot be used: only the other files decide
    which level of folders names the parts and which the classes.
    """
    unsure = doubtful or [False] * len(folders)
    usable = [parts for parts, bad in zip(folders, unsure, strict=True) if not bad] or folders
    depth = _wrappers([*usable, *filter(None, folders)])
    folders, usable = [one[depth:] for one in folders], [one[depth:] for one in usable]
    tops = {parts[0] for parts in usable if parts}
    seconds = {parts[1] if len(parts) > 1 else "" for parts in usable if parts}
    if tops and all(part_of_folder(name) for name in tops):
        return [
            (part_of_folder(parts[0]) or "", parts[1])
            if len(parts) > 1 and part_of_folder(parts[0])
            else ("", "")
            for parts in folders
        ]
    if seconds and all(part_of_folder(name) for name in seconds):
        return [
            (part_of_folder(parts[1]) or "" if len(parts) > 1 else "", parts[0])
            if parts
            else ("", "")
            for parts in folders
        ]
    return [("", parts[0] if parts else "") for parts in folders]


def _wrappers(folders: list[tuple[str, ...]]) -> int:
    """Returns the number of outer folders that hold all files; zip archives often have one."""
    depth, deepest = 0, min(map(len, folders), default=0) - 1
    while depth < deepest and len({parts[depth] for parts in folders}) == 1:
        depth += 1
    return depth


def _interleaved(table: pd.DataFrame) -> pd.DataFrame:
    """Orders the rows round-robin over the classes, so that the first n rows are balanced."""
    keys = [name for name in ("split", "label") if name in table]
    order = table.groupby(keys, sort=False).cumcount().sort_values(kind="stable").index
    return table.loc[order].reset_index(drop=True)


def _idx_files(tree: Tree, medium: Medium) -> Rows | None:
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
    return Rows(table, ignored=ignored)


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
            fix=Message("Download both again."),
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
