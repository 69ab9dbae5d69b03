"""Digests and headers of all rows from their bytes, by threads, remembered between runs."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tenfold.core import system
from tenfold.core.columns import Problem
from tenfold.core.progress import advance
from tenfold.data import cache
from tenfold.media.files.references import Unreadable, fetch, file_of
from tenfold.media.image import decode
from tenfold.media.medium import Medium

__all__ = ["MEDIA", "scan"]

MEDIA = {medium.column: medium for medium in (decode.MEDIUM,)}

ScanResult = tuple[str, dict[str, int], Problem | None]


def scan(table: pd.DataFrame, root: Path | None = None) -> pd.DataFrame:
    """The table with `digest`, the columns of the headers, and `problem` where there is one.

    A row's digest is that of its medium's bytes or its text; other rows get that of their cells.
    What is remembered of files is kept apart for each `root`.
    """
    media = [medium for name, medium in MEDIA.items() if name in table]
    if not media and "text" in table:
        return table.assign(digest=[_digest(_bytes(text)) for text in table["text"]])
    if not media:
        cells = table.drop(columns=["source", "problem", "split"], errors="ignore").to_numpy()
        return table.assign(digest=[_digest(repr(row.tolist()).encode()) for row in cells])
    for medium in media:
        table = _scanned(table, medium, root)
    return table


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _scanned(table: pd.DataFrame, medium: Medium, root: Path | None) -> pd.DataFrame:
    cells, problems = table[medium.column].tolist(), table["problem"].tolist()
    memo = cache.Memo(f"{medium.column} {medium.version} {root or ''}")
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
    return _joined(table, found)


def _remembered(memo: cache.Memo, cell: Any, stamps: _Stamps) -> Any | None:
    if not isinstance(cell, str):
        return None
    file, _, part = cell.partition("#")
    return memo.get(file, part, stamps.of(file))


def _read(cells: list[Any], todo: list[int], medium: Medium, found: list[ScanResult]) -> None:
    """Whole files by threads; parts of containers in turn, as they are in memory already."""

    def work(rows: list[int]) -> None:
        for row in rows:
            found[row] = _look(cells[row], medium)

    files = [row for row in todo if isinstance(cells[row], str) and "#" not in cells[row]]
    parts = [row for row in todo if not isinstance(cells[row], str) or "#" in cells[row]]
    pieces = (files[at : at + 64] for at in range(0, len(files), 64))
    pool = ThreadPoolExecutor(system.cores())
    try:
        for number, _ in enumerate(pool.map(work, pieces)):
            advance("reading", 64 * number, len(todo))
    finally:  # what is not begun is dropped, so that Ctrl-C is heard at once
        pool.shutdown(cancel_futures=True)
    for at in range(0, len(parts), 1024):
        work(parts[at : at + 1024])
        advance("reading", len(files) + at, len(todo))


def _look(cell: Any, medium: Medium) -> ScanResult:
    try:
        content = fetch(cell)
        return _digest(_raw(content)), medium.facts(content), None
    except Unreadable as error:
        return "", {}, error.problem


def _raw(content: Any) -> bytes:
    if isinstance(content, bytes):
        return content
    array = np.ascontiguousarray(content)
    return f"{array.shape}{array.dtype.str}".encode() + array.tobytes()


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


class _Stamps:
    """(size, time) of files, each asked for once: thousands of cells may share a container."""

    def __init__(self) -> None:
        self._known: dict[str, list[int]] = {}

    def of(self, file: str) -> list[int]:
        """Size and modification time of a quoted file name; [] where it is gone."""
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


def _joined(table: pd.DataFrame, found: list[ScanResult]) -> pd.DataFrame:
    names = sorted({name for _, header, _ in found for name in header})
    columns: dict[str, Any] = {
        name: np.array([header.get(name, 0) for _, header, _ in found], np.int64) for name in names
    }
    columns["digest"] = [digest for digest, _, _ in found]
    columns["problem"] = pd.Series([problem for *_, problem in found], table.index, dtype=object)
    return table.assign(**columns)
