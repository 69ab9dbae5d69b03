"""Output files of predictions, written one by one, so that large outputs need little memory."""

from __future__ import annotations

import contextlib
import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenfold.answers.files.asked_rows import NONE, AskedRows
from tenfold.core.columns import Problem
from tenfold.core.document import cell_text
from tenfold.core.lazy import lazy
from tenfold.core.results import Prediction, to_json
from tenfold.core.text import natural
from tenfold.media.files.references import printable

_arrow, _parquet = lazy("pyarrow"), lazy("pyarrow.parquet")

__all__ = ["CSV", "TABLES", "Format", "WriteAnswer", "Writer", "as_json"]

HEADER = 1 << 20
"""Maximum number of characters that are read from the first line to recognize a file."""
GROUP = 4096
"""Rows that are written to Parquet together."""
WRITTEN = "tenfold"
"""Key of the metadata of a Parquet file that names the kind of its answers."""

WriteAnswer = Callable[..., None]
"""Writes the answer for one input: (source, answer), and the asked columns where the format has
`beside`: (source, answer, asked)."""
Writer = Callable[[Path, type[Prediction], Sequence[str]], AbstractContextManager[WriteAnswer]]
"""Opens an output file: (path, class of the predictions, class names for probabilities)."""


@dataclass(frozen=True)
class Format:
    """A file format of answers: how it is written, and how an earlier output is recognized."""

    write: Writer
    wrote: Callable[[Path, type[Prediction]], bool]
    """Returns True if the header of an existing file shows that `write` wrote it."""
    beside: bool = False
    """True where the columns of the table given for prediction are written beside the answers."""


@contextlib.contextmanager
def comma_separated(
    path: Path, prediction: type[Prediction], classes: Sequence[str]
) -> Iterator[WriteAnswer]:
    """Writes CSV: source, asked columns, columns of the prediction, error, then the probability of
    each class.

    The encoding is UTF-8 with a byte order mark. Cells that a spreadsheet would run as a formula
    get a quote in front.
    """
    own, classes = prediction.columns, sorted(classes, key=natural)
    before = _header(prediction)
    names = [f"{name} (class)" if name in before else name for name in classes]
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)

        def start(asked: Sequence[str]) -> None:
            taken = _asked_names(asked, {*before, *names})
            writer.writerow(map(cell_text, [before[0], *taken, *before[1:], *names]))

        def row(source: str, asked: list[str], answer: Prediction | Problem) -> None:
            told = [cell_text(printable(source)), *map(cell_text, asked)]
            writer.writerow([*told, *_cells(answer, len(own), classes)])

        rows = AskedRows(start, row)
        yield rows.write
        rows.close()


def _header(prediction: type[Prediction]) -> list[str]:
    """The names of the columns before the classes."""
    return ["source", *prediction.columns, "error"]


def _wrote_csv(path: Path, prediction: type[Prediction]) -> bool:
    wanted = _header(prediction)
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        found = next(csv.reader([file.readline(HEADER)]), [])
    starts = range(1, len(found) - len(wanted) + 2)
    return found[:1] == wanted[:1] and any(
        found[at : at + len(wanted) - 1] == wanted[1:] for at in starts
    )


def _asked_names(asked: Sequence[str], taken: set[str]) -> list[str]:
    """The names of asked columns beside the answer, different from the names `taken`."""
    found: list[str] = []
    for name in asked:
        own = name
        while own in taken:
            own = f"{own} (asked)"
        taken.add(own)
        found.append(own)
    return found


def _cells(answer: Prediction | Problem, own: int, classes: list[str]) -> list[str | float]:
    if isinstance(answer, Problem):
        reason = cell_text(printable(answer.reason))
        return [*[""] * own, reason, *[""] * len(classes)]
    chances = answer.chances
    return [*map(cell_text, answer.cells), "", *(chances.get(name, "") for name in classes)]


@contextlib.contextmanager
def json_lines(
    path: Path, prediction: type[Prediction], classes: Sequence[str]
) -> Iterator[WriteAnswer]:
    """Writes JSON lines: the objects that `predict --json` prints, one on each line.

    The columns of the table given for prediction are in them under `asked`.
    """
    with path.open("w", encoding="utf-8") as file:

        def write(
            source: str, answer: Prediction | Problem, asked: Mapping[str, str] = NONE
        ) -> None:
            document = as_json(source, answer)
            if asked:
                document = {"source": source, "asked": dict(asked), **document}
            file.write(f"{json.dumps(document, ensure_ascii=False)}\n")

        yield write


def _wrote_json_lines(path: Path, prediction: type[Prediction]) -> bool:
    with path.open(encoding="utf-8", errors="replace") as file:
        line = file.readline(HEADER)
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return False
    if not isinstance(found, dict) or "source" not in found:
        return False
    return found.get("answer") == prediction.__name__.lower() or {*found} - {"asked"} == {
        "source",
        "error",
    }


def as_json(source: str, answer: Prediction | Problem) -> dict[str, Any]:
    """Returns an answer as JSON: `{"source", ...prediction}` or `{"source", "error"}`."""
    if isinstance(answer, Problem):
        return {"source": source, "error": answer.to_json()}
    return {"source": source, **to_json(answer)}


@contextlib.contextmanager
def parquet(
    path: Path, prediction: type[Prediction], classes: Sequence[str]
) -> Iterator[WriteAnswer]:
    """Writes Parquet with the columns of the CSV: texts, and the probabilities as numbers."""
    own, classes = prediction.columns, sorted(classes, key=natural)
    before = _header(prediction)
    names = [f"{name} (class)" if name in before else name for name in classes]
    held: list[list[Any]] = []
    with contextlib.ExitStack() as stack:
        writers: list[Any] = []

        def start(asked: Sequence[str]) -> None:
            taken = _asked_names(asked, {*before, *names})
            fields = [(name, _arrow.string()) for name in (before[0], *taken, *before[1:])]
            fields += [(name, _arrow.float64()) for name in names]
            schema = _arrow.schema(fields, metadata={WRITTEN: prediction.__name__.lower()})
            writers.append(stack.enter_context(_parquet.ParquetWriter(path, schema)))

        def row(source: str, asked: list[str], answer: Prediction | Problem) -> None:
            told: list[str | None]
            chances: dict[str, float]
            error: str | None
            if isinstance(answer, Problem):
                told, error, chances = [None] * len(own), str(printable(answer.reason)), {}
            else:
                told, error, chances = [*answer.cells], None, answer.chances
            shares = [chances.get(name) for name in classes]
            held.append([printable(source), *asked, *told, error, *shares])
            if len(held) == GROUP:
                flush()

        def flush() -> None:
            if held:
                (writer,) = writers
                columns = zip(*held, strict=True)
                arrays = [
                    _arrow.array(list(one), field.type)
                    for one, field in zip(columns, writer.schema, strict=True)
                ]
                writer.write_table(_arrow.Table.from_arrays(arrays, schema=writer.schema))
                held.clear()

        rows = AskedRows(start, row)
        yield rows.write
        rows.close()
        flush()


def _wrote_parquet(path: Path, prediction: type[Prediction]) -> bool:
    try:
        metadata = _parquet.read_schema(path).metadata or {}
    except (OSError, ValueError):
        return False
    return bool(metadata.get(WRITTEN.encode()) == prediction.__name__.lower().encode())


CSV = Format(comma_separated, _wrote_csv, beside=True)
TABLES: dict[str, Format] = {
    ".csv": CSV,
    ".jsonl": Format(json_lines, _wrote_json_lines, beside=True),
    ".parquet": Format(parquet, _wrote_parquet, beside=True),
}
"""Formats that every answer kind has, by file suffix."""
