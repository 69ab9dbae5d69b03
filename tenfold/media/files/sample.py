"""Makes a small copy of a source, to detect quickly what kind of data it holds."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

__all__ = ["small_copy"]

MAX_FOLDERS, MAX_FILES_A_FOLDER, MAX_TABLES_A_FOLDER = 60, 12, 4
MAX_BYTES = 128 << 10
"""Bytes copied from the beginning of each file: enough for names, lines and first bytes."""
MAX_ARCHIVE_BYTES = 32 << 20
"""Largest file of a format that is copied whole, such as an archive; a larger one is left out."""
_LINES = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".dat", ".data", ".conll", ".bio", ".conllu")
_TABLES = (".csv", ".tsv", ".parquet", ".json", ".jsonl")
"""Table files, which may describe the other files of their folder; a few of them are copied even
beyond MAX_FILES_A_FOLDER.
"""
_WHOLE = (*".zip .gz .tgz .bz2 .tbz2 .tbz .xz .txz .tar .parquet".split(), "")


def small_copy(source: Path, place: Path) -> Path:
    """Returns a folder or file below `place` with the first few files of each folder of `source`.

    Long files are cut, text formats at the end of a line. Where a single file is not copied, such
    as a large archive, its own path is returned.
    """
    source = source.resolve()
    if source.is_file():
        place.mkdir(parents=True, exist_ok=True)
        return _placed(source, place / source.name) or source
    for folder, names in _walked(source):
        target = place / source.name / folder.relative_to(source)
        target.mkdir(parents=True, exist_ok=True)
        for name in names:
            _placed(folder / name, target / name)
    return place / source.name


def _walked(source: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yields the folders, breadth first, with the names of their first files.

    Files named as those of an earlier folder come first: the labels of the pictures that are kept.
    """
    waiting, seen = [source], 0
    kept = set[str]()
    while waiting and seen < MAX_FOLDERS:
        folder, seen = waiting.pop(0), seen + 1
        files, partners, tables = list[str](), list[str](), list[str]()
        with contextlib.suppress(PermissionError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir():
                    waiting += [Path(entry.path)] if len(waiting) < MAX_FOLDERS else []
                elif not entry.is_file():
                    continue  # a pipe or a broken link
                elif _stems(entry.name) & kept and len(partners) < MAX_FILES_A_FOLDER:
                    partners.append(entry.name)
                elif len(files) < MAX_FILES_A_FOLDER:
                    files.append(entry.name)
                elif entry.name.lower().endswith(_TABLES) and len(tables) < MAX_TABLES_A_FOLDER:
                    tables.append(entry.name)
                elif len(waiting) >= MAX_FOLDERS:
                    break
        waiting.sort()
        files = [*partners, *files][:MAX_FILES_A_FOLDER]
        kept.update(*map(_stems, files))
        yield folder, [*files, *tables]


def _stems(name: str) -> set[str]:
    """Returns a file name up to its first dot, and without a last word such as `_mask`."""
    stem = name.partition(".")[0]
    return {stem, stem.rpartition("_")[0] or stem}


def _placed(file: Path, target: Path) -> Path | None:
    """Copies the beginning of a file, or a whole archive, to `target`, and returns `target`.

    Returns None where an archive is too large, or the file may not be read.
    """
    suffix, size = file.suffix.lower(), file.stat().st_size
    try:
        with file.open("rb") as content:
            head = content.read(MAX_BYTES)
            whole = suffix in _WHOLE or (suffix == ".json" and not _json_lines(head))
            if whole and size > MAX_ARCHIVE_BYTES:
                return None
            head += content.read(MAX_ARCHIVE_BYTES) if whole else b""
    except PermissionError:
        return None
    if suffix in _LINES and len(head) < size:
        head = _whole_lines(head)
    if head[:2] == b"\x1f\x8b":
        head = _unpacked_start(head, file.name.lower().endswith(".json.gz"))
    target.write_bytes(head)
    return target


def _json_lines(head: bytes) -> bool:
    """Returns True for JSON lines, one object per line, which may be cut after a line."""
    return re.match(rb"\s*\{[^\n]*\}\s*\n\s*\{", head) is not None


def _whole_lines(head: bytes) -> bytes:
    return head[: head.rfind(b"\n") + 1] or head


def _unpacked_start(packed: bytes, json: bool) -> bytes:
    """Returns a gzip file with the first lines of a text file packed with gzip.

    Data that are not such a text, a short text, and JSON that is one document are returned
    unchanged. `json` is True where the file name ends in `.json.gz`.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
            start = file.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error):
        return packed
    if b"\0" in start or len(start) <= MAX_BYTES or (json and not _json_lines(start)):
        return packed
    return gzip.compress(_whole_lines(start[:MAX_BYTES]), 1)
