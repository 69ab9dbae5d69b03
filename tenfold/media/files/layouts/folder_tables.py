"""The tables in a folder or archive that name its files: one, or one for each part."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tenfold.core.errors import DataRefused, TenfoldError, UsageError
from tenfold.core.message import Message
from tenfold.core.rows import Rows
from tenfold.core.taken import Taken
from tenfold.media.files import references
from tenfold.media.files.layouts.near import ENOUGH, Near
from tenfold.media.files.listing import Entry, Tree
from tenfold.media.files.manifests import One, one_table, opened
from tenfold.media.files.parts import part_of_file, part_of_folder
from tenfold.media.files.rows_of import TableRows, rows_of
from tenfold.media.files.sheets import is_manifest, unusable
from tenfold.media.medium import Medium
from tenfold.media.reading import AS_FOUND, Reading

__all__ = ["Found", "from_tree", "outer_folders"]

Labelled = tuple[One, TableRows]
"""A table of files, and its rows."""
_ANSWER_SHEET = re.compile(r"submission|sample_?sub|提交", re.I)
_PARTS = ("train", "valid", "test")
_STRICT = (".csv", ".tsv", ".parquet")


@dataclass
class Found:
    """The rows of the tables of a folder, or None, and the tables that are not used.

    `error` is the reason why a table that names files cannot be used, and `doubtful` the rows of
    tables whose files were not found; they count where the folder cannot be read in another way.
    """

    rows: Rows | None = None
    left: list[tuple[str, Message]] = field(default_factory=list)
    error: TenfoldError | None = None
    doubtful: Rows | None = None

    def state(self, taken: Taken) -> None:
        """Adds the tables that are not used."""
        for name, why in self.left:
            taken.leave("tables", [name], 1, why)


def from_tree(tree: Tree, medium: Medium, reading: Reading = AS_FOUND) -> Found:
    """Returns the rows of the tables in a folder or archive that name files and labels.

    These are the tables at the top; else those in folders, such as one in each part. Tables of the
    parts train, valid and test are read together. A single folder around everything, as archives
    often have, is skipped. Raises UsageError where several tables can be meant, DataRefused where
    a table at the top cannot be read.
    """
    top = outer_folders(tree)
    tables = [entry for entry in tree.entries if is_manifest(entry.name)]
    for entry in tables:
        if entry.problem and len(entry.parts) == len(top):
            raise unusable(references.printable(entry.name), entry.problem.reason)
    tables = [entry for entry in tables if not entry.problem]
    if wanted := reading.value("table"):
        chosen = [e for e in tables if wanted in (e.name, e.name.rsplit("/", 1)[-1])]
        tables = chosen or tables
    upper = [entry for entry in tables if len(entry.parts) == len(top)]
    lower = [entry for entry in tables if len(entry.parts) > len(top)]
    found, folder = Found(), _Folder(tree, top, medium, reading)
    for some in (upper, lower):
        ones = [one for entry in some if (one := folder.tried(entry, found))]
        if ones:
            folder.use(ones, found)
        if found.rows is not None:
            break
    return found


def outer_folders(tree: Tree) -> list[str]:
    """Returns the names of the folders that hold everything; zip archives often have one."""
    folders = [entry.parts for entry in tree.entries]
    first, last = min(folders, default=()), max(folders, default=())
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return [name for name, _ in same]


class _Folder:
    """A folder or archive whose tables are read."""

    def __init__(self, tree: Tree, top: list[str], medium: Medium, reading: Reading) -> None:
        self._tree, self._medium, self._reading = tree, medium, reading
        self._start = "".join(f"{name}/" for name in top)
        self._root: Path = tree.root.resolve().joinpath(*top)
        self._members = {item.name.removeprefix(self._start): item for item in tree.entries}

    def near(self, name: str) -> Near:
        """Returns the resolver of the file names that the table or list `name` contains."""
        base = name.rpartition("/")[0]
        suffixes = self._medium.suffixes | self._medium.unread
        return Near(self._root, self._members, f"{base}/" if base else "", suffixes)

    def tried(self, entry: Entry, found: Found) -> One | None:
        """Returns a table that names files; adds others to the tables that are not used."""
        name = entry.name.removeprefix(self._start)
        folders = name.split("/")[:-1]
        part = part_of_file(name) or next(filter(None, map(part_of_folder, folders)), None) or ""
        try:
            table = opened(entry.cell, entry.name, self._medium, self._reading)
        except (DataRefused, UsageError) as error:
            if isinstance(error, DataRefused) and name.lower().endswith(_STRICT) and not folders:
                raise
            found.error = found.error or (error if isinstance(error, UsageError) else None)
            found.left.append((entry.name, error.message))
            return None
        near = self.near(name)
        try:
            one = one_table(table, entry.cell, entry.name, self._medium, near, self._reading, part)
        except UsageError as error:
            if error.code != "missing-column":
                raise
            found.error = found.error or error
            found.left.append((entry.name, error.message))
            return None
        one.entry = entry
        if one.named is None:
            found.left.append((entry.name, Message("no column names files")))
            return None
        return one

    def use(self, ones: list[One], found: Found) -> None:
        """Makes the rows of the tables that have labels; adds the others to those not used."""
        labelled = list[tuple[One, TableRows]]()
        for one in ones:
            try:
                labelled.append((one, one.source(self._reading)))
            except (DataRefused, UsageError) as error:
                if error.code not in ("missing-column", "two-readings"):
                    raise
                if one.share >= ENOUGH:
                    found.error = found.error or error
                why = Message("it has no labels") if one.part else Message("no column of labels")
                found.left.append((one.sheet.name, why))
        kept = self._chosen(labelled, found)
        if not kept:
            return
        if len(kept) > 1:
            kept = sorted(kept, key=lambda pair: _PARTS.index(pair[0].part))
        rows = rows_of([source for _, source in kept], self._medium, self._reading)
        tables = [one.entry for one, _ in kept]
        used = {cell for cell in rows.table[self._medium.column] if isinstance(cell, str)}
        every = self._tree.entries
        rows.ignored.extend(e.name for e in every if e.cell not in used and e not in tables)
        if all(one.share == 0 for one, _ in kept):
            found.left += [(one.sheet.name, Message("it names no file here")) for one, _ in kept]
            found.doubtful = rows
            return
        self._state_unnamed(rows, used)
        found.rows = rows

    def _state_unnamed(self, rows: Rows, used: set[str]) -> None:
        """Adds the files that no table names, by their folders."""
        unnamed = [
            entry
            for entry in self._tree.entries
            if entry.cell not in used and entry.suffix in self._medium.suffixes
        ]
        folders = sorted({entry.name.rpartition("/")[0] or entry.name for entry in unnamed})
        rows.taken.leave("files", folders, len(unnamed), Message("not named in the table"))

    def _chosen(
        self, labelled: list[tuple[One, TableRows]], found: Found
    ) -> list[tuple[One, TableRows]]:
        """Returns the table to use, or those of the parts, and adds the others to those not used.

        Raises UsageError where several can be meant.
        """
        good = [pair for pair in labelled if pair[0].share > 0] or labelled
        rest = [pair for pair in labelled if pair not in good]
        found.left += [(one.sheet.name, Message("it names no file here")) for one, _ in rest]
        forms = [one for one, _ in good if _ANSWER_SHEET.search(one.sheet.name)]
        if len(good) > len(forms):
            good = [pair for pair in good if pair[0] not in forms]
            found.left += [(one.sheet.name, Message("a form for answers")) for one in forms]
        if len(good) < 2 or all(one.part for one, _ in good):
            return good
        parts = [pair for pair in good if pair[0].part]
        if {"train"} < {one.part for one, _ in parts}:
            why = Message("the tables of the parts are used")
            found.left += [(one.sheet.name, why) for one, _ in good if not one.part]
            return parts
        names = ", ".join(_names([one for one, _ in good]))
        raise UsageError(
            Message("The folder has {count} manifests: {names}", count=len(good), names=names),
            code="several-manifests",
            where=str(self._tree.root),
            fix=Message("Choose one with --table, or give its path."),
        )


def _names(ones: Sequence[One]) -> list[str]:
    return [one.sheet.name for one in ones[:20]] + (["..."] if len(ones) > 20 else [])
