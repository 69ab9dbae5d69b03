"""Lists the files of a folder or an archive as entries of the same form.

A link to a target outside the folder is not followed; its entry has a Problem.
"""

from __future__ import annotations

import itertools
import os
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused, EnvironmentRefused, UsageError, nearest
from tenfold.core.message import Message
from tenfold.core.progress import tell
from tenfold.media.files import references
from tenfold.media.files.archives.kinds import kind_of, named_archive

__all__ = ["Entry", "Tree", "is_archive", "neighbours", "open_tree", "path_of"]

_JUNK = {"thumbs.db", "desktop.ini", "__macosx", "icon\r", "source.md", "readme.md"}


@dataclass(frozen=True)
class Entry:
    """One file: its name below the root (with slashes), its cell, and its problem, if any.

    The cell refers to the content of the file (see `references`). A folder whose files cannot be
    listed is an entry too, with a problem and with `folder` set.
    """

    name: str
    cell: str
    problem: Problem | None = None
    folder: bool = False

    @property
    def parts(self) -> tuple[str, ...]:
        """Returns the names of the folders above the file, in Unicode NFC.

        For the entry of a folder, its own name is included.
        """
        names = unicodedata.normalize("NFC", self.name).split("/")
        return tuple(names if self.folder else names[:-1])

    @property
    def suffix(self) -> str:
        """Returns the lower-case suffix with its dot."""
        last = self.name.rsplit("/", 1)[-1]
        return f".{last.rpartition('.')[2].lower()}" if "." in last[1:] else ""


@dataclass
class Tree:
    """All files of a folder or archive; `ignored` are hidden, system and readme files."""

    root: Path
    entries: list[Entry]
    ignored: list[str] = field(default_factory=list)

    def start(self, entry: Entry, size: int = 512) -> bytes:
        """Returns the first bytes of a file; empty where it cannot be read."""
        try:
            if "#" not in entry.cell:
                with references.opened(references.file_of(entry.cell)) as file:
                    return file.read(size)
            return bytes(references.fetch(entry.cell)[:size])
        except (OSError, references.Unreadable):
            return b""


def is_archive(path: Path) -> bool:
    """Returns True for a zip or tar archive, plain or packed, detected by content.

    A document that is a zip archive inside (.xlsx, .docx, .jar, .npz) is not one.
    """
    return kind_of(path) != ""


def path_of(source: Any) -> Path:
    """Returns the path that is given as data; raises UsageError where the data are not a path."""
    if not isinstance(source, (str, Path)) or not str(source):
        raise UsageError(
            Message("Data must be a path or a DataFrame, got {source!r}", source=source),
            code="bad-setting",
        )
    return Path(source)


def open_tree(source: Path) -> Tree:
    """Lists the files of a folder or an archive, sorted by name.

    An archive among them is not opened, which is stated. Raises UsageError where `source` does not
    exist or is neither a folder nor a file, EnvironmentRefused where the folder cannot be read,
    DataRefused for a damaged or unsafe archive, or where all files are archives.
    """
    if not os.path.exists(source):
        raise UsageError(
            Message("{source!r} does not exist", source=str(source)),
            code="no-such-path",
            where=str(source),
            fix=neighbours(source),
        )
    tree = Tree(source, [])
    if source.is_dir():
        tree.entries.extend(_walk(source.resolve(), tree.ignored))
        tree.ignored.sort()
    elif not source.is_file():
        raise UsageError(
            Message("{source!r} is neither a folder nor a file", source=str(source)),
            code="no-such-path",
            where=str(source),
        )
    else:
        tree.entries.extend(_members(source.resolve(), tree.ignored))
    tree.entries.sort(key=lambda entry: entry.name)
    _state_archives(tree)
    return tree


def _state_archives(tree: Tree) -> None:
    """States which files are archives, as these are not opened.

    Raises DataRefused where there are no other files.
    """
    inner = [entry for entry in tree.entries if named_archive(entry.name) and not entry.folder]
    if not inner:
        return
    names = ", ".join(references.printable(entry.name) for entry in inner[:3])
    names += ", ..." if len(inner) > 3 else ""
    fix = Message("Give the path of the archive itself, or unpack it.")
    if len(inner) == len(tree.entries):
        raise DataRefused(
            Message(
                "All files are archives ({names}), and an archive inside a folder or an archive "
                "is not opened",
                names=names,
            ),
            code="archive-inside",
            where=str(tree.root),
            fix=fix,
        )
    tell(
        Message(
            "Archives inside the data are not opened: {count} ({names}). {fix}",
            count=len(inner),
            names=names,
            fix=fix,
        )
    )


def neighbours(source: Path) -> Message:
    """Returns a sentence that suggests similar names for a path that does not exist."""
    parent = source.parent
    try:
        with os.scandir(parent) as found:
            names = [item.name for item in itertools.islice(found, 1000)]
    except OSError:
        return Message("{folder!r} does not exist either.", folder=str(parent))
    shown = [references.printable(name) for name in names if not name.startswith(".")]
    if not shown:
        return Message("{folder!r} is empty.", folder=str(parent))
    return nearest(source.name, shown[:200])


def _walk(root: Path, ignored: list[str]) -> Iterator[Entry]:
    """Yields an entry for each file below `root`; names of skipped files are added to `ignored`.

    Each folder is read once; links to folders are followed last.
    """
    # Strings, not Path objects, which are slow for deep folders.
    todo, links = [(str(root), "")], list[tuple[str, str]]()
    seen: set[tuple[int, int]] = set()
    while todo or links:
        folder, name = todo.pop() if todo else links.pop(0)
        try:
            if _again(folder, seen):
                ignored.append(name)
                continue
            with os.scandir(folder) as found:
                listed = sorted(found, key=lambda item: item.name)
        except OSError as error:
            yield _closed(folder, name, error)
            continue
        for item in listed:
            path = f"{name}/{item.name}" if name else item.name
            if _junk(item.name):
                ignored.append(path)
            elif item.is_symlink():
                yield from _link(item, path, root, links)
            elif item.is_dir():
                todo.append((item.path, path))
            else:
                yield _file(item, path)


def _again(folder: str, seen: set[tuple[int, int]]) -> bool:
    facts = os.stat(folder)
    known = (facts.st_dev, facts.st_ino) in seen
    seen.add((facts.st_dev, facts.st_ino))
    return known


def _closed(folder: str, name: str, error: OSError) -> Entry:
    if not name:
        raise EnvironmentRefused(
            Message("The folder cannot be read: {error}", error=error.strerror),
            code="no-permission",
            where=folder,
            fix=Message("Give yourself permission: chmod u+rx, then run the command again."),
        ) from error
    reason = Message("is a folder that cannot be read: {error}", error=error.strerror)
    return Entry(
        name,
        references.file_cell(folder),
        Problem(
            "no-permission",
            reason,
            Message("Give yourself permission: chmod u+rx, then run the command again."),
            uncounted=True,
        ),
        folder=True,
    )


def _link(
    item: os.DirEntry[str], name: str, root: Path, links: list[tuple[str, str]]
) -> Iterator[Entry]:
    target = Path(os.path.realpath(item.path))
    cell = references.file_cell(item.path)
    if not target.is_relative_to(root):
        folder = os.path.isdir(target)
        fix = (
            Message("Replace the link with a copy of the folder.")
            if folder
            else Message("Replace the link with a copy of the file.")
        )
        reason = Message("is a link to a target outside the folder")
        yield Entry(name, cell, Problem("link-out", reason, fix, uncounted=folder), folder)
    elif not os.path.exists(target):
        yield Entry(
            name,
            cell,
            Problem(
                "broken-link",
                Message("is a link whose target does not exist"),
                Message("Remove the link."),
            ),
        )
    elif target.is_dir():
        links.append((str(target), name))
    else:
        yield Entry(name, cell)


def _file(item: os.DirEntry[str], name: str) -> Entry:
    cell = references.file_cell(item.path)
    if not stat.S_ISREG(item.stat(follow_symlinks=False).st_mode):
        return Entry(
            name,
            cell,
            Problem(
                "not-a-file",
                Message("is not a regular file"),
                Message("Remove this entry from the folder."),
            ),
        )
    return Entry(name, cell)


def _members(path: Path, ignored: list[str]) -> Iterator[Entry]:
    archive = references.archive(path)
    if archive.note:
        tell(archive.note)
    for member in archive.members:
        name = member.replace("\\", "/")
        if any(_junk(part) for part in name.split("/")):
            ignored.append(name)
        else:
            yield Entry(name, references.member_cell(path, member))


def _junk(name: str) -> bool:
    return name.startswith(".") or name.lower() in _JUNK
