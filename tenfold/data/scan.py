"""Digests and file headers (such as image sizes) of all rows, read in threads and cached."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tenfold.core import system
from tenfold.core.columns import Problem
from tenfold.core.message import Message
from tenfold.core.progress import advance, tell
from tenfold.core.rows import without_reported
from tenfold.data import cache
from tenfold.media.files.references import Unreadable, fetch, file_of
from tenfold.media.medium import Medium

__all__ = ["remarked", "scan"]

ScanResult = tuple[str, dict[str, int], Problem | None]


def scan(
    table: pd.DataFrame, media: Mapping[str, Medium], root: Path | None = None
) -> pd.DataFrame:
    """Returns the table with added columns: `digest`, values of file headers, and `problem`.

    Values of file headers are, for example, the width and height of an image. `media` maps the
    input columns to their media. The digest of a row is computed from its files;
    without files, from the contents of its other inputs; if any row has no such content, from all
    cells of the row but those that are only reported by. Several files or contents are combined
    into one digest, in the order of `media`. The cache of file digests is separate for each `root`.
    """
    files = {name: medium for name, medium in media.items() if medium.files}
    if not files:
        return table.assign(digest=_content_digests(table, media))
    digests, before = [], set(table)
    for name, medium in files.items():
        table = _scanned(table, name, medium, root, set(table) - before)
        digests.append(list(table["digest"]))
    for medium in files.values():
        table = _grouped(table, medium.group_header)
    return table.assign(digest=list(map(_joint, zip(*digests, strict=True))))


def _grouped(table: pd.DataFrame, header: str) -> pd.DataFrame:
    """Returns the table with groups from a header column; unchanged where it has groups already."""
    if header not in table or "group" in table:
        return table
    groups = [f"{header} {number:x}" if number else None for number in table[header]]
    return table.assign(group=pd.Series(groups, table.index, dtype=object))


def _content_digests(table: pd.DataFrame, media: Mapping[str, Medium]) -> list[str]:
    """The digest of each row of a table without files."""
    columns = [[medium.content(cell) for cell in table[name]] for name, medium in media.items()]
    rows = list(zip(*columns, strict=True)) if columns else [()] * len(table)
    contents = [[one for one in row if one is not None] for row in rows]
    if all(contents):
        return [_joint(list(map(_digest, row))) for row in contents]
    table = without_reported(table)
    cells = table.drop(columns=["source", "problem", "split"], errors="ignore").to_numpy()
    return [_digest(repr(row.tolist()).encode()) for row in cells]


def _joint(digests: Sequence[str]) -> str:
    """Combines the digests of a row into one; empty where one of them is empty (unreadable)."""
    if len(digests) == 1 or not all(digests):
        return digests[0] if len(digests) == 1 else ""
    return _digest(" ".join(digests).encode())


def _scanned(
    table: pd.DataFrame, column: str, medium: Medium, root: Path | None, taken: set[Any]
) -> pd.DataFrame:
    """The table with digests and headers of the files of one column.

    `taken` are the header columns that other inputs have added already.
    """
    cells, problems = table[column].tolist(), table["problem"].tolist()
    memo = cache.Memo(f"{medium.name} {medium.version} {root or ''}")
    stamps = _Stamps()
    found: list[ScanResult] = [("", {}, problem) for problem in problems]
    todo = []
    for row, (cell, problem) in enumerate(zip(cells, problems, strict=True)):
        if problem is None:
            known = _remembered(memo, cell, stamps)
            if known is None:
                todo.append(row)
            else:
                found[row] = (known[0], known[1], None)
    _read(cells, todo, medium, found)
    for row in todo:
        digest, header, problem = found[row]
        if isinstance(cells[row], str) and problem is None:
            file, _, part = cells[row].partition("#")
            memo.put(file, part, stamps.of(file), [digest, header])
    memo.save()
    for remark in medium.remarks([header for _, header, _ in found]):
        tell(remark)
    return _joined(table, column, found, taken)


def remarked(table: pd.DataFrame, media: Mapping[str, Medium]) -> pd.DataFrame:
    """Returns the table; states what the headers of its files show, such as further pages."""
    for name, medium in media.items():
        if medium.files and name in table:
            headers = [_look(cell, medium)[1] for cell in table[name]]
            for remark in medium.remarks(headers):
                tell(remark)
    return table


def _remembered(memo: cache.Memo, cell: Any, stamps: _Stamps) -> Any | None:
    if not isinstance(cell, str):
        return None
    file, _, part = cell.partition("#")
    return memo.get(file, part, stamps.of(file))


def _read(cells: list[Any], todo: list[int], medium: Medium, found: list[ScanResult]) -> None:
    """Reads the cells at the positions `todo` and stores the results in `found`.

    Whole files are read in parallel threads; parts of containers are in memory already and are read
    one by one.
    """

    def work(rows: list[int]) -> None:
        for row in rows:
            found[row] = _look(cells[row], medium)

    files = [row for row in todo if isinstance(cells[row], str) and "#" not in cells[row]]
    parts = [row for row in todo if not isinstance(cells[row], str) or "#" in cells[row]]
    pieces = (files[at : at + 64] for at in range(0, len(files), 64))
    pool = ThreadPoolExecutor(system.cores())
    try:
        for number, _ in enumerate(pool.map(work, pieces)):
            advance(Message("reading"), 64 * number, len(todo))
    finally:  # pending work is cancelled, so that Ctrl-C stops at once
        pool.shutdown(cancel_futures=True)
    for at in range(0, len(parts), 1024):
        work(parts[at : at + 1024])
        advance(Message("reading"), len(files) + at, len(todo))


def _look(cell: Any, medium: Medium) -> ScanResult:
    try:
        content = fetch(cell)
        return _digest(medium.content(content) or b""), medium.header(content), None
    except Unreadable as error:
        return "", {}, error.problem


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


class _Stamps:
    """Sizes and modification times of files, looked up once for each file.

    Thousands of cells may name parts of the same container, such as a zip file.
    """

    def __init__(self) -> None:
        self._known: dict[str, list[int]] = {}

    def of(self, file: str) -> list[int]:
        """Size and modification time of a file; [] if it is missing. `file` is URL-quoted."""
        known = self._known.get(file)
        if known is None:
            known = self._known[file] = _stamp(file_of(file))
        return known


def _stamp(path: Path) -> list[int]:
    try:
        facts = path.stat()
    except OSError:
        return []
    return [facts.st_size, facts.st_mtime_ns]


def _joined(
    table: pd.DataFrame, column: str, found: list[ScanResult], taken: set[Any]
) -> pd.DataFrame:
    """The table with the scan results as columns.

    A header column whose name is in `taken` gets the name of its input as a prefix.
    """
    names = sorted({name for _, header, _ in found for name in header})
    columns: dict[str, Any] = {
        f"{column} {name}" if name in taken else name: np.array(
            [header.get(name, 0) for _, header, _ in found], np.int64
        )
        for name in names
    }
    columns["digest"] = [digest for digest, _, _ in found]
    columns["problem"] = pd.Series([problem for *_, problem in found], table.index, dtype=object)
    return table.assign(**columns)
