"""Write feature vectors of inputs, what the last layer of a run's network sees, to a file."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from tenfold.core.columns import Problem
from tenfold.core.document import Document, cell_text
from tenfold.core.errors import DataRefused, UsageError, nearest
from tenfold.core.lazy import lazy
from tenfold.core.progress import advance
from tenfold.core.results import SCHEMA
from tenfold.data.inputs import tables
from tenfold.media.files.references import error_line, printable
from tenfold.reporting.words import plural
from tenfold.run import embed
from tenfold.run import folder as run_folder
from tenfold.run.folder import data_of
from tenfold.run.run import Run, open_run
from tenfold.task import Table

arrow, parquet = lazy("pyarrow"), lazy("pyarrow.parquet")

__all__ = ["Features", "features"]

SUFFIXES = (".npy", ".csv", ".parquet")
GROUP = 4096
"""Rows that are written together to Parquet: it keeps facts of every column of every group."""


class Features(Document):
    """The document of `features`, and in Python the vectors themselves.

    `sources` names the rows of `vectors` in their order.
    """

    def __init__(
        self,
        content: dict[str, Any],
        text: str,
        sources: list[str],
        read: Callable[[], np.ndarray],
    ) -> None:
        super().__init__(content, text)
        self.sources, self._read = sources, read

    @property
    def vectors(self) -> np.ndarray:
        """(N, D) float32; memory-mapped where they were written as .npy."""
        return self._read()


def features(
    run: str | Path | Run,
    inputs: list[Any] | Any,
    *,
    out: str | Path | None = "auto",
    device: str = "auto",
) -> Features:
    """Write feature vectors of inputs, what the last layer of a run's network sees, to a file.

    Args:
        run: A run folder.
        inputs: Files, folders, globs, zips, or - for paths on standard input.
        out: File to write, .npy, .csv or .parquet; auto = <run>-features.npy beside the run.
        device: auto, cpu, cuda, cuda:1 ...

    One row for each input that can be read; the others are listed with their reason. Beside an
    .npy file lies NAME.sources.json, the names of its rows in order. In Python, `out=None` writes
    nothing; the result has `vectors` (N, D) and `sources`.

    Example:
        tenfold features runs/photos-image-classification-1 new/ --out new.parquet
    """
    opened = open_run(run, device)
    opened.refuse_made_rows("features")
    path = None if out is None else _path(opened, out, inputs)
    made = _Made(opened, tables(opened.task.inputs(opened.facts), inputs))
    if path is None:
        together = np.concatenate([*(vectors for _, vectors in made), made.none()])
        return _document(made, None, lambda: together)
    with _placed(path) as write:
        for names, vectors in made:
            write(names, vectors)
        made.none()
    return _document(made, path, lambda: _read_again(path))


@dataclass
class _Made:
    """Names and vectors of the rows that can be read, a table at a time; the lists grow."""

    run: Run
    handed: Iterator[Table]
    sources: list[str] = field(default_factory=list)
    unreadable: list[tuple[str, Problem]] = field(default_factory=list)
    dimensions: int = 0

    def __iter__(self) -> Iterator[tuple[list[str], np.ndarray]]:
        for table in self.handed:
            found = embed.embed(self.run, table)
            names = list(map(str, table["source"]))
            self.unreadable += [(names[row], one) for row, one in sorted(found.problems.items())]
            fine = [row for row in range(len(names)) if row not in found.problems]
            good, self.dimensions = [names[row] for row in fine], found.vectors.shape[1]
            self.sources += good
            if fine:
                yield good, found.vectors[fine]
            done = len(self.sources) + len(self.unreadable)
            advance("features", done, 0, f"{done:,} inputs")

    def none(self) -> np.ndarray:
        """No rows (0, D), once all were made.

        Raises DataRefused where not one input could be read.
        """
        if self.sources:
            return np.zeros((0, self.dimensions), np.float32)
        if not self.unreadable:
            fix = "Hand over a row or more."
            raise DataRefused("There is not one row", code="no-rows", fix=fix)
        first, problem = printable(self.unreadable[0][0]), self.unreadable[0][1]
        raise DataRefused(
            f"None of the {len(self.unreadable)} inputs can be read: {first} {problem.reason}",
            code=problem.code,
            where=first,
            fix=problem.fix,
        )


def _document(made: _Made, path: Path | None, read: Callable[[], np.ndarray]) -> Features:
    names = _names_of(path) if path is not None and path.suffix.lower() == ".npy" else None
    content = {
        "schema": SCHEMA,
        "task": made.run.task_name,
        "run": str(made.run.folder),
        "out": str(path) if path else None,
        "names": str(names) if names else None,
        "rows": len(made.sources),
        "dimensions": made.dimensions,
        "unreadable": [{"source": one, "error": why.to_json()} for one, why in made.unreadable],
    }
    lines = [error_line(one, why) for one, why in made.unreadable]
    lines += [f"{plural(len(made.sources), 'row')} of {made.dimensions:,} features"]
    lines += [f"Features: {path}"] if path else []
    lines += [f"Names of the rows: {names}"] if names else []
    return Features(content, "\n".join(lines), made.sources, read)


# --- where it goes --------------------------------------------------------------------------------


def _path(run: Run, out: str | Path, inputs: Any) -> Path:
    """The file to write: never in the run folder, which is sealed, and never among the data."""
    path = run_folder.beside(run.home, "-features.npy") if str(out) == "auto" else Path(out)
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(
            f"out must be a file that ends in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}, "
            f"got {str(out)!r}",
            code="bad-setting",
            where=str(out),
            fix=nearest(path.suffix.lower(), SUFFIXES)
            if path.suffix
            else f"For example {out}.npy.",
        )
    run_folder.refuse_inside(run.home, path, "The features")
    if any(path.resolve().is_relative_to(folder) for folder in _data_folders(run, inputs)):
        raise UsageError(
            "The features would be written into the data",
            code="bad-setting",
            where=str(path),
            fix="Give --out, a file elsewhere.",
        )
    return path


def _data_folders(run: Run, inputs: Any) -> Iterator[Path]:
    """Folders that were handed over, and the one that the run learnt from."""
    many = inputs if isinstance(inputs, (list, tuple)) else [inputs]
    named = [one for one in many if isinstance(one, (str, Path))]
    for place in [*named, data_of(run.home)]:
        if place and os.path.isdir(place):
            yield Path(place).resolve()


def _names_of(path: Path) -> Path:
    """The file with the names of the rows of an .npy file."""
    return path.with_name(f"{path.stem}.sources.json")


# --- files that grow ------------------------------------------------------------------------------

Write = Callable[[list[str], np.ndarray], None]


@contextlib.contextmanager
def _placed(path: Path) -> Iterator[Write]:
    """What writes a block; the file takes its name once it is whole, and not after an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}.") as folder:
        parts = Path(folder) / "features", Path(folder) / "sources"
        with _WRITERS[path.suffix.lower()](*parts) as write:
            yield write
        parts[0].replace(path)
        if parts[1].exists():
            parts[1].replace(_names_of(path))


@contextlib.contextmanager
def _to_npy(path: Path, beside: Path) -> Iterator[Write]:
    """float32 (N, D), and the names as a list of JSON."""
    shape = (0, 0)
    with (
        path.open("wb") as file,
        beside.open("w", encoding="utf-8", errors="backslashreplace") as names,
    ):

        def write(sources: list[str], vectors: np.ndarray) -> None:
            nonlocal shape
            if not shape[0]:
                _npy_header(file, (0, vectors.shape[1]))
            names.writelines(
                f"{',' if number or shape[0] else '['}\n{json.dumps(one, ensure_ascii=False)}"
                for number, one in enumerate(sources)
            )
            np.ascontiguousarray(vectors, "<f4").tofile(file)
            shape = (shape[0] + len(vectors), vectors.shape[1])

        yield write
        names.write("\n]\n")
        file.seek(0)
        _npy_header(file, shape)


def _npy_header(file: IO[bytes], shape: tuple[int, int]) -> None:
    # numpy leaves room in it for the first number to grow.
    facts = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, facts)


@contextlib.contextmanager
def _to_csv(path: Path, beside: Path) -> Iterator[Write]:
    """source, then a column a feature; numbers as short as they can be read back equal."""
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer, begun = csv.writer(file), False

        def write(sources: list[str], vectors: np.ndarray) -> None:
            nonlocal begun
            if not begun:
                writer.writerow(["source", *_columns(vectors)])
            begun = True
            for source, numbers in zip(sources, vectors.astype(str).tolist(), strict=True):
                writer.writerow([cell_text(printable(source)), *numbers])

        yield write


@contextlib.contextmanager
def _to_parquet(path: Path, beside: Path) -> Iterator[Write]:
    """source, then a column of float32 a feature."""
    make = parquet.ParquetWriter  # that the package is missing is said before anything is made
    waiting: list[tuple[list[str], np.ndarray]] = []
    with contextlib.ExitStack() as stack:
        files: list[Any] = []

        def flush() -> None:
            sources = [printable(one) for names, _ in waiting for one in names]
            values = np.concatenate([vectors for _, vectors in waiting])
            columns = ["source", *_columns(values)]
            block = arrow.table([sources, *np.ascontiguousarray(values.T)], columns)
            if not files:
                files.append(stack.enter_context(make(path, block.schema)))
            files[0].write_table(block)
            waiting.clear()

        def write(sources: list[str], vectors: np.ndarray) -> None:
            waiting.append((sources, vectors))
            if sum(len(names) for names, _ in waiting) >= GROUP:
                flush()

        yield write
        if waiting:
            flush()


_WRITERS: dict[str, Callable[[Path, Path], AbstractContextManager[Write]]] = {
    ".npy": _to_npy,
    ".csv": _to_csv,
    ".parquet": _to_parquet,
}


def _columns(vectors: np.ndarray) -> list[str]:
    return [f"f{number}" for number in range(vectors.shape[1])]


def _read_again(path: Path) -> np.ndarray:
    """The vectors (N, D) of a file that was written."""
    if path.suffix.lower() == ".npy":
        found: np.ndarray = np.load(path, mmap_mode="r")
        return found
    if path.suffix.lower() == ".csv":
        with path.open(newline="", encoding="utf-8-sig") as file:
            return np.array([line[1:] for line in csv.reader(file)][1:], np.float32)
    return np.column_stack(parquet.read_table(path).columns[1:])
