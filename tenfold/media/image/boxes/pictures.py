"""Finds the pictures that annotation files name, among the files of a folder or archive."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from urllib.parse import unquote

from tenfold.core.columns import Problem
from tenfold.core.message import Message
from tenfold.media.files.listing import Entry, Tree
from tenfold.media.files.parts import part_of_file, part_of_folder
from tenfold.media.files.references import printable
from tenfold.media.image.medium import IMAGE

__all__ = ["Pictures", "plain", "stem_of"]

_TEXT = frozenset(
    ".txt .md .csv .tsv .json .jsonl .xml .yaml .yml .html .py .ini .log .pdf .parquet .names "
    ".cache .npy .data .xlsx .zip .gz".split()
)
_UPLOAD = re.compile(r"[0-9a-f]{8}-(?=.)")
"""What Label Studio puts before the name of an uploaded file."""


class Pictures:
    """The pictures of a folder, found by the paths that files write.

    Letters are compared in one Unicode normal form and without case, slashes in either direction.
    `notes` counts the names that were found in another way than as written.
    """

    def __init__(self, tree: Tree) -> None:
        self.entries = [entry for entry in tree.entries if _is_picture(tree, entry)]
        self._paths: dict[str, list[Entry]] = defaultdict(list)
        self._names: dict[str, list[Entry]] = defaultdict(list)
        self._stems: dict[str, list[Entry]] = defaultdict(list)
        for entry in self.entries:
            self._paths[plain(entry.name)].append(entry)
            last = plain(entry.name).rpartition("/")[2]
            self._names[last].append(entry)
            self._stems[stem_of(last)].append(entry)
        self.notes: Counter[str] = Counter()

    def of_stem(self, path: str) -> list[Entry]:
        """Returns the pictures with the name of a file, whatever its suffix and folder."""
        return self._stems.get(stem_of(plain(path).rpartition("/")[2]), [])

    def first(self, names: Sequence[str], file: str) -> Entry | Problem:
        """Returns the picture that one of the names finds, else the problem of the first name."""
        found = [self.find(name, file) for name in names[:1]]
        for name in names[1:]:
            if isinstance(found[-1], Entry):
                break
            found.append(self.find(name, file))
        return found[-1] if isinstance(found[-1], Entry) else found[0]

    def find(self, name: str, file: str) -> Entry | Problem:
        """Returns the picture that `file` names, else the problem: none or several fit.

        It is looked for as written, below the folder of `file` and below the root; then by as many
        folders above it as fit, without its suffix, without percent-encoding, and without the
        prefix of an upload. Of several, those nearest to `file` count, those of its part, and those
        with the same letter case.
        """
        folder = file.rpartition("/")[0]
        several: list[Entry] = []
        for way, written in _written(name):
            base = f"{folder}/{written}" if folder else written
            found = self._paths.get(_resolved(base)) or self._paths.get(_resolved(written), [])
            if len(found := _same_case(name, found)) == 1:
                self._count(way)
                return found[0]
            for index, key in ((self._names, written), (self._stems, stem_of(written))):
                hits = _nearest(written, index.get(key.rpartition("/")[2], []), folder)
                hits = _same_case(name, _of_part(file, hits))
                if len(hits) == 1:
                    self._count(way or _way(written, index is self._names))
                    return hits[0]
                several = several or hits
        return _several(name, several) if several else _absent(name)

    def _count(self, way: str) -> None:
        if way:
            self.notes[way] += 1


def _way(written: str, whole: bool) -> str:
    """Returns how a name was completed: by a folder, or by another suffix than it has."""
    if whole:
        return "folder" if "/" in written else ""
    return "suffix" if stem_of(written) != written else ""


def _written(name: str) -> list[tuple[str, str]]:
    """Returns the ways to read a name: as written, decoded, without address and upload prefix."""
    name = name.strip()
    ways = {plain(name): ""}
    bare = re.sub(r"^[a-z0-9+]+://[^/]*/", "/", name.partition("?d=")[2] or name, flags=re.I)
    for one in (bare, bare.partition("?")[0], unquote(bare.partition("?")[0])):
        ways.setdefault(plain(one), "decoded")
    for one in list(ways):
        head, _, last = one.rpartition("/")
        if _UPLOAD.match(last):
            ways.setdefault(f"{head}/{_UPLOAD.sub('', last, count=1)}".lstrip("/"), "upload")
    return [(way, one) for one, way in ways.items()]


def plain(name: str) -> str:
    """Returns a path for comparison: forward slashes, NFC, no case, no leading `./`."""
    text = unicodedata.normalize("NFC", name.strip().replace("\\", "/")).casefold()
    return text.removeprefix("./").lstrip("/")


def stem_of(path: str) -> str:
    """Returns a path without the suffix of a picture or of an annotation."""
    head, dot, suffix = path.rpartition(".")
    known = f".{suffix.lower()}" in IMAGE.suffixes | IMAGE.unread | _TEXT
    return head if dot and head and not head.endswith("/") and known else path


def _resolved(path: str) -> str:
    """Returns a path without `.` and `..`."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in ("", ".", ".."):
            parts.append(part)
    return "/".join(parts)


def _nearest(written: str, entries: list[Entry], folder: str) -> list[Entry]:
    """Returns the entries with most folders of `written` above them, then nearest to `folder`."""
    if len(entries) < 2:
        return entries
    above = _resolved(written).split("/")[-2::-1]
    best = [(_common(above, plain(e.name).split("/")[-2::-1]), e) for e in entries]
    most = max(score for score, _ in best)
    kept = [entry for score, entry in best if score == most]
    own = plain(folder).split("/") if folder else []
    near = [(_common(own, plain(e.name).split("/")[:-1]), e) for e in kept]
    most = max(score for score, _ in near)
    return [entry for score, entry in near if score == most]


def _of_part(file: str, entries: list[Entry]) -> list[Entry]:
    """Returns the entries in folders of the part that a file is about, if there are any."""
    part = part_of_file(file) if len(entries) > 1 else ""
    kept = [one for one in entries if part and part in map(part_of_folder, one.parts)]
    return kept or entries


def _same_case(name: str, entries: list[Entry]) -> list[Entry]:
    """Returns the entries whose last names are written as in `name`, if there are any."""
    if len(entries) < 2:
        return entries
    last = unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2].strip())
    kept = [
        one
        for one in entries
        if unicodedata.normalize("NFC", one.name).rpartition("/")[2].startswith(last)
    ]
    return kept or entries


def _common(one: list[str], other: list[str]) -> int:
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count


def _is_picture(tree: Tree, entry: Entry) -> bool:
    if entry.folder:
        return False
    if entry.suffix in IMAGE.suffixes | IMAGE.unread:
        return True
    return entry.suffix not in _TEXT and IMAGE.looks_like(tree.start(entry))


def _absent(name: str) -> Problem:
    return Problem(
        "missing-file",
        Message("names a file that does not exist: {name!r}", name=printable(name[:200])),
        Message("Put the picture there, or remove it from the annotations."),
    )


def _several(name: str, entries: list[Entry]) -> Problem:
    return Problem(
        "ambiguous-file",
        Message(
            "fits {count} files, such as {first!r} and {second!r}",
            count=len(entries),
            first=printable(entries[0].name),
            second=printable(entries[1].name),
        ),
        Message("Write the path with its folders."),
    )
