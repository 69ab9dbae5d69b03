"""Finds the files that a table or list names: as written, completed by a suffix or by a folder."""

from __future__ import annotations

import functools
import itertools
import os
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from tenfold.core.columns import Problem
from tenfold.core.errors import TenfoldError, UsageError
from tenfold.core.message import EMPTY, Message
from tenfold.media.files import references
from tenfold.media.files.listing import Entry, open_tree
from tenfold.media.files.parts import part_of_folder

__all__ = ["Named", "Near"]

CLEAR = 0.95
"""Least share of the names that one folder must hold, to be the folder of all of them."""
ENOUGH = 0.5
"""Least share of the names that must be found in one way, for that way to be used."""
_FORMS: tuple[Literal["NFC", "NFD"], ...] = ("NFC", "NFD")
_ABSENT = ("missing-file", "path-out")


@dataclass
class Named:
    """The files that the names in a column refer to, one entry for each name.

    `cells` are references to the files (see `references`), `problems` why a file cannot be used.
    `paths` are the names as written or, where a folder or suffix was added, the completed paths;
    "" where no file was found. `completed` is a sentence about what was added; empty for nothing.
    """

    cells: list[Any]
    problems: list[Problem | None]
    paths: list[str]
    completed: Message = EMPTY

    @property
    def share(self) -> float:
        """Share of the names whose file exists."""
        lost = ("missing-path", "ambiguous-file", *_ABSENT)
        good = sum(one is None or one.code not in lost for one in self.problems)
        return good / max(1, len(self.problems))


class Near:
    """Resolves relative paths below a root; a path that leads out of the root gives a problem.

    `members` are the files by their paths below the root; where None, they are listed when needed.
    `base` is the folder of the table below the root, with a slash at its end, or "".
    `suffixes` are those that a name may lack.
    """

    def __init__(
        self,
        root: Path,
        members: dict[str, Entry] | None,
        base: str = "",
        suffixes: Iterable[str] = (),
    ) -> None:
        self._root, self._given, self._base = root, members, base
        self._members = members or {}
        self._suffixes = frozenset(suffixes)

    def cell(self, name: str) -> tuple[str, Problem | None]:
        """Returns the cell of a path as written in the table, and its problem, if any."""
        name = _plain(name)
        if not name:
            return "", Problem(
                "missing-path",
                Message("has no path"),
                Message("Write the path, or remove the line."),
            )
        if "\0" in name:
            return "", _missing(name, Message("Remove the NUL character."))
        # macOS stores accents in file names decomposed (NFD), other systems composed (NFC).
        forms = dict.fromkeys([name, *(unicodedata.normalize(form, name) for form in _FORMS)])
        for form in forms:
            if entry := self._member(form) or self._closed(form):
                return entry.cell, entry.problem and replace(entry.problem, uncounted=False)
        start = self._root / self._base
        paths = [os.path.realpath(start / PurePosixPath(form)) for form in forms]
        path = Path(next(filter(_is_file, paths), paths[0]))
        if not path.is_relative_to(self._root):
            fix = Message("Move the file into the folder of the manifest or one of its subfolders.")
            return references.file_cell(path), Problem(
                "path-out", Message("points outside the folder"), fix
            )
        if not _is_file(str(path)):
            return references.file_cell(path), _missing(name, Message("Check the path."))
        return references.file_cell(path), None

    def named(self, values: Sequence[Any], part: str = "") -> Named:
        """Returns the files that the cells of a column name.

        The names are taken as written where that finds half of them. Otherwise a suffix is added,
        or a folder: the one subfolder that holds all, else the place of the only file that fits.
        `part` is the part that the table is about, which decides between two such folders. Raises
        UsageError where two folders hold all names.
        """
        names = ["" if _blank(value) else _plain(str(value)) for value in values]
        found = [self.cell(name) for name in names]
        exact = Named(
            [cell for cell, _ in found],
            [problem for _, problem in found],
            [
                name.removeprefix("./") if not _lost(problem) else ""
                for name, (_, problem) in zip(names, found, strict=True)
            ],
        )
        lost = [name for name, (_, problem) in zip(names, found, strict=True) if _lost(problem)]
        if not lost or len(lost) <= (1 - ENOUGH) * sum(map(bool, names)):
            return exact
        return self._completed(names, exact, part)

    def _member(self, name: str) -> Entry | None:
        plain = name.removeprefix("./")
        return self._members.get(f"{self._base}{plain}") or self._members.get(plain)

    def _closed(self, name: str) -> Entry | None:
        """Returns the entry of a folder above the file that cannot be listed; None if none."""
        above = itertools.accumulate(name.removeprefix("./").split("/")[:-1], "{}/{}".format)
        found = (self._members.get(folder) for folder in above)
        return next((entry for entry in found if entry and entry.folder), None)

    # --- names that are completed -----------------------------------------------------------------

    @functools.cached_property
    def _known(self) -> dict[str, Entry]:
        """The files by their paths below the root."""
        if self._given is not None:
            return self._given
        try:
            return {entry.name: entry for entry in open_tree(self._root).entries}
        except TenfoldError:  # a folder that cannot be listed completes no name
            return {}

    @functools.cached_property
    def _ends(self) -> dict[str, list[str]]:
        """The paths of the files by their last names, with and without their suffixes."""
        ends: dict[str, list[str]] = defaultdict(list)
        for path, entry in self._known.items():
            if entry.folder:
                continue
            last = _folded(path.rsplit("/", 1)[-1])
            ends[last].append(path)
            if entry.suffix in self._suffixes:
                ends[last[: -len(entry.suffix)]].append(path)
        return ends

    def _hits(self, name: str) -> list[tuple[str, str]]:
        """Returns the (folder, path) of the files whose paths end as the name does.

        Leading folders of the name are left out, one after the other, until a file fits.
        """
        parts = [_folded(one) for one in name.split("/") if one not in ("", ".", "..")]
        if not parts:
            return []
        paths = self._ends.get(parts[-1], [])
        if any(path.startswith(self._base) for path in paths):
            paths = [path for path in paths if path.startswith(self._base)]
        for start in range(len(parts)):
            above = parts[start:-1]
            hits = []
            for path in paths:
                folders = path.split("/")[:-1]
                cut = len(folders) - len(above)
                if cut >= 0 and [_folded(one) for one in folders[cut:]] == above:
                    hits.append(("/".join(folders[:cut]), path))
            if hits:
                return hits
        return []

    def _completed(self, names: list[str], exact: Named, part: str) -> Named:
        hits = {name: self._hits(name) for name in dict.fromkeys(names) if name}
        if not hits:
            return exact
        holds = Counter(folder for some in hits.values() for folder in {one for one, _ in some})
        folders = [folder for folder, count in holds.items() if count >= CLEAR * len(hits)]
        folder = self._one_of(folders, part, next(iter(hits), ""))
        chosen = {
            name: [path for one, path in some if folder is None or one == folder]
            for name, some in hits.items()
        }
        if sum(len(some) == 1 for some in chosen.values()) < ENOUGH * len(hits):
            return self._with_places(names, exact, hits)
        cells, problems, paths = [], [], []
        for name, cell, problem in zip(names, exact.cells, exact.problems, strict=True):
            some = chosen.get(name, [])
            entry = self._known[some[0]] if len(some) == 1 else None
            cells.append(entry.cell if entry else cell)
            paths.append(some[0] if entry else "")
            if entry:
                problems.append(entry.problem and replace(entry.problem, uncounted=False))
            else:
                problems.append(_several(name, some) if some else problem)
        return Named(cells, problems, paths, _said(folder, paths))

    def _one_of(self, folders: list[str], part: str, example: str) -> str | None:
        """Returns the folder that holds the files; None where they lie in several folders."""
        if len(folders) > 1 and part:
            folders = [
                one for one in folders if part in map(part_of_folder, one.split("/"))
            ] or folders
        if len(folders) > 1:
            raise UsageError(
                Message(
                    "The files are found in {count} folders: {name!r} is {first!r} or {second!r}",
                    count=len(folders),
                    name=references.printable(example),
                    first=references.printable(f"{folders[0]}/{example}".lstrip("/")),
                    second=references.printable(f"{folders[1]}/{example}".lstrip("/")),
                ),
                code="two-readings",
                where=str(self._root),
                fix=Message("Write the folder before each name in the table."),
            )
        return folders[0] if folders else None

    def _with_places(
        self, names: list[str], exact: Named, hits: dict[str, list[tuple[str, str]]]
    ) -> Named:
        """Returns the names as written; the problem of a missing file lists files of its name."""
        problems = [
            _several(name, [path for _, path in hits[name]])
            if hits.get(name) and _lost(problem)
            else problem
            for name, problem in zip(names, exact.problems, strict=True)
        ]
        return replace(exact, problems=problems)


def _plain(name: str) -> str:
    return name.strip().replace("\\", "/")


def _blank(value: Any) -> bool:
    return value is None or value != value


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _lost(problem: Problem | None) -> bool:
    return problem is not None and problem.code in (*_ABSENT, "missing-path")


def _is_file(path: str) -> bool:
    try:
        return os.path.isfile(path)
    except (OSError, ValueError):  # a name that no file can have
        return False


def _missing(name: str, fix: Message) -> Problem:
    shown = references.printable(name if len(name) <= 200 else f"{name[:197]}...")
    return Problem(
        "missing-file", Message("names a file that does not exist: {name!r}", name=shown), fix
    )


def _several(name: str, paths: list[str]) -> Problem:
    """Returns the problem of a name that fits files in other places, or several files."""
    if len(paths) == 1:
        fix = Message("A file with this name is {path!r}.", path=references.printable(paths[0]))
        return _missing(name, fix)
    reason = Message(
        "fits {count} files, such as {first!r} and {second!r}",
        count=len(paths),
        first=references.printable(paths[0]),
        second=references.printable(paths[1]),
    )
    return Problem("ambiguous-file", reason, Message("Write the path with its folders."))


def _said(folder: str | None, paths: list[str]) -> Message:
    """Returns a sentence on how the names were completed."""
    good = [path for path in paths if path]
    if folder is None:
        count = len({path.rpartition("/")[0] for path in good})
        return Message(
            "The files were found by their names in {count} folders, such as {path!r}",
            count=count,
            path=references.printable(good[0]),
        )
    return Message(
        "The files were found in the folder {folder!r}, such as {path!r}",
        folder=references.printable(folder) or ".",
        path=references.printable(good[0]),
    )
