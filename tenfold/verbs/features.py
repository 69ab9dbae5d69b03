"""Write feature vectors of inputs (the input of the network's last layer) to a file."""

from __future__ import annotations

import contextlib
import csv
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from tenfold.core.columns import Problem
from tenfold.core.document import Document, cell_text
from tenfold.core.errors import DataRefused, UsageError, nearest
from tenfold.core.language import plural, say
from tenfold.core.lazy import lazy
from tenfold.core.message import Message
from tenfold.core.progress import advance
from tenfold.core.results import SCHEMA
from tenfold.data.inputs import tables
from tenfold.data.refusals import none_readable
from tenfold.media.files.references import error_line, printable
from tenfold.run import embed
from tenfold.run import folder as run_folder
from tenfold.run.outputs import Ours, OutputPaths, placed
from tenfold.run.run import Run, open_run
from tenfold.task import Table

arrow, parquet = lazy("pyarrow"), lazy("pyarrow.parquet")

__all__ = ["Features", "features"]

SUFFIXES = (".npy", ".csv", ".parquet")
GROUP = 4096
"""Rows that are written together to Parquet, which stores statistics for each column of each group.
"""


class Features(Document):
    """The result of `features`: a document, and in Python the vectors.

    `sources` are the names of the rows of `vectors`, in the same order.
    """

    def __init__(
        self,
        content: dict[str, Any],
        text: Callable[[], str],
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
    force: bool = False,
    device: str = "auto",
    **files: Any,
) -> Features:
    """Write feature vectors of inputs (the input of the network's last layer) to a file.

    Args:
        run: Run folder.
        inputs: Files, folders, globs or archives; - reads paths from standard input.
        out: File to write: .npy, .csv or .parquet; auto = <run>-features.npy beside the run.
        force: Overwriting of existing files that tenfold did not write.
        device: Device: auto, cpu, cuda, cuda:1 ...
        files: Options of the task that name files, such as with_.

    One row for each input that can be read; the others are listed with the reason. The names of the
    rows of an .npy file are written to NAME.sources.json beside it, in order. In Python, `out=None`
    writes nothing; the result has `vectors` (N, D) and `sources`.

    Example:
        tenfold features runs/photos-image-classification-1 new/ --out new.parquet
    """
    opened = open_run(run, device).with_files(files)
    opened.refuse_made_rows("features")
    path = None if out is None else _path(opened, out, inputs, force)
    made = _Made(opened, tables(opened.task.inputs(opened.facts), inputs, opened.reading))
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
    """Iterates over names and vectors of the readable rows, one table at a time.

    The iteration fills `sources` and `unreadable` and sets `dimensions`.
    """

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
            advance(Message("features"), done, 0, Message("{count:,} inputs", count=done))

    def none(self) -> np.ndarray:
        """Returns an empty array (0, D) if at least one input could be read.

        Call it after the iteration. Raises DataRefused if there were no inputs, or if none of them
        could be read.
        """
        if self.sources:
            return np.zeros((0, self.dimensions), np.float32)
        if not self.unreadable:
            fix = Message("Give at least one row.")
            raise DataRefused(Message("The data have no rows"), code="no-rows", fix=fix)
        raise none_readable(len(self.unreadable), *self.unreadable[0])


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
    return Features(content, lambda: _text(made, content), made.sources, read)


def _text(made: _Made, content: dict[str, Any]) -> str:
    lines = [error_line(one, why) for one, why in made.unreadable]
    rows = plural(content["rows"], "row")
    lines.append(say("{rows} of {count:,} features", rows=rows, count=content["dimensions"]))
    if content["out"]:
        lines.append(say("Features: {path}", path=content["out"]))
    if content["names"]:
        lines.append(say("Names of the rows: {path}", path=content["names"]))
    return "\n".join(lines)


# --- output path ----------------------------------------------------------------------------------


def _path(run: Run, out: str | Path, inputs: Any, force: bool) -> Path:
    """The file to write; raises UsageError for an unknown suffix or a forbidden place."""
    path = run_folder.beside(run.home, "-features.npy") if str(out) == "auto" else Path(out)
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(
            Message(
                "out must end in {suffixes} or {last}, got {out!r}",
                suffixes=", ".join(SUFFIXES[:-1]),
                last=SUFFIXES[-1],
                out=str(out),
            ),
            code="bad-setting",
            where=str(out),
            fix=nearest(path.suffix.lower(), SUFFIXES)
            if path.suffix
            else Message("For example {out}.npy.", out=out),
        )
    outputs = OutputPaths.of(inputs, run, force=force)
    if path.suffix.lower() == ".npy":
        outputs.allow(_names_of(path), _is_names)
    return outputs.allow(path, _WROTE[path.suffix.lower()])


def _is_names(path: Path) -> bool:
    """True if the file begins like the list of row names that `_to_npy` writes beside its .npy."""
    with path.open("rb") as file:
        return file.read(3) == b'[\n"'


def _is_npy(path: Path) -> bool:
    """True if the file holds a float32 array (N, D) and the file of its row names is beside it."""
    try:
        found = np.load(path, mmap_mode="r")
    except ValueError:
        return False
    return found.ndim == 2 and found.dtype == np.dtype("<f4") and _names_of(path).is_file()


def _is_csv(path: Path) -> bool:
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        return _is_header(next(csv.reader([file.readline(1 << 20)]), []))


def _is_parquet(path: Path) -> bool:
    try:
        return _is_header(parquet.read_schema(path).names)
    except arrow.ArrowInvalid:
        return False


def _is_header(names: list[str]) -> bool:
    return names[:1] == ["source"] and names[1:] == [f"f{at}" for at in range(len(names) - 1)]


def _names_of(path: Path) -> Path:
    """The path of the file with the row names of an .npy file."""
    return path.with_name(f"{path.stem}.sources.json")


# --- writers --------------------------------------------------------------------------------------

Write = Callable[[list[str], np.ndarray], None]


@contextlib.contextmanager
def _placed(path: Path) -> Iterator[Write]:
    """Yields a function that writes a block; the file gets its name only when it is complete."""
    names = _names_of(path)
    with (
        placed(names) as beside,
        placed(path) as part,
        _WRITERS[path.suffix.lower()](part, beside) as write,
    ):
        yield write


@contextlib.contextmanager
def _to_npy(path: Path, beside: Path) -> Iterator[Write]:
    """Writes float32 (N, D), and the names as a JSON list in a second file."""
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
    # numpy pads the header, so that the number of rows can be filled in at the end.
    facts = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, facts)


@contextlib.contextmanager
def _to_csv(path: Path, beside: Path) -> Iterator[Write]:
    """Writes `source`, then one column per feature, with the shortest exact form of numbers."""
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
    """Writes `source`, then one float32 column per feature."""
    make = parquet.ParquetWriter  # raises for a missing package before anything is written
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


_WROTE: dict[str, Ours] = {".npy": _is_npy, ".csv": _is_csv, ".parquet": _is_parquet}
"""By suffix, whether an existing file is an earlier output."""


def _columns(vectors: np.ndarray) -> list[str]:
    return [f"f{number}" for number in range(vectors.shape[1])]


def _read_again(path: Path) -> np.ndarray:
    """The vectors (N, D) from a written file."""
    if path.suffix.lower() == ".npy":
        found: np.ndarray = np.load(path, mmap_mode="r")
        return found
    if path.suffix.lower() == ".csv":
        with path.open(newline="", encoding="utf-8-sig") as file:
            return np.array([line[1:] for line in csv.reader(file)][1:], np.float32)
    return np.column_stack(parquet.read_table(path).columns[1:])
